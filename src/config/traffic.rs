//! Traffic that gets another source: which packets, and which source.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use ipvs::Family;

use super::Interface;

/// What packets are meant: those that have all of this. At least one thing is said, and all of one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// The interface by which they leave; any but the loopback if there is none.
    pub out: Option<Interface>,
    /// Where they come from.
    pub source: Option<IpNet>,
    /// Where they go.
    pub destination: Option<IpNet>,
    /// Their protocol.
    pub protocol: Option<Carried>,
    /// The ports to which they go: ascending, apart from each other; empty for all. Only with TCP, UDP and SCTP.
    pub ports: Vec<RangeInclusive<u16>>,
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP, which is of IPv4.
    Icmp,
    /// `ICMPv6`, which is of IPv6.
    Icmpv6,
}

impl Carried {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Tcp, Self::Udp, Self::Sctp, Self::Icmp, Self::Icmpv6];

    /// The word that stands for it in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
            Self::Icmp => "icmp",
            Self::Icmpv6 => "icmpv6",
        }
    }

    /// Its number in a packet (IANA's protocol numbers).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Icmp => 1,
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Icmpv6 => 58,
            Self::Sctp => 132,
        }
    }

    /// The family whose packets carry it; nothing if both do.
    #[must_use]
    pub const fn family(self) -> Option<Family> {
        match self {
            Self::Tcp | Self::Udp | Self::Sctp => None,
            Self::Icmp => Some(Family::V4),
            Self::Icmpv6 => Some(Family::V6),
        }
    }

    /// Whether it has ports.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp | Self::Sctp)
    }
}

/// Traffic that gets an address of a vip as its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snat {
    /// What packets.
    pub traffic: Traffic,
    /// The source for each family that the rule is for: one or two, addresses of the vip.
    pub to: Vec<IpAddr>,
}

/// As a phrase: `udp to port 161 of 192.168.4.0/24 by eth0`.
impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol.map_or("all", Carried::name))?;
        if let Some(source) = self.source {
            write!(f, " from {source}")?;
        }
        let ports: Vec<String> = self.ports.iter().map(port_text).collect();
        match (ports.as_slice(), self.destination) {
            ([], None) => {}
            ([], Some(destination)) => write!(f, " to {destination}")?,
            (ports, None) => write!(f, " to port {}", ports.join(", "))?,
            (ports, Some(destination)) => write!(f, " to port {} of {destination}", ports.join(", "))?,
        }
        self.out.iter().try_for_each(|out| write!(f, " by {out}"))
    }
}

/// `161`, or `1024-2048`.
pub(crate) fn port_text(ports: &RangeInclusive<u16>) -> String {
    let (first, last) = (ports.start(), ports.end());
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}
