//! Virtual addresses: who owns them, and how the network is told.
//!
//! The half without sockets is always there; the feature `io` adds the one that sends.

#![deny(missing_docs)]

pub mod announce;
#[cfg(feature = "io")]
pub mod packet;
