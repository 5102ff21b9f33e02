//! This director among the others: what it says of itself, what it hears, and what operators say.

pub(super) mod desk;
mod errand;
pub(super) mod memory;
mod operator;
pub(super) mod words;

use std::time::Duration;

use anyhow::anyhow;
use failover::core::Notice;
use failover::message::Unfit;
use failover::{NodeId, VipId};
use jiff::Timestamp;

use super::{Cause, Destination, Director, Refusal};
use crate::cluster::{Ability, Command, Handle, Names, Plan, Told};
use crate::config::Config;
use crate::events::Kind;

use memory::Memory;
use words::{bar_words, mac_words, reason};

/// How long a director that ends waits for others to take over, beyond what they need to find out.
const HANDOVER: Duration = Duration::from_secs(2);
/// How often it looks whether they have.
const LOOK: Duration = Duration::from_millis(5);

/// A director's place among others.
pub(super) struct Membership {
    pub(super) handle: Handle,
    /// This node.
    pub(super) me: Option<NodeId>,
    /// Since when all is as it is.
    pub(super) memory: Memory,
    /// What it said of itself last.
    said: Option<Ability>,
}

impl Membership {
    pub(super) fn new(handle: Handle, node: &str) -> Self {
        let me = handle.names.node_named(node);
        Self { handle, me, memory: Memory::new(Timestamp::now()), said: None }
    }
}

/// What the cluster tells next; never anything where there is none.
pub(super) async fn told(membership: &mut Option<Membership>) -> Option<Told> {
    match membership {
        Some(membership) => membership.handle.told.recv().await,
        None => std::future::pending().await,
    }
}

impl Director {
    /// Lets the others hear of this director: its table is in the kernel.
    pub(super) fn join_cluster(&mut self) {
        let Some(membership) = &mut self.cluster else { return };
        if let Err(error) = membership.handle.launch() {
            self.events.record(Kind::ClusterError, "cluster", error.to_string(), Cause::Start.name());
        }
        self.say_ability();
    }

    /// What of a file concerns this node.
    pub(super) fn concerning(&self, config: Config) -> Config {
        let witness = self.cluster.as_ref().is_some_and(|membership| membership.handle.witness);
        if witness { config.for_witness() } else { config }
    }

    /// Tells the cluster what this director can do, if that changed.
    pub(super) fn say_ability(&mut self) {
        let Some(membership) = &self.cluster else { return };
        let reach = self.serving.reach(&membership.handle.ping);
        let unfit = if self.trouble.is_some() {
            Some(Unfit::Table)
        } else if reach.unknown {
            Some(Unfit::Checks)
        } else {
            None
        };
        let ability = Ability { unfit, pings: reach.pings, realservers: reach.realservers };
        if let Some(membership) = &mut self.cluster
            && membership.said != Some(ability)
        {
            membership.said = Some(ability);
            membership.handle.tell(Command::Able(ability));
        }
    }

    /// How long handing everything over may take.
    #[must_use]
    pub fn handover(config: &Config) -> Duration {
        config.cluster.as_ref().map(|cluster| cluster.deadtime + HANDOVER).unwrap_or_default()
    }

    /// Hands everything over, and leaves the cluster when others have it, or when nobody wants it.
    pub(super) async fn leave_cluster(&mut self) {
        let limit = tokio::time::Instant::now() + Self::handover(&self.config);
        let Some(membership) = &mut self.cluster else { return };
        membership.handle.tell(Command::Leave);
        while !membership.handle.report.borrow().left && tokio::time::Instant::now() < limit {
            tokio::time::sleep(LOOK).await;
        }
        // What happened meanwhile is told before the thread is gone.
        let names = membership.handle.names.clone();
        let mut last = Vec::new();
        while let Ok(told) = membership.handle.told.try_recv() {
            last.push(told);
        }
        self.cluster = None;
        for told in last {
            self.record_told(&names, told);
        }
    }

    /// The cluster thread is gone, and with it this director's share in the vips: why.
    pub(super) fn lose_cluster(&mut self) -> anyhow::Error {
        self.keep_verdicts();
        let failure = |mut membership: Membership| membership.handle.failure();
        let why = self.cluster.take().map_or_else(|| anyhow!("there is none"), failure);
        self.events.record(
            Kind::ClusterError,
            "cluster",
            format!("the cluster thread ended: {why:#}"),
            CLUSTER,
        );
        why.context("the cluster thread ended, so this director gives up all vips and ends")
    }

    /// What another file means for the cluster.
    pub(super) fn plan_cluster(&self, config: &Config) -> Result<Option<Plan>, Refusal> {
        Plan::refuse_change(&self.config, config)?;
        Ok(Plan::new(config, &self.node)?)
    }

    /// The other file is in force.
    pub(super) fn change_cluster(&mut self, plan: Option<Plan>) {
        if let (Some(membership), Some(plan)) = (&mut self.cluster, plan) {
            membership.handle.names = Names::of(&self.config);
            membership.handle.ping = plan.ping();
            membership.handle.tell(Command::Configure(Box::new(plan)));
        }
    }

    /// Something happened in the cluster.
    pub(super) fn hear_cluster(&mut self, told: Told) {
        let Some(membership) = &mut self.cluster else { return };
        membership.memory.note(&told, Timestamp::now());
        let names = membership.handle.names.clone();
        self.record_told(&names, told);
    }

