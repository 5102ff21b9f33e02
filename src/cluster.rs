//! The cluster thread: drives [`failover::Core`] with a clock, sockets, a disk and the addresses of this machine.
//!
//! It shares nothing with the rest of the daemon but two queues, so that no handshake, no slow disk and no log can delay
//! a heartbeat. It alone puts the addresses of vips on interfaces and takes them off again.

mod announcer;
mod clock;
mod disk;
mod driver;
mod escort;
mod floating;
mod links;
mod neighbours;
mod plan;
mod proposer;
mod realtime;
mod takeover;

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::anyhow;
use failover::cib::{Document, Version};
use failover::core::{Declined, Notice, View};
use failover::message::Unfit;
use failover::{Moment, VipId};
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::{mpsc as queue, oneshot, watch};

use crate::kernel::Assignment;
use crate::snat::Rules;

pub use clock::now;
pub use plan::{Names, Plan, PlanError};
#[cfg(test)]
pub(crate) use proposer::tests::proposer;
pub use proposer::{Proposer, Unchanged};

use driver::Driver;

/// How many commands may wait. The thread takes them at once; if it does not, it has come to an end.
const COMMANDS: usize = 64;
/// How much that happened may wait to be told. What does not fit is counted.
const TOLD: usize = 1024;

/// What the director tells the cluster thread.
#[derive(Debug)]
pub enum Command {
    /// What this director can do now.
    Able(Ability),
    /// This document is to take the place of the one of that version.
    Propose {
        /// What it was made from.
        base: Version,
        /// The document.
        document: Document,
        /// What became of it.
        reply: oneshot::Sender<Result<Version, Declined>>,
    },
    /// Hand over everything; the daemon ends.
    Leave,
    /// The file was read again.
    Configure(Box<Plan>),
}

/// What a director can do, as far as only the director knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ability {
    /// Why it should not take over what it does not own.
    pub unfit: Option<Unfit>,
    /// How many ping hosts answer.
    pub pings: u8,
    /// How many of the realservers its checks see up; see [`Reach`](failover::message::Reach).
    pub realservers: u8,
}

/// What the cluster thread tells: each once.
#[derive(Clone, Debug)]
pub enum Told {
    /// What the core decided or saw.
    Notice(Notice),
    /// Somebody took an address of a vip away, and it was put back.
    Restored(Assignment),
    /// An address of a vip was there although another director may have it, and was taken off.
    Removed(Assignment),
    /// An address cannot be put on its interface, or taken off it.
    Failed(String),
    /// Somebody who is no director answers for an address of a vip.
    Foreign(VipId, IpAddr, [u8; 6]),
    /// Another director still answers for an address of a vip that was granted to this node; it is taken all the same if
    /// that goes on.
    Reluctant(VipId, IpAddr, [u8; 6]),
    /// Another station said that it has an address that this node carries; it was announced again.
    Conflict(IpAddr, [u8; 6]),
    /// Heartbeats may be late: something that this thread needs is not allowed.
    Slow(String),
    /// Something cannot be kept on disk: what, and why.
    Disk(&'static str, String),
    /// What was on disk was refused.
    Refused(String),
    /// So much was not told, since nobody took it.
    Dropped(u64),
}

/// Everything there is to see.
#[derive(Clone, Debug)]
pub struct Report {
    /// When it was made.
    pub at: Moment,
    /// Who is there and who owns what.
    pub view: View,
    /// What came of announcing the vips that this node carries.
    pub announced: Vec<(VipId, Announced)>,
    /// How many datagrams were rejected, by the reason: those of [`Rejection`](failover::channel::Rejection), and `overrun`
    /// for those from a node's address that the kernel dropped.
    pub rejections: Vec<(&'static str, u64)>,
    /// How many datagrams came from addresses that are no director's.
    pub strangers: u64,
    /// What the disk does not take, and why.
    pub unwritten: Option<String>,
    /// This node has handed everything over.
    pub left: bool,
}

/// How far the announcement of a vip has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// How often its addresses were announced since they were taken.
    pub times: u64,
    /// The neighbours that were asked whether they know where it is.
    pub asked: Vec<IpAddr>,
    /// Those that answered.
    pub confirmed: Vec<IpAddr>,
}

/// The director's end of the cluster thread, which ends with it, and gives up all vips.
pub struct Handle {
    commands: Option<Arc<SyncSender<Command>>>,
    bell: Arc<EventFd>,
    /// What happened.
    pub told: queue::Receiver<Told>,
    /// Everything there is to see.
    pub report: watch::Receiver<Arc<Report>>,
    /// What the numbers mean.
    pub names: Names,
    /// The ping hosts.
    pub ping: Vec<IpAddr>,
    /// This node votes and owns nothing.
    pub witness: bool,
    /// Locked by nobody: it makes what it holds fit to be shared.
    thread: Mutex<Option<Thread>>,
}

/// The thread before and after it is let go.
enum Thread {
    Waiting(Box<Driver>),
    Running(JoinHandle<anyhow::Result<()>>),
}

impl Handle {
    /// Tells the thread something. It is lost only if the thread has ended.
    pub fn tell(&self, command: Command) {
        match self.commands.as_ref().map(|commands| commands.try_send(command)) {
            Some(Ok(())) => {
                let _ = self.bell.write(1);
            }
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => {
                tracing::error!("the cluster thread does not listen");
            }
        }
    }

