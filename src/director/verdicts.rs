//! From verdicts and words to the kernel.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use healthcheck::{Change, Checks, Health, Kit, Place, Seat, Status};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::mpsc;

use super::report::EVENTS_PER_CHANGE;
use super::{Cause, Director, Refusal};
use crate::config::{Config, Name};
use crate::events::Kind;
use crate::serving::{Key, Said, Turn, Words, subjects};
use crate::snapshot::words::span;

/// How many checks may be under way at once, if there are files enough.
const AT_ONCE: u64 = 16_000;
/// How many of them may be programs.
const PROGRAMS: usize = 32;
/// How often the verdicts are kept for a later daemon, which does not believe old ones.
const KEEP: Duration = Duration::from_secs(20);
/// The same when they changed: a daemon that is killed must not send anybody to who just failed.
const KEEP_NEWS: Duration = Duration::from_secs(1);

/// When the verdicts were kept, and whether others were reached since.
pub(super) struct Keeping {
    at: Instant,
    news: bool,
}

impl Keeping {
    /// Begins with nothing that is kept.
    pub(super) fn new(now: Instant) -> Self {
        Self { at: now, news: false }
    }

    /// When they are kept the next time.
    pub(super) fn due(&self) -> Instant {
        self.at + if self.news { KEEP_NEWS } else { KEEP }
    }
}

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
        let (checks, changes, work) = Checks::new(seed, at_once(), move |target, monitor, held| {
            let kit = Arc::clone(&current.lock().unwrap_or_else(PoisonError::into_inner));
            async move { kit.check(target, &monitor, held).await }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // As a task, which wakes without a system call, unlike the future that the runtime blocks on.
        let work = runtime.spawn(work);
        thread::Builder::new().name("checks".to_owned()).spawn(move || runtime.block_on(work))?;
        Ok(Self { checks, changes, kit })
    }

    /// Makes no checks, so that a test can say what they find.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        let (checks, changes, work) = Checks::new(0, NonZeroUsize::MIN, |_, _, _| std::future::pending());
        tokio::spawn(work);
        Self { checks, changes, kit: Arc::new(Mutex::new(Arc::new(Kit::new(0)))) }
    }

    /// Reads the certificates of authorities again when they are next needed.
    fn renew(&self) {
        *self.kit.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Kit::new(PROGRAMS));
    }
}

/// How many checks may be under way, each with a file of its own. This process takes all files that it may have:
/// without one, a check would fail that has nothing to do with the realserver.
fn at_once() -> NonZeroUsize {
    let files = getrlimit(Resource::RLIMIT_NOFILE)
        .map_or(0, |(soft, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_or(soft, |()| hard));
    let half = usize::try_from((files / 2).min(AT_ONCE)).unwrap_or(usize::MAX);
    NonZeroUsize::new(half).unwrap_or(NonZeroUsize::MIN)
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
                let since = self.serving.belief(&change.key).map(|belief| belief.since);
                before.insert(&change.key, (self.serving.seat(service, realserver).copied(), since));
            }
            self.serving.note(change, now);
        }
        let turns = self.decide_again(now, &services, Cause::Check).await;
        self.keeping.news = true;
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
        let actual = self.kernel.refresh(of.ids.clone()).await?;
        let connections: u32 = of
            .ids
            .iter()
            .filter_map(|id| actual.connections.get(&(*id, it.endpoint)))
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
        self.keeping = Keeping { at: Instant::now(), news: false };
        let kept = self.serving.keep();
        if kept.is_empty() {
            return;
        }
        if let Err(error) = self.store.save_verdicts(&kept) {
            self.events.record(Kind::StateError, "verdicts", error.to_string(), Cause::Check.name());
        }
    }

    /// Forgets what was said of realservers that are not in the file.
    pub(super) fn forget_words(words: &mut Words, config: &Config) {
        let has = |service: &str, realserver: &str| {
            let mut services = config.services.iter().filter(|it| it.name.as_str() == service);
            services.any(|it| it.realservers.iter().any(|it| it.name.as_str() == realserver))
        };
        for (service, said) in words.iter_mut() {
            said.retain(|realserver, _| has(service, realserver));
        }
        words.retain(|_, said| !said.is_empty());
    }

    /// `before` has the seat and since when the verdict was another.
    fn report_verdicts(
        &self,
        changes: &[Change<Key>],
        before: &BTreeMap<&Key, (Option<Seat>, Option<Instant>)>,
    ) {
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
            let (seat_before, since) = before.get(&change.key).copied().unwrap_or_default();
            let effect = effect(seat_before.as_ref(), seat);
            let lasted = match (change.from, since) {
                (Health::Unknown, _) | (_, None) => String::new(),
                (from, Some(since)) => {
                    let word = if from == Health::Up { "up" } else { "down" };
                    format!("; it was {word} for {}", span(since.elapsed().as_secs()))
                }
            };
            let (what, check) = match &change.cause {
                Some(finding) => {
                    let outcome = &finding.outcome;
                    let took = outcome.took.as_millis();
                    let what = format!(
                        "{} {} after {took} ms ({}); {effect}{lasted}",
                        outcome.code, outcome.detail, finding.streak
                    );
                    (what, finding.monitor.check.name())
                }
                None => (format!("{effect}{lasted}"), "check"),
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
