//! Who serves: what the checks find and what the operator says, service by service.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use healthcheck::{
    Change, Check, Decision, Finding, Health, Member, Monitor, Origin, Pace, Place, Pool, Seat, Status,
    Subject, Word,
};
use serde::{Deserialize, Serialize};

use crate::config::{Config, Dependency, Name, Realserver, VirtualService};
use crate::snapshot::ServiceState;

/// What checks are made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A realserver of a service.
    Realserver(Name, Name),
    /// An address that services depend on.
    Ping(IpAddr),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Realserver(service, realserver) => write!(f, "{service}/{realserver}"),
            Self::Ping(address) => write!(f, "ping {address}"),
        }
    }
}

/// What an operator said of a realserver, against what its checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// No new connections.
    Drain,
    /// No connections.
    Disable,
}

/// What operators said, by service and realserver.
pub type Words = BTreeMap<String, BTreeMap<String, Said>>;

/// The verdicts of an earlier daemon, by service and realserver: whether it was up.
pub type Kept = BTreeMap<String, BTreeMap<String, bool>>;

/// What was decided, by service; a service that is not here has all its realservers serve.
pub type Decisions = BTreeMap<Name, Decision<Name>>;

/// What is believed of something.
#[derive(Clone, Debug)]
pub struct Belief {
    /// Whether it can serve.
    pub health: Health,
    /// Since when.
    pub since: Instant,
    /// What was found that led to it.
    pub cause: Option<Finding>,
}

/// What the checks found, and who serves therefore.
#[derive(Debug, Default)]
pub struct Serving {
    beliefs: BTreeMap<Key, Belief>,
    pools: BTreeMap<Name, Pool<Name>>,
    decisions: Decisions,
    states: BTreeMap<Name, Situation>,
}

/// What the checks reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// How many of the ping hosts answer.
    pub pings: u8,
    /// Whether none of the realservers is up (0), fewer than half (1) or more (2).
    pub realservers: u8,
    /// Of some realserver it is not known yet.
    pub unknown: bool,
}

/// How well a service is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situation {
    /// In a word.
    pub state: ServiceState,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Instant,
}

impl Situation {
    fn of(service: &VirtualService, decision: &Decision<Name>, now: Instant) -> Self {
        let count = |test: &dyn Fn(&Seat) -> bool| decision.seats.values().filter(|seat| test(seat)).count();
        let serving = count(&|seat| matches!(seat.place, Place::Serving { .. }));
        let held = count(&|seat| seat.status == Status::Held);
        let failing = count(&|seat| matches!(seat.status, Status::Down | Status::Held));
        let waiting = count(&|seat| seat.status == Status::Probing && seat.place == Place::Out);
        let all = decision.seats.len();
        let (state, reason) = match (&service.fallback, serving) {
            (Some(fallback), 0) => {
                (ServiceState::Fallback, format!("no realserver serves; {} does", fallback.endpoint))
            }
            (None, 0) => (ServiceState::Down, "no realserver serves".to_owned()),
            _ if held > 0 => (
                ServiceState::Panic,
                format!(
                    "{held} of {serving} that serve fail, and stay because min_serving is {}",
                    decision.min_serving
                ),
            ),
            _ if failing + waiting > 0 => {
                (ServiceState::Degraded, format!("{serving} of {all} realservers serve, {failing} fail"))
            }
            _ => (ServiceState::Up, format!("{serving} of {all} realservers serve")),
        };
        Self { state, reason, since: now }
    }
}

/// A service that is served otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The service.
    pub service: Name,
    /// How it was served, if that is known.
    pub before: Option<Situation>,
    /// How it is served.
    pub after: Situation,
}

impl Serving {
    /// Believes what an earlier daemon believed.
    pub fn recall(&mut self, kept: &Kept, config: &Config, now: Instant) {
        for (key, _) in realservers(config) {
            let Key::Realserver(service, realserver) = &key else { continue };
            if let Some(&up) = kept.get(service.as_str()).and_then(|it| it.get(realserver.as_str())) {
                let health = if up { Health::Up } else { Health::Down };
                self.beliefs.insert(key, Belief { health, since: now, cause: None });
            }
        }
    }

