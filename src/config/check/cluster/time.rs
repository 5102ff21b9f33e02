//! How long silence may be.

use std::time::Duration;

use failover::cib::Time;

use crate::config::report::Reported;
use crate::config::section::{At, Section};
use crate::config::value;

const KEEPALIVE: Duration = Duration::from_millis(200);
const DEADTIME: Duration = Duration::from_secs(1);
const SHORTEST: (Duration, &str) = (Duration::from_millis(10), "10ms");
const LONGEST: (Duration, &str) = (Duration::from_secs(60), "60s");

/// After a start, switches take their time to let a port through.
const SHORTEST_INITDEAD: Duration = Duration::from_secs(5);

pub(super) struct Times {
    pub(super) keepalive: Duration,
    pub(super) warntime: Duration,
    pub(super) deadtime: Duration,
    pub(super) initdead: Duration,
}

/// Reads the times of a cluster, each of which bounds the next.
pub(super) fn times(section: &Section<'_>) -> Result<Times, Reported> {
    let own = |key| section.optional(key, |value| value::bounded(value, SHORTEST, LONGEST));
    let (keepalive, deadtime) = (own("keepalive"), own("deadtime"));
    let warntime = section.optional("warntime", value::duration);
    let initdead = section.optional("initdead", value::duration);
    let (keepalive_at, deadtime_at) = (keepalive?, deadtime?);
    let keepalive = or(keepalive_at, KEEPALIVE);
    let deadtime = or(deadtime_at, DEADTIME);
    if deadtime <= keepalive * 2 {
        let span = deadtime_at.or(keepalive_at).map_or(section.span, |at| at.span);
        let what = format!(
            "a deadtime of {} is not more than twice the keepalive of {}: one lost heartbeat would be \
             a death",
            Time(deadtime),
            Time(keepalive)
        );
        let help = "use a longer deadtime, or a shorter keepalive: a fifth of it is good";
        return Err(section.problems.add(span, what, help));
    }
    let warntime = warntime.and_then(|at| warning(section, at, keepalive, deadtime));
    let initdead = initdead.and_then(|at| initial(section, at, deadtime));
    Ok(Times { keepalive, warntime: warntime?, deadtime, initdead: initdead? })
}

fn warning(
    section: &Section<'_>,
    at: Option<At<Duration>>,
    keepalive: Duration,
    deadtime: Duration,
) -> Result<Duration, Reported> {
    let warntime = or(at, deadtime / 2);
    match at.filter(|_| !(keepalive..deadtime).contains(&warntime)) {
        None => Ok(warntime),
        Some(at) => {
            let what = format!(
                "a warntime of {} is not between the keepalive of {} and the deadtime of {}",
                Time(warntime),
                Time(keepalive),
                Time(deadtime)
            );
            let help = format!("use \"{}\", or take it out", Time(deadtime / 2));
            Err(section.problems.add(at.span, what, help))
        }
    }
}

fn initial(
    section: &Section<'_>,
    at: Option<At<Duration>>,
    deadtime: Duration,
) -> Result<Duration, Reported> {
    let initdead = or(at, SHORTEST_INITDEAD.max(deadtime * 2));
    match at.filter(|_| initdead < deadtime) {
        None => Ok(initdead),
        Some(at) => {
            let what = format!("this is shorter than the deadtime of {}", Time(deadtime));
            let help = format!("use \"{}\", or take it out", Time(SHORTEST_INITDEAD.max(deadtime * 2)));
            Err(section.problems.add(at.span, what, help))
        }
    }
}

fn or(at: Option<At<Duration>>, default: Duration) -> Duration {
    at.map_or(default, |at| at.value)
}
