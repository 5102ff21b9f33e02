//! Says where the addresses of vips are: when they come, while they stay, and when somebody may have forgotten.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use failover::VipId;
use failover::announce::{Announcement, Schedule};
use failover::packet::PacketSocket;

use crate::config::Interface;
use crate::kernel::address::Link;
use crate::kernel::sysctl::{Sysctl, Sysctls};
use crate::kernel::{Assignment, error_text};

/// How often an owner says again where its addresses are, since switches and neighbours forget.
const REFRESH: Duration = Duration::from_secs(30);
/// How many announcements are made in one go, so that heartbeats never wait for a train of them.
const AT_ONCE: usize = 4;

/// What is announced, and what is sent besides.
pub(super) struct Announcer {
    packets: PacketSocket,
    sysctls: Sysctls,
    schedule: Schedule<Assignment>,
    vips: BTreeMap<VipId, Announced>,
    /// What could not be sent, and why.
    errors: Vec<String>,
}

/// A vip that is here.
struct Announced {
    /// How often it was announced since it came.
    times: u64,
    /// When it is announced again.
    refresh: Instant,
}

impl Announcer {
    pub(super) fn open() -> anyhow::Result<Self> {
        Ok(Self {
            packets: PacketSocket::open()?,
            sysctls: Sysctls::default(),
            schedule: Schedule::default(),
            vips: BTreeMap::new(),
            errors: Vec::new(),
        })
    }

    /// Says from now on where a vip is, from the beginning of the train.
    pub(super) fn start(&mut self, id: VipId, assignments: &[Assignment]) {
        let now = Instant::now();
        let refresh = now + REFRESH;
        self.vips.entry(id).or_insert(Announced { times: 0, refresh }).refresh = refresh;
        for assignment in assignments {
            self.schedule.start(now, assignment.clone());
        }
    }

    /// A vip is not here any more.
    pub(super) fn stop(&mut self, id: VipId, assignments: &[Assignment]) {
        self.vips.remove(&id);
        for assignment in assignments {
            self.forget(assignment);
        }
    }

    /// An address is no vip's any more.
    pub(super) fn forget(&mut self, assignment: &Assignment) {
        self.schedule.stop(assignment);
    }

    /// The vips that were not announced for long.
    pub(super) fn stale(&self) -> Vec<VipId> {
        let now = Instant::now();
        self.vips.iter().filter(|(_, vip)| vip.refresh <= now).map(|(id, _)| *id).collect()
    }

    /// Sends what is due; `owner` says which vip has an address here.
    pub(super) fn work(
        &mut self,
        links: &BTreeMap<Interface, Link>,
        owner: impl Fn(&Assignment) -> Option<VipId>,
    ) {
        for _ in 0..AT_ONCE {
            let Some(assignment) = self.schedule.poll(Instant::now()) else { return };
            let vip = owner(&assignment).and_then(|id| self.vips.get_mut(&id));
            let port = links.get(&assignment.interface).and_then(|it| Some((it.index, it.mac?)));
            let Some((vip, (index, mac))) = vip.zip(port) else { continue };
            vip.times += 1;
            let router = self.sysctls.read(&Sysctl::Ipv6Forward).is_ok_and(|value| value == Some(true));
            let announcement = Announcement { address: assignment.net.addr(), mac, router };
            for frame in announcement.frames() {
                self.send(index, &frame);
            }
        }
    }

    /// Sends a frame.
    pub(super) fn send(&mut self, interface: u32, frame: &[u8]) {
        if let Err(error) = self.packets.send(interface, frame) {
            self.errors.push(error_text(&error));
        }
    }

    /// How often a vip was announced since it came.
    pub(super) fn times(&self, id: VipId) -> u64 {
        self.vips.get(&id).map_or(0, |vip| vip.times)
    }

    /// What could not be sent, each once.
    pub(super) fn errors(&mut self) -> impl Iterator<Item = String> {
        self.errors.drain(..)
    }

    /// When there is work at the latest.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let refreshes = self.vips.values().map(|vip| vip.refresh);
        refreshes.chain(self.schedule.poll_timeout()).min()
    }
}
