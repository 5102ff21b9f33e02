//! Many services, each with a realserver that is well and one that fails in its own way.

use lvsd::snapshot::{self, Check, RealserverState, Snapshot};
use nix::sys::signal::Signal;

use super::faults::{Case, Fault};
use super::server::Server;
use super::{all_up, paced, status, told, until, until_kept, watched, weights};
use crate::{
    director::Director,
    network::{Node, Process},
    nginx,
    realserver::{Forward, Realserver, endpoint},
    stage::{Stage, VIP, VIP6},
};

/// A family of addresses: those of services and realservers.
#[derive(Clone, Copy)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    /// A vip's name and its address.
    const fn vip(self) -> (&'static str, &'static str) {
        match self {
            Self::V4 => ("web", VIP),
            Self::V6 => ("web6", VIP6),
        }
    }

    fn address(self, realserver: &Realserver) -> &str {
        match self {
            Self::V4 => &realserver.address,
            Self::V6 => &realserver.address6,
        }
    }

    fn entry(self, realserver: &Realserver) -> String {
        match self {
            Self::V4 => realserver.toml(),
            Self::V6 => realserver.toml6(),
        }
    }
}

/// The first realserver, `rs1`, is well; the second, `rs2`, fails in every service but in one, `well`.
pub(super) struct Scene {
    pub(super) director: Director,
    failing: Vec<Failing>,
    good: Realserver,
    bad: Realserver,
    family: Family,
    stage: Stage,
}

/// A case in which the second realserver of its service fails.
struct Failing {
    case: Case,
    port: u16,
    thing: Option<Thing>,
    _good: Server,
}

/// Something behind a port that is well at first.
enum Thing {
    Server(Server),
    Nginx(Process),
}

impl Scene {
    /// All are well, and known to be.
    pub(super) fn new(stage: Stage, forward: Forward, family: Family, cases: Vec<Case>) -> Self {
        let [good, bad]: [Realserver; 2] = stage.realservers(forward);
        let failing: Vec<_> = cases
            .into_iter()
            .zip(8001..)
            .map(|(case, port)| Failing::new(case, port, &good.node, &bad.node))
            .collect();
        let chain = "add table inet lab; add chain inet lab input { type filter hook input priority 0; }";
        bad.node.run(["nft", chain]);
        // A refused datagram is told each time: two checks a second are more than the kernel tells by itself.
        for limit in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
            bad.node.set_sysctl(limit, "0");
        }
        let entries = [&good, &bad].map(|it| family.entry(it));
        let services =
            failing.iter().map(|it| paced(&it.name(), it.port, it.case.keys, &it.case.monitor, &entries));
        let well = watched("well", 80, "", "type = 'http'", &entries);
        let services = services.chain([well]).collect::<String>();
        let director = stage.direct(&services.replace("vip = 'web'", &format!("vip = '{}'", family.vip().0)));
        let scene = Self { director, failing, good, bad, family, stage };
        scene.until_back();
        scene
    }

    pub(super) fn fail(&mut self) {
        self.failing.iter_mut().for_each(|it| it.fail(&self.bad.node));
    }

    pub(super) fn heal(&mut self) {
        self.bad.node.run(["nft", "flush chain inet lab input"]);
        self.failing.iter_mut().for_each(|it| it.heal(&self.bad.node));
    }

    /// Ends the daemon and starts it again.
    pub(super) fn restart(&mut self, signal: Signal) {
        self.director.stop(signal);
        self.director.start_again();
    }

    /// How many of the cases have failed, and how many there are.
    pub(super) fn out(&self) -> (usize, usize) {
        let seen = status(&self.director);
        let out = self.failing.iter().filter(|it| it.realserver(&seen).state == RealserverState::Down);
        (out.count(), self.failing.len())
    }

    /// Waits until a daemon that is killed leaves the verdict that all have failed.
    pub(super) fn until_kept(&self) {
        until_kept(&self.director, "\"rs2\":false", self.failing.len());
    }

    /// Waits until each is out for the reason that its case says.
    pub(super) fn until_out(&self) {
        let mut found = Vec::new();
        until("all are out", || {
            let seen = status(&self.director);
            found = self.failing.iter().filter_map(|it| Some((it.case.name, it.failure(&seen)?))).collect();
            found.len() == self.failing.len()
        });
        let finds = self.failing.iter().map(|it| (it.case.name, it.case.finds));
        let found = found.iter().map(|(name, check)| (*name, (check.code.as_str(), check.detail.as_str())));
        assert_eq!(found.collect::<Vec<_>>(), finds.collect::<Vec<_>>());
        self.assert_out();
    }

    /// Nobody is sent to who fails, and nobody else is out.
    #[track_caller]
    pub(super) fn assert_out(&self) {
        let table = weights(&self.stage.director);
        assert_eq!(table["80"].len(), 2, "{table:?}");
        for it in &self.failing {
            let (port, case) = (it.port, it.case.name);
            let good = endpoint(self.family.address(&self.good), port);
            assert_eq!(table[&port.to_string()].keys().collect::<Vec<_>>(), [&good], "{case}: {table:?}");
            if it.case.monitor.starts_with("type = 'http',") {
                let server = endpoint(self.family.vip().1, port);
                assert_eq!(self.stage.client.turns(&server, 3), ["rs1"; 3], "{case}");
            }
        }
        let told = told(&self.director, "well/rs2");
        assert!(!told.contains(&"realserver_down".to_owned()), "{told:?}");
    }

    /// Waits until all are well.
    pub(super) fn until_back(&self) {
        until("all are well", || all_up(&self.director));
        let table = weights(&self.stage.director);
        assert_eq!(table.len(), self.failing.len() + 1, "{table:?}");
        assert!(table.values().all(|realservers| realservers.len() == 2), "{table:?}");
    }
}

