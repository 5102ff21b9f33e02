//! How packets reach a realserver, beyond what the matrix of `schedulers` proves.

use crate::{
    realserver::{Forward, Realserver},
    schedulers::assert_cycle,
    stage::{Stage, service},
};

const SERVER: &str = "192.168.71.205:80";
const SERVER6: &str = "[fd00:71::205]:80";
const WEB: &str = "vip = 'web'\nport = 80\nscheduler = 'rr'";
const WEB6: &str = "vip = 'web6'\nport = 80\nscheduler = 'rr'";

#[test]
fn gre() {
    every_realserver_answers(Forward::Gre);
}

#[test]
fn gue() {
    every_realserver_answers(Forward::Gue);
}

#[test]
fn one_service_by_every_method() {
    let stage = Stage::new();
    let methods = [Forward::Nat, Forward::Dr, Forward::Ipip];
    let realservers = methods.map(|forward| stage.realserver(forward));
    let _director = stage.direct(&service(WEB, realservers.iter().map(Realserver::toml)));

    assert_cycle(&stage.client.turns(SERVER, 6), &["rs1", "rs2", "rs3"]);
}

#[test]
fn ipv6_by_nat() {
    every_realserver_answers_over_ipv6(Forward::Nat);
}

#[test]
fn ipv6_by_direct_routing() {
    every_realserver_answers_over_ipv6(Forward::Dr);
}

fn every_realserver_answers(forward: Forward) {
    let stage = Stage::new();
    let realservers: [Realserver; 2] = stage.realservers(forward);
    let _director = stage.direct(&service(WEB, realservers.iter().map(Realserver::toml)));

    assert_cycle(&stage.client.turns(SERVER, 4), &["rs1", "rs2"]);
}

fn every_realserver_answers_over_ipv6(forward: Forward) {
    let stage = Stage::new();
    let realservers: [Realserver; 2] = stage.realservers(forward);
    let _director = stage.direct(&service(WEB6, realservers.iter().map(Realserver::toml6)));

    assert_cycle(&stage.client.turns(SERVER6, 4), &["rs1", "rs2"]);
}
