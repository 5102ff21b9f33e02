//! Too few that are well: how far the table may shrink.

use lvsd::snapshot::{RealserverState, Service, ServiceState};

use super::server::{Deed, Server};
use super::{until_realserver, until_service, watched, weights};
use crate::{
    director::Director,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

/// Behind NAT every service has another port, and its realservers fail together.
const PLAIN: u16 = 8001;
const BOUND: u16 = 8002;
const FALLBACK: u16 = 8003;

fn states(service: &Service) -> Vec<RealserverState> {
    let mut states: Vec<_> = service.realservers.iter().map(|it| it.state).collect();
    states.sort();
    states
}

#[track_caller]
fn until_all_down(director: &Director, service: &str) {
    for name in ["rs1", "rs2", "rs3"] {
        until_realserver(director, service, name, RealserverState::Down);
    }
}

#[test]
fn all_at_once_and_back_one_by_one() {
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(Forward::Nat);
    let sorry = stage.realserver(Forward::Nat);
    let ports = [PLAIN, BOUND, FALLBACK];
    let servers =
        ports.map(|port| realservers.each_ref().map(|it| Server::start(&it.node, port, Deed::Answer)));
    let fallback = "fallback = { address = '192.168.73.104', port = 80, forward = 'nat' }";
    let keys = ["", "min_serving = 2", fallback];
    let services = ["plain", "bound", "fallback"].iter().zip(ports).zip(keys).map(|((name, port), keys)| {
        watched(name, port, keys, "type = 'http'", &realservers.each_ref().map(Realserver::toml))
    });
    let director = stage.direct(&services.collect::<String>());
    for name in ["plain", "bound", "fallback"] {
        for realserver in ["rs1", "rs2", "rs3"] {
            until_realserver(&director, name, realserver, RealserverState::Up);
        }
    }

    servers.iter().flatten().for_each(|server| server.does(Deed::Say(b"HTTP/1.1 503 Busy\r\n\r\n")));
    until_all_down(&director, "plain");
    until_all_down(&director, "fallback");
    assert_eq!(until_service(&director, "plain", ServiceState::Down).serving, 0);
    until_service(&director, "fallback", ServiceState::Fallback);
    let bound = until_service(&director, "bound", ServiceState::Panic);
    assert_eq!(states(&bound), [RealserverState::Down, RealserverState::Held, RealserverState::Held]);
    assert_eq!((bound.serving, bound.min_serving), (2, 2));
    let table = weights(&stage.director);
    assert_eq!(table["8001"].len(), 0, "{table:?}");
    assert_eq!(table["8002"].len(), 2, "{table:?}");
    assert_eq!(table["8003"].keys().collect::<Vec<_>>(), ["192.168.73.104:80"]);
    assert_eq!(stage.client.turns(&format!("{VIP}:{FALLBACK}"), 3), [sorry.name(); 3]);
    stage.client.ask(&format!("{VIP}:{PLAIN}")).unwrap_err();

    for (number, name) in (1..).zip(["rs1", "rs2", "rs3"]) {
        for servers in &servers {
            servers[number - 1].does(Deed::Answer);
        }
        for service in ["plain", "bound", "fallback"] {
            until_realserver(&director, service, name, RealserverState::Up);
        }
        let table = weights(&stage.director);
        assert_eq!(table["8001"].len(), number, "{table:?}");
        assert_eq!(table["8003"].len(), number, "{table:?}");
        assert!(table["8002"].len() >= 2, "{table:?}");
        assert_eq!(stage.client.turns(&format!("{VIP}:{PLAIN}"), 1).len(), 1);
    }
    for service in ["plain", "bound", "fallback"] {
        assert_eq!(until_service(&director, service, ServiceState::Up).serving, 3);
    }
}