impl Failing {
    fn new(case: Case, port: u16, good: &Node, bad: &Node) -> Self {
        let server = |node| Server::start(node, port, case.well.clone());
        let good = server(good);
        let thing = match case.fault {
            Fault::Freezes => Thing::Nginx(nginx::start(bad, port)),
            _ => Thing::Server(server(bad)),
        };
        Self { case, port, thing: Some(thing), _good: good }
    }

    fn name(&self) -> String {
        format!("s{}", self.port)
    }

    fn realserver<'a>(&self, seen: &'a Snapshot) -> &'a snapshot::Realserver {
        let name = self.name();
        let service = seen.services.iter().find(|service| service.name == name).unwrap();
        &service.realservers[1]
    }

    /// What takes it out.
    fn failure(&self, seen: &Snapshot) -> Option<Check> {
        let it = self.realserver(seen);
        it.check.clone().filter(|_| it.state == RealserverState::Down && !it.in_kernel)
    }

    fn fail(&mut self, node: &Node) {
        match (&self.case.fault, &self.thing) {
            (Fault::Does(deed), Some(Thing::Server(server))) => server.does(deed.clone()),
            (Fault::Freezes, Some(Thing::Nginx(nginx))) => nginx.signal(Signal::SIGSTOP),
            (Fault::Filter(rules), _) => {
                for rule in *rules {
                    let rule = rule.replace("PORT", &self.port.to_string());
                    node.run(["nft", &format!("add rule inet lab input {rule}")]);
                }
            }
            _ => self.thing = None,
        }
    }

    fn heal(&mut self, node: &Node) {
        match (&self.case.fault, &self.thing) {
            (Fault::Does(_), Some(Thing::Server(server))) => server.does(self.case.well.clone()),
            (Fault::Freezes, Some(Thing::Nginx(nginx))) => nginx.signal(Signal::SIGCONT),
            (Fault::Filter(_), _) => {}
            _ => self.thing = Some(Thing::Server(Server::start(node, self.port, self.case.well.clone()))),
        }
    }
}
