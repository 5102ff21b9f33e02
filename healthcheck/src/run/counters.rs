//! What the checks cost and how late they are, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Code;

/// Numbers about all checks since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// How many checks ended, by what they found.
    pub made: BTreeMap<Code, u64>,
    /// How late they began.
    pub lateness: Lateness,
    /// How many are under way, of those that the limit bounds.
    pub in_flight: usize,
    /// How many hold a connection.
    pub held: usize,
}

/// A histogram of how late checks began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// How many began.
    pub count: u64,
    /// How late they were together.
    pub sum: Duration,
    buckets: [u64; Self::BOUNDS.len()],
}

impl Lateness {
    /// The bounds of its buckets.
    pub const BOUNDS: [Duration; 10] = [
        Duration::from_millis(1),
        Duration::from_millis(2),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(20),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(500),
        Duration::from_secs(1),
        Duration::from_secs(5),
    ];

    pub(super) fn add(&mut self, late: Duration) {
        self.count += 1;
        self.sum = self.sum.saturating_add(late);
        if let Some(bucket) = self.buckets.get_mut(Self::BOUNDS.partition_point(|&bound| bound < late)) {
            *bucket += 1;
        }
    }

    /// For each bound, how many were at most so late, and later than the bound before.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        Self::BOUNDS.into_iter().zip(self.buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_counts_those_that_were_at_most_so_late() {
        let mut lateness = Lateness::default();
        for millis in [0, 1, 2, 3, 5000, 60_000] {
            lateness.add(Duration::from_millis(millis));
        }
        let counts: Vec<_> = lateness.buckets().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 1, 1, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((lateness.count, lateness.sum), (6, Duration::from_millis(65_006)));
    }
}
