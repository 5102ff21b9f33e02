//! The network of three directors.
//!
//! ```text
//! client --outside-- router --+-- service network 192.168.71.0/24 --+-- six realservers, by NAT
//!                             |      |         |         |          +-- station
//!                             |   litsha21  litsha22  litsha23          |
//!                             |      |         |         |              |
//!                             +-  heartbeat network 192.168.68.0/24 ----+
//! ```

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lvsd::snapshot::cluster::{LinkState, NodeState};
use lvsd::snapshot::{ServiceState, Snapshot};
use nix::sys::signal::Signal;

use super::clock::Step;
use super::visitor::Visitor;
use super::watcher::Watcher;
use crate::director::Director;
use crate::network::{Lab, Node};
use crate::patience::until;
use crate::responder::Responder;

pub(crate) const VIP: &str = "192.168.71.205";
pub(crate) const NAMES: [&str; 3] = ["litsha21", "litsha22", "litsha23"];

pub(crate) struct Farm {
    pub(crate) client: Node,
    pub(crate) router: Node,
    pub(crate) station: Node,
    pub(crate) nodes: [Node; 3],
    pub(crate) realservers: Vec<Node>,
    pub(crate) directors: Vec<Director>,
    clock: Option<Step>,
    _responders: Vec<Responder>,
    _lab: Lab,
}

impl Farm {
    /// Beside no other test: three directors, each with a thread that goes before all others, take a small guest for
    /// themselves.
    pub(crate) fn alone() -> Self {
        let lab = Lab::alone();
        let [outside, service, heartbeat] = [(); 3].map(|()| lab.switch());
        let client = lab
            .node("client")
            .link(&outside, "192.168.4.100/24")
            .address("eth0", "fd00:4::100/64")
            .gateway("192.168.4.1")
            .gateway("fd00:4::1");
        let router = lab
            .node("router")
            .link(&outside, "192.168.4.1/24")
            .link(&service, "192.168.71.1/24")
            .address("eth0", "fd00:4::1/64")
            .address("eth1", "fd00:71::1/64")
            .router();
        let station =
            lab.node("station").link(&service, "192.168.71.99/24").link(&heartbeat, "192.168.68.99/24");
        let mut number = 0;
        let nodes = NAMES.map(|name| {
            number += 1;
            let node = lab
                .node(name)
                .link(&service, &format!("192.168.71.{}/24", 20 + number))
                .link(&heartbeat, &format!("192.168.68.{}/24", 200 + number))
                .address("eth0", &format!("fd00:71::{}/64", 20 + number))
                .gateway("192.168.71.1")
                .gateway("fd00:71::1");
            let keys = node.directory().join("authkeys");
            fs::write(&keys, "auth 1\n1 sha256 the laboratory's own secret\n").expect("a file");
            fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).expect("a mode");
            node
        });
        let realservers: Vec<Node> = (1..=6)
            .map(|number| {
                let address = format!("192.168.71.{}/24", 219 + number);
                lab.node(&format!("rs{number}")).link(&service, &address).gateway(VIP)
            })
            .collect();
        let answer = |(number, node): (usize, &Node)| {
            Responder::start(node, [format!("192.168.71.{}:80", 220 + number)])
        };
        let responders = realservers.iter().enumerate().map(answer).collect();
        Self {
            client,
            router,
            station,
            nodes,
            realservers,
            directors: Vec::new(),
            clock: None,
            _responders: responders,
            _lab: lab,
        }
    }

    /// Starts all directors with the usual file.
    pub(crate) fn start(&mut self) {
        self.start_with(&config(CLUSTER, VIPS));
    }

    pub(crate) fn start_with(&mut self, config: &str) {
        self.start_first(NAMES.len(), config);
    }

    /// Starts the first directors only, with a file that names no others.
    pub(crate) fn start_first(&mut self, count: usize, config: &str) {
        self.prepare(count, config);
        self.launch();
    }

    /// Gives the first directors their file.
    pub(crate) fn prepare(&mut self, count: usize, config: &str) {
        self.directors = self.nodes.iter().take(count).map(|node| Director::idle(node, config)).collect();
    }

    /// Starts all that have one.
    pub(crate) fn launch(&mut self) {
        for (director, name) in self.directors.iter_mut().zip(NAMES) {
            director.launch(&["--node", name]);
        }
        for director in &mut self.directors {
            director.wait_ready();
        }
    }

    /// Starts one again that was stopped.
    pub(crate) fn start_again(&mut self, index: usize) {
        self.directors[index].start_with(&["--node", NAMES[index]]);
    }

    pub(crate) fn stop(&mut self, index: usize, signal: Signal) {
        self.directors[index].stop(signal);
    }

    /// Stops all of them at the same time, and starts them again.
    pub(crate) fn restart_all(&mut self, signal: Signal) {
        self.directors.iter().for_each(|director| director.signal(signal));
        for director in &mut self.directors {
            director.wait();
        }
        self.launch();
    }

    /// An operator's word at a director, which must be heeded.
    pub(crate) fn say<const N: usize>(&self, index: usize, word: [&str; N]) {
        let output = self.directors[index].lvsd(word);
        assert!(output.status.success(), "{word:?}: {output:?}");
    }

    pub(crate) fn status(&self, index: usize) -> Snapshot {
        let (status, text) = self.directors[index].ask("GET", "/v1/status").expect("lvsd answers");
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("a snapshot")
    }

    /// Waits until a director has the vip on its interface.
    #[track_caller]
    pub(crate) fn until_owner(&self, index: usize) {
        until(&format!("{} owns the vip", NAMES[index]), || self.carries(index));
    }

    /// Waits until all of these have the same DC, which is one of them.
    #[track_caller]
    pub(crate) fn until_dc(&self, members: &[usize]) -> usize {
        let dc = |index: usize| {
            let name = self.status(index).cluster?.dc?;
            NAMES.iter().position(|known| *known == name)
        };
        let mut found = None;
        until("they have a DC", || {
            found = dc(members[0]).filter(|it| members.contains(it));
            found.is_some() && members.iter().all(|index| dc(*index) == found)
        });
        found.expect("a DC")
    }

    /// Waits until all directors see all others, and all realservers, and the first one has the vip.
    #[track_caller]
    pub(crate) fn until_settled(&self) {
        until("all is well", || {
            let well = |index: usize| {
                let status = self.status(index);
                let nodes = status.cluster.map(|cluster| cluster.nodes).unwrap_or_default();
                nodes.iter().all(|node| node.state == NodeState::Online)
                    && nodes.iter().flat_map(|node| &node.links).all(|link| link.state == LinkState::Up)
                    && status.services.iter().all(|service| service.state == ServiceState::Up)
                    && status.vips.iter().all(|vip| vip.owner.as_deref() == Some(NAMES[0]))
            };
            self.carries(0) && (0..self.directors.len()).all(well)
        });
    }

    /// Whether the vip is on a director's interface.
    pub(crate) fn carries(&self, index: usize) -> bool {
        self.carries_address(index, VIP)
    }

    pub(crate) fn carries_address(&self, index: usize, address: &str) -> bool {
        self.nodes[index].run(["ip", "-brief", "address", "show", "eth0"]).contains(&format!("{address}/"))
    }

    /// Whether a director told an event of this kind that says this.
    pub(crate) fn has_told(&self, index: usize, kind: &str, what: &str) -> bool {
        let events = self.directors[index].happened();
        events.iter().any(|event| event.kind == kind && event.what.contains(what))
    }

    /// Loses the heartbeats of a director on all its links, while everything else passes.
    pub(crate) fn drop_heartbeats(&self, index: usize, hooks: &[&str]) {
        for hook in hooks {
            lose(&self.nodes[index], hook, "udp dport 694");
        }
    }

    pub(crate) fn let_heartbeats_pass(&self) {
        for node in &self.nodes {
            lose_nothing(node);
        }
    }

    pub(crate) fn owners(&self) -> Vec<usize> {
        (0..NAMES.len()).filter(|index| self.carries(*index)).collect()
    }

    /// Pulls all plugs of a director.
    pub(crate) fn cut_off(&self, index: usize) {
        self.nodes[index].eth(0).cut();
        self.nodes[index].eth(1).cut();
    }

    pub(crate) fn reconnect(&self, index: usize) {
        self.nodes[index].eth(0).heal();
        self.nodes[index].eth(1).heal();
    }

    /// Steps the clock that all have, for as long as the farm is there.
    pub(crate) fn step_clock(&mut self, seconds: i64) {
        self.clock = Some(Step::by(seconds));
    }

    /// Steps it back.
    pub(crate) fn set_clock_right(&mut self) {
        self.clock = None;
    }

    /// Has the station ask who has the vip, all the time.
    pub(crate) fn watch(&self) -> Watcher {
        Watcher::start(&self.station, "192.168.71.99", VIP)
    }

    /// Has the client ask the service, all the time.
    pub(crate) fn visit(&self) -> Visitor {
        Visitor::start(&self.client, &format!("{VIP}:80"))
    }
}

