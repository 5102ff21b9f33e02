//! Messages as they arrive: at a program written for mon, and at a webhook.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{Clock, alert, observation, seconds};
use crate::alert::queue::{Lane, Queue};
use crate::alert::{Alerts, Delivery, Message, Round, Rules, Sender, Undelivered, arguments, environment};
use crate::config::{Action, Alert, Occasion};

fn program(name: &str, arguments: &[&str]) -> Action {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/alert/tests/programs");
    Action::Program {
        path: directory.join(name),
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
    }
}

fn webhook(url: &str) -> Action {
    Action::Webhook(url.parse().unwrap())
}

/// A sender, and what it could not deliver.
fn sender() -> (Sender, mpsc::UnboundedReceiver<Undelivered>) {
    let (report, undelivered) = mpsc::unbounded_channel();
    let sender = Sender::start("litsha21", move |failure| report.send(failure).unwrap()).unwrap();
    (sender, undelivered)
}

/// A start, an outage of a minute whose second half is worse, and its end.
fn story(alert: &Alert) -> Vec<Delivery> {
    let clock = Clock::start();
    let mut rules = Rules::new(std::slice::from_ref(alert));
    let refused = ("web1", "connection refused");
    let mut look = |second, failing: &[_]| -> Round {
        rules.observe(&clock.after(seconds(second)), &[observation("http", failing, 1)])
    };
    let rounds =
        [look(0, &[]), look(6, &[refused]), look(36, &[refused, ("web2", "no route")]), look(66, &[])];
    rounds.into_iter().flat_map(|round| round.deliveries).collect()
}

/// Waits for a file.
async fn read(path: &Path) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) => return text,
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

#[tokio::test]
async fn a_program_gets_what_mon_gives_to_its_alerts() {
    let directory = tempfile::tempdir().unwrap();
    let note = directory.path().join("note");
    let path = note.to_str().unwrap();
    let (sender, _undelivered) = sender();
    let alert = Alert {
        on: [Occasion::Down, Occasion::Up, Occasion::Startup].into(),
        action: program("dump.alert", &["-q", "two words", path]),
        every: Some(seconds(600)),
        ..alert()
    };
    // As `dump.alert` writes it: the arguments, the environment with `|` for the ends of lines, standard input.
    let expected = [
        format!(
            "<-s><http><-g><web><-h><web1 web2><-t><1795165190><-l><600><-q><two words><{path}>
MON_ALERTTYPE=startup
MON_DESCRIPTION=web http
MON_FIRST_SUCCESS=1795165190
MON_GROUP=web
MON_LAST_OUTPUT=
MON_LAST_SUCCESS=1795165190
MON_LAST_SUMMARY=
MON_OPSTATUS=7
MON_RETVAL=0
MON_SERVICE=http
"
        ),
        format!(
            "<-s><http><-g><web><-h><web1 web2><-t><1795165196><-l><600><-q><two words><{path}>
MON_ALERTTYPE=failure
MON_DESCRIPTION=web http
MON_FIRST_FAILURE=1795165196
MON_FIRST_SUCCESS=1795165190
MON_GROUP=web
MON_LAST_FAILURE=1795165196
MON_LAST_OUTPUT=web1|web1: L4CON connection refused|
MON_LAST_SUCCESS=1795165190
MON_LAST_SUMMARY=web1
MON_OPSTATUS=0
MON_RETVAL=1
MON_SERVICE=http
web1
web1: L4CON connection refused
"
        ),
        format!(
            "<-s><http><-g><web><-h><web1 web2><-t><1795165226><-l><600><-q><two words><{path}>
MON_ALERTTYPE=failure
MON_DESCRIPTION=web http
MON_FIRST_FAILURE=1795165196
MON_FIRST_SUCCESS=1795165190
MON_GROUP=web
MON_LAST_FAILURE=1795165226
MON_LAST_OUTPUT=web1 web2|web1: L4CON connection refused|web2: L4CON no route|
MON_LAST_SUCCESS=1795165190
MON_LAST_SUMMARY=web1 web2
MON_OPSTATUS=0
MON_RETVAL=1
MON_SERVICE=http
web1 web2
web1: L4CON connection refused
web2: L4CON no route
"
        ),
        // What failed last.
        format!(
            "<-s><http><-g><web><-h><web1 web2><-t><1795165256><-l><600><-u><-q><two words><{path}>
MON_ALERTTYPE=up
MON_DESCRIPTION=web http
MON_FIRST_FAILURE=1795165196
MON_FIRST_SUCCESS=1795165256
MON_GROUP=web
MON_LAST_FAILURE=1795165226
MON_LAST_OUTPUT=web1 web2|web1: L4CON connection refused|web2: L4CON no route|
MON_LAST_SUCCESS=1795165256
MON_LAST_SUMMARY=web1 web2
MON_OPSTATUS=1
MON_RETVAL=0
MON_SERVICE=http
web1 web2
web1: L4CON connection refused
web2: L4CON no route
"
        ),
    ];
    let story = story(&alert);
    assert_eq!(story.len(), expected.len());
    for (delivery, expected) in story.into_iter().zip(expected) {
        sender.send(delivery);
        assert_eq!(read(&note).await, expected);
        std::fs::remove_file(&note).unwrap();
    }
}

