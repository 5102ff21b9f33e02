//! Who has the addresses of a vip that is to be taken.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use failover::Moment;

use super::Mac;
use crate::config::Interface;

/// Who has an address that this node is to take; the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cluster) enum Verdict {
    /// Nobody answered.
    Free,
    /// Another director, which should not have it any more.
    Director(IpAddr, Mac),
    /// Somebody who is no director.
    Foreign(IpAddr, Mac),
}

/// A probe under way: each address is asked for twice.
#[derive(Debug)]
pub(super) struct Probe {
    addresses: BTreeSet<(Interface, Ipv4Addr)>,
    /// The time between the two questions, and after the last.
    gap: Duration,
    /// How many questions have not gone out yet.
    unasked: usize,
    ends: Moment,
    verdict: Verdict,
}

impl Probe {
    pub(super) fn new(now: Moment, addresses: &[(Interface, Ipv4Addr)], patience: Duration) -> Self {
        let addresses: BTreeSet<_> = addresses.iter().cloned().collect();
        let ends = if addresses.is_empty() { now } else { now + patience };
        let unasked = 2 * addresses.len();
        Self { addresses, gap: patience / 2, unasked, ends, verdict: Verdict::Free }
    }

    pub(super) const fn addresses(&self) -> &BTreeSet<(Interface, Ipv4Addr)> {
        &self.addresses
    }

    pub(super) const fn gap(&self) -> Duration {
        self.gap
    }

    /// A question went out.
    pub(super) fn went_out(&mut self, now: Moment) {
        self.unasked -= 1;
        self.ends = self.ends.max(now + self.gap);
    }

    /// Somebody has an address.
    pub(super) fn hear(&mut self, about: &(Interface, Ipv4Addr), verdict: Verdict) {
        if self.addresses.contains(about) {
            self.verdict = self.verdict.max(verdict);
        }
    }

    /// When the time for answers is over, if that is known yet.
    pub(super) fn ends(&self) -> Option<Moment> {
        (self.unasked == 0).then_some(self.ends)
    }

    pub(super) const fn verdict(&self) -> Verdict {
        self.verdict
    }
}
