//! Vips are placed one after another. How that is done is the same for the DC, which does it, and for whoever tells
//! beforehand what it would do.

use std::cmp::Reverse;

use super::{Node, Rules, Situation, Term};
use crate::message::Reach;
use crate::name::NodeId;
use crate::score::Score;

/// A vip that is to be placed now, after those that it follows or needs.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    rules: &'a Rules,
    vip: usize,
    now: Situation<'a>,
    assigned: &'a [usize],
}

/// What nodes are compared by; the greatest is the best. What a node reaches always outranks what is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// An operator moved it there.
    pub moved: bool,
    /// What it reaches, but for pings if rules of the document count them themselves.
    pub reach: Reach,
    /// What it is worth.
    pub score: Score,
    /// It is there.
    pub has_it: bool,
    /// How many vips were placed there in earlier turns.
    pub vips: Reverse<usize>,
    /// Its place in the file.
    pub place: Reverse<NodeId>,
}

/// Where a vip is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The node.
    pub node: NodeId,
    /// It stays there since nobody who could have it reaches anything, which is no reason to be elsewhere.
    pub blind: bool,
}

impl Rules {
    /// Gives each vip its turn, and has it placed. What is decided counts in all later turns.
    pub fn take_turns(
        &self,
        nodes: &[Node<'_>],
        owners: &[Option<NodeId>],
        mut place: impl FnMut(&Turn<'_>) -> Option<NodeId>,
    ) {
        let mut places = owners.to_vec();
        let mut assigned = vec![0_usize; nodes.len()];
        for &vip in &self.sequence {
            let now = Situation { nodes, owners, places: &places };
            let to = place(&Turn { rules: self, vip, now, assigned: &assigned });
            if let Some(count) = to.and_then(|node| assigned.get_mut(node.index())) {
                *count += 1;
            }
            if let Some(place) = places.get_mut(vip) {
                *place = to;
            }
        }
    }
}

impl<'a> Turn<'a> {
    /// The vip, as its place in the document.
    #[must_use]
    pub const fn vip(&self) -> usize {
        self.vip
    }

    /// Who has it.
    #[must_use]
    pub fn owner(&self) -> Option<NodeId> {
        self.now.owners.get(self.vip).copied().flatten()
    }

    /// What a node is worth to it.
    #[must_use]
    pub fn score(&self, node: NodeId) -> Score {
        self.rules.score(self.vip, node, &self.now)
    }

    /// The same, term by term.
    #[must_use]
    pub fn terms(&self, node: NodeId) -> Vec<Term<'a>> {
        self.rules.terms(self.vip, node, &self.now)
    }

    /// What speaks for a node.
    #[must_use]
    pub fn rank(&self, node: NodeId) -> Rank {
        let reach = self.reach(node);
        let pings = if self.rules.counts_pings(self.vip) { 0 } else { reach.pings };
        Rank {
            moved: self.rules.moved(self.vip) == Some(node),
            reach: Reach { pings, ..reach },
            score: self.score(node),
            has_it: self.owner() == Some(node),
            vips: Reverse(self.assigned.get(node.index()).copied().unwrap_or_default()),
            place: Reverse(node),
        }
    }

    /// Which of those who could have it gets it.
    #[must_use]
    pub fn choose(&self, able: &[NodeId]) -> Option<Choice> {
        let pinged = |node: &NodeId| self.node(*node).and_then(|node| node.pings);
        let blind = able.iter().all(|node| pinged(node) == Some(0))
            || able.iter().all(|node| self.reach(*node).realservers == 0);
        let owner = self.owner().filter(|owner| able.contains(owner));
        let moved = self.rules.moved(self.vip);
        let stays = owner.filter(|owner| blind && moved.is_none_or(|to| to == *owner));
        let best = || able.iter().copied().max_by_key(|node| self.rank(*node));
        let node = stays.or_else(best)?;
        Some(Choice { node, blind: stays.is_some() })
    }

    fn node(&self, node: NodeId) -> Option<&Node<'a>> {
        self.now.nodes.get(node.index())
    }

    fn reach(&self, node: NodeId) -> Reach {
        let known = self.node(node);
        let pings = known.and_then(|node| node.pings).unwrap_or_default();
        Reach {
            pings: pings.try_into().unwrap_or(u8::MAX),
            realservers: known.map_or(0, |node| node.realservers),
        }
    }
}

/// The file that counts: who has another one takes nothing over. It is what most of those have that are heard; of
/// several, what most have had that are known, and then the DC's.
#[must_use]
pub fn common_file(heard: &[u64], known: &[u64], of_dc: Option<u64>) -> Option<u64> {
    let count = |files: &[u64], file: u64| files.iter().filter(|known| **known == file).count();
    let files = heard.iter().copied();
    files.max_by_key(|file| (count(heard, *file), count(known, *file), Some(*file) == of_dc, *file))
}
