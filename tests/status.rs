//! `lvsd status`, as an operator meets it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use lvsd::api::{Socket, View};
use lvsd::config::Config;
use lvsd::events::Events;
use lvsd::snapshot::{Health, Problem, Snapshot};
use tokio::sync::{mpsc, watch};

fn snapshot(health: Health) -> Snapshot {
    let mut snapshot = Snapshot::empty("litsha21".into(), &Config::default(), Timestamp::UNIX_EPOCH);
    snapshot.health = health;
    if health != Health::Ok {
        snapshot.problems.push(Problem {
            severity: health,
            object: "service http".into(),
            what: "\u{1b}]0;owned\u{7}\u{9b}2J".into(),
            since: Timestamp::UNIX_EPOCH,
        });
    }
    snapshot
}

fn lvsd(socket: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsd"));
    command.arg("--socket").arg(socket).arg("status").args(arguments);
    command
}

/// Runs `status` beside a daemon that shows this.
fn beside(shown: Snapshot, look: impl FnOnce(&Path)) {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("socket");
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    let entered = runtime.enter();
    let (requests, _inbox) = mpsc::channel(1);
    let (_, snapshots) = watch::channel(Arc::new(shown));
    let view = View::new(snapshots, Events::default());
    let socket = Socket::bind(&path).expect("the path is free");
    runtime.spawn(socket.serve(requests, view, std::future::pending()));
    drop(entered);
    look(&path);
    runtime.shutdown_background();
}

fn output(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("lvsd runs");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_exit_status_is_the_verdict() {
    for (health, status, verdict) in [
        (Health::Ok, 0, "OK  "),
        (Health::Degraded, 2, "DEGRADED(1)  "),
        (Health::Critical, 2, "CRITICAL(1)  "),
    ] {
        beside(snapshot(health), |socket| {
            let (code, said, complaint) = output(lvsd(socket, &[]));
            assert_eq!((code, complaint.as_str()), (Some(status), ""), "{health:?}");
            assert!(said.starts_with(verdict), "{said}");
            assert!(!said.contains(|c: char| c != '\n' && c.is_control()), "{said:?}");

            let (code, said, _) = output(lvsd(socket, &["--json"]));
            assert_eq!(code, Some(status), "{health:?}");
            assert_eq!(serde_json::from_str::<Snapshot>(&said).unwrap(), snapshot(health));
            assert!(!said.contains(|c: char| c != '\n' && c.is_control()), "{said:?}");
        });
    }
}

#[test]
fn without_a_daemon_there_is_no_answer() {
    let (code, said, complaint) = output(lvsd(Path::new("/nonexistent/lvsd.sock"), &[]));
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complaint.contains("no daemon answers at /nonexistent/lvsd.sock"), "{complaint}");
}

#[test]
fn watching_looks_again_and_again() {
    beside(snapshot(Health::Ok), |socket| {
        let mut child = lvsd(socket, &["--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.take(2) {
            assert_eq!(serde_json::from_str::<Snapshot>(&line.unwrap()).unwrap(), snapshot(Health::Ok));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    });
}
