//! The document that rules the cluster: what directors must agree on.
//!
//! The file declares nodes and vips; the document carries that declaration to all directors, with what operators said
//! since: who is in standby, which vip was moved, which constraints hold, and what failed where. It is written as TOML:
//! on disk, between directors, and for operators.

#[cfg(test)]
mod arbitrary;
mod diff;
mod document;
mod edit;
mod problem;
#[cfg(test)]
mod sample;
pub mod score;
mod text;
pub mod verify;
mod version;
pub mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::core::{NoQuorum, Role};
use crate::score::Score;

pub use diff::Change;
pub use document::{Digest, Document, Stamp};
pub use problem::{Problem, Problems};
pub use text::{MAX_BYTES, Time};
pub use version::{InvalidVersion, Version};

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cib {
    /// Which one it is; a later one replaces an earlier.
    pub version: Version,
    /// What the files of the directors declare. Only a file changes it.
    pub declared: Declared,
    /// The names of the nodes that an operator put into standby; all of them are declared.
    pub standby: BTreeSet<String>,
    /// What operators want of vips beyond what the file says, by what it is called.
    pub constraints: BTreeMap<String, Constraint>,
    /// The vips that an operator moved, by name: to which node.
    pub moves: BTreeMap<String, String>,
    /// How often a vip (first) failed at a node (second) of late.
    pub failures: BTreeMap<(String, String), u32>,
}

impl Cib {
    /// The locations, by their ids.
    pub fn locations(&self) -> impl Iterator<Item = (&str, &Location)> {
        self.constraints.iter().filter_map(|(id, constraint)| match constraint {
            Constraint::Location(location) => Some((id.as_str(), location)),
            _ => None,
        })
    }

    /// The colocations, by their ids.
    pub fn colocations(&self) -> impl Iterator<Item = (&str, &Colocation)> {
        self.constraints.iter().filter_map(|(id, constraint)| match constraint {
            Constraint::Colocation(colocation) => Some((id.as_str(), colocation)),
            _ => None,
        })
    }

    /// The orders, by their ids.
    pub fn orders(&self) -> impl Iterator<Item = (&str, &Order)> {
        self.constraints.iter().filter_map(|(id, constraint)| match constraint {
            Constraint::Order(order) => Some((id.as_str(), order)),
            _ => None,
        })
    }
}

/// What the files of the directors declare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// What becomes of vips without a majority.
    pub policy: NoQuorum,
    /// What each ping host that a node reaches adds to its attribute `pingd`.
    pub multiplier: u32,
    /// The nodes, in the order of the file.
    pub nodes: Vec<(String, Role)>,
    /// The vips, in the order of the file.
    pub vips: Vec<Resource>,
}

impl Default for Declared {
    fn default() -> Self {
        Self { policy: NoQuorum::default(), multiplier: 1, nodes: Vec::new(), vips: Vec::new() }
    }
}

/// A vip, as the file declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// Its addresses with their prefixes, as the file writes them.
    pub addresses: Vec<String>,
    /// The interface that carries them.
    pub interface: String,
    /// How much it prefers nodes, by name.
    pub prefer: BTreeMap<String, Score>,
    /// How much it is to stay where it is.
    pub stickiness: Score,
    /// So many failures at a node bar it from that node; 0 for none.
    pub migration_threshold: u32,
    /// So long after the last of them they are forgotten.
    pub failure_timeout: Duration,
}

/// What an operator wants of vips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Where a vip should be.
    Location(Location),
    /// Which vips should be together, and which apart.
    Colocation(Colocation),
    /// Which vip needs another.
    Order(Order),
}

/// Where a vip should be, or should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The vip.
    pub vip: String,
    /// How much, where the rule holds.
    pub worth: Worth,
    /// Where it holds.
    pub rule: Rule,
}

/// How much a location counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worth {
    /// So much.
    Score(Score),
    /// As much as this attribute of the node says.
    Attribute(String),
}

/// When a location holds at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All of these hold; of none, always.
    All(Vec<Expression>),
    /// One of these holds; of none, never.
    Any(Vec<Expression>),
}

/// What is asked of an attribute of a node. `#uname` is its name, `pingd` what its pings are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// The attribute.
    pub attribute: String,
    /// The question.
    pub operation: Operation,
    /// What it is compared with; empty of `defined` and `not_defined`.
    pub value: String,
}

/// How an attribute is compared with a value: as numbers where both are, else as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is less.
    Lt,
    /// It is greater.
    Gt,
    /// It is not greater.
    Lte,
    /// It is not less.
    Gte,
    /// It is the same.
    Eq,
    /// It is not the same.
    Ne,
    /// The node has it.
    Defined,
    /// The node does not have it.
    NotDefined,
}

impl Operation {
    /// All of them.
    pub(crate) const ALL: [Self; 8] =
        [Self::Lt, Self::Gt, Self::Lte, Self::Gte, Self::Eq, Self::Ne, Self::Defined, Self::NotDefined];

    /// The word that stands for it, the same in TOML and XML.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lt => "lt",
            Self::Gt => "gt",
            Self::Lte => "lte",
            Self::Gte => "gte",
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Defined => "defined",
            Self::NotDefined => "not_defined",
        }
    }

    /// Whether there is a value to compare with.
    #[must_use]
    pub const fn compares(self) -> bool {
        !matches!(self, Self::Defined | Self::NotDefined)
    }
}

/// Two vips that should be at one node, or at different ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colocation {
    /// The vip that follows.
    pub vip: String,
    /// The vip that it follows, which is placed first and does not mind.
    pub with: String,
    /// How much: "always" and "never" are rules, a number is a wish.
    pub score: Score,
}

/// A vip that is nowhere while another is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The vip that has to have an owner.
    pub first: String,
    /// The vip that waits for it.
    pub then: String,
}
