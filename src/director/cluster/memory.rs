//! Since when the cluster is as it is, as this director saw it change.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use failover::core::Notice;
use failover::{LinkId, NodeId, VipId};
use jiff::Timestamp;

use crate::cluster::Told;

/// Something that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::director) enum Thing {
    /// Whether there is a majority with a DC.
    Quorum,
    /// How a node is.
    Node(NodeId),
    /// Whether a link is heard on.
    Link(NodeId, LinkId),
    /// Who is to own a vip.
    Vip(VipId),
}

/// When what changed last.
#[derive(Debug)]
pub(in crate::director) struct Memory {
    start: Timestamp,
    changes: HashMap<Thing, Changes>,
    conflicts: BTreeMap<IpAddr, Conflicts>,
}

/// The changes of a thing.
#[derive(Debug)]
struct Changes {
    count: u64,
    last: Timestamp,
}

/// Those who said that they have an address as well.
#[derive(Clone, Copy, Debug)]
pub(in crate::director) struct Conflicts {
    /// How often somebody did.
    pub(in crate::director) count: u64,
    /// Who did last.
    pub(in crate::director) mac: [u8; 6],
    /// When.
    pub(in crate::director) last: Timestamp,
}

impl Memory {
    /// Nothing has changed yet.
    pub(in crate::director) fn new(start: Timestamp) -> Self {
        Self { start, changes: HashMap::new(), conflicts: BTreeMap::new() }
    }

    /// Takes note of what happened at `now`.
    pub(in crate::director) fn note(&mut self, told: &Told, now: Timestamp) {
        match told {
            Told::Notice(notice) => {
                if let Some(thing) = thing(notice) {
                    let count = self.changes(thing) + 1;
                    self.changes.insert(thing, Changes { count, last: now });
                }
            }
            Told::Foreign(_, address, mac)
            | Told::Reluctant(_, address, mac)
            | Told::Conflict(address, mac) => {
                let count = self.conflicts.get(address).map_or(0, |before| before.count) + 1;
                self.conflicts.insert(*address, Conflicts { count, mac: *mac, last: now });
            }
            _ => {}
        }
    }

    /// Since when something is as it is; since the start if it has not changed.
    pub(in crate::director) fn since(&self, thing: Thing) -> Timestamp {
        self.changes.get(&thing).map_or(self.start, |changes| changes.last)
    }

    /// How often something has changed.
    pub(in crate::director) fn changes(&self, thing: Thing) -> u64 {
        self.changes.get(&thing).map_or(0, |changes| changes.count)
    }

    /// Who else said that he has an address.
    pub(in crate::director) fn conflicts(&self, address: IpAddr) -> Option<Conflicts> {
        self.conflicts.get(&address).copied()
    }
}

fn thing(notice: &Notice) -> Option<Thing> {
    match *notice {
        Notice::Quorum(_) => Some(Thing::Quorum),
        Notice::Heard(node)
        | Notice::Restarted(node)
        | Notice::Dead(node)
        | Notice::Left(node)
        | Notice::Standby(node, _) => Some(Thing::Node(node)),
        Notice::LinkUp(node, link) | Notice::LinkDown(node, link) => Some(Thing::Link(node, link)),
        Notice::Granted { vip, .. } => Some(Thing::Vip(vip)),
        _ => None,
    }
}
