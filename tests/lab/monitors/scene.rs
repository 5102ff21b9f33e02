//! Many services, each with a realserver that is well and others that fail in its own way.

use std::{collections::BTreeSet, fs, time::Duration};

use jiff::Timestamp;
use lvsd::{
    config::Config,
    snapshot::{self, Check, RealserverState, Snapshot},
};
use nix::sys::signal::Signal;

use super::faults::{Case, Fault};
use super::server::Server;
use super::visitors::{Destination, Visitors};
use super::watch::Watch;
use super::{all_up, paced, status, told, until, until_kept, weights};
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

/// What an emulated guest adds to the time that checks take.
const SLACK: Duration = Duration::from_secs(5);

/// So many visits to a service come to each of its realservers.
pub(super) const LAST: usize = 6;

/// The first realserver, `rs1`, is well; the others fail in every service but in one, `well`.
pub(super) struct Scene {
    pub(super) director: Director,
    failing: Vec<Failing>,
    good: Realserver,
    bad: Vec<Realserver>,
    family: Family,
    stage: Stage,
}

/// A case in which all realservers of its service fail but the first.
struct Failing {
    case: Case,
    port: u16,
    things: Vec<Option<Thing>>,
    /// When it began to fail.
    began: Option<Timestamp>,
    _good: Server,
}

/// Clients of all services that are asked for pages, and what the director's table is meanwhile.
pub(super) struct Clients {
    visitors: Visitors,
    watch: Watch,
}

/// Something behind a port that is well at first.
enum Thing {
    Server(Server),
    Nginx(Process),
}

