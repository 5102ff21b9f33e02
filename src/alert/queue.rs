//! Messages that wait for their delivery: a bounded number, of which the oldest go first when there are too many.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::message::Delivery;
use crate::config::Alert;

/// How many deliveries to one recipient go on at once, at most: one that hangs leaves room for others.
const SHARE: usize = 2;

/// Deliveries that must not overtake one another: an outage and its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    alert: Arc<Alert>,
    service: String,
}

impl Lane {
    pub(super) fn of(delivery: &Delivery) -> Self {
        Self { alert: Arc::clone(&delivery.alert), service: delivery.message.service.clone() }
    }

    /// Whether this and those that are busy may go on at once.
    fn is_free(&self, busy: &HashSet<Self>) -> bool {
        let to_same = |lane: &&Self| lane.alert.action == self.alert.action;
        !busy.contains(self) && busy.iter().filter(to_same).count() < SHARE
    }
}

/// Waiting deliveries; one task takes them out.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    waiting: Mutex<VecDeque<Delivery>>,
    added: Notify,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, waiting: Mutex::default(), added: Notify::new() }
    }

    /// Adds a delivery; returns the oldest one if there is no room for it any more.
    pub(super) fn push(&self, delivery: Delivery) -> Option<Delivery> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(delivery);
        self.added.notify_one();
        if waiting.len() > self.capacity { waiting.pop_front() } else { None }
    }

    /// Waits for a delivery that is in none of the busy lanes, and whose recipient has not its share of them.
    pub(super) async fn next(&self, busy: &HashSet<Lane>) -> Delivery {
        loop {
            if let Some(delivery) = self.take(busy) {
                return delivery;
            }
            self.added.notified().await;
        }
    }

    fn take(&self, busy: &HashSet<Lane>) -> Option<Delivery> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let index = waiting.iter().position(|delivery| Lane::of(delivery).is_free(busy))?;
        waiting.remove(index)
    }
}
