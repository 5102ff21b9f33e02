//! One rule: which packets, and what becomes of their source.

use std::fmt;
use std::net::IpAddr;

use ipvs::{Family, Protocol, ServiceId};
use sha2::{Digest, Sha256};

use crate::config::Traffic;
use crate::config::traffic::port_text;

/// A rule; of several, the first that a packet fits decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// To whom it belongs: `vip web`, `service http`, `host`, `cluster`.
    pub of: String,
    /// Which packets.
    pub guard: Guard,
    /// What becomes of them.
    pub act: Act,
}

/// Which packets a rule is for. Of a flow only the first one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Those of a family that the file describes.
    Traffic(Family, Traffic),
    /// Those that clients sent to a service.
    Service(ServiceId),
    /// Heartbeats to another node.
    Heartbeat(IpAddr, u16),
}

/// What becomes of the source of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It becomes this address.
    Source(IpAddr),
    /// It becomes the address of the interface by which the packet leaves.
    Masquerade,
    /// It stays.
    Leave,
}

impl Rule {
    /// The rule in nft's language, but for the comment.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{} {}", self.guard.text(), self.act.text())
    }

    /// The comment by which the rule is found again: its owner, and a digest of its text. Up to 82 of the 128 bytes that
    /// nft allows.
    #[must_use]
    pub fn tag(&self) -> String {
        let digest = Sha256::digest(self.text());
        let start = digest.first_chunk().map_or(0, |start| u32::from_be_bytes(*start));
        format!("{} {start:08x}", self.of)
    }
}

/// As a phrase: `udp to port 161 of 192.168.4.0/24 by eth0, as 192.168.71.205`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.guard {
            Guard::Traffic(family, traffic) => {
                write!(f, "{traffic}")?;
                let said = [traffic.source, traffic.destination].iter().any(Option::is_some)
                    || traffic.protocol.is_some_and(|protocol| protocol.family().is_some());
                let name = if *family == Family::V4 { "IPv4" } else { "IPv6" };
                if !said && self.act == Act::Masquerade {
                    write!(f, " ({name})")?;
                }
            }
            Guard::Service(id) => write!(f, "clients of {id}")?,
            Guard::Heartbeat(to, port) => write!(f, "heartbeats to {to} port {port}")?,
        }
        match self.act {
            Act::Source(address) => write!(f, ", as {address}"),
            Act::Masquerade => f.write_str(", as this director"),
            Act::Leave => f.write_str(", as they are"),
        }
    }
}

impl Guard {
    fn text(&self) -> String {
        match self {
            Self::Traffic(family, traffic) => traffic_text(*family, traffic),
            Self::Service(ServiceId::Address { protocol, endpoint }) => {
                let address = endpoint.address();
                let port = match endpoint.port() {
                    0 => String::new(),
                    port => format!(" ct original proto-dst {port}"),
                };
                format!(
                    "meta l4proto {} ct original {} daddr {address}{port}",
                    protocol_text(*protocol),
                    word(family_of(address))
                )
            }
            Self::Service(ServiceId::Mark { mark, family }) => {
                format!("meta nfproto {} meta mark {mark}", nfproto(*family))
            }
            Self::Heartbeat(to, port) => format!("{} daddr {to} udp dport {port}", word(family_of(*to))),
        }
    }
}

fn traffic_text(family: Family, traffic: &Traffic) -> String {
    let mut words = vec![match &traffic.out {
        Some(out) => format!("oifname \"{out}\""),
        None => "oifname != \"lo\"".to_owned(),
    }];
    words.push(format!("meta nfproto {}", nfproto(family)));
    words.extend(traffic.source.map(|net| format!("{} saddr {net}", word(family))));
    words.extend(traffic.destination.map(|net| format!("{} daddr {net}", word(family))));
    let ports: Vec<String> = traffic.ports.iter().map(port_text).collect();
    words.extend(traffic.protocol.map(|protocol| match ports.as_slice() {
        [] => format!("meta l4proto {}", protocol.number()),
        ports => format!("{} dport {{ {} }}", protocol.name(), ports.join(", ")),
    }));
    words.join(" ")
}

impl Act {
    fn text(self) -> String {
        match self {
            Self::Source(address) => format!("snat {} to {address}", word(family_of(address))),
            Self::Masquerade => "masquerade".to_owned(),
            Self::Leave => "accept".to_owned(),
        }
    }
}

pub(super) fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

fn word(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

fn nfproto(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

fn protocol_text(protocol: Protocol) -> &'static str {
    protocol.name()
}
