//! The cluster: the directors that share the vips, and what they take for a death.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Name;

/// The directors that share the vips, and those who vote with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: Name,
    /// The nodes, in the file's order: 2 to 9, of which at least one is a director. All have a vote.
    pub nodes: Vec<Node>,
    /// The UDP port at which they talk.
    pub port: u16,
    /// The file with the keys by which they know each other, an absolute path. Nobody has looked at it.
    pub keys: PathBuf,
    /// How often each says that it lives.
    pub keepalive: Duration,
    /// Silence that is told; from `keepalive` to less than `deadtime`.
    pub warntime: Duration,
    /// Silence that means death, and the length of a lease; more than twice `keepalive`.
    pub deadtime: Duration,
    /// The same after a start, when the network may not be up yet; not less than `deadtime`.
    pub initdead: Duration,
    /// What a director does with its vips when it has no majority.
    pub policy: NoQuorum,
    /// Who decides between two halves. Only where there are two voters, and something to ping.
    pub tie_break: Option<TieBreak>,
    /// What must answer for a node to count as connected.
    pub ping: Option<Ping>,
}

impl Cluster {
    /// The node of this name. Case does not matter in host names.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name.as_str().eq_ignore_ascii_case(name))
    }
}

/// A member of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its host name in lower case (RFC 1123), unique in the cluster.
    pub name: Name,
    /// Its addresses for heartbeats: 1 to 4, as many as each other node has. Those at the same place in the list are of
    /// one family, and no address belongs to two nodes.
    pub links: Vec<IpAddr>,
    /// What it does.
    pub role: Role,
}

/// What a node does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Votes, and may own vips.
    #[default]
    Director,
    /// Votes only.
    Witness,
}

impl Role {
    /// The word that stands for it in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Director => "director",
            Self::Witness => "witness",
        }
    }
}

/// What a director does with its vips when it has no majority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NoQuorum {
    /// It gives them up.
    #[default]
    Stop,
    /// It keeps them and takes no others. Unsafe: the majority may have given them to another one.
    Freeze,
    /// It behaves as if it had one. Unsafe: so does the other side.
    Ignore,
}

impl NoQuorum {
    /// The word that stands for it in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Freeze => "freeze",
            Self::Ignore => "ignore",
        }
    }
}

/// Who decides between two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TieBreak {
    /// The half that reaches the ping hosts. Unsafe: both may.
    Ping,
}

impl TieBreak {
    /// The word that stands for it in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
        }
    }
}

/// What must answer for a node to count as connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// The addresses: 1 to 16, none that of a node or a vip.
    pub hosts: Vec<IpAddr>,
    /// How long an answer must be missing or there before it counts.
    pub dampen: Duration,
    /// What each of them that answers adds to the attribute `pingd` of a node.
    pub multiplier: u32,
}
