//! What this node has promised as a voter.

use std::collections::BTreeMap;
use std::time::Duration;

use super::settings::promised;
use crate::message::Table;
use crate::moment::Moment;
use crate::name::{NodeId, VipId};

/// The promises of this node: nobody else owns a vip until they end.
#[derive(Clone, Debug)]
pub(super) struct Voter {
    promises: BTreeMap<VipId, Promise>,
    /// Promises of an earlier life may run until then.
    silent_until: Moment,
}

#[derive(Clone, Copy, Debug)]
struct Promise {
    to: NodeId,
    until: Moment,
}

impl Voter {
    pub(super) const fn new(silent_until: Moment) -> Self {
        Self { promises: BTreeMap::new(), silent_until }
    }

    /// Whether what it promised in an earlier life has run out.
    pub(super) fn speaks(&self, now: Moment) -> bool {
        now >= self.silent_until
    }

    pub(super) const fn silent_until(&self) -> Moment {
        self.silent_until
    }

    /// The vips among `claims` that this node can promise to a node that is to own them.
    pub(super) fn promisable(
        &self,
        now: Moment,
        to: NodeId,
        claims: &[VipId],
        table: &Table,
        waits: bool,
    ) -> Vec<VipId> {
        let free = |vip: &VipId| {
            let other = self.promises.get(vip).filter(|promise| promise.to != to && now < promise.until);
            other.is_none() || !waits
        };
        let granted = |vip: &VipId| table.owner(*vip) == Some(to);
        let speaks = self.speaks(now);
        claims.iter().copied().filter(|vip| speaks && granted(vip) && free(vip)).collect()
    }

    /// Promises vips to a node that asked for a lease of this length; an earlier promise to it ends no earlier for that.
    pub(super) fn promise(&mut self, now: Moment, to: NodeId, vips: &[VipId], lease: Duration) {
        let until = now + promised(lease);
        for vip in vips {
            let earlier = self.promises.get(vip).filter(|promise| promise.to == to);
            let until = earlier.map_or(until, |promise| promise.until.max(until));
            self.promises.insert(*vip, Promise { to, until });
        }
    }

    /// A node does not own what it does not claim.
    pub(super) fn hear(&mut self, from: NodeId, claims: &[VipId]) {
        self.promises.retain(|vip, promise| promise.to != from || claims.contains(vip));
    }

    /// When promises end that keep a vip from the node that is to own it.
    pub(super) fn obstacles(&self, table: &Table) -> impl Iterator<Item = Moment> {
        let contested = |(vip, promise): (&VipId, &Promise)| {
            (table.owner(*vip) != Some(promise.to)).then_some(promise.until)
        };
        self.promises.iter().filter_map(contested)
    }
}
