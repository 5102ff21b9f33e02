//! Monitors: whether a realserver can serve.

#[cfg(feature = "io")]
mod dialer;
mod monitor;
mod outcome;
#[cfg(feature = "io")]
mod probe;

pub use monitor::{
    Check, Credentials, Dns, Exec, Expected, Http, HttpVersion, Monitor, Origin, Pace, Smtp, Statuses, Tls,
    Trust, Udp,
};
pub use outcome::{Code, Outcome};
#[cfg(feature = "io")]
pub use probe::Kit;
