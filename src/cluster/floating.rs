//! The addresses of vips: on their interfaces while this node owns them, and at no other time.

mod repair;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use failover::message::Bar;
use failover::{Moment, VipId};

use super::Told;
use super::announcer::Announcer;
use crate::config::Interface;
use crate::kernel::address::{Addresses, Error, Link, Notices};
use crate::kernel::{Assignment, error_text};

use repair::holds;

/// How often an address that does not go is tried again.
const RETRY: Duration = Duration::from_millis(20);

/// What is to be told to the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All addresses are off.
    Withdrawn(VipId),
    /// Not all addresses could be put on; none is there.
    Failed(VipId),
}

/// The addresses of all vips.
pub(super) struct Floating {
    addresses: Addresses,
    notices: Notices,
    announcer: Announcer,
    links: BTreeMap<Interface, Link>,
    vips: BTreeMap<VipId, Vip>,
    outcomes: Vec<Outcome>,
    told: Vec<Told>,
}

#[derive(Debug, Default)]
struct Vip {
    assignments: Vec<Assignment>,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Off,
    On,
    /// It has to go, and did not yet.
    Leaving {
        failed: bool,
        retry: Moment,
    },
}

impl Floating {
    /// Opens what is needed, and takes all addresses of these vips off: an earlier life may have left them.
    pub(super) fn open(vips: &[(VipId, Vec<Assignment>)]) -> anyhow::Result<Self> {
        let mut floating = Self {
            notices: Notices::open()?,
            addresses: Addresses::open()?,
            announcer: Announcer::open()?,
            links: BTreeMap::new(),
            vips: BTreeMap::new(),
            outcomes: Vec::new(),
            told: Vec::new(),
        };
        floating.links = floating.addresses.links()?;
        floating.configure(vips);
        let assigned = floating.addresses.list()?;
        for assignment in floating.strays(&assigned) {
            floating.addresses.remove(&assignment.interface, assignment.net)?;
        }
        Ok(floating)
    }

    /// Other vips, or other addresses of them. What is on an interface and is a vip's no more is taken off.
    pub(super) fn configure(&mut self, vips: &[(VipId, Vec<Assignment>)]) {
        let kept: BTreeSet<&Assignment> = vips.iter().flat_map(|(_, assignments)| assignments).collect();
        let gone: Vec<Assignment> = self
            .vips
            .values()
            .filter(|vip| vip.place != Place::Off)
            .flat_map(|vip| &vip.assignments)
            .filter(|assignment| !kept.contains(assignment))
            .cloned()
            .collect();
        for assignment in gone {
            self.announcer.forget(&assignment);
            if let Err(error) = self.addresses.remove(&assignment.interface, assignment.net) {
                self.told.push(Told::Failed(error_text(&error)));
            }
        }
        let known: BTreeSet<VipId> = vips.iter().map(|(id, _)| *id).collect();
        let ids = self.vips.keys().copied().filter(|id| !known.contains(id));
        for id in ids.collect::<Vec<_>>() {
            self.announcer.stop(id, &[]);
            self.vips.remove(&id);
            self.outcomes.push(Outcome::Withdrawn(id));
        }
        for (id, assignments) in vips {
            let vip = self.vips.entry(*id).or_default();
            vip.assignments.clone_from(assignments);
        }
        self.repair();
    }

    /// Puts the addresses of a vip on, as long as `allowed` says so.
    pub(super) fn take(&mut self, id: VipId, now: Moment, allowed: impl Fn() -> bool) {
        let Some(vip) = self.vips.get_mut(&id) else { return self.outcomes.push(Outcome::Failed(id)) };
        if !allowed() {
            return;
        }
        let assignments = vip.assignments.clone();
        vip.place = Place::On;
        for assignment in &assignments {
            if let Err(error) = self.addresses.add(&assignment.interface, assignment.net) {
                self.told.push(Told::Failed(error_text(&error)));
                return self.leave(id, now, true);
            }
        }
        // Whoever was asleep until now may have put on what is another's by now.
        if !allowed() {
            return self.leave(id, now, false);
        }
        self.announce(id);
        self.send_announcements();
    }

    /// Does not put a vip on, since something that it needs is not there.
    pub(super) fn fail(&mut self, id: VipId, now: Moment, why: String) {
        self.told.push(Told::Failed(why));
        self.leave(id, now, true);
    }

    /// Takes the addresses of a vip off.
    pub(super) fn yield_up(&mut self, id: VipId, now: Moment) {
        self.leave(id, now, false);
    }

    fn leave(&mut self, id: VipId, now: Moment, failed: bool) {
        let Some(vip) = self.vips.get_mut(&id) else { return self.outcomes.push(Outcome::Withdrawn(id)) };
        self.announcer.stop(id, &vip.assignments);
        let mut errors = Vec::new();
        for assignment in &vip.assignments {
            if let Err(error) = self.addresses.remove(&assignment.interface, assignment.net) {
                errors.push(error_text(&error));
            }
        }
        // Only what was read back is gone.
        let gone = match self.addresses.list() {
            Ok(assigned) => !vip.assignments.iter().any(|it| holds(&assigned, it)),
            Err(error) => {
                errors.push(error_text(&error));
                false
            }
        };
        if gone {
            vip.place = Place::Off;
            self.outcomes.push(if failed { Outcome::Failed(id) } else { Outcome::Withdrawn(id) });
        } else {
            if !matches!(vip.place, Place::Leaving { .. }) {
                self.told.extend(errors.into_iter().map(Told::Failed));
            }
            vip.place = Place::Leaving { failed, retry: now + RETRY };
        }
    }