#[test]
fn a_list_too_long_for_the_kernel_is_cut() {
    let mut message = message("http");
    message.words.summary = "é".repeat(100_000);
    message.realservers = vec![super::name(&"x".repeat(64)); 4000];
    let variables = environment(&message);
    let summary = variables.iter().find(|(name, _)| name == "MON_LAST_SUMMARY").unwrap();
    assert_eq!(summary.1, "é".repeat(32 * 1024));
    assert!(arguments(&alert(), &message, &[]).iter().all(|argument| argument.len() <= 64 * 1024));
}

fn message(service: &str) -> Message {
    let clock = Clock::start();
    let seen = [observation(service, &[("web1", "connection refused")], 1)];
    let round = Rules::new(&[alert()]).observe(&clock.after(seconds(0)), &seen);
    round.deliveries[0].message.as_ref().clone()
}

/// A webhook that is not well at the first call.
async fn listen() -> (u16, mpsc::UnboundedReceiver<Value>) {
    let (calls, heard) = mpsc::unbounded_channel();
    let state = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let hear = move |Json(call): Json<Value>| async move {
        calls.send(call).unwrap();
        match state.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::NO_CONTENT,
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = Router::new().route("/secret", post(hear));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (port, heard)
}

#[tokio::test]
async fn a_webhook_gets_json_and_is_tried_again() {
    let (port, mut heard) = listen().await;
    let (sender, _undelivered) = sender();
    let action = webhook(&format!("http://127.0.0.1:{port}/secret"));
    let mut alerts = Alerts::new(&[Alert { action, ..alert() }], sender);
    let clock = Clock::start();
    let down = observation("http", &[("web2", "no route")], 1);
    alerts.observe(&clock.after(seconds(0)), &[down]);
    alerts.observe(&clock.after(seconds(1)), &[observation("http", &[], 0)]);
    let mut expected = json!({
        "node": "litsha21",
        "occasion": "down",
        "service": "http",
        "group": "web",
        "services": 1,
        "at": "2026-11-20T08:59:50Z",
        "summary": "web2",
        "detail": "web2: L4CON no route\n",
        "realservers": ["web1", "web2"],
        "failing": [{ "name": "web2", "code": "L4CON", "detail": "no route" }],
        "first_failure": "2026-11-20T08:59:50Z",
        "last_failure": "2026-11-20T08:59:50Z",
        "first_success": null,
        "last_success": null,
    });
    for _ in 0..2 {
        assert_eq!(heard.recv().await.unwrap(), expected);
    }
    // The end does not overtake the begin.
    expected["occasion"] = json!("up");
    expected["at"] = json!("2026-11-20T08:59:51Z");
    expected["failing"] = json!([]);
    expected["first_success"] = json!("2026-11-20T08:59:51Z");
    expected["last_success"] = json!("2026-11-20T08:59:51Z");
    assert_eq!(heard.recv().await.unwrap(), expected);
    assert_eq!(alerts.dropped(), 0);
}

#[tokio::test]
async fn what_is_not_delivered_is_reported_with_the_reason_and_without_secrets() {
    let (port, _heard) = listen().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (sender, mut undelivered) = sender();
    let table = [
        (
            program("broken.alert", &[]),
            "broken.alert was not told that http is down: exit status 3: \"no modem\"",
        ),
        (
            program("absent.alert", &[]),
            "absent.alert was not told that http is down: could not be started: No such",
        ),
        (
            webhook(&format!("http://127.0.0.1:{port}/wrong")),
            "the webhook at 127.0.0.1 was not told that http is down: it answered 404 Not Found",
        ),
        (
            webhook(&format!("http://127.0.0.1:{closed}/secret")),
            "the webhook at 127.0.0.1 was not told that http is down: error sending request: client error \
             (Connect): tcp connect error: Connection refused",
        ),
        (
            webhook(&format!("https://127.0.0.1:{port}/secret")),
            "the webhook at 127.0.0.1 was not told that http is down: error sending request: client error \
             (Connect): received corrupt message of type InvalidContentType",
        ),
    ];
    let message = Arc::new(message("http"));
    for (action, _) in &table {
        let alert = Arc::new(Alert { action: action.clone(), ..alert() });
        sender.send(Delivery { alert, message: Arc::clone(&message) });
    }
    let mut said = Vec::new();
    for _ in &table {
        said.push(undelivered.recv().await.unwrap().to_string());
    }
    for (_, expected) in table {
        assert!(said.iter().any(|said| said.contains(expected)), "{expected}\n{said:#?}");
    }
    assert!(said.iter().all(|said| !said.contains("secret")), "{said:#?}");
}

#[tokio::test]
async fn a_full_queue_drops_the_oldest_and_each_service_keeps_its_order() {
    let alert = Arc::new(alert());
    let queue = Queue::new(3);
    let push =
        |service| queue.push(Delivery { alert: Arc::clone(&alert), message: Arc::new(message(service)) });
    assert!([push("a"), push("b"), push("b")].iter().all(Option::is_none));
    assert_eq!(push("c").unwrap().message.service, "a");
    let first = queue.next(&[].into()).await;
    assert_eq!(first.message.service, "b");
    let busy = [Lane::of(&first)].into();
    assert_eq!(queue.next(&busy).await.message.service, "c");
    assert_eq!(queue.next(&[].into()).await.message.service, "b");
}

#[tokio::test]
async fn a_recipient_that_is_slow_leaves_room_for_others() {
    let queue = Queue::new(100);
    let [slow, quick] =
        ["slow", "quick"].map(|name| Arc::new(Alert { action: program(name, &[]), ..alert() }));
    // The same recipient, although another alert.
    let again = Arc::new(Alert { every: Some(seconds(60)), ..(*slow).clone() });
    for (alert, service) in [(&slow, "a"), (&again, "b"), (&slow, "c"), (&again, "d"), (&quick, "e")] {
        queue.push(Delivery { alert: Arc::clone(alert), message: Arc::new(message(service)) });
    }
    let mut busy = HashSet::new();
    let mut next = async || {
        let delivery = queue.next(&busy).await;
        busy.insert(Lane::of(&delivery));
        delivery.message.service.clone()
    };
    assert_eq!([next().await, next().await, next().await], ["a", "b", "e"]);
    let last = tokio::time::timeout(Duration::from_millis(100), queue.next(&busy)).await;
    assert!(last.is_err(), "{last:?}");
    busy.remove(&Lane::of(&Delivery { alert: slow, message: Arc::new(message("a")) }));
    assert_eq!(queue.next(&busy).await.message.service, "c");
}
