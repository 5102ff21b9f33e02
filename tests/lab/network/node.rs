//! A machine of the lab: a network namespace with interfaces eth0, eth1, ...

use std::{
    ffi::OsStr,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{
    Switch,
    capture::Capture,
    link::{End, Link},
    namespace::Namespace,
    process::{Process, succeed},
};

/// A handle; clones name the same machine.
#[derive(Clone)]
pub(crate) struct Node(Arc<Machine>);

struct Machine {
    name: String,
    directory: PathBuf,
    namespace: Arc<Namespace>,
    links: Mutex<Vec<Arc<Link>>>,
    capture: Mutex<Option<Capture>>,
}

impl Node {
    pub(super) fn new(name: &str, directory: &Path) -> Self {
        Self(Arc::new(Machine {
            name: name.to_owned(),
            directory: directory.to_owned(),
            namespace: Arc::new(Namespace::new()),
            links: Mutex::default(),
            capture: Mutex::default(),
        }))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// Plugs the next interface into the switch.
    pub(crate) fn link(self, switch: &Switch, address: &str) -> Self {
        let mut links = self.0.links.lock().expect("no other user panics");
        let interface = format!("eth{}", links.len());
        let port = switch.plug(&interface, &self.0.namespace);
        let interface = End { namespace: Arc::clone(&self.0.namespace), name: interface };
        self.0.namespace.rtnl.add_address(&interface.name, prefix(address));
        links.push(Arc::new(Link::new(port, interface)));
        drop(links);
        self
    }

    /// One more address, as `ADDRESS/LENGTH`.
    pub(crate) fn address(self, interface: &str, address: &str) -> Self {
        self.add_address(interface, address);
        self
    }

    pub(crate) fn add_address(&self, interface: &str, address: &str) {
        self.namespace().rtnl.add_address(interface, prefix(address));
    }

    /// The default route of the gateway's address family.
    pub(crate) fn gateway(self, gateway: &str) -> Self {
        let gateway: IpAddr = gateway.parse().expect("a gateway's address");
        let everything = match gateway {
            IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
            IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
        };
        self.namespace().rtnl.add_route(everything, gateway);
        self
    }

    /// Sets `net.NAME`, written with slashes: `ipv4/ip_forward`.
    pub(crate) fn set_sysctl(&self, name: &str, value: &str) {
        self.namespace().set_sysctl(name, value);
    }

    /// Forwards packets of both address families.
    pub(crate) fn router(self) -> Self {
        self.set_sysctl("ipv4/ip_forward", "1");
        self.set_sysctl("ipv6/conf/all/forwarding", "1");
        self
    }

    /// The cable of `eth{index}`.
    pub(crate) fn eth(&self, index: usize) -> Arc<Link> {
        let links = self.0.links.lock().expect("no other user panics");
        let link = links.get(index).unwrap_or_else(|| panic!("{} has no eth{index}", self.name()));
        Arc::clone(link)
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    /// Runs a closure in this machine's network; far cheaper than a program.
    pub(crate) fn enter<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> T {
        self.namespace().enter(inside)
    }

    /// Runs a program that must succeed and gives what it wrote.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> String {
        let mut command = words(command);
        succeed(&self.enter(|| command.output()), &command)
    }

    /// Starts a program that runs until its value is dropped; its output goes to `NAME.log` in the
    /// machine's directory.
    pub(crate) fn spawn(&self, name: &str, command: Command) -> Process {
        Process::spawn(self.namespace(), command, &self.log(name))
    }

    /// Where the machine's programs have their files: empty at first, gone with the lab.
    pub(crate) fn directory(&self) -> &Path {
        &self.0.directory
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.directory().join(name).with_extension("log")
    }

    /// Keeps the machine's latest packets, for the evidence of a failed test.
    pub(crate) fn capture(&self) {
        let capture = self.enter(Capture::start);
        *self.0.capture.lock().expect("no other user panics") = Some(capture);
    }

    pub(super) fn captured(&self) -> Option<Vec<u8>> {
        let capture = self.0.capture.lock().expect("no other user panics");
        capture.as_ref().map(Capture::pcap)
    }
}

fn prefix(address: &str) -> IpNet {
    address.parse().unwrap_or_else(|error| panic!("{address}: {error}"))
}

fn words<S: AsRef<OsStr>>(command: impl IntoIterator<Item = S>) -> Command {
    let mut words = command.into_iter();
    let mut command = Command::new(words.next().expect("a program's name"));
    command.args(words);
    command
}
