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
    changes: HashMap<Thing, Timestamp>,
    conflicts: BTreeMap<IpAddr, ([u8; 6], Timestamp)>,
}

impl Memory {
    /// Nothing has changed yet.
    pub(in crate::director) fn new(start: Timestamp) -> Self {
        Self { start, changes: HashMap::new(), conflicts: BTreeMap::new() }
    }

    /// Takes note of what happened at `now`.
    pub(in crate::director) fn note(&mut self, told: &Told, now: Timestamp) {
        match told {
            Told::Notice(notice) => self.changes.extend(thing(notice).map(|thing| (thing, now))),
            Told::Foreign(_, address, mac)
            | Told::Reluctant(_, address, mac)
            | Told::Conflict(address, mac) => {
                self.conflicts.insert(*address, (*mac, now));
            }
            _ => {}
        }
    }

    /// Since when something is as it is; since the start if it has not changed.
    pub(in crate::director) fn since(&self, thing: Thing) -> Timestamp {
        self.changes.get(&thing).copied().unwrap_or(self.start)
    }

    /// Who else last said that he has an address, and when.
    pub(in crate::director) fn conflict(&self, address: IpAddr) -> Option<([u8; 6], Timestamp)> {
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
