//! What the results of one probe, one after the other, say of a realserver.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::Pace;

/// Whether a realserver can serve, as far as its checks tell; worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// It cannot.
    Down,
    /// Nobody knows yet.
    #[default]
    Unknown,
    /// It can.
    Up,
}

/// Equal results in a row: `2 of 3 failures`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak {
    /// Whether they are passes.
    pub passed: bool,
    /// How many there are.
    pub length: u32,
    /// How many it takes to be believed.
    pub of: NonZeroU32,
}

impl fmt::Display for Streak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, many) = if self.passed { ("pass", "passes") } else { ("failure", "failures") };
        match self.length {
            length if length < self.of.get() => write!(f, "{length} of {} {many}", self.of),
            1 => write!(f, "1 {one}"),
            length => write!(f, "{length} {many} in a row"),
        }
    }
}

/// Rise and fall: what is believed of a realserver, and the latest equal results.
///
/// `rise` passes in a row bring it up and `fall` failures in a row take it down. While nothing is known one pass is
/// enough and a failure still takes `fall`: a realserver that starts well serves at once, and one lost packet at the
/// start of the daemon throws nobody out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    health: Health,
    streak: Option<Streak>,
}

impl Verdict {
    /// A verdict that was reached before, without the results that led to it.
    #[must_use]
    pub const fn new(health: Health) -> Self {
        Self { health, streak: None }
    }

    /// Takes the next result.
    pub fn note(&mut self, pace: &Pace, passed: bool) {
        let of = match (self.health, passed) {
            (Health::Unknown, true) => NonZeroU32::MIN,
            (_, true) => pace.rise,
            (_, false) => pace.fall,
        };
        let length = match self.streak {
            Some(streak) if streak.passed == passed => streak.length.saturating_add(1),
            _ => 1,
        };
        self.streak = Some(Streak { passed, length, of });
        if length >= of.get() {
            self.health = if passed { Health::Up } else { Health::Down };
        }
    }

    /// What is believed.
    #[must_use]
    pub const fn health(&self) -> Health {
        self.health
    }

    /// The latest equal results; none before the first.
    #[must_use]
    pub const fn streak(&self) -> Option<Streak> {
        self.streak
    }

    /// Whether the latest result contradicts what is believed.
    #[must_use]
    pub fn is_contradicted(&self) -> bool {
        self.streak.is_some_and(|streak| match self.health {
            Health::Down => streak.passed,
            Health::Unknown => false,
            Health::Up => !streak.passed,
        })
    }

    /// The time from the start of the latest check to that of the next.
    #[must_use]
    pub fn interval(&self, pace: &Pace) -> Duration {
        match self.health {
            _ if self.is_contradicted() => pace.fast_interval,
            Health::Unknown => pace.fast_interval,
            Health::Down => pace.down_interval,
            Health::Up => pace.interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(rise: u32, fall: u32) -> Pace {
        Pace {
            interval: Duration::from_secs(10),
            fast_interval: Duration::from_secs(1),
            down_interval: Duration::from_secs(5),
            rise: NonZeroU32::new(rise).unwrap(),
            fall: NonZeroU32::new(fall).unwrap(),
        }
    }

    #[test]
    fn a_verdict_changes_after_rise_passes_or_fall_failures() {
        use Health::{Down, Unknown, Up};
        // (name, rise and fall, at the start, results, what is believed after each)
        let cases: [(_, _, _, _, &[Health]); 8] = [
            ("one pass is enough at the start", (3, 3), Unknown, "p", &[Up]),
            ("failures count from the start", (2, 3), Unknown, "fff", &[Unknown, Unknown, Down]),
            ("a pass among the first failures", (2, 3), Unknown, "ffpff", &[Unknown, Unknown, Up, Up, Up]),
            ("a streak is broken", (2, 3), Up, "ffpfff", &[Up, Up, Up, Up, Up, Down]),
            ("rise of 2", (2, 3), Down, "pfpp", &[Down, Down, Down, Up]),
            ("rise and fall of 1", (1, 1), Up, "fpf", &[Down, Up, Down]),
            ("a kept verdict needs its failures", (2, 2), Up, "ff", &[Up, Down]),
            ("a kept verdict needs its passes", (2, 2), Down, "pp", &[Down, Up]),
        ];
        for (name, (rise, fall), start, results, expected) in cases {
            let mut verdict = Verdict::new(start);
            let seen: Vec<_> = results
                .chars()
                .map(|result| {
                    verdict.note(&pace(rise, fall), result == 'p');
                    verdict.health()
                })
                .collect();
            assert_eq!(seen, expected, "{name}");
        }
    }

    #[test]
    fn the_interval_follows_the_verdict_and_what_contradicts_it() {
        let cases = [
            ("unknown", Health::Unknown, "", 1),
            ("unknown, one failure", Health::Unknown, "f", 1),
            ("up", Health::Up, "p", 10),
            ("up from before", Health::Up, "", 10),
            ("up, one failure", Health::Up, "pf", 1),
            ("up, a failure and a pass", Health::Up, "fp", 10),
            ("down", Health::Up, "fff", 5),
            ("down, one pass", Health::Down, "p", 1),
            ("up again", Health::Down, "pp", 10),
        ];
        for (name, start, results, seconds) in cases {
            let mut verdict = Verdict::new(start);
            results.chars().for_each(|result| verdict.note(&pace(2, 3), result == 'p'));
            assert_eq!(verdict.interval(&pace(2, 3)).as_secs(), seconds, "{name}");
        }
    }

    #[test]
    fn a_single_result_that_is_enough_is_no_row() {
        let mut verdict = Verdict::default();
        verdict.note(&pace(2, 3), true);
        assert_eq!(verdict.streak().map(|streak| streak.to_string()).as_deref(), Some("1 pass"));
    }

    #[test]
    fn a_streak_reads_as_progress_and_then_as_a_count() {
        let mut verdict = Verdict::new(Health::Up);
        let seen: Vec<_> = "pffff"
            .chars()
            .filter_map(|result| {
                verdict.note(&pace(2, 3), result == 'p');
                verdict.streak().map(|streak| streak.to_string())
            })
            .collect();
        let expected = [
            "1 of 2 passes",
            "1 of 3 failures",
            "2 of 3 failures",
            "3 failures in a row",
            "4 failures in a row",
        ];
        assert_eq!(seen, expected);
    }

    proptest! {
        #[test]
        fn no_verdict_changes_faster_than_rise_and_fall_allow(
            rise in 1_u32..5,
            fall in 1_u32..5,
            results in prop::collection::vec(any::<bool>(), 0..200),
        ) {
            let mut verdict = Verdict::default();
            for (end, &passed) in results.iter().enumerate() {
                let before = verdict.health();
                verdict.note(&pace(rise, fall), passed);
                let run = results[..=end].iter().rev().take_while(|&&it| it == passed).count();
                let enough = match (before, passed) {
                    (Health::Unknown, true) => true,
                    (_, true) => run >= rise as usize,
                    (_, false) => run >= fall as usize,
                };
                let reached = if passed { Health::Up } else { Health::Down };
                prop_assert_eq!(verdict.health(), if enough { reached } else { before });
            }
        }
    }
}
