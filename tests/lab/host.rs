//! What a director needs of its machine beside the table: forwarding, no redirects, and neighbours that know.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{director::Director, lone::Lone, patience::until, stage::config};

const FORGED: &str = "02:00:00:00:00:01";
const VIPS: [&str; 2] = ["192.168.71.205", "fd00:71::205"];
/// After this the last announcement of an address that was taken has been made.
const ANNOUNCED: Duration = Duration::from_secs(11);

fn web(keys: &str) -> String {
    format!(
        "[[service]]\nname = 'web'\nmonitor = 'none'\nvip = 'web'\nport = 80\n{keys}\n\
         realservers = ['192.168.71.101']\n"
    )
}

fn sysctls(lone: &Lone) -> [String; 3] {
    ["ipv4/ip_forward", "ipv4/conf/eth0/send_redirects", "ipv6/conf/all/forwarding"]
        .map(|name| lone.sysctl(name))
}

fn overrides(director: &Director) -> Vec<String> {
    let events = director.happened().into_iter().filter(|event| event.kind == "overridden");
    events.map(|event| event.what).collect()
}

#[test]
fn nat_forwards_and_redirects_nobody() {
    let lone = Lone::new();
    let director = lone.direct(&web("forward = 'nat'"));
    assert_eq!(sysctls(&lone), ["1", "0", "0"]);
    let told = overrides(&director);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("net.ipv4.conf.all.send_redirects = 1 overrides"), "{told:?}");
    assert!(told[0].contains("sysctl -w net.ipv4.conf.all.send_redirects=0"), "{told:?}");
}

#[test]
fn nothing_is_told_where_nothing_overrides() {
    let lone = Lone::new();
    lone.node.set_sysctl("ipv4/conf/all/send_redirects", "0");
    let director = lone.direct(&web("forward = 'nat'"));
    assert_eq!(sysctls(&lone), ["1", "0", "0"]);
    assert_eq!(overrides(&director), [""; 0]);
}

#[test]
fn a_route_that_moves_takes_the_setting_along() {
    let lone = Lone::new();
    for command in ["link add eth9 type dummy", "link set eth9 up", "route add 10.9.9.0/24 dev eth0"] {
        lone.node.run(["ip"].into_iter().chain(command.split(' ')));
    }
    let file = web("forward = 'nat'").replace("192.168.71.101", "10.9.9.9");
    let _director = lone.direct(&file);
    assert_eq!(lone.sysctl("ipv4/conf/eth9/send_redirects"), "1");
    lone.node.run(["ip", "route", "replace", "10.9.9.0/24", "dev", "eth9"]);
    until("the other interface's redirects are off", || lone.sysctl("ipv4/conf/eth9/send_redirects") == "0");
}

#[test]
fn direct_routing_leaves_the_machine_as_it_is() {
    let lone = Lone::new();
    let before = sysctls(&lone);
    let _director = lone.direct(&web("forward = 'dr'"));
    assert_eq!(sysctls(&lone), before);
}

#[test]
fn what_the_file_keeps_for_the_operator_is_not_touched() {
    let lone = Lone::new();
    let before = sysctls(&lone);
    let host = "[host]\nip_forward = false\nsend_redirects = true\n";
    let director = lone.direct(&[&web("forward = 'nat'"), host].concat());
    assert_eq!(sysctls(&lone), before);
    assert_eq!(overrides(&director), [""; 0]);

    let reloaded = director.reload(&config(&web("forward = 'nat'")));
    assert!(reloaded.status.success(), "{reloaded:?}");
    assert_eq!(sysctls(&lone), ["1", "0", "0"]);

    // What was set only because the file asked for it is given back when it does not.
    let reloaded = director.reload(&config(&[&web("forward = 'nat'"), host].concat()));
    assert!(reloaded.status.success(), "{reloaded:?}");
    assert_eq!(sysctls(&lone), before);
}

/// Lets the neighbour believe that somebody else has the addresses.
fn mislead(lone: &Lone) {
    for vip in VIPS {
        let entry = ["neighbour", "replace", vip, "lladdr", FORGED, "dev", "eth0", "nud", "stale"];
        lone.neighbour.run(["ip"].into_iter().chain(entry));
    }
}

fn believes(lone: &Lone, mac: &str) -> bool {
    let entries = lone.neighbour.run(["ip", "neighbour", "show", "dev", "eth0"]);
    VIPS.iter().all(|vip| entries.lines().any(|line| line.starts_with(vip) && line.contains(mac)))
}

fn mac(lone: &Lone) -> String {
    let link = lone.node.run(["ip", "-o", "link", "show", "dev", "eth0"]);
    link.split_once("link/ether ").unwrap().1.split(' ').next().unwrap().to_owned()
}

#[test]
fn neighbours_hear_of_an_address_and_hear_again_when_the_link_comes_back() {
    let lone = Lone::new();
    let mac = mac(&lone);
    mislead(&lone);
    assert!(believes(&lone, FORGED));
    let _director = lone.direct(&web("forward = 'dr'"));
    until("the neighbour has heard", || believes(&lone, &mac));

    thread::sleep(ANNOUNCED);
    mislead(&lone);
    thread::sleep(Duration::from_secs(1));
    assert!(believes(&lone, FORGED), "nobody tells it without a reason");

    lone.node.eth(0).cut();
    until("the link is down", || lone.node.run(["ip", "link", "show", "eth0"]).contains("NO-CARRIER"));
    // Longer than lvsd may overlook it.
    thread::sleep(Duration::from_millis(500));
    lone.node.eth(0).heal();
    let healed = Instant::now();
    until("the neighbour has heard again", || believes(&lone, &mac));
    assert!(healed.elapsed() < Duration::from_secs(5), "{:?}", healed.elapsed());
}
