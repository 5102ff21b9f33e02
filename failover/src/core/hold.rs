//! What this node owns: it claims what it is to own, and gives up what it may not.

use std::time::Duration;

use super::holder::{Claim, Stage};
use super::settings::{NoQuorum, tenure};
use super::{Core, Notice, Output};
use crate::MAX_VIPS;
use crate::guard::Guard;
use crate::message::{Ack, Bar, Cause, Message};
use crate::moment::Moment;
use crate::name::{NodeId, VipId};

impl Core {
    /// Why this node cannot carry vips.
    pub(super) fn bars(&self) -> Vec<(VipId, Bar)> {
        let granted = self.table.grants.iter().map(|grant| grant.vip);
        let told_of = self.chart.vips.iter().map(|vip| vip.id).chain(granted);
        let unknown = told_of.filter(|vip| !self.vips.contains(vip));
        let mut bars: Vec<_> = self.able.barred.iter().map(|(vip, bar)| (*vip, *bar)).collect();
        bars.extend(self.failed_here().map(|vip| (vip, Bar::Failed)));
        bars.extend(unknown.map(|vip| (vip, Bar::Unknown)));
        bars.sort_by_key(|(vip, _)| *vip);
        bars.dedup_by_key(|(vip, _)| *vip);
        bars.truncate(MAX_VIPS);
        bars
    }

    /// Whether this node is to own a vip, and can.
    fn is_mine(&self, vip: VipId) -> bool {
        let known = self.vips.contains(&vip);
        let barred = self.has_failed(vip) || self.has_just_failed(vip) || self.able.barred.contains_key(&vip);
        // Whoever leaves waits for the DC to find another owner, if there is one.
        let leaves = self.leaves && self.leader().is_none();
        known && self.table.owner(vip) == Some(self.settings.me) && !barred && !leaves
    }

    pub(super) fn end_of(&self, claim: &Claim) -> Option<Moment> {
        let held = matches!(claim.stage, Stage::Held { .. });
        let needed = if held { self.needed_to_stay() } else { self.needed() };
        claim.until(needed)
    }

    /// How long a vip is kept by a promise for `lease`, counted from before it was asked for.
    pub(super) fn tenure(&self, lease: Duration) -> Duration {
        if self.guards(Guard::ClockRate) { tenure(lease) } else { lease }
    }

    /// Gives up what no majority has promised any more.
    pub(super) fn expire_leases(&mut self) {
        if self.settings.declared.policy == NoQuorum::Freeze || !self.guards(Guard::Expiry) {
            return;
        }
        let ended = |claim: &Claim| {
            matches!(claim.stage, Stage::Held { .. })
                && self.end_of(claim).is_none_or(|until| until <= self.now)
        };
        let ended: Vec<VipId> =
            self.claims.iter().filter(|(_, claim)| ended(claim)).map(|(vip, _)| *vip).collect();
        for vip in ended {
            self.tell(Notice::Expired(vip));
            self.give_up_vip(vip);
        }
    }

    fn give_up_vip(&mut self, vip: VipId) {
        if let Some(claim) = self.claims.get_mut(&vip) {
            claim.stage = Stage::Yielding;
            self.outputs.push_back(Output::Yield(vip));
        }
        if !self.guards(Guard::Release) {
            self.forget_claim(vip);
        }
    }

    /// Claims what is this node's, takes what is promised, and gives up what is another's.
    pub(super) fn claim(&mut self) {
        let nodes = self.settings.count();
        let granted: Vec<VipId> = self.table.grants.iter().map(|grant| grant.vip).collect();
        for vip in granted {
            if self.is_mine(vip) && !self.claims.contains_key(&vip) {
                self.claims.insert(vip, Claim::new(self.serial, nodes));
                self.news = true;
            }
        }
        self.promise_myself();
        let claimed: Vec<(VipId, Stage, Option<Moment>)> =
            self.claims.iter().map(|(vip, claim)| (*vip, claim.stage, self.end_of(claim))).collect();
        for (vip, stage, until) in claimed {
            let promised = until.is_some_and(|until| until > self.now);
            match (stage, self.is_mine(vip)) {
                (Stage::Asking, true) if promised => self.take(vip),
                (Stage::Asking, false) => self.forget_claim(vip),
                (Stage::Held { .. }, false) => self.give_up_vip(vip),
                _ => {}
            }
        }
    }

