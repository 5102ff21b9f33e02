//! A document as XML: Heartbeat 2's `cib.xml`, and what `cibadmin` takes of it.
//!
//! What is read may be damaged as printed listings are; what was mended is told, as is what was not taken. What is
//! written imports again to the same document.

mod element;
mod ledger;
mod mend;
mod read;
#[cfg(test)]
mod tests;
mod word;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use super::{Cib, Problems};

pub use ledger::{Note, Repair, Repaired};

/// The most bytes that are read.
pub const MAX_BYTES: usize = 10 << 20;

/// How much damage is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Whatever has only one meaning.
    Tolerant,
    /// None: what would be mended is a problem.
    Strict,
}

/// Whose XML is written. Both are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Heartbeat 2's, which is CRM 1.0.
    Heartbeat,
    /// That of the schema `pacemaker-1.0`, which today's Pacemaker validates.
    Pacemaker,
}

impl Dialect {
    /// Who counts so.
    const fn program(self) -> &'static str {
        match self {
            Self::Heartbeat => "Heartbeat 2.1",
            Self::Pacemaker => "Pacemaker",
        }
    }
}

/// What a text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Whether it was all of a `<cib>`, or else some elements, whose document has nothing else in it.
    pub whole: bool,
    /// The document.
    pub cib: Cib,
    /// What the cluster was like.
    pub status: Status,
    /// What was mended.
    pub repairs: Vec<Repaired>,
    /// What was not taken, or means something else.
    pub notes: Vec<Note>,
}

/// What a cluster is like, beside its document: the `<status>` of the XML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The name of the DC.
    pub dc: Option<String>,
    /// Whether there is a majority.
    pub quorate: bool,
    /// Each node that is or was heard, by name.
    pub nodes: BTreeMap<String, NodeStatus>,
}

/// What a node is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeStatus {
    /// Whether it is a member.
    pub online: bool,
    /// Its attributes, such as `pingd`, but for its fail counts, which are in the document.
    pub attributes: BTreeMap<String, String>,
    /// The vips that it has.
    pub vips: BTreeSet<String>,
}

impl Cib {
    /// Reads XML, which may come from anybody. As much as possible of what is wrong with it is told at once.
    pub fn from_xml(bytes: &[u8], reading: Reading) -> Result<Imported, Problems> {
        read::read(bytes, reading)
    }

    /// The document as XML.
    #[must_use]
    pub fn to_xml(&self, status: &Status, dialect: Dialect) -> String {
        write::write(self, status, dialect)
    }
}