    /// For whoever wants to change the document.
    #[must_use]
    pub fn proposer(&self) -> Proposer {
        Proposer {
            commands: self.commands.as_ref().map(Arc::downgrade).unwrap_or_default(),
            bell: Arc::clone(&self.bell),
            report: self.report.clone(),
        }
    }

    /// Lets the thread go: this director is ready to be heard of.
    pub fn launch(&mut self) -> io::Result<()> {
        let place = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(Thread::Waiting(driver)) = place.take() {
            let thread = thread::Builder::new().name("cluster".into()).spawn(move || driver.run())?;
            *place = Some(Thread::Running(thread));
        }
        Ok(())
    }

    /// Why the thread ended, of which nothing is told any more.
    pub fn failure(&mut self) -> anyhow::Error {
        let place = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner);
        match place.take() {
            Some(Thread::Running(thread)) => match thread.join() {
                Ok(Err(error)) => error,
                Ok(Ok(())) => anyhow!("nobody told it to end"),
                Err(_) => anyhow!("it panicked"),
            },
            Some(Thread::Waiting(_)) | None => anyhow!("it was not started"),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.bell.write(1);
        let place = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(Thread::Running(thread)) = place.take()
            && let Ok(Err(error)) = thread.join()
        {
            tracing::error!(error = format!("{error:#}"), "the cluster thread failed");
        }
    }
}

/// Takes the addresses of all vips off this machine, and prepares the thread.
pub fn prepare(plan: Plan, names: Names, directory: &Path, rules: Rules) -> anyhow::Result<Handle> {
    let (commands, inbox) = mpsc::sync_channel(COMMANDS);
    let (tell, told) = queue::channel(TOLD);
    let bell = Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?);
    let (ping, witness) = (plan.ping.clone(), plan.is_witness());
    let (driver, report) = Driver::prepare(plan, directory, inbox, Arc::clone(&bell), tell, rules)?;
    let thread = Mutex::new(Some(Thread::Waiting(Box::new(driver))));
    Ok(Handle { commands: Some(Arc::new(commands)), bell, told, report, names, ping, witness, thread })
}

/// Waits until one of these can be read; says of each whether it can.
fn wait(fds: &[&dyn AsFd]) -> io::Result<Vec<bool>> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut fds: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)).collect();
    match poll(&mut fds, PollTimeout::NONE) {
        // An error is there to be read as well.
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(fds.iter().map(|fd| fd.any() != Some(false)).collect()),
        Err(errno) => Err(errno.into()),
    }
}
