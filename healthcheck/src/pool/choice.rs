//! Which of the realservers of a service serve.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Instant;

use super::{Member, Policy, Tenure};
use crate::Health;

/// The members that could serve, by whether they do.
pub(super) struct Choice<'a, K> {
    /// How few serve at least.
    pub(super) min_serving: usize,
    /// Those that serve in their own right.
    right: Vec<(&'a K, &'a Member)>,
    /// Those that serve although their checks fail.
    held: Vec<(&'a K, &'a Member)>,
    /// Those that wait for their first verdict.
    waiting: Vec<(&'a K, &'a Member)>,
}

impl<'a, K: Ord> Choice<'a, K> {
    /// Chooses among `members`, of which those in `before` serve until now.
    pub(super) fn new(
        now: Instant,
        policy: &Policy,
        members: &'a BTreeMap<K, Member>,
        before: &BTreeMap<K, Tenure>,
    ) -> Self {
        let able: Vec<_> = members.iter().filter(|(_, member)| member.is_able()).collect();
        let min_serving = policy.min_serving.of(able.len());
        let anybody_up = able.iter().any(|(_, member)| member.health == Health::Up);
        let (mut right, mut waiting, mut failing) = (Vec::new(), Vec::new(), Vec::new());
        for (key, member) in able {
            let trusted = !anybody_up || before.contains_key(key) || member.is_settled(now, policy.patience);
            let class = match member.health {
                Health::Up => &mut right,
                Health::Unknown if trusted => &mut right,
                Health::Unknown => &mut waiting,
                Health::Down => &mut failing,
            };
            class.push((key, member));
        }

        // Who has no verdict is a better bet than who failed, but does not replace one that is held already.
        let was_held = |key: &K| before.get(key).map(|tenure| tenure.held);
        let held_before = failing.iter().filter(|(key, _)| was_held(key) == Some(true)).count();
        let proven = right.iter().filter(|(_, member)| is_proven(member, now, policy)).count();
        let short = min_serving.saturating_sub(right.len() + held_before);
        waiting.sort_by_key(|(_, member)| member.since);
        right.extend(waiting.drain(..short.min(waiting.len())));

        // Too few others make a member held, and it is let go when enough of them are proven. Held are those that
        // served most recently: who is held already, then who serves until now, then by when they failed.
        let (fewest, most) = (min_serving.saturating_sub(right.len()), min_serving.saturating_sub(proven));
        failing.sort_by_key(|(key, member)| Reverse((was_held(key), member.since)));
        failing.truncate(held_before.min(most).max(fewest));
        Self { min_serving, right, held: failing, waiting }
    }

    /// Those that serve, and whether they are held.
    pub(super) fn serving(&self) -> impl Iterator<Item = (&'a K, &'a Member, bool)> {
        let right = self.right.iter().map(|&(key, member)| (key, member, false));
        right.chain(self.held.iter().map(|&(key, member)| (key, member, true)))
    }

    /// When the choice may be another, though nothing but time goes on.
    pub(super) fn timeout(&self, now: Instant, policy: &Policy) -> Option<Instant> {
        let patience = self.waiting.iter().map(|(_, member)| member.since.checked_add(policy.patience));
        let unproven = self.right.iter().filter(|(_, member)| {
            !self.held.is_empty() && member.health == Health::Up && !is_proven(member, now, policy)
        });
        let hold = unproven.map(|(_, member)| member.since.checked_add(policy.hold));
        patience.chain(hold).flatten().min()
    }
}

fn is_proven(member: &Member, now: Instant, policy: &Policy) -> bool {
    member.health == Health::Up && member.is_settled(now, policy.hold)
}
