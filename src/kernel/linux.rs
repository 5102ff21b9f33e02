//! The real kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use failover::announce::Announcement;
use failover::packet::PacketSocket;
use ipvs::{Connection, Listing, Op, ServiceId};

use super::address::{Addresses, Notices};
use super::changes::{Changes, Mark};
use super::sysctl::Sysctls;
use super::{Applied, Assignment, Failure, Kernel, KernelError, Sysctl};
use crate::config::Interface;
use crate::reconcile::{Actual, Step};

/// An audit reads everything although nothing seems to have changed. It may take this share of the time.
const AUDIT_SHARE: u32 = 200;
/// Routes may change all the time; to look at the ways to realservers again may take this share of it.
const ROUTES_SHARE: u32 = 20;
/// Neither is done sooner than this after the last time.
const LOOKING_INTERVAL: Duration = Duration::from_secs(1);
/// How often sysctls are read: nothing tells when somebody writes them.
const SYSCTL_INTERVAL: Duration = Duration::from_millis(500);
/// A listing during which somebody wrote is repeated this often before the next look around has to do.
const LISTINGS: usize = 5;
/// Above this number of touched services a listing of all is cheaper.
const READ_BACK: usize = 16;

/// The kernel of the network namespace in which this was opened.
pub struct Linux {
    ipvs: Connection,
    changes: Changes,
    addresses: Addresses,
    notices: Notices,
    sysctls: Sysctls,
    packets: PacketSocket,
    watched: BTreeSet<Sysctl>,
    /// The interface that leads to each address that was asked about, if one does.
    ways: BTreeMap<IpAddr, Option<Interface>>,
    /// Routes have changed since `actual.routes` was counted up.
    rerouted: bool,
    actual: Arc<Actual>,
    listing: Arc<Listing>,
    /// The moment when `actual.table` was true; nothing if it is not known to be.
    seen: Option<Mark>,
    next_audit: Instant,
    next_sysctls: Instant,
    next_routes: Instant,
}

