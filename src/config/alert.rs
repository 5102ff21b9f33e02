//! Alerts: who is told of what, and when.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::Name;
use crate::alert::Period;

/// Who is told of what, and when.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Alert {
    /// Of what.
    pub on: BTreeSet<Occasion>,
    /// How.
    pub action: Action,
    /// Of which services; `None` is all.
    pub services: Option<BTreeSet<Name>>,
    /// When a failure is worth telling.
    pub after: After,
    /// How often the same failure is told; `None` is once.
    pub every: Option<Duration>,
    /// What makes a failure another one, which is told at once.
    pub compare: Compare,
    /// How often one outage is told, whatever changes in it.
    pub limit: Option<NonZeroU32>,
    /// In which local times.
    pub period: Period,
    /// How long an outage must have been for its end to be told.
    pub up_after: Duration,
    /// Whether the end of an outage is told although the outage was not.
    pub always_up: bool,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// Realservers of a service fail.
    Down,
    /// None fails any more.
    Up,
    /// lvsd began to watch the service.
    Startup,
}

impl Occasion {
    /// The word that stands for it in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::Startup => "startup",
        }
    }
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// By a program in the manner of mon's alerts.
    Program {
        /// The program, an absolute path.
        path: PathBuf,
        /// Its arguments after those of mon.
        arguments: Vec<String>,
    },
    /// By an HTTP request that posts JSON.
    Webhook(Url),
}

/// When a failure is worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum After {
    /// After so many failed checks in a row.
    Failures(u32),
    /// After so long an outage.
    Time(Duration),
    /// After so many failed checks, in a row or not, within so long a time.
    FailuresWithin(u32, Duration),
}

impl After {
    /// The most failed checks that can be waited for.
    pub const MOST: u32 = 100;
}

impl Default for After {
    fn default() -> Self {
        Self::Failures(1)
    }
}

/// What makes a failure another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compare {
    /// That other realservers fail.
    #[default]
    Summary,
    /// That others fail, or in another way.
    Detail,
    /// Nothing, not even an end of the outage in between: only time counts.
    Nothing,
}
