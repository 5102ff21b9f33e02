//! The owner of all state: one event in, recompute, hand the plan to the kernel thread.

mod apply;
mod cluster;
mod look;
mod refusal;
mod report;
mod request;
mod rules;
mod tell;
mod verdicts;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use failover::announce::Schedule;
use ipvs::ServiceId;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::cluster as cluster_thread;
use crate::config::{Config, Interface};
use crate::desired::{Desired, desired, realserver_addresses};
use crate::events::{Events, Kind};
use crate::kernel::{Assignment, Handle, KernelError, Sysctl};
use crate::reconcile::Actual;
use crate::serving::Serving;
use crate::snapshot::{FileInForce, Snapshot};
use crate::snat::Keeper;
use crate::state::{Found, Owned, State, Store, StoreError};

pub use cluster::desk::{Desk, Unreplaced};
pub use refusal::{Refusal, refuse_impossible};
pub use request::{Destination, Request};
pub use verdicts::Watch;

use cluster::Membership;
use tell::Teller;
use verdicts::Keeping;

/// How often the connections of draining realservers are counted.
const DRAIN_CHECK: Duration = Duration::from_millis(500);
/// How long after a failure the kernel is tried again.
const RETRY: Duration = Duration::from_secs(1);

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
    /// The other directors, if there are any.
    pub cluster: Option<cluster_thread::Handle>,
    /// What keeps the rules that give packets other sources.
    pub rules: Keeper,
}

/// The owner of all state.
pub struct Director {
    kernel: Handle,
    store: Store,
    events: Events,
    watch: Watch,
    node: String,
    adopt: bool,
    cluster: Option<Membership>,
    rules: Keeper,
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
        let config = director.concerning(config);
        director.serving.recall(&director.store.verdicts(), &config, Instant::now());
        director.install(config, false, Cause::Start).await?;
        director.join_cluster();
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
        let Surroundings { store, kernel, events, watch, node, adopt, cluster, rules } = surroundings;
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
            cluster: cluster.map(|handle| Membership::new(handle, &node)),
            node,
            adopt,
            rules,
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

    /// Keeps the kernel as the file says, until told to end. Without the cluster thread it cannot go on: others take over.
    pub async fn run(mut self, mut requests: mpsc::Receiver<Request>) -> anyhow::Result<()> {
        loop {
            self.say_ability();
            let deadline = self.next_deadline();
            tokio::select! {
                request = requests.recv() => match request {
                    None | Some(Request::End) => {
                        self.keep_verdicts();
                        self.leave_cluster().await;
                        return Ok(());
                    }
                    Some(Request::Standby { node, standby, reply }) => {
                        self.obey(reply, |director| director.set_standby(node.as_deref(), standby));
                    }
                    Some(Request::Move { vip, to, reply }) => {
                        self.obey(reply, |director| director.move_vip(&vip, &to));
                    }
                    Some(Request::Cleanup { vip, node, reply }) => {
                        self.obey(reply, |director| director.clean_up(&vip, node.as_deref()));
                    }
                    Some(Request::Desk { reply }) => drop(reply.send(self.desk())),
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
                            return Ok(());
                        }
                    }
                },
                Some(changes) = self.watch.changes.recv() => self.judge(changes).await,
                told = cluster::told(&mut self.cluster) => match told {
                    Some(told) => self.hear_cluster(told),
                    None => return Err(self.lose_cluster()),
                },
                Some(told) = self.rules.told.recv() => self.hear_rules(told),
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
            Ok(config) => self.replace(config, cut).await,
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

    async fn replace(&mut self, config: Config, cut: bool) -> Result<String, Refusal> {
        let plan = self.plan_cluster(&config)?;
        let config = self.concerning(config);
        let summary = self.install(config, cut, Cause::Reload).await?;
        self.change_cluster(plan);
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

    /// A switch that lost the link has forgotten who has the address.
    fn announce_on_risen_links(&mut self, actual: &Actual) {
        let risen = |it: &&Assignment| actual.carries(&it.interface) && !self.actual.carries(&it.interface);
        for assignment in self.desired.addresses.iter().filter(risen) {
            self.announcements.start(Instant::now(), assignment.clone());
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
