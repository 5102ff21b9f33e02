//! Where each vip would be under a document, as the DC would place it: a pure function of the document and of what is
//! known of the nodes.

use std::cmp::Reverse;

use failover::cib::Cib;
use failover::cib::score::{Node, Rules, Situation};
use failover::core::NodeView;
use failover::message::{Reach, Unfit};
use failover::{NodeId, Score, VipId};

use super::scene::{Scene, counted};

/// What becomes of a vip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// Its name.
    pub vip: String,
    /// Who has it now.
    pub now: Option<NodeId>,
    /// Who would have it.
    pub then: Option<NodeId>,
    /// Nobody who could have it reaches anything, which is no reason to be elsewhere.
    pub blind: bool,
    /// What speaks for each node, by their ids.
    pub chances: Vec<Chance>,
}

/// What speaks for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chance {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// All that counts, the weightiest first.
    pub rank: Rank,
    /// What the score is the sum of.
    pub terms: Vec<(String, Score)>,
    /// Why it cannot have it.
    pub obstacle: Option<String>,
}

/// What nodes are compared by; the greatest is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// An operator moved it there.
    pub moved: bool,
    /// What it reaches.
    pub reach: Reach,
    /// What it is worth.
    pub score: Score,
    /// It is there.
    pub has_it: bool,
    /// How many vips it has of those that are decided.
    pub vips: Reverse<usize>,
    /// Its place in the file.
    pub place: Reverse<NodeId>,
}

impl Prospect {
    /// What speaks for a node.
    #[must_use]
    pub fn chance(&self, node: NodeId) -> Option<&Chance> {
        self.chances.iter().find(|chance| chance.node == node)
    }

    /// The name of a node.
    pub(super) fn name(&self, node: Option<NodeId>) -> Option<&str> {
        self.chance(node?).map(|chance| chance.name.as_str())
    }

    /// The best of those who could have it, and do not get it.
    pub(super) fn runner_up(&self) -> Option<&Chance> {
        let others = self.chances.iter().filter(|it| it.obstacle.is_none() && Some(it.node) != self.then);
        others.max_by_key(|chance| chance.rank)
    }
}

impl Scene {
    /// What becomes of each vip under a document, in the document's order.
    #[must_use]
    pub fn forecast(&self, cib: &Cib) -> Vec<Prospect> {
        let rules = Rules::of(cib);
        let nodes: Vec<Node<'_>> = self.nodes().map(|(id, node)| self.seen(id, node)).collect();
        let owner = |name: &String| {
            let known = self.view().vips.iter().find(|vip| vip.id == VipId::of(name));
            known.and_then(|vip| vip.owner)
        };
        let owners: Vec<Option<NodeId>> = cib.declared.vips.iter().map(|vip| owner(&vip.name)).collect();
        let mut places = owners.clone();
        let mut assigned = vec![0_usize; nodes.len()];
        let mut prospects: Vec<(usize, Prospect)> = Vec::with_capacity(owners.len());
        for &at in rules.sequence() {
            let (Some(vip), Some(now)) = (cib.declared.vips.get(at), owners.get(at)) else { continue };
            let table = Table {
                scene: self,
                cib,
                rules: &rules,
                at,
                situation: Situation { nodes: &nodes, owners: &owners, places: &places },
                now: *now,
                assigned: &assigned,
            };
            let prospect = table.decide(vip.name.clone());
            if let Some(count) = prospect.then.and_then(|node| assigned.get_mut(node.index())) {
                *count += 1;
            }
            if let Some(place) = places.get_mut(at) {
                *place = prospect.then;
            }
            prospects.push((at, prospect));
        }
        prospects.sort_by_key(|(at, _)| *at);
        prospects.into_iter().map(|(_, prospect)| prospect).collect()
    }
}

/// A vip that is to be placed.
struct Table<'a> {
    scene: &'a Scene,
    cib: &'a Cib,
    rules: &'a Rules,
    /// Its place in the document.
    at: usize,
    situation: Situation<'a>,
    now: Option<NodeId>,
    assigned: &'a [usize],
}

impl Table<'_> {
    fn decide(&self, vip: String) -> Prospect {
        let pin = self.rules.moved(self.at);
        let chances: Vec<Chance> =
            self.scene.nodes().filter_map(|(id, node)| self.chance(id, node, pin)).collect();
        let able = || chances.iter().filter(|chance| chance.obstacle.is_none());
        let reaches = || able().filter_map(|chance| self.scene.view().nodes.get(chance.node.index()));
        let blind = self.scene.ping_hosts > 0 && reaches().all(|node| node.reach.pings == 0)
            || reaches().all(|node| node.reach.realservers == 0);
        let owner = able().find(|chance| Some(chance.node) == self.now);
        let stays = owner.filter(|owner| blind && pin.is_none_or(|pin| pin == owner.node));
        let best = stays.or_else(|| able().max_by_key(|chance| chance.rank));
        let (then, blind) = (best.map(|chance| chance.node), stays.is_some());
        Prospect { vip, now: self.now, then, blind, chances }
    }

    fn chance(&self, node: NodeId, seen: &NodeView, pin: Option<NodeId>) -> Option<Chance> {
        let (name, _) = self.cib.declared.nodes.get(node.index())?;
        let terms = self.rules.terms(self.at, node, &self.situation);
        let score = self.rules.score(self.at, node, &self.situation);
        let vetoes = terms.iter().filter(|term| term.score == Score::NEG_INFINITY);
        let vetoes: Vec<String> = vetoes.map(ToString::to_string).collect();
        let has_it = self.now == Some(node);
        let obstacle = match vetoes.is_empty() {
            false => Some(vetoes.join(", ")),
            true if score == Score::NEG_INFINITY => Some("its scores add up to never".to_owned()),
            true if has_it => None,
            true => self.unready(seen).map(str::to_owned),
        };
        let rank = Rank {
            moved: pin == Some(node),
            reach: counted(seen.reach, self.rules.counts_pings(self.at)),
            score,
            has_it,
            vips: Reverse(self.assigned.get(node.index()).copied().unwrap_or_default()),
            place: Reverse(node),
        };
        let terms = terms.iter().map(|term| (term.to_string(), term.score)).collect();
        Some(Chance { node, name: name.clone(), rank, terms, obstacle })
    }

    /// Why a node takes over nothing, although it keeps what it has.
    fn unready(&self, seen: &NodeView) -> Option<&'static str> {
        match seen.unfit {
            Some(Unfit::Table) => Some("its kernel does not hold what the file says"),
            Some(Unfit::Checks) => Some("its checks do not know yet how the realservers are"),
            None if seen.file != self.scene.view().common_file() => {
                Some("its file differs from that of most nodes")
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests;
