//! Packets that a firewall marked: several ports are one service.

use crate::{
    realserver::{Forward, Realserver},
    schedulers::assert_cycle,
    stage::{Stage, VIP, service},
};

#[test]
fn two_ports_take_turns_together() {
    let turns = alternate("");
    assert_cycle(&turns, &["rs1", "rs2", "rs3"]);
}

#[test]
fn a_client_finds_the_same_realserver_on_both_ports() {
    let turns = alternate("persistent = '300s'");
    assert!(turns.iter().all(|turn| *turn == turns[0]), "{turns:?}");
}

/// Asks by turns on the ports 80 and 443, which the mark makes one service.
fn alternate(keys: &str) -> Vec<String> {
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(Forward::Dr);
    let mark = format!("ip daddr {VIP} tcp dport {{ 80, 443 }} meta mark set 1");
    stage.director.run([
        "nft",
        &format!(
            "table ip lab {{ chain prerouting {{ type filter hook prerouting priority mangle; {mark}; }}; }}"
        ),
    ]);
    let web = format!("fwmark = 1\nscheduler = 'rr'\n{keys}");
    let _director = stage.direct(&service(&web, realservers.iter().map(Realserver::toml)));

    let ports = [80, 443].into_iter().cycle();
    ports.take(6).map(|port| stage.client.ask(&format!("{VIP}:{port}")).unwrap()).collect()
}
