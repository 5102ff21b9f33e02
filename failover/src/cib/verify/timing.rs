//! Times that do not fit together.

use std::time::Duration;

use super::Finding;
use crate::cib::Time;

/// The times of a cluster, as the file has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// How often a node says that it is there.
    pub keepalive: Duration,
    /// Silence that is told.
    pub warntime: Duration,
    /// Silence that means death, and the length of a lease.
    pub deadtime: Duration,
    /// How long a node without memory grants nothing.
    pub initdead: Duration,
    /// How long what pings say must have stayed as it is.
    pub dampen: Option<Duration>,
}

impl Times {
    /// What does not fit: none of it is an error, and all of it is seen by operators at night.
    #[must_use]
    pub fn verify(&self) -> Vec<Finding> {
        let Self { keepalive, warntime, deadtime, initdead, dampen } = *self;
        let dampened = dampen.unwrap_or(Duration::MAX);
        // (what is too short, the key that says it, what mends it)
        let table = [
            (
                deadtime < keepalive * 4,
                "deadtime",
                format!(
                    "a deadtime of {} is less than four times the keepalive of {}: a few lost \
                     heartbeats are taken for a death",
                    Time(deadtime),
                    Time(keepalive)
                ),
                format!("use {} or more", Time(keepalive * 4)),
            ),
            (
                warntime < keepalive * 2,
                "warntime",
                format!(
                    "a warntime of {} is less than twice the keepalive of {}: each lost heartbeat \
                     is told",
                    Time(warntime),
                    Time(keepalive)
                ),
                format!("use {} or more", Time(keepalive * 2)),
            ),
            (
                initdead < deadtime + deadtime / 50,
                "initdead",
                format!(
                    "an initdead of {} is hardly more than the deadtime of {}: clocks that differ \
                     use it up",
                    Time(initdead),
                    Time(deadtime)
                ),
                format!("use {} or more", Time(deadtime * 2)),
            ),
            (
                dampened <= deadtime,
                "ping",
                format!(
                    "a dampen of {} is not more than the deadtime of {}: vips move for a ping host \
                     before it is known that a node is dead",
                    Time(dampened),
                    Time(deadtime)
                ),
                format!("use {} or more", Time(deadtime * 2)),
            ),
        ];
        let wrong = table.into_iter().filter(|(wrong, ..)| *wrong);
        wrong.map(|(_, key, what, help)| Finding::warning("timing", key, what, help)).collect()
    }
}
