//! What the director tells of its doings: every transition once, and a bounded number of events however much changed.

use std::collections::BTreeSet;
use std::fmt::Display;

use ipvs::{Endpoint, Op, ServiceId};
use jiff::Timestamp;

use super::{Cause, Director};
use crate::events::Kind;
use crate::kernel::{Failure, KernelError};
use crate::reconcile::{Actual, Object, Step, ends_a_drain, findings};
use crate::state::State;

/// How many objects get an event of their own before the rest is only counted.
pub(super) const EVENTS_PER_CHANGE: usize = 20;
/// How many realservers are named in one event.
const NAMED: usize = 10;

impl Director {
    pub(super) fn report_drift(&self, steps: &[Step], actual: &Actual) {
        let is_drift = |op: &Op| !ends_a_drain(op, &self.desired, &self.state);
        let drift = |step: &Step| match step {
            Step::Table(ops) => Step::Table(ops.iter().filter(|op| is_drift(op)).cloned().collect()),
            step => step.clone(),
        };
        let findings = findings(&steps.iter().map(drift).collect::<Vec<_>>(), actual);
        for finding in findings.iter().take(EVENTS_PER_CHANGE) {
            let object = match &finding.object {
                Object::Service(id) => self.service_name(*id),
                Object::Host(object) => object.clone(),
            };
            self.events.record(Kind::DriftRepaired, object, finding.found.clone(), Cause::Drift.name());
        }
        self.count_rest(Kind::DriftRepaired, findings.len(), "differed, too", Cause::Drift);
    }

    pub(super) fn report_drains(&self, state: &State, cause: Cause) {
        self.report_drain_changes(Kind::DrainStarted, state, &self.state, "no new connections for", cause);
    }

    pub(super) fn report_ended_drains(&self, state: &State) {
        self.report_drain_changes(Kind::DrainEnded, &self.state, state, "taken out:", Cause::Drain);
    }

    /// One event for each service that has realservers draining in `with` which do not drain in `without`.
    fn report_drain_changes(&self, kind: Kind, with: &State, without: &State, what: &str, cause: Cause) {
        let mut changed = 0;
        for (id, owned) in &with.services {
            let drains_in =
                |state: &State, it| state.services.get(id).is_some_and(|o| o.draining.contains_key(it));
            let present =
                |it: &&Endpoint| self.actual.table.get(id).is_some_and(|b| b.destinations.contains_key(*it));
            let realservers: Vec<_> =
                owned.draining.keys().filter(present).filter(|it| !drains_in(without, *it)).collect();
            if realservers.is_empty() {
                continue;
            }
            changed += 1;
            if changed <= EVENTS_PER_CHANGE {
                let object = format!("{} ({id})", owned.name);
                self.events.record(kind, object, format!("{what} {}", named(&realservers)), cause.name());
            }
        }
        self.count_rest(kind, changed, "as well", cause);
    }

    /// Services of others: told when they come and when they go.
    pub(super) fn note_foreign(&mut self, actual: &Actual, cause: Cause) {
        let ours =
            |id: &&ServiceId| self.desired.table.contains_key(id) || self.state.services.contains_key(id);
        let foreign: BTreeSet<ServiceId> = actual.table.keys().filter(|id| !ours(id)).copied().collect();
        let changes = [
            (Kind::ForeignAppeared, &foreign - &self.foreign, "not made by lvsd; left alone"),
            (Kind::ForeignGone, &self.foreign - &foreign, "gone"),
        ];
        for (kind, services, what) in changes {
            for id in services.iter().filter(|id| !ours(id)).take(EVENTS_PER_CHANGE) {
                self.events.record(kind, id.to_string(), what, cause.name());
            }
            self.count_rest(kind, services.len(), what, cause);
        }
        self.foreign = foreign;
    }

    pub(super) fn note_overrides(&mut self, actual: &Actual, cause: Cause) {
        for message in actual.overrides.difference(&self.overrides) {
            self.events.record(Kind::Overridden, "sysctl", message.clone(), cause.name());
        }
        self.overrides.clone_from(&actual.overrides);
    }

    /// The kernel refuses something that it took before: told once, tried again and again.
    pub(super) fn report_failures(&mut self, failures: &[Failure], cause: Cause) {
        let lasting: Vec<_> =
            failures.iter().filter(|failure| !failure.raced).map(|failure| &failure.what).collect();
        if !failures.is_empty() {
            self.try_again();
        }
        self.trouble((!lasting.is_empty()).then(|| named(&lasting)), cause);
    }

    /// The kernel cannot be read.
    pub(super) fn lost_sight(&mut self, error: &KernelError, cause: Cause) {
        self.try_again();
        self.trouble(Some(error.to_string()), cause);
    }

    fn trouble(&mut self, trouble: Option<String>, cause: Cause) {
        if trouble.as_deref() == self.trouble.as_ref().map(|(_, what)| what.as_str()) {
            return;
        }
        match &trouble {
            Some(what) => self.events.record(Kind::KernelError, "kernel", what.clone(), cause.name()),
            None => self.events.record(
                Kind::KernelRecovered,
                "kernel",
                "reads and writes succeed again",
                cause.name(),
            ),
        }
        self.trouble = trouble.map(|what| (Timestamp::now(), what));
    }

    pub(super) fn count_rest(&self, kind: Kind, count: usize, what: &str, cause: Cause) {
        if count > EVENTS_PER_CHANGE {
            let rest = format!("{} more", count - EVENTS_PER_CHANGE);
            self.events.record(kind, rest, what, cause.name());
        }
    }

    fn service_name(&self, id: ServiceId) -> String {
        match self.state.services.get(&id) {
            Some(owned) => format!("{} ({id})", owned.name),
            None => id.to_string(),
        }
    }
}

fn named(items: &[impl Display]) -> String {
    let text = items.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(NAMED) {
        0 => text,
        rest => format!("{text} and {rest} more"),
    }
}
