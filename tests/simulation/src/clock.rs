//! Each node has a clock of its own: none agrees with another, and none with the truth.

use std::time::Duration;

use failover::Moment;

const BILLION: u128 = 1_000_000_000;

/// What a node takes for the time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// What it shows when the world begins.
    origin: Duration,
    /// How many of its nanoseconds there are in a second.
    rate: u64,
}

impl Clock {
    pub(crate) const fn new(origin: Duration, rate: u64) -> Self {
        Self { origin, rate }
    }

    /// What it shows at a real time.
    pub(crate) fn shows(self, real: Duration) -> Moment {
        Moment::from_origin(self.origin + scale(real, self.rate.into(), BILLION))
    }

    /// The real time at which it shows this at the earliest.
    pub(crate) fn real(self, moment: Moment) -> Duration {
        let elapsed = moment.since_origin().saturating_sub(self.origin);
        scale(elapsed, BILLION, self.rate.into())
    }
}

fn scale(time: Duration, by: u128, of: u128) -> Duration {
    Duration::from_nanos(u64::try_from((time.as_nanos() * by).div_ceil(of)).unwrap_or(u64::MAX))
}
