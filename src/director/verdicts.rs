//! From verdicts and words to the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use healthcheck::{Change, Checks, Health, Kit, Place, Seat, Status};
use tokio::sync::mpsc;

use super::report::EVENTS_PER_CHANGE;
use super::{Cause, Director, Refusal};
use crate::config::Name;
use crate::events::Kind;
use crate::serving::{Key, Said, Turn, subjects};
use crate::snapshot::words::span;

/// How many checks may be under way at once.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2000).unwrap();
/// How many of them may be programs.
const PROGRAMS: usize = 32;
/// How often the verdicts are kept for a later daemon.
const KEEP: Duration = Duration::from_secs(10);

/// The checks of realservers, and what they change.
pub struct Watch {
    pub(super) checks: Checks<Key>,
    pub(super) changes: mpsc::Receiver<Vec<Change<Key>>>,
    kit: Arc<Mutex<Arc<Kit>>>,
}

impl Watch {
    /// Starts to make checks, in a thread of their own. There are none yet.
    pub fn start() -> io::Result<Self> {
        let kit = Arc::new(Mutex::new(Arc::new(Kit::new(PROGRAMS))));
        let current = Arc::clone(&kit);
        // Directors that were started together must not check together.
        let seed = u64::from(std::process::id());
        let (checks, changes, work) = Checks::new(seed, AT_ONCE, move |target, monitor, held| {
            let kit = Arc::clone(&current.lock().unwrap_or_else(PoisonError::into_inner));
            async move { kit.check(target, &monitor, held).await }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // As a task, which wakes without a system call, unlike the future that the runtime blocks on.
        let work = runtime.spawn(work);
        thread::Builder::new().name("checks".to_owned()).spawn(move || runtime.block_on(work))?;
        Ok(Self { checks, changes, kit })
    }

    /// Reads the certificates of authorities again when they are next needed.
    fn renew(&self) {
        *self.kit.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Kit::new(PROGRAMS));
    }
}

impl Director {
    /// Watches what the configuration in force names.
    pub(super) async fn watch_all(&mut self) {
        self.serving.retain(&self.config);
        self.watch.renew();
        self.watch.checks.watch(subjects(&self.config, &self.serving)).await;
    }

    /// Takes in what the checks changed.
    pub(super) async fn judge(&mut self, changes: Vec<Change<Key>>) {
        let now = Instant::now();
        let mut services = BTreeSet::new();
        let mut before = BTreeMap::new();
        for change in &changes {
            if let Key::Realserver(service, realserver) = &change.key {
                services.insert(service.clone());
                before.insert(&change.key, self.serving.seat(service, realserver).copied());
            }
            let since = self.serving.belief(&change.key).map(|belief| belief.since);
            self.serving.note(change, now);
            tracing::debug!(key = %change.key, ?since, "verdict");
        }
        let turns = self.decide_again(now, &services, Cause::Check).await;
        self.report_verdicts(&changes, &before);
        self.report_turns(&turns, Cause::Check);
    }

    /// Decides anew where time alone has changed something.
    pub(super) async fn ripen(&mut self, now: Instant) {
        let ripe = self.serving.timeouts().filter(|(_, at)| *at <= now);
        let services: BTreeSet<Name> = ripe.map(|(name, _)| name.clone()).collect();
        if !services.is_empty() {
            let turns = self.decide_again(now, &services, Cause::Check).await;
            self.report_turns(&turns, Cause::Check);
        }
    }

    async fn decide_again(&mut self, now: Instant, services: &BTreeSet<Name>, cause: Cause) -> Vec<Turn> {
        let turns = self.serving.decide(now, &self.config, &self.state.words, Some(services));
        self.desire_again();
        self.converge(Arc::clone(&self.actual), cause).await;
        turns
    }

