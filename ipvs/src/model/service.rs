//! Virtual services: what clients connect to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::str::FromStr;

use super::{EngineName, Invalid, name};

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl From<IpAddr> for Family {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// A transport protocol that IPVS balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    /// The protocol's lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    /// The IANA protocol number.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// The protocol of an IANA number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.number() == number)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An address and a port; port 0 stands for every port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    address: IpAddr,
    port: u16,
}

impl Endpoint {
    /// Joins an address and a port.
    pub fn new(address: IpAddr, port: u16) -> Result<Self, Invalid> {
        match address {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Err(Invalid::MappedAddress(v6)),
            address => Ok(Self { address, port }),
        }
    }

    /// The address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The port.
    #[must_use]
    pub fn port(self) -> u16 {
        self.port
    }

    /// The address's family.
    #[must_use]
    pub fn family(self) -> Family {
        self.address.into()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

impl FromStr for Endpoint {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let socket = SocketAddr::from_str(text).map_err(|_| Invalid::Endpoint(text.to_owned()))?;
        Self::new(socket.ip(), socket.port())
    }
}

/// What identifies a virtual service. The order is that of ipvsadm's listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceId {
    /// Packets to an address, a port and a protocol.
    Address {
        /// The protocol.
        protocol: Protocol,
        /// The virtual address and port.
        endpoint: Endpoint,
    },
    /// Packets that carry a firewall mark.
    Mark {
        /// The mark.
        mark: NonZeroU32,
        /// The family of the marked packets.
        family: Family,
    },
}

impl ServiceId {
    /// The family of the packets that the service takes.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::Address { endpoint, .. } => endpoint.family(),
            Self::Mark { family, .. } => family,
        }
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { protocol, endpoint } => write!(f, "{protocol} {endpoint}"),
            Self::Mark { mark, family: Family::V4 } => write!(f, "fwmark {mark}"),
            Self::Mark { mark, family: Family::V6 } => write!(f, "fwmark {mark} ipv6"),
        }
    }
}

impl FromStr for ServiceId {
    type Err = Invalid;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::ServiceId(text.to_owned());
        let (kind, rest) = text.split_once(' ').ok_or_else(invalid)?;
        if kind == "fwmark" {
            let (mark, family) = match rest.strip_suffix(" ipv6") {
                Some(mark) => (mark, Family::V6),
                None => (rest, Family::V4),
            };
            return Ok(Self::Mark { mark: mark.parse().map_err(|_| invalid())?, family });
        }
        let protocol =
            Protocol::ALL.into_iter().find(|protocol| protocol.name() == kind).ok_or_else(invalid)?;
        Ok(Self::Address { protocol, endpoint: rest.parse()? })
    }
}

/// A scheduler; the kernel loads `ip_vs_NAME` for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scheduler(Box<str>);

impl Scheduler {
    /// The schedulers that kernels ship.
    pub const KNOWN: [&'static str; 14] =
        ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"];

    /// Checks a name; any well-formed one passes, since the kernel may have a module for it.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        name::checked(name).map(Self)
    }

    /// No scheduler, `none`: nothing new is scheduled.
    #[must_use]
    pub fn none() -> Self {
        Self("none".into())
    }

    /// The name as the kernel knows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A scheduler's three flags (`IP_VS_SVC_F_SCHED1` to `SCHED3`); their meaning is the scheduler's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// `flag-1`; for `sh` and `mh`: choose another destination when the hashed one is unavailable.
    pub const FALLBACK: Self = Self(0b001);
    /// `flag-2`; for `sh` and `mh`: the source port is part of the hash.
    pub const PORT: Self = Self(0b010);
    /// `flag-3`.
    pub const THIRD: Self = Self(0b100);

    /// Keeps the lowest three bits.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & 0b111)
    }

    /// The flags as the lowest three bits.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of `other`'s flags are set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How much of a client's address persistence looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Netmask {
    /// All of it: each client by itself.
    #[default]
    Host,
    /// An IPv4 mask; the kernel does not ask that its ones be contiguous.
    V4(Ipv4Addr),
    /// An IPv6 prefix length, 1 to 127.
    V6(u8),
}

impl Netmask {
    /// An IPv4 mask; all ones is [`Netmask::Host`].
    #[must_use]
    pub fn v4(mask: Ipv4Addr) -> Self {
        if mask == Ipv4Addr::BROADCAST { Self::Host } else { Self::V4(mask) }
    }

    /// An IPv6 prefix length; 128 is [`Netmask::Host`].
    pub fn v6(prefix: u32) -> Result<Self, Invalid> {
        match u8::try_from(prefix) {
            Ok(128) => Ok(Self::Host),
            Ok(prefix @ 1..128) => Ok(Self::V6(prefix)),
            _ => Err(Invalid::PrefixLength(prefix)),
        }
    }
}

/// How long a client stays with its destination after its last connection, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersistenceTimeout(NonZeroU32);

impl PersistenceTimeout {
    /// The longest that ipvsadm(8) allows: 31 days.
    pub const MAX_SECONDS: u32 = 31 * 24 * 60 * 60;

    /// A timeout of 1 s to 31 days.
    pub fn from_seconds(seconds: u32) -> Result<Self, Invalid> {
        match NonZeroU32::new(seconds) {
            Some(nonzero) if seconds <= Self::MAX_SECONDS => Ok(Self(nonzero)),
            _ => Err(Invalid::PersistenceTimeout(seconds)),
        }
    }

    /// The timeout in seconds.
    #[must_use]
    pub fn as_seconds(self) -> u32 {
        self.0.get()
    }
}

/// Persistence: all connections of one client go to one destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Persistence {
    /// How long after the last connection.
    pub timeout: PersistenceTimeout,
    /// What tells clients apart besides their address, for example a SIP call identifier.
    pub engine: Option<EngineName>,
}

/// How a virtual service schedules; its identity is a [`ServiceId`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// The scheduler.
    pub scheduler: Scheduler,
    /// The scheduler's flags.
    pub flags: Flags,
    /// Persistence, if any.
    pub persistence: Option<Persistence>,
    /// The persistence netmask; the kernel keeps one for every service.
    pub netmask: Netmask,
    /// Every datagram is scheduled by itself and no connection is kept (UDP).
    pub one_packet: bool,
}

impl Service {
    /// A service with nothing but a scheduler.
    #[must_use]
    pub fn new(scheduler: Scheduler) -> Self {
        Self { scheduler, flags: Flags::NONE, persistence: None, netmask: Netmask::Host, one_packet: false }
    }
}
