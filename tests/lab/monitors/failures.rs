//! Every way to fail: what the check says of it, and that nobody is sent there until it has healed.

use std::time::{Duration, Instant};

use lvsd::snapshot::RealserverState;

use super::faults::{self, Case};
use super::scene::{Family, Scene};
use super::{until_realserver, watched};
use crate::{
    load::Load,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

/// Two checks that take their whole timeout, with their intervals, and what a busy guest adds.
const LEAVES: Duration = Duration::from_secs(30);

#[test]
fn each_takes_out_who_fails_and_nobody_else() {
    take_out_and_return(Stage::new(), Forward::Nat, Family::V4, faults::of_http());
}

#[test]
fn only_https_loses_a_realserver_whose_certificate_is_bad() {
    let stage = Stage::new();
    let cases = faults::of_tls(stage.director.directory());
    take_out_and_return(stage, Forward::Dr, Family::V4, cases);
}

#[test]
fn each_type_of_monitor_watches_over_ipv6() {
    take_out_and_return(Stage::new(), Forward::Nat, Family::V6, faults::of_each_type());
}

#[test]
fn each_type_of_monitor_watches_who_is_behind_a_tunnel() {
    take_out_and_return(Stage::new(), Forward::Ipip, Family::V4, faults::of_each_type());
}

fn take_out_and_return(stage: Stage, forward: Forward, family: Family, cases: Vec<Case>) {
    let mut scene = Scene::new(stage, forward, family, cases);
    let began = Instant::now();
    scene.fail();
    scene.until_out();
    let took = began.elapsed();
    assert!(took < LEAVES, "{took:?}");
    scene.heal();
    scene.until_back();
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
