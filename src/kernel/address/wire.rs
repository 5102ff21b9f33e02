//! What rtnetlink's messages say, as far as lvsd needs it.
//!
//! Only the attributes that are needed are decoded: what a newer kernel adds, or an interface with an odd
//! name, must not hide the rest.

use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_core::{DecodeError, Emitable, NlasIterator, parse_ip, parse_u32};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{
    AddressAttribute, AddressHeader, AddressHeaderFlags, AddressMessage, CacheInfo,
};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkHeader, LinkLayerType, LinkMessage};
use netlink_packet_route::route::{RouteAttribute, RouteHeader, RouteMessage, RouteType};
use nix::libc;

use super::super::netlink::malformed;
use super::Link;
use crate::config::Interface;

/// An address as the kernel lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The index of its interface.
    pub(super) interface: u32,
    /// The address with the length of its prefix.
    pub(super) net: IpNet,
    /// The network that its prefix makes: around the address itself, or around that of the peer if it has
    /// one.
    pub(super) network: IpNet,
    /// Whether another IPv4 address of the same network on the same interface came first.
    pub(super) secondary: bool,
    /// Whether the kernel made a route to the network.
    pub(super) routed: bool,
}

/// Reads an `RTM_NEWADDR`; none for what is neither IPv4 nor IPv6.
pub(super) fn address(body: &[u8]) -> io::Result<Option<Entry>> {
    let header = AddressHeader::parse(body).map_err(malformed)?;
    if !matches!(header.family, AddressFamily::Inet | AddressFamily::Inet6) {
        return Ok(None);
    }
    let attributes = after(&header, body);
    let peer = attribute(attributes, libc::IFA_ADDRESS, parse_ip)?;
    let local = attribute(attributes, libc::IFA_LOCAL, parse_ip)?.or(peer);
    let Some((local, peer)) = local.zip(peer.or(local)) else {
        return Err(malformed("an address without its address"));
    };
    let flags =
        attribute(attributes, libc::IFA_FLAGS, parse_u32)?.unwrap_or_else(|| header.flags.bits().into());
    let net = IpNet::new(local, header.prefix_len).map_err(malformed)?;
    let network = IpNet::new(peer, header.prefix_len).map_err(malformed)?.trunc();
    Ok(Some(Entry {
        interface: header.index,
        net,
        network,
        secondary: local.is_ipv4() && flags & libc::IFA_F_SECONDARY != 0,
        routed: flags & libc::IFA_F_NOPREFIXROUTE == 0,
    }))
}

/// The body of an `RTM_NEWADDR` or `RTM_DELADDR`.
pub(super) fn address_body(interface: u32, address: IpNet) -> Vec<u8> {
    let mut message = AddressMessage::default();
    message.header = AddressHeader {
        family: family(address.addr()),
        prefix_len: address.prefix_len(),
        // The cluster knows better than a probe of a second whether somebody else has the address.
        flags: match address {
            IpNet::V4(_) => AddressHeaderFlags::empty(),
            IpNet::V6(_) => AddressHeaderFlags::Nodad,
        },
        index: interface,
        ..AddressHeader::default()
    };
    let ip = address.addr();
    message.attributes = vec![AddressAttribute::Local(ip), AddressAttribute::Address(ip)];
    if ip.is_ipv6() {
        // Of several, the kernel gives what the host sends itself the latest one that is not deprecated.
        let mut lifetimes = CacheInfo::default();
        (lifetimes.ifa_preferred, lifetimes.ifa_valid) = (0, u32::MAX);
        message.attributes.push(AddressAttribute::CacheInfo(lifetimes));
    }
    bytes(&message)
}

/// The body of an `RTM_GETADDR` for all addresses.
pub(super) fn addresses_body() -> Vec<u8> {
    bytes(&AddressHeader::default())
}

/// Reads an `RTM_NEWLINK`; none where no configuration could name the interface.
pub(super) fn link(body: &[u8]) -> io::Result<Option<(Interface, Link)>> {
    let header = LinkHeader::parse(body).map_err(malformed)?;
    let attributes = after(&header, body);
    let name = attribute(attributes, libc::IFLA_IFNAME, |name| Ok(name.to_vec()))?.unwrap_or_default();
    let name = name.strip_suffix(&[0]).unwrap_or(&name);
    let Some(name) = str::from_utf8(name).ok().and_then(Interface::new) else {
        return Ok(None);
    };
    let hardware = attribute(attributes, libc::IFLA_ADDRESS, |mac| Ok(mac.try_into().ok()))?.flatten();
    let link = Link {
        index: header.index,
        mac: hardware.filter(|_| header.link_layer_type == LinkLayerType::Ether),
        up: header.flags.contains(LinkFlags::Up),
        carrier: header.flags.contains(LinkFlags::LowerUp),
        loopback: header.flags.contains(LinkFlags::Loopback),
    };
    Ok(Some((name, link)))
}

/// The body of an `RTM_GETLINK` for all interfaces.
pub(super) fn links_body() -> Vec<u8> {
    bytes(&LinkHeader::default())
}

/// The body of an `RTM_GETLINK` for one interface.
pub(super) fn link_body(interface: &Interface) -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::IfName(interface.as_str().into())];
    bytes(&message)
}

/// Reads the `RTM_NEWROUTE` that answers a lookup: the index of the interface by which packets leave, if they
/// do.
pub(super) fn route(body: &[u8]) -> io::Result<Option<u32>> {
    let header = RouteHeader::parse(body).map_err(malformed)?;
    let interface = attribute(after(&header, body), libc::RTA_OIF, parse_u32)?;
    Ok(interface.filter(|_| header.kind == RouteType::Unicast))
}

/// The body of an `RTM_GETROUTE` that looks up the way to an address.
pub(super) fn route_body(to: IpAddr) -> Vec<u8> {
    let mut message = RouteMessage::default();
    message.header.address_family = family(to);
    message.header.destination_prefix_length = if to.is_ipv4() { 32 } else { 128 };
    message.attributes = vec![RouteAttribute::Destination(to.into())];
    bytes(&message)
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn after<'a>(header: &impl Emitable, body: &'a [u8]) -> &'a [u8] {
    body.get(header.buffer_len()..).unwrap_or_default()
}

fn attribute<T>(
    attributes: &[u8],
    kind: u16,
    parse: impl Fn(&[u8]) -> Result<T, DecodeError>,
) -> io::Result<Option<T>> {
    for attribute in NlasIterator::new(attributes) {
        let attribute = attribute.map_err(malformed)?;
        if attribute.kind() == kind {
            return parse(attribute.value()).map(Some).map_err(malformed);
        }
    }
    Ok(None)
}

fn bytes(message: &impl Emitable) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}
