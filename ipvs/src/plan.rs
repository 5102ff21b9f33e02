//! The difference of two tables, as the steps from one to the other.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use crate::refusal::{Refusal, objection};
use crate::{Bound, Destination, Endpoint, Forward, Service, ServiceId, Table, Weight};

/// A change of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Makes a virtual service without destinations.
    AddService(ServiceId, Service),
    /// Replaces how a virtual service schedules.
    EditService(ServiceId, Service),
    /// Deletes a virtual service and its destinations.
    DeleteService(ServiceId),
    /// Adds a destination to a virtual service.
    AddDestination {
        /// The virtual service.
        service: ServiceId,
        /// The destination.
        endpoint: Endpoint,
        /// How it is served.
        destination: Destination,
    },
    /// Replaces how a destination is served.
    EditDestination {
        /// The virtual service.
        service: ServiceId,
        /// The destination.
        endpoint: Endpoint,
        /// How it is served from now on.
        destination: Destination,
    },
    /// Deletes a destination.
    DeleteDestination {
        /// The virtual service.
        service: ServiceId,
        /// The destination.
        endpoint: Endpoint,
    },
}

impl Op {
    /// The virtual service that it changes, or whose destination it changes.
    #[must_use]
    pub fn service(&self) -> ServiceId {
        match *self {
            Self::AddService(service, _)
            | Self::EditService(service, _)
            | Self::DeleteService(service)
            | Self::AddDestination { service, .. }
            | Self::EditDestination { service, .. }
            | Self::DeleteDestination { service, .. } => service,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddService(id, service) => write!(f, "add service {id} ({})", service.scheduler),
            Self::EditService(id, service) => write!(f, "edit service {id} ({})", service.scheduler),
            Self::DeleteService(id) => write!(f, "delete service {id}"),
            Self::AddDestination { service, endpoint, destination } => {
                write!(f, "add destination {endpoint} to {service} ({})", Summary(destination))
            }
            Self::EditDestination { service, endpoint, destination } => {
                write!(f, "edit destination {endpoint} of {service} ({})", Summary(destination))
            }
            Self::DeleteDestination { service, endpoint } => {
                write!(f, "delete destination {endpoint} of {service}")
            }
        }
    }
}

struct Summary<'a>(&'a Destination);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forward = match self.0.forward {
            Forward::Masquerade => "masquerade",
            Forward::Local => "local",
            Forward::Tunnel(_) => "tunnel",
            Forward::Route => "route",
            Forward::Bypass => "bypass",
        };
        write!(f, "{forward}, weight {}", self.0.weight)
    }
}

/// What turns `actual` into `wanted`.
///
/// First everything is added and raised, then lowered to weight 0, then deleted, so that on the way no
/// service is without a destination and no address family without a service that has them before and after:
/// without a service, the kernel resets a family's clients. Destinations are added in the order of their
/// addresses, because some schedulers (`mh`) depend on it and all directors should agree.
#[must_use]
pub fn plan(actual: &Table, wanted: &Table) -> Vec<Op> {
    let mut raised = Vec::new();
    let mut lowered = Vec::new();
    for (&id, bound) in wanted {
        match actual.get(&id) {
            None => {
                raised.push(Op::AddService(id, bound.service.clone()));
                raised.extend(additions(id, &Bound::new(bound.service.clone()), bound));
            }
            Some(old) if old == bound => {}
            Some(old) => {
                if old.service != bound.service {
                    raised.push(Op::EditService(id, bound.service.clone()));
                }
                raised.extend(additions(id, old, bound));
                let (quiesced, edited): (Vec<_>, Vec<_>) =
                    edits(old, bound).partition(|(_, destination)| destination.weight == Weight::QUIESCED);
                let edit =
                    |(endpoint, destination)| Op::EditDestination { service: id, endpoint, destination };
                raised.extend(edited.into_iter().map(edit));
                lowered.extend(quiesced.into_iter().map(edit));
            }
        }
    }
    raised.append(&mut lowered);
    raised.extend(deletions(actual, wanted));
    raised
}

fn additions(service: ServiceId, old: &Bound, new: &Bound) -> impl Iterator<Item = Op> {
    new.destinations
        .iter()
        .filter(|(endpoint, _)| !old.destinations.contains_key(endpoint))
        .map(move |(&endpoint, &destination)| Op::AddDestination { service, endpoint, destination })
}

fn edits(old: &Bound, new: &Bound) -> impl Iterator<Item = (Endpoint, Destination)> {
    new.destinations
        .iter()
        .filter(|(endpoint, destination)| {
            old.destinations.get(endpoint).is_some_and(|old| old != *destination)
        })
        .map(|(&endpoint, &destination)| (endpoint, destination))
}

fn deletions(actual: &Table, wanted: &Table) -> impl Iterator<Item = Op> {
    actual.iter().flat_map(|(&service, old)| {
        let new = wanted.get(&service);
        let gone = new.is_none().then_some(Op::DeleteService(service));
        let changed = new.filter(|new| new.destinations != old.destinations);
        let fewer = changed.into_iter().flat_map(move |new| {
            old.destinations
                .keys()
                .filter(|endpoint| !new.destinations.contains_key(endpoint))
                .map(move |&endpoint| Op::DeleteDestination { service, endpoint })
        });
        fewer.chain(gone)
    })
}

/// Does to a table what the kernel would do to its own, or refuses as it would.
pub fn apply(table: &mut Table, op: &Op) -> Result<(), Refusal> {
    if let Some(objection) = objection(op) {
        return Err(Refusal::Invalid(objection));
    }
    match op {
        Op::AddService(id, service) => match table.entry(*id) {
            Entry::Vacant(vacant) => drop(vacant.insert(Bound::new(service.clone()))),
            Entry::Occupied(_) => return Err(Refusal::ServiceExists),
        },
        Op::EditService(id, service) => {
            table.get_mut(id).ok_or(Refusal::NoService)?.service = service.clone();
        }
        Op::DeleteService(id) => drop(table.remove(id).ok_or(Refusal::NoService)?),
        Op::AddDestination { service, endpoint, destination } => {
            match destinations_of(table, service)?.entry(*endpoint) {
                Entry::Vacant(vacant) => drop(vacant.insert(*destination)),
                Entry::Occupied(_) => return Err(Refusal::DestinationExists),
            }
        }
        Op::EditDestination { service, endpoint, destination } => {
            *destinations_of(table, service)?.get_mut(endpoint).ok_or(Refusal::NoDestination)? = *destination;
        }
        Op::DeleteDestination { service, endpoint } => {
            destinations_of(table, service)?.remove(endpoint).ok_or(Refusal::NoDestination)?;
        }
    }
    Ok(())
}

fn destinations_of<'a>(
    table: &'a mut Table,
    id: &ServiceId,
) -> Result<&'a mut BTreeMap<Endpoint, Destination>, Refusal> {
    Ok(&mut table.get_mut(id).ok_or(Refusal::NoService)?.destinations)
}
