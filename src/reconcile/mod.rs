//! From what is to what should be: a pure function, and the order in which its result is applied.
//!
//! An address is taken last and given up first, so that no packet arrives before the kernel knows what to do
//! with it: sysctls, addresses that go, the table, addresses that come. What lvsd did not make is no part of it.

mod describe;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use ipnet::IpNet;
use ipvs::{
    Bound, Destination, Endpoint, Forward, Listing, Op, Scheduler, Service, ServiceId, Table, Weight,
    plan as difference,
};

use crate::config::{Interface, Name};
use crate::desired::Desired;
use crate::kernel::{Assignment, Link, Sysctl};
use crate::state::{BootTime, Owned, State};

pub use describe::{Finding, Object, findings, summary};

/// What the kernel was seen to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actual {
    /// The IPVS table, foreign services included.
    pub table: Table,
    /// The destinations that have connections, and how many: active and inactive together.
    pub connections: HashMap<(ServiceId, Endpoint), u32>,
    /// Services and destinations that make no sense to us, in words.
    pub unknown: Vec<String>,
    /// This machine's interfaces.
    pub links: BTreeMap<Interface, Link>,
    /// The addresses on them.
    pub addresses: BTreeSet<Assignment>,
    /// How often the ways to realservers were seen to change.
    pub routes: u64,
    /// The sysctls that exist, of those that were asked for.
    pub sysctls: BTreeMap<Sysctl, bool>,
    /// Sysctls that defeat one of these, each with its remedy.
    pub overrides: BTreeSet<String>,
}

impl Actual {
    /// Whether an address is on its interface. The kernel tells IPv6 addresses apart by themselves, and IPv4
    /// addresses by their prefix, too.
    #[must_use]
    pub fn holds(&self, assignment: &Assignment) -> bool {
        let same =
            |it: &Assignment| it.interface == assignment.interface && it.net.addr() == assignment.net.addr();
        match assignment.net {
            IpNet::V4(_) => self.addresses.contains(assignment),
            IpNet::V6(_) => self.addresses.iter().any(same),
        }
    }

    /// Whether an interface has a carrier.
    #[must_use]
    pub fn carries(&self, interface: &Interface) -> bool {
        self.links.get(interface).is_some_and(|link| link.carrier)
    }

    /// Takes over a listing of the whole table.
    pub fn set_listing(&mut self, listing: &Listing) {
        self.table = listing.table();
        self.unknown = listing.unknown.iter().map(ToString::to_string).collect();
        for unknown in &listing.unknown {
            if let Some(id) = unknown.service {
                self.stand_in(id, unknown.endpoint);
            }
        }
        self.connections.clear();
        for service in &listing.services {
            self.count(service);
        }
    }

    /// Takes over one service, or that it is gone.
    pub fn set_service(&mut self, id: ServiceId, observed: Option<&ipvs::Observed>) {
        self.connections.retain(|(service, _), _| *service != id);
        match observed {
            Some(observed) => {
                self.table.insert(id, observed.bound());
                self.count(observed);
            }
            None => {
                self.table.remove(&id);
            }
        }
    }

    /// Puts something that equals nothing we would want where the kernel holds what we have no value for: so it
    /// is edited if it is ours, and not added a second time.
    fn stand_in(&mut self, id: ServiceId, endpoint: Option<Endpoint>) {
        let nameless = || Bound::new(Service::new(Scheduler::none()));
        let bound = self.table.entry(id).or_insert_with(nameless);
        if let Some(endpoint) = endpoint {
            bound.destinations.insert(endpoint, Destination::new(Forward::Bypass));
        }
    }

    fn count(&mut self, service: &ipvs::Observed) {
        for destination in &service.destinations {
            let connections = destination.active.saturating_add(destination.inactive);
            if connections > 0 {
                self.connections.insert((service.id, destination.endpoint), connections);
            }
        }
    }
}

