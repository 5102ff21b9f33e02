//! Every way to fail: what the check says of it, and that nobody is sent there until it has healed.

use std::time::{Duration, Instant};

use lvsd::snapshot::RealserverState;
use nix::sys::signal::Signal;

use super::server::{Deed, Server};
use super::{paced, until_realserver, watched, weights};
use crate::{
    load::Load,
    network::{Node, Process},
    nginx,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

/// Slow enough for as many services at once.
const PACE: &str = "interval = '1s', timeout = '3s', rise = 1, fall = 2";

/// Two checks that take their whole timeout, with their intervals, and what a busy guest adds.
const LEAVES: Duration = Duration::from_secs(30);

/// Something behind a port that is well at first.
enum Thing {
    Server(Server),
    Nginx(Process),
}

/// What goes wrong.
enum Fault {
    Does(Deed),
    /// The process ends.
    Ends,
    /// The process does not run, and its kernel goes on accepting.
    Freezes,
    /// What the machine's packet filter does with packets to the port.
    Filter(&'static str),
}

struct Case {
    name: &'static str,
    /// What the answer must have.
    expects: &'static str,
    fault: Fault,
    code: &'static str,
}

/// A case in which the second realserver of its service fails.
struct Failing {
    case: Case,
    port: u16,
    thing: Option<Thing>,
}

impl Failing {
    fn new(case: Case, port: u16, node: &Node) -> Self {
        let thing = match case.fault {
            Fault::Freezes => Thing::Nginx(nginx::start(node, port)),
            _ => Thing::Server(Server::start(node, port, Deed::Answer)),
        };
        Self { case, port, thing: Some(thing) }
    }

    fn fail(&mut self, node: &Node) {
        match (&self.case.fault, &self.thing) {
            (Fault::Does(deed), Some(Thing::Server(server))) => server.does(deed.clone()),
            (Fault::Freezes, Some(Thing::Nginx(nginx))) => nginx.signal(Signal::SIGSTOP),
            (Fault::Filter(action), _) => {
                let rule = format!("add rule inet lab input tcp dport {} {action}", self.port);
                node.run(["nft", &rule]);
            }
            _ => self.thing = None,
        }
    }

    fn heal(&mut self, node: &Node) {
        match (&self.case.fault, &self.thing) {
            (Fault::Does(_), Some(Thing::Server(server))) => server.does(Deed::Answer),
            (Fault::Freezes, Some(Thing::Nginx(nginx))) => nginx.signal(Signal::SIGCONT),
            (Fault::Filter(_), _) => {}
            _ => self.thing = Some(Thing::Server(Server::start(node, self.port, Deed::Answer))),
        }
    }
}

const fn case(name: &'static str, expects: &'static str, fault: Fault, code: &'static str) -> Case {
    Case { name, expects, fault, code }
}

const CASES: [Case; 12] = [
    case("stopped", "", Fault::Ends, "L4CON"),
    case("frozen", "", Fault::Freezes, "L7TOUT"),
    case("refused by a filter", "", Fault::Filter("reject with tcp reset"), "L4CON"),
    case("unreachable", "", Fault::Filter("reject with icmp host-unreachable"), "L4CON"),
    case("dropped", "", Fault::Filter("drop"), "L4TOUT"),
    case("reset", "", Fault::Does(Deed::Reset), "L7RSP"),
    case("silent", "", Fault::Does(Deed::Hang), "L7TOUT"),
    case("status 500", "", Fault::Does(Deed::Say(b"HTTP/1.1 500 Oops\r\n\r\n")), "L7STS"),
    case(
        "another body",
        ", contains = 'rs'",
        Fault::Does(Deed::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\noops")),
        "L7STS",
    ),
    case("100 MB", ", contains = 'rs'", Fault::Does(Deed::Flood), "L7STS"),
    case("drip", "", Fault::Does(Deed::Drip), "L7TOUT"),
    case("garbage", "", Fault::Does(Deed::Say(b"\x00\xff\x1b[31m\r\n\r\n")), "L7RSP"),
];

#[test]
fn each_takes_out_who_fails_and_nobody_else() {
    let stage = Stage::new();
    let [good, bad]: [Realserver; 2] = stage.realservers(Forward::Nat);
    let mut failing: Vec<_> =
        CASES.into_iter().zip(8001..).map(|(case, port)| Failing::new(case, port, &bad.node)).collect();
    bad.node
        .run(["nft", "add table inet lab; add chain inet lab input { type filter hook input priority 0; }"]);
    let services = failing.iter().map(|it| {
        let monitor = format!("type = 'http'{}, {PACE}", it.case.expects);
        paced(&name(it.port), it.port, "", &monitor, &[good.at_port(80), bad.at_port(it.port)])
    });
    let director = stage.direct(&services.collect::<String>());
    for it in &failing {
        until_realserver(&director, &name(it.port), "rs2", RealserverState::Up);
        until_realserver(&director, &name(it.port), "rs1", RealserverState::Up);
    }

    let began = Instant::now();
    for it in &mut failing {
        it.fail(&bad.node);
    }
    for it in &failing {
        let (name, case) = (name(it.port), it.case.name);
        let seen = until_realserver(&director, &name, "rs2", RealserverState::Down);
        let check = seen.check.unwrap();
        assert_eq!(check.code, it.case.code, "{case}: {}", check.detail);
        assert!(!seen.in_kernel, "{case}");
    }
    let took = began.elapsed();
    assert!(took < LEAVES, "{took:?}");

    let table = weights(&stage.director);
    for it in &failing {
        let (port, case) = (it.port.to_string(), it.case.name);
        assert_eq!(table[&port].len(), 1, "{case}: {table:?}");
        assert!(table[&port].keys().all(|it| it.starts_with("192.168.73.101:")), "{case}: {table:?}");
        assert_eq!(stage.client.turns(&format!("{VIP}:{port}"), 3), ["rs1"; 3], "{case}");
    }

    bad.node.run(["nft", "flush chain inet lab input"]);
    for it in &mut failing {
        it.heal(&bad.node);
    }
    for it in &failing {
        until_realserver(&director, &name(it.port), "rs2", RealserverState::Up);
    }
    let table = weights(&stage.director);
    for it in &failing {
        assert_eq!(table[&it.port.to_string()].len(), 2, "{}: {table:?}", it.case.name);
    }
}

fn name(port: u16) -> String {
    format!("s{port}")
}

#[test]
fn a_dead_machine_costs_no_request_once_it_is_out() {
    let server = format!("{VIP}:80");
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(Forward::Dr);
    let entries = realservers.each_ref().map(Realserver::toml);
    let director = stage.direct(&watched("web", 80, "", "type = 'http'", &entries));
    until_realserver(&director, "web", "rs2", RealserverState::Up);

    let during = Load::start(&stage.client, &server, 0);
    realservers[1].node.eth(0).loss(100);
    let seen = until_realserver(&director, "web", "rs2", RealserverState::Down);
    assert_eq!(seen.check.unwrap().code, "L4TOUT");
    assert!(!seen.in_kernel);
    let after = Load::start(&stage.client, &server, 0);
    after.await_rounds(20);
    realservers[1].node.eth(0).heal();
    until_realserver(&director, "web", "rs2", RealserverState::Up);
    after.await_rounds(20);

    let (during, after) = (during.stop(), after.stop());
    assert!(after.failures.is_empty(), "{after:?}");
    assert!(during.failures.len() < during.asked, "{during:?}");
    let mut turns = stage.client.turns(&server, 3);
    turns.sort();
    assert_eq!(turns, ["rs1", "rs2", "rs3"]);
}
