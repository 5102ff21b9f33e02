//! What an IPVS table can hold, as types that cannot hold anything else.
//!
//! The kernel itself accepts much that makes no sense (protocol 1, a gue tunnel without a port, fwmark 0):
//! such a value has no representation here, and a listing reports it as unknown instead.

mod destination;
mod name;
mod service;

use std::collections::BTreeMap;

pub use destination::{Destination, Encapsulation, Forward, GreChecksum, GueChecksum, Thresholds, Weight};
pub use name::EngineName;
pub use service::{
    Endpoint, Family, Flags, Netmask, Persistence, PersistenceTimeout, Protocol, Scheduler, Service,
    ServiceId,
};

/// A virtual service and its destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// How connections to the service are scheduled.
    pub service: Service,
    /// The realservers, by address and port.
    pub destinations: BTreeMap<Endpoint, Destination>,
}

impl Bound {
    /// A service without destinations.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self { service, destinations: BTreeMap::new() }
    }
}

/// A whole IPVS table, or the part of one that somebody cares for.
pub type Table = BTreeMap<ServiceId, Bound>;

/// A value that IPVS has no use for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// An IPv4-mapped IPv6 address, which the kernel would take for `0.0.0.0`.
    #[error("{0} is an IPv4 address in IPv6 form; write it as IPv4")]
    MappedAddress(std::net::Ipv6Addr),
    /// Text that is no address and port.
    #[error("{0:?} is not ADDRESS:PORT or [IPV6]:PORT")]
    Endpoint(String),
    /// Text that names no virtual service.
    #[error("{0:?} is not PROTOCOL ADDRESS:PORT or fwmark MARK")]
    ServiceId(String),
    /// A scheduler or engine name that the kernel cannot hold.
    #[error("{0:?} is not a name of 1 to 15 letters, digits, `_` or `-`")]
    Name(String),
    /// A weight above [`Weight::MAX`].
    #[error("weight {0} is above 2147483647")]
    Weight(u32),
    /// A threshold above [`Thresholds::MAX`].
    #[error("threshold {0} is above 2147483647")]
    Threshold(u32),
    /// A lower threshold above the upper one.
    #[error("lower threshold {lower} is above the upper threshold {upper}")]
    Thresholds {
        /// The upper threshold.
        upper: u32,
        /// The lower threshold.
        lower: u32,
    },
    /// A persistence timeout outside its range.
    #[error("persistence timeout of {0} s is not between 1 s and 31 days")]
    PersistenceTimeout(u32),
    /// An IPv6 prefix length outside its range.
    #[error("prefix length {0} is not between 1 and 128")]
    PrefixLength(u32),
    /// A name that no network interface can have.
    #[error("{0:?} is not the name of a network interface")]
    Interface(String),
    /// An address outside the multicast ranges.
    #[error("{0} is not a multicast address")]
    Group(std::net::IpAddr),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_id_is_read_back_from_what_it_prints() {
        for text in [
            "tcp 192.0.2.10:80",
            "udp [2001:db8::10]:53",
            "sctp 192.0.2.10:0",
            "fwmark 7",
            "fwmark 4294967295 ipv6",
        ] {
            assert_eq!(text.parse::<ServiceId>().map(|id| id.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn nonsense_is_no_service_id() {
        for text in [
            "",
            "tcp",
            "tcp 192.0.2.10",
            "icmp 192.0.2.10:80",
            "fwmark 0",
            "fwmark -1",
            "tcp [::ffff:1.2.3.4]:80",
        ] {
            assert!(text.parse::<ServiceId>().is_err(), "{text}");
        }
    }
}