    /// What a later daemon is to believe.
    #[must_use]
    pub fn keep(&self) -> Kept {
        let mut kept = Kept::new();
        for (key, belief) in &self.beliefs {
            if let (Key::Realserver(service, realserver), Health::Up | Health::Down) = (key, belief.health) {
                let up = belief.health == Health::Up;
                kept.entry(service.to_string()).or_default().insert(realserver.to_string(), up);
            }
        }
        kept
    }

    /// Takes in what the checks changed.
    pub fn note(&mut self, change: &Change<Key>, now: Instant) {
        let belief = Belief { health: change.to, since: now, cause: change.cause.clone() };
        self.beliefs.insert(change.key.clone(), belief);
    }

    /// What is believed of something; nothing as long as nothing is known.
    #[must_use]
    pub fn belief(&self, key: &Key) -> Option<&Belief> {
        self.beliefs.get(key)
    }

    /// Decides anew, for all services or for some; says which are served otherwise than before.
    pub fn decide(
        &mut self,
        now: Instant,
        config: &Config,
        words: &Words,
        some: Option<&BTreeSet<Name>>,
    ) -> Vec<Turn> {
        let mut turns = Vec::new();
        for service in &config.services {
            if some.is_some_and(|some| !some.contains(&service.name)) {
                continue;
            }
            let words = words.get(service.name.as_str());
            if !is_watched(service) && words.is_none() && !self.pools.contains_key(&service.name) {
                continue;
            }
            let members = service.realservers.iter().map(|it| {
                let (health, since) = self.health(service, it, now);
                let word = word(words.and_then(|words| words.get(it.name.as_str())));
                (it.name.clone(), Member { weight: it.destination.weight.get(), word, health, since })
            });
            let members: Vec<_> = members.collect();
            let pool = self.pools.entry(service.name.clone()).or_default();
            let decision = pool.decide(now, &service.policy, members);
            turns.extend(self.turn(service, Situation::of(service, &decision, now)));
            self.decisions.insert(service.name.clone(), decision);
        }
        turns
    }

    fn turn(&mut self, service: &VirtualService, mut after: Situation) -> Option<Turn> {
        let before = self.states.get(&service.name).cloned();
        let same = before.as_ref().filter(|before| before.state == after.state);
        if let Some(before) = same {
            after.since = before.since;
        }
        let is_new = same.is_none();
        self.states.insert(service.name.clone(), after.clone());
        is_new.then(|| Turn { service: service.name.clone(), before, after })
    }

    /// What is believed of a realserver, and since when; one that is seen for the first time is unknown from now on.
    fn health(
        &mut self,
        service: &VirtualService,
        realserver: &Realserver,
        now: Instant,
    ) -> (Health, Instant) {
        if monitors(service, realserver).is_empty() {
            return (Health::Up, now);
        }
        let key = Key::Realserver(service.name.clone(), realserver.name.clone());
        let unknown = || Belief { health: Health::Unknown, since: now, cause: None };
        let belief = self.beliefs.entry(key).or_insert_with(unknown);
        (belief.health, belief.since)
    }

    /// Forgets what a configuration does not have.
    pub fn retain(&mut self, config: &Config) {
        let known: BTreeSet<Key> = subjects(config, self).into_iter().map(|(key, _)| key).collect();
        self.beliefs.retain(|key, _| known.contains(key));
        let services: BTreeSet<&Name> = config.services.iter().map(|service| &service.name).collect();
        self.pools.retain(|name, _| services.contains(name));
        self.decisions.retain(|name, _| services.contains(name));
        self.states.retain(|name, _| services.contains(name));
    }

    /// What was decided.
    #[must_use]
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// How well a service is served; nothing if all its realservers simply serve.
    #[must_use]
    pub fn situation(&self, service: &Name) -> Option<&Situation> {
        self.states.get(service)
    }

    /// What was decided of a realserver; nothing if it simply serves.
    #[must_use]
    pub fn seat(&self, service: &Name, realserver: &Name) -> Option<&Seat> {
        self.decisions.get(service)?.seats.get(realserver)
    }

    /// When which services are to be decided anew, though nothing but time goes on.
    pub fn timeouts(&self) -> impl Iterator<Item = (&Name, Instant)> {
        self.pools.iter().filter_map(|(name, pool)| Some((name, pool.poll_timeout()?)))
    }

