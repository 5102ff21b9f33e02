//! Who is told of failures.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use healthcheck::{Code, Status};
use jiff::Zoned;

use super::{Cause, Director};
use crate::alert::{Alerts, Finding, Moment, Observation, Sender};
use crate::config::{Config, Name, VirtualService};
use crate::events::{Events, Kind};
use crate::serving::Key;

/// How often it is looked whether somebody is to be told.
const LOOK: Duration = Duration::from_secs(1);

/// The alerts, if there are any, and when they are next looked at.
#[derive(Default)]
pub(super) struct Teller {
    alerts: Option<Alerts>,
    due: Option<Instant>,
}

impl Teller {
    /// When it is next to be looked whether somebody is to be told.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes the alerts of another configuration.
    pub(super) fn reload(&mut self, config: &Config, node: &str, events: &Events) {
        if config.alerts.is_empty() && config.downtime_log.is_none() {
            *self = Self::default();
            return;
        }
        self.due.get_or_insert_with(|| Instant::now() + LOOK);
        if let Some(alerts) = &mut self.alerts {
            return alerts.reload(&config.alerts);
        }
        let listener = events.clone();
        let sender = Sender::start(node, move |undelivered| {
            let what = undelivered.to_string();
            listener.record(Kind::AlertFailed, undelivered.service, what, "alert");
        });
        match sender {
            Ok(sender) => self.alerts = Some(Alerts::new(&config.alerts, sender)),
            Err(error) => events.record(Kind::AlertFailed, "alerts", format!("{error:#}"), "alert"),
        }
    }
}

impl Director {
    /// Looks whether somebody is to be told.
    pub(super) async fn tell(&mut self, now: Instant) {
        self.teller.due = Some(now + LOOK);
        let streaks = self.streaks().await;
        let seen: Vec<Observation> =
            self.config.services.iter().map(|service| self.observation(service, &streaks)).collect();
        let moment = Moment { instant: now, wall: Zoned::now() };
        let Some(alerts) = &mut self.teller.alerts else { return };
        let round = alerts.observe(&moment, &seen);
        let Some(log) = self.config.downtime_log.clone() else { return };
        if round.ended.is_empty() {
            return;
        }
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            for downtime in round.ended {
                if let Err(error) = downtime.append_to(&log) {
                    let what = format!("write {}: {error}", log.display());
                    events.record(Kind::AlertFailed, downtime.service, what, Cause::Check.name());
                }
            }
        });
    }

    /// How many checks of each failing realserver have failed in a row.
    async fn streaks(&self) -> BTreeMap<Key, u32> {
        let decisions = self.serving.decisions().values();
        let fails = decisions.flat_map(|it| it.seats.values()).any(|seat| is_failing(seat.status));
        if !fails {
            return BTreeMap::new();
        }
        let Some(overview) = self.watch.checks.overview().await else { return BTreeMap::new() };
        let streak = |(key, standing): (Key, healthcheck::Standing)| {
            let streak = standing.finding.map(|finding| finding.streak).filter(|streak| !streak.passed)?;
            Some((key, streak.length))
        };
        overview.standings.into_iter().filter_map(streak).collect()
    }

    fn observation(&self, service: &VirtualService, streaks: &BTreeMap<Key, u32>) -> Observation {
        let key = |realserver: &Name| Key::Realserver(service.name.clone(), realserver.clone());
        let finding = |realserver: &Name| {
            let cause = self.serving.belief(&key(realserver)).and_then(|belief| belief.cause.as_ref());
            match cause {
                Some(found) => Finding { code: found.outcome.code, detail: found.outcome.detail.clone() },
                None => Finding { code: Code::L4Connection, detail: "down before the restart".to_owned() },
            }
        };
        let seats = self.serving.decisions().get(&service.name).map(|decision| &decision.seats);
        let failing = seats.into_iter().flatten().filter(|(_, seat)| is_failing(seat.status));
        let failing: BTreeMap<Name, Finding> =
            failing.map(|(realserver, _)| (realserver.clone(), finding(realserver))).collect();
        let failures = failing.keys().filter_map(|it| streaks.get(&key(it))).max().copied();
        Observation {
            service: service.name.clone(),
            group: service.group.clone(),
            realservers: service.realservers.iter().map(|it| it.name.clone()).collect(),
            failures: failures.unwrap_or_else(|| u32::from(!failing.is_empty())),
            failing,
            interval: service.monitors.first().map_or(LOOK, |monitor| monitor.pace.interval),
            held_back: self.serving.held_back(&self.config, service),
        }
    }
}

fn is_failing(status: Status) -> bool {
    matches!(status, Status::Down | Status::Held)
}
