use std::collections::BTreeMap;
use std::num::NonZeroU32;

use proptest::prelude::*;

use super::{Op, apply, plan};
use crate::{
    Bound, Destination, Encapsulation, Endpoint, Family, Forward, Netmask, Protocol, Refusal, Scheduler,
    Service, ServiceId, Table, Weight, arbitrary,
};

fn endpoint(text: &str) -> Endpoint {
    Endpoint::new(text.parse().unwrap(), 80).unwrap()
}

fn tcp(text: &str) -> ServiceId {
    ServiceId::Address { protocol: Protocol::Tcp, endpoint: endpoint(text) }
}

fn scheduled(name: &str) -> Service {
    Service::new(Scheduler::new(name).unwrap())
}

fn weighing(weight: u32) -> Destination {
    Destination { weight: Weight::new(weight).unwrap(), ..Destination::new(Forward::Route) }
}

fn bound(scheduler: &str, destinations: &[(&str, u32)]) -> Bound {
    let destinations = destinations.iter().map(|&(address, weight)| (endpoint(address), weighing(weight)));
    Bound { service: scheduled(scheduler), destinations: destinations.collect() }
}

fn table(services: &[(&str, Bound)]) -> Table {
    services.iter().map(|(address, bound)| (tcp(address), bound.clone())).collect()
}

#[test]
fn a_plan_is_the_fewest_operations_in_a_safe_order() {
    let nothing = Table::new();
    let one = table(&[("192.0.2.1", bound("rr", &[("10.0.0.2", 1), ("10.0.0.1", 1)]))]);
    let other = table(&[("192.0.2.2", bound("rr", &[("10.0.0.1", 1)]))]);
    let changed = table(&[("192.0.2.1", bound("wlc", &[("10.0.0.1", 0), ("10.0.0.3", 1)]))]);
    let cases: [(_, _, _, &[&str]); 6] = [
        ("nothing to nothing", &nothing, &nothing, &[]),
        ("the same", &one, &one, &[]),
        (
            "destinations are added in the order of their addresses",
            &nothing,
            &one,
            &[
                "add service tcp 192.0.2.1:80 (rr)",
                "add destination 10.0.0.1:80 to tcp 192.0.2.1:80 (route, weight 1)",
                "add destination 10.0.0.2:80 to tcp 192.0.2.1:80 (route, weight 1)",
            ],
        ),
        ("a service goes with its destinations", &one, &nothing, &["delete service tcp 192.0.2.1:80"]),
        (
            "another address: first the new service, with its destinations",
            &one,
            &other,
            &[
                "add service tcp 192.0.2.2:80 (rr)",
                "add destination 10.0.0.1:80 to tcp 192.0.2.2:80 (route, weight 1)",
                "delete service tcp 192.0.2.1:80",
            ],
        ),
        (
            "everything at once",
            &one,
            &changed,
            &[
                "edit service tcp 192.0.2.1:80 (wlc)",
                "add destination 10.0.0.3:80 to tcp 192.0.2.1:80 (route, weight 1)",
                "edit destination 10.0.0.1:80 of tcp 192.0.2.1:80 (route, weight 0)",
                "delete destination 10.0.0.2:80 of tcp 192.0.2.1:80",
            ],
        ),
    ];
    for (name, actual, wanted, expected) in cases {
        let ops: Vec<_> = plan(actual, wanted).iter().map(ToString::to_string).collect();
        assert_eq!(ops, expected, "{name}");
    }
}

