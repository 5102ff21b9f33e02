//! Monitors: whether a realserver can serve.

mod board;
mod monitor;
mod outcome;
mod verdict;

pub use board::{Board, Change, CheckId, Finding, Standing, Start, Subject};
pub use monitor::{
    Check, Credentials, Dns, Exec, Expected, Http, HttpVersion, Monitor, Origin, Pace, Smtp, Statuses, Tls,
    Trust, Udp,
};
pub use outcome::{Code, Outcome};
pub use verdict::{Health, Streak, Verdict};
