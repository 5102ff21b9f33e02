//! How a service treats its realservers.

use std::time::Duration;

/// How a service treats its realservers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What happens to one whose checks fail.
    pub on_failure: OnFailure,
    /// How many serve at least, as far as checks are concerned.
    pub min_serving: MinServing,
    /// How long one that comes up takes to its full weight.
    pub slow_start: Option<Duration>,
    /// How long a new one waits for its first verdict while others are up.
    pub patience: Duration,
    /// How long others must be up before one that is held is let go.
    pub hold: Duration,
}

/// What happens to a realserver whose checks fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// It is taken out.
    #[default]
    Remove,
    /// It gets no new connections.
    Quiesce,
}

/// How many realservers serve at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MinServing {
    /// So many.
    Count(u32),
    /// So many of a hundred that are enabled and have a weight, rounded up.
    Percent(u8),
}

impl Default for MinServing {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl MinServing {
    /// How many of so many that are able to serve.
    pub(super) fn of(self, able: usize) -> usize {
        match self {
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX).min(able),
            Self::Percent(percent) => able.saturating_mul(percent.min(100).into()).div_ceil(100),
        }
    }
}
