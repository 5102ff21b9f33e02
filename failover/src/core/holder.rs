//! What this node owns, and until when.

use std::collections::BTreeMap;

use crate::moment::Moment;
use crate::name::{NodeId, VipId};

/// A vip that this node owns, or is about to.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Only messages from this serial on ask for it.
    since: u64,
    /// For each node, until when this one relies on its promise.
    promised: Vec<Option<Moment>>,
    pub(super) stage: Stage,
}

/// How far a claim is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No majority has promised it yet.
    Asking,
    /// It is on the interface, or is on its way there.
    Held {
        /// Since when.
        since: Moment,
    },
    /// It is on its way off the interface.
    Yielding,
}

impl Claim {
    pub(super) fn new(since: u64, nodes: usize) -> Self {
        Self { since, promised: vec![None; nodes], stage: Stage::Asking }
    }

    /// A node promised it for a message; that counts until then.
    pub(super) fn acknowledge(&mut self, by: NodeId, serial: u64, until: Moment, only_its_own: bool) {
        if serial < self.since && only_its_own {
            return;
        }
        if let Some(promised) = self.promised.get_mut(by.index()) {
            *promised = (*promised).max(Some(until));
        }
    }

    /// Until when the promises of `needed` nodes count.
    pub(super) fn until(&self, needed: usize) -> Option<Moment> {
        majority(&self.promised, needed)
    }
}

/// Until when so many of these promises count.
pub(super) fn majority(promised: &[Option<Moment>], needed: usize) -> Option<Moment> {
    let mut promised: Vec<Moment> = promised.iter().flatten().copied().collect();
    promised.sort_unstable_by(|a, b| b.cmp(a));
    promised.get(needed.checked_sub(1)?).copied()
}

/// All claims of this node.
pub(super) type Claims = BTreeMap<VipId, Claim>;
