//! Where host and port names come from.

use std::net::{IpAddr, Ipv4Addr};

use crate::Protocol;

/// What knows the names of hosts and ports.
pub trait Names {
    /// The IPv4 address of a host; ipvsadm never looks for another.
    fn address(&self, host: &str) -> Option<Ipv4Addr>;
    /// The port of a service.
    fn port(&self, service: &str, protocol: Protocol) -> Option<u16>;
    /// The name of a host.
    fn host(&self, address: IpAddr) -> Option<String>;
    /// The name of a service.
    fn service(&self, port: u16, protocol: Protocol) -> Option<String>;
}

/// Knows no name, so that every address and port stays a number.
#[derive(Clone, Copy, Debug)]
pub struct Numeric;

impl Names for Numeric {
    fn address(&self, _: &str) -> Option<Ipv4Addr> {
        None
    }

    fn port(&self, _: &str, _: Protocol) -> Option<u16> {
        None
    }

    fn host(&self, _: IpAddr) -> Option<String> {
        None
    }

    fn service(&self, _: u16, _: Protocol) -> Option<String> {
        None
    }
}
