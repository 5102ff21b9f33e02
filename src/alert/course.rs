//! What happens to a service: the looks at it, one after another, and the outages that they make.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use healthcheck::Code;
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use crate::config::{After, Name};

/// A moment, on the clock that only goes forward and on the wall.
#[derive(Clone, Debug)]
pub struct Moment {
    /// For how long something takes.
    pub instant: Instant,
    /// For what people read, in local time.
    pub wall: Zoned,
}

impl Moment {
    /// On the clock on the wall.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.wall.timestamp()
    }
}

/// How a service is, at one look.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The service.
    pub service: Name,
    /// What mon would call its group.
    pub group: Name,
    /// Its realservers.
    pub realservers: Vec<Name>,
    /// Those that fail; nobody when all is well.
    pub failing: BTreeMap<Name, Finding>,
    /// How many checks in a row have failed: of the realserver with the most.
    pub failures: u32,
    /// From one check to the next.
    pub interval: Duration,
    /// Why nobody is to be told of a failure now, such as that something fails which the service depends on.
    pub held_back: Option<String>,
}

/// What is wrong with a realserver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What the check found.
    pub code: Code,
    /// In words.
    pub detail: String,
}

/// A failure in words, as a monitor of mon writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// One line: who fails, separated by blanks.
    pub summary: String,
    /// A line for each that fails.
    pub detail: String,
}

impl Words {
    /// The words for these realservers.
    #[must_use]
    pub fn of(failing: &BTreeMap<Name, Finding>) -> Self {
        let names: Vec<&str> = failing.keys().map(Name::as_str).collect();
        let line = |(name, Finding { code, detail }): (&Name, &Finding)| format!("{name}: {code} {detail}\n");
        Self { summary: names.join(" "), detail: failing.iter().map(line).collect() }
    }
}

/// When a service was last well and when it was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// The begin of the latest outage.
    pub first_failure: Option<Timestamp>,
    /// The latest look that found somebody failing.
    pub last_failure: Option<Timestamp>,
    /// The latest look at which it became well.
    pub first_success: Option<Timestamp>,
    /// The latest look that found all well.
    pub last_success: Option<Timestamp>,
}

/// A time during which realservers of a service failed.
#[derive(Clone, Debug)]
pub struct Outage {
    /// Its number among the outages of the service.
    pub number: u64,
    /// When it began.
    pub began: Moment,
    /// When it ended, if it did.
    pub ended: Option<Moment>,
    /// What fails, or failed last.
    pub failing: BTreeMap<Name, Finding>,
    /// The same in words.
    pub words: Words,
}

impl Outage {
    /// How long it has lasted, or lasted.
    #[must_use]
    pub fn length(&self, now: &Moment) -> Duration {
        let end = self.ended.as_ref().unwrap_or(now);
        end.instant.saturating_duration_since(self.began.instant)
    }
}

/// What happened to a service so far.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// The outage that goes on, or the latest.
    pub(super) outage: Option<Outage>,
    pub(super) history: History,
    /// When the latest checks failed, [`After::MOST`] at most.
    failed: VecDeque<Instant>,
    failures: u32,
}

impl Course {
    /// Takes a look in; returns the outage that it ends.
    pub(super) fn look(&mut self, now: &Moment, seen: &Observation) -> Option<&Outage> {
        let new = seen.failures.saturating_sub(self.failures).min(After::MOST);
        self.failures = seen.failures;
        self.failed.extend((0..new).map(|_| now.instant));
        self.failed.drain(..self.failed.len().saturating_sub(After::MOST as usize));

        if seen.failing.is_empty() {
            return self.well(now);
        }
        self.fail(now, &seen.failing);
        None
    }

    fn well(&mut self, now: &Moment) -> Option<&Outage> {
        let at = Some(now.timestamp());
        let ending = self.outage.as_mut().filter(|outage| outage.ended.is_none());
        self.history.last_success = at;
        if ending.is_some() || self.history.first_success.is_none() {
            self.history.first_success = at;
        }
        let outage = ending?;
        outage.ended = Some(now.clone());
        Some(outage)
    }

    fn fail(&mut self, now: &Moment, failing: &BTreeMap<Name, Finding>) {
        let at = Some(now.timestamp());
        self.history.last_failure = at;
        match &mut self.outage {
            Some(outage) if outage.ended.is_none() => {
                if outage.failing != *failing {
                    outage.failing.clone_from(failing);
                    outage.words = Words::of(failing);
                }
            }
            earlier => {
                self.history.first_failure = at;
                *earlier = Some(Outage {
                    number: earlier.as_ref().map_or(0, |outage| outage.number + 1),
                    began: now.clone(),
                    ended: None,
                    failing: failing.clone(),
                    words: Words::of(failing),
                });
            }
        }
    }

    /// Whether a failure is worth telling by now.
    pub(super) fn has_reached(&self, after: After, outage: &Outage, now: &Moment) -> bool {
        match after {
            After::Failures(count) => self.failures >= count,
            After::Time(length) => outage.length(now) >= length,
            After::FailuresWithin(count, window) => {
                let first = self.failed.iter().rev().nth(count.saturating_sub(1) as usize);
                first.is_some_and(|first| now.instant.saturating_duration_since(*first) <= window)
            }
        }
    }
}