    fn take(&mut self, vip: VipId) {
        if let Some(claim) = self.claims.get_mut(&vip) {
            claim.stage = Stage::Held { since: self.now };
            self.outputs.push_back(Output::Take(vip));
            self.tell(Notice::Holding(vip));
        }
    }

    /// Whether a vip comes here from a node that gave it up in good order, just before.
    #[must_use]
    pub fn is_handed_over_to_me(&self, vip: VipId) -> bool {
        match self.table.grant(vip).map(|grant| grant.cause) {
            Some(Cause::Left(_) | Cause::Standby(_) | Cause::Reach(_) | Cause::Preferred | Cause::Moved) => {
                true
            }
            // A stranger gives nothing up.
            Some(Cause::Barred(_, bar)) => bar != Bar::Foreign,
            None | Some(Cause::Vacant | Cause::Dead(_) | Cause::Nobody) => false,
        }
    }

    fn forget_claim(&mut self, vip: VipId) {
        self.claims.remove(&vip);
        self.news = true;
    }

    /// The addresses are off the interface. If the vip is this node's again, it is claimed anew.
    pub(super) fn withdrawn(&mut self, vip: VipId) {
        if self.claims.get(&vip).is_some_and(|claim| claim.stage == Stage::Yielding) {
            self.forget_claim(vip);
            self.tell(Notice::Released(vip));
        }
    }

    /// It could not be put on the interface.
    pub(super) fn take_failed(&mut self, vip: VipId) {
        if self.claims.contains_key(&vip) {
            self.forget_claim(vip);
            self.tell(Notice::Released(vip));
            self.note_failure(vip);
        }
    }

    /// A node answered a message of this one.
    pub(super) fn acknowledged(&mut self, by: NodeId, message: &Message, ack: &Ack) {
        let Some(sent) = self.peers.get(by.index()).and_then(|peer| peer.sent(ack.sequence)) else { return };
        let counts_from = if self.guards(Guard::SendTime) { sent.at } else { self.now };
        let only_its_own = self.guards(Guard::ClaimPeriod);
        let until = counts_from + self.tenure(sent.lease);
        self.heard_as_leader(
            by,
            message.term,
            message.leader,
            counts_from + self.tenure_of_office(sent.lease),
        );
        for vip in &ack.vips {
            if let Some(claim) = self.claims.get_mut(vip) {
                claim.acknowledge(by, sent.serial, until, only_its_own);
            }
        }
    }

    /// What this node does not claim any more, it need not keep for itself.
    pub(super) fn promise_nothing_released(&mut self) {
        let claimed: Vec<VipId> = self.claims.keys().copied().collect();
        self.voter.hear(self.settings.me, &claimed);
    }

    /// This node is a voter like the others: what it claims, it asks of itself as well.
    fn promise_myself(&mut self) {
        let (me, now, serial) = (self.settings.me, self.now, self.serial);
        self.promise_nothing_released();
        let claimed: Vec<VipId> = self.claims.keys().copied().collect();
        let lease = self.settings.deadtime;
        if !self.remembers(lease) {
            return;
        }
        let vips = self.voter.promisable(now, me, &claimed, &self.table, self.guards(Guard::Promise));
        self.voter.promise(now, me, &vips, lease);
        let until = now + self.tenure(lease);
        for vip in vips {
            if let Some(claim) = self.claims.get_mut(&vip) {
                claim.acknowledge(me, serial, until, true);
            }
        }
    }

    /// When leases end, and promises that keep others from theirs.
    pub(super) fn leases(&self, consider: &mut impl FnMut(Moment)) {
        self.claims.values().filter_map(|claim| self.end_of(claim)).for_each(&mut *consider);
        self.voter.obstacles(&self.table).for_each(&mut *consider);
    }
}
