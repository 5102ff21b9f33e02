//! What directors call each other and their virtual addresses on the wire.

use std::fmt;

use sha2::{Digest, Sha256};

/// The most nodes that a cluster has.
pub const MAX_NODES: usize = 9;
/// The most vips that a cluster has.
pub const MAX_VIPS: usize = 64;

/// A node: its place in the file's list of nodes, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u8);

impl NodeId {
    /// The node at this place; there is none beyond [`MAX_NODES`].
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u8::try_from(index).ok().filter(|_| index < MAX_NODES).map(Self)
    }

    /// Its place.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its place, for the wire.
    pub(crate) const fn byte(self) -> u8 {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

/// Some of the nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NodeSet(u16);

impl NodeSet {
    /// The set of these bits, the lowest for the first node; bits of nodes that cannot be are dropped.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & ((1 << MAX_NODES) - 1))
    }

    /// A bit for each node, the lowest for the first.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Adds a node.
    pub const fn insert(&mut self, node: NodeId) {
        self.0 |= 1 << node.0;
    }

    /// Whether a node is in it.
    #[must_use]
    pub const fn contains(self, node: NodeId) -> bool {
        self.0 & (1 << node.0) != 0
    }

    /// How many nodes are in it.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether no node is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<T: IntoIterator<Item = NodeId>>(nodes: T) -> Self {
        let mut set = Self::default();
        nodes.into_iter().for_each(|node| set.insert(node));
        set
    }
}

/// A vip: the start of its name's SHA-256, so that it means the same to directors whose files differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VipId(u32);

impl VipId {
    /// The vip of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(name));
        Self(u32::from_be_bytes([a, b, c, d]))
    }

    /// From the wire.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// For the wire.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// A cluster: the start of its name's SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(u64);

impl ClusterId {
    /// The cluster of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(Sha256::digest(name).first_chunk().map_or(0, |start| u64::from_be_bytes(*start)))
    }

    /// From the wire.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// For the wire.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

/// One path between all nodes: its place in each node's list of links, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u8);
