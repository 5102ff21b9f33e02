//! A director with a neighbour and realservers that are only names: for tests of what it does to its own kernel.

use std::{
    fs,
    time::{Duration, Instant},
};

use ipvs::{Connection, Table};
use lvsd::kernel::address::{Addresses, Assigned};

use crate::{
    director::Director,
    network::{Lab, Node},
    patience::until,
    stage::config,
};

/// How long a change by somebody else may last.
pub(crate) const REPAIR: Duration = Duration::from_secs(1);

pub(crate) struct Lone {
    _lab: Lab,
    pub(crate) node: Node,
    pub(crate) neighbour: Node,
}

/// Everything of a node's kernel that lvsd may touch, and what it remembers of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) rules: String,
    addresses: String,
    sysctls: [String; 4],
    state: Option<String>,
}

impl Snapshot {
    /// Without what lvsd remembers.
    pub(crate) fn kernel(self) -> Self {
        Self { state: None, ..self }
    }
}

impl Lone {
    pub(crate) fn new() -> Self {
        Self::within(Lab::new())
    }

    /// Beside no other test.
    pub(crate) fn alone() -> Self {
        Self::within(Lab::alone())
    }

    fn within(lab: Lab) -> Self {
        let lan = lab.switch();
        let node = lab
            .node("director")
            .link(&lan, "192.168.71.21/24")
            .address("eth0", "fd00:71::21/64")
            .gateway("192.168.71.1");
        let neighbour = lab.node("neighbour").link(&lan, "192.168.71.1/24").address("eth0", "fd00:71::1/64");
        Self { _lab: lab, node, neighbour }
    }

    /// Starts the director with these services.
    pub(crate) fn direct(&self, services: &str) -> Director {
        Director::start(&self.node, &config(services))
    }

    /// Its director, not started.
    pub(crate) fn director(&self, services: &str) -> Director {
        Director::idle(&self.node, &config(services))
    }

    /// The rules that would make its IPVS table, with all they can say.
    pub(crate) fn rules(&self) -> String {
        self.node.run(["ipvsadm", "-S", "-n"])
    }

    /// The addresses of its interface, without those that it gave itself.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let listing = self.node.run(["ip", "-o", "address", "show", "dev", "eth0", "scope", "global"]);
        let address = |line: &str| line.split_whitespace().nth(3).map(str::to_owned);
        listing.lines().filter_map(address).collect()
    }

    pub(crate) fn sysctl(&self, name: &str) -> String {
        self.node.namespace().sysctl(name).unwrap_or_default()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let sysctls = [
            "ipv4/ip_forward",
            "ipv6/conf/all/forwarding",
            "ipv4/conf/eth0/send_redirects",
            "ipv4/conf/all/send_redirects",
        ];
        Snapshot {
            rules: self.rules(),
            addresses: self.addresses().join(" "),
            sysctls: sysctls.map(|name| self.sysctl(name)),
            state: fs::read_to_string(self.node.directory().join("state.json")).ok(),
        }
    }

    /// Waits until the kernel holds again what it held then: how long that took.
    pub(crate) fn recovery(&self, watch: &mut Watch) -> Duration {
        let since = Instant::now();
        until("the kernel holds what it held before", || watch.sees_as_before(&self.node));
        since.elapsed()
    }

    pub(crate) fn watch(&self) -> Watch {
        let mut watch = self.node.enter(|| Watch {
            ipvs: Connection::open().unwrap(),
            addresses: Addresses::open().unwrap(),
            before: Seen::default(),
        });
        watch.before = watch.look(&self.node);
        watch
    }
}

/// Looks at a node's kernel without starting a program, since that would take longer than what is measured.
pub(crate) struct Watch {
    ipvs: Connection,
    addresses: Addresses,
    before: Seen,
}

#[derive(Default, PartialEq)]
struct Seen {
    table: Table,
    addresses: Vec<Assigned>,
    forwarding: Option<String>,
}

impl Watch {
    fn sees_as_before(&mut self, node: &Node) -> bool {
        self.look(node) == self.before
    }

    fn look(&mut self, node: &Node) -> Seen {
        let mut addresses = self.addresses.list().unwrap();
        addresses.sort();
        Seen {
            table: self.ipvs.list().unwrap().table(),
            addresses,
            forwarding: node.namespace().sysctl("ipv4/ip_forward"),
        }
    }
}