    /// What the checks reach.
    #[must_use]
    pub fn reach(&self, ping: &[IpAddr]) -> Reach {
        let up = |health: Health| usize::from(health == Health::Up);
        let pings = ping.iter().filter_map(|address| self.beliefs.get(&Key::Ping(*address)));
        let realservers = self.beliefs.iter().filter(|(key, _)| matches!(key, Key::Realserver(..)));
        let (mut all, mut alive, mut unknown) = (0, 0, false);
        for (_, Belief { health, .. }) in realservers {
            all += 1;
            alive += up(*health);
            unknown |= *health == Health::Unknown;
        }
        Reach {
            pings: u8::try_from(pings.map(|belief| up(belief.health)).sum::<usize>()).unwrap_or(u8::MAX),
            realservers: match alive {
                // Whoever watches nobody misses nobody.
                0 if all > 0 => 0,
                alive if 2 * alive < all => 1,
                _ => 2,
            },
            unknown,
        }
    }

    /// Why a service's failure is nothing to tell: what it depends on, itself or through others, is down.
    #[must_use]
    pub fn held_back(&self, config: &Config, service: &VirtualService) -> Option<String> {
        service.depends.iter().find_map(|dependency| match dependency {
            Dependency::Ping(address) => {
                let down = self.beliefs.get(&Key::Ping(*address))?.health == Health::Down;
                down.then(|| format!("{address}, which it depends on, does not answer"))
            }
            Dependency::Service(name) => {
                if self.decisions.get(name).is_some_and(|decision| decision.fallback) {
                    return Some(format!("the service {name}, which it depends on, is down"));
                }
                // The file has no circles.
                let other = config.services.iter().find(|service| service.name == *name)?;
                self.held_back(config, other)
            }
        })
    }
}

fn word(said: Option<&Said>) -> Word {
    match said {
        None => Word::Enabled,
        Some(Said::Drain) => Word::Draining,
        Some(Said::Disable) => Word::Disabled,
    }
}

/// How a realserver is watched.
#[must_use]
pub fn monitors<'a>(service: &'a VirtualService, realserver: &'a Realserver) -> &'a [Arc<Monitor>] {
    realserver.monitors.as_ref().unwrap_or(&service.monitors)
}

fn is_watched(service: &VirtualService) -> bool {
    !service.monitors.is_empty() || service.realservers.iter().any(|it| it.monitors.is_some())
}

/// The realservers that are watched.
fn realservers(config: &Config) -> impl Iterator<Item = (Key, Subject)> {
    config.services.iter().filter(|service| is_watched(service)).flat_map(|service| {
        service.realservers.iter().filter_map(|it| {
            let monitors = monitors(service, it);
            let subject = Subject {
                realserver: SocketAddr::new(it.endpoint.address(), it.endpoint.port()),
                monitors: monitors.to_vec(),
                initial: Health::Unknown,
            };
            (!monitors.is_empty()).then(|| (Key::Realserver(service.name.clone(), it.name.clone()), subject))
        })
    })
}

/// All that is to be watched.
#[must_use]
pub fn subjects(config: &Config, serving: &Serving) -> Vec<(Key, Subject)> {
    let mut subjects: Vec<_> = realservers(config).collect();
    let targets: BTreeSet<IpAddr> = config
        .services
        .iter()
        .flat_map(|service| &service.depends)
        .filter_map(|dependency| match dependency {
            Dependency::Ping(address) => Some(*address),
            Dependency::Service(_) => None,
        })
        .chain(config.cluster.iter().flat_map(|cluster| &cluster.ping).flat_map(|ping| ping.hosts.clone()))
        .collect();
    let ping = Arc::new(echo());
    subjects.extend(targets.into_iter().map(|address| {
        let monitors = vec![Arc::clone(&ping)];
        let subject = Subject { realserver: SocketAddr::new(address, 0), monitors, initial: Health::Unknown };
        (Key::Ping(address), subject)
    }));
    for (key, subject) in &mut subjects {
        subject.initial = serving.beliefs.get(key).map_or(Health::Unknown, |belief| belief.health);
    }
    subjects
}

/// How an address that services depend on is watched.
fn echo() -> Monitor {
    let second = Duration::from_secs(1);
    Monitor {
        check: Check::Ping,
        address: None,
        port: None,
        origin: Origin::default(),
        timeout: second,
        pace: Pace {
            interval: 2 * second,
            fast_interval: second,
            down_interval: 2 * second,
            rise: NonZeroU32::MIN,
            fall: NonZeroU32::MIN.saturating_add(2),
        },
    }
}