impl Scene {
    /// All are well, and known to be. One realserver of each forwarding method fails, and the first is well.
    pub(super) fn new(stage: Stage, forwards: &[Forward], family: Family, cases: Vec<Case>) -> Self {
        let good = stage.realserver(forwards[0]);
        let bad: Vec<_> = forwards.iter().map(|&forward| stage.realserver(forward)).collect();
        let failing: Vec<_> =
            cases.into_iter().zip(8001..).map(|(case, port)| Failing::new(case, port, &good, &bad)).collect();
        for realserver in &bad {
            let chain = "add table inet lab; add chain inet lab input { type filter hook input priority 0; }";
            realserver.node.run(["nft", chain]);
            // A refused datagram is told each time: two checks a second are more than the kernel tells by itself.
            for limit in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
                realserver.node.set_sysctl(limit, "0");
            }
        }
        let entries: Vec<_> = [&good].into_iter().chain(&bad).map(|it| family.entry(it)).collect();
        let services =
            failing.iter().map(|it| paced(&it.name(), it.port, it.case.keys, &it.case.monitor, &entries));
        // An answer that a busy guest gives late is one.
        let patient = "type = 'http', interval = '1s', timeout = '10s', rise = 1, fall = 2";
        let well = paced("well", 80, "", patient, &entries);
        let services = services.chain([well]).collect::<String>();
        let director = stage.direct(&services.replace("vip = 'web'", &format!("vip = '{}'", family.vip().0)));
        let scene = Self { director, failing, good, bad, family, stage };
        scene.until_back();
        scene
    }

    pub(super) fn fail(&mut self) {
        self.failing.iter_mut().for_each(|it| it.fail(&self.bad));
    }

    pub(super) fn heal(&mut self) {
        for realserver in &self.bad {
            realserver.node.run(["nft", "flush chain inet lab input"]);
        }
        self.failing.iter_mut().for_each(|it| it.heal(&self.bad));
    }

    /// A client comes to each service that is asked for pages, in each such time.
    pub(super) fn clients(&self, every: Duration) -> Clients {
        let web = self.failing.iter().filter(|it| it.case.is_web());
        let destinations = web.map(|it| Destination {
            server: endpoint(self.family.vip().1, it.port).parse().expect("an endpoint"),
            tls: it.case.tls.clone(),
        });
        Clients {
            visitors: Visitors::start(&self.stage.client, destinations.collect(), every),
            watch: Watch::start(&self.stage.director),
        }
    }

    /// Ends the daemon and starts it again.
    pub(super) fn restart(&mut self, signal: Signal) {
        self.director.stop(signal);
        self.director.start_again();
    }

    /// How many realservers have failed, and how many are to.
    pub(super) fn out(&self) -> (usize, usize) {
        let seen = status(&self.director);
        let all = self.failing.iter().flat_map(|it| it.realservers(&seen));
        let out = all.filter(|it| it.state == RealserverState::Down);
        (out.count(), self.failing.len() * self.bad.len())
    }

    /// Waits until a daemon that is killed leaves the verdict that all have failed.
    pub(super) fn until_kept(&self) {
        for realserver in &self.bad {
            until_kept(&self.director, &format!("\"{}\":false", realserver.name()), self.failing.len());
        }
    }

    /// Waits until each is out for the reason that its case says.
    pub(super) fn until_out(&self) {
        let mut found = Vec::new();
        until("all are out", || {
            let seen = status(&self.director);
            let checks = self.failing.iter().flat_map(|it| {
                it.realservers(&seen).filter_map(|realserver| Some((it.case.name, failure(realserver)?)))
            });
            found = checks.collect();
            found.len() == self.failing.len() * self.bad.len()
        });
        let each = self.failing.iter().flat_map(|it| self.bad.iter().map(move |_| it));
        let finds = each.map(|it| (it.case.name, it.case.finds));
        let found = found.iter().map(|(name, check)| (*name, (check.code.as_str(), check.detail.as_str())));
        assert_eq!(found.collect::<Vec<_>>(), finds.collect::<Vec<_>>());
        self.assert_out();
    }

    /// Nobody is sent to who fails, and nobody else is out.
    #[track_caller]
    pub(super) fn assert_out(&self) {
        let table = weights(&self.stage.director);
        assert_eq!(table["80"].len(), 1 + self.bad.len(), "{table:?}");
        for it in &self.failing {
            let (port, case) = (it.port, it.case.name);
            let good = endpoint(self.family.address(&self.good), port);
            assert_eq!(table[&port.to_string()].keys().collect::<Vec<_>>(), [&good], "{case}: {table:?}");
            if it.case.is_web() && it.case.tls.is_none() {
                let server = endpoint(self.family.vip().1, port);
                assert_eq!(self.stage.client.turns(&server, 3), ["rs1"; 3], "{case}");
            }
        }
        for realserver in &self.bad {
            let told = told(&self.director, &format!("well/{}", realserver.name()));
            assert!(!told.contains(&"realserver_down".to_owned()), "{told:?}");
        }
    }

    /// Each was taken out before the latest moment at which its checks can have failed, by the director's file.
    pub(super) fn assert_in_time(&self) {
        let path = self.director.config();
        let config =
            Config::parse(&path, &fs::read(&path).unwrap()).expect("the file of a director that runs");
        let events = self.director.happened();
        for it in &self.failing {
            let (name, case) = (it.name(), it.case.name);
            let service = config.services.iter().find(|service| service.name.as_str() == name).unwrap();
            let monitor = &service.monitors[0];
            let more = monitor.pace.fall.get() - 1;
            let bound = monitor.pace.interval
                + monitor.timeout
                + more * (monitor.pace.fast_interval + monitor.timeout)
                + SLACK;
            for realserver in &self.bad {
                let object = format!("{name}/{}", realserver.name());
                let down = events.iter().find(|it| it.kind == "realserver_down" && it.object == object);
                let took = down.unwrap().at.duration_since(it.began.expect("it fails"));
                println!("{case}, {object}: out after {took:#} of {bound:?}");
                assert!(took.unsigned_abs() < bound, "{case}, {object}: {took:#}, not {bound:?}");
            }
        }
    }

    /// Clients were served well before it failed, from the moment on at which those who failed were out of the table,
    /// and when they came back; by all of them in the end.
    pub(super) fn assert_served(&self, clients: Clients) {
        let mut visits = clients.visitors.stop();
        let sightings = clients.watch.stop();
        visits.sort_by_key(|visit| visit.began);
        let everybody = [&self.good].into_iter().chain(&self.bad).map(Realserver::name);
        let everybody: BTreeSet<&str> = everybody.collect();
        assert!(visits.iter().any(|visit| visit.answer.is_err()), "nobody has seen a fault");
        for it in self.failing.iter().filter(|it| it.case.is_web()) {
            let (case, began) = (it.case.name, it.began.expect("it fails"));
            let left = sightings.first(it.port, 1).expect("it was seen to leave");
            let visits: Vec<_> = visits.iter().filter(|visit| visit.port == it.port).collect();
            let failed: Vec<_> = visits.iter().filter(|visit| visit.answer.is_err()).collect();
            let after = visits.iter().filter(|visit| visit.began > left).count();
            println!(
                "{case}: {} visits, {} failed, {after} began after it had left",
                visits.len(),
                failed.len()
            );
            assert!(after > LAST, "{case}: {visits:?}");
            for visit in failed {
                assert!(visit.ended >= began && visit.began <= left, "{case}, left at {left}: {visit:?}");
            }
            let last = visits.iter().rev().take(LAST).filter_map(|visit| visit.answer.as_deref().ok());
            assert_eq!(last.collect::<BTreeSet<_>>(), everybody, "{case}");
        }
    }

    /// Waits until all are well.
    pub(super) fn until_back(&self) {
        until("all are well", || all_up(&self.director));
        let table = weights(&self.stage.director);
        assert_eq!(table.len(), self.failing.len() + 1, "{table:?}");
        assert!(table.values().all(|realservers| realservers.len() == 1 + self.bad.len()), "{table:?}");
    }
}

