//! Datagrams: what is one connection to the director.

use crate::{
    realserver::{Forward, Realserver},
    schedulers::assert_cycle,
    stage::{Stage, service},
};

const SERVER: &str = "192.168.71.205:80";
const DATAGRAMS: &str = "vip = 'web'\nport = 80\nprotocol = 'udp'\nscheduler = 'rr'";

#[test]
fn each_client_port_has_its_turn_and_stays() {
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(Forward::Nat);
    let _director = stage.direct(&service(DATAGRAMS, realservers.iter().map(Realserver::toml)));

    let ports: Vec<_> = (0..6).map(|_| stage.client.datagrams_to(SERVER)).collect();
    let turns: Vec<_> = ports.iter().map(|port| port.ask().unwrap()).collect();
    assert_cycle(&turns, &["rs1", "rs2", "rs3"]);

    let again: Vec<_> = ports.iter().map(|port| port.ask().unwrap()).collect();
    assert_eq!(again, turns);
}

#[test]
fn one_packet_scheduling_gives_each_datagram_its_turn() {
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(Forward::Dr);
    let one_packet = format!("{DATAGRAMS}\none_packet = true");
    let _director = stage.direct(&service(&one_packet, realservers.iter().map(Realserver::toml)));

    let port = stage.client.datagrams_to(SERVER);
    let turns: Vec<_> = (0..6).map(|_| port.ask().unwrap()).collect();
    assert_cycle(&turns, &["rs1", "rs2", "rs3"]);
}
