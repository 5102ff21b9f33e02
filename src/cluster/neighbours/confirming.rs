//! Who knows where a vip is.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::Announced;

/// For each neighbour, the addresses of a vip that it was asked about, and whether it answered.
#[derive(Debug, Default)]
pub(super) struct Confirmation(BTreeMap<Ipv4Addr, BTreeMap<Ipv4Addr, bool>>);

impl Confirmation {
    /// These neighbours, and no others, are asked about an address from now on.
    pub(super) fn ask(&mut self, address: Ipv4Addr, neighbours: &[Ipv4Addr]) {
        self.drop_address(address);
        for neighbour in neighbours {
            self.0.entry(*neighbour).or_default().insert(address, false);
        }
    }

    pub(super) fn drop_address(&mut self, address: Ipv4Addr) {
        self.0.retain(|_, answered| {
            answered.remove(&address);
            !answered.is_empty()
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A neighbour answered about an address; nothing if that is no news. Says whether it has answered about all.
    pub(super) fn hear(&mut self, address: Ipv4Addr, neighbour: Ipv4Addr) -> Option<bool> {
        let answered = self.0.get_mut(&neighbour)?;
        let this = answered.get_mut(&address).filter(|answered| !**answered)?;
        *this = true;
        Some(is_complete(answered))
    }

    pub(super) fn announced(&self) -> Announced {
        let complete = self.0.iter().filter(|(_, answered)| is_complete(answered));
        Announced {
            asked: self.0.keys().copied().map(IpAddr::V4).collect(),
            confirmed: complete.map(|(neighbour, _)| IpAddr::V4(*neighbour)).collect(),
            ..Announced::default()
        }
    }
}

fn is_complete(answered: &BTreeMap<Ipv4Addr, bool>) -> bool {
    answered.values().all(|answered| *answered)
}
