//! How much a vip wants to be at a node.

#[cfg(test)]
mod tests;

use std::iter::Sum;
use std::ops::Add;

/// A wish, from "never" over indifference to "always", as Heartbeat counts it. The sum of all wishes decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(i32);

impl Score {
    /// Always: only "never" counts more.
    pub const INFINITY: Self = Self(1_000_000);
    /// Never, whatever else is wished.
    pub const NEG_INFINITY: Self = Self(-Self::INFINITY.0);

    /// A score of this size; beyond the infinities there is nothing.
    #[must_use]
    pub fn new(number: i32) -> Self {
        Self(number).clamp(Self::NEG_INFINITY, Self::INFINITY)
    }

    /// The score as a number.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

/// "Never" counts more than "always", and "always" more than any number. So it matters in which order more than two are
/// added: what has once reached an infinity stays there.
impl Add for Score {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (low, high) = if self < other { (self, other) } else { (other, self) };
        match (low, high) {
            (Self::NEG_INFINITY, _) => Self::NEG_INFINITY,
            (_, Self::INFINITY) => Self::INFINITY,
            // Neither is beyond a million.
            _ => Self::new(low.0 + high.0),
        }
    }
}

/// The sum of any number of scores; their order does not matter. Numbers are bounded only once all are added.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Total {
    numbers: i64,
    always: bool,
    never: bool,
}

impl Total {
    pub(crate) fn add(&mut self, score: Score) {
        match score {
            Score::NEG_INFINITY => self.never = true,
            Score::INFINITY => self.always = true,
            Score(number) => self.numbers = self.numbers.saturating_add(number.into()),
        }
    }

    pub(crate) fn score(self) -> Score {
        match self {
            Self { never: true, .. } => Score::NEG_INFINITY,
            Self { always: true, .. } => Score::INFINITY,
            Self { numbers, .. } => match i32::try_from(numbers) {
                Ok(number) => Score::new(number),
                Err(_) if numbers < 0 => Score::NEG_INFINITY,
                Err(_) => Score::INFINITY,
            },
        }
    }
}

impl Sum for Score {
    fn sum<I: Iterator<Item = Self>>(scores: I) -> Self {
        let mut total = Total::default();
        scores.for_each(|score| total.add(score));
        total.score()
    }
}
