//! The configuration file: what an operator wants, checked and typed.
//!
//! A [`Config`] exists only when the whole file makes sense. Otherwise there is a report that names every
//! problem with its place and its remedy.

mod alert;
mod check;
mod cluster;
mod name;
mod report;
mod section;
mod source;
#[cfg(test)]
mod tests;
pub(crate) mod traffic;
mod value;
mod warning;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use failover::Score;
use healthcheck::{Monitor, Policy};
use ipnet::IpNet;
use ipvs::{Destination, Endpoint, Forward, Service, ServiceId};
use sha2::{Digest, Sha256};

use report::Problems;

pub use alert::{Action, After, Alert, Compare, Occasion};
pub use cluster::{Cluster, NoQuorum, Node, Ping, Role, TieBreak};
pub use name::{Interface, Name};
pub use report::Report;
pub use traffic::{Carried, Snat, Traffic};

/// A whole, valid configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The directors that share the virtual addresses; absent where there is only this one.
    pub cluster: Option<Cluster>,
    /// The virtual addresses, in the file's order.
    pub vips: Vec<Vip>,
    /// The virtual services, in the file's order.
    pub services: Vec<VirtualService>,
    /// Who is told of failures, in the file's order.
    pub alerts: Vec<Alert>,
    /// Where a line is written for each outage.
    pub downtime_log: Option<PathBuf>,
    /// What may be set on this machine.
    pub host: Host,
    /// Where the status page is served over TCP; nowhere if absent.
    pub status: Option<SocketAddr>,
    /// The file as it was read.
    pub text: Vec<u8>,
    /// Where the file was.
    pub path: PathBuf,
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, Report> {
        let bytes = source::read(path)?;
        Self::parse(path, &bytes)
    }

    /// Checks a file's content; `path` is for the messages.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Report> {
        let text = source::text(path, bytes)?;
        let problems = Problems::default();
        let parts = source::document(text, &problems).and_then(|file| check::check(path, &file, &problems));
        match parts {
            Ok(parts) if problems.is_empty() => Ok(Self {
                cluster: parts.cluster,
                vips: parts.vips,
                services: parts.services,
                alerts: parts.alerts,
                downtime_log: parts.downtime_log,
                host: parts.host,
                status: parts.status,
                text: bytes.to_owned(),
                path: path.to_owned(),
            }),
            _ => Err(problems.into_report(path, text.to_owned())),
        }
    }

    /// What of it concerns a witness: it serves nothing, and checks nobody.
    #[must_use]
    pub fn for_witness(self) -> Self {
        let vips = self.vips.into_iter().map(|vip| Vip { snat: Vec::new(), ..vip }).collect();
        let host = Host { masquerade: Vec::new(), ..self.host };
        Self { vips, host, services: Vec::new(), alerts: Vec::new(), ..self }
    }

    /// SHA-256 of the file, by which directors compare theirs.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.text).into()
    }
}

/// Addresses that move together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vip {
    /// Its name, unique among vips.
    pub name: Name,
    /// The addresses with the length of their prefix; at least one, and none appears twice in a file.
    pub addresses: Vec<IpNet>,
    /// The interface that carries them.
    pub interface: Interface,
    /// How much it wants to be at which director, by name; 0 for those that are not here. Empty without a cluster.
    pub prefer: BTreeMap<Name, Score>,
    /// How much it wants to stay where it is, 0 or more.
    pub stickiness: Score,
    /// So many failures to put it on a director are too many there; at least 1.
    pub migration_threshold: u32,
    /// How long after the last failure all are forgotten.
    pub failure_timeout: Duration,
    /// Traffic that leaves with one of its addresses, where the vip is.
    pub snat: Vec<Snat>,
}

/// A virtual service, which is one IPVS service for each address of its vip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualService {
    /// Its name, unique among services.
    pub name: Name,
    /// What mon calls its group: its pool, or itself.
    pub group: Name,
    /// What IPVS knows it by: one for each address of its vip, or a single one. No id belongs to two services.
    pub ids: Vec<ServiceId>,
    /// How it schedules.
    pub definition: Service,
    /// The realservers of all ids; see [`VirtualService::realservers_of`].
    pub realservers: Vec<Realserver>,
    /// How long connections may go on after their realserver was taken out; zero cuts them at once.
    pub drain_timeout: Duration,
    /// How its realservers are watched; all of these must pass, and where there are none, all realservers count
    /// as up.
    pub monitors: Vec<Arc<Monitor>>,
    /// What becomes of realservers whose checks fail or pass.
    pub policy: Policy,
    /// Who serves when no realserver does.
    pub fallback: Option<Fallback>,
    /// What it cannot do without; while that is down, nobody is told that this is down as well.
    pub depends: Vec<Dependency>,
    /// Its realservers see this director's address instead of the client's. Only where all are reached by NAT.
    pub source_nat: bool,
}

/// Who serves when no realserver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Its address and port.
    pub endpoint: Endpoint,
    /// How it is served.
    pub destination: Destination,
}

impl Fallback {
    /// Whether packets to `id` can be sent there.
    #[must_use]
    pub fn serves(&self, id: ServiceId) -> bool {
        is_reached(self.endpoint, self.destination, id)
    }
}

/// Whether packets to `id` can be sent to a destination. One behind a tunnel may be of the other family.
fn is_reached(endpoint: Endpoint, destination: Destination, id: ServiceId) -> bool {
    matches!(destination.forward, Forward::Tunnel(_)) || endpoint.family() == id.family()
}

/// What a service cannot do without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// Another service of the file.
    Service(Name),
    /// An address that answers ICMP echoes.
    Ping(IpAddr),
}

impl VirtualService {
    /// The realservers of one of the service's ids; at least one for each id.
    ///
    /// A realserver belongs to the ids of its own address family. One behind a tunnel belongs to all: the outer
    /// header may be of the other family.
    pub fn realservers_of(&self, id: ServiceId) -> impl Iterator<Item = &Realserver> {
        self.realservers.iter().filter(move |realserver| realserver.serves(id))
    }
}

/// A realserver of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realserver {
    /// Its name, unique in its service.
    pub name: Name,
    /// Its address and port, unique in its service. The port is 0 where packets keep the port they came with.
    pub endpoint: Endpoint,
    /// How it is served.
    pub destination: Destination,
    /// How it is watched, if not as the service says.
    pub monitors: Option<Vec<Arc<Monitor>>>,
}

impl Realserver {
    /// Whether packets to `id` can be sent to this realserver.
    #[must_use]
    pub fn serves(&self, id: ServiceId) -> bool {
        is_reached(self.endpoint, self.destination, id)
    }
}

/// What lvsd may set on this machine; `None` leaves the decision to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding`.
    pub ip_forward: Option<bool>,
    /// `net.ipv4.conf.*.send_redirects` of the interfaces in use.
    pub send_redirects: Option<bool>,
    /// Traffic that leaves with the address of the interface by which it leaves.
    pub masquerade: Vec<Traffic>,
}
