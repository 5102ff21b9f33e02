//! Where each vip is to be: a pure function of the document and of what is known of the nodes.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use super::chart::{Chart, Vip};
use super::settings::{Role, Settings};
use super::view::NodeState;
use crate::cib::score::{Node, Situation};
use crate::message::{Bar, Cause, Grant, Reach, Standing, Table};
use crate::name::{NodeId, VipId};
use crate::score::Score;

/// A node, as the DC sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) node: NodeId,
    /// What it says of itself; nothing when it is not heard, or does not hear the DC.
    pub(super) standing: Option<&'a Standing>,
    /// Whether its file is the one that most nodes have.
    pub(super) same_file: bool,
    /// What it reaches, after that settled.
    pub(super) reach: Reach,
    /// Whether it is the DC.
    pub(super) leads: bool,
}

/// Where all vips are to be. A vip whose best node is not ready yet waits for it if `patient`.
pub(super) fn place(
    settings: &Settings,
    chart: &Chart,
    candidates: &[Candidate<'_>],
    table: &Table,
    patient: bool,
) -> Vec<Grant> {
    let mut assigned = vec![0_usize; settings.count()];
    let nodes: Vec<Node<'_>> = settings.nodes().map(|node| seen(settings, candidates, node)).collect();
    let owners: Vec<Option<NodeId>> = chart.vips.iter().map(|vip| table.owner(vip.id)).collect();
    let mut places = owners.clone();
    let mut grants: Vec<Grant> = Vec::with_capacity(chart.vips.len());
    for &at in chart.rules.sequence() {
        let (Some(vip), Some(place)) = (chart.vips.get(at), places.get(at)) else { continue };
        let known = table.grant(vip.id).copied();
        let known = known.unwrap_or(Grant { vip: vip.id, owner: *place, cause: Cause::Nobody });
        let situation = Situation { nodes: &nodes, owners: &owners, places: &places };
        let seat = Seat { settings, chart, candidates, situation, at, vip, known, assigned: &assigned };
        let grant = seat.fill(patient);
        if let Some(count) = grant.owner.and_then(|owner| assigned.get_mut(owner.index())) {
            *count += 1;
        }
        if let Some(place) = places.get_mut(at) {
            *place = grant.owner;
        }
        grants.push(grant);
    }
    grants.sort_by_key(|grant| grant.vip);
    grants
}

/// A node, as the rules of the document look at it.
fn seen<'a>(settings: &Settings, candidates: &[Candidate<'a>], node: NodeId) -> Node<'a> {
    let candidate = candidates.iter().find(|candidate| candidate.node == node);
    let standing = candidate.and_then(|candidate| candidate.standing);
    let pings = candidate.filter(|_| settings.pings).map(|candidate| candidate.reach.pings.into());
    Node {
        state: match standing {
            None => NodeState::Dead,
            Some(standing) if standing.leaves => NodeState::Leaving,
            Some(_) => NodeState::Online,
        },
        pings: pings.filter(|_| standing.is_some()),
        leads: candidate.is_some_and(|candidate| candidate.leads),
        barred: standing.map_or(&[], |standing| &standing.barred),
    }
}

/// A vip and all who may have it.
struct Seat<'a> {
    settings: &'a Settings,
    chart: &'a Chart,
    candidates: &'a [Candidate<'a>],
    situation: Situation<'a>,
    /// Its place in the document.
    at: usize,
    vip: &'a Vip,
    known: Grant,
    assigned: &'a [usize],
}

