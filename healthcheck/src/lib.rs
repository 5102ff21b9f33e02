//! Monitors: whether a realserver can serve.

mod board;
#[cfg(feature = "io")]
pub mod child;
#[cfg(feature = "io")]
mod dialer;
#[cfg(feature = "io")]
pub mod exec;
mod monitor;
mod outcome;
mod pool;
#[cfg(feature = "io")]
mod probe;
#[cfg(feature = "io")]
mod run;
mod verdict;

pub use board::{Board, Change, CheckId, Finding, Standing, Start, Subject};
pub use monitor::{
    Check, Credentials, Dns, Exec, Expected, Http, HttpVersion, Monitor, Origin, Pace, Smtp, Statuses, Tls,
    Trust, Udp,
};
pub use outcome::{Code, Outcome};
pub use pool::{Decision, Member, MinServing, OnFailure, Place, Policy, Pool, Reason, Seat, Status, Word};
#[cfg(feature = "io")]
pub use probe::Kit;
#[cfg(feature = "io")]
pub use run::{Checks, Counters, Held, Lateness, Overview};
pub use verdict::{Health, Streak, Verdict};
