//! What is watched, which check is due, and what its result means for those who wait for it.

mod schedule;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use self::schedule::{Schedule, Slot};
use crate::{Health, Monitor, Outcome, Streak, Verdict};

/// A probe: a monitor at a target. A probe makes one check at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckId(u64);

/// A realserver that is to be watched.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Where it serves.
    pub realserver: SocketAddr,
    /// What must pass; a realserver without monitors is up.
    pub monitors: Vec<Arc<Monitor>>,
    /// What was believed before a restart, or before its monitors changed.
    pub initial: Health,
}

/// A check that is to begin now.
#[derive(Clone, Debug)]
pub struct Start {
    /// Under which its results are reported.
    pub id: CheckId,
    /// Where it goes.
    pub target: SocketAddr,
    /// What it does.
    pub monitor: Arc<Monitor>,
    /// When it should have begun.
    pub due: Instant,
}

/// What a check found, and how that continues what was found before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was asked.
    pub monitor: Arc<Monitor>,
    /// What was found.
    pub outcome: Arc<Outcome>,
    /// How often in a row it passed, or failed.
    pub streak: Streak,
    /// When it was found.
    pub at: Instant,
}

/// Something else is believed of a realserver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<K> {
    /// The realserver.
    pub key: K,
    /// What was believed.
    pub from: Health,
    /// What is believed now.
    pub to: Health,
    /// What was found; absent when it is watched by another monitor that has found nothing yet.
    pub cause: Option<Finding>,
}

/// What is believed of a realserver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it can serve.
    pub health: Health,
    /// Since when that is believed.
    pub since: Instant,
    /// What decides: of the first monitor that is down or failing, or else the latest.
    pub finding: Option<Finding>,
}

/// Everything that is watched. `K` is whatever the caller knows a realserver by.
///
/// Time is an argument, and nothing happens without a call: [`watch`](Self::watch) says what there is,
/// [`poll`](Self::poll) says what to begin, to be called until it says nothing, [`report`](Self::report) and
/// [`finish`](Self::finish) take what was found, [`poll_change`](Self::poll_change) says what that changed, and
/// [`poll_timeout`](Self::poll_timeout) when to poll again.
///
/// Equal monitors of one target are one probe, however many realservers have them. A realserver is as healthy as the
/// worst of its probes.
#[derive(Debug)]
pub struct Board<K> {
    watched: BTreeMap<K, Watched>,
    /// In boxes, since the tree is half empty.
    probes: BTreeMap<CheckId, Box<Probe<K>>>,
    next_id: CheckId,
    schedule: Schedule,
    changes: VecDeque<Change<K>>,
}

/// Where a probe is found that is there already.
struct Known(HashMap<(SocketAddr, Arc<Monitor>), CheckId>);

#[derive(Debug)]
struct Watched {
    probes: Box<[CheckId]>,
    health: Health,
    since: Instant,
}

impl Watched {
    /// Takes the verdicts of its probes; what was believed, if that changed.
    fn turn<K>(&mut self, now: Instant, probes: &BTreeMap<CheckId, Box<Probe<K>>>) -> Option<Health> {
        let verdicts = self.probes.iter().filter_map(|id| probes.get(id)).map(|probe| probe.verdict.health());
        let health = verdicts.min().unwrap_or(Health::Up);
        if health == self.health {
            return None;
        }
        self.since = now;
        Some(mem::replace(&mut self.health, health))
    }
}

#[derive(Debug)]
struct Probe<K> {
    target: SocketAddr,
    monitor: Arc<Monitor>,
    verdict: Verdict,
    slot: Slot,
    running: bool,
    latest: Option<(Instant, Arc<Outcome>)>,
    watchers: Vec<K>,
}

impl<K> Probe<K> {
    fn note(&mut self, now: Instant, outcome: Outcome) {
        self.verdict.note(&self.monitor.pace, outcome.code.passed());
        self.latest = Some((now, Arc::new(outcome)));
    }

    fn finding(&self) -> Option<Finding> {
        let ((at, outcome), streak) = self.latest.clone().zip(self.verdict.streak())?;
        Some(Finding { monitor: Arc::clone(&self.monitor), outcome, streak, at })
    }

    /// Whether it is down, or else failing.
    fn urgency(&self) -> (bool, bool) {
        (self.verdict.health() == Health::Down, self.verdict.streak().is_some_and(|streak| !streak.passed))
    }
}

