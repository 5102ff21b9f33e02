//! The kernel, seen through one thread: it alone writes, and it looks around for what others change.

pub mod address;
mod changes;
pub mod conntrack;
#[cfg(test)]
pub mod fake;
mod linux;
mod netlink;
pub mod nftables;
pub mod sysctl;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use ipnet::IpNet;
use ipvs::{Listing, ServiceId};
use tokio::sync::{oneshot, watch};

use crate::config::Interface;
use crate::reconcile::{Actual, Step};

pub use address::Link;
pub use linux::{Linux, OpenError};
pub use sysctl::Sysctl;

/// How long a change by others may go unnoticed.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// An address on an interface, with the length of its prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assignment {
    /// The interface.
    pub interface: Interface,
    /// The address.
    pub net: IpNet,
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.net, self.interface)
    }
}

impl FromStr for Assignment {
    type Err = NotRead;

    fn from_str(text: &str) -> Result<Self, NotRead> {
        let parts = text.split_once(" on ");
        let assignment = parts.and_then(|(net, interface)| {
            Some(Self { net: net.parse().ok()?, interface: Interface::new(interface)? })
        });
        assignment.ok_or_else(|| NotRead(text.to_owned()))
    }
}

/// Text that does not say what it should.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is out of place here")]
pub struct NotRead(pub(crate) String);

/// What the director asks of a kernel.
pub trait Kernel: Send + 'static {
    /// Reads everything afresh; `sysctls` are those that matter, now and in later looks around.
    fn observe(&mut self, sysctls: &BTreeSet<Sysctl>) -> Result<Arc<Actual>, KernelError>;

    /// Reads some services afresh.
    fn refresh(&mut self, services: &[ServiceId]) -> Result<Arc<Actual>, KernelError>;

    /// Takes steps in turn, stops at the first one that fails, and reads back what was touched.
    fn apply(&mut self, steps: &[Step]) -> Applied;

    /// Whether somebody else changed something since the last look.
    fn look_around(&mut self) -> Result<bool, KernelError>;

    /// The interfaces that lead to any of the addresses.
    fn towards(&mut self, addresses: &BTreeSet<IpAddr>) -> Result<BTreeSet<Interface>, KernelError>;

    /// Tells the network once who has an address.
    fn announce(&mut self, assignment: &Assignment) -> Result<(), KernelError>;

    /// The whole table with what it counts, when it was last read.
    fn listing(&self) -> Arc<Listing>;
}

/// What came of a plan.
#[derive(Debug)]
pub struct Applied {
    /// What the kernel holds now; an error when it cannot be read.
    pub actual: Result<Arc<Actual>, KernelError>,
    /// What the kernel refused, each with its object.
    pub failures: Vec<Failure>,
    /// How many changes were asked of the kernel.
    pub writes: usize,
}

/// A change that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was tried, and why it failed.
    pub what: String,
    /// Somebody else was at work at the same time: a new plan may succeed.
    pub raced: bool,
}

/// The kernel could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KernelError(pub String);

impl KernelError {
    fn of(error: &dyn std::error::Error) -> Self {
        Self(error_text(error))
    }
}

/// An error with all its causes, in one line.
#[must_use]
pub fn error_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

enum Task {
    Observe(BTreeSet<Sysctl>, oneshot::Sender<Result<Arc<Actual>, KernelError>>),
    Refresh(Vec<ServiceId>, oneshot::Sender<Result<Arc<Actual>, KernelError>>),
    Apply(Vec<Step>, oneshot::Sender<Applied>),
    Towards(BTreeSet<IpAddr>, oneshot::Sender<Result<BTreeSet<Interface>, KernelError>>),
    Announce(Assignment, oneshot::Sender<Result<(), KernelError>>),
}

/// The director's end of the kernel thread.
pub struct Handle {
    tasks: SyncSender<Task>,
    /// Changes when the thread noticed that somebody else changed something, or that it cannot see.
    pub news: watch::Receiver<()>,
    /// The whole table with what it counts, when it was last read.
    pub listing: watch::Receiver<Arc<Listing>>,
}

/// Starts the thread. It ends when the handle is dropped.
pub fn start(kernel: impl Kernel) -> io::Result<Handle> {
    // The director waits for each answer before it asks again, so one place is enough.
    let (tasks, inbox) = mpsc::sync_channel(1);
    let (noticed, news) = watch::channel(());
    let (counted, listing) = watch::channel(kernel.listing());
    thread::Builder::new().name("kernel".into()).spawn(move || work(kernel, &inbox, &noticed, &counted))?;
    Ok(Handle { tasks, news, listing })
}

fn work(
    mut kernel: impl Kernel,
    inbox: &Receiver<Task>,
    noticed: &watch::Sender<()>,
    counted: &watch::Sender<Arc<Listing>>,
) {
    loop {
        let listing = kernel.listing();
        counted.send_if_modified(|known| {
            let is_new = !Arc::ptr_eq(known, &listing);
            *known = listing;
            is_new
        });
        match inbox.recv_timeout(LOOK_AROUND) {
            Ok(task) => perform(&mut kernel, task),
            Err(RecvTimeoutError::Timeout) => match kernel.look_around() {
                Ok(false) => {}
                Ok(true) | Err(_) => drop(noticed.send(())),
            },
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Whoever asked may be gone; the work is done all the same.
fn perform(kernel: &mut impl Kernel, task: Task) {
    match task {
        Task::Observe(sysctls, reply) => drop(reply.send(kernel.observe(&sysctls))),
        Task::Refresh(services, reply) => drop(reply.send(kernel.refresh(&services))),
        Task::Apply(steps, reply) => drop(reply.send(kernel.apply(&steps))),
        Task::Towards(addresses, reply) => drop(reply.send(kernel.towards(&addresses))),
        Task::Announce(assignment, reply) => drop(reply.send(kernel.announce(&assignment))),
    }
}

impl Handle {
    /// See [`Kernel::observe`].
    pub async fn observe(&self, sysctls: BTreeSet<Sysctl>) -> Result<Arc<Actual>, KernelError> {
        self.ask(|reply| Task::Observe(sysctls, reply)).await?
    }

    /// See [`Kernel::refresh`].
    pub async fn refresh(&self, services: Vec<ServiceId>) -> Result<Arc<Actual>, KernelError> {
        self.ask(|reply| Task::Refresh(services, reply)).await?
    }

    /// See [`Kernel::apply`].
    pub async fn apply(&self, steps: Vec<Step>) -> Applied {
        let lost = |error| Applied { actual: Err(error), failures: Vec::new(), writes: 0 };
        self.ask(|reply| Task::Apply(steps, reply)).await.unwrap_or_else(lost)
    }

    /// See [`Kernel::towards`].
    pub async fn towards(&self, addresses: BTreeSet<IpAddr>) -> Result<BTreeSet<Interface>, KernelError> {
        self.ask(|reply| Task::Towards(addresses, reply)).await?
    }

    /// See [`Kernel::announce`].
    pub async fn announce(&self, assignment: Assignment) -> Result<(), KernelError> {
        self.ask(|reply| Task::Announce(assignment, reply)).await?
    }

    async fn ask<T>(&self, task: impl FnOnce(oneshot::Sender<T>) -> Task) -> Result<T, KernelError> {
        let gone = || KernelError("the kernel thread has ended".into());
        let (reply, answer) = oneshot::channel();
        self.tasks.send(task(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}
