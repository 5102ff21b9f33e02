//! The cluster at one moment, as one of its nodes sees it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The directors that share the vips, and those who vote with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Whether there is a majority with a DC.
    pub quorate: bool,
    /// Since when there is one, or none.
    pub since: Timestamp,
    /// The designated coordinator.
    pub dc: Option<String>,
    /// Its term.
    pub term: u64,
    /// What becomes of vips without a majority: stop, freeze, ignore.
    pub policy: String,
    /// Who decides between two halves: ping.
    pub tie_break: Option<String>,
    /// Why two directors may answer at once; empty: the file does not allow it.
    pub risks: Vec<String>,
    /// How many nodes are heard, this one included.
    pub votes: usize,
    /// How many have to agree.
    pub votes_needed: usize,
    /// The document that rules the cluster, as this node reads it.
    pub cib: Cib,
    /// The nodes, in the order of the file.
    pub nodes: Vec<Node>,
    /// How many datagrams were rejected, by the reason.
    pub rejected: BTreeMap<String, u64>,
    /// How many datagrams came from addresses that are no node's.
    pub strangers: u64,
    /// What this node's disk does not take, and why; null if it takes all.
    pub unwritten: Option<String>,
    /// How long ago the part of this director that talks with the others told all this.
    pub told_seconds: f64,
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// director or witness.
    pub role: String,
    /// How it is.
    pub state: NodeState,
    /// Since when.
    pub since: Timestamp,
    /// How long ago it was last heard; null if it has not been.
    pub last_heard_seconds: Option<f64>,
    /// How often it was silent for longer than `warntime`.
    pub late: u64,
    /// Whether its file is this node's; null as long as that is not known.
    pub config_match: Option<bool>,
    /// The document that it has on disk; null as long as that is not known.
    pub cib: Option<Cib>,
    /// Whether that says what this node reads.
    pub cib_match: Option<bool>,
    /// Whether its `deadtime` is this node's; null as long as that is not known.
    pub deadtime_match: Option<bool>,
    /// Why it should not take over anything.
    pub unfit: Option<String>,
    /// The nodes that it hears, itself included.
    pub hears: Vec<String>,
    /// What it reaches.
    pub reach: Reach,
    /// The vips that it cannot carry, and why.
    pub barred: BTreeMap<String, String>,
    /// The links to it; none to this node.
    pub links: Vec<Link>,
}

/// Which document a node has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cib {
    /// Its version: `admin_epoch.epoch.num_updates`.
    pub version: String,
    /// The term of the DC that asked for it.
    pub term: u64,
    /// The start of the SHA-256 of its text.
    pub digest: String,
    /// Whether a majority is known to have it.
    pub committed: bool,
}

/// What a node reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// How many ping hosts answer it.
    pub pings: u8,
    /// Whether its checks see none of the realservers up (0), fewer than half (1) or more (2).
    pub realservers: u8,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It takes part.
    Online,
    /// It votes and owns nothing: the operator's word.
    Standby,
    /// It is about to end.
    Leaving,
    /// It said that it ends, and did.
    Left,
    /// It has been silent for longer than `warntime`.
    Suspect,
    /// It has been silent for longer than `deadtime`.
    Dead,
    /// It has not been heard yet.
    Unknown,
}

impl NodeState {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Online, Self::Standby, Self::Leaving, Self::Left, Self::Suspect, Self::Dead, Self::Unknown];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Standby => "standby",
            Self::Leaving => "leaving",
            Self::Left => "left",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is heard.
    #[must_use]
    pub const fn is_heard(self) -> bool {
        matches!(self, Self::Online | Self::Standby | Self::Leaving | Self::Suspect)
    }
}

/// A link to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The node's address on it.
    pub address: String,
    /// Whether the node was heard on it within `deadtime`.
    pub state: LinkState,
    /// Since when.
    pub since: Timestamp,
    /// How many heartbeats came.
    pub received: u64,
    /// How many did not.
    pub lost: u64,
}

/// Whether a link is heard on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It is.
    Up,
    /// It is silent.
    Down,
}

impl LinkState {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What this director has of a vip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Nothing.
    #[default]
    None,
    /// It is to have it and waits for a majority.
    Asking,
    /// It has it.
    Held,
    /// It is giving it up.
    Yielding,
}

/// What came of announcing a vip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// How often its addresses were announced since they were taken.
    pub times: u64,
    /// The neighbours that were asked whether they know where it is.
    pub asked: Vec<String>,
    /// Those that answered.
    pub confirmed: Vec<String>,
}

/// Another station that has an address of a vip as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The address.
    pub address: String,
    /// The station.
    pub mac: String,
    /// When it last said so.
    pub at: Timestamp,
}
