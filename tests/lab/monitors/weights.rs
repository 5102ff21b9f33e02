//! Weights that follow the checks.

use lvsd::snapshot::RealserverState;

use super::server::{Deed, Server};
use super::{of_realserver, until, until_realserver, watched, weights};
use crate::{
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

#[test]
fn a_failure_removes_or_quiesces_and_a_return_may_be_slow() {
    const RS2: &str = "192.168.73.102:8001";
    let stage = Stage::new();
    let [first, second]: [Realserver; 2] = stage.realservers(Forward::Nat);
    let _good = [8001, 8002].map(|port| Server::start(&first.node, port, Deed::Answer));
    let bad = Server::start(&second.node, 8001, Deed::Answer);
    let slow = "{ name = 'rs2', address = '192.168.73.102', port = 8001, weight = 10, forward = 'nat' }";
    let services = [
        watched("quiesced", 8001, "on_failure = 'quiesce'", "type = 'http'", &[first.toml(), second.toml()]),
        watched("removed", 8002, "slow_start = '6s'", "type = 'http'", &[first.toml(), slow.to_owned()]),
    ];
    let director = stage.direct(&services.concat());
    for service in ["quiesced", "removed"] {
        until_realserver(&director, service, "rs2", RealserverState::Up);
    }
    assert_eq!(weights(&stage.director)["8002"][RS2], 10, "the first verdict is no return");
    let mut connections = (0..2).map(|_| stage.client.connect(&format!("{VIP}:8001")).unwrap());
    let mut connection = connections.find(|connection| connection.realserver == "rs2").unwrap();

    bad.does(Deed::Say(b"HTTP/1.1 500 Oops\r\n\r\n"));
    for service in ["quiesced", "removed"] {
        until_realserver(&director, service, "rs2", RealserverState::Down);
    }
    let table = weights(&stage.director);
    assert_eq!(table["8001"][RS2], 0, "{table:?}");
    assert!(!table["8002"].contains_key(RS2), "{table:?}");
    assert_eq!(stage.client.turns(&format!("{VIP}:8001"), 3), ["rs1"; 3]);
    assert_eq!(connection.ask().unwrap(), "rs2", "what it has goes on");

    bad.does(Deed::Answer);
    let mut rise = Vec::new();
    until("the weight is whole again", || {
        let weight = of_realserver(&director, "removed", "rs2").effective_weight;
        if rise.last() != Some(&weight) {
            rise.push(weight);
        }
        weight == 10
    });
    assert!(rise.is_sorted() && rise.len() >= 4, "{rise:?}");
    assert_eq!(weights(&stage.director)["8001"][RS2], 1);
}