    /// Hears what others did, mends it, and announces what is due.
    /// Says whether links changed.
    pub(super) fn work(&mut self, now: Moment) -> Result<bool, Error> {
        let changes = self.notices.drain()?;
        if changes.links {
            let before = std::mem::take(&mut self.links);
            self.links = self.addresses.links()?;
            self.announce_on_risen_links(&before);
        }
        if changes.addresses {
            self.repair();
        }
        let leaving = self.vips.iter().filter_map(|(id, vip)| match vip.place {
            Place::Leaving { failed, retry } if retry <= now => Some((*id, failed)),
            _ => None,
        });
        for (id, failed) in leaving.collect::<Vec<_>>() {
            self.leave(id, now, failed);
        }
        for id in self.announcer.stale() {
            self.announce(id);
        }
        self.send_announcements();
        Ok(changes.links)
    }

    /// Says again where all addresses of this node are.
    pub(super) fn announce_all(&mut self) {
        let on: Vec<VipId> = self.carried().collect();
        for id in on {
            self.announce(id);
        }
    }

    /// Says again where one address is, with all that belong to its vip.
    pub(super) fn announce_address(&mut self, address: IpAddr) {
        let has = |vip: &Vip| vip.assignments.iter().any(|assignment| assignment.net.addr() == address);
        let on = self.vips.iter().find(|(_, vip)| vip.place == Place::On && has(vip)).map(|(id, _)| *id);
        if let Some(id) = on {
            self.announce(id);
        }
    }

    /// Sends a frame, or tells why not.
    pub(super) fn send(&mut self, interface: u32, frame: &[u8]) {
        self.announcer.send(interface, frame);
    }

    /// The interfaces of all vips.
    pub(super) fn interfaces(&self) -> BTreeSet<Interface> {
        self.vips.values().flat_map(|vip| &vip.assignments).map(|it| it.interface.clone()).collect()
    }

    /// Says again where the addresses of a vip are.
    pub(super) fn announce(&mut self, id: VipId) {
        if let Some(vip) = self.vips.get(&id) {
            self.announcer.start(id, &vip.assignments);
        }
    }

    fn announce_on_risen_links(&mut self, before: &BTreeMap<Interface, Link>) {
        let carried =
            |links: &BTreeMap<Interface, Link>, it: &Interface| links.get(it).is_some_and(|it| it.carrier);
        let risen = |it: &Interface| carried(&self.links, it) && !carried(before, it);
        let on = self.vips.iter().filter(|(_, vip)| vip.place == Place::On);
        let risen: Vec<VipId> = on
            .filter(|(_, vip)| vip.assignments.iter().any(|it| risen(&it.interface)))
            .map(|(id, _)| *id)
            .collect();
        for id in risen {
            self.announce(id);
        }
    }

    fn send_announcements(&mut self) {
        let Self { announcer, vips, links, .. } = self;
        announcer.work(links, |assignment| {
            let on = |vip: &Vip| vip.place == Place::On && vip.assignments.contains(assignment);
            vips.iter().find(|(_, vip)| on(vip)).map(|(id, _)| *id)
        });
    }

    /// The vips whose interfaces cannot carry them.
    pub(super) fn barred(&self) -> impl Iterator<Item = (VipId, Bar)> {
        let dead = |it: &Assignment| self.links.get(&it.interface).is_none_or(|link| !link.carrier);
        self.vips
            .iter()
            .filter(move |(_, vip)| vip.assignments.iter().any(dead))
            .map(|(id, _)| (*id, Bar::Carrier))
    }

    /// The vips that are on.
    pub(super) fn carried(&self) -> impl Iterator<Item = VipId> {
        self.vips.iter().filter(|(_, vip)| vip.place == Place::On).map(|(id, _)| *id)
    }

    /// How often a vip was announced since it was taken.
    pub(super) fn announced(&self, id: VipId) -> u64 {
        self.announcer.times(id)
    }

    pub(super) fn assignments(&self, id: VipId) -> &[Assignment] {
        self.vips.get(&id).map(|vip| &vip.assignments[..]).unwrap_or_default()
    }

    pub(super) const fn links(&self) -> &BTreeMap<Interface, Link> {
        &self.links
    }

    /// What came of what was asked, for the core.
    pub(super) fn outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// What is to be told.
    pub(super) fn told(&mut self) -> Vec<Told> {
        let unsent = self.announcer.errors().map(Told::Failed);
        let mut told = std::mem::take(&mut self.told);
        told.extend(unsent);
        told
    }

    /// When there is work at the latest.
    pub(super) fn poll_timeout(&self, now: Moment) -> Option<Moment> {
        let instant = Instant::now();
        let moment = |at: Instant| now + at.saturating_duration_since(instant);
        let retries = self.vips.values().filter_map(|vip| match vip.place {
            Place::Leaving { retry, .. } => Some(retry),
            _ => None,
        });
        retries.chain(self.announcer.poll_timeout().map(moment)).min()
    }

    /// Becomes readable when addresses or links change.
    pub(super) const fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Takes everything off, whatever it takes: the daemon ends.
    pub(super) fn clear(&mut self) {
        let all: Vec<Assignment> = self.vips.values().flat_map(|vip| vip.assignments.clone()).collect();
        for assignment in all {
            if let Err(error) = self.addresses.remove(&assignment.interface, assignment.net) {
                tracing::error!(error = error_text(&error), "an address of a vip stays");
            }
        }
    }
}
