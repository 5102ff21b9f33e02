//! Every way to fail: what the check says of it, and that nobody is sent there until it has healed.

use std::time::Duration;

use lvsd::snapshot::RealserverState;

use super::faults::{self, Case};
use super::scene::{self, Family, Scene};
use super::{until_realserver, watched};
use crate::{
    load::Load,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

/// How often a client comes to a service; over TLS it is hard work for a guest.
const EVERY: Duration = Duration::from_secs(1);
const EVERY_OVER_TLS: Duration = Duration::from_secs(2);
/// Where only one service has clients, and only some of them meet its fault before it is found.
const EVERY_TO_ONE: Duration = Duration::from_millis(250);

#[test]
fn each_takes_out_who_fails_and_nobody_else() {
    // So much at once leaves no time for the requests of others.
    take_out_and_return(Stage::alone(), &[Forward::Nat, Forward::Dr], Family::V4, EVERY, faults::of_http());
}

#[test]
fn only_https_loses_a_realserver_whose_certificate_is_bad() {
    let stage = Stage::new();
    let cases = faults::of_tls(stage.director.directory());
    take_out_and_return(stage, &[Forward::Nat, Forward::Dr], Family::V4, EVERY_OVER_TLS, cases);
}

#[test]
fn each_type_of_monitor_watches_over_ipv6() {
    take_out_and_return(Stage::new(), &[Forward::Nat], Family::V6, EVERY_TO_ONE, faults::of_each_type());
}

#[test]
fn each_type_of_monitor_watches_who_is_behind_a_tunnel() {
    take_out_and_return(Stage::new(), &[Forward::Ipip], Family::V4, EVERY_TO_ONE, faults::of_each_type());
}

/// While clients come all the time.
fn take_out_and_return(
    stage: Stage,
    forwards: &[Forward],
    family: Family,
    every: Duration,
    cases: Vec<Case>,
) {
    let mut scene = Scene::new(stage, forwards, family, cases);
    let clients = scene.clients(every);
    clients.await_rounds(2);
    scene.fail();
    scene.until_out();
    scene.assert_in_time();
    clients.await_rounds(5);
    scene.heal();
    scene.until_back();
    clients.await_rounds(scene::LAST);
    scene.assert_served(clients);
}

#[test]
fn a_dead_machine_costs_no_request_once_it_is_out() {
    let server = format!("{VIP}:80");
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(Forward::Dr);
    let entries = realservers.each_ref().map(Realserver::toml);
    let director = stage.direct(&watched("web", 80, "", "type = 'http'", &entries));
    until_realserver(&director, "web", "rs2", RealserverState::Up);

    let during = Load::start(&stage.client, &server, 0);
    realservers[1].node.eth(0).loss(100);
    let seen = until_realserver(&director, "web", "rs2", RealserverState::Down);
    assert_eq!(seen.check.unwrap().code, "L4TOUT");
    assert!(!seen.in_kernel);
    let after = Load::start(&stage.client, &server, 0);
    after.await_rounds(20);
    realservers[1].node.eth(0).heal();
    until_realserver(&director, "web", "rs2", RealserverState::Up);
    after.await_rounds(20);

    let (during, after) = (during.stop(), after.stop());
    assert!(after.failures.is_empty(), "{after:?}");
    assert!(during.failures.len() < during.asked, "{during:?}");
    let mut turns = stage.client.turns(&server, 3);
    turns.sort();
    assert_eq!(turns, ["rs1", "rs2", "rs3"]);
}
