//! How the weight of a realserver rises after it came up.

use std::time::{Duration, Instant};

/// In how many steps, unless the weight has fewer.
const STEPS: u32 = 10;

/// A rise from weight 1 to the full weight, in even steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp(Instant);

impl Ramp {
    pub(super) const fn new(now: Instant) -> Self {
        Self(now)
    }

    /// The weight now.
    pub(super) fn weight(self, now: Instant, length: Option<Duration>, full: u32) -> u32 {
        let (steps, mut taken) = (steps(full), 0);
        while taken < steps && self.step(length, taken + 1, steps).is_none_or(|at| at <= now) {
            taken += 1;
        }
        let left = u64::from(full.saturating_sub(1)) * u64::from(steps - taken) / u64::from(steps.max(1));
        full - u32::try_from(left).unwrap_or(0)
    }

    /// When the weight rises next; never again when it is full.
    pub(super) fn next_step(self, now: Instant, length: Option<Duration>, full: u32) -> Option<Instant> {
        let steps = steps(full);
        (1..=steps).filter_map(|step| self.step(length, step, steps)).find(|&at| at > now)
    }

    fn step(self, length: Option<Duration>, step: u32, steps: u32) -> Option<Instant> {
        self.0.checked_add(length?.saturating_mul(step) / steps)
    }
}

/// How many steps a weight can take, at most [`STEPS`].
fn steps(full: u32) -> u32 {
    full.saturating_sub(1).min(STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_rises_in_at_most_ten_even_steps() {
        let length = Some(Duration::from_secs(60));
        // (full weight, weights in the order in which they are reached)
        let cases: [(u32, &[u32]); 5] = [
            (0, &[0]),
            (1, &[1]),
            (2, &[1, 2]),
            (5, &[1, 2, 3, 4, 5]),
            (100, &[1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 100]),
        ];
        for (full, expected) in cases {
            let begin = Instant::now();
            let ramp = Ramp::new(begin);
            let (mut now, mut seen) = (begin, vec![ramp.weight(begin, length, full)]);
            while let Some(next) = ramp.next_step(now, length, full) {
                let just_before = next.checked_sub(Duration::from_nanos(1)).unwrap();
                assert_eq!(ramp.weight(just_before, length, full), *seen.last().unwrap());
                now = next;
                seen.push(ramp.weight(now, length, full));
            }
            assert_eq!(seen, expected, "{full}");
            assert!(now == begin || now == begin + Duration::from_secs(60), "{full}");
            assert_eq!(ramp.weight(begin, None, full), full, "{full} without a slow start");
        }
    }
}
