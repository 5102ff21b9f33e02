//! The owner of all state: one event in, recompute, hand the plan to the kernel thread.

mod look;
mod report;
mod tell;
mod verdicts;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use failover::announce::Schedule;
use ipvs::ServiceId;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use crate::config::{Config, Interface, Report};
use crate::desired::{Desired, desired, realserver_addresses};
use crate::events::{Events, Kind};
use crate::kernel::{Assignment, Failure, Handle, KernelError, Sysctl};
use crate::reconcile::{self, Actual, Step};
use crate::serving::{Said, Serving};
use crate::snapshot::{FileInForce, Snapshot};
use crate::state::{BootTime, Found, Owned, State, Store, StoreError};

pub use verdicts::Watch;

use tell::Teller;
use verdicts::Keeping;

/// How often the connections of draining realservers are counted.
const DRAIN_CHECK: Duration = Duration::from_millis(500);
/// How long after a failure the kernel is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often a plan that met somebody else's change is made anew before the configuration is refused.
const ATTEMPTS: usize = 3;
/// What others may ask of the director.
pub enum Request {
    /// Read the file again and apply it; `cut` ends connections instead of draining them.
    Reload {
        /// Do not drain.
        cut: bool,
        /// The verdict.
        reply: oneshot::Sender<Result<String, Refusal>>,
    },
    /// An operator's word for a realserver; none leaves it to the checks again.
    Say {
        /// The service.
        service: String,
        /// The realserver.
        realserver: String,
        /// The word.
        said: Option<Said>,
        /// The verdict.
        reply: oneshot::Sender<Result<String, Refusal>>,
    },
    /// Make a snapshot, unless there is one of this moment.
    Look {
        /// Tells when it is there.
        reply: oneshot::Sender<()>,
    },
    /// End, and leave all in place.
    End,
    /// Take everything that is lvsd's out of the kernel, and end.
    Release {
        /// The verdict.
        reply: oneshot::Sender<Result<String, Refusal>>,
    },
}

/// Why something is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Start,
    Reload,
    Drift,
    Drain,
    Retry,
    Release,
    Check,
    Operator,
}

impl Cause {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Reload => "reload",
            Self::Drift => "drift",
            Self::Drain => "drain",
            Self::Retry => "retry",
            Self::Release => "release",
            Self::Check => "check",
            Self::Operator => "operator",
        }
    }
}

/// Why a configuration was not applied. Nothing of it is in force.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The file is not valid.
    #[error("{0}")]
    File(Report),
    /// The kernel cannot be read.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The state cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A vip's interface is not there.
    #[error("vip {vip}: this machine has no interface {interface}; it has {present}")]
    NoInterface {
        /// The vip.
        vip: String,
        /// Its interface.
        interface: Interface,
        /// The interfaces that there are.
        present: String,
    },
    /// Services of the file belong to somebody else.
    #[error(
        "{} in the kernel, not made by lvsd and different from the file: {}\n\
         delete what is there (ipvsadm -D), or take it over with `lvsd run --adopt`",
        if .0.len() == 1 { "a service is already" } else { "services are already" },
        .0.join(", ")
    )]
    Foreign(Vec<String>),
    /// Somebody spoke of something that is not in the file.
    #[error("there is no {what} {name:?}; there is {}", .present.join(", "))]
    Unknown {
        /// What it would be.
        what: &'static str,
        /// How it was called.
        name: String,
        /// What there is.
        present: Vec<String>,
    },
    /// The kernel refused a part.
    #[error("the kernel refused a part, and the rest was taken back: {}", .0.join("; "))]
    Failed(Vec<String>),
    /// Something could not be taken out.
    #[error("not all could be taken out: {}", .0.join("; "))]
    Unreleased(Vec<String>),
}

impl Refusal {
    /// The refusal in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        match self {
            Self::File(report) => report.headline(),
            other => other.to_string().replace('\n', "; "),
        }
    }
}

