//! What others did to the addresses of vips, and how it is mended.

use std::collections::BTreeSet;
use std::net::IpAddr;

use failover::VipId;

use super::super::Told;
use super::{Floating, Place};
use crate::kernel::address::Assigned;
use crate::kernel::{Assignment, error_text};

impl Floating {
    /// Puts back what somebody took away from a vip of this node, and takes off what somebody put there.
    pub(super) fn repair(&mut self) {
        let assigned = match self.addresses.list() {
            Ok(assigned) => assigned,
            Err(error) => return self.told.push(Told::Failed(error_text(&error))),
        };
        let missing: Vec<(VipId, Assignment)> = self
            .vips
            .iter()
            .filter(|(_, vip)| vip.place == Place::On)
            .flat_map(|(id, vip)| vip.assignments.iter().map(|it| (*id, it.clone())))
            .filter(|(_, it)| !holds(&assigned, it))
            .collect();
        for (id, assignment) in missing {
            match self.addresses.add(&assignment.interface, assignment.net) {
                Ok(()) => self.told.push(Told::Restored(assignment)),
                Err(error) => self.told.push(Told::Failed(error_text(&error))),
            }
            self.announce(id);
        }
        for assignment in self.strays(&assigned) {
            match self.addresses.remove(&assignment.interface, assignment.net) {
                Ok(()) => self.told.push(Told::Removed(assignment)),
                Err(error) => self.told.push(Told::Failed(error_text(&error))),
            }
        }
    }

    /// Addresses of vips that are not this node's, whatever the length of their prefix.
    pub(super) fn strays(&self, assigned: &[Assigned]) -> Vec<Assignment> {
        let off: BTreeSet<IpAddr> = self
            .vips
            .values()
            .filter(|vip| vip.place == Place::Off)
            .flat_map(|vip| vip.assignments.iter().map(|assignment| assignment.net.addr()))
            .collect();
        let strays = assigned.iter().filter(|it| {
            // On a loopback it is the realserver's way to take packets for it, and `arp_ignore` keeps it from the network.
            let loopback = self.links.get(&it.interface).is_some_and(|link| link.loopback);
            off.contains(&it.net.addr()) && !loopback
        });
        strays.map(|it| Assignment { interface: it.interface.clone(), net: it.net }).collect()
    }
}

/// Whether an address is where it belongs.
pub(super) fn holds(assigned: &[Assigned], assignment: &Assignment) -> bool {
    assigned.iter().any(|it| it.interface == assignment.interface && it.net == assignment.net)
}