    /// Obeys an operator.
    pub(super) async fn say(
        &mut self,
        service: &str,
        realserver: &str,
        said: Option<Said>,
    ) -> Result<String, Refusal> {
        let found = self.config.services.iter().find(|it| it.name.as_str() == service);
        let Some(of) = found else {
            let present = self.config.services.iter().map(|it| it.name.to_string()).collect();
            return Err(Refusal::Unknown { what: "service", name: service.to_owned(), present });
        };
        let Some(it) = of.realservers.iter().find(|it| it.name.as_str() == realserver) else {
            let present = of.realservers.iter().map(|it| it.name.to_string()).collect();
            return Err(Refusal::Unknown { what: "realserver", name: realserver.to_owned(), present });
        };
        let connections: u32 = of
            .ids
            .iter()
            .filter_map(|id| self.actual.connections.get(&(*id, it.endpoint)))
            .fold(0, |sum, count| sum.saturating_add(*count));
        let services = BTreeSet::from([of.name.clone()]);

        let mut state = self.state.clone();
        let words = state.words.entry(service.to_owned()).or_default();
        match said {
            Some(said) => drop(words.insert(realserver.to_owned(), said)),
            None => drop(words.remove(realserver)),
        }
        state.words.retain(|_, words| !words.is_empty());
        self.remember(&state)?;
        self.state = state;

        let object = format!("{service}/{realserver}");
        let what = match said {
            Some(Said::Drain) => {
                format!("gets no new connections; {connections} connections are left")
            }
            Some(Said::Disable) => format!("taken out; {connections} connections were left"),
            None => "left to its checks".to_owned(),
        };
        let turns = self.decide_again(Instant::now(), &services, Cause::Operator).await;
        self.events.record(Kind::OperatorSaid, object.clone(), what.clone(), Cause::Operator.name());
        self.report_turns(&turns, Cause::Operator);
        Ok(format!("{object}: {what}"))
    }

    /// Keeps the verdicts for a later daemon.
    pub(super) fn keep_verdicts(&mut self) {
        self.keep_verdicts = Instant::now() + KEEP;
        let kept = self.serving.keep();
        if kept.is_empty() {
            return;
        }
        if let Err(error) = self.store.save_verdicts(&kept) {
            self.events.record(Kind::StateError, "verdicts", error.to_string(), Cause::Check.name());
        }
    }

    fn report_verdicts(&self, changes: &[Change<Key>], before: &BTreeMap<&Key, Option<Seat>>) {
        let mut told = BTreeMap::new();
        for change in changes {
            let Key::Realserver(service, realserver) = &change.key else { continue };
            let kind = match change.to {
                Health::Up => Kind::RealserverUp,
                Health::Down => Kind::RealserverDown,
                Health::Unknown => continue,
            };
            let count: &mut usize = told.entry(kind).or_default();
            *count += 1;
            if *count > EVENTS_PER_CHANGE {
                continue;
            }
            let seat = self.serving.seat(service, realserver);
            let effect = effect(before.get(&change.key).and_then(Option::as_ref), seat);
            let (what, check) = match &change.cause {
                Some(finding) => {
                    let outcome = &finding.outcome;
                    let took = outcome.took.as_millis();
                    let what = format!(
                        "{} {} after {took} ms ({}); {effect}",
                        outcome.code, outcome.detail, finding.streak
                    );
                    (what, finding.monitor.check.name())
                }
                None => (effect.to_owned(), "check"),
            };
            self.events.record(kind, change.key.to_string(), what, check);
        }
        for (kind, count) in told {
            self.count_rest(kind, count, "as well", Cause::Check);
        }
    }

    pub(super) fn report_turns(&self, turns: &[Turn], cause: Cause) {
        for turn in turns.iter().take(EVENTS_PER_CHANGE) {
            let Turn { service, before, after } = turn;
            let Some(before) = before else { continue };
            let lasted = after.since.saturating_duration_since(before.since);
            let what = format!(
                "{}: {}; it was {} for {}",
                after.state.name(),
                after.reason,
                before.state.name(),
                span(lasted.as_secs())
            );
            self.events.record(Kind::ServiceChanged, service.to_string(), what, cause.name());
        }
        self.count_rest(Kind::ServiceChanged, turns.len(), "as well", cause);
    }
}

/// What a verdict did to the table.
fn effect(before: Option<&Seat>, after: Option<&Seat>) -> &'static str {
    let place = |seat: Option<&Seat>| seat.map(|seat| seat.place);
    let serves = |seat| matches!(place(seat), Some(Place::Serving { .. }));
    match after {
        Some(Seat { status: Status::Held, .. }) => "it stays, because too few others serve",
        Some(Seat { place: Place::Out, .. }) if serves(before) => "taken out",
        Some(Seat { place: Place::Quiesced, .. }) if serves(before) => "gets no new connections",
        Some(Seat { place: Place::Serving { .. }, .. }) if !serves(before) => "gets connections",
        _ => "the table stays as it is",
    }
}
