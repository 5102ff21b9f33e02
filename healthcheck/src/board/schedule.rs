//! When checks begin: evenly spread, in a phase that does not drift, and never by the hundred at one instant.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::CheckId;
use crate::Pace;

/// The share of the interval by which a check may begin after its phase.
const JITTER: u32 = 16;

/// Checks begin at multiples of this, so that those that are due within it share the work of waking up, which is a good
/// part of what a check costs.
const BEAT: Duration = Duration::from_millis(20);
/// An interval of at least so many beats is one that they do not blur.
const MANY: u32 = 16;

/// When the next check of a probe begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// Exactly an interval after the phase before it.
    phase: Instant,
    /// The phase and a bit of chance.
    start: Instant,
}

/// The checks that are to begin, in order.
#[derive(Debug)]
pub(super) struct Schedule {
    starts: BTreeSet<(Instant, CheckId)>,
    chance: Chance,
    /// When the first probe came, from where beats are counted.
    origin: Option<Instant>,
}

impl Schedule {
    pub(super) const fn new(seed: u64) -> Self {
        Self { starts: BTreeSet::new(), chance: Chance(seed), origin: None }
    }

    /// Enters a new probe: its first check begins before the shorter of its intervals is over, or a beat later.
    pub(super) fn first(&mut self, now: Instant, id: CheckId, pace: &Pace) -> Slot {
        self.origin.get_or_insert(now);
        let interval = pace.fast_interval.min(pace.interval);
        let phase = now + self.chance.below(interval);
        self.enter(id, Slot { phase, start: self.beat(phase, interval) })
    }

    /// Enters the check after the one in `last`, which ended now; what was missed meanwhile is left out.
    pub(super) fn next(&mut self, now: Instant, id: CheckId, last: Slot, interval: Duration) -> Slot {
        let period = nanos(interval).max(1);
        let behind = nanos(now.saturating_duration_since(last.phase)) % period;
        let phase = now + Duration::from_nanos(period - behind);
        let start = phase + self.chance.below(interval / JITTER);
        self.enter(id, Slot { phase, start: self.beat(start, interval) })
    }

    /// The first check that is due, and since when.
    pub(super) fn take(&mut self, now: Instant) -> Option<(Instant, CheckId)> {
        let first = *self.starts.first()?;
        (first.0 <= now).then(|| self.starts.pop_first()).flatten()
    }

    /// When the next check is due.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.starts.first().map(|&(start, _)| start)
    }

    /// Takes out the check of a probe that is no more.
    pub(super) fn forget(&mut self, id: CheckId, slot: Slot) {
        self.starts.remove(&(slot.start, id));
    }

    /// The first beat from `start` on, if the interval is long enough.
    fn beat(&self, start: Instant, interval: Duration) -> Instant {
        match self.origin {
            Some(origin) if interval >= BEAT * MANY => {
                let beats = nanos(start.saturating_duration_since(origin)).div_ceil(nanos(BEAT));
                origin + Duration::from_nanos(beats.saturating_mul(nanos(BEAT)))
            }
            _ => start,
        }
    }

    fn enter(&mut self, id: CheckId, slot: Slot) -> Slot {
        self.starts.insert((slot.start, id));
        slot
    }
}

/// A length in nanoseconds, at most some centuries; that much can be added to any instant of ours.
fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

/// A seeded source of chance: `SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A length shorter than `bound`.
    fn below(&mut self, bound: Duration) -> Duration {
        Duration::from_nanos(self.next() % nanos(bound).max(1))
    }
}
