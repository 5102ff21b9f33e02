//! What failed where: a node tells what failed at it until the document has it, and the DC writes it there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Core, Notice};
use crate::cib::Cib;
use crate::message::{Bar, Failed};
use crate::moment::Moment;
use crate::name::{NodeId, VipId};

/// Failures of vips at a node, as that node and the DC know them.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Failures here that the document does not have.
    untold: BTreeMap<VipId, Untold>,
    /// What failed here too often.
    barred: BTreeSet<VipId>,
    /// As the DC saw it: how often, and when the last of it came.
    seen: BTreeMap<(VipId, NodeId), (u32, Moment)>,
}

#[derive(Clone, Copy, Debug)]
struct Untold {
    /// What the document has.
    written: u32,
    /// How many came since.
    more: u32,
    last: Moment,
}

impl Core {
    /// A vip could not be put on the interface.
    pub(super) fn note_failure(&mut self, vip: VipId) {
        let (written, last) = (self.written_failures(vip), self.now);
        let untold = self.failures.untold.entry(vip).or_insert(Untold { written, more: 0, last });
        untold.more = untold.more.saturating_add(1);
        untold.last = last;
        self.news = true;
        self.note_failure_bars();
    }

    fn written_failures(&self, vip: VipId) -> u32 {
        self.chart.vip(vip).map_or(0, |known| known.failures(self.settings.me))
    }

    /// How often a vip failed here, written down or not.
    fn failures_here(&self, vip: VipId) -> u32 {
        let untold = self.failures.untold.get(&vip);
        let known = untold.map_or(0, |untold| untold.written.saturating_add(untold.more));
        known.max(self.written_failures(vip))
    }

    /// Whether a vip failed here too often.
    pub(super) fn has_failed(&self, vip: VipId) -> bool {
        self.failures.barred.contains(&vip)
    }

    /// The vips that failed here too often.
    pub(super) fn failed_here(&self) -> impl Iterator<Item = VipId> {
        self.failures.barred.iter().copied()
    }

    /// Whether a vip failed here just now: before it is tried again, that is to be written down.
    pub(super) fn has_just_failed(&self, vip: VipId) -> bool {
        let untold = self.failures.untold.get(&vip);
        untold.is_some_and(|untold| self.now < self.tried_again_at(untold.last))
    }

    fn tried_again_at(&self, last: Moment) -> Moment {
        last + self.settings.keepalive
    }

    /// The document changed: what it has of the failures here need not be told any more.
    pub(super) fn note_written_failures(&mut self) {
        let written: Vec<(VipId, u32)> =
            self.failures.untold.keys().map(|vip| (*vip, self.written_failures(*vip))).collect();
        for (vip, written) in written {
            let Some(untold) = self.failures.untold.get_mut(&vip) else { continue };
            // Somebody cleared what was written.
            untold.written = untold.written.min(written);
            if written >= untold.written + untold.more {
                self.failures.untold.remove(&vip);
            }
        }
        self.note_failure_bars();
    }

    fn note_failure_bars(&mut self) {
        let too_much = |vip: &&super::chart::Vip| vip.is_too_much(self.failures_here(vip.id));
        let barred: BTreeSet<VipId> = self.chart.vips.iter().filter(too_much).map(|vip| vip.id).collect();
        let before = std::mem::replace(&mut self.failures.barred, barred.clone());
        for vip in before.symmetric_difference(&barred) {
            self.tell(Notice::Barred(*vip, barred.contains(vip).then_some(Bar::Failed)));
            self.news = true;
        }
    }

    /// What this node has to tell of failures here.
    pub(super) fn failed(&self) -> Option<Failed> {
        let (vip, _) = self.failures.untold.first_key_value()?;
        Some(Failed { vip: *vip, count: u16::try_from(self.failures_here(*vip)).unwrap_or(u16::MAX) })
    }

    /// As the DC, writes down what failed, and takes out what is forgotten.
    pub(super) fn write_failures(&mut self, cib: &mut Cib) {
        let others = self.settings.others().filter_map(|node| Some((node, self.latest(node)?.failed?)));
        let reports: Vec<(NodeId, Failed)> =
            self.failed().map(|failed| (self.settings.me, failed)).into_iter().chain(others).collect();
        let now = self.now;
        let mut seen = BTreeMap::new();
        for vip in &self.chart.vips {
            for (node, name) in self.settings.nodes().zip(self.settings.declared.nodes.iter().map(|it| &it.0))
            {
                let told = reports.iter().find(|(from, failed)| *from == node && failed.vip == vip.id);
                let written = vip.failures(node);
                let count = told.map_or(0, |(_, failed)| u32::from(failed.count)).max(written);
                if count == 0 {
                    continue;
                }
                let since = self.failures.seen.get(&(vip.id, node)).filter(|(known, _)| *known == count);
                let since = since.map_or(now, |(_, since)| *since);
                let key = (vip.name.clone(), name.clone());
                if since + vip.timeout <= now {
                    cib.failures.remove(&key);
                } else {
                    cib.failures.insert(key, count);
                }
                seen.insert((vip.id, node), (count, since));
            }
        }
        self.failures.seen = seen;
    }

    /// As the DC that is new, counts the time from now on.
    pub(super) fn watch_failures(&mut self) {
        self.failures.seen.clear();
    }

    /// When failures are forgotten, and when a vip is tried again that failed.
    pub(super) fn failures_due(&self, consider: &mut impl FnMut(Moment)) {
        let timeout = |vip: VipId| self.chart.vip(vip).map_or(Duration::ZERO, |known| known.timeout);
        let seen = self.failures.seen.iter().map(|((vip, _), (_, since))| *since + timeout(*vip));
        seen.for_each(&mut *consider);
        self.failures.untold.values().for_each(|untold| consider(self.tried_again_at(untold.last)));
    }
}
