//! The rules of vips: what has to be there before an address is, and is taken out after it.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use failover::VipId;

use crate::snat::{Outcome, Rules, Ticket};

/// The rules of the vips of this machine.
pub(super) struct Escort {
    rules: Rules,
    /// The vips whose rules were asked for.
    asked: BTreeMap<VipId, Ticket>,
}

impl Escort {
    pub(super) const fn new(rules: Rules) -> Self {
        Self { rules, asked: BTreeMap::new() }
    }

    /// A vip is about to come: its rules are asked for, and nobody waits yet.
    pub(super) fn call(&mut self, vip: VipId) {
        if let Some(ticket) = self.rules.enter(vip) {
            self.asked.entry(vip).or_insert(ticket);
        }
    }

    /// Whether the rules of a vip are there. One without rules has them all.
    pub(super) fn standing(&self, vip: VipId) -> Outcome {
        self.asked.get(&vip).map_or(Outcome::Done, |ticket| self.rules.outcome(*ticket))
    }

    /// A vip is gone.
    pub(super) fn dismiss(&mut self, vip: VipId) {
        self.asked.remove(&vip);
        self.rules.leave(vip);
    }

    /// All vips are gone.
    pub(super) fn dismiss_all(&mut self) {
        self.asked.clear();
        self.rules.leave_all();
    }

    /// Readable when it is known what came of rules that were asked for.
    pub(super) const fn answers(&self) -> &impl AsFd {
        &self.rules
    }

    /// Takes note of that.
    pub(super) fn heard(&self) {
        self.rules.heard();
    }
}