impl Clients {
    pub(super) fn await_rounds(&self, count: usize) {
        self.visitors.await_rounds(count);
    }
}

/// What takes it out.
fn failure(realserver: &snapshot::Realserver) -> Option<Check> {
    let it = realserver;
    it.check.clone().filter(|_| it.state == RealserverState::Down && !it.in_kernel)
}

impl Failing {
    fn new(case: Case, port: u16, good: &Realserver, bad: &[Realserver]) -> Self {
        let server = |node: &Node| Server::start(node, port, case.well.clone());
        let good = server(&good.node);
        let thing = |it: &Realserver| match case.fault {
            Fault::Freezes => Thing::Nginx(nginx::start(&it.node, port)),
            _ => Thing::Server(server(&it.node)),
        };
        let things = bad.iter().map(|it| Some(thing(it))).collect();
        Self { case, port, things, began: None, _good: good }
    }

    fn name(&self) -> String {
        format!("s{}", self.port)
    }

    /// Those that fail.
    fn realservers<'a>(
        &self,
        seen: &'a Snapshot,
    ) -> impl Iterator<Item = &'a snapshot::Realserver> + use<'a> {
        let name = self.name();
        let service = seen.services.iter().find(|service| service.name == name).unwrap();
        service.realservers.iter().skip(1)
    }

    fn fail(&mut self, bad: &[Realserver]) {
        self.began = Some(Timestamp::now());
        for (thing, realserver) in self.things.iter_mut().zip(bad) {
            match (&self.case.fault, &thing) {
                (Fault::Does(deed), Some(Thing::Server(server))) => server.does(deed.clone()),
                (Fault::Freezes, Some(Thing::Nginx(nginx))) => nginx.signal(Signal::SIGSTOP),
                (Fault::Filter(rules), _) => {
                    for rule in *rules {
                        let rule = rule.replace("PORT", &self.port.to_string());
                        realserver.node.run(["nft", &format!("add rule inet lab input {rule}")]);
                    }
                }
                _ => *thing = None,
            }
        }
    }

    fn heal(&mut self, bad: &[Realserver]) {
        for (thing, realserver) in self.things.iter_mut().zip(bad) {
            match (&self.case.fault, &thing) {
                (Fault::Does(_), Some(Thing::Server(server))) => server.does(self.case.well.clone()),
                (Fault::Freezes, Some(Thing::Nginx(nginx))) => nginx.signal(Signal::SIGCONT),
                (Fault::Filter(_), _) => {}
                _ => {
                    let server = Server::start(&realserver.node, self.port, self.case.well.clone());
                    *thing = Some(Thing::Server(server));
                }
            }
        }
    }
}
