//! A realserver: what each forwarding method wants of the machine, and how the director's file names it.

use netlink_packet_route::link::InfoKind;

use crate::{
    network::Node,
    responder::Responder,
    stage::{VIP, VIP6},
};

const GUE_PORT: u16 = 6080;

/// How packets reach a realserver.
#[derive(Clone, Copy)]
pub(crate) enum Forward {
    Nat,
    Dr,
    Ipip,
    Gre,
    Gue,
}

/// A machine that answers with its name on the ports 80 and 443.
pub(crate) struct Realserver {
    pub(crate) node: Node,
    pub(crate) address: String,
    pub(crate) address6: String,
    forward: Forward,
    _responder: Responder,
}

impl Forward {
    /// Sets a machine up for this method, to answer for these addresses.
    pub(crate) fn prepare(self, node: &Node, vips: &[&str]) {
        match self {
            // The director is its default gateway, and that is all.
            Self::Nat => {}
            Self::Dr => {
                // It has the address, and must not say so on the lan.
                node.set_sysctl("ipv4/conf/all/arp_ignore", "1");
                node.set_sysctl("ipv4/conf/all/arp_announce", "2");
                own(node, "lo", vips);
            }
            Self::Ipip => tunnel(node, "tunl0", InfoKind::IpIp, vips),
            Self::Gre => tunnel(node, "gre0", InfoKind::GreTun, vips),
            Self::Gue => {
                tunnel(node, "tunl0", InfoKind::IpIp, vips);
                node.run(["ip", "fou", "add", "port", &GUE_PORT.to_string(), "gue"]);
            }
        }
    }

    fn toml(self) -> String {
        match self {
            Self::Nat => "forward = 'nat'".to_owned(),
            Self::Dr => "forward = 'dr'".to_owned(),
            Self::Ipip => "forward = 'tun'".to_owned(),
            Self::Gre => "forward = 'tun', tunnel = { type = 'gre' }".to_owned(),
            Self::Gue => format!("forward = 'tun', tunnel = {{ type = 'gue', port = {GUE_PORT} }}"),
        }
    }
}

impl Realserver {
    pub(crate) fn new(node: Node, address: String, address6: String, forward: Forward) -> Self {
        let mut addresses = vec![address.as_str(), address6.as_str()];
        if !matches!(forward, Forward::Nat) {
            addresses.extend([VIP, VIP6]);
        }
        let endpoints = addresses.iter().flat_map(|it| [80, 443].map(|port| endpoint(it, port)));
        let responder = Responder::start(&node, endpoints);
        Self { node, address, address6, forward, _responder: responder }
    }

    pub(crate) const fn node(&self) -> &Node {
        &self.node
    }

    pub(crate) fn name(&self) -> &str {
        self.node.name()
    }

    /// Its entry in a service's `realservers`.
    pub(crate) fn toml(&self) -> String {
        self.entry(&self.address, "")
    }

    pub(crate) fn weighted(&self, weight: u32) -> String {
        self.entry(&self.address, &format!("weight = {weight}, "))
    }

    /// Its entry with another port than the service's.
    pub(crate) fn at_port(&self, port: u16) -> String {
        self.entry(&self.address, &format!("port = {port}, "))
    }

    /// Its entry by its IPv6 address.
    pub(crate) fn toml6(&self) -> String {
        self.entry(&self.address6, "")
    }

    fn entry(&self, address: &str, keys: &str) -> String {
        let (name, forward) = (self.name(), self.forward.toml());
        format!("{{ name = '{name}', address = '{address}', {keys}{forward} }}")
    }
}

fn tunnel(node: &Node, name: &str, kind: InfoKind, vips: &[&str]) {
    node.namespace().rtnl.add(name, kind);
    // What comes out of the tunnel is from the client, whom the routes place behind eth0.
    node.set_sysctl("ipv4/conf/all/rp_filter", "0");
    node.set_sysctl(&format!("ipv4/conf/{name}/rp_filter"), "0");
    own(node, name, vips);
}

/// As sockets and `ipvsadm` write it.
pub(crate) fn endpoint(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

fn own(node: &Node, interface: &str, vips: &[&str]) {
    for vip in vips {
        let length = if vip.contains(':') { 128 } else { 32 };
        node.add_address(interface, &format!("{vip}/{length}"));
    }
}
