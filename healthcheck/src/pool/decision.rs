//! What becomes of the realservers of a service, and why.

use std::collections::BTreeMap;
use std::fmt;

use super::{Member, OnFailure, Word};
use crate::Health;

/// What becomes of the members of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<K> {
    /// Of each of them.
    pub seats: BTreeMap<K, Seat>,
    /// How few of them the checks may leave serving now.
    pub min_serving: usize,
    /// Whether none of them serves, so that the fallback must.
    pub fallback: bool,
}

/// What becomes of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// What it gets.
    pub place: Place,
    /// How it does.
    pub status: Status,
    /// Why; displays in plain words.
    pub reason: Reason,
}

impl Seat {
    /// Of one that serves, its weight in the file or a smaller one that rises.
    pub(super) fn serving(member: &Member, rising: Option<u32>) -> Self {
        let (status, reason) = match member.health {
            Health::Up if rising.is_some() => (Status::Up, Reason::SlowStart),
            Health::Up => (Status::Up, Reason::Passing),
            Health::Unknown => (Status::Probing, Reason::NoVerdict),
            Health::Down => (Status::Held, Reason::TooFewOthers),
        };
        Self { place: Place::Serving { weight: rising.unwrap_or(member.weight) }, status, reason }
    }

    /// Of one that does not serve.
    pub(super) fn idle(member: &Member, on_failure: OnFailure) -> Self {
        let failed = match on_failure {
            OnFailure::Remove => Place::Out,
            OnFailure::Quiesce => Place::Quiesced,
        };
        let (place, status, reason) = match (member.word, member.health, member.weight) {
            (Word::Draining, _, _) => (Place::Quiesced, Status::Draining, Reason::Operator),
            (Word::Disabled, _, _) => (Place::Out, Status::Disabled, Reason::Operator),
            (Word::Enabled, Health::Down, _) => (failed, Status::Down, Reason::Failing),
            (Word::Enabled, Health::Unknown, 0) => (Place::Quiesced, Status::Probing, Reason::NoWeight),
            (Word::Enabled, Health::Unknown, _) => (Place::Out, Status::Probing, Reason::AwaitsVerdict),
            (Word::Enabled, Health::Up, _) => (Place::Quiesced, Status::Up, Reason::NoWeight),
        };
        Self { place, status, reason }
    }
}

/// What a member gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Connections.
    Serving {
        /// Its weight among those that serve.
        weight: u32,
    },
    /// No new connections.
    Quiesced,
    /// Nothing.
    Out,
}

/// How a member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nothing is known yet.
    Probing,
    /// Its checks pass.
    Up,
    /// Its checks fail.
    Down,
    /// It finishes what it has; the operator's word.
    Draining,
    /// It is out; the operator's word.
    Disabled,
    /// Its checks fail and it serves all the same.
    Held,
}

/// Why a member has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The checks pass.
    Passing,
    /// The checks pass since not long ago.
    SlowStart,
    /// It is new, and others serve.
    AwaitsVerdict,
    /// It serves without having been checked: nobody was known to be up, too few served, or it waited long enough.
    NoVerdict,
    /// The checks fail.
    Failing,
    /// The checks fail and too few others serve, or have been up for long enough.
    TooFewOthers,
    /// The operator's word.
    Operator,
    /// It has no weight in the file.
    NoWeight,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passing => "its checks pass",
            Self::SlowStart => "its checks pass; its weight rises step by step",
            Self::AwaitsVerdict => "it waits for the verdict of its first checks",
            Self::NoVerdict => "it serves until its first checks say otherwise",
            Self::Failing => "its checks fail",
            Self::TooFewOthers => "its checks fail; it serves because too few others do",
            Self::Operator => "the operator says so",
            Self::NoWeight => "its weight is 0",
        })
    }
}
