//! Ends and beginnings of the daemon while a realserver fails: what was known is known again.

use lvsd::snapshot::{RealserverState, ServiceState};
use nix::sys::signal::Signal;

use super::faults;
use super::scene::{Family, Scene};
use super::server::{Deed, Server};
use super::{told, until, until_checked, until_kept, until_realserver, until_service, watched, weights};
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
            // It has no time to say what it knows.
            until_kept(&director, "\"rs2\":false", 1);
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
fn every_failure_ends_the_same_if_the_daemon_is_killed_in_its_middle() {
    fail_and_return(Signal::SIGKILL, Signal::SIGTERM);
}

#[test]
fn every_failure_ends_the_same_if_the_daemon_is_stopped_in_its_middle() {
    fail_and_return(Signal::SIGTERM, Signal::SIGKILL);
}

/// The daemon ends amid the failures, and once more after them.
fn fail_and_return(amid: Signal, after: Signal) {
    let stage = Stage::new();
    let cases = faults::of_http().into_iter().chain(faults::of_tls(stage.director.directory())).collect();
    let mut scene = Scene::new(stage, &[Forward::Nat], Family::V4, cases);
    scene.fail();
    // Some have a verdict by then, and some are half way to it.
    until("some have failed", || scene.out().0 > 0);
    let (out, all) = scene.out();
    assert!(out < all, "{out} of {all}");
    scene.restart(amid);
    scene.until_out();

    scene.until_kept();
    scene.restart(after);
    scene.assert_out();
    scene.until_out();

    scene.heal();
    scene.until_back();
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
