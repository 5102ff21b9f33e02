//! Every kind of probe against servers that answer, and against servers that do all else.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "all of it is tests, which may panic")]

mod dns;
mod hostile;
mod http;
mod idle;
mod ping;
mod server;
mod smtp;
mod tcp;
mod tls;
mod udp;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use healthcheck::{Check, Code, Expected, Kit, Monitor, Origin, Outcome, Pace};

/// For what ends by itself.
const LONG: Duration = Duration::from_secs(60);

/// For what ends by the timeout alone.
const SHORT: Duration = Duration::from_millis(700);

fn monitor(check: Check, timeout: Duration) -> Monitor {
    let once = NonZeroU32::MIN;
    Monitor {
        check,
        address: None,
        port: None,
        origin: Origin::default(),
        timeout,
        pace: Pace { interval: LONG, fast_interval: LONG, down_interval: LONG, rise: once, fall: once },
    }
}

/// Makes one check, with the timeout for what is expected of it.
async fn check(target: SocketAddr, check: Check, expected: Code) -> Outcome {
    let late = matches!(expected, Code::L4Timeout | Code::L6Timeout | Code::L7Timeout);
    let outcome = probe(target, &monitor(check, if late { SHORT } else { LONG })).await;
    // Far less than a timeout that begins anew would take, and far more than a slow machine needs.
    assert!(outcome.took < LONG / 2, "{outcome:?}");
    outcome
}

async fn probe(target: SocketAddr, monitor: &Monitor) -> Outcome {
    Kit::new(8).probe(target, monitor, |_| panic!("nothing to hold")).await
}

/// A target that refuses.
fn closed_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn contains(text: &str) -> Expected {
    Expected::Contains(text.into())
}
