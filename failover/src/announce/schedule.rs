//! When the addresses that were taken are announced.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The time from one announcement of an address to its next, which makes 0, 250 ms, 1 s, 3 s and 10 s from
/// the taking. Several, because nothing confirms any of them: the first can meet a switch port that does not
/// forward yet.
const GAPS: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(750), Duration::from_secs(2), Duration::from_secs(7)];

/// The least time between announcements of two addresses: switches and neighbours throttle a burst of
/// hundreds.
const SPACING: Duration = Duration::from_millis(1);

/// What is to be announced, and when. `T` is whatever the caller knows an address by.
///
/// A late caller delays the rest of a train; it never causes a burst.
#[derive(Debug)]
pub struct Schedule<T> {
    trains: BTreeMap<T, Train>,
    /// The end of the pause after the last announcement.
    paused_until: Option<Instant>,
}

#[derive(Debug)]
struct Train {
    due: Instant,
    gaps: std::slice::Iter<'static, Duration>,
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self { trains: BTreeMap::new(), paused_until: None }
    }
}

impl<T: Ord + Clone> Schedule<T> {
    /// Announces `what` now and some times after, from the start if a train is under way.
    pub fn start(&mut self, now: Instant, what: T) {
        let gaps = GAPS.iter();
        self.trains.insert(what, Train { due: now, gaps });
    }

    /// Announces `what` no more.
    pub fn stop(&mut self, what: &T) {
        self.trains.remove(what);
    }

    /// What to announce now; to be called until it says nothing.
    pub fn poll(&mut self, now: Instant) -> Option<T> {
        if self.paused_until.is_some_and(|end| now < end) {
            return None;
        }
        let (what, train) = self.trains.iter_mut().min_by_key(|(_, train)| train.due)?;
        if now < train.due {
            return None;
        }
        let what = what.clone();
        match train.gaps.next() {
            Some(gap) => train.due = now + *gap,
            None => self.stop(&what),
        }
        self.paused_until = Some(now + SPACING);
        Some(what)
    }

    /// When [`poll`](Self::poll) has something to say next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = self.trains.values().map(|train| train.due).min()?;
        Some(self.paused_until.map_or(due, |end| due.max(end)))
    }
}
