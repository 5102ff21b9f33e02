//! Where the other directors are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use failover::Moment;
use failover::arp::Arp;

use super::Mac;
use super::asking::Question;
use crate::config::Interface;

/// How often the directors are asked where they are.
const REFRESH: Duration = Duration::from_secs(60);

/// The MAC addresses of the other directors: each is where an address of its links was last seen. One that is
/// silent stays known, since its silence is what the knowledge is for.
#[derive(Debug, Default)]
pub(super) struct Directors {
    addresses: BTreeSet<Ipv4Addr>,
    seen: BTreeMap<(Interface, Ipv4Addr), Mac>,
    /// When to ask next.
    due: Moment,
}

impl Directors {
    /// These are the addresses of their links.
    pub(super) fn set(&mut self, addresses: BTreeSet<Ipv4Addr>) {
        self.seen.retain(|(_, address), _| addresses.contains(address));
        self.addresses = addresses;
        self.ask_again();
    }

    /// There are other interfaces by which they may be met.
    pub(super) const fn ask_again(&mut self) {
        self.due = Moment::from_origin(Duration::ZERO);
    }

    pub(super) fn hear(&mut self, on: &Interface, arp: &Arp) {
        if self.addresses.contains(&arp.sender) {
            self.seen.insert((on.clone(), arp.sender), arp.sender_mac);
        }
    }

    pub(super) fn know(&self, mac: Mac) -> bool {
        self.seen.values().any(|seen| *seen == mac)
    }

    /// What to ask on the interfaces, if it is time.
    pub(super) fn poll<'a>(
        &mut self,
        now: Moment,
        interfaces: impl Iterator<Item = &'a Interface>,
    ) -> Vec<Question> {
        if now < self.due {
            return Vec::new();
        }
        self.due = now + REFRESH;
        let ask = |on: &'a Interface| {
            let addresses = self.addresses.iter();
            addresses.map(|address| Question::Director { on: on.clone(), address: *address })
        };
        interfaces.flat_map(ask).collect()
    }

    pub(super) fn poll_timeout(&self) -> Option<Moment> {
        (!self.addresses.is_empty()).then_some(self.due)
    }
}
