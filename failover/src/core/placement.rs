//! Where each vip is to be: a pure function of the document and of what is known of the nodes.

#[cfg(test)]
mod tests;

use super::chart::{Chart, Vip};
use super::settings::{Role, Settings};
use super::view::NodeState;
use crate::cib::score::{Node, Turn};
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
    let nodes: Vec<Node<'_>> = settings.nodes().map(|node| seen(settings, candidates, node)).collect();
    let owners: Vec<Option<NodeId>> = chart.vips.iter().map(|vip| table.owner(vip.id)).collect();
    let mut grants: Vec<Grant> = Vec::with_capacity(chart.vips.len());
    chart.rules.take_turns(&nodes, &owners, |turn| {
        let vip = chart.vips.get(turn.vip())?;
        let vacant = Grant { vip: vip.id, owner: None, cause: Cause::Nobody };
        let known = table.grant(vip.id).copied().unwrap_or(vacant);
        let grant = Seat { settings, chart, candidates, turn, vip, known }.fill(patient);
        grants.push(grant);
        grant.owner
    });
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
        realservers: candidate.map_or(0, |candidate| candidate.reach.realservers),
        leads: candidate.is_some_and(|candidate| candidate.leads),
        barred: standing.map_or(&[], |standing| &standing.barred),
    }
}

/// A vip and all who may have it.
struct Seat<'a> {
    settings: &'a Settings,
    chart: &'a Chart,
    candidates: &'a [Candidate<'a>],
    turn: &'a Turn<'a>,
    vip: &'a Vip,
    known: Grant,
}

impl Seat<'_> {
    fn fill(&self, patient: bool) -> Grant {
        let able = self.able().filter(|candidate| self.may_take(candidate));
        let able: Vec<NodeId> = able.map(|candidate| candidate.node).collect();
        let unready = self.able().any(|candidate| !self.may_take(candidate));
        if self.known.owner.is_none() && patient && unready {
            return self.known;
        }
        let to = self.turn.choose(&able).map(|choice| choice.node);
        if to == self.known.owner && (to.is_some() || self.known.cause == Cause::Nobody) {
            return self.known;
        }
        Grant { owner: to, cause: self.cause(to), ..self.known }
    }

    /// Who could own it.
    fn able(&self) -> impl Iterator<Item = &Candidate<'_>> {
        self.candidates.iter().filter(|candidate| {
            self.obstacle(candidate.node).is_none() && self.turn.score(candidate.node) > Score::NEG_INFINITY
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

    fn cause(&self, best: Option<NodeId>) -> Cause {
        let Some(best) = best else { return Cause::Nobody };
        let Some(from) = self.known.owner else { return Cause::Vacant };
        if let Some(obstacle) = self.obstacle(from) {
            return obstacle;
        }
        let [best, before] = [best, from].map(|node| self.turn.rank(node));
        match best {
            _ if best.moved => Cause::Moved,
            _ if before.reach < best.reach => Cause::Reach(from),
            _ => Cause::Preferred,
        }
    }
}

/// Why a node cannot carry a vip, if it said so.
pub(super) fn bar(standing: &Standing, vip: VipId) -> Option<Bar> {
    standing.barred.iter().find(|(barred, _)| *barred == vip).map(|(_, bar)| *bar)
}
