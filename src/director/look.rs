//! What there is to see: everything at one moment.

mod cluster;
mod troubles;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use healthcheck::{Counters, Seat, Standing, Status};
use ipvs::{Endpoint, Forward, Observed, ObservedDestination, ServiceId};
use jiff::{SignedDuration, Timestamp};

use super::Director;
use crate::cluster::{self as cluster_thread, Report};
use crate::config::{Name, Realserver, VirtualService};
use crate::serving::{Key, monitors};
use crate::snapshot::cluster::Hold;
use crate::snapshot::{
    self, Check, Checks, FileInForce, Health, Lateness, Problem, RealserverState, ServiceState, Snapshot, Vip,
};

use cluster::Outlook;
use troubles::troubles;

/// A snapshot of this age is of this moment.
const MOMENT: Duration = Duration::from_millis(500);

/// What is looked at.
struct Scene<'a> {
    director: &'a Director,
    /// What the cluster thread last told, if there is one.
    report: Option<Arc<Report>>,
    checks: Checks,
    /// Why nobody is told of a failure, by service.
    silences: BTreeMap<Name, String>,
    standings: BTreeMap<Key, Standing>,
    services: HashMap<ServiceId, &'a Observed>,
    destinations: HashMap<(ServiceId, Endpoint), &'a ObservedDestination>,
    instant: Instant,
    now: Timestamp,
}

impl Director {
    /// Makes a snapshot, unless there is one of this moment.
    pub(super) async fn look(&mut self) {
        let now = Timestamp::now();
        if self.has_looked(now) {
            return;
        }
        let overview = self.watch.checks.overview().await;
        let listing = Arc::clone(&self.kernel.listing.borrow());
        let destinations = listing.services.iter().flat_map(|service| {
            service.destinations.iter().map(|destination| ((service.id, destination.endpoint), destination))
        });
        let scene = Scene {
            director: self,
            report: self.cluster.as_ref().map(|cluster| Arc::clone(&cluster.handle.report.borrow())),
            silences: self.teller.silences(),
            checks: overview.as_ref().map(|overview| checks(&overview.counters)).unwrap_or_default(),
            standings: overview.map(|overview| overview.standings).unwrap_or_default(),
            services: listing.services.iter().map(|service| (service.id, service)).collect(),
            destinations: destinations.collect(),
            instant: Instant::now(),
            now,
        };
        let snapshot = scene.snapshot();
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    /// Whether there is a snapshot of this moment, and of the document that is committed: who changed it sees it changed.
    fn has_looked(&self, now: Timestamp) -> bool {
        let last = self.snapshots.borrow();
        let age = now.duration_since(last.generated_at);
        let seen = last.cluster.as_ref().map(|cluster| cluster.cib.digest.as_str());
        let committed = self.cluster.as_ref().map(|it| it.handle.report.borrow().view.document.digest());
        let same = seen == committed.map(|it| it.to_string()).as_deref();
        last.snapshot > 0 && age >= SignedDuration::ZERO && age.unsigned_abs() < MOMENT && same
    }
}

impl Scene<'_> {
    fn snapshot(&self) -> Snapshot {
        let director = self.director;
        let services: Vec<_> = director.config.services.iter().map(|it| self.service(it)).collect();
        let outlook = self.outlook();
        let seen = |vip| outlook.as_ref().map_or_else(|| self.lone_vip(vip), |outlook| outlook.vip(vip));
        let vips: Vec<_> =
            director.config.vips.iter().map(|vip| Vip { snat: director.snat(vip), ..seen(vip) }).collect();
        let cluster = outlook.as_ref().zip(director.config.cluster.as_ref());
        let cluster = cluster.map(|(outlook, cluster)| outlook.cluster(cluster));
        let mut problems = self.problems(&services);
        match &cluster {
            Some(cluster) => {
                let before = &director.snapshots.borrow().problems;
                problems.extend(troubles(cluster, &vips, before, self.now));
            }
            None => problems.extend(vips.iter().filter(|vip| !vip.mine).map(missing)),
        }
        problems.sort_by_key(|problem| Reverse(problem.severity));
        Snapshot {
            snapshot: director.snapshots.borrow().snapshot + 1,
            generated_at: self.now,
            node: director.node.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            health: problems.first().map_or(Health::Ok, |problem| problem.severity),
            problems,
            config: FileInForce {
                error: director.refused.as_ref().map(|(_, why)| why.clone()),
                ..director.file.clone()
            },
            cluster,
            vips,
            services,
            checks: self.checks.clone(),
        }
    }

    fn timestamp(&self, at: Instant) -> Timestamp {
        let ago = SignedDuration::try_from(self.instant.saturating_duration_since(at));
        ago.ok().and_then(|ago| self.now.checked_sub(ago).ok()).unwrap_or(self.now)
    }

