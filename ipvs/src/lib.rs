//! Linux IPVS, the kernel's layer-4 load balancer, over its generic netlink interface.
//!
//! The pure half ([`model`]) knows no socket; the half behind the feature `io` talks to
//! the kernel. The source of every number is the kernel's `include/uapi/linux/ip_vs.h`.

#![deny(missing_docs)]

pub mod model;

pub use model::{
    Bound, Destination, Encapsulation, Endpoint, EngineName, Family, Flags, Forward, GreChecksum,
    GueChecksum, Invalid, Netmask, Persistence, PersistenceTimeout, Protocol, Scheduler, Service, ServiceId,
    Table, Thresholds, Weight,
};
