//! Alerts: who is told that a service fails, or does not fail any more.
//!
//! Programs are called as mon calls its alerts, so that those written for mon go on working. Everything but
//! [`Sender`] is pure: time and what was seen are arguments.

mod convention;
mod course;
mod message;
mod period;
mod policy;
mod queue;
mod rules;
mod send;
#[cfg(test)]
mod tests;

use crate::config;

pub use convention::{Failing, Payload, arguments, environment, input};
pub use course::{Finding, History, Moment, Observation, Outage, Words};
pub use message::{AT_ONCE, Delivery, Message, bounded};
pub use period::{Malformed, Period};
pub use policy::Silence;
pub use rules::{Round, Rules};
pub use send::{Sender, Undelivered};

/// All alerts of a configuration, and the way out for their messages.
pub struct Alerts {
    rules: Rules,
    sender: Sender,
}

impl Alerts {
    /// Alerts that have not told anybody anything.
    #[must_use]
    pub fn new(alerts: &[config::Alert], sender: Sender) -> Self {
        Self { rules: Rules::new(alerts), sender }
    }

    /// Takes the alerts of another configuration. Those that are the same go on as they were.
    pub fn reload(&mut self, alerts: &[config::Alert]) {
        self.rules.reload(alerts);
    }

    /// Takes a look at every service in, about once a second, and hands what is to be told to the sender.
    pub fn observe(&mut self, now: &Moment, seen: &[Observation]) -> Round {
        let round = self.rules.observe(now, seen);
        for delivery in &round.deliveries {
            self.sender.send(delivery.clone());
        }
        round
    }

    /// The failures of which nobody is told now, and why.
    pub fn silences(&self) -> impl Iterator<Item = (&config::Alert, &config::Name, &Silence)> {
        self.rules.silences()
    }

    /// How many messages were dropped because too many waited.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.sender.dropped()
    }
}