    /// What the other directors have a say in; nothing where there are none.
    fn outlook(&self) -> Option<Outlook<'_>> {
        let membership = self.director.cluster.as_ref()?;
        Some(Outlook {
            names: &membership.handle.names,
            me: membership.me?,
            report: self.report.as_deref()?,
            memory: &membership.memory,
            moment: cluster_thread::now(),
            now: self.now,
        })
    }

    /// A vip of a director that stands alone.
    fn lone_vip(&self, vip: &crate::config::Vip) -> Vip {
        let interface = vip.interface.clone();
        let holds = |&net| {
            let assignment = crate::kernel::Assignment { interface: interface.clone(), net };
            self.director.actual.holds(&assignment)
        };
        let mine = vip.addresses.iter().all(holds);
        Vip {
            name: vip.name.to_string(),
            addresses: vip.addresses.iter().map(ToString::to_string).collect(),
            interface: vip.interface.to_string(),
            owner: mine.then(|| self.director.node.clone()),
            mine,
            since: self.director.file.loaded_at,
            reason: if mine { "this director stands alone" } else { "an address is not there" }.to_owned(),
            here: if mine { Hold::Held } else { Hold::None },
            lease_remaining_seconds: None,
            pinned_to: None,
            obstacles: BTreeMap::new(),
            announced: None,
            conflicts: Vec::new(),
            moves_total: 0,
            conflicts_total: 0,
            snat: None,
        }
    }

    fn service(&self, service: &VirtualService) -> snapshot::Service {
        let situation = self.director.serving.situation(&service.name);
        let realservers: Vec<_> = service.realservers.iter().map(|it| self.realserver(service, it)).collect();
        let serving = realservers.iter().filter(|it| it.in_kernel && it.effective_weight > 0).count();
        let decision = self.director.serving.decisions().get(&service.name);
        let sum = |count: fn(&Observed) -> u64| -> u64 {
            service.ids.iter().filter_map(|id| self.services.get(id)).map(|it| count(it)).sum()
        };
        let (state, reason, since) = match situation {
            Some(situation) => {
                let reason = match self.silences.get(&service.name) {
                    Some(silence) => format!("{}; alerts: {silence}", situation.reason),
                    None => situation.reason.clone(),
                };
                (situation.state, reason, self.timestamp(situation.since))
            }
            None if serving == 0 => {
                (ServiceState::Down, "no realserver has a weight".to_owned(), self.director.file.loaded_at)
            }
            None => (ServiceState::Up, "not watched".to_owned(), self.director.file.loaded_at),
        };
        let addresses: Vec<String> = service.ids.iter().map(address).collect();
        snapshot::Service {
            name: service.name.to_string(),
            address: addresses.join(", "),
            protocol: match service.ids.first() {
                Some(ServiceId::Address { protocol, .. }) => protocol.name().to_owned(),
                _ => "fwm".to_owned(),
            },
            scheduler: service.definition.scheduler.to_string(),
            forward: service.realservers.first().map_or("", forward).to_owned(),
            state,
            reason,
            since,
            serving: number(serving),
            min_serving: number(decision.map_or(0, |decision| decision.min_serving)),
            connections_total: sum(|it| it.statistics.connections),
            packets_in_total: sum(|it| it.statistics.packets_in),
            packets_out_total: sum(|it| it.statistics.packets_out),
            bytes_in_total: sum(|it| it.statistics.bytes_in),
            bytes_out_total: sum(|it| it.statistics.bytes_out),
            connections_per_second: rate(sum(|it| it.statistics.connection_rate)),
            bytes_in_per_second: rate(sum(|it| it.statistics.byte_rate_in)),
            bytes_out_per_second: rate(sum(|it| it.statistics.byte_rate_out)),
            realservers,
        }
    }

    fn realserver(&self, service: &VirtualService, realserver: &Realserver) -> snapshot::Realserver {
        let key = Key::Realserver(service.name.clone(), realserver.name.clone());
        let seat = self.director.serving.seat(&service.name, &realserver.name);
        let standing = self.standings.get(&key);
        let finding = standing.and_then(|standing| standing.finding.as_ref());
        let seen = || service.ids.iter().filter_map(|id| self.destinations.get(&(*id, realserver.endpoint)));
        let table = &self.director.actual.table;
        let held = service.ids.iter().find_map(|id| table.get(id)?.destinations.get(&realserver.endpoint));
        let (state, reason) = state(seat, standing, monitors(service, realserver).is_empty());
        snapshot::Realserver {
            name: realserver.name.to_string(),
            address: realserver.endpoint.to_string(),
            forward: forward(realserver).to_owned(),
            state,
            reason,
            since: standing.map_or(self.director.file.loaded_at, |standing| self.timestamp(standing.since)),
            weight: realserver.destination.weight.get(),
            effective_weight: held.map_or(0, |destination| destination.weight.get()),
            in_kernel: held.is_some(),
            active: seen().map(|it| it.active).fold(0, u32::saturating_add),
            inactive: seen().map(|it| it.inactive).fold(0, u32::saturating_add),
            connections_total: seen().map(|it| it.statistics.connections).sum(),
            check: finding.map(|finding| Check {
                code: finding.outcome.code.name().to_owned(),
                detail: finding.outcome.detail.clone(),
                seconds: finding.outcome.took.as_secs_f64(),
                at: self.timestamp(finding.at),
            }),
        }
    }

    fn problems(&self, services: &[snapshot::Service]) -> Vec<Problem> {
        let director = self.director;
        let mut problems = Vec::new();
        let mut add = |severity, object: String, what: String, since| {
            problems.push(Problem { severity, object, what, since });
        };
        for service in services {
            let severity = match service.state {
                ServiceState::Up => Health::Ok,
                ServiceState::Degraded | ServiceState::Panic | ServiceState::Fallback => Health::Degraded,
                ServiceState::Down => Health::Critical,
            };
            let object = format!("service {}", service.name);
            if severity > Health::Ok {
                add(severity, object, format!("{}: {}", service.state.name(), service.reason), service.since);
            }
            for it in &service.realservers {
                if matches!(it.state, RealserverState::Down | RealserverState::Held) {
                    let object = format!("realserver {}/{}", service.name, it.name);
                    add(Health::Degraded, object, format!("{}: {}", it.state.name(), it.reason), it.since);
                }
            }
        }
        if let Some((since, what)) = &director.trouble {
            add(Health::Degraded, "kernel".to_owned(), what.clone(), *since);
        }
        if let Some(trouble) = director.rules.rules.trouble() {
            let what = format!("packets may leave with a wrong source: {}", trouble.what);
            add(Health::Degraded, "rules".to_owned(), what, trouble.since);
        }
        if let Some((since, _)) = &director.refused {
            let what = "the file was changed and is refused; the one before is in force".to_owned();
            add(Health::Degraded, "file".to_owned(), what, *since);
        }
        for what in &director.overrides {
            add(Health::Degraded, "sysctl".to_owned(), what.clone(), director.file.loaded_at);
        }
        problems
    }
}

