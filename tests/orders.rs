//! `lvsd node` and `lvsd vip`, as an operator meets them.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use jiff::Timestamp;
use lvsd::api::{Socket, View};
use lvsd::config::Config;
use lvsd::director::{Refusal, Request};
use lvsd::events::Events;
use lvsd::snapshot::Snapshot;
use tokio::sync::{mpsc, watch};

/// Answers with what was asked; one node stands alone.
async fn answer(mut inbox: mpsc::Receiver<Request>) {
    while let Some(request) = inbox.recv().await {
        let (said, reply) = match request {
            Request::Standby { node: Some(node), reply, .. } if node == "alone" => {
                drop(reply.send(Err(Refusal::Alone)));
                continue;
            }
            Request::Standby { node, standby, reply } => (format!("{node:?} {standby}"), reply),
            Request::Move { vip, to, reply } => (format!("{vip} {to:?}"), reply),
            _ => continue,
        };
        drop(reply.send(Ok(said)));
    }
}

fn output(socket: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsd"));
    command.arg("--socket").arg(socket).args(arguments);
    let Output { status, stdout, stderr } = command.output().expect("lvsd runs");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn an_operators_word_reaches_the_director() {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("socket");
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    let entered = runtime.enter();
    let (requests, inbox) = mpsc::channel(1);
    let shown = Snapshot::empty("a".into(), &Config::default(), Timestamp::UNIX_EPOCH);
    let (_, snapshots) = watch::channel(Arc::new(shown));
    let socket = Socket::bind(&path).expect("the path is free");
    runtime.spawn(answer(inbox));
    runtime.spawn(socket.serve(requests, View::new(snapshots, Events::default()), std::future::pending()));
    drop(entered);

    // (arguments, exit status, on standard output, on standard error)
    let table: [(&[&str], i32, &str, &str); 7] = [
        (&["node", "standby"], 0, "None true\n", ""),
        (&["node", "standby", "b"], 0, "Some(\"b\") true\n", ""),
        (&["node", "online", "b"], 0, "Some(\"b\") false\n", ""),
        (&["node", "standby", "alone"], 1, "", "this director stands alone; the file has no [cluster]\n"),
        (&["vip", "move", "web", "b&c"], 0, "web Node(\"b&c\")\n", ""),
        (&["vip", "move", "web"], 0, "web Elsewhere\n", ""),
        (&["vip", "release", "web"], 0, "web Anywhere\n", ""),
    ];
    for (arguments, status, said, complaint) in table {
        let expected = (Some(status), said.to_owned(), complaint.to_owned());
        assert_eq!(output(&path, arguments), expected, "{arguments:?}");
    }
    runtime.shutdown_background();
}

#[test]
fn without_a_daemon_nothing_is_done() {
    for arguments in [&["node", "standby"][..], &["vip", "release", "web"]] {
        let (code, said, complaint) = output(Path::new("/nonexistent/lvsd.sock"), arguments);
        assert_eq!((code, said.as_str()), (Some(1), ""));
        assert!(complaint.contains("no daemon answers at /nonexistent/lvsd.sock"), "{complaint}");
    }
}
