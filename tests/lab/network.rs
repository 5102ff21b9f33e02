//! A network in a few lines: nodes are namespaces, switches are bridges, links are cables one can cut.
//!
//! ```ignore
//! let lab = Lab::new();
//! let lan = lab.switch();
//! let director = lab.node("director").link(&lan, "192.168.71.21/24");
//! let client = lab.node("client").link(&lan, "192.168.71.100/24").gateway("192.168.71.1");
//! director.eth(0).cut();
//! ```

mod capture;
mod evidence;
mod link;
mod namespace;
mod node;
mod process;
mod rtnl;

use std::{
    env, fs,
    io::{self, Write},
    process::{Command, exit},
    sync::{
        Arc, Mutex, Once, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use netlink_packet_route::link::InfoKind;
use tempfile::TempDir;

use link::End;
pub(crate) use namespace::Namespace;
pub(crate) use node::Node;
pub(crate) use process::Process;

const COMMAND: &str =
    "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=scripts/lab cargo test --test lab [FILTER]";

/// Everything of one test. Dropped while the test panics, it prints what its nodes look like.
pub(crate) struct Lab {
    nodes: Mutex<Vec<Node>>,
    backbone: Arc<Namespace>,
    switches: AtomicUsize,
    ports: Arc<AtomicUsize>,
    directory: TempDir,
    _place: Place,
}

/// Tests that measure want the kernel to themselves.
static KERNEL: RwLock<()> = RwLock::new(());

/// A lab's share of the kernel.
enum Place {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

/// A bridge, in a namespace that all switches of the lab share.
#[derive(Clone)]
pub(crate) struct Switch {
    backbone: Arc<Namespace>,
    name: String,
    ports: Arc<AtomicUsize>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::at(Place::Shared { _guard: KERNEL.read().unwrap_or_else(PoisonError::into_inner) })
    }

    /// A lab beside which there is no other, for a test that measures.
    pub(crate) fn alone() -> Self {
        Self::at(Place::Alone { _guard: KERNEL.write().unwrap_or_else(PoisonError::into_inner) })
    }

    fn at(place: Place) -> Self {
        static GUEST: Once = Once::new();
        GUEST.call_once(|| {
            require_guest();
            prepare_kernel();
        });
        Self {
            nodes: Mutex::default(),
            backbone: Arc::new(Namespace::new()),
            switches: AtomicUsize::new(0),
            ports: Arc::default(),
            directory: tempfile::tempdir().expect("a directory for the lab"),
            _place: place,
        }
    }

    pub(crate) fn switch(&self) -> Switch {
        let name = format!("br{}", self.switches.fetch_add(1, Ordering::Relaxed));
        self.backbone.rtnl.add(&name, InfoKind::Bridge);
        Switch { backbone: Arc::clone(&self.backbone), name, ports: Arc::clone(&self.ports) }
    }

    pub(crate) fn node(&self, name: &str) -> Node {
        let directory = self.directory.path().join(name);
        fs::create_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let node = Node::new(name, &directory);
        self.nodes.lock().expect("no other user panics").push(node.clone());
        node
    }
}

impl Switch {
    /// Brings an interface up in the namespace, cabled to a new port of this switch.
    fn plug(&self, interface: &str, namespace: &Namespace) -> End {
        let port = format!("port{}", self.ports.fetch_add(1, Ordering::Relaxed));
        self.backbone.rtnl.add_cable(&port, &self.name, interface, namespace);
        End { namespace: Arc::clone(&self.backbone), name: port }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            self.nodes.lock().iter().flat_map(|nodes| nodes.iter()).for_each(evidence::print);
        }
    }
}

/// Ends the whole run: every other test would only say the same.
fn require_guest() {
    if env::var_os("LVSD_LAB").is_none() {
        // Not by `eprintln`, which the test harness keeps to itself until a test has ended.
        let _ = writeln!(io::stderr(), "error: these tests need the guest: {COMMAND}");
        exit(1);
    }
}

/// A namespace has IPVS's settings only when the module is there; tunnels appear where a test adds them.
///
/// The modules of lblc and lblcr must be there before any namespace goes: when the kernel loads them for a new
/// service, it waits for the end of a namespace that waits for the service (seen in Linux 6.1), for ever. Those of
/// nftables take seconds to load in an emulated guest, which is nobody's failure.
fn prepare_kernel() {
    const MODULES: [&str; 10] = [
        "ip_vs",
        "ip_vs_lblc",
        "ip_vs_lblcr",
        "fou",
        "nf_tables",
        "nft_chain_nat",
        "nft_ct",
        "nft_nat",
        "nft_masq",
        "nf_conntrack_netlink",
    ];
    let loaded = Command::new("modprobe").arg("-a").args(MODULES).status();
    assert!(loaded.is_ok_and(|status| status.success()), "the guest's kernel lacks one of {MODULES:?}");
    fs::write("/proc/sys/net/core/fb_tunnels_only_for_init_net", "1").expect("a kernel setting");
}
