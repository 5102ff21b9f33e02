//! ARP for IPv4 over Ethernet, as whole frames: RFC 826.
//!
//! ```text
//!  0         6         12      14                      20    22      28      32      38      42
//!  +---------+---------+-------+-----------------------+-----+-------+-------+-------+-------+
//!  | to      | from    | 08 06 | 00 01  08 00  06  04  | op  | mac   | addr  | mac   | addr  |
//!  |         | mac     | ARP   | Ethernet IPv4 lengths |     | of the sender | of the target |
//!  +---------+---------+-------+-----------------------+-----+-------+-------+-------+-------+
//! ```
//!
//! | what        | op | sender               | target               | it says                               |
//! |-------------|----|----------------------|----------------------|---------------------------------------|
//! | probe       | 1  | MAC, 0.0.0.0         | zero, the address    | who has it? I do not (RFC 5227)       |
//! | question    | 1  | MAC, own address     | zero, the neighbour  | who has it? I have mine               |
//! | answer      | 2  | its MAC, its address | who asked            | I have it, and know where you are     |
//!
//! How an address is announced, nobody having asked, is told in [`announce`](crate::announce).

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

const BROADCAST: [u8; 6] = [0xff; 6];
const ETHERTYPE: [u8; 2] = [0x08, 0x06];
const ETHERNET_IPV4: [u8; 6] = [0, 1, 0x08, 0, 6, 4];

/// What an ARP frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It asks for the target.
    Request,
    /// It tells where the sender is.
    Reply,
}

/// What an ARP frame says. Nothing vouches that it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// What it is for.
    pub operation: Operation,
    /// The MAC address at which the sender is, as it says.
    pub sender_mac: [u8; 6],
    /// The sender.
    pub sender: Ipv4Addr,
    /// The MAC address at which the sender believes the target, if the sender says.
    pub target_mac: [u8; 6],
    /// The target.
    pub target: Ipv4Addr,
}

impl Arp {
    /// Asks whether anybody has an address, and changes nobody's mind about where it is.
    #[must_use]
    pub const fn probe(mac: [u8; 6], address: Ipv4Addr) -> Self {
        Self::question(mac, Ipv4Addr::UNSPECIFIED, address)
    }

    /// Asks where a neighbour is, and tells everybody that `from` is here. If the neighbour answers, it knows.
    #[must_use]
    pub const fn question(mac: [u8; 6], from: Ipv4Addr, to: Ipv4Addr) -> Self {
        Self { operation: Operation::Request, sender_mac: mac, sender: from, target_mac: [0; 6], target: to }
    }

    /// The frame that says it to everybody.
    #[must_use]
    pub fn broadcast(&self) -> Vec<u8> {
        let operation = match self.operation {
            Operation::Request => [0, 1],
            Operation::Reply => [0, 2],
        };
        let (sender, target) = (self.sender.octets(), self.target.octets());
        let ethernet = [&BROADCAST[..], &self.sender_mac, &ETHERTYPE].concat();
        let body = [&self.sender_mac[..], &sender, &self.target_mac, &target].concat();
        [&ethernet[..], &ETHERNET_IPV4, &operation, &body].concat()
    }

    /// What a frame says, if it is ARP. What follows it is padding.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let (_, rest) = frame.split_first_chunk::<12>()?;
        let rest = rest.strip_prefix(&ETHERTYPE)?.strip_prefix(&ETHERNET_IPV4)?;
        let (operation, rest) = rest.split_first_chunk()?;
        let operation = match operation {
            [0, 1] => Operation::Request,
            [0, 2] => Operation::Reply,
            _ => return None,
        };
        let (sender_mac, rest) = rest.split_first_chunk()?;
        let (sender, rest) = rest.split_first_chunk::<4>()?;
        let (target_mac, rest) = rest.split_first_chunk()?;
        let (target, _) = rest.split_first_chunk::<4>()?;
        Some(Self {
            operation,
            sender_mac: *sender_mac,
            sender: Ipv4Addr::from(*sender),
            target_mac: *target_mac,
            target: Ipv4Addr::from(*target),
        })
    }
}