/// One step of a plan; a step is applied before the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sets a sysctl.
    Sysctl(Sysctl, bool),
    /// Takes an address from its interface.
    RemoveAddress(Assignment),
    /// Changes the table.
    Table(Vec<Op>),
    /// Puts an address on its interface.
    AddAddress(Assignment),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sysctl(sysctl, value) => write!(f, "set {sysctl} = {}", u8::from(*value)),
            Self::RemoveAddress(assignment) => write!(f, "remove address {assignment}"),
            Self::AddAddress(assignment) => write!(f, "add address {assignment}"),
            Self::Table(ops) => ops.iter().enumerate().try_for_each(|(place, op)| {
                let separator = if place == 0 { "" } else { "\n" };
                write!(f, "{separator}{op}")
            }),
        }
    }
}

/// What brings `actual` to `desired`, as far as it is lvsd's.
#[must_use]
pub fn plan(desired: &Desired, state: &State, actual: &Actual, now: BootTime) -> Vec<Step> {
    let target = target(desired, state, actual, now);
    let table = table_steps(&actual.table, &target, |id| state.services.contains_key(id));

    let sysctls = desired.sysctls.iter().map(|(sysctl, value)| (sysctl, *value));
    let restored = state.sysctls.iter().filter(|(sysctl, _)| !desired.sysctls.contains_key(sysctl));
    let leaving = state.addresses.difference(&desired.addresses).filter(|it| actual.holds(it));
    let coming = desired.addresses.iter().filter(|it| !actual.holds(it));

    let set = |(sysctl, value): (&Sysctl, bool)| match actual.sysctls.get(sysctl) {
        Some(current) if *current != value => Some(Step::Sysctl(sysctl.clone(), value)),
        _ => None,
    };
    let mut steps: Vec<Step> = sysctls.filter_map(set).collect();
    steps.extend(leaving.cloned().map(Step::RemoveAddress));
    steps.extend(table);
    steps.extend(coming.cloned().map(Step::AddAddress));
    steps.extend(restored.map(|(sysctl, value)| (sysctl, *value)).filter_map(set));
    steps
}

/// Whether an operation is the expected end of a drain.
#[must_use]
pub fn ends_a_drain(op: &Op, desired: &Desired, state: &State) -> bool {
    match op {
        Op::DeleteService(id) => !desired.table.contains_key(id),
        Op::DeleteDestination { service, endpoint } => {
            state.services.get(service).is_some_and(|owned| owned.draining.contains_key(endpoint))
        }
        _ => false,
    }
}

/// What takes back all that was done since `before` was seen, leaving alone what is not lvsd's.
#[must_use]
pub fn undo(desired: &Desired, state: &State, before: &Actual, after: &Actual) -> Vec<Step> {
    let ours = |id: &ServiceId| desired.table.contains_key(id) || state.services.contains_key(id);
    let mut former = before.table.clone();
    former.retain(|id, _| ours(id));
    let touched = |it: &&Assignment| desired.addresses.contains(it) || state.addresses.contains(it);

    let mut steps = Vec::new();
    let come = after.addresses.difference(&before.addresses).filter(touched);
    steps.extend(come.cloned().map(Step::RemoveAddress));
    steps.extend(table_steps(&after.table, &former, ours));
    let gone = before.addresses.difference(&after.addresses).filter(touched);
    steps.extend(gone.cloned().map(Step::AddAddress));
    for (sysctl, value) in &before.sysctls {
        if after.sysctls.get(sysctl).is_some_and(|current| current != value) {
            steps.push(Step::Sysctl(sysctl.clone(), *value));
        }
    }
    steps
}

