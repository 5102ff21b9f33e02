//! What changed, when and why: each once, in the log and in a bounded memory.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::Level;

/// How many events are kept; the log has them all.
const KEPT: usize = 1000;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A configuration was brought into the kernel.
    Applied,
    /// A configuration was refused; the old one stays.
    Refused,
    /// Somebody else changed something of lvsd's, and it was put right.
    DriftRepaired,
    /// A service appeared that is not lvsd's; it is left alone.
    ForeignAppeared,
    /// A service that is not lvsd's has gone.
    ForeignGone,
    /// A realserver gets no new connections and waits for the end of its old ones.
    DrainStarted,
    /// A draining realserver was taken out.
    DrainEnded,
    /// A setting of this machine defeats one that lvsd needs.
    Overridden,
    /// The kernel refused something, or cannot be read.
    KernelError,
    /// The kernel can be read and written again.
    KernelRecovered,
    /// The file that says what is lvsd's was damaged or cannot be written.
    StateError,
    /// All that lvsd made was taken out of the kernel.
    Released,
    /// A realserver's checks pass again.
    RealserverUp,
    /// A realserver's checks fail.
    RealserverDown,
    /// A service is served by others, or otherwise, than before.
    ServiceChanged,
    /// An operator said something of a realserver.
    OperatorSaid,
    /// Somebody was not told of a failure, or of its end.
    AlertFailed,
    /// The file asks for something that is allowed and unwise.
    Warned,
    /// A node of the cluster is heard again, or started anew.
    NodeUp,
    /// A node of the cluster fell silent.
    NodeDead,
    /// A node of the cluster ends.
    NodeLeft,
    /// A node gives up all vips, because an operator said so.
    NodeStandby,
    /// A node takes part again, because an operator said so.
    NodeOnline,
    /// A link to a node is heard on.
    LinkUp,
    /// A link to a node is silent.
    LinkDown,
    /// A node was silent for longer than `warntime`.
    HeartbeatLate,
    /// A node is the designated coordinator of a term.
    DcElected,
    /// There is a majority.
    QuorumGained,
    /// There is no majority.
    QuorumLost,
    /// A vip is to be owned by another node.
    VipMoved,
    /// This director owns a vip.
    VipTaken,
    /// This director does not own a vip any more.
    VipReleased,
    /// This director gave a vip up, because no majority acknowledged it in time.
    VipExpired,
    /// This director cannot carry a vip, or can again.
    VipBarred,
    /// Another station answers for an address of a vip.
    VipConflict,
    /// A majority has another document.
    CibChanged,
    /// A document cannot be read or written.
    CibRefused,
    /// The cluster thread could not do something.
    ClusterError,
    /// Rules that give packets another source came or went.
    RulesChanged,
    /// These rules cannot be read or written.
    RulesError,
    /// Flows that had a source which no rule gives them any more begin anew.
    FlowsForgotten,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 41] = [
        Self::Applied,
        Self::Refused,
        Self::DriftRepaired,
        Self::ForeignAppeared,
        Self::ForeignGone,
        Self::DrainStarted,
        Self::DrainEnded,
        Self::Overridden,
        Self::KernelError,
        Self::KernelRecovered,
        Self::StateError,
        Self::Released,
        Self::RealserverUp,
        Self::RealserverDown,
        Self::ServiceChanged,
        Self::OperatorSaid,
        Self::AlertFailed,
        Self::Warned,
        Self::NodeUp,
        Self::NodeDead,
        Self::NodeLeft,
        Self::NodeStandby,
        Self::NodeOnline,
        Self::LinkUp,
        Self::LinkDown,
        Self::HeartbeatLate,
        Self::DcElected,
        Self::QuorumGained,
        Self::QuorumLost,
        Self::VipMoved,
        Self::VipTaken,
        Self::VipReleased,
        Self::VipExpired,
        Self::VipBarred,
        Self::VipConflict,
        Self::CibChanged,
        Self::CibRefused,
        Self::ClusterError,
        Self::RulesChanged,
        Self::RulesError,
        Self::FlowsForgotten,
    ];

    /// The name under which an event of this kind is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::DriftRepaired => "drift_repaired",
            Self::ForeignAppeared => "foreign_appeared",
            Self::ForeignGone => "foreign_gone",
            Self::DrainStarted => "drain_started",
            Self::DrainEnded => "drain_ended",
            Self::Overridden => "overridden",
            Self::KernelError => "kernel_error",
            Self::KernelRecovered => "kernel_recovered",
            Self::StateError => "state_error",
            Self::Released => "released",
            Self::RealserverUp => "realserver_up",
            Self::RealserverDown => "realserver_down",
            Self::ServiceChanged => "service_changed",
            Self::OperatorSaid => "operator_said",
            Self::AlertFailed => "alert_failed",
            Self::Warned => "warned",
            Self::NodeUp => "node_up",
            Self::NodeDead => "node_dead",
            Self::NodeLeft => "node_left",
            Self::NodeStandby => "node_standby",
            Self::NodeOnline => "node_online",
            Self::LinkUp => "link_up",
            Self::LinkDown => "link_down",
            Self::HeartbeatLate => "heartbeat_late",
            Self::DcElected => "dc_elected",
            Self::QuorumGained => "quorum_gained",
            Self::QuorumLost => "quorum_lost",
            Self::VipMoved => "vip_moved",
            Self::VipTaken => "vip_taken",
            Self::VipReleased => "vip_released",
            Self::VipExpired => "vip_expired",
            Self::VipBarred => "vip_barred",
            Self::VipConflict => "vip_conflict",
            Self::CibChanged => "cib_changed",
            Self::CibRefused => "cib_refused",
            Self::ClusterError => "cluster_error",
            Self::RulesChanged => "rules_changed",
            Self::RulesError => "rules_error",
            Self::FlowsForgotten => "flows_forgotten",
        }
    }

    /// How loudly the log says it.
    const fn level(self) -> Level {
        match self {
            Self::Refused
            | Self::KernelError
            | Self::StateError
            | Self::CibRefused
            | Self::ClusterError
            | Self::QuorumLost
            | Self::RulesError => Level::ERROR,
            Self::DriftRepaired
            | Self::Overridden
            | Self::RealserverDown
            | Self::AlertFailed
            | Self::NodeDead
            | Self::LinkDown
            | Self::HeartbeatLate
            | Self::VipExpired
            | Self::VipBarred
            | Self::VipConflict
            | Self::Warned => Level::WARN,
            _ => Level::INFO,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up from 1 at each start of the daemon.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: Kind,
    /// What it happened to: a service with its name, an address, a sysctl, the file.
    pub object: String,
    /// What happened, and what was found.
    pub what: String,
    /// Why: start, reload, drift, drain, retry, release, announcement, check, operator, cluster, rules.
    pub cause: String,
}

/// The memory of events; a clone shares it.
#[derive(Clone, Default)]
pub struct Events {
    memory: Arc<Mutex<Memory>>,
    latest: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct Memory {
    kept: VecDeque<Event>,
    totals: BTreeMap<Kind, u64>,
}

impl Events {
    /// Logs and keeps an event.
    pub fn record(&self, kind: Kind, object: impl Into<String>, what: impl Into<String>, cause: &str) {
        let (object, what) = (object.into(), what.into());
        match kind.level() {
            Level::ERROR => tracing::error!(kind = kind.name(), object, cause, "{what}"),
            Level::WARN => tracing::warn!(kind = kind.name(), object, cause, "{what}"),
            _ => tracing::info!(kind = kind.name(), object, cause, "{what}"),
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let Memory { kept, totals } = &mut *memory;
        let id = *self.latest.borrow() + 1;
        *totals.entry(kind).or_default() += 1;
        kept.push_back(Event { id, at: Timestamp::now(), kind, object, what, cause: cause.to_owned() });
        if kept.len() > KEPT {
            kept.pop_front();
        }
        self.latest.send_replace(id);
    }

    /// The kept events after `id`, oldest first.
    pub fn since(&self, id: u64) -> Vec<Event> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.kept.iter().filter(|event| event.id > id).cloned().collect()
    }

    /// The kept events, newest first, `count` at most.
    pub fn latest(&self, count: usize) -> Vec<Event> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.kept.iter().rev().take(count).cloned().collect()
    }

    /// How many events of each kind there were since the start, kept or not.
    pub fn totals(&self) -> BTreeMap<Kind, u64> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let none = Kind::ALL.into_iter().map(|kind| (kind, 0));
        none.chain(memory.totals.iter().map(|(&kind, &total)| (kind, total))).collect()
    }

    /// Waits until there is an event after `id`.
    pub async fn wait_after(&self, id: u64) {
        // The sender lives as long as `self`.
        drop(self.latest.subscribe().wait_for(|latest| *latest > id).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds and the levels of each row in the reference's table.
    fn documented() -> BTreeMap<String, String> {
        let reference = include_str!("../docs/reference/events.md");
        let (_, kinds) = reference.split_once("\n## Kinds\n").unwrap();
        let rows = kinds.lines().filter(|line| line.starts_with("| [`"));
        rows.flat_map(|row| {
            let cells: Vec<&str> = row.split('|').collect();
            let kinds = cells[1].split('`').skip(1).step_by(2).map(ToOwned::to_owned);
            let levels = cells[2].split(',').map(|level| level.trim().to_uppercase());
            kinds.zip(levels.cycle()).collect::<Vec<_>>()
        })
        .collect()
    }

    #[test]
    fn the_log_has_each_at_the_level_that_the_reference_says() {
        let levels = Kind::ALL.map(|kind| (kind.name().to_owned(), kind.level().to_string()));
        assert_eq!(documented(), levels.into());
    }

    #[test]
    fn totals_count_what_is_no_longer_kept() {
        let events = Events::default();
        for number in 0..KEPT + 5 {
            events.record(Kind::Applied, "file", number.to_string(), "reload");
        }
        assert_eq!(events.since(0).len(), KEPT);
        let totals = events.totals();
        assert_eq!(totals.get(&Kind::Applied), Some(&1005));
        assert_eq!(totals.keys().copied().collect::<Vec<_>>(), Kind::ALL);
        assert_eq!(totals.values().sum::<u64>(), 1005);
        let latest: Vec<String> = events.latest(2).into_iter().map(|event| event.what).collect();
        assert_eq!(latest, ["1004", "1003"]);
    }
}