/// Loses the packets of a machine that match, without a word.
pub(crate) fn lose(node: &Node, hook: &str, what: &str) {
    let rules = format!(
        "add table inet lab; add chain inet lab {hook} {{ type filter hook {hook} priority 0; }}; \
         add rule inet lab {hook} {what} drop"
    );
    node.run(["nft", &rules]);
}

/// What was lost at a machine passes again.
pub(crate) fn lose_nothing(node: &Node) {
    node.run(["nft", "add table inet lab; delete table inet lab"]);
}

/// The hooks at which all heartbeats are lost.
pub(crate) const BOTH: &[&str] = &["input", "output"];

/// Three directors, with times that an emulated guest keeps.
pub(crate) const CLUSTER: &str = r#"
[cluster]
name = "web"
nodes = [
  { name = "litsha21", links = ["192.168.68.201", "192.168.71.21"] },
  { name = "litsha22", links = ["192.168.68.202", "192.168.71.22"] },
  { name = "litsha23", links = ["192.168.68.203", "192.168.71.23"] },
]
keepalive = "200ms"
deadtime = "1s"
"#;

/// One vip, at home at the first director.
pub(crate) const VIPS: &str = r#"
[[vip]]
name = "web"
addresses = ["192.168.71.205/24"]
interface = "eth0"
prefer = { litsha21 = 200 }
"#;

/// A whole file.
pub(crate) fn config(cluster: &str, vips: &str) -> String {
    let realservers: Vec<String> = (0..6).map(|number| format!("\"192.168.71.{}\"", 220 + number)).collect();
    let realservers = realservers.join(", ");
    format!(
        "{cluster}{vips}\n[[service]]\nname = \"http\"\nvip = \"web\"\nport = 80\nscheduler = \"rr\"\nforward = \"nat\"\n\
         realservers = [{realservers}]\nmonitor = {{ type = \"tcp\", interval = \"2s\", timeout = \"1s\" }}\n"
    )
}
