//! A realserver that leaves: no new connections, and its old ones go on to their end, or until the drain's.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    client::Connection,
    director::Director,
    network::Node,
    patience::until,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP, config, service},
};

const SERVER: &str = "192.168.71.205:80";

/// Two realservers, a client with a connection to the second one, and that one taken out of the file.
struct Leaving {
    connection: Connection,
    director: Director,
    realservers: [Realserver; 2],
    timeout: &'static str,
    /// When the file without it was applied.
    since: Instant,
    stage: Stage,
}

impl Leaving {
    fn new(timeout: &'static str) -> Self {
        let stage = Stage::new();
        let realservers: [Realserver; 2] = stage.realservers(Forward::Nat);
        let director = stage.direct(&web(timeout, &realservers));
        let connection = to(&stage.client, "rs2");
        let reloaded = director.reload(&config(&web(timeout, &realservers[..1])));
        assert!(reloaded.status.success(), "{reloaded:?}");
        Self { connection, director, realservers, timeout, since: Instant::now(), stage }
    }

    fn drains(&self) -> bool {
        self.rules().contains(" -r 192.168.73.102:80 -m -w 0\n")
    }

    fn is_gone(&self) -> bool {
        !self.rules().contains("192.168.73.102")
    }

    /// What lvsd remembers, with the end of the drain.
    fn state(&self) -> String {
        fs::read_to_string(self.director.state()).unwrap()
    }

    fn rules(&self) -> String {
        self.stage.director.run(["ipvsadm", "-S", "-n"])
    }
}

fn web(timeout: &str, realservers: &[Realserver]) -> String {
    let keys = format!("vip = 'web'\nport = 80\nscheduler = 'rr'\ndrain_timeout = '{timeout}'");
    service(&keys, realservers.iter().map(Realserver::toml))
}

fn to(client: &Node, realserver: &str) -> Connection {
    let mut connections = (0..2).map(|_| client.connect(SERVER).unwrap());
    connections.find(|connection| connection.realserver == realserver).unwrap()
}

#[test]
fn its_connections_go_on_and_it_goes_after_the_last() {
    let mut leaving = Leaving::new("5m");
    assert!(leaving.drains(), "{}", leaving.rules());
    assert_eq!(leaving.stage.client.turns(SERVER, 4), ["rs1"; 4]);
    assert_eq!(leaving.connection.ask().unwrap(), "rs2");
    // Long enough for several looks at its connections.
    thread::sleep(Duration::from_secs(2));
    assert!(leaving.drains(), "{}", leaving.rules());
    assert_eq!(leaving.connection.ask().unwrap(), "rs2");

    let Leaving { connection, director, stage, .. } = leaving;
    // An orderly end would linger in the kernel's memory for two minutes.
    connection.reset();
    until("it is taken out", || !stage.director.run(["ipvsadm", "-S", "-n"]).contains("192.168.73.102"));

    let told: Vec<_> = director
        .happened()
        .into_iter()
        .filter(|event| event.kind.starts_with("drain"))
        .map(|event| format!("{} {}: {}", event.kind, event.object, event.what))
        .collect();
    let object = format!("web (tcp {VIP}:80)");
    assert_eq!(
        told,
        [
            format!("drain_started {object}: no new connections for 192.168.73.102:80"),
            format!("drain_ended {object}: taken out: 192.168.73.102:80"),
        ]
    );
}

#[test]
fn its_time_is_limited() {
    let mut leaving = Leaving::new("4s");
    assert_eq!(leaving.connection.ask().unwrap(), "rs2");
    until("it is cut", || leaving.is_gone());
    let took = leaving.since.elapsed();
    assert!(took >= Duration::from_secs(3), "{took:?}");
    leaving.connection.ask().unwrap_err();
}

#[test]
fn a_reload_that_cannot_wait_cuts_it() {
    let mut leaving = Leaving::new("5m");
    assert!(leaving.drains(), "{}", leaving.rules());
    let reloaded = leaving.director.lvsd(["reload", "--now"]);
    assert!(reloaded.status.success(), "{reloaded:?}");
    assert!(leaving.is_gone(), "{}", leaving.rules());
    leaving.connection.ask().unwrap_err();
}

#[test]
fn a_killed_daemon_does_not_lengthen_it() {
    let mut leaving = Leaving::new("15s");
    let before = leaving.state();
    leaving.director.stop(Signal::SIGKILL);
    leaving.director.start_again();
    assert!(leaving.drains(), "{}", leaving.rules());
    assert_eq!(leaving.connection.ask().unwrap(), "rs2");
    assert_eq!(leaving.state(), before, "the end that was set still counts");

    until("it is cut", || leaving.is_gone());
    let took = leaving.since.elapsed();
    assert!(took >= Duration::from_secs(14), "{took:?}");
    leaving.connection.ask().unwrap_err();
}

#[test]
fn a_realserver_that_comes_back_is_served_as_before() {
    let mut leaving = Leaving::new("5s");
    let reloaded = leaving.director.reload(&config(&web(leaving.timeout, &leaving.realservers)));
    assert!(reloaded.status.success(), "{reloaded:?}");
    assert!(leaving.rules().contains(" -r 192.168.73.102:80 -m -w 1\n"), "{}", leaving.rules());

    // The end that was set counts no more.
    thread::sleep(Duration::from_secs(6));
    assert_eq!(leaving.connection.ask().unwrap(), "rs2");
    let mut turns = leaving.stage.client.turns(SERVER, 2);
    turns.sort();
    assert_eq!(turns, ["rs1", "rs2"]);
}
