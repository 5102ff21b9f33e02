//! A kernel made of values, which a test shares with the kernel thread.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use ipvs::{Listing, Op, ServiceId};

use super::{Applied, Assignment, Failure, Kernel, KernelError, Link, Sysctl};
use crate::config::Interface;
use crate::reconcile::{Actual, Step};

/// What the fake holds, and how it is to misbehave.
#[derive(Debug, Default)]
pub struct World {
    /// What the kernel holds.
    pub actual: Actual,
    /// Schedulers that this kernel lacks.
    pub lacks: BTreeSet<String>,
    /// How many of the next reads fail.
    pub blind: usize,
    /// How many changes were asked for.
    pub writes: usize,
    /// The announcements that were sent.
    pub announced: Vec<Assignment>,
    /// What somebody else does right after the next change.
    pub intruder: Option<fn(&mut Actual)>,
}

/// A kernel whose state a test can see and change.
#[derive(Clone, Debug)]
pub struct Fake {
    world: Arc<Mutex<World>>,
    seen: Arc<Actual>,
}

/// A kernel with one interface and nothing else.
impl Default for Fake {
    fn default() -> Self {
        let mut world = World::default();
        let link = Link { index: 2, mac: Some([2, 0, 0, 0, 0, 1]), up: true, carrier: true, loopback: false };
        world.actual.links.insert(Interface::new("eth0").expect("a valid name"), link);
        Self { world: Arc::new(Mutex::new(world)), seen: Arc::default() }
    }
}

impl Fake {
    /// The kernel's inside.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no test panics while it holds the world")
    }

    fn read(&mut self) -> Result<Arc<Actual>, KernelError> {
        let mut world = self.world.lock().expect("no test panics while it holds the world");
        if world.blind > 0 {
            world.blind -= 1;
            return Err(KernelError("the kernel hides".into()));
        }
        self.seen = Arc::new(world.actual.clone());
        Ok(Arc::clone(&self.seen))
    }
}

impl World {
    fn change(&mut self, op: &Op) -> Option<Failure> {
        self.writes += 1;
        let refused = |what: String, raced| Some(Failure { what: format!("cannot {op}: {what}"), raced });
        if let Op::AddService(_, service) | Op::EditService(_, service) = op
            && self.lacks.contains(service.scheduler.as_str())
        {
            return refused("no such scheduler".into(), false);
        }
        match ipvs::apply(&mut self.actual.table, op) {
            Ok(()) => None,
            Err(refusal) => refused(refusal.to_string(), refusal.is_race()),
        }
    }

    fn step(&mut self, step: &Step) -> Vec<Failure> {
        match step {
            Step::Table(ops) => return ops.iter().filter_map(|op| self.change(op)).collect(),
            Step::Sysctl(sysctl, value) => drop(self.actual.sysctls.insert(sysctl.clone(), *value)),
            Step::AddAddress(it) => drop(self.actual.addresses.insert(it.clone())),
            Step::RemoveAddress(it) => drop(self.actual.addresses.remove(it)),
        }
        self.writes += 1;
        Vec::new()
    }
}

impl Kernel for Fake {
    fn observe(&mut self, sysctls: &BTreeSet<Sysctl>) -> Result<Arc<Actual>, KernelError> {
        for sysctl in sysctls {
            self.world()
                .actual
                .sysctls
                .entry(sysctl.clone())
                .or_insert(matches!(sysctl, Sysctl::SendRedirects(_)));
        }
        self.read()
    }

    fn refresh(&mut self, _: &[ServiceId]) -> Result<Arc<Actual>, KernelError> {
        self.read()
    }

    fn apply(&mut self, steps: &[Step]) -> Applied {
        let before = self.world().writes;
        let failures = steps.iter().map(|step| self.world().step(step)).find(|failures| !failures.is_empty());
        let writes = self.world().writes - before;
        let intruder = self.world().intruder.take();
        if let Some(intrude) = intruder {
            intrude(&mut self.world().actual);
        }
        Applied { actual: self.read(), failures: failures.unwrap_or_default(), writes }
    }

    fn look_around(&mut self) -> Result<bool, KernelError> {
        let before = Arc::clone(&self.seen);
        self.read().map(|actual| before != actual)
    }

    fn towards(&mut self, addresses: &BTreeSet<IpAddr>) -> Result<BTreeSet<Interface>, KernelError> {
        let eth0 = Interface::new("eth0").expect("a valid name");
        Ok(addresses.iter().map(|_| eth0.clone()).collect())
    }

    fn announce(&mut self, assignment: &Assignment) -> Result<(), KernelError> {
        self.world().announced.push(assignment.clone());
        Ok(())
    }

    fn listing(&self) -> Arc<Listing> {
        Arc::default()
    }
}
