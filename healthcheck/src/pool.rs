//! Who serves: what the checks found, what the operator wants, and how many must stay.

mod choice;
mod decision;
mod policy;
mod ramp;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use self::choice::Choice;
pub use self::decision::{Decision, Place, Reason, Seat, Status};
pub use self::policy::{MinServing, OnFailure, Policy};
use self::ramp::Ramp;
use crate::Health;

/// The operator's word; it outranks the checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Word {
    /// The checks decide.
    #[default]
    Enabled,
    /// It finishes what it has.
    Draining,
    /// It is out.
    Disabled,
}

/// A realserver of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its weight in the file. Without any it gets no new connections, and does not count as serving.
    pub weight: u32,
    /// The operator's word.
    pub word: Word,
    /// What its checks found.
    pub health: Health,
    /// Since when they find that.
    pub since: Instant,
}

impl Member {
    /// Whether it may serve, if its checks let it.
    fn is_able(&self) -> bool {
        self.word == Word::Enabled && self.weight > 0
    }

    /// Whether its checks have found the same for at least so long.
    fn is_settled(&self, now: Instant, span: Duration) -> bool {
        now.saturating_duration_since(self.since) >= span
    }
}

/// Decides who serves, and remembers who did: what was decided holds until there is a reason against it.
#[derive(Debug)]
pub struct Pool<K> {
    /// Those that serve by the latest decision; none before the first.
    serving: Option<BTreeMap<K, Tenure>>,
    timeout: Option<Instant>,
}

/// How a member serves.
#[derive(Clone, Copy, Debug)]
struct Tenure {
    held: bool,
    ramp: Option<Ramp>,
}

impl<K> Default for Pool<K> {
    fn default() -> Self {
        Self { serving: None, timeout: None }
    }
}

impl<K: Ord + Clone> Pool<K> {
    /// Decides anew. The same members at the same time get the same places, however often that is asked.
    pub fn decide(
        &mut self,
        now: Instant,
        policy: &Policy,
        members: impl IntoIterator<Item = (K, Member)>,
    ) -> Decision<K> {
        let members: BTreeMap<K, Member> = members.into_iter().collect();
        let is_first = self.serving.is_none();
        let before = self.serving.take().unwrap_or_default();
        let choice = Choice::new(now, policy, &members, &before);

        let mut serving = BTreeMap::new();
        let mut timeout = choice.timeout(now, policy);
        for (key, member, held) in choice.serving() {
            let ramp = match before.get(key) {
                Some(tenure) => tenure.ramp,
                None => (member.health == Health::Up && !is_first).then(|| Ramp::new(now)),
            };
            let step = ramp.and_then(|ramp| ramp.next_step(now, policy.slow_start, member.weight));
            timeout = timeout.into_iter().chain(step).min();
            serving.insert(key.clone(), Tenure { held, ramp: ramp.filter(|_| step.is_some()) });
        }
        let (min_serving, fallback) = (choice.min_serving, serving.is_empty());

        let seat = |(key, member): (K, Member)| {
            let seat = match serving.get(&key) {
                Some(tenure) => {
                    let weight = tenure.ramp.map(|ramp| ramp.weight(now, policy.slow_start, member.weight));
                    Seat::serving(&member, weight)
                }
                None => Seat::idle(&member, policy.on_failure),
            };
            (key, seat)
        };
        let seats = members.into_iter().map(seat).collect();
        (self.serving, self.timeout) = (Some(serving), timeout);
        Decision { seats, min_serving, fallback }
    }

    /// When the latest decision may be another, though nothing but time goes on.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }
}