/// A vip that a director which stands alone does not have.
fn missing(vip: &Vip) -> Problem {
    let (object, what) = (format!("vip {}", vip.name), vip.reason.clone());
    Problem { severity: Health::Critical, object, what, since: vip.since }
}

/// How a realserver does, and why.
fn state(seat: Option<&Seat>, standing: Option<&Standing>, unwatched: bool) -> (RealserverState, String) {
    let finding = standing.and_then(|standing| standing.finding.as_ref());
    let failing = finding.filter(|finding| !finding.streak.passed);
    let Some(seat) = seat else { return (RealserverState::Up, "not watched".to_owned()) };
    let state = match (seat.status, failing) {
        (Status::Probing, _) => RealserverState::Probing,
        (Status::Up, Some(_)) => RealserverState::Failing,
        (Status::Up, None) => RealserverState::Up,
        (Status::Down, _) => RealserverState::Down,
        (Status::Draining, _) => RealserverState::Draining,
        (Status::Disabled, _) => RealserverState::Disabled,
        (Status::Held, _) => RealserverState::Held,
    };
    let reason = match (state, failing) {
        (RealserverState::Failing | RealserverState::Down | RealserverState::Held, Some(finding)) => {
            let outcome = &finding.outcome;
            format!("{}: {} {} ({})", seat.reason, outcome.code, outcome.detail, finding.streak)
        }
        (RealserverState::Up, _) if unwatched => "not watched".to_owned(),
        _ => seat.reason.to_string(),
    };
    (state, reason)
}

fn checks(counters: &Counters) -> Checks {
    let Counters { made, lateness, in_flight, held } = counters;
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Checks {
        made: made.iter().map(|(code, made)| (code.name().to_owned(), *made)).collect(),
        in_flight: count(*in_flight),
        held: count(*held),
        lateness: Lateness {
            count: lateness.count,
            sum_seconds: lateness.sum.as_secs_f64(),
            buckets: lateness.buckets().map(|(bound, count)| (bound.as_secs_f64(), count)).collect(),
        },
    }
}

fn address(id: &ServiceId) -> String {
    match id {
        ServiceId::Address { endpoint, .. } => endpoint.to_string(),
        ServiceId::Mark { mark, .. } => format!("fwmark {mark}"),
    }
}

fn forward(realserver: &Realserver) -> &'static str {
    match realserver.destination.forward {
        Forward::Masquerade => "nat",
        Forward::Route => "dr",
        Forward::Tunnel(_) => "tun",
        Forward::Local | Forward::Bypass => "local",
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate of what happens in a second")]
fn rate(count: u64) -> f64 {
    count as f64
}