impl<K: Ord + Clone> Board<K> {
    /// A board without anything on it. Checks are spread by chance, which begins at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            watched: BTreeMap::new(),
            probes: BTreeMap::new(),
            next_id: CheckId(0),
            schedule: Schedule::new(seed),
            changes: VecDeque::new(),
        }
    }

    /// Replaces what is watched. A probe that was there before, of whatever realserver, keeps its verdict, its phase
    /// and its running check; a new one begins with the `initial` of its realservers.
    pub fn watch(&mut self, now: Instant, subjects: impl IntoIterator<Item = (K, Subject)>) {
        let subjects: BTreeMap<K, Subject> = subjects.into_iter().collect();
        let first_new = self.next_id;
        let probes = self.probes.iter().map(|(&id, probe)| ((probe.target, Arc::clone(&probe.monitor)), id));
        let mut known = Known(probes.collect());
        self.probes.values_mut().for_each(|probe| probe.watchers.clear());
        self.watched.retain(|key, _| subjects.contains_key(key));
        for (key, subject) in subjects {
            let mut probes = Vec::with_capacity(subject.monitors.len());
            for monitor in subject.monitors {
                let id = self.probe(now, &mut known, monitor.target(subject.realserver), monitor);
                if probes.contains(&id) {
                    continue;
                }
                probes.push(id);
                let Some(probe) = self.probes.get_mut(&id) else { continue };
                probe.watchers.push(key.clone());
                // A realserver that was up had all its probes up; which ones of another were down nobody knows.
                if id >= first_new
                    && (subject.initial == Health::Up || probe.verdict.health() == Health::Unknown)
                {
                    probe.verdict = Verdict::new(subject.initial);
                }
            }
            let probes = probes.into_boxed_slice();
            match self.watched.get_mut(&key) {
                Some(watched) => watched.probes = probes,
                None => {
                    drop(self.watched.insert(key, Watched { probes, health: subject.initial, since: now }))
                }
            }
        }
        self.probes.retain(|&id, probe| {
            let wanted = !probe.watchers.is_empty();
            if !wanted {
                self.schedule.forget(id, probe.slot);
            }
            wanted
        });
        self.changes.retain(|change| self.watched.contains_key(&change.key));
        for (key, watched) in &mut self.watched {
            if let Some(from) = watched.turn(now, &self.probes) {
                let cause = finding(&self.probes, &watched.probes);
                self.changes.push_back(Change { key: key.clone(), from, to: watched.health, cause });
            }
        }
    }

    /// Whether there still is such a probe; if not, its running check is in vain.
    #[must_use]
    pub fn has(&self, id: CheckId) -> bool {
        self.probes.contains_key(&id)
    }

    /// The next check to begin.
    #[must_use]
    pub fn poll(&mut self, now: Instant) -> Option<Start> {
        let (due, id) = self.schedule.take(now)?;
        let probe = self.probes.get_mut(&id)?;
        probe.running = true;
        Some(Start { id, target: probe.target, monitor: Arc::clone(&probe.monitor), due })
    }

    /// Takes what a check found that goes on: [`Check::Idle`](crate::Check::Idle) finds that its connection stands.
    pub fn report(&mut self, now: Instant, id: CheckId, outcome: Outcome) {
        let Some(probe) = self.probes.get_mut(&id).filter(|probe| probe.running) else { return };
        let before = probe.verdict.health();
        probe.note(now, outcome);
        if probe.verdict.health() != before {
            self.tell(now, id);
        }
    }

    /// Takes what a check found at its end. The result of a probe that is no more is ignored.
    pub fn finish(&mut self, now: Instant, id: CheckId, outcome: Outcome) {
        self.report(now, id, outcome);
        let Some(probe) = self.probes.get_mut(&id).filter(|probe| probe.running) else { return };
        probe.running = false;
        probe.slot = self.schedule.next(now, id, probe.slot, probe.verdict.interval(&probe.monitor.pace));
    }

    /// What changed, in order.
    #[must_use]
    pub fn poll_change(&mut self) -> Option<Change<K>> {
        self.changes.pop_front()
    }

    /// When [`poll`](Self::poll) has something to say next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.timeout()
    }

    /// What is believed of a realserver.
    #[must_use]
    pub fn standing(&self, key: &K) -> Option<Standing> {
        self.watched.get(key).map(|watched| self.standing_of(watched))
    }

    /// What is believed of all realservers.
    pub fn standings(&self) -> impl Iterator<Item = (&K, Standing)> {
        self.watched.iter().map(|(key, watched)| (key, self.standing_of(watched)))
    }

    fn standing_of(&self, watched: &Watched) -> Standing {
        Standing {
            health: watched.health,
            since: watched.since,
            finding: finding(&self.probes, &watched.probes),
        }
    }

    /// The probe with this target and monitor, a new one if there is none.
    fn probe(
        &mut self,
        now: Instant,
        known: &mut Known,
        target: SocketAddr,
        monitor: Arc<Monitor>,
    ) -> CheckId {
        let Self { probes, next_id, schedule, .. } = self;
        *known.0.entry((target, Arc::clone(&monitor))).or_insert_with(|| {
            let id = *next_id;
            next_id.0 += 1;
            let slot = schedule.first(now, id, &monitor.pace);
            let verdict = Verdict::default();
            // Most have one.
            let watchers = Vec::with_capacity(1);
            let probe = Probe { target, monitor, verdict, slot, running: false, latest: None, watchers };
            probes.insert(id, Box::new(probe));
            id
        })
    }

    /// Brings a probe's new verdict to its realservers.
    fn tell(&mut self, now: Instant, id: CheckId) {
        let Some(probe) = self.probes.get(&id) else { return };
        for key in &probe.watchers {
            let Some(watched) = self.watched.get_mut(key) else { continue };
            if let Some(from) = watched.turn(now, &self.probes) {
                let (to, cause) = (watched.health, probe.finding());
                self.changes.push_back(Change { key: key.clone(), from, to, cause });
            }
        }
    }
}

/// What decides of some probes: the first of the greatest urgency, or else the latest.
fn finding<K>(probes: &BTreeMap<CheckId, Box<Probe<K>>>, ids: &[CheckId]) -> Option<Finding> {
    let probes = ids.iter().filter_map(|id| probes.get(id));
    let findings = probes.filter_map(|probe| Some((probe.urgency(), probe.finding()?)));
    findings
        .reduce(|best, next| {
            let is_calm = next.0 == (false, false) && next.1.at > best.1.at;
            if next.0 > best.0 || (next.0 == best.0 && is_calm) { next } else { best }
        })
        .map(|(_, finding)| finding)
}
