//! How a plan comes into the kernel: a new configuration whole or not at all, and what differs from the present one as far
//! as the kernel lets us.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::{Cause, DRAIN_CHECK, Director, Refusal, refuse_impossible};
use crate::config::Config;
use crate::desired::{Desired, desired, realserver_addresses};
use crate::events::Kind;
use crate::kernel::Failure;
use crate::reconcile::{self, Actual, Step};
use crate::snapshot::FileInForce;
use crate::snat::Catalogue;
use crate::state::BootTime;

/// How often a plan that met somebody else's change is made anew before the configuration is refused.
const ATTEMPTS: usize = 3;

impl Director {
    /// Puts a configuration into force, or takes back what was done of it.
    pub(super) async fn install(
        &mut self,
        config: Config,
        cut: bool,
        cause: Cause,
    ) -> Result<String, Refusal> {
        let towards = self.kernel.towards(realserver_addresses(&config)).await?;
        let turns = self.serving.decide(Instant::now(), &config, &self.state.words, None);
        let desired = desired(&config, &towards, self.serving.decisions());
        let rules = Self::rules_of(&config)?;
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
            let applied = self.take(&steps, rules.clone()).await;
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
            self.keep_rules();
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
    pub(super) async fn converge(&mut self, mut actual: Arc<Actual>, cause: Cause) {
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
    pub(super) fn accept(&mut self, actual: Arc<Actual>, cause: Cause) {
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
    pub(super) async fn release(&mut self) -> Result<String, Refusal> {
        let nothing = Desired::default();
        self.leave_cluster().await;
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
        failures.extend(self.bring_rules(Catalogue::default()).await.err());
        reconcile::settle(&mut self.state, &nothing, &actual);
        self.store.save(&self.state)?;
        if !failures.is_empty() {
            // The daemon goes on, and so does its configuration.
            self.state.retarget(&self.desired, now, false);
            self.keep_rules();
            self.try_again();
            return Err(Refusal::Unreleased(failures));
        }
        self.desired = nothing;
        self.config = Config::default();
        let summary = reconcile::summary(&steps);
        self.events.record(Kind::Released, "all of lvsd's", summary.clone(), Cause::Release.name());
        Ok(summary)
    }

    pub(super) fn announce_added(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::AddAddress(assignment) => self.announcements.start(Instant::now(), assignment.clone()),
                Step::RemoveAddress(assignment) => self.announcements.stop(assignment),
                Step::Sysctl(..) | Step::Table(_) => {}
            }
        }
    }
}