/// The kernel cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// IPVS.
    #[error(transparent)]
    Ipvs(#[from] ipvs::Error),
    /// Addresses and links.
    #[error(transparent)]
    Address(#[from] super::address::Error),
    /// Announcements.
    #[error(transparent)]
    Packet(#[from] failover::packet::PacketError),
}

impl Linux {
    /// Opens all that is needed, so that nothing can be missing later.
    pub fn open() -> Result<Self, OpenError> {
        let now = Instant::now();
        Ok(Self {
            // First: it loads the module whose functions are counted.
            ipvs: Connection::open()?,
            changes: Changes::open(),
            notices: Notices::open()?,
            addresses: Addresses::open()?,
            sysctls: Sysctls::default(),
            packets: PacketSocket::open()?,
            watched: BTreeSet::new(),
            ways: BTreeMap::new(),
            rerouted: false,
            actual: Arc::default(),
            listing: Arc::default(),
            seen: None,
            next_audit: now,
            next_sysctls: now,
            next_routes: now,
        })
    }

    /// Reads the table if it may have changed; says whether it was read.
    fn read_table(&mut self) -> Result<bool, KernelError> {
        let mut mark = self.mark()?;
        if self.seen == Some(mark) && Instant::now() < self.next_audit {
            return Ok(false);
        }
        self.seen = None;
        let begin = Instant::now();
        let mut listing = self.ipvs.list().map_err(|error| KernelError::of(&error))?;
        for _ in 1..LISTINGS {
            let after = self.mark()?;
            if after == mark {
                break;
            }
            mark = after;
            listing = self.ipvs.list().map_err(|error| KernelError::of(&error))?;
        }
        tracing::debug!(services = listing.services.len(), elapsed = ?begin.elapsed(), "read the whole table");
        Arc::make_mut(&mut self.actual).set_listing(&listing);
        self.listing = Arc::new(listing);
        self.seen = Some(mark);
        self.next_audit = next_look(begin, AUDIT_SHARE);
        Ok(true)
    }

    fn mark(&mut self) -> Result<Mark, KernelError> {
        self.changes
            .mark()
            .map_err(|error| KernelError(format!("look for changes of the IPVS table: {error}")))
    }

    /// Reads what may have changed of addresses, links and routes.
    fn read_noticed(&mut self) -> Result<(), KernelError> {
        let noticed = self.notices.drain().map_err(|error| KernelError::of(&error))?;
        if noticed.any() {
            self.ways.clear();
        }
        if noticed.addresses || noticed.links {
            self.read_addresses()?;
        }
        self.rerouted |= noticed.routes;
        Ok(())
    }

    fn read_addresses(&mut self) -> Result<(), KernelError> {
        let (links, addresses) = self.addresses.read().map_err(|error| KernelError::of(&error))?;
        let addresses =
            addresses.into_iter().map(|it| Assignment { interface: it.interface, net: it.net }).collect();
        if links != self.actual.links || addresses != self.actual.addresses {
            let actual = Arc::make_mut(&mut self.actual);
            actual.links = links;
            actual.addresses = addresses;
        }
        Ok(())
    }

    fn read_sysctls(&mut self) -> Result<(), KernelError> {
        let mut values = BTreeMap::new();
        for sysctl in &self.watched {
            if let Some(value) = self.sysctls.read(sysctl).map_err(|error| KernelError::of(&error))? {
                values.insert(sysctl.clone(), value);
            }
        }
        let overrides = self.overrides()?;
        self.next_sysctls = Instant::now() + SYSCTL_INTERVAL;
        if values != self.actual.sysctls || overrides != self.actual.overrides {
            let actual = Arc::make_mut(&mut self.actual);
            actual.sysctls = values;
            actual.overrides = overrides;
        }
        Ok(())
    }

    /// The sysctls that defeat what is asked of a watched one. lvsd only ever asks redirects to be off.
    fn overrides(&self) -> Result<BTreeSet<String>, KernelError> {
        let mut overrides = BTreeSet::new();
        for sysctl in &self.watched {
            if let Some(other) =
                self.sysctls.overriding(sysctl, false).map_err(|error| KernelError::of(&error))?
            {
                overrides.insert(format!(
                    "{other} = 1 overrides {sysctl} = 0 and every other interface's; if nothing needs it: sysctl -w {other}=0"
                ));
            }
        }
        Ok(overrides)
    }

    fn step(&mut self, step: &Step, failures: &mut Vec<Failure>) -> Result<usize, KernelError> {
        let outcome = match step {
            Step::Table(ops) => return self.change_table(ops, failures),
            Step::Sysctl(sysctl, value) => {
                self.sysctls.write(sysctl, *value).map(drop).map_err(|error| KernelError::of(&error))
            }
            Step::AddAddress(it) => {
                self.addresses.add(&it.interface, it.net).map_err(|error| KernelError::of(&error))
            }
            Step::RemoveAddress(it) => {
                self.addresses.remove(&it.interface, it.net).map_err(|error| KernelError::of(&error))
            }
        };
        if let Err(KernelError(what)) = outcome {
            failures.push(Failure { what, raced: false });
        }
        Ok(1)
    }

    fn change_table(&mut self, ops: &[Op], failures: &mut Vec<Failure>) -> Result<usize, KernelError> {
        let before = self.seen.take();
        let written = self.ipvs.writes();
        let refused = self.ipvs.apply(ops).map_err(|error| KernelError::of(&error))?;
        let written = self.ipvs.writes() - written;
        failures.extend(
            refused.iter().map(|failure| Failure {
                what: KernelError::of(failure).0,
                raced: failure.refusal.is_race(),
            }),
        );

        let undisturbed = before.and_then(|mark| mark.after(&self.changes, written));
        let touched: BTreeSet<ServiceId> = ops.iter().map(Op::service).collect();
        if undisturbed == Some(self.mark()?) && touched.len() <= READ_BACK {
            self.read_services(touched.into_iter())?;
            self.seen = undisturbed;
        }
        self.read_table()?;
        Ok(ops.len())
    }

    fn read_services(&mut self, services: impl Iterator<Item = ServiceId>) -> Result<(), KernelError> {
        for id in services {
            let observed = self.ipvs.observe(id).map_err(|error| KernelError::of(&error))?;
            Arc::make_mut(&mut self.actual).set_service(id, observed.as_ref());
        }
        Ok(())
    }
}

impl Kernel for Linux {
    fn observe(&mut self, sysctls: &BTreeSet<Sysctl>) -> Result<Arc<Actual>, KernelError> {
        self.watched.clone_from(sysctls);
        self.read_noticed()?;
        self.read_addresses()?;
        self.read_sysctls()?;
        self.read_table()?;
        Ok(Arc::clone(&self.actual))
    }

    fn refresh(&mut self, services: &[ServiceId]) -> Result<Arc<Actual>, KernelError> {
        self.read_services(services.iter().copied())?;
        Ok(Arc::clone(&self.actual))
    }

    fn apply(&mut self, steps: &[Step]) -> Applied {
        let mut failures = Vec::new();
        let mut writes = 0;
        let mut lost = None;
        for step in steps {
            match self.step(step, &mut failures) {
                Ok(count) => writes += count,
                Err(error) => lost = Some(error),
            }
            if !failures.is_empty() || lost.is_some() {
                break;
            }
        }
        let read =
            lost.map_or(Ok(()), Err).and_then(|()| self.read_addresses()).and_then(|()| self.read_sysctls());
        Applied { actual: read.map(|()| Arc::clone(&self.actual)), failures, writes }
    }

    fn look_around(&mut self) -> Result<bool, KernelError> {
        let before = Arc::clone(&self.actual);
        self.read_noticed()?;
        if self.rerouted && Instant::now() >= self.next_routes {
            self.rerouted = false;
            Arc::make_mut(&mut self.actual).routes += 1;
        }
        if Instant::now() >= self.next_sysctls {
            self.read_sysctls()?;
        }
        self.read_table()?;
        Ok(before != self.actual)
    }

    fn towards(&mut self, addresses: &BTreeSet<IpAddr>) -> Result<BTreeSet<Interface>, KernelError> {
        let begin = Instant::now();
        self.read_noticed()?;
        if !self.ways.keys().eq(addresses) {
            self.ways.retain(|address, _| addresses.contains(address));
            let unknown: Vec<IpAddr> =
                addresses.iter().filter(|address| !self.ways.contains_key(address)).copied().collect();
            let mut found = self.addresses.towards(&unknown).map_err(|error| KernelError::of(&error))?;
            self.ways.extend(unknown.into_iter().map(|address| (address, found.remove(&address))));
            self.next_routes = next_look(begin, ROUTES_SHARE);
        }
        let interfaces: BTreeSet<&Interface> = self.ways.values().flatten().collect();
        Ok(interfaces.into_iter().cloned().collect())
    }

    fn announce(&mut self, assignment: &Assignment) -> Result<(), KernelError> {
        let Some(link) = self.actual.links.get(&assignment.interface) else { return Ok(()) };
        let Some(mac) = link.mac else { return Ok(()) };
        let forwards = Sysctl::Ipv6Forward;
        let router = self.sysctls.read(&forwards).is_ok_and(|value| value == Some(true));
        let announcement = Announcement { address: assignment.net.addr(), mac, router };
        for frame in announcement.frames() {
            self.packets.send(link.index, &frame).map_err(|error| KernelError::of(&error))?;
        }
        Ok(())
    }

    fn listing(&self) -> Arc<Listing> {
        Arc::clone(&self.listing)
    }
}

/// When to look again at what was looked at since `begin`.
fn next_look(begin: Instant, share: u32) -> Instant {
    Instant::now() + (begin.elapsed() * share).max(LOOKING_INTERVAL)
}
