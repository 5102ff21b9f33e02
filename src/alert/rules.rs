//! All alerts over all services: a look at everything goes in, what is to be told comes out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::course::{Course, Moment, Observation};
use super::message::{Delivery, Message, bounded};
use super::policy::{Silence, Standing};
use crate::config::{Alert, Name, Occasion};
use crate::downtime::Downtime;

/// What came of one look at everything.
#[derive(Debug, Default)]
pub struct Round {
    /// What is told now.
    pub deliveries: Vec<Delivery>,
    /// The outages that ended.
    pub ended: Vec<Downtime>,
}

/// All alerts, with what they remember.
#[derive(Debug, Default)]
pub struct Rules {
    each: Vec<Rule>,
    courses: HashMap<Name, Course>,
    is_started: bool,
}

#[derive(Debug)]
struct Rule {
    alert: Arc<Alert>,
    standings: HashMap<Name, Standing>,
}

impl Rules {
    /// Alerts that remember nothing.
    #[must_use]
    pub fn new(alerts: &[Alert]) -> Self {
        let mut rules = Self::default();
        rules.reload(alerts);
        rules
    }

    /// Takes other alerts. Those that are the same go on as they were.
    pub fn reload(&mut self, alerts: &[Alert]) {
        let mut old = std::mem::take(&mut self.each);
        let rule = |alert: &Alert| match old.iter().position(|rule| *rule.alert == *alert) {
            Some(index) => old.swap_remove(index),
            None => Rule { alert: Arc::new(alert.clone()), standings: HashMap::new() },
        };
        self.each = alerts.iter().map(rule).collect();
    }

    /// Takes a look at every service in. A service that is not in it is forgotten.
    pub fn observe(&mut self, now: &Moment, seen: &[Observation]) -> Round {
        let mut round = Round::default();
        for observation in seen {
            let course = self.courses.entry(observation.service.clone()).or_default();
            let ended = course.look(now, observation);
            round.ended.extend(ended.map(|outage| Downtime::of(observation, outage, now)));
        }
        let is_start = !std::mem::replace(&mut self.is_started, true);
        for rule in &mut self.each {
            let message = |observation: &Observation| {
                let course = self.courses.get(&observation.service)?;
                rule.message(course, observation, is_start, now)
            };
            let due = bounded(seen.iter().filter_map(message).collect());
            let alert = &rule.alert;
            let delivery = |message| Delivery { alert: Arc::clone(alert), message: Arc::new(message) };
            round.deliveries.extend(due.into_iter().map(delivery));
        }
        if self.courses.len() > seen.len() {
            let present: HashSet<&Name> = seen.iter().map(|observation| &observation.service).collect();
            self.courses.retain(|name, _| present.contains(name));
            for rule in &mut self.each {
                rule.standings.retain(|name, _| present.contains(name));
            }
        }
        round
    }

    /// The failures of which nobody is told now, and why.
    pub fn silences(&self) -> impl Iterator<Item = (&Alert, &Name, &Silence)> {
        self.each.iter().flat_map(|rule| {
            let alert = &*rule.alert;
            rule.standings.iter().filter_map(move |(name, standing)| Some((alert, name, standing.silence()?)))
        })
    }
}

impl Rule {
    /// What is to be told of a service.
    fn message(
        &mut self,
        course: &Course,
        seen: &Observation,
        is_start: bool,
        now: &Moment,
    ) -> Option<Message> {
        let alert = &self.alert;
        if alert.services.as_ref().is_some_and(|services| !services.contains(&seen.service)) {
            return None;
        }
        let standing = self.standings.entry(seen.service.clone()).or_default();
        let decided = standing.decide(alert, course, seen.held_back.as_deref(), now);
        let started = (is_start && alert.period.contains(now.wall.datetime())).then_some(Occasion::Startup);
        // A failure at the start says more than the start.
        let occasion = [decided, started].into_iter().flatten().find(|it| alert.on.contains(it))?;
        let outage = course.outage.as_ref().filter(|_| occasion != Occasion::Startup);
        let failing = outage.filter(|outage| outage.ended.is_none());
        Some(Message {
            occasion,
            service: seen.service.to_string(),
            group: seen.group.to_string(),
            services: 1,
            realservers: seen.realservers.clone(),
            failing: failing.map_or_else(BTreeMap::new, |outage| outage.failing.clone()),
            words: outage.map(|outage| outage.words.clone()).unwrap_or_default(),
            at: now.timestamp(),
            history: course.history,
        })
    }
}
