//! What a core tells: each change once.

use std::time::Duration;

use crate::cib::{Digest, Stamp};
use crate::message::{Bar, Cause, Term};
use crate::name::{LinkId, NodeId, VipId};

/// A change that somebody should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A node is heard, again or for the first time.
    Heard(NodeId),
    /// A node started anew.
    Restarted(NodeId),
    /// A node has been silent on all links for `deadtime`.
    Dead(NodeId),
    /// A node said that it ends.
    Left(NodeId),
    /// By the document, a node is in standby, or takes part again.
    Standby(NodeId, bool),
    /// A link to a node is heard on, again or for the first time.
    LinkUp(NodeId, LinkId),
    /// A link to a node has been silent for `deadtime`.
    LinkDown(NodeId, LinkId),
    /// A node was silent for longer than `warntime`.
    Late(NodeId, Duration),
    /// A node is the DC of a term.
    Elected(NodeId, Term),
    /// There is a majority with a DC, or there is none any more.
    Quorum(bool),
    /// A vip is to be owned by another node, or by none.
    Granted {
        /// The vip.
        vip: VipId,
        /// Who owned it.
        from: Option<NodeId>,
        /// Who is to own it.
        to: Option<NodeId>,
        /// Why.
        cause: Cause,
    },
    /// This node may carry a vip from now on.
    Holding(VipId),
    /// This node does not carry a vip any more.
    Released(VipId),
    /// No majority acknowledged this node in time: it gives a vip up.
    Expired(VipId),
    /// A vip cannot be carried here, or can be again.
    Barred(VipId, Option<Bar>),
    /// A node uses another `deadtime` than this one.
    OtherLease(NodeId, Duration),
    /// A majority has this document, which says something else than the one before.
    Committed(Stamp, Digest),
    /// The DC asks for a document that cannot be read here, and why.
    Unreadable(Stamp, String),
    /// As the DC, this node cannot write down what its file declares, and why.
    Undeclared(String),
}
