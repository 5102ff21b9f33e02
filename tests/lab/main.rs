//! Packets through a real kernel. Runs in the guest:
//! `CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=scripts/lab cargo test --test lab [FILTER]`.
//!
//! The guest has this machine's programs. The tests use iproute2, ipvsadm, nftables, nginx and tcpdump.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "all of it is tests, which may panic")]

mod client;
mod director;
mod load;
mod lone;
mod network;
mod nginx;
mod patience;
mod realserver;
mod responder;
mod stage;

mod bad_input;
mod cluster;
mod daemon;
mod drain;
mod drift;
mod forwarding;
mod fwmark;
mod host;
mod ipvsadm;
mod monitors;
mod no_ipvs;
mod persistence;
mod plan;
mod release;
mod reload;
mod restarts;
mod schedulers;
mod self_test;
mod snat;
mod udp;
mod web_farm;

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// Serves every in-process server of every test: a socket stays in the namespace it was opened in,
/// so one thread is enough for all of them.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime")
    })
}
