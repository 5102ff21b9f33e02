//! Links, addresses and routes of one namespace over rtnetlink: a start of `ip` takes a tenth of a second
//! in an emulated guest, a message takes none.

use std::{io, net::IpAddr, os::fd::AsRawFd, sync::Mutex};

use ipnet::IpNet;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage as Message,
    address::{AddressAttribute, AddressHeaderFlags, AddressMessage},
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
    route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::namespace::Namespace;

const CREATE: u16 = NLM_F_CREATE | NLM_F_EXCL;

/// A socket of the namespace it was made in; every failure is the test's own mistake, so it panics.
pub(crate) struct Rtnl(Mutex<Socket>);

impl Rtnl {
    pub(crate) fn new() -> Self {
        let mut socket = Socket::new(NETLINK_ROUTE).expect("a netlink socket");
        socket.bind_auto().expect("a netlink address");
        socket.connect(&SocketAddr::new(0, 0)).expect("the kernel's netlink address");
        Self(Mutex::new(socket))
    }

    /// A link of a kind that needs no further word: `bridge`, `dummy`, `ipip`, `gre`.
    pub(crate) fn add(&self, name: &str, kind: InfoKind) {
        let mut link = named(name);
        link.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)]));
        self.must(&format!("add {name}"), CREATE, Message::NewLink(link));
        self.set_up(name);
    }

    /// A cable from `name` here, in the bridge `bridge`, to `peer` in the other namespace.
    pub(crate) fn add_cable(&self, name: &str, bridge: &str, peer: &str, namespace: &Namespace) {
        let mut far = named(peer);
        far.attributes.push(LinkAttribute::NetNsFd(namespace.as_raw_fd()));
        let mut near = named(name);
        near.attributes.push(LinkAttribute::Controller(self.index(bridge)));
        near.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(far))),
        ]));
        self.must(&format!("add {name}"), CREATE, Message::NewLink(near));
        self.set_up(name);
        namespace.rtnl.set_up(peer);
    }

    pub(crate) fn set_up(&self, name: &str) {
        self.set_flags(name, LinkFlags::Up);
    }

    pub(crate) fn set_down(&self, name: &str) {
        self.set_flags(name, LinkFlags::empty());
    }

    fn set_flags(&self, name: &str, flags: LinkFlags) {
        let mut link = named(name);
        link.header.flags = flags;
        link.header.change_mask = LinkFlags::Up;
        self.must(&format!("set {name} {flags:?}"), 0, Message::SetLink(link));
    }

    /// Without duplicate address detection, which would keep an IPv6 address from use for a second or two.
    pub(crate) fn add_address(&self, link: &str, address: IpNet) {
        let mut message = AddressMessage::default();
        message.header.family = family(address.addr());
        message.header.prefix_len = address.prefix_len();
        message.header.index = self.index(link);
        message.header.flags = AddressHeaderFlags::Nodad;
        message.attributes.push(AddressAttribute::Local(address.addr()));
        message.attributes.push(AddressAttribute::Address(address.addr()));
        self.must(&format!("add {address} on {link}"), CREATE, Message::NewAddress(message));
    }

    pub(crate) fn add_route(&self, destination: IpNet, gateway: IpAddr) {
        let mut message = RouteMessage::default();
        message.header.address_family = family(gateway);
        message.header.destination_prefix_length = destination.prefix_len();
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = RouteScope::Universe;
        message.header.kind = RouteType::Unicast;
        if destination.prefix_len() > 0 {
            let network = RouteAddress::from(destination.network());
            message.attributes.push(RouteAttribute::Destination(network));
        }
        message.attributes.push(RouteAttribute::Gateway(gateway.into()));
        self.must(&format!("add {destination} via {gateway}"), CREATE, Message::NewRoute(message));
    }

    fn index(&self, name: &str) -> u32 {
        match self.ask(0, Message::GetLink(named(name))) {
            Ok(Some(Message::NewLink(link))) => link.header.index,
            other => panic!("link {name}: {other:?}"),
        }
    }

    fn must(&self, what: &str, flags: u16, message: Message) {
        if let Err(error) = self.ask(NLM_F_ACK | flags, message) {
            panic!("{what}: {error}");
        }
    }

    fn ask(&self, flags: u16, message: Message) -> io::Result<Option<Message>> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);

        let socket = self.0.lock().expect("no other user panics");
        socket.send(&bytes, 0)?;
        let (answer, _) = socket.recv_from_full()?;
        match NetlinkMessage::<Message>::deserialize(&answer).map_err(io::Error::other)?.payload {
            NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
            NetlinkPayload::InnerMessage(message) => Ok(Some(message)),
            _ => Ok(None),
        }
    }
}

fn named(name: &str) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.attributes.push(LinkAttribute::IfName(name.to_owned()));
    link
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}
