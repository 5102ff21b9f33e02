//! Virtual addresses: who owns them, and how the network is told.
//!
//! The half without sockets is always there; the feature `io` adds the one that sends.

#![deny(missing_docs)]

pub mod announce;
pub mod arp;
pub mod channel;
pub mod cib;
pub mod core;
mod guard;
pub mod keys;
pub mod message;
mod moment;
mod name;
#[cfg(feature = "io")]
pub mod packet;
mod score;
pub mod wire;

pub use core::Core;
pub use guard::Guard;
pub use moment::Moment;
pub use name::{ClusterId, LinkId, MAX_NODES, MAX_VIPS, NodeId, NodeSet, VipId};
pub use score::Score;