/// What a director works with.
pub struct Surroundings {
    /// What outlives the daemon.
    pub store: Store,
    /// The kernel.
    pub kernel: Handle,
    /// Where events go.
    pub events: Events,
    /// The checks of realservers.
    pub watch: Watch,
    /// The director's name.
    pub node: String,
    /// Services of the file that somebody else made are taken over.
    pub adopt: bool,
}

/// The owner of all state.
pub struct Director {
    kernel: Handle,
    store: Store,
    events: Events,
    watch: Watch,
    node: String,
    adopt: bool,
    config: Config,
    file: FileInForce,
    /// Why the file's latest version is not in force.
    refused: Option<(Timestamp, String)>,
    desired: Desired,
    /// The interfaces that lead to realservers.
    towards: BTreeSet<Interface>,
    serving: Serving,
    keeping: Keeping,
    teller: Teller,
    snapshots: watch::Sender<Arc<Snapshot>>,
    state: State,
    actual: Arc<Actual>,
    foreign: BTreeSet<ServiceId>,
    announcements: Schedule<Assignment>,
    drain_check: Option<Instant>,
    retry: Option<Instant>,
    /// What the kernel refuses or hides at present.
    trouble: Option<(Timestamp, String)>,
    /// The overrides that were told.
    overrides: BTreeSet<String>,
}

impl Director {
    /// Brings `config` into the kernel; when that fails, the kernel is left as it was found.
    pub async fn start(config: Config, surroundings: Surroundings) -> Result<Self, Refusal> {
        let mut director = Self::idle(surroundings)?;
        director.serving.recall(&director.store.verdicts(), &config, Instant::now());
        director.install(config, false, Cause::Start).await?;
        // Whoever looks while there is no time for another look must not see nothing.
        director.look().await;
        Ok(director)
    }

    /// Takes everything that the state names out of the kernel, without a configuration.
    pub async fn release_all(surroundings: Surroundings) -> Result<String, Refusal> {
        Self::idle(surroundings)?.release().await
    }