/// Deletions wait for the outcome of all else, so that a refused addition costs nothing. Of the services that
/// are not in `target`, only `ours` go.
fn table_steps(actual: &Table, target: &Table, ours: impl Fn(&ServiceId) -> bool) -> Vec<Step> {
    let is_deletion = |op: &Op| matches!(op, Op::DeleteService(_) | Op::DeleteDestination { .. });
    let (mut deletions, rest): (Vec<Op>, Vec<Op>) =
        difference(actual, target).into_iter().partition(is_deletion);
    deletions.retain(|op| target.contains_key(&op.service()) || ours(&op.service()));
    [rest, deletions].into_iter().filter(|ops| !ops.is_empty()).map(Step::Table).collect()
}

/// The desired table, and beside it what is still draining.
fn target<'a>(desired: &'a Desired, state: &State, actual: &Actual, now: BootTime) -> Cow<'a, Table> {
    let mut target = Cow::Borrowed(&desired.table);
    for (id, owned) in &state.services {
        let Some(present) = actual.table.get(id) else { continue };
        for (realserver, destination) in &present.destinations {
            if !drains(owned, *realserver, actual, *id, now) {
                continue;
            }
            let bound = target.to_mut().entry(*id).or_insert_with(|| Bound::new(present.service.clone()));
            bound.destinations.entry(*realserver).or_insert_with(|| {
                let mut destination = *destination;
                destination.weight = Weight::QUIESCED;
                destination
            });
        }
    }
    target
}

/// A realserver that leaves is first quiesced and then watched until its last connection has ended.
fn drains(owned: &Owned, realserver: Endpoint, actual: &Actual, id: ServiceId, now: BootTime) -> bool {
    let Some(&end) = owned.draining.get(&realserver) else { return false };
    let present = actual.table.get(&id).and_then(|bound| bound.destinations.get(&realserver));
    let quiesced = present.is_some_and(|destination| destination.weight == Weight::QUIESCED);
    let busy = actual.connections.contains_key(&(id, realserver));
    end.since(now) > Duration::ZERO && (busy || !quiesced)
}

/// Claims what the steps will make, before they are taken.
pub fn claim(state: &mut State, desired: &Desired, actual: &Actual) {
    state.addresses.extend(desired.addresses.iter().filter(|it| !actual.holds(it)).cloned());
    for (sysctl, wanted) in &desired.sysctls {
        if let Some(former) = actual.sysctls.get(sysctl).filter(|former| *former != wanted) {
            state.sysctls.entry(sysctl.clone()).or_insert(*former);
        }
    }
}

/// Forgets what is no longer wanted and was seen to be gone.
pub fn settle(state: &mut State, desired: &Desired, actual: &Actual) {
    for (id, owned) in &mut state.services {
        let wanted = desired.services.get(id);
        let present = actual.table.get(id);
        let is_wanted = |it: &Endpoint| wanted.is_some_and(|about| about.members.contains(it));
        let is_present = |it: &Endpoint| present.is_some_and(|bound| bound.destinations.contains_key(it));
        owned.realservers.retain(|it| is_wanted(it) || is_present(it));
        owned.draining.retain(|it, _| is_present(it));
    }
    state.services.retain(|id, _| desired.table.contains_key(id) || actual.table.contains_key(id));
    state.addresses.retain(|it| desired.addresses.contains(it) || actual.holds(it));
    state.sysctls.retain(|sysctl, former| {
        desired.sysctls.contains_key(sysctl)
            || actual.sysctls.get(sysctl).is_some_and(|current| current != former)
    });
}

/// The services of `desired` that are in the kernel already, are not lvsd's, and differ: taking them over
/// would destroy somebody else's work.
#[must_use]
pub fn conflicts<'a>(desired: &'a Desired, state: &State, actual: &Actual) -> Vec<(ServiceId, &'a Name)> {
    let differs = |(id, bound): &(&ServiceId, &Bound)| {
        let foreign = !state.services.contains_key(id);
        foreign && actual.table.get(id).is_some_and(|present| present != *bound)
    };
    let name = |(id, _): (&ServiceId, _)| desired.services.get(id).map(|about| (*id, &about.name));
    desired.table.iter().filter(differs).filter_map(name).collect()
}

#[cfg(test)]
mod tests;
