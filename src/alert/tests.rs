//! What the tests of alerts share: a service with two realservers, seen once a second.

mod delivery;
mod rules;
mod storm;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use healthcheck::Code;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::{Finding, Moment, Observation, Period};
use crate::config::{Action, After, Alert, Compare, Name, Occasion};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Sends everything at once and once.
fn alert() -> Alert {
    Alert {
        on: [Occasion::Down, Occasion::Up].into(),
        action: Action::Program { path: "/bin/true".into(), arguments: Vec::new() },
        services: None,
        after: After::default(),
        every: None,
        compare: Compare::default(),
        limit: None,
        period: Period::default(),
        up_after: Duration::ZERO,
        always_up: false,
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn limit(count: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(count)
}

/// A clock that shows 08:59:50 UTC on Friday, 2026-11-20 when it starts.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn after(&self, elapsed: Duration) -> Moment {
        let start = date(2026, 11, 20).at(8, 59, 50, 0).to_zoned(TimeZone::UTC).unwrap();
        Moment { instant: self.0 + elapsed, wall: start.checked_add(elapsed).unwrap() }
    }
}

fn observation(service: &str, failing: &[(&str, &str)], failures: u32) -> Observation {
    let finding = |detail: &str| Finding { code: Code::L4Connection, detail: detail.to_owned() };
    Observation {
        service: name(service),
        group: name("web"),
        realservers: vec![name("web1"), name("web2")],
        failing: failing.iter().map(|(who, detail)| (name(who), finding(detail))).collect::<BTreeMap<_, _>>(),
        failures,
        interval: seconds(6),
        held_back: None,
    }
}