#[test]
fn the_model_refuses_what_the_kernel_refuses() {
    let (present, absent) = (tcp("192.0.2.1"), tcp("192.0.2.9"));
    let (known, unknown) = (endpoint("10.0.0.1"), endpoint("10.0.0.9"));
    let before = table(&[("192.0.2.1", bound("rr", &[("10.0.0.1", 1)]))]);
    let add = |service, endpoint, destination| Op::AddDestination { service, endpoint, destination };
    let edit = |service, endpoint| Op::EditDestination { service, endpoint, destination: weighing(1) };
    let delete = |service, endpoint| Op::DeleteDestination { service, endpoint };
    let tunnel = Destination::new(Forward::Tunnel(Encapsulation::Ipip));
    let masked = Service { netmask: Netmask::V6(64), ..scheduled("rr") };
    let invalid = |why| Err(Refusal::Invalid(why));
    let cases = [
        ("add a service again", Op::AddService(present, scheduled("rr")), Err(Refusal::ServiceExists)),
        ("edit no service", Op::EditService(absent, scheduled("rr")), Err(Refusal::NoService)),
        ("delete no service", Op::DeleteService(absent), Err(Refusal::NoService)),
        ("add to no service", add(absent, known, weighing(1)), Err(Refusal::NoService)),
        ("add again", add(present, known, weighing(1)), Err(Refusal::DestinationExists)),
        ("edit in no service", edit(absent, known), Err(Refusal::NoService)),
        ("edit nothing", edit(present, unknown), Err(Refusal::NoDestination)),
        ("delete in no service", delete(absent, known), Err(Refusal::NoService)),
        ("delete nothing", delete(present, unknown), Err(Refusal::NoDestination)),
        ("a tunnel to the other family", add(present, endpoint("2001:db8::1"), tunnel), Ok(())),
        (
            "a route to the other family",
            add(present, endpoint("2001:db8::1"), weighing(1)),
            invalid("a destination of another address family than its service needs a tunnel"),
        ),
        (
            "a multicast destination",
            add(present, endpoint("224.0.0.1"), weighing(1)),
            invalid("the destination's address is not a unicast address"),
        ),
        (
            "a prefix for IPv4",
            Op::EditService(present, masked),
            invalid("the persistence netmask is of another address family than the service"),
        ),
    ];
    for (name, op, expected) in cases {
        let mut after = before.clone();
        assert_eq!(apply(&mut after, &op), expected, "{name}");
        assert_eq!(after == before, expected.is_err(), "{name}: a refused operation changes nothing");
    }
}

/// How many services each family has.
fn families(table: &Table) -> BTreeMap<Family, usize> {
    let mut count = BTreeMap::new();
    for id in table.keys() {
        *count.entry(id.family()).or_default() += 1;
    }
    count
}

/// Destinations of a service that take new connections.
fn serving(table: &Table, id: ServiceId) -> usize {
    let destinations = table.get(&id).into_iter().flat_map(|bound| bound.destinations.values());
    destinations.filter(|destination| destination.weight != Weight::QUIESCED).count()
}

fn present(table: &Table, id: ServiceId) -> usize {
    table.get(&id).map_or(0, |bound| bound.destinations.len())
}

/// What a table's objects are, one by one.
fn objects(table: &Table) -> BTreeMap<(ServiceId, Option<Endpoint>), String> {
    table
        .iter()
        .flat_map(|(&id, bound)| {
            let service = ((id, None), format!("{:?}", bound.service));
            let destination = move |(&at, destination): (&Endpoint, &Destination)| {
                ((id, Some(at)), format!("{destination:?}"))
            };
            std::iter::once(service).chain(bound.destinations.iter().map(destination))
        })
        .collect()
}

proptest! {
    #[test]
    fn a_plan_leads_from_any_table_to_any_other_and_runs_short_of_nothing(
        (actual, wanted) in arbitrary::two_tables(),
    ) {
        let (first, last) = (families(&actual), families(&wanted));
        let mut table = actual.clone();
        for op in plan(&actual, &wanted) {
            let before = objects(&table);
            prop_assert_eq!(apply(&mut table, &op), Ok(()), "{}", op);

            let after = objects(&table);
            let touched = before.keys().chain(after.keys()).filter(|key| before.get(key) != after.get(key));
            let touched: std::collections::BTreeSet<_> = touched.collect();
            if matches!(op, Op::DeleteService(_)) {
                prop_assert!(touched.iter().all(|(id, _)| *id == op.service()), "{}", op);
            } else {
                prop_assert_eq!(touched.len(), 1, "{}", op);
            }
            for family in first.keys().filter(|family| last.contains_key(family)) {
                prop_assert!(families(&table).contains_key(family), "{:?} is left without a service: {}", family, op);
            }
            for id in actual.keys().filter(|id| wanted.contains_key(id)) {
                for count in [present, serving] {
                    let least = count(&actual, *id).min(count(&wanted, *id)).min(1);
                    prop_assert!(count(&table, *id) >= least, "{} is left without a destination: {}", id, op);
                }
            }
        }
        prop_assert_eq!(&table, &wanted);
        prop_assert!(plan(&wanted, &wanted).is_empty());
    }
}

#[test]
fn marks_of_both_families_are_two_services() {
    let mark = |family| ServiceId::Mark { mark: NonZeroU32::MIN, family };
    let service = Bound::new(scheduled("rr"));
    let wanted: Table = [(mark(Family::V4), service.clone()), (mark(Family::V6), service)].into();
    let ops: Vec<_> = plan(&Table::new(), &wanted).iter().map(ToString::to_string).collect();
    assert_eq!(ops, ["add service fwmark 1 (rr)", "add service fwmark 1 ipv6 (rr)"]);
}
