//! What a director shows when something fails: over TCP, on its socket, and to a shell.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use lvsd::snapshot::{Health, RealserverState, Snapshot};
use nix::sys::signal::Signal;

use super::server::{Deed, Server};
use super::{until_realserver, watched};
use crate::{
    network::Node,
    realserver::{Forward, Realserver},
    stage::Stage,
};

const PAGE: &str = "127.0.0.1:8694";

/// A request to the status page: the status line and the body.
fn ask(director: &Node, method: &str, path: &str) -> (String, String) {
    let mut stream = director.enter(|| TcpStream::connect(PAGE)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {PAGE}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

#[test]
fn who_fails_is_seen_everywhere() {
    let stage = Stage::new();
    let [good, bad]: [Realserver; 2] = stage.realservers(Forward::Nat);
    // Or it would be a problem.
    stage.director.set_sysctl("ipv4/conf/all/send_redirects", "0");
    let server = Server::start(&bad.node, 8001, Deed::Answer);
    let web = watched("web", 80, "", "type = 'http'", &[good.toml(), bad.at_port(8001)]);
    let mut director = stage.direct(&format!("{web}\n[status]\nlisten = '{PAGE}'\n"));
    until_realserver(&director, "web", "rs2", RealserverState::Up);
    until_realserver(&director, "web", "rs1", RealserverState::Up);
    let well = director.lvsd(["status"]);
    assert_eq!(well.status.code(), Some(0), "{well:?}");

    drop(server);
    until_realserver(&director, "web", "rs2", RealserverState::Down);
    let (status, body) = ask(&stage.director, "GET", "/v1/status");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let snapshot: Snapshot = serde_json::from_str(&body).unwrap();
    assert_eq!(snapshot.health, Health::Degraded);
    let objects: Vec<_> = snapshot.problems.iter().map(|problem| problem.object.as_str()).collect();
    assert_eq!(objects, ["service web", "realserver web/rs2"]);
    let what = &snapshot.problems[1].what;
    assert!(what.starts_with("down: its checks fail: L4CON connection refused ("), "{what}");

    let (status, page) = ask(&stage.director, "GET", "/");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"), "{page}");
    for word in ["degraded", "rs2", "L4CON", "connection refused"] {
        assert!(page.contains(word), "{word} in {page}");
    }
    let (status, metrics) = ask(&stage.director, "GET", "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(
        metrics.lines().any(|line| line.contains("realserver=\"rs2\"") && line.contains("L4CON")
            || line.contains("state=\"down\"")),
        "{metrics}"
    );
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ask(&stage.director, "GET", path).0, "HTTP/1.1 200 OK", "{path}");
    }
    // It shows, and does nothing.
    for path in ["/v1/reload", "/v1/release", "/v1/realserver?service=web&realserver=rs1&said=disable"] {
        assert_eq!(ask(&stage.director, "POST", path).0, "HTTP/1.1 404 Not Found", "{path}");
    }

    let ill = director.lvsd(["status"]);
    let said = String::from_utf8_lossy(&ill.stdout);
    assert_eq!(ill.status.code(), Some(2), "{ill:?}");
    for word in ["rs2", "L4CON connection refused"] {
        assert!(said.contains(word), "{word} in {said}");
    }
    let json = director.lvsd(["status", "--json"]);
    assert_eq!(json.status.code(), Some(2), "{json:?}");
    assert_eq!(serde_json::from_slice::<Snapshot>(&json.stdout).unwrap().health, Health::Degraded);

    director.stop(Signal::SIGTERM);
    let dead = director.lvsd(["status"]);
    assert_eq!(dead.status.code(), Some(1), "{dead:?}");
}
