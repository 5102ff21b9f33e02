//! Too few that are well: how far the table may shrink.

use lvsd::snapshot::{RealserverState, Service, ServiceState};
use nix::sys::signal::Signal;

use super::server::{Deed, Server};
use super::{until, until_realserver, until_service, watched, weights};
use crate::{
    director::Director,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

const REALSERVERS: [&str; 3] = ["rs1", "rs2", "rs3"];

/// The services, the port and the keys of each. Behind NAT every service has another port, and its realservers fail
/// together.
const SERVICES: [(&str, u16, &str); 4] = [
    ("plain", 8001, ""),
    ("bound", 8002, "min_serving = 2"),
    ("fallback", 8003, "fallback = { address = '192.168.73.104', port = 80, forward = 'nat' }"),
    ("far", 8004, "fallback = { address = '192.168.72.105', forward = 'tun' }"),
];

/// Three realservers of four services, and who serves for them.
struct Scene {
    director: Director,
    servers: [[Server; 3]; 4],
    _sorry: [Realserver; 2],
    _far: Server,
    _realservers: [Realserver; 3],
    stage: Stage,
}

impl Scene {
    /// All are well, and known to be.
    fn new() -> Self {
        let stage = Stage::new();
        let realservers: [Realserver; 3] = stage.realservers(Forward::Nat);
        let sorry = [Forward::Nat, Forward::Ipip].map(|forward| stage.realserver(forward));
        // Who is reached through a tunnel answers at the service's own port.
        let far = Server::start(&sorry[1].node, 8004, Deed::Answer);
        let servers = SERVICES
            .map(|(_, port, _)| realservers.each_ref().map(|it| Server::start(&it.node, port, Deed::Answer)));
        let entries = realservers.each_ref().map(Realserver::toml);
        let services =
            SERVICES.map(|(name, port, keys)| watched(name, port, keys, "type = 'http'", &entries));
        let director = stage.direct(&services.concat());
        let scene = Self { director, servers, _sorry: sorry, _far: far, _realservers: realservers, stage };
        for name in REALSERVERS {
            scene.until_up(name);
        }
        scene
    }

    fn fail(&self) {
        let busy = Deed::Say(b"HTTP/1.1 503 Busy\r\n\r\n");
        self.servers.iter().flatten().for_each(|server| server.does(busy.clone()));
    }

    /// Heals one realserver, in all services.
    fn heal(&self, index: usize) {
        self.servers.iter().for_each(|servers| servers[index].does(Deed::Answer));
    }

    fn restart(&mut self, signal: Signal) {
        self.director.stop(signal);
        self.director.start_again();
    }

    fn until_up(&self, realserver: &str) {
        for (service, ..) in SERVICES {
            until_realserver(&self.director, service, realserver, RealserverState::Up);
        }
    }

    /// Waits until all are known to fail, each service as it is set up for that.
    fn until_failed(&self) {
        until_service(&self.director, "plain", ServiceState::Down);
        for (service, ..) in [SERVICES[0], SERVICES[2], SERVICES[3]] {
            for name in REALSERVERS {
                until_realserver(&self.director, service, name, RealserverState::Down);
            }
        }
        until("two are held", || {
            let bound = until_service(&self.director, "bound", ServiceState::Panic);
            states(&bound) == [RealserverState::Down, RealserverState::Held, RealserverState::Held]
        });
        self.assert_failed();
    }

    fn assert_failed(&self) {
        assert_eq!(until_service(&self.director, "plain", ServiceState::Down).serving, 0);
        let bound = until_service(&self.director, "bound", ServiceState::Panic);
        assert_eq!((bound.serving, bound.min_serving), (2, 2));
        for name in ["fallback", "far"] {
            until_service(&self.director, name, ServiceState::Fallback);
        }
        let table = weights(&self.stage.director);
        assert_eq!(table["8001"].len(), 0, "{table:?}");
        assert_eq!(table["8002"].len(), 2, "{table:?}");
        assert_eq!(table["8003"].keys().collect::<Vec<_>>(), ["192.168.73.104:80"]);
        assert_eq!(table["8004"].keys().collect::<Vec<_>>(), ["192.168.72.105:8004"]);
        self.stage.client.ask(&format!("{VIP}:8001")).unwrap_err();
        for (port, sorry) in [(8003, "rs4"), (8004, "rs5")] {
            assert_eq!(self.stage.client.turns(&format!("{VIP}:{port}"), 3), [sorry; 3]);
        }
    }

    /// The first so many are well again, and serve instead of the fallback.
    fn assert_back(&self, count: usize) {
        let table = weights(&self.stage.director);
        for port in ["8001", "8003", "8004"] {
            assert_eq!(table[port].len(), count, "{table:?}");
            let mut turns = self.stage.client.turns(&format!("{VIP}:{port}"), count);
            turns.sort();
            assert_eq!(turns, REALSERVERS[..count], "{port}");
        }
        assert!(table["8002"].len() >= 2, "{table:?}");
    }
}

fn states(service: &Service) -> Vec<RealserverState> {
    let mut states: Vec<_> = service.realservers.iter().map(|it| it.state).collect();
    states.sort();
    states
}

#[test]
fn all_at_once_and_back_one_by_one() {
    let scene = Scene::new();
    scene.fail();
    scene.until_failed();
    for (index, name) in REALSERVERS.iter().enumerate() {
        scene.heal(index);
        scene.until_up(name);
        scene.assert_back(index + 1);
    }
    for (service, ..) in SERVICES {
        assert_eq!(until_service(&scene.director, service, ServiceState::Up).serving, 3);
    }
}

#[test]
fn all_at_once_and_back_although_the_daemon_ends_in_the_middle() {
    let mut scene = Scene::new();
    for (amid, after) in [(Signal::SIGKILL, Signal::SIGTERM), (Signal::SIGTERM, Signal::SIGKILL)] {
        scene.fail();
        scene.restart(amid);
        scene.until_failed();
        scene.restart(after);
        scene.until_failed();
        (0..REALSERVERS.len()).for_each(|index| scene.heal(index));
        scene.restart(amid);
        for name in REALSERVERS {
            scene.until_up(name);
        }
        scene.assert_back(REALSERVERS.len());
    }
}
