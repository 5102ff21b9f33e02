//! Linux IPVS, the kernel's layer-4 load balancer, over its generic netlink interface.
//!
//! The pure half knows no socket: [`model`] is what a table can hold, [`plan()`] the steps from one table to
//! another, [`wire`] the messages and [`window`] their order. The half behind the feature `io`, `Connection`,
//! talks to the kernel. The source of every number is the kernel's `include/uapi/linux/ip_vs.h`.

#![deny(missing_docs)]

#[cfg(any(test, feature = "proptest"))]
pub mod arbitrary;
#[cfg(feature = "io")]
mod conn;
mod control;
mod listing;
pub mod model;
mod plan;
mod refusal;
pub mod text;
pub mod window;
pub mod wire;

#[cfg(feature = "io")]
pub use conn::{Connection, Error, Failure};
pub use control::{Group, Info, Interface, Role, SyncDaemon, Timeouts};
pub use listing::{Listing, Observed, ObservedDestination, Statistics, Unknown};
pub use model::{
    Bound, Destination, Encapsulation, Endpoint, EngineName, Family, Flags, Forward, GreChecksum,
    GueChecksum, Invalid, Netmask, Persistence, PersistenceTimeout, Protocol, Scheduler, Service, ServiceId,
    Table, Thresholds, Weight,
};
pub use plan::{Op, apply, plan};
pub use refusal::Refusal;
