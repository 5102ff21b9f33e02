//! What tells the neighbours that an address is now at this director, as whole Ethernet frames.
//!
//! An IPv4 address is announced by gratuitous [ARP](crate::arp): RFC 826, RFC 5227 section 3, RFC 5944 section
//! 4.6. It goes out as a request and as a reply, because there are neighbours that heed only one of them:
//!
//! | field         | request          | reply               |
//! |---------------|------------------|---------------------|
//! | op            | 1                | 2                   |
//! | sender        | MAC and address  | the same            |
//! | target's MAC  | zero (RFC 5227)  | the MAC (RFC 5944)  |
//! | target        | the address      | the same            |
//!
//! An IPv6 address is announced by an unsolicited neighbour advertisement: RFC 4861 sections 4.4 and 7.2.6.
//!
//! ```text
//!  0                    6         12      14                                             54
//!  +--------------------+---------+-------+----------------------------------------------+
//!  | 33 33 00 00 00 01  | mac     | 86 dd | IPv6: 32 bytes of ICMPv6, hop limit 255,     |
//!  | all nodes          |         | IPv6  | from the address to ff02::1                  |
//!  +--------------------+---------+-------+----------------------------------------------+
//!  54    55   56         58      59         62        78                   86
//!  +-----+----+----------+-------+----------+---------+--------------------+
//!  | 136 | 0  | checksum | R S O | 00 00 00 | address | 02 01 mac          |
//!  | type, code, sum     | flags | reserved | target  | target's MAC option|
//!  +-----+----+----------+-------+----------+---------+--------------------+
//! ```
//!
//! | flag          | value                                                          |
//! |---------------|----------------------------------------------------------------|
//! | R (router)    | whether this director forwards IPv6, as the kernel itself says |
//! | S (solicited) | clear: nobody asked                                            |
//! | O (override)  | set: the address has moved, what a neighbour knew is wrong     |

mod schedule;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};

use crate::arp::{Arp, Operation};

pub use schedule::Schedule;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Where Ethernet carries [`ALL_NODES`]: RFC 2464 section 7.
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

const IPV6: [u8; 2] = [0x86, 0xdd];
const ICMPV6: u8 = 58;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const TARGET_LINK_LAYER_ADDRESS: [u8; 2] = [2, 1];
const ROUTER: u8 = 0x80;
const OVERRIDE: u8 = 0x20;

/// A virtual address and the MAC address at which this director answers for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The virtual address.
    pub address: IpAddr,
    /// The MAC address of the interface that carries it.
    pub mac: [u8; 6],
    /// Whether that interface forwards IPv6 (`net.ipv6.conf.*.forwarding`). A neighbour that is told
    /// otherwise stops using the address as its router: RFC 4861 section 7.2.5.
    pub router: bool,
}

impl Announcement {
    /// The frames to send, in this order.
    #[must_use]
    pub fn frames(&self) -> Vec<Vec<u8>> {
        match self.address {
            IpAddr::V4(address) => {
                let request = Arp::question(self.mac, address, address);
                let reply = Arp { operation: Operation::Reply, target_mac: self.mac, ..request };
                vec![request.broadcast(), reply.broadcast()]
            }
            IpAddr::V6(address) => vec![neighbour_advertisement(address, self.mac, self.router)],
        }
    }
}

fn neighbour_advertisement(address: Ipv6Addr, mac: [u8; 6], router: bool) -> Vec<u8> {
    let flags = if router { OVERRIDE | ROUTER } else { OVERRIDE };
    let (source, destination) = (address.octets(), ALL_NODES.octets());
    let message = |checksum: [u8; 2]| {
        let start = [NEIGHBOUR_ADVERTISEMENT, 0];
        let option = [&TARGET_LINK_LAYER_ADDRESS[..], &mac].concat();
        [&start[..], &checksum, &[flags, 0, 0, 0], &source, &option].concat()
    };
    let length = [0, 32];
    let pseudo_header = [&source[..], &destination, &[0, 0], &length, &[0, 0, 0, ICMPV6]].concat();
    let message = message(internet_checksum(&[pseudo_header, message([0, 0])].concat()));

    let hop_limit = 255;
    let header = [0x60, 0, 0, 0, length[0], length[1], ICMPV6, hop_limit];
    let body = [&header[..], &source, &destination, &message].concat();
    [&ALL_NODES_MAC[..], &mac, &IPV6, &body].concat()
}

/// The checksum of RFC 1071 over an even number of bytes, few enough that the sum cannot overflow.
fn internet_checksum(bytes: &[u8]) -> [u8; 2] {
    let (words, _) = bytes.as_chunks();
    let sum: u32 = words.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    let [_, _, high, low] = (!folded).to_be_bytes();
    [high, low]
}
