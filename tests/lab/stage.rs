//! The network most packet tests play in: realservers of every forwarding method, each in its natural place.
//!
//! ```text
//! client --outside-- router --lan-- director --inside-- realservers by NAT
//!                      |       |
//!                     far      +-- realservers by direct routing
//!                      |
//!                      +-- realservers by tunnel
//! ```

use std::sync::atomic::{AtomicU8, Ordering};

use crate::{
    director::Director,
    network::{Lab, Node, Switch},
    realserver::{Forward, Realserver},
};

/// Where the virtual services are, on the lan.
pub(crate) const VIP: &str = "192.168.71.205";
pub(crate) const VIP6: &str = "fd00:71::205";

pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) client: Node,
    pub(crate) router: Node,
    pub(crate) director: Node,
    lan: Switch,
    inside: Switch,
    far: Switch,
    realservers: AtomicU8,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::within(Lab::new())
    }

    /// Beside no other test.
    pub(crate) fn alone() -> Self {
        Self::within(Lab::alone())
    }

    fn within(lab: Lab) -> Self {
        let [outside, lan, inside, far] = [(); 4].map(|()| lab.switch());
        let client = lab
            .node("client")
            .link(&outside, "192.168.4.100/24")
            .address("eth0", "fd00:4::100/64")
            .gateway("192.168.4.1")
            .gateway("fd00:4::1");
        let router = lab
            .node("router")
            .link(&outside, "192.168.4.1/24")
            .link(&lan, "192.168.71.1/24")
            .link(&far, "192.168.72.1/24")
            .address("eth0", "fd00:4::1/64")
            .address("eth1", "fd00:71::1/64")
            .address("eth2", "fd00:72::1/64")
            .router();
        let director = lab
            .node("director")
            .link(&lan, "192.168.71.21/24")
            .link(&inside, "192.168.73.1/24")
            .address("eth0", "fd00:71::21/64")
            .address("eth1", "fd00:73::1/64")
            .gateway("192.168.71.1")
            .gateway("fd00:71::1");
        Self { lab, client, router, director, lan, inside, far, realservers: AtomicU8::new(0) }
    }

    /// The next realserver, `rs1`, `rs2`, ..., answering on the ports 80 and 443.
    pub(crate) fn realserver(&self, forward: Forward) -> Realserver {
        let number = 101 + self.realservers.fetch_add(1, Ordering::Relaxed);
        let name = format!("rs{}", number - 100);
        let (switch, network) = match forward {
            Forward::Nat => (&self.inside, 73),
            Forward::Dr => (&self.lan, 71),
            Forward::Ipip | Forward::Gre | Forward::Gue => (&self.far, 72),
        };
        let address = format!("192.168.{network}.{number}");
        let address6 = format!("fd00:{network}::{number}");
        let node = self
            .lab
            .node(&name)
            .link(switch, &format!("{address}/24"))
            .address("eth0", &format!("{address6}/64"))
            .gateway(&format!("192.168.{network}.1"))
            .gateway(&format!("fd00:{network}::1"));
        forward.prepare(&node, &[VIP, VIP6]);
        Realserver::new(node, address, address6, forward)
    }

    pub(crate) fn realservers<const N: usize>(&self, forward: Forward) -> [Realserver; N] {
        [(); N].map(|()| self.realserver(forward))
    }

    /// A client in the network of the realservers by NAT.
    pub(crate) fn beside(&self) -> Node {
        self.lab
            .node("beside")
            .link(&self.inside, "192.168.73.99/24")
            .address("eth0", "fd00:73::99/64")
            .gateway("192.168.73.1")
            .gateway("fd00:73::1")
    }

    /// Starts the director with the file that [`config`] makes of these services.
    pub(crate) fn direct(&self, services: &str) -> Director {
        Director::start(&self.director, &config(services))
    }
}

/// A file for the stage's director: the vip `web` is [`VIP`], `web6` is [`VIP6`], and these are the services.
pub(crate) fn config(services: &str) -> String {
    format!(
        r#"
        [[vip]]
        name = "web"
        addresses = ["{VIP}/24"]
        interface = "eth0"

        [[vip]]
        name = "web6"
        addresses = ["{VIP6}/64"]
        interface = "eth0"

        {services}
        "#
    )
}

/// A service in the director's file: its keys, and its realservers as [`Realserver::toml`] writes them.
pub(crate) fn service(keys: &str, realservers: impl IntoIterator<Item = String>) -> String {
    let realservers = realservers.into_iter().collect::<Vec<_>>().join(",\n  ");
    format!("[[service]]\nname = \"web\"\nmonitor = \"none\"\n{keys}\nrealservers = [\n  {realservers}\n]\n")
}
