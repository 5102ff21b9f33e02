//! What the neighbours are asked, and when.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;
use std::vec::IntoIter;

use failover::arp::Arp;
use failover::{Moment, VipId};

use super::Mac;
use crate::config::Interface;

/// The most questions that go out within a time, and that time: switches throttle ARP, and heartbeats must not wait.
pub(super) const BURST: usize = 16;
pub(super) const WITHIN: Duration = Duration::from_millis(10);

/// What is asked. The kinds come in the order of their urgency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    /// Whether anybody has the address of a vip that this node is to take.
    Probe { vip: VipId, on: Interface, address: Ipv4Addr },
    /// Whether a neighbour knows where the address of a vip is now.
    Confirm { vip: VipId, on: Interface, address: Ipv4Addr, neighbour: Ipv4Addr },
    /// Where another director is.
    Director { on: Interface, address: Ipv4Addr },
}

impl Question {
    pub(super) const fn on(&self) -> &Interface {
        match self {
            Self::Probe { on, .. } | Self::Confirm { on, .. } | Self::Director { on, .. } => on,
        }
    }

    /// How it is asked by somebody with this MAC address.
    pub(super) const fn arp(&self, mac: Mac) -> Arp {
        match *self {
            Self::Probe { address, .. } | Self::Director { address, .. } => Arp::probe(mac, address),
            Self::Confirm { address, neighbour, .. } => Arp::question(mac, address, neighbour),
        }
    }
}

/// The questions that are still to be asked. A late caller delays the rest of a train; it never causes a burst.
#[derive(Debug, Default)]
pub(super) struct Asking {
    trains: BTreeMap<Question, Train>,
    /// When the last questions went out, at most [`BURST`] of them, the oldest first.
    gone: VecDeque<Moment>,
}

#[derive(Debug)]
struct Train {
    due: Moment,
    gaps: IntoIter<Duration>,
}

impl Asking {
    /// Asks now, and again after each of the gaps.
    pub(super) fn start(&mut self, now: Moment, question: Question, gaps: Vec<Duration>) {
        self.trains.insert(question, Train { due: now, gaps: gaps.into_iter() });
    }

    /// Asks no more what is not `wanted`.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Question) -> bool) {
        self.trains.retain(|question, _| wanted(question));
    }

    /// Asks this no more.
    pub(super) fn stop(&mut self, question: &Question) {
        self.trains.remove(question);
    }

    /// What to ask now.
    pub(super) fn poll(&mut self, now: Moment) -> Vec<Question> {
        self.gone.retain(|at| now < *at + WITHIN);
        let mut asked = Vec::new();
        self.trains.retain(|question, train| {
            if self.gone.len() == BURST || now < train.due {
                return true;
            }
            self.gone.push_back(now);
            asked.push(question.clone());
            let gap = train.gaps.next();
            train.due = now + gap.unwrap_or_default();
            gap.is_some()
        });
        asked
    }

    /// When [`poll`](Self::poll) has something to ask next.
    pub(super) fn poll_timeout(&self) -> Option<Moment> {
        let due = self.trains.values().map(|train| train.due).min()?;
        let room = self.gone.front().filter(|_| self.gone.len() == BURST).map(|at| *at + WITHIN);
        Some(room.map_or(due, |room| room.max(due)))
    }
}
