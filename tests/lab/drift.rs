//! Somebody else's hands in the kernel: what is lvsd's is put right within a second, and an event says what was
//! found; what is not lvsd's is left alone.

use std::time::Instant;

use crate::{
    director::{Director, Event},
    load::Load,
    lone::{Lone, REPAIR},
    patience::until,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP, service},
};

const WEB: &str = "vip = 'web'\nport = 80\nscheduler = 'rr'\nforward = 'nat'";
const REALSERVERS: [&str; 2] = [
    "{ name = 'rs1', address = '192.168.71.101', upper_threshold = 100, lower_threshold = 50 }",
    "{ name = 'rs2', address = '192.168.71.102' }",
];
const SERVER: &str = "192.168.71.205:80";
const OBJECT: &str = "web (tcp 192.168.71.205:80)";

fn lone() -> (Lone, Director) {
    let lone = Lone::alone();
    let director = lone.direct(&service(WEB, REALSERVERS.map(str::to_owned)));
    (lone, director)
}

/// Runs a command that changes the kernel; lvsd takes it back in time and says what it found where.
fn is_repaired(change: &str, object: &str, what: &str) {
    let (lone, director) = lone();
    let before = lone.snapshot();
    let mut watch = lone.watch();

    lone.node.run(change.split(' '));
    let took = lone.recovery(&mut watch);

    assert_eq!(lone.snapshot(), before);
    let drift = repairs(&director);
    let [Event { object: found, what: said, cause, .. }] = drift.as_slice() else {
        panic!("{drift:?}");
    };
    assert_eq!((found.as_str(), said.as_str(), cause.as_str()), (object, what, "drift"));
    assert!(took < REPAIR, "{took:?}");
}

fn repairs(director: &Director) -> Vec<Event> {
    director.happened().into_iter().filter(|event| event.kind == "drift_repaired").collect()
}

#[test]
fn a_flushed_table_comes_back() {
    is_repaired("ipvsadm -C", OBJECT, "was missing; missing: 192.168.71.101:80, 192.168.71.102:80");
}

#[test]
fn a_deleted_service_comes_back() {
    is_repaired(
        &format!("ipvsadm -D -t {SERVER}"),
        OBJECT,
        "was missing; missing: 192.168.71.101:80, 192.168.71.102:80",
    );
}

#[test]
fn a_deleted_realserver_comes_back() {
    is_repaired(&format!("ipvsadm -d -t {SERVER} -r 192.168.71.102"), OBJECT, "missing: 192.168.71.102:80");
}

#[test]
fn a_realserver_added_by_hand_goes() {
    is_repaired(
        &format!("ipvsadm -a -t {SERVER} -r 192.168.71.109 -m"),
        OBJECT,
        "not in the file: 192.168.71.109:80",
    );
}

#[test]
fn a_changed_weight_is_set_back() {
    is_repaired(
        &format!("ipvsadm -e -t {SERVER} -r 192.168.71.102 -m -w 7"),
        OBJECT,
        "192.168.71.102:80 had weight 7, not 1",
    );
}

#[test]
fn changed_thresholds_are_set_back() {
    is_repaired(
        &format!("ipvsadm -e -t {SERVER} -r 192.168.71.101 -m -x 10 -y 5"),
        OBJECT,
        "192.168.71.101:80 had other thresholds",
    );
}

#[test]
fn a_changed_way_of_forwarding_is_set_back() {
    is_repaired(
        &format!("ipvsadm -e -t {SERVER} -r 192.168.71.102 -g"),
        OBJECT,
        "192.168.71.102:80 was forwarded to another way",
    );
}

#[test]
fn a_changed_scheduler_is_set_back() {
    is_repaired(&format!("ipvsadm -E -t {SERVER} -s lc"), OBJECT, "had scheduler lc, not rr");
}

#[test]
fn persistence_given_by_hand_is_taken_away() {
    is_repaired(
        &format!("ipvsadm -E -t {SERVER} -s rr -p 60"),
        OBJECT,
        "had other persistence, flags or one-packet mode",
    );
}

#[test]
fn a_deleted_address_comes_back() {
    is_repaired("ip address delete 192.168.71.205/24 dev eth0", "192.168.71.205/24 on eth0", "was missing");
}

#[test]
fn a_deleted_ipv6_address_comes_back() {
    is_repaired("ip address delete fd00:71::205/64 dev eth0", "fd00:71::205/64 on eth0", "was missing");
}

#[test]
fn a_changed_sysctl_is_set_back() {
    is_repaired("sysctl -w net.ipv4.ip_forward=0", "net.ipv4.ip_forward", "was 0, not 1");
}

#[test]
fn a_service_of_somebody_else_is_told_of_and_left_alone() {
    let (lone, director) = lone();
    let before = lone.snapshot();
    let foreign = |kind: &str| -> Vec<String> {
        let events = director.happened().into_iter().filter(|event| event.kind == kind);
        events.map(|event| event.object).collect()
    };

    lone.node.run(["ipvsadm", "-A", "-t", "192.168.71.21:8080", "-s", "wlc"]);
    until("lvsd tells of the service", || !foreign("foreign_appeared").is_empty());
    assert_eq!(foreign("foreign_appeared"), ["tcp 192.168.71.21:8080"]);

    // It survives a repair of what is lvsd's beside it.
    lone.node.run(["ipvsadm", "-D", "-t", SERVER]);
    until("lvsd's own is back", || lone.rules().contains("192.168.71.102:80"));
    let rules = lone.rules();
    assert!(rules.contains("-A -t 192.168.71.21:8080 -s wlc"), "{rules}");

    lone.node.run(["ipvsadm", "-D", "-t", "192.168.71.21:8080"]);
    until("lvsd tells of its end", || !foreign("foreign_gone").is_empty());
    assert_eq!(lone.snapshot(), before);
}

#[test]
fn the_command_line_tells_the_same_events() {
    let (lone, director) = lone();
    let mut watch = lone.watch();
    lone.node.run(["ipvsadm", "-C"]);
    lone.recovery(&mut watch);

    let drift: Vec<_> =
        director.events().into_iter().filter(|event| event["kind"] == "drift_repaired").collect();
    assert_eq!(drift.len(), 1, "{drift:?}");
    assert_eq!(drift[0]["object"], OBJECT);
    let text = String::from_utf8(director.lvsd(["events"]).stdout).unwrap();
    assert!(text.contains(&format!("drift   drift_repaired   {OBJECT}: was missing")), "{text}");
}

#[test]
fn a_table_flushed_under_load_is_felt_for_less_than_a_second() {
    let stage = Stage::alone();
    let realservers: [Realserver; 2] = stage.realservers(Forward::Nat);
    let _director = stage.direct(&service(WEB, realservers.iter().map(Realserver::toml)));
    let load = Load::start(&stage.client, &format!("{VIP}:80"), 0);

    stage.director.run(["ipvsadm", "-C"]);
    let start = Instant::now();
    load.await_rounds(50);
    let outcome = load.stop();

    let outage = outcome.failures.last().map(|(at, _)| at.saturating_duration_since(start));
    assert!(outage.is_none_or(|outage| outage < REPAIR), "{outage:?}: {outcome:?}");
}
