//! Where each vip would be under a document, as the DC would place it: a pure function of the document and of what is
//! known of the nodes.

use failover::cib::Cib;
use failover::cib::score::{Node, Rank, Rules, Turn};
use failover::core::NodeView;
use failover::message::Unfit;
use failover::{NodeId, Score, VipId};

use super::scene::Scene;
use super::transfer::{SAME_FILE, objection};

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
    /// The same for whoever wants to move it there: with what he can do about it.
    pub objection: Option<String>,
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
        let (rules, file) = (Rules::of(cib), self.common_file());
        let nodes: Vec<Node<'_>> = self.nodes().map(|(id, node)| self.seen(id, node)).collect();
        let owner = |name: &String| {
            let known = self.view().vips.iter().find(|vip| vip.id == VipId::of(name));
            known.and_then(|vip| vip.owner)
        };
        let owners: Vec<Option<NodeId>> = cib.declared.vips.iter().map(|vip| owner(&vip.name)).collect();
        let mut prospects: Vec<(usize, Prospect)> = Vec::with_capacity(owners.len());
        rules.take_turns(&nodes, &owners, |turn| {
            let vip = cib.declared.vips.get(turn.vip())?;
            let prospect = Table { scene: self, cib, turn, file }.decide(vip.name.clone());
            let then = prospect.then;
            prospects.push((turn.vip(), prospect));
            then
        });
        prospects.sort_by_key(|(at, _)| *at);
        prospects.into_iter().map(|(_, prospect)| prospect).collect()
    }
}

/// A vip that is to be placed.
struct Table<'a> {
    scene: &'a Scene,
    cib: &'a Cib,
    turn: &'a Turn<'a>,
    /// The one that counts.
    file: Option<u64>,
}

impl Table<'_> {
    fn decide(&self, vip: String) -> Prospect {
        let chances: Vec<Chance> =
            self.scene.nodes().filter_map(|(id, node)| self.chance(id, node, &vip)).collect();
        let able = chances.iter().filter(|chance| chance.obstacle.is_none());
        let able: Vec<NodeId> = able.map(|chance| chance.node).collect();
        let choice = self.turn.choose(&able);
        Prospect {
            vip,
            now: self.turn.owner(),
            then: choice.map(|choice| choice.node),
            blind: choice.is_some_and(|choice| choice.blind),
            chances,
        }
    }

    fn chance(&self, node: NodeId, seen: &NodeView, vip: &str) -> Option<Chance> {
        let (name, _) = self.cib.declared.nodes.get(node.index())?;
        let (terms, rank) = (self.turn.terms(node), self.turn.rank(node));
        let vetoes: Vec<_> = terms.iter().filter(|term| term.score == Score::NEG_INFINITY).collect();
        let (obstacle, objection) = if !vetoes.is_empty() {
            let why: Vec<String> = vetoes.iter().map(ToString::to_string).collect();
            (Some(why.join(", ")), Some(objection(vip, name, &vetoes)))
        } else if rank.score == Score::NEG_INFINITY {
            let why = "its scores add up to never".to_owned();
            (Some(why.clone()), Some(why))
        } else if let Some((why, help)) = self.unready(seen).filter(|_| !rank.has_it) {
            let told: Vec<&str> = [Some(why), help].into_iter().flatten().collect();
            (Some(why.to_owned()), Some(told.join("; ")))
        } else {
            (None, None)
        };
        let terms = terms.iter().map(|term| (term.to_string(), term.score)).collect();
        Some(Chance { node, name: name.clone(), rank, terms, obstacle, objection })
    }

    /// Why a node takes over nothing, although it keeps what it has; and what helps.
    fn unready(&self, seen: &NodeView) -> Option<(&'static str, Option<&'static str>)> {
        match seen.unfit {
            Some(Unfit::Table) => Some(("its kernel does not hold what the file says", None)),
            Some(Unfit::Checks) => Some(("its checks do not know yet how the realservers are", None)),
            None if seen.file != self.file => {
                Some(("its file differs from that of most nodes", Some(SAME_FILE)))
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests;
