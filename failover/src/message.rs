//! What directors tell each other.
//!
//! There is one kind of message: all that the sender stands for at the moment it was sent. Whoever misses one
//! learns the same from the next. Beside it go the pages of the [document](crate::cib), to whom asks for them.

use std::time::Duration;

use crate::cib::{self, Digest, Stamp};
use crate::name::{NodeId, NodeSet, VipId};

/// A term of office: at most one node is the designated coordinator (DC) of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);

impl Term {
    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// All that a node stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The latest term that it knows of.
    pub term: Term,
    /// Whom it takes for the DC of that term.
    pub leader: Option<NodeId>,
    /// How long silence of it means its death, and how long it makes use of an acknowledgement: its `deadtime`.
    pub lease: Duration,
    /// What it can do.
    pub standing: Standing,
    /// Who is to own what, in the latest version that it knows of.
    pub table: Table,
    /// The vips that it owns or is about to own. One that is missing is not on its interface, and will not be by
    /// any acknowledgement of an earlier message.
    pub claims: Vec<VipId>,
    /// What it asks or answers in an election.
    pub ballot: Option<Ballot>,
    /// The document that it has on disk.
    pub document: Mention,
    /// What failed here and is not in the document yet.
    pub failed: Option<Failed>,
    /// It needs an acknowledgement of this message at once.
    pub urgent: bool,
    /// The acknowledgement of a message of the receiver.
    pub ack: Option<Ack>,
}

/// What a node can do, as it knows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It is about to end.
    pub leaves: bool,
    /// Why it should not take over what it does not own.
    pub unfit: Option<Unfit>,
    /// The start of the SHA-256 of its file.
    pub file: u64,
    /// Whom it hears, itself included.
    pub hears: NodeSet,
    /// What it reaches.
    pub reach: Reach,
    /// The vips that it cannot carry.
    pub barred: Vec<(VipId, Bar)>,
}

/// Why a node should not take over what it does not own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Its kernel does not hold yet what the file says.
    Table,
    /// Its checks have not found out yet how the realservers are.
    Checks,
}

/// Why a node cannot carry a vip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// The interface has no carrier, is down or is not there.
    Carrier,
    /// Somebody who is no director answers for an address of it.
    Foreign,
    /// It failed too often of late.
    Failed,
    /// The node's file has no such vip.
    Unknown,
}

/// What a node reaches; the more, the better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// How many ping hosts answer it.
    pub pings: u8,
    /// Whether its checks see none of the realservers up (0), fewer than half (1) or more (2). It is no finer than that,
    /// because two directors do not find out about one realserver at the same time.
    pub realservers: u8,
}

/// Which table is the later one; a DC counts its own up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The term of the DC that wrote it.
    pub term: Term,
    /// The number within that term.
    pub number: u64,
}

/// Who is to own what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Which one it is.
    pub version: Version,
    /// One for each vip, in the order of their ids.
    pub grants: Vec<Grant>,
}

impl Table {
    /// What is said of a vip.
    #[must_use]
    pub fn grant(&self, vip: VipId) -> Option<&Grant> {
        let at = self.grants.binary_search_by_key(&vip, |grant| grant.vip).ok()?;
        self.grants.get(at)
    }

    /// Who is to own a vip.
    #[must_use]
    pub fn owner(&self, vip: VipId) -> Option<NodeId> {
        self.grant(vip)?.owner
    }
}

/// Who is to own a vip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The vip.
    pub vip: VipId,
    /// Who is to own it.
    pub owner: Option<NodeId>,
    /// Why it is as it is.
    pub cause: Cause,
}

/// Why a vip is where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nobody had it, and this node is the best for it.
    Vacant,
    /// The owner before fell silent.
    Dead(NodeId),
    /// The owner before is about to end.
    Left(NodeId),
    /// The owner before was put into standby.
    Standby(NodeId),
    /// The owner before cannot carry it.
    Barred(NodeId, Bar),
    /// This node reaches more than the owner before.
    Reach(NodeId),
    /// The file prefers this node.
    Preferred,
    /// An operator moved it.
    Moved,
    /// No node can have it.
    Nobody,
}

/// A question or an answer of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ballot {
    /// Would you vote for me in this term?
    WouldYou(Term),
    /// I would, for this node.
    Would(Term, NodeId),
    /// Vote for me in this term.
    Ask(Term),
    /// My vote of this term is for this node; it is on disk.
    Vote(Term, NodeId),
}

/// A document that a node has on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mention {
    /// Which one.
    pub stamp: Stamp,
    /// Its content.
    pub digest: Digest,
    /// A majority is known to have it.
    pub committed: bool,
}

/// How often a vip has failed at a node, as the document will have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The vip.
    pub vip: VipId,
    /// How often.
    pub count: u16,
}

/// What brings a document from one node to another. It is asked for piece by piece, so that whoever has lost one asks
/// again, and nobody is sent more than he takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// I propose this document in place of that version; ask me for it. To the DC.
    Offer {
        /// What it was made from.
        base: cib::Version,
        /// Its content.
        digest: Digest,
    },
    /// Give me the part that begins here.
    Pull {
        /// Of which document.
        digest: Digest,
        /// Where.
        offset: u32,
    },
    /// Here it is.
    Part {
        /// Of which document.
        digest: Digest,
        /// How many bytes that has.
        length: u32,
        /// Where.
        offset: u32,
        /// At most [`PART`].
        bytes: Vec<u8>,
    },
    /// What became of an offer. From the DC.
    Answer {
        /// Of which document.
        digest: Digest,
        /// What.
        verdict: Verdict,
    },
}

/// So many bytes of a document go into one page.
pub const PART: usize = 1024;

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A majority has it.
    Committed,
    /// Another was first: this version is the one to start from.
    Conflict(cib::Version),
    /// It cannot be read, or is no later than what it is to replace.
    Invalid,
}

/// The acknowledgement of a message: from its receipt on, for as long as the lease that the message names, the
/// sender of the acknowledgement lets nobody else own these vips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The number of the message.
    pub sequence: u64,
    /// The vips.
    pub vips: Vec<VipId>,
}
