//! Whether somebody is told now: what one alert remembers of one service, and the decision.

use std::fmt;
use std::time::{Duration, Instant};

use super::course::{Course, Moment, Outage, Words};
use crate::config::{Alert, Compare, Occasion};

/// Why nobody is told of a failure now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// For this reason, such as that something fails which the service depends on.
    HeldBack(String),
    /// The alert is not wanted at this time.
    OutOfPeriod,
    /// This outage was told as often as it may be.
    Limit(u32),
    /// The same failure was told; it is told again after this time, if at all.
    Told(Option<Duration>),
    /// The failure is too young, or too rare.
    Early,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeldBack(reason) => write!(f, "held back: {reason}"),
            Self::OutOfPeriod => f.write_str("not in its period"),
            Self::Limit(limit) => write!(f, "told as often as it may be: {limit}"),
            Self::Told(None) => f.write_str("told"),
            Self::Told(Some(left)) => write!(f, "told; again in {}s", left.as_secs()),
            Self::Early => f.write_str("not yet worth telling"),
        }
    }
}

/// What one alert remembers of one service.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The outage that it follows.
    outage: Option<u64>,
    /// How often that was told.
    told: u32,
    /// What was told last, and when.
    last: Option<(Instant, Words)>,
    silence: Option<Silence>,
}

impl Standing {
    /// Why nobody is told of the failure that there is.
    pub(super) fn silence(&self) -> Option<&Silence> {
        self.silence.as_ref()
    }

    /// What is to be told after a look at the service. Whether the alert is for that occasion is not asked here, so
    /// that one alert can tell the begin and another one, with the same conditions, the end.
    pub(super) fn decide(
        &mut self,
        alert: &Alert,
        course: &Course,
        held_back: Option<&str>,
        now: &Moment,
    ) -> Option<Occasion> {
        self.silence = None;
        let outage = course.outage.as_ref()?;
        if outage.ended.is_some() {
            return self.recover(alert, outage, now).then_some(Occasion::Up);
        }
        if self.outage != Some(outage.number) {
            self.outage = Some(outage.number);
            self.told = 0;
            if alert.compare != Compare::Nothing {
                self.last = None;
            }
        }
        self.silence = self.why_silent(alert, course, outage, held_back, now);
        if self.silence.is_some() {
            return None;
        }
        self.told += 1;
        self.last = Some((now.instant, outage.words.clone()));
        Some(Occasion::Down)
    }

    /// In the order of mon, which shows in the reason only.
    fn why_silent(
        &self,
        alert: &Alert,
        course: &Course,
        outage: &Outage,
        held_back: Option<&str>,
        now: &Moment,
    ) -> Option<Silence> {
        if let Some(reason) = held_back {
            return Some(Silence::HeldBack(reason.to_owned()));
        }
        if !alert.period.contains(now.wall.datetime()) {
            return Some(Silence::OutOfPeriod);
        }
        if let Some(limit) = alert.limit.filter(|limit| self.told >= limit.get()) {
            return Some(Silence::Limit(limit.get()));
        }
        if let Some((at, words)) = &self.last {
            let is_same = match alert.compare {
                Compare::Summary => words.summary == outage.words.summary,
                Compare::Detail => *words == outage.words,
                Compare::Nothing => true,
            };
            let ago = now.instant.saturating_duration_since(*at);
            let left = alert.every.map(|every| every.saturating_sub(ago));
            if is_same && left != Some(Duration::ZERO) {
                return Some(Silence::Told(left));
            }
        }
        (!course.has_reached(alert.after, outage, now)).then_some(Silence::Early)
    }

    /// Whether the end of an outage is told. There is one chance: at the first look after it.
    fn recover(&mut self, alert: &Alert, outage: &Outage, now: &Moment) -> bool {
        self.outage.take() == Some(outage.number)
            && (self.told > 0 || alert.always_up)
            && outage.length(now) >= alert.up_after
            && alert.period.contains(now.wall.datetime())
    }
}
