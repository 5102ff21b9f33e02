//! Directors in a world of faults: thousands of them, each determined by its seed.
//!
//! `SEED=n` tells all that happens with one seed, `GUARD=name` leaves a guard out of it; `SECONDS=n` goes on for that
//! long, and `SEEDS=n` for at least so many, from the seed `FIRST` on. At the end each guard is left out, until a seed shows
//! what it is for.

mod attacker;
mod checks;
mod clock;
mod faults;
mod network;
mod node;
mod random;
mod setup;
mod story;
mod sweep;
mod trace;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use failover::Guard;

fn main() -> ExitCode {
    let guard = std::env::var("GUARD").ok();
    let guard = guard.and_then(|name| Guard::ALL.into_iter().find(|guard| format!("{guard:?}") == name));
    if let Some(seed) = number("SEED") {
        return sweep::replay(seed, guard, usize::MAX);
    }
    let (seeds, seconds) = match (number("SEEDS"), number("SECONDS")) {
        (None, None) => (20_000, 60),
        (seeds, seconds) => (seeds.unwrap_or(0), seconds.unwrap_or(0)),
    };
    if let Some(guard) = guard {
        return sweep::without(&[guard], seeds);
    }
    let first = number("FIRST").unwrap_or(0);
    match sweep::sweep(first, seeds, Duration::from_secs(seconds)) {
        Some(seed) => sweep::replay(seed, None, 60),
        None if seeds == 0 => ExitCode::SUCCESS,
        None => sweep::without(&Guard::ALL, seeds),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
