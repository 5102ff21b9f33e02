//! What IPVS has besides its table: timeouts, the synchronisation daemons, its own description.

use std::fmt;
use std::net::IpAddr;

use crate::Invalid;

/// How long idle connections are kept, in seconds; 0 leaves a timeout as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connections in the established state.
    pub tcp: u32,
    /// TCP connections after a FIN.
    pub tcp_fin: u32,
    /// UDP.
    pub udp: u32,
}

/// What the kernel says about its IPVS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version: major, minor, patch.
    pub version: (u8, u8, u8),
    /// The buckets of the connection table.
    pub connection_table_size: u32,
}

/// A synchronisation daemon's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends this director's connections.
    Master,
    /// Receives the connections of other directors.
    Backup,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "master",
            Self::Backup => "backup",
        })
    }
}

/// The name of a network interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interface(Box<str>);

impl Interface {
    /// Bytes in a name without the closing NUL (`IFNAMSIZ`).
    const MAX_LENGTH: usize = 15;

    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        let fits = (1..=Self::MAX_LENGTH).contains(&name.len()) && name != "." && name != "..";
        if fits && !name.contains(|c: char| c == '/' || c == ':' || c == '\0' || c.is_whitespace()) {
            Ok(Self(name.into()))
        } else {
            Err(Invalid::Interface(name.to_owned()))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A multicast address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group(IpAddr);

impl Group {
    /// Checks an address.
    pub fn new(address: IpAddr) -> Result<Self, Invalid> {
        if address.is_multicast() { Ok(Self(address)) } else { Err(Invalid::Group(address)) }
    }

    /// The address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.0
    }
}

/// A synchronisation daemon, a thread of the kernel; what is absent is the kernel's choice.
///
/// It excludes destinations of another address family than their service's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncDaemon {
    /// Its part.
    pub role: Role,
    /// The interface that it sends or receives on.
    pub interface: Interface,
    /// Which directors belong together; a backup of 0 listens to all.
    pub sync_id: u8,
    /// The largest datagram in bytes; by default what the interface's MTU allows.
    pub max_length: Option<u16>,
    /// The multicast group; by default 224.0.0.81.
    pub group: Option<Group>,
    /// The UDP port; by default 8848.
    pub port: Option<u16>,
    /// The TTL of sent datagrams; by default 1.
    pub ttl: Option<u8>,
}

#[cfg(test)]
mod tests {
    use super::{Group, Interface};

    #[test]
    fn names_that_no_interface_can_have_are_refused() {
        for name in ["eth0", "a", "br-0123456789ab", "eth0.100", "wg_0"] {
            assert_eq!(Interface::new(name).unwrap().as_str(), name);
        }
        for name in ["", ".", "..", "eth0/1", "eth0:1", "eth 0", "eth0\n", "eth\0", "sixteen-letters-"] {
            assert!(Interface::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn groups_are_multicast_addresses() {
        for (address, fits) in [
            ("224.0.0.81", true),
            ("239.255.255.255", true),
            ("ff02::1", true),
            ("192.0.2.1", false),
            ("255.255.255.255", false),
            ("fe80::1", false),
        ] {
            assert_eq!(Group::new(address.parse().unwrap()).is_ok(), fits, "{address}");
        }
    }
}
