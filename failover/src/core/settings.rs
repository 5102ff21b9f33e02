//! What a core is told once.

use std::time::Duration;

use crate::cib::Declared;
use crate::name::NodeId;

/// How much faster or slower than ours another node's clock may run: 1 in this many.
const CLOCK_RATE: u32 = 100;
/// What is left of a lease for taking an address off an interface: 1 in this many.
const WITHDRAWAL: u32 = 10;

/// What a core is told once; the same on every node but for `me`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// This node.
    pub me: NodeId,
    /// How many links lead from each node to each other.
    pub links: usize,
    /// How often a node says that it is there.
    pub keepalive: Duration,
    /// Silence that is told.
    pub warntime: Duration,
    /// Silence that means death; also the length of a lease.
    pub deadtime: Duration,
    /// How long vips without an owner wait for nodes that have not been heard since the start, and how long a node
    /// without memory grants nothing.
    pub initdead: Duration,
    /// What the file declares: the nodes by their ids, each of which has one vote; the vips, and what becomes of them
    /// without a majority.
    pub declared: Declared,
    /// Of two nodes, the one that reaches a ping host is a majority when the other is silent.
    pub tie_break: bool,
    /// Whether there is anything to ping.
    pub pings: bool,
    /// How long what nodes reach must have stayed as it is before vips move for it.
    pub dampen: Duration,
}

/// What a node is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It votes and owns.
    #[default]
    Director,
    /// It votes.
    Witness,
}

impl Role {
    /// The word that stands for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Director => "director",
            Self::Witness => "witness",
        }
    }
}

/// What becomes of vips without a majority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoQuorum {
    /// They are given up.
    #[default]
    Stop,
    /// They stay where they are, and none is taken. Unsafe: a majority elsewhere takes them as well.
    Freeze,
    /// Whoever is left counts as all. Unsafe: so do the others.
    Ignore,
}

impl NoQuorum {
    /// The word that stands for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Freeze => "freeze",
            Self::Ignore => "ignore",
        }
    }
}

impl Settings {
    /// How many nodes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.declared.nodes.len()
    }

    /// What a node is for.
    #[must_use]
    pub fn role(&self, node: NodeId) -> Role {
        self.declared.nodes.get(node.index()).map(|(_, role)| *role).unwrap_or_default()
    }

    /// The node of a name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeId> {
        NodeId::new(self.declared.nodes.iter().position(|(known, _)| known == name)?)
    }

    /// All nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.count()).filter_map(NodeId::new)
    }

    /// All nodes but this.
    pub(super) fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let me = self.me;
        self.nodes().filter(move |node| *node != me)
    }
}

/// How long a voter that hears nothing of the DC elects no other. That is over before its promises of vips are, so that
/// there is another DC by then; but nobody is given up for two heartbeats that were lost.
pub(super) fn loyalty(lease: Duration, keepalive: Duration) -> Duration {
    (lease * 2 / 3).max(keepalive * 9 / 4).min(lease)
}

/// How long a node relies on a promise for `lease`, counted from before it was asked for.
pub(super) fn reliance(lease: Duration) -> Duration {
    lease.saturating_sub(lease / CLOCK_RATE)
}

/// How long a vip is kept by a promise for `lease`, counted from before it was asked for: what is left is for taking
/// it off the interface.
pub(super) fn tenure(lease: Duration) -> Duration {
    reliance(lease).saturating_sub(lease / WITHDRAWAL)
}

/// How long a promise for `lease` is kept, counted from its being made.
pub(super) fn promised(lease: Duration) -> Duration {
    lease + lease / CLOCK_RATE
}

/// After so much silence of a node, what it owned is off its interfaces, though it does not count as dead yet.
pub(super) fn quiet(deadtime: Duration) -> Duration {
    deadtime * 23 / 25
}
