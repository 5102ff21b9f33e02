//! The oldest use of all: web servers behind a director that translates addresses.

use crate::{
    nginx,
    realserver::{Forward, Realserver},
    schedulers::assert_cycle,
    stage::{Stage, VIP, service},
};

#[test]
fn web_servers_take_turns_behind_another_port() {
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(Forward::Nat);
    let _servers = realservers.each_ref().map(|realserver| nginx::start(&realserver.node, 8080));
    let web =
        service("vip = 'web'\nport = 80\nscheduler = 'rr'", realservers.iter().map(|it| it.at_port(8080)));
    let _director = stage.direct(&web);

    let turns = stage.client.turns(&format!("{VIP}:80"), 6);
    assert_cycle(&turns, &["rs1 by nginx", "rs2 by nginx", "rs3 by nginx"]);
}
