//! Monitors: whether a realserver can serve.

#[cfg(feature = "io")]
pub mod child;
#[cfg(feature = "io")]
pub mod exec;
mod monitor;
mod outcome;

pub use monitor::{
    Check, Credentials, Dns, Exec, Expected, Http, HttpVersion, Monitor, Origin, Pace, Smtp, Statuses, Tls,
    Trust, Udp,
};
pub use outcome::{Code, Outcome};
