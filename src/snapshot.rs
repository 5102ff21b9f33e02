//! Everything there is to see at one moment: the page, the JSON, the metrics and the command line show this.

pub mod cluster;
#[cfg(test)]
pub(crate) mod sample;
pub mod text;
pub mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Config;

use cluster::{Announced, Cluster, Conflict, Hold};

/// Everything there is to see at one moment; `/v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts up; equal numbers of one daemon are equal snapshots.
    pub snapshot: u64,
    /// When it was made.
    pub generated_at: Timestamp,
    /// This director.
    pub node: String,
    /// lvsd's version.
    pub version: String,
    /// The worst of `problems`.
    pub health: Health,
    /// What needs an operator, worst first.
    pub problems: Vec<Problem>,
    /// The file in force.
    pub config: FileInForce,
    /// The other nodes and what they agree on; null for a director that stands alone.
    pub cluster: Option<Cluster>,
    /// The addresses that this director may hold.
    pub vips: Vec<Vip>,
    /// The virtual services, in the order of the file.
    pub services: Vec<Service>,
    /// What it took to check their realservers.
    pub checks: Checks,
}

/// All checks since the daemon started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checks {
    /// How many ended, by what they found.
    pub made: BTreeMap<String, u64>,
    /// How many are under way.
    pub in_flight: u64,
    /// How many hold a connection.
    pub held: u64,
    /// How late they began.
    pub lateness: Lateness,
}

/// How late checks began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lateness {
    /// How many began.
    pub count: u64,
    /// How late they were together.
    pub sum_seconds: f64,
    /// For each bound in seconds, how many were at most so late and later than the bound before.
    pub buckets: Vec<(f64, u64)>,
}

impl Snapshot {
    /// What there is to see before anything was looked at.
    #[must_use]
    pub fn empty(node: String, config: &Config, now: Timestamp) -> Self {
        Self {
            snapshot: 0,
            generated_at: now,
            node,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            health: Health::Ok,
            problems: Vec::new(),
            config: FileInForce::of(config, now),
            cluster: None,
            vips: Vec::new(),
            services: Vec::new(),
            checks: Checks::default(),
        }
    }
}

impl FileInForce {
    /// A configuration that came into force at `loaded_at`.
    #[must_use]
    pub fn of(config: &Config, loaded_at: Timestamp) -> Self {
        Self {
            path: config.path.display().to_string(),
            sha256: config.digest().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")),
            loaded_at,
            error: None,
        }
    }
}

/// How well it all is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Nothing to do.
    #[default]
    Ok,
    /// Clients are served; something needs an operator.
    Degraded,
    /// Clients of some service are not served.
    Critical,
}

impl Health {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
        }
    }
}

/// Something that needs an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Health,
    /// What has it: `service http`, `realserver http/litstat2`, `file`.
    pub object: String,
    /// What it is, and what can be done.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
}

/// The configuration in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInForce {
    /// Where it was read from.
    pub path: String,
    /// Its digest, in hexadecimal.
    pub sha256: String,
    /// When it came into force.
    pub loaded_at: Timestamp,
    /// Why the file's latest version is not in force.
    pub error: Option<String>,
}

/// Addresses that move together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vip {
    /// Its name.
    pub name: String,
    /// Its addresses with the length of their prefix.
    pub addresses: Vec<String>,
    /// The interface that carries them.
    pub interface: String,
    /// The director that has it, or is about to.
    pub owner: Option<String>,
    /// Whether this one has it.
    pub mine: bool,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
    /// What this director has of it.
    pub here: Hold,
    /// How long this director may have it if nobody acknowledges it again; null if it has not, or stands alone.
    pub lease_remaining_seconds: Option<f64>,
    /// The director to which an operator moved it, until he releases it.
    pub pinned_to: Option<String>,
    /// The nodes that cannot have it now, and why.
    pub obstacles: BTreeMap<String, String>,
    /// What came of announcing it; null if this director has it not, or stands alone.
    pub announced: Option<Announced>,
    /// The stations that said of late that they have it as well.
    pub conflicts: Vec<Conflict>,
    /// How often it was given to another director, or to nobody, since the daemon started.
    pub moves_total: u64,
    /// How often another station said that it has an address of it, since the daemon started.
    pub conflicts_total: u64,
    /// The traffic that leaves with its addresses where it is; null if there is none.
    pub snat: Option<Snat>,
}

