//! `on_failure`, `min_serving` and `slow_start`: how a service treats its realservers.

use std::time::Duration;

use healthcheck::{MinServing, Monitor, OnFailure, Policy};
use ipvs::{Protocol, Scheduler};
use toml::de::DeValue;

use crate::config::report::Reported;
use crate::config::section::{Fault, Section, quoted, wrong_type};
use crate::config::value;

const ON_FAILURE: [(&str, OnFailure); 2] = [("remove", OnFailure::Remove), ("quiesce", OnFailure::Quiesce)];

/// Schedulers whose hash table has slots by weight: each step of a weight would move clients.
const HASHING: [&str; 2] = ["mh", "sh"];

/// How long others must be up before a realserver that is held is let go.
const HOLD: Duration = Duration::from_secs(10);

const SHORTEST_PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);

/// Reads the policy of a service. `protocol` and `scheduler` may be wrong already.
pub(super) fn policy(
    section: &Section<'_>,
    protocol: Result<Protocol, Reported>,
    scheduler: Result<&Scheduler, Reported>,
) -> Result<Policy, Reported> {
    let on_failure = on_failure(section, protocol);
    let min_serving = section.optional("min_serving", min_serving);
    let slow_start = slow_start(section, scheduler);
    Ok(Policy {
        on_failure: on_failure?,
        min_serving: min_serving?.map_or_else(MinServing::default, |at| at.value),
        slow_start: slow_start?,
        patience: SHORTEST_PATIENCE,
        hold: HOLD,
    })
}

/// How long the slowest of these monitors takes to its first verdict.
pub(super) fn patience<'m>(monitors: impl Iterator<Item = &'m Monitor>) -> Duration {
    let verdict = |monitor: &Monitor| {
        (monitor.pace.fast_interval + monitor.timeout).saturating_mul(monitor.pace.fall.get())
    };
    monitors.map(verdict).max().unwrap_or_default().clamp(SHORTEST_PATIENCE, LONGEST_PATIENCE)
}

fn on_failure(section: &Section<'_>, protocol: Result<Protocol, Reported>) -> Result<OnFailure, Reported> {
    let Some(at) = section.optional("on_failure", |value| value::word(value, &ON_FAILURE))? else {
        return Ok(OnFailure::default());
    };
    if at.value == OnFailure::Quiesce && protocol? == Protocol::Udp {
        let what = "a UDP flow never ends by itself: one that is quiesced would go on to a dead realserver";
        return Err(section.problems.add(at.span, what, "use \"remove\", or take it out"));
    }
    Ok(at.value)
}

fn min_serving(value: &DeValue<'_>) -> Result<MinServing, Fault> {
    const HELP: &str = "write min_serving = 2 for so many realservers, or min_serving = \"50%\"";
    let text = match value {
        DeValue::Integer(_) => return Ok(MinServing::Count(value::integer(value, 0..=u32::MAX)?)),
        DeValue::String(text) => text,
        other => return Err(Fault::new(wrong_type("a number or a percentage", other), HELP)),
    };
    let digits = text.strip_suffix('%').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(percent @ 0..=100) => Ok(MinServing::Percent(percent)),
        _ => Err(Fault::new(format!("{} is not a percentage", quoted(text)), HELP)),
    }
}

fn slow_start(
    section: &Section<'_>,
    scheduler: Result<&Scheduler, Reported>,
) -> Result<Option<Duration>, Reported> {
    let bounds = ((Duration::from_secs(1), "1s"), (Duration::from_secs(24 * 60 * 60), "1d"));
    let Some(at) = section.optional("slow_start", |value| value::bounded(value, bounds.0, bounds.1))? else {
        return Ok(None);
    };
    let scheduler = scheduler?.as_str();
    if HASHING.contains(&scheduler) {
        let what =
            format!("{scheduler} hashes by weight: each step of a slow start would move other clients");
        return Err(section.problems.add(at.span, what, "take it out, or use another scheduler"));
    }
    Ok(Some(at.value))
}
