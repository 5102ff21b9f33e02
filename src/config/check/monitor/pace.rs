//! How often a monitor asks, how long it waits, and what it takes to believe the answers.

use std::num::NonZeroU32;
use std::time::Duration;

use healthcheck::Pace;
use toml::de::DeValue;

use super::keys::Kind;
use crate::config::report::Reported;
use crate::config::section::{Fault, Section};
use crate::config::value;

const SHORTEST: (Duration, &str) = (Duration::from_millis(10), "10ms");
const LONGEST_TIMEOUT: (Duration, &str) = (Duration::from_secs(60), "60s");
const LONGEST_INTERVAL: (Duration, &str) = (Duration::from_secs(24 * 60 * 60), "1d");

const TIMEOUT: Duration = Duration::from_secs(3);
const INTERVAL: Duration = Duration::from_secs(5);
/// Unless `interval` is shorter.
const FAST_INTERVAL: Duration = Duration::from_secs(1);

const RISE: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);
const FALL: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);
/// The loss of a connection that was held is no slip.
const FALL_IDLE: NonZeroU32 = NonZeroU32::MIN;

/// The most results in a row.
const MOST: u32 = 100;

pub(super) struct Timing {
    pub(super) timeout: Duration,
    pub(super) pace: Pace,
}

pub(super) fn pace(section: &Section<'_>, kind: Kind) -> Result<Timing, Reported> {
    let timeout = section.optional("timeout", |value| value::bounded(value, SHORTEST, LONGEST_TIMEOUT));
    let every = |key| section.optional(key, |value| value::bounded(value, SHORTEST, LONGEST_INTERVAL));
    let (interval, fast, down) = (every("interval"), every("fast_interval"), every("down_interval"));
    let (rise, fall) = (section.optional("rise", count), section.optional("fall", count));
    let interval = interval?.map_or(INTERVAL, |at| at.value);
    let fast_interval = match fast? {
        Some(fast) if fast.value > interval => {
            let what = "`fast_interval` is longer than `interval`";
            return Err(section.problems.add(fast.span, what, "make it shorter, or `interval` longer"));
        }
        Some(fast) => fast.value,
        None => interval.min(FAST_INTERVAL),
    };
    let default_fall = if kind == Kind::Idle { FALL_IDLE } else { FALL };
    Ok(Timing {
        timeout: timeout?.map_or(TIMEOUT, |at| at.value),
        pace: Pace {
            interval,
            fast_interval,
            down_interval: down?.map_or(interval, |at| at.value),
            rise: rise?.map_or(RISE, |at| at.value),
            fall: fall?.map_or(default_fall, |at| at.value),
        },
    })
}

fn count(value: &DeValue<'_>) -> Result<NonZeroU32, Fault> {
    let count = value::integer(value, 1..=MOST)?;
    Ok(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
}