/// Traffic that leaves with the addresses of a vip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snat {
    /// What traffic, and as what.
    pub rules: Vec<String>,
    /// Whether these rules are in force here.
    pub active: bool,
}

/// A virtual service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its address and port, or `fwmark 1`; of a service with several addresses all, separated by `, `.
    pub address: String,
    /// tcp, udp, sctp, or fwm.
    pub protocol: String,
    /// The scheduler.
    pub scheduler: String,
    /// How most of its realservers are reached: nat, dr, tun, local.
    pub forward: String,
    /// How well it is served.
    pub state: ServiceState,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// How many realservers get new connections.
    pub serving: u32,
    /// How few the checks may leave serving; 0: no bound.
    pub min_serving: u32,
    /// Connections since the service was made.
    pub connections_total: u64,
    /// Packets from clients since then.
    pub packets_in_total: u64,
    /// Packets to clients since then; only NAT's are seen.
    pub packets_out_total: u64,
    /// Bytes from clients since then.
    pub bytes_in_total: u64,
    /// Bytes to clients since then; only NAT's are seen.
    pub bytes_out_total: u64,
    /// The kernel's estimate.
    pub connections_per_second: f64,
    /// The kernel's estimate.
    pub bytes_in_per_second: f64,
    /// The kernel's estimate.
    pub bytes_out_per_second: f64,
    /// Its realservers, in the order of the file.
    pub realservers: Vec<Realserver>,
}

/// How well a service is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// By all that the operator wants to serve.
    Up,
    /// By some of them.
    Degraded,
    /// Some serve although their checks fail, since there would be too few otherwise.
    Panic,
    /// By the fallback.
    Fallback,
    /// By nobody.
    Down,
}

impl ServiceState {
    /// All of them, best first.
    pub const ALL: [Self; 5] = [Self::Up, Self::Degraded, Self::Panic, Self::Fallback, Self::Down];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Panic => "panic",
            Self::Fallback => "fallback",
            Self::Down => "down",
        }
    }
}

/// A realserver of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Realserver {
    /// Its name.
    pub name: String,
    /// Its address and port.
    pub address: String,
    /// nat, dr, tun, local.
    pub forward: String,
    /// Whether it serves.
    pub state: RealserverState,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Its weight in the file.
    pub weight: u32,
    /// Its weight in the kernel; 0 as well when it is not there.
    pub effective_weight: u32,
    /// Whether the kernel holds it.
    pub in_kernel: bool,
    /// Active connections.
    pub active: u32,
    /// Inactive connections.
    pub inactive: u32,
    /// Connections since it was added.
    pub connections_total: u64,
    /// What its latest check found: of several monitors, the one that decides.
    pub check: Option<Check>,
}

/// Whether a realserver serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RealserverState {
    /// Nothing is known yet.
    Probing,
    /// It serves.
    Up,
    /// It serves, though its latest checks failed.
    Failing,
    /// Its checks failed.
    Down,
    /// It finishes what it has; the operator's word, or it left the file.
    Draining,
    /// It is out; the operator's word.
    Disabled,
    /// Its checks failed and it serves all the same, since there would be too few otherwise.
    Held,
}

impl RealserverState {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Probing, Self::Up, Self::Failing, Self::Down, Self::Draining, Self::Disabled, Self::Held];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Probing => "probing",
            Self::Up => "up",
            Self::Failing => "failing",
            Self::Down => "down",
            Self::Draining => "draining",
            Self::Disabled => "disabled",
            Self::Held => "held",
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// HAProxy's code.
    pub code: String,
    /// In words.
    pub detail: String,
    /// How long it took.
    pub seconds: f64,
    /// When it ended.
    pub at: Timestamp,
}