impl Seat<'_> {
    fn fill(&self, patient: bool) -> Grant {
        let owner = self.known.owner.and_then(|owner| self.able().find(|candidate| candidate.node == owner));
        let able: Vec<&Candidate<'_>> = self.able().filter(|candidate| self.may_take(candidate)).collect();
        let unready = self.able().any(|candidate| !self.may_take(candidate));
        if self.known.owner.is_none() && patient && unready {
            return self.known;
        }
        // What nobody reaches is no reason to be elsewhere.
        let blind = self.settings.pings && able.iter().all(|candidate| candidate.reach.pings == 0)
            || able.iter().all(|candidate| candidate.reach.realservers == 0);
        let stays = owner.filter(|owner| blind && self.vip.pin.is_none_or(|pin| pin == owner.node));
        let best = stays.or_else(|| able.into_iter().max_by_key(|candidate| self.rank(candidate)));
        let to = best.map(|candidate| candidate.node);
        if to == self.known.owner && (to.is_some() || self.known.cause == Cause::Nobody) {
            return self.known;
        }
        Grant { owner: to, cause: self.cause(best), ..self.known }
    }

    /// Who could own it.
    fn able(&self) -> impl Iterator<Item = &Candidate<'_>> {
        self.candidates.iter().filter(|candidate| {
            self.obstacle(candidate.node).is_none() && self.score(candidate.node) > Score::NEG_INFINITY
        })
    }

    /// Whoever owns it may keep it while it is not ready to take it.
    fn may_take(&self, candidate: &Candidate<'_>) -> bool {
        let ready =
            candidate.standing.is_some_and(|standing| standing.unfit.is_none()) && candidate.same_file;
        ready || self.known.owner == Some(candidate.node)
    }

    /// Why a node cannot own it, as a reason for its having moved.
    fn obstacle(&self, node: NodeId) -> Option<Cause> {
        let candidate = self.candidates.iter().find(|candidate| candidate.node == node);
        let Some(standing) = candidate.and_then(|candidate| candidate.standing) else {
            return Some(Cause::Dead(node));
        };
        if self.settings.role(node) != Role::Director || !self.chart.nodes.contains(node) {
            return Some(Cause::Nobody);
        }
        if standing.leaves {
            return Some(Cause::Left(node));
        }
        if self.chart.standby.contains(node) {
            return Some(Cause::Standby(node));
        }
        let failed = self.vip.is_too_much(self.vip.failures(node)).then_some(Bar::Failed);
        bar(standing, self.vip.id).or(failed).map(|bar| Cause::Barred(node, bar))
    }

    fn score(&self, node: NodeId) -> Score {
        self.chart.rules.score(self.at, node, &self.situation)
    }

    /// The greatest is the best. What a node reaches always outranks what is preferred.
    fn rank(&self, candidate: &Candidate<'_>) -> impl Ord + use<> {
        let node = candidate.node;
        (
            self.vip.pin == Some(node),
            self.counted(candidate.reach),
            self.score(node),
            self.known.owner == Some(node),
            Reverse(self.assigned.get(node.index()).copied()),
            Reverse(node),
        )
    }

    /// What a node reaches, as far as it comes before all scores: rules of the document may count the pings themselves.
    fn counted(&self, reach: Reach) -> Reach {
        let pings = if self.chart.rules.counts_pings(self.at) { 0 } else { reach.pings };
        Reach { pings, ..reach }
    }

    fn cause(&self, best: Option<&Candidate<'_>>) -> Cause {
        let Some(best) = best else { return Cause::Nobody };
        let Some(from) = self.known.owner else { return Cause::Vacant };
        if let Some(obstacle) = self.obstacle(from) {
            return obstacle;
        }
        if self.vip.pin == Some(best.node) {
            return Cause::Moved;
        }
        let reached =
            self.candidates.iter().find(|candidate| candidate.node == from).map(|it| self.counted(it.reach));
        if reached < Some(self.counted(best.reach)) { Cause::Reach(from) } else { Cause::Preferred }
    }
}

/// Why a node cannot carry a vip, if it said so.
pub(super) fn bar(standing: &Standing, vip: VipId) -> Option<Bar> {
    standing.barred.iter().find(|(barred, _)| *barred == vip).map(|(_, bar)| *bar)
}
