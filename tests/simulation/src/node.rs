//! A machine: its process, its disk and its interface.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use failover::channel::Channel;
use failover::cib::Document;
use failover::core::{Abilities, Core, Kept, Paper, Settings};
use failover::{Moment, VipId};

use crate::clock::Clock;
use crate::world::Happening;

/// A machine that may run a director.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) process: Option<Process>,
    /// Counts the processes that it ever ran.
    pub(crate) life: u64,
    pub(crate) disk: Disk,
    pub(crate) interface: BTreeMap<VipId, Address>,
    pub(crate) able: Abilities,
    /// Its interface takes no addresses.
    pub(crate) broken: bool,
    /// It was broken: it may be barred for longer than a world lasts.
    pub(crate) doubtful: bool,
    /// Its release knows of no documents.
    pub(crate) earlier: bool,
}

/// A director that runs, or is stopped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) core: Core,
    pub(crate) channel: Channel,
    /// Which of its timers is the latest.
    pub(crate) timer: u64,
    /// What it finds when it goes on; nothing as long as it runs.
    pub(crate) backlog: Option<VecDeque<Happening>>,
    pub(crate) leaving: bool,
}

/// What survives a crash.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) durable: Option<Paper>,
    pub(crate) writing: VecDeque<Paper>,
    pub(crate) kept: Kept,
    pub(crate) keeping: VecDeque<Document>,
    /// What it had accepted before.
    pub(crate) stale: Option<Document>,
    /// The longest that a write takes.
    pub(crate) latency: Duration,
    /// The machine loses power during its next write.
    pub(crate) trap: bool,
    /// Its next write fails.
    pub(crate) fails: bool,
}

/// A vip, as the interface has it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Address {
    pub(crate) on: bool,
    /// In real time, when the kernel takes it off by itself if nobody goes on saying otherwise.
    pub(crate) until: Duration,
    /// Which order of the core was the latest.
    pub(crate) order: u64,
}

impl Node {
    pub(crate) fn now(&self, real: Duration) -> Moment {
        self.clock.shows(real)
    }

    pub(crate) fn runs(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.backlog.is_none())
    }

    /// Whether it answers for a vip.
    pub(crate) fn answers(&self, vip: VipId, real: Duration) -> bool {
        self.interface.get(&vip).is_some_and(|address| address.on && (self.runs() || real < address.until))
    }

    /// What the kernel has taken off by itself.
    pub(crate) fn sweep(&mut self, real: Duration) {
        let runs = self.runs();
        let ended = self.interface.values_mut().filter(|address| !runs && address.until <= real);
        ended.for_each(|address| address.on = false);
    }

    /// The kernel is told until when it may keep what it has.
    pub(crate) fn renew(&mut self) {
        let Some(process) = &self.process else { return };
        for (vip, address) in &mut self.interface {
            if let Some(lease) = process.core.lease(*vip) {
                address.until = self.clock.real(lease);
            }
        }
    }
}
