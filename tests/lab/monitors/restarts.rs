//! Ends and beginnings of the daemon while a realserver fails: what was known is known again.

use std::fs;

use lvsd::snapshot::{RealserverState, ServiceState};
use nix::sys::signal::Signal;

use super::server::{Deed, Server};
use super::{told, until, until_checked, until_realserver, until_service, watched, weights};
use crate::{
    load::Load,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

#[test]
fn who_was_down_gets_nothing_however_the_daemon_ends() {
    let server = format!("{VIP}:8001");
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let stage = Stage::new();
        let realservers: [Realserver; 2] = stage.realservers(Forward::Nat);
        let [_good, bad] = realservers.each_ref().map(|it| Server::start(&it.node, 8001, Deed::Answer));
        let entries = realservers.each_ref().map(Realserver::toml);
        let mut director = stage.direct(&watched("web", 8001, "", "type = 'http'", &entries));
        for name in ["rs1", "rs2"] {
            until_realserver(&director, "web", name, RealserverState::Up);
        }

        bad.does(Deed::Reset);
        until_realserver(&director, "web", "rs2", RealserverState::Down);
        if signal == Signal::SIGKILL {
            // It has no time to say what it knows; about a second after a verdict it has.
            let kept =
                || fs::read_to_string(director.state().with_file_name("verdicts.json")).unwrap_or_default();
            until("the verdict is kept", || kept().contains("\"rs2\":false"));
        }
        let table = weights(&stage.director);
        let load = Load::start(&stage.client, &server, 1);
        director.stop(signal);
        director.start_again();
        let service = until_service(&director, "web", ServiceState::Degraded);
        assert_eq!(service.realservers[1].state, RealserverState::Down, "{signal}");
        // Its checks begin anew and find the same.
        until_checked(&director, "web", "rs2");
        load.await_rounds(10);
        let outcome = load.stop();
        assert!(outcome.failures.is_empty(), "{signal}: {outcome:?}");
        assert_eq!(weights(&stage.director), table, "{signal}");
        assert_eq!(told(&director, "web/rs2").len(), 0, "{signal}: {:?}", director.happened());

        bad.does(Deed::Answer);
        until_realserver(&director, "web", "rs2", RealserverState::Up);
        assert_eq!(weights(&stage.director)["8001"].len(), 2, "{signal}");
    }
}

#[test]
fn who_is_not_known_serves() {
    let stage = Stage::new();
    let realservers: [Realserver; 2] = stage.realservers(Forward::Nat);
    let entries = realservers.each_ref().map(|it| it.at_port(80)).join(", ");
    // Nobody answers the checks, which take long to say so.
    let director = stage.direct(&format!(
        "[[service]]\nname = 'web'\nvip = 'web'\nport = 80\nscheduler = 'rr'\nrealservers = [{entries}]\n\
         monitor = {{ type = 'tcp', port = 9, fall = 100 }}\n"
    ));
    let seen = until_realserver(&director, "web", "rs1", RealserverState::Probing);
    assert!(seen.in_kernel, "{seen:?}");
    let mut turns = stage.client.turns(&format!("{VIP}:80"), 2);
    turns.sort();
    assert_eq!(turns, ["rs1", "rs2"]);
}
