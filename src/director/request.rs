//! What others may ask of the director.

use tokio::sync::oneshot;

use super::{Desk, Refusal};
use crate::serving::Said;

/// What others may ask of the director.
pub enum Request {
    /// Read the file again and apply it; `cut` ends connections instead of draining them.
    Reload {
        /// Do not drain.
        cut: bool,
        /// The verdict.
        reply: oneshot::Sender<Result<String, Refusal>>,
    },
    /// An operator's word for a realserver; none leaves it to the checks again.
    Say {
        /// The service.
        service: String,
        /// The realserver.
        realserver: String,
        /// The word.
        said: Option<Said>,
        /// The verdict.
        reply: oneshot::Sender<Result<String, Refusal>>,
    },
    /// An operator's word for a node of the cluster; none is this one.
    Standby {
        /// The node.
        node: Option<String>,
        /// It is to give up all, or to take part again.
        standby: bool,
        /// The verdict.
        reply: oneshot::Sender<Result<String, Refusal>>,
    },
    /// An operator's word for where a vip is to be.
    Move {
        /// The vip.
        vip: String,
        /// Where.
        to: Destination,
        /// The verdict.
        reply: oneshot::Sender<Result<String, Refusal>>,
    },
    /// An operator forgives what a vip did.
    Cleanup {
        /// The vip.
        vip: String,
        /// At which node; none is all.
        node: Option<String>,
        /// The verdict.
        reply: oneshot::Sender<Result<String, Refusal>>,
    },
    /// Whoever wants to read the document that rules the cluster, or to change it.
    Desk {
        /// All that it takes.
        reply: oneshot::Sender<Result<Desk, Refusal>>,
    },
    /// Make a snapshot, unless there is one of this moment.
    Look {
        /// Tells when it is there.
        reply: oneshot::Sender<()>,
    },
    /// End, and leave all in place.
    End,
    /// Take everything that is lvsd's out of the kernel, and end.
    Release {
        /// The verdict.
        reply: oneshot::Sender<Result<String, Refusal>>,
    },
}

/// Where an operator wants a vip to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// At this node.
    Node(String),
    /// Anywhere but where it is.
    Elsewhere,
    /// Wherever the cluster places it.
    Anywhere,
}
