//! Echoes.

use std::net::SocketAddr;
use std::time::Duration;

use healthcheck::{Check, Code, Outcome};

use crate::{LONG, SHORT, monitor, probe};

/// An echo, unless the kernel lets this user have no socket for it.
async fn ping(target: &str, timeout: Duration) -> Option<Outcome> {
    let target: SocketAddr = target.parse().unwrap();
    let outcome = probe(target, &monitor(Check::Ping, timeout)).await;
    if outcome.detail.starts_with("cannot open a socket") {
        eprintln!("skipped: {}", outcome.detail);
        return None;
    }
    Some(outcome)
}

#[tokio::test]
async fn this_machine_answers() {
    for target in ["127.0.0.1:80", "[::1]:80"] {
        if let Some(outcome) = ping(target, LONG).await {
            assert_eq!(outcome.code, Code::L4Ok, "{target}: {outcome:?}");
            assert!(outcome.detail.starts_with("answered after"), "{target}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn many_echoes_at_once_find_their_own_answers() {
    // More than a socket has room for, if it gets those of the others too.
    for target in ["127.0.0.1:0", "[::1]:0"] {
        let echoes: Vec<_> = (0..500).map(|_| tokio::spawn(ping(target, LONG))).collect();
        for echo in echoes {
            if let Some(outcome) = echo.await.unwrap() {
                assert_eq!(outcome.code, Code::L4Ok, "{target}: {outcome:?}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_answers_for_no_address() {
    // Reserved (RFC 1112) and so never routed; a kernel that sends it all the same hears nothing.
    if let Some(outcome) = ping("240.0.0.1:0", SHORT).await {
        assert!(matches!(outcome.code, Code::L4Connection | Code::L4Timeout), "{outcome:?}");
    }
}
