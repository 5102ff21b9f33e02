//! `lvsd realserver`: the operator's word, against what the checks say and over restarts.

use lvsd::snapshot::RealserverState;
use nix::sys::signal::Signal;

use super::{until_realserver, watched, weights};
use crate::{
    director::{Director, complaint},
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

#[track_caller]
fn say(director: &Director, word: &str, realserver: &str) -> String {
    let output = director.lvsd(["realserver", word, "web", realserver]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn killed(director: &mut Director) {
    director.stop(Signal::SIGKILL);
    director.start_again();
}

#[test]
fn it_outlives_the_daemon() {
    const RS2: &str = "192.168.73.102:80";
    let stage = Stage::new();
    let server = format!("{VIP}:80");
    let realservers: [Realserver; 2] = stage.realservers(Forward::Nat);
    let entries = realservers.each_ref().map(Realserver::toml);
    let mut director = stage.direct(&watched("web", 80, "", "type = 'http'", &entries));
    for name in ["rs1", "rs2"] {
        until_realserver(&director, "web", name, RealserverState::Up);
    }
    let mut connections = (0..2).map(|_| stage.client.connect(&server).unwrap());
    let mut connection = connections.find(|connection| connection.realserver == "rs2").unwrap();

    let said = say(&director, "drain", "rs2");
    assert_eq!(said, "web/rs2: gets no new connections; 1 connections are left\n");
    for round in ["drained", "drained and killed"] {
        assert_eq!(weights(&stage.director)["80"][RS2], 0, "{round}");
        until_realserver(&director, "web", "rs2", RealserverState::Draining);
        assert_eq!(stage.client.turns(&server, 4), ["rs1"; 4], "{round}");
        assert_eq!(connection.ask().unwrap(), "rs2", "{round}");
        killed(&mut director);
    }

    say(&director, "disable", "rs2");
    for round in ["disabled", "disabled and killed"] {
        assert!(!weights(&stage.director)["80"].contains_key(RS2), "{round}");
        until_realserver(&director, "web", "rs2", RealserverState::Disabled);
        assert_eq!(stage.client.turns(&server, 4), ["rs1"; 4], "{round}");
        killed(&mut director);
    }

    assert_eq!(say(&director, "enable", "rs2"), "web/rs2: left to its checks\n");
    until_realserver(&director, "web", "rs2", RealserverState::Up);
    assert_eq!(weights(&stage.director)["80"][RS2], 1);
    let mut turns = stage.client.turns(&server, 2);
    turns.sort();
    assert_eq!(turns, ["rs1", "rs2"]);
    killed(&mut director);
    assert_eq!(weights(&stage.director)["80"][RS2], 1);

    let cases = [
        (["nobody", "rs1"], "there is no service \"nobody\"; there is web\n"),
        (["web", "rs3"], "there is no realserver \"rs3\"; there is rs1, rs2\n"),
    ];
    for ([service, realserver], expected) in cases {
        let output = director.lvsd(["realserver", "drain", service, realserver]);
        assert_eq!(complaint(&output), expected);
    }
}
