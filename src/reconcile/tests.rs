use std::time::Duration;

use ipvs::{Protocol, apply};

use super::*;
use crate::desired::About;

const TIMEOUT: Duration = Duration::from_secs(60);

fn id(text: &str) -> ServiceId {
    text.parse().unwrap()
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

fn table(services: &[(&str, &[(&str, u32)])]) -> Table {
    let destinations = |list: &[(&str, u32)]| {
        let destination = |weight| Destination {
            weight: Weight::new(weight).unwrap(),
            ..Destination::new(Forward::Masquerade)
        };
        list.iter().map(|(text, weight)| (endpoint(text), destination(*weight))).collect()
    };
    let service = || Service::new(Scheduler::new("rr").unwrap());
    services
        .iter()
        .map(|(text, list)| (id(text), Bound { service: service(), destinations: destinations(list) }))
        .collect()
}

fn wanted(services: &[(&str, &[(&str, u32)])]) -> Desired {
    let table = table(services);
    let about = |bound: &Bound| About {
        name: Name::new("web").unwrap(),
        drain_timeout: TIMEOUT,
        members: bound.destinations.keys().copied().collect(),
    };
    let services = table.iter().map(|(id, bound)| (*id, about(bound))).collect();
    Desired { table, services, ..Desired::default() }
}

fn seen(services: &[(&str, &[(&str, u32)])]) -> Actual {
    Actual { table: table(services), ..Actual::default() }
}

/// Applies the steps as the kernel would.
fn after(actual: &Actual, steps: &[Step]) -> Actual {
    let mut actual = actual.clone();
    for step in steps {
        match step {
            Step::Table(ops) => ops.iter().for_each(|op| apply(&mut actual.table, op).unwrap()),
            Step::AddAddress(it) => assert!(actual.addresses.insert(it.clone())),
            Step::RemoveAddress(it) => assert!(actual.addresses.remove(it)),
            Step::Sysctl(sysctl, value) => {
                actual.sysctls.insert(sysctl.clone(), *value);
            }
        }
    }
    actual
}

fn owner_of(desired: &Desired, now: BootTime) -> State {
    let mut state = State::default();
    state.retarget(desired, now, false);
    state
}

const WEB: &str = "tcp 192.0.2.10:80";
const MAIL: &str = "tcp 192.0.2.10:25";
const ONE: &str = "10.0.0.1:80";
const TWO: &str = "10.0.0.2:80";

#[test]
fn what_is_as_it_should_be_needs_no_step() {
    let now = BootTime::now();
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    assert_eq!(plan(&desired, &owner_of(&desired, now), &seen(&[(WEB, &[(ONE, 1)])]), now), []);
}

#[test]
fn services_of_others_are_left_alone() {
    let now = BootTime::now();
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    let actual = seen(&[(MAIL, &[(TWO, 3)])]);
    let after = after(&actual, &plan(&desired, &owner_of(&desired, now), &actual, now));
    assert_eq!(after.table, table(&[(WEB, &[(ONE, 1)]), (MAIL, &[(TWO, 3)])]));
}

#[test]
fn a_realserver_that_leaves_is_quiesced_and_goes_with_its_last_connection() {
    let now = BootTime::now();
    let mut state = owner_of(&wanted(&[(WEB, &[(ONE, 1), (TWO, 1)])]), now);
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    state.retarget(&desired, now, false);

    let mut actual = seen(&[(WEB, &[(ONE, 1), (TWO, 1)])]);
    actual.connections.insert((id(WEB), endpoint(TWO)), 1);
    let mut actual = after(&actual, &plan(&desired, &state, &actual, now));
    assert_eq!(actual.table, table(&[(WEB, &[(ONE, 1), (TWO, 0)])]), "quiesced");
    assert_eq!(plan(&desired, &state, &actual, now), [], "and kept");

    actual.connections.clear();
    let actual = after(&actual, &plan(&desired, &state, &actual, now));
    assert_eq!(actual.table, desired.table, "taken out");
    settle(&mut state, &desired, &actual);
    assert_eq!(state, owner_of(&desired, now), "and forgotten");
}

#[test]
fn an_idle_realserver_is_quiesced_before_it_goes() {
    let now = BootTime::now();
    let mut state = owner_of(&wanted(&[(WEB, &[(ONE, 1), (TWO, 1)])]), now);
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    state.retarget(&desired, now, false);

    let actual = seen(&[(WEB, &[(ONE, 1), (TWO, 1)])]);
    let actual = after(&actual, &plan(&desired, &state, &actual, now));
    assert_eq!(actual.table, table(&[(WEB, &[(ONE, 1), (TWO, 0)])]), "a connection may have come meanwhile");
    assert_eq!(after(&actual, &plan(&desired, &state, &actual, now)).table, desired.table);
}

#[test]
fn draining_ends_when_its_time_is_over_or_at_once_when_told() {
    let now = BootTime::now();
    for (name, cut, wait) in [("timeout", false, TIMEOUT), ("cut", true, Duration::ZERO)] {
        let mut state = owner_of(&wanted(&[(WEB, &[(ONE, 1), (TWO, 1)])]), now);
        let desired = wanted(&[(WEB, &[(ONE, 1)])]);
        state.retarget(&desired, now, cut);
        let mut actual = seen(&[(WEB, &[(ONE, 1), (TWO, 0)])]);
        actual.connections.insert((id(WEB), endpoint(TWO)), 7);
        let steps = plan(&desired, &state, &actual, now.after(wait));
        assert_eq!(after(&actual, &steps).table, desired.table, "{name}");
    }
}

#[test]
fn a_reload_in_between_does_not_prolong_a_drain() {
    let now = BootTime::now();
    let mut state = owner_of(&wanted(&[(WEB, &[(ONE, 1), (TWO, 1)])]), now);
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    state.retarget(&desired, now, false);
    let first = state.clone();
    state.retarget(&desired, now.after(TIMEOUT / 2), false);
    assert_eq!(state, first);
}

#[test]
fn a_realserver_that_comes_back_while_it_drains_has_its_weight_again() {
    let now = BootTime::now();
    let both = wanted(&[(WEB, &[(ONE, 1), (TWO, 5)])]);
    let mut state = owner_of(&both, now);
    state.retarget(&wanted(&[(WEB, &[(ONE, 1)])]), now, false);
    state.retarget(&both, now, false);
    let actual = seen(&[(WEB, &[(ONE, 1), (TWO, 0)])]);
    assert_eq!(after(&actual, &plan(&both, &state, &actual, now)).table, both.table);
    assert_eq!(state, owner_of(&both, now));
}

#[test]
fn a_service_that_left_the_file_while_nobody_ran_drains_and_goes() {
    let now = BootTime::now();
    let mut state = owner_of(&wanted(&[(WEB, &[(ONE, 1)]), (MAIL, &[(TWO, 1)])]), now);
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    state.retarget(&desired, now, false);

    let mut actual = seen(&[(WEB, &[(ONE, 1)]), (MAIL, &[(TWO, 1)])]);
    for expected in [table(&[(WEB, &[(ONE, 1)]), (MAIL, &[(TWO, 0)])]), desired.table.clone()] {
        actual = after(&actual, &plan(&desired, &state, &actual, now));
        assert_eq!(actual.table, expected);
    }
    settle(&mut state, &desired, &actual);
    assert_eq!(state, owner_of(&desired, now));
}

#[test]
fn what_others_add_to_our_service_goes_at_once() {
    let now = BootTime::now();
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    let mut actual = seen(&[(WEB, &[(ONE, 1), (TWO, 1)])]);
    actual.connections.insert((id(WEB), endpoint(TWO)), 7);
    let steps = plan(&desired, &owner_of(&desired, now), &actual, now);
    assert_eq!(after(&actual, &steps).table, desired.table);
}

#[test]
fn what_we_have_no_value_for_is_edited_and_not_added_twice() {
    let now = BootTime::now();
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    let mut actual = Actual::default();
    actual.stand_in(id(WEB), Some(endpoint(ONE)));
    let steps = plan(&desired, &owner_of(&desired, now), &actual, now);
    assert_eq!(after(&actual, &steps).table, desired.table);
}

#[test]
fn a_different_service_of_others_is_a_conflict_and_an_equal_one_is_not() {
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    let rows: [(&str, Actual, usize); 3] = [
        ("absent", seen(&[]), 0),
        ("equal", seen(&[(WEB, &[(ONE, 1)])]), 0),
        ("different", seen(&[(WEB, &[(TWO, 1)])]), 1),
    ];
    for (name, actual, expected) in rows {
        assert_eq!(conflicts(&desired, &State::default(), &actual).len(), expected, "{name}");
        assert_eq!(conflicts(&desired, &owner_of(&desired, BootTime::now()), &actual), [], "{name}, ours");
    }
}

fn assignment(text: &str) -> Assignment {
    Assignment { interface: Interface::new("eth0").unwrap(), net: text.parse().unwrap() }
}

#[test]
fn addresses_come_last_and_go_first() {
    let now = BootTime::now();
    let mut desired = wanted(&[(WEB, &[(ONE, 1)])]);
    desired.addresses.insert(assignment("192.0.2.10/24"));
    desired.sysctls.insert(Sysctl::Ipv4Forward, true);
    let mut state = owner_of(&desired, now);
    let mut actual = Actual::default();
    actual.sysctls.insert(Sysctl::Ipv4Forward, false);
    claim(&mut state, &desired, &actual);

    let steps = plan(&desired, &state, &actual, now);
    assert!(matches!(steps[..], [Step::Sysctl(..), Step::Table(_), Step::AddAddress(_)]), "{steps:?}");
    let actual = after(&actual, &steps);

    let nothing = Desired::default();
    state.retarget(&nothing, now, true);
    let steps = plan(&nothing, &state, &actual, now);
    assert!(
        matches!(steps[..], [Step::RemoveAddress(_), Step::Table(_), Step::Sysctl(_, false)]),
        "{steps:?}"
    );
    settle(&mut state, &nothing, &after(&actual, &steps));
    assert_eq!(state, State::default(), "nothing is left of it");
}

#[test]
fn an_address_that_was_there_before_is_not_ours_to_take_away() {
    let now = BootTime::now();
    let mut desired = Desired::default();
    desired.addresses.insert(assignment("192.0.2.10/24"));
    let actual = Actual { addresses: desired.addresses.clone(), ..Actual::default() };
    let mut state = State::default();
    claim(&mut state, &desired, &actual);
    assert_eq!(plan(&Desired::default(), &state, &actual, now), []);
}

#[test]
fn an_ipv6_address_is_the_same_whatever_its_prefix() {
    let rows = [
        ("same", "192.0.2.10/24", "192.0.2.10/24", true),
        ("IPv4, other prefix", "192.0.2.10/24", "192.0.2.10/32", false),
        ("IPv6, other prefix", "2001:db8::10/64", "2001:db8::10/128", true),
        ("IPv6, other address", "2001:db8::10/64", "2001:db8::11/64", false),
    ];
    for (name, wanted, present, held) in rows {
        let actual = Actual { addresses: BTreeSet::from([assignment(present)]), ..Actual::default() };
        assert_eq!(actual.holds(&assignment(wanted)), held, "{name}");
    }
}

#[test]
fn undoing_a_half_applied_plan_leads_back() {
    let now = BootTime::now();
    let before = {
        let mut actual = seen(&[(WEB, &[(ONE, 1), (TWO, 2)]), ("udp 192.0.2.99:53", &[(ONE, 1)])]);
        actual.sysctls.insert(Sysctl::Ipv4Forward, false);
        actual
    };
    let mut desired = wanted(&[(WEB, &[(ONE, 9)]), (MAIL, &[(TWO, 1)])]);
    desired.addresses.insert(assignment("192.0.2.10/24"));
    desired.sysctls.insert(Sysctl::Ipv4Forward, true);
    let mut state = owner_of(&wanted(&[(WEB, &[(ONE, 1), (TWO, 2)])]), now);
    state.retarget(&desired, now, true);
    claim(&mut state, &desired, &before);

    let steps = plan(&desired, &state, &before, now);
    for done in 0..=steps.len() {
        let halfway = after(&before, &steps[..done]);
        assert_eq!(after(&halfway, &undo(&desired, &state, &before, &halfway)), before, "after {done} steps");
    }
}

#[test]
fn findings_name_the_object_and_what_was_found() {
    let now = BootTime::now();
    let desired = wanted(&[(WEB, &[(ONE, 1), (TWO, 1)]), (MAIL, &[(ONE, 1)])]);
    let actual = seen(&[(WEB, &[(ONE, 5), ("10.0.0.3:80", 1)])]);
    let steps = plan(&desired, &owner_of(&desired, now), &actual, now);
    let found: Vec<_> = findings(&steps, &actual).into_iter().map(|finding| finding.found).collect();
    assert_eq!(
        found,
        [
            "was missing; missing: 10.0.0.1:80",
            "missing: 10.0.0.2:80; not in the file: 10.0.0.3:80; 10.0.0.1:80 had weight 5, not 1",
        ]
    );
    assert_eq!(
        summary(&steps),
        "2 realservers added, 1 service added, 1 realserver changed, 1 realserver removed"
    );
}

#[test]
fn a_protocol_is_part_of_a_services_identity() {
    let Ok(ServiceId::Address { protocol, .. }) = "udp 192.0.2.10:80".parse() else { unreachable!() };
    assert_eq!(protocol, Protocol::Udp);
    let now = BootTime::now();
    let desired = wanted(&[(WEB, &[(ONE, 1)])]);
    let actual = seen(&[("udp 192.0.2.10:80", &[(ONE, 1)])]);
    let after = after(&actual, &plan(&desired, &owner_of(&desired, now), &actual, now));
    assert_eq!(after.table.len(), 2);
}