    fn record_told(&self, names: &Names, told: Told) {
        let (kind, object, what) = match told {
            Told::Notice(notice) => sentence(names, &self.node, &notice),
            Told::Restored(address) => {
                (Kind::DriftRepaired, address.to_string(), "somebody took it away; it is back".to_owned())
            }
            Told::Removed(address) => (
                Kind::DriftRepaired,
                address.to_string(),
                "was there although this director does not own it; taken off".to_owned(),
            ),
            Told::Failed(what) => (Kind::ClusterError, "vips".to_owned(), what),
            Told::Foreign(vip, address, mac) => (
                Kind::VipConflict,
                format!("vip {}", names.vip(vip)),
                format!("{address} is answered by {}, which is no director; not taken", mac_words(mac)),
            ),
            Told::Reluctant(vip, address, mac) => (
                Kind::VipConflict,
                format!("vip {}", names.vip(vip)),
                format!(
                    "{address} is still answered by the director at {}, whose lease is over",
                    mac_words(mac)
                ),
            ),
            Told::Conflict(address, mac) => (
                Kind::VipConflict,
                address.to_string(),
                format!("{} says it has it as well; announced again", mac_words(mac)),
            ),
            Told::Slow(what) => (Kind::Warned, "cluster".to_owned(), what),
            Told::Disk(what, why) => (Kind::StateError, what.to_owned(), why),
            Told::Refused(what) => (Kind::StateError, "cib".to_owned(), what),
            Told::Dropped(count) => (
                Kind::ClusterError,
                "events".to_owned(),
                format!("{count} events were not told, there were too many"),
            ),
        };
        self.events.record(kind, object, what, CLUSTER);
    }
}

const CLUSTER: &str = "cluster";

/// A notice as an event.
fn sentence(names: &Names, me: &str, notice: &Notice) -> (Kind, String, String) {
    let node = |id: NodeId| format!("node {}", names.node(id));
    let vip = |id: VipId| format!("vip {}", names.vip(id));
    match *notice {
        Notice::Heard(id) => (Kind::NodeUp, node(id), "is heard".to_owned()),
        Notice::Restarted(id) => (Kind::NodeUp, node(id), "started anew".to_owned()),
        Notice::Dead(id) => (Kind::NodeDead, node(id), "is silent on all links".to_owned()),
        Notice::Left(id) => (Kind::NodeLeft, node(id), "hands over, and ends".to_owned()),
        Notice::Standby(id, true) => (Kind::NodeStandby, node(id), "gives up all vips".to_owned()),
        Notice::Standby(id, false) => (Kind::NodeOnline, node(id), "takes part again".to_owned()),
        Notice::LinkUp(id, link) => {
            (Kind::LinkUp, format!("link {} to {}", link.0 + 1, names.node(id)), "is heard on".to_owned())
        }
        Notice::LinkDown(id, link) => {
            (Kind::LinkDown, format!("link {} to {}", link.0 + 1, names.node(id)), "is silent".to_owned())
        }
        Notice::Late(id, silence) => {
            (Kind::HeartbeatLate, node(id), format!("was silent for {} ms", silence.as_millis()))
        }
        Notice::Elected(id, term) => {
            (Kind::DcElected, node(id), format!("is the designated coordinator of term {}", term.0))
        }
        Notice::Quorum(true) => (Kind::QuorumGained, "cluster".to_owned(), "a majority has a DC".to_owned()),
        Notice::Quorum(false) => {
            (Kind::QuorumLost, "cluster".to_owned(), "no majority with a DC is heard".to_owned())
        }
        Notice::Granted { vip: id, from, to, cause } => {
            let from = from.map(|from| format!("from {} ", names.node(from))).unwrap_or_default();
            let to = to.map_or_else(|| "to nobody".to_owned(), |to| format!("to {}", names.node(to)));
            (Kind::VipMoved, vip(id), format!("goes {from}{to}: {}", reason(names, cause)))
        }
        Notice::Holding(id) => (Kind::VipTaken, vip(id), format!("is owned by {me} from now on")),
        Notice::Released(id) => (Kind::VipReleased, vip(id), format!("is off {me}")),
        Notice::Expired(id) => {
            (Kind::VipExpired, vip(id), format!("no majority acknowledged {me} in time; given up"))
        }
        Notice::Barred(id, Some(bar)) => (Kind::VipBarred, vip(id), format!("not here: {}", bar_words(bar))),
        Notice::Barred(id, None) => (Kind::VipBarred, vip(id), "can be here again".to_owned()),
        Notice::OtherLease(id, lease) => {
            let what = format!("has a deadtime of {} ms, which is not this director's", lease.as_millis());
            (Kind::Warned, node(id), what)
        }
        Notice::Committed(stamp, digest) => {
            (Kind::CibChanged, "cib".to_owned(), format!("is {stamp} ({digest})"))
        }
        Notice::Unreadable(stamp, ref why) => (
            Kind::CibRefused,
            "cib".to_owned(),
            format!("{stamp}, which the DC asks for, cannot be read: {why}"),
        ),
        Notice::Undeclared(ref why) => (
            Kind::CibRefused,
            "cib".to_owned(),
            format!("what the file declares cannot be written down: {why}"),
        ),
    }
}
