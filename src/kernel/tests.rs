//! What the kernel itself makes of our requests and frames. What it did is read back by other means than
//! ours.
//!
//! `CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=scripts/lab cargo test --lib -- --ignored kernel::`

mod address;
mod announce;
mod listen;
pub(crate) mod neighbour;
mod sysctl;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};

use crate::config::Interface;

pub(crate) fn interface(name: &str) -> Interface {
    Interface::new(name).unwrap()
}

/// Gives the test, and the commands that it starts, a network of their own.
pub(crate) fn enter_new_network() {
    unshare(CloneFlags::CLONE_NEWNET).expect("this needs root; run it in the lab");
    ip("link set lo up");
}

/// Runs `ip` and gives what it printed.
pub(crate) fn ip(arguments: &str) -> String {
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    let Output { status, stdout, stderr } = Command::new("ip").args(&arguments).output().unwrap();
    assert!(status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Waits for something that another process brings about.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < patience, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