    /// What there is to see, from now on.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.subscribe()
    }

    fn idle(surroundings: Surroundings) -> Result<Self, Refusal> {
        let Surroundings { store, kernel, events, watch, node, adopt } = surroundings;
        let state = match store.load()? {
            Found::State(state) => state,
            Found::Nothing => State::default(),
            Found::Damaged(aside) => {
                let what = format!(
                    "damaged; put aside as {}: what lvsd made before is now foreign to it",
                    aside.display()
                );
                events.record(Kind::StateError, "state", what, Cause::Start.name());
                State::default()
            }
        };
        let now = Timestamp::now();
        let nothing = Snapshot::empty(node.clone(), &Config::default(), now);
        Ok(Self {
            kernel,
            store,
            events,
            watch,
            node,
            adopt,
            config: Config::default(),
            file: nothing.config.clone(),
            refused: None,
            desired: Desired::default(),
            towards: BTreeSet::new(),
            serving: Serving::default(),
            keeping: Keeping::new(Instant::now()),
            teller: Teller::default(),
            snapshots: watch::Sender::new(Arc::new(nothing)),
            state,
            actual: Arc::default(),
            foreign: BTreeSet::new(),
            announcements: Schedule::default(),
            drain_check: None,
            retry: None,
            trouble: None,
            overrides: BTreeSet::new(),
        })
    }

    /// Keeps the kernel as the file says, until told to end.
    pub async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            let deadline = self.next_deadline();
            tokio::select! {
                request = requests.recv() => match request {
                    None | Some(Request::End) => return self.keep_verdicts(),
                    Some(Request::Reload { cut, reply }) => drop(reply.send(self.reload(cut).await)),
                    Some(Request::Say { service, realserver, said, reply }) => {
                        drop(reply.send(self.say(&service, &realserver, said).await));
                    }
                    Some(Request::Look { reply }) => {
                        self.look().await;
                        let _ = reply.send(());
                    }
                    Some(Request::Release { reply }) => {
                        let verdict = self.release().await;
                        let done = verdict.is_ok();
                        drop(reply.send(verdict));
                        if done {
                            return;
                        }
                    }
                },
                Some(changes) = self.watch.changes.recv() => self.judge(changes).await,
                Ok(()) = self.kernel.news.changed() => self.hear().await,
                () = sleep_until(deadline) => self.keep_time(Instant::now()).await,
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let decisions = self.serving.timeouts().map(|(_, at)| at).min();
        let verdicts = (!self.config.services.is_empty()).then(|| self.keeping.due());
        let deadlines = [
            self.drain_check,
            self.retry,
            self.announcements.poll_timeout(),
            decisions,
            verdicts,
            self.teller.due(),
        ];
        deadlines.into_iter().flatten().min()
    }

    async fn keep_time(&mut self, now: Instant) {
        if self.keeping.due() <= now {
            self.keep_verdicts();
        }
        if self.teller.due().is_some_and(|at| at <= now) {
            self.tell(now).await;
        }
        self.ripen(now).await;
        while let Some(assignment) = self.announcements.poll(now) {
            if let Err(error) = self.kernel.announce(assignment.clone()).await {
                self.events.record(
                    Kind::KernelError,
                    assignment.to_string(),
                    error.to_string(),
                    "announcement",
                );
            }
        }
        if self.drain_check.is_some_and(|at| at <= now) {
            let services = self.draining().map(|(id, _)| *id).collect();
            match self.kernel.refresh(services).await {
                Ok(actual) => self.converge(actual, Cause::Drain).await,
                Err(error) => self.lost_sight(&error, Cause::Drain),
            }
        }
        if self.retry.is_some_and(|at| at <= now) {
            self.retry = None;
            match self.kernel.observe(self.sysctls(&self.desired)).await {
                Ok(actual) => self.converge(actual, Cause::Retry).await,
                Err(error) => self.lost_sight(&error, Cause::Retry),
            }
        }
    }

    /// Somebody else changed something: the news may be old by now, so the kernel is asked again.
    async fn hear(&mut self) {
        match self.look_again().await {
            Ok(actual) => self.converge(actual, Cause::Drift).await,
            Err(error) => self.lost_sight(&error, Cause::Drift),
        }
    }

    /// What the kernel holds, also of what only became important by what it holds.
    async fn look_again(&mut self) -> Result<Arc<Actual>, KernelError> {
        let actual = self.kernel.observe(self.sysctls(&self.desired)).await?;
        let moved = actual.addresses != self.actual.addresses
            || actual.links != self.actual.links
            || actual.routes != self.actual.routes;
        self.announce_on_risen_links(&actual);
        if !moved {
            return Ok(actual);
        }
        self.towards = self.kernel.towards(realserver_addresses(&self.config)).await?;
        self.desire_again();
        self.kernel.observe(self.sysctls(&self.desired)).await
    }

    async fn reload(&mut self, cut: bool) -> Result<String, Refusal> {
        let path = self.config.path.clone();
        let outcome = match Config::load(&path) {
            Ok(config) => self.install(config, cut, Cause::Reload).await,
            Err(report) => Err(Refusal::File(report)),
        };
        self.refused = outcome.as_ref().err().map(|refusal| (Timestamp::now(), refusal.headline()));
        if let Err(refusal) = &outcome {
            // What was decided for the other file is decided for this one again.
            self.serving.decide(Instant::now(), &self.config, &self.state.words, None);
            self.events.record(
                Kind::Refused,
                path.display().to_string(),
                refusal.to_string(),
                Cause::Reload.name(),
            );
        }
        outcome
    }

    /// Puts a configuration into force, or takes back what was done of it.
    async fn install(&mut self, config: Config, cut: bool, cause: Cause) -> Result<String, Refusal> {
        let towards = self.kernel.towards(realserver_addresses(&config)).await?;
        let turns = self.serving.decide(Instant::now(), &config, &self.state.words, None);
        let desired = desired(&config, &towards, self.serving.decisions());
        let mut attempt = 1;
        loop {
            let before = self.kernel.observe(self.sysctls(&desired)).await?;
            self.actual = Arc::clone(&before);
            refuse_impossible(&config, &desired, &self.state, &before, self.adopt)?;

            let now = BootTime::now();
            let mut state = self.state.clone();
            state.retarget(&desired, now, cut);
            Self::forget_words(&mut state.words, &config);
            reconcile::claim(&mut state, &desired, &before);
            self.remember(&state)?;

            let steps = reconcile::plan(&desired, &state, &before, now);
            let applied = self.kernel.apply(steps.clone()).await;
            let mut failures = applied.failures;
            // Answers that were lost leave it open what was done.
            failures.extend(
                applied.actual.as_ref().err().map(|error| Failure { what: error.to_string(), raced: true }),
            );
            if failures.is_empty() {
                let path = config.path.display().to_string();
                let summary = reconcile::summary(&steps);
                if !cut {
                    self.report_drains(&state, cause);
                }
                for warning in config.warnings() {
                    self.events.record(Kind::Warned, path.clone(), warning, cause.name());
                }
                self.events.record(Kind::Applied, path, summary.clone(), cause.name());
                self.announce_added(&steps);
                (self.config, self.desired, self.state, self.towards) = (config, desired, state, towards);
                self.file = FileInForce::of(&self.config, Timestamp::now());
                self.report_turns(&turns, cause);
                self.accept(applied.actual?, cause);
                self.watch_all().await;
                self.teller.reload(&self.config, &self.node, &self.events);
                return Ok(summary);
            }

            let after = match applied.actual {
                Ok(after) => after,
                Err(_) => self.kernel.observe(self.sysctls(&desired)).await?,
            };
            let undo = reconcile::undo(&desired, &state, &before, &after);
            failures.extend(self.kernel.apply(undo).await.failures);
            self.store.save(&self.state)?;
            if attempt == ATTEMPTS || !failures.iter().all(|failure| failure.raced) {
                return Err(Refusal::Failed(failures.into_iter().map(|failure| failure.what).collect()));
            }
            attempt += 1;
        }
    }

    /// Mends what differs, as far as the kernel lets us; what is left is tried again.
    async fn converge(&mut self, mut actual: Arc<Actual>, cause: Cause) {
        self.note_foreign(&actual, cause);
        let mut failures = Vec::new();
        for round in 0..ATTEMPTS {
            let steps = reconcile::plan(&self.desired, &self.state, &actual, BootTime::now());
            if steps.is_empty() || !failures.is_empty() {
                break;
            }
            let mut state = self.state.clone();
            reconcile::claim(&mut state, &self.desired, &actual);
            self.remember_or_tell(&state, cause);
            self.state = state;
            // A look at a drain, or at what was just done, can be the first to see what somebody else did.
            if round > 0 || matches!(cause, Cause::Drift | Cause::Drain) {
                self.report_drift(&steps, &actual);
            }
            for step in &steps {
                let applied = self.kernel.apply(vec![step.clone()]).await;
                failures.extend(applied.failures);
                match applied.actual {
                    Ok(fresh) => actual = fresh,
                    Err(error) => return self.lost_sight(&error, cause),
                }
            }
            self.announce_added(&steps);
        }
        self.report_failures(&failures, cause);
        self.accept(actual, cause);
    }

    /// Takes a new look at the kernel for the truth.
    fn accept(&mut self, actual: Arc<Actual>, cause: Cause) {
        let mut state = self.state.clone();
        reconcile::settle(&mut state, &self.desired, &actual);
        self.report_ended_drains(&state);
        self.remember_or_tell(&state, cause);
        self.state = state;
        self.note_foreign(&actual, cause);
        self.note_overrides(&actual, cause);
        self.actual = actual;
        let drains = self.draining().next().is_some();
        self.drain_check = drains.then(|| Instant::now() + DRAIN_CHECK);
    }

    /// Takes out everything, addresses first.
    async fn release(&mut self) -> Result<String, Refusal> {
        let nothing = Desired::default();
        let mut actual = self.kernel.observe(self.sysctls(&nothing)).await?;
        let now = BootTime::now();
        self.state.retarget(&nothing, now, true);

        let steps = reconcile::plan(&nothing, &self.state, &actual, now);
        let mut failures = Vec::new();
        for step in &steps {
            let applied = self.kernel.apply(vec![step.clone()]).await;
            failures.extend(applied.failures.into_iter().map(|failure| failure.what));
            actual = applied.actual?;
        }
        reconcile::settle(&mut self.state, &nothing, &actual);
        self.store.save(&self.state)?;
        if !failures.is_empty() {
            // The daemon goes on, and so does its configuration.
            self.state.retarget(&self.desired, now, false);
            self.try_again();
            return Err(Refusal::Unreleased(failures));
        }
        self.desired = nothing;
        self.config = Config::default();
        let summary = reconcile::summary(&steps);
        self.events.record(Kind::Released, "all of lvsd's", summary.clone(), Cause::Release.name());
        Ok(summary)
    }

    fn desire_again(&mut self) {
        self.desired = desired(&self.config, &self.towards, self.serving.decisions());
    }

    /// The sysctls that matter: those to set, and those to give back.
    fn sysctls(&self, desired: &Desired) -> BTreeSet<Sysctl> {
        desired.sysctls.keys().chain(self.state.sysctls.keys()).cloned().collect()
    }

    fn try_again(&mut self) {
        self.retry = Some(Instant::now() + RETRY);
    }

    fn draining(&self) -> impl Iterator<Item = (&ServiceId, &Owned)> {
        self.state.services.iter().filter(|(_, owned)| !owned.draining.is_empty())
    }

    /// Writes what is about to be the state, if it differs from what is.
    fn remember(&self, state: &State) -> Result<(), StoreError> {
        if *state == self.state { Ok(()) } else { self.store.save(state) }
    }

    fn remember_or_tell(&self, state: &State, cause: Cause) {
        if let Err(error) = self.remember(state) {
            self.events.record(Kind::StateError, "state", error.to_string(), cause.name());
        }
    }

    fn announce_added(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::AddAddress(assignment) => self.announcements.start(Instant::now(), assignment.clone()),
                Step::RemoveAddress(assignment) => self.announcements.stop(assignment),
                Step::Sysctl(..) | Step::Table(_) => {}
            }
        }
    }

    /// A switch that lost the link has forgotten who has the address.
    fn announce_on_risen_links(&mut self, actual: &Actual) {
        let risen = |it: &&Assignment| actual.carries(&it.interface) && !self.actual.carries(&it.interface);
        for assignment in self.desired.addresses.iter().filter(risen) {
            self.announcements.start(Instant::now(), assignment.clone());
        }
    }
}

/// Refuses what must not be begun, since it cannot end well.
pub fn refuse_impossible(
    config: &Config,
    desired: &Desired,
    state: &State,
    actual: &Actual,
    adopt: bool,
) -> Result<(), Refusal> {
    for vip in &config.vips {
        if !actual.links.contains_key(&vip.interface) {
            let present = actual.links.keys().map(Interface::as_str).collect::<Vec<_>>().join(", ");
            return Err(Refusal::NoInterface {
                vip: vip.name.to_string(),
                interface: vip.interface.clone(),
                present,
            });
        }
    }
    let conflicts = reconcile::conflicts(desired, state, actual);
    if conflicts.is_empty() || adopt {
        return Ok(());
    }
    let named = |(id, name)| format!("{id} (service {name})");
    Err(Refusal::Foreign(conflicts.into_iter().map(named).collect()))
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
