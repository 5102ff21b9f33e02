//! A realserver that comes and goes all the time.

use std::{thread, time::Duration};

use lvsd::snapshot::RealserverState;
use nix::sys::signal::Signal;

use super::server::{Deed, Server};
use super::writes::Writes;
use super::{of_realserver, told, until, until_kept, until_realserver, weights};
use crate::{
    director::Director,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

/// How often it fails and heals: for a minute.
const ROUNDS: usize = 30;

/// How long it does either.
const PHASE: Duration = Duration::from_secs(1);

/// From one check to the next.
const INTERVAL: Duration = Duration::from_millis(300);

/// How many checks the services want before they believe them: `rise` and `fall`.
const EAGER: u32 = 1;
const CALM: u32 = 20;

/// The most that a service changes the table in all rounds: by each failure and each recovery that lasts for as many
/// checks as it wants.
fn bound(wanted: u32) -> usize {
    if INTERVAL * (wanted - 1) < PHASE { 2 * ROUNDS } else { 0 }
}

/// Two services of the same realservers, of which the second fails and heals at will: one that believes each check, and
/// one that believes only many.
struct Scene {
    director: Director,
    flapping: Server,
    _realservers: [Realserver; 2],
    stage: Stage,
}

impl Scene {
    /// All are well, and known to be.
    fn new() -> Self {
        let stage = Stage::new();
        let realservers: [Realserver; 2] = stage.realservers(Forward::Nat);
        let [good, bad] = &realservers;
        let services = [("eager", 8001, EAGER), ("calm", 8002, CALM)].map(|(name, port, wanted)| {
            format!(
                "[[service]]\nname = '{name}'\nvip = 'web'\nport = {port}\nscheduler = 'rr'\n\
                 monitor = {{ type = 'http', interval = '{}ms', timeout = '10s', rise = {wanted}, fall = {wanted} }}\n\
                 realservers = [{}, {}]\n",
                INTERVAL.as_millis(),
                good.at_port(80),
                bad.at_port(8001)
            )
        });
        let flapping = Server::start(&bad.node, 8001, Deed::Answer);
        let director = stage.direct(&services.concat());
        until_realserver(&director, "eager", "rs2", RealserverState::Up);
        until_realserver(&director, "calm", "rs2", RealserverState::Up);
        Self { director, flapping, _realservers: realservers, stage }
    }

    fn fail(&self) {
        self.flapping.does(Deed::Say(b"HTTP/1.1 500 Oops\r\n\r\n"));
    }

    fn heal(&self) {
        self.flapping.does(Deed::Answer);
    }
}

#[test]
fn it_changes_the_table_no_more_often_than_rise_and_fall_let_it() {
    let scene = Scene::new();
    let director = &scene.director;
    let writes = Writes::of(&scene.stage.director);
    for _ in 0..ROUNDS {
        scene.fail();
        thread::sleep(PHASE);
        scene.heal();
        thread::sleep(PHASE);
    }
    until_realserver(director, "eager", "rs2", RealserverState::Up);
    until("it is back in the table", || weights(&scene.stage.director)["8001"].len() == 2);
    let writes = writes.count();

    let eager = told(director, "eager/rs2");
    // Up and down by turns, from the first verdict to the last; and the table was written for nothing else.
    let turns = ["realserver_up", "realserver_down"].into_iter().cycle();
    assert!(eager.iter().zip(turns).all(|(kind, turn)| kind == turn), "{eager:?}");
    let changes = eager.len() - 1;
    println!("{writes} writes, {changes} changes of {} that could be", bound(EAGER));
    assert_eq!(writes, changes, "{:?}", director.happened());
    assert!((ROUNDS..=bound(EAGER) + bound(CALM)).contains(&writes), "{writes}: {eager:?}");
    let served = told(director, "eager");
    assert_eq!(served, vec!["service_changed"; changes], "{:?}", director.happened());

    assert_eq!(told(director, "calm/rs2"), ["realserver_up"]);
    assert!(of_realserver(director, "calm", "rs2").in_kernel);
    assert!(scene.stage.client.turns(&format!("{VIP}:8002"), 2).contains(&"rs2".to_owned()));
    let drift = director.happened().into_iter().filter(|event| event.kind == "drift_repaired");
    assert_eq!(drift.count(), 0, "{:?}", director.happened());
}

#[test]
fn it_ends_as_the_last_checks_say_if_the_daemon_ends_in_its_middle() {
    let mut scene = Scene::new();
    until_kept(&scene.director, "\"rs2\":true", 2);
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGKILL] {
        scene.fail();
        scene.director.stop(signal);
        scene.director.start_again();
        until_realserver(&scene.director, "eager", "rs2", RealserverState::Down);
        let table = weights(&scene.stage.director);
        assert_eq!((table["8001"].len(), table["8002"].len()), (1, 2), "{signal}: {table:?}");

        scene.heal();
        scene.director.stop(signal);
        scene.director.start_again();
        until_realserver(&scene.director, "eager", "rs2", RealserverState::Up);
        let table = weights(&scene.stage.director);
        assert_eq!((table["8001"].len(), table["8002"].len()), (2, 2), "{signal}: {table:?}");
        assert!(!told(&scene.director, "calm/rs2").contains(&"realserver_down".to_owned()), "{signal}");
    }
}
