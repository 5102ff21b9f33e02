//! The loop of the cluster thread: drain, wait, feed.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU64;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use anyhow::Context;
use failover::channel::{Channel, Opened};
use failover::cib::Version;
use failover::core::{Abilities, Core, Declined, Event, Notice, Output};
use failover::message::{Reach, Unfit};
use failover::{LinkId, Moment};
use nix::sys::eventfd::EventFd;
use tokio::sync::{mpsc, oneshot, watch};

use super::clock::{Alarm, now};
use super::disk::{Disk, Left, Owner};
use super::floating::Outcome;
use super::links::Links;
use super::takeover::Takeover;
use super::{Ability, Command, Plan, Report, Told, realtime, wait};
use crate::kernel::error_text;
use crate::snat::Rules;

/// How often there is a new report, though nothing happened.
const REPORT: Duration = Duration::from_millis(200);
/// What part of `keepalive` the thread rests at most between two rounds of a flood.
const LONGEST_REST: u32 = 10;

type Asker = oneshot::Sender<Result<Version, Declined>>;

/// What the thread woke for.
#[derive(Debug, Default)]
struct Readable {
    /// What neighbours and the kernel say of vips.
    vips: bool,
    /// What peers say, socket by socket. None was looked at while it rested.
    links: Option<Vec<bool>>,
}

/// Everything that the thread has.
pub(super) struct Driver {
    core: Core,
    channel: Channel,
    links: Links,
    disk: Disk,
    /// What was on it and was refused.
    refused: Vec<String>,
    /// The files that it does not take, and why.
    unwritten: BTreeMap<&'static str, String>,
    /// Who waits to be told what became of a proposal, by its ticket.
    proposers: BTreeMap<u64, Asker>,
    /// What became of proposals: told as soon as the report says so too.
    answers: Vec<(Asker, Result<Version, Declined>)>,
    tickets: u64,
    takeover: Takeover,
    ability: Ability,
    plan: Plan,
    commands: Receiver<Command>,
    bell: Arc<EventFd>,
    alarm: Alarm,
    tell: mpsc::Sender<Told>,
    untold: u64,
    report: watch::Sender<Arc<Report>>,
    next_report: Moment,
    readable: Readable,
    /// Until then nothing is read: there is a flood, and others want to run as well.
    rest: Moment,
    /// What the core was told last that this node can do.
    able: Option<Abilities>,
    /// Why addresses and links cannot be seen.
    blind: Option<String>,
}

impl Driver {
    /// Opens everything; nothing is sent yet.
    pub(super) fn prepare(
        plan: Plan,
        directory: &Path,
        commands: Receiver<Command>,
        bell: Arc<EventFd>,
        tell: mpsc::Sender<Told>,
        rules: Rules,
    ) -> anyhow::Result<(Self, watch::Receiver<Arc<Report>>)> {
        let takeover = Takeover::open(&plan.surroundings(), rules)
            .context("take the vips off until they are this node's")?;
        let owner = Owner { cluster: plan.cluster.clone(), node: plan.node.clone() };
        let (disk, left) = Disk::open(directory, &owner, &bell).context("keep the vote and the document")?;
        let Left { paper, kept, refused } = left;
        let now = now();
        let core = Core::new(plan.settings.clone(), now, paper, kept, u64::from_ne_bytes(random()?));
        let session = NonZeroU64::new(u64::from_ne_bytes(random()?)).unwrap_or(NonZeroU64::MIN);
        let nodes = plan.settings.count();
        let links = u8::try_from(plan.settings.links).unwrap_or(u8::MAX);
        let channel =
            Channel::new(plan.settings.me, &plan.cluster, nodes, links, session, random()?, &plan.keys);
        let report = Report {
            at: now,
            view: core.view(now),
            announced: Vec::new(),
            rejections: Vec::new(),
            strangers: 0,
            unwritten: None,
            left: false,
        };
        let (report, reports) = watch::channel(Arc::new(report));
        let driver = Self {
            links: Links::open(now, plan.port, &plan.own, &plan.peers),
            core,
            channel,
            disk,
            refused,
            unwritten: BTreeMap::new(),
            proposers: BTreeMap::new(),
            answers: Vec::new(),
            tickets: 0,
            takeover,
            ability: Ability { unfit: Some(Unfit::Table), ..Ability::default() },
            plan,
            commands,
            bell,
            alarm: Alarm::new().context("make a timer")?,
            tell,
            untold: 0,
            report,
            next_report: now,
            readable: Readable::default(),
            rest: now,
            able: None,
            blind: None,
        };
        Ok((driver, reports))
    }

    /// Until the other end of the commands is gone, or something fails without which there is no cluster. Gives up all
    /// vips at its end.
    pub(super) fn run(mut self: Box<Self>) -> anyhow::Result<()> {
        for what in std::mem::take(&mut self.refused) {
            self.tell(Told::Refused(what));
        }
        for what in realtime::hurry() {
            self.tell(Told::Slow(what));
        }
        let outcome = loop {
            match self.turn() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.takeover.clear();
        outcome
    }

    /// One round; says whether there is to be another.
    fn turn(&mut self) -> anyhow::Result<bool> {
        // What lay in the queues while this thread could not run was there before the clock went on.
        let begin = now();
        let flooded = begin >= self.rest && self.receive();
        self.links.connect(begin);
        if !self.obey() {
            return Ok(false);
        }
        self.hear_disk();
        self.see();
        self.say_abilities();
        if self.core.poll_timeout().is_none_or(|at| at <= now()) {
            self.feed(Event::Tick);
        }
        self.hear_floating();
        self.publish();
        if flooded {
            self.rest(begin);
        }
        self.sleep()?;
        Ok(true)
    }

    /// Looks at addresses and links. That they cannot be seen, or can be again, is told once.
    fn see(&mut self) {
        let Self { core, takeover, readable, .. } = self;
        let at = now();
        if !readable.vips && takeover.poll_timeout(at).is_none_or(|due| at < due) {
            return;
        }
        let seen = takeover.work(at, |vip| core.lease(vip).is_some_and(|until| now() < until));
        let trouble = seen.err().map(|error| error_text(&error));
        if let Some(what) = trouble.as_ref().filter(|what| self.blind.as_ref() != Some(what)) {
            self.tell(Told::Failed(what.clone()));
        }
        self.blind = trouble;
    }

    /// As long as the round took that began then, but not so long that a heartbeat is late.
    fn rest(&mut self, begin: Moment) {
        let end = now();
        self.rest = end + end.since(begin).min(self.plan.settings.keepalive / LONGEST_REST);
    }

    fn sleep(&mut self) -> anyhow::Result<()> {
        let now = now();
        let rest = Some(self.rest).filter(|rest| now < *rest);
        let due = [self.core.poll_timeout(), self.takeover.poll_timeout(now), Some(self.next_report), rest];
        if let Some(at) = due.into_iter().flatten().min() {
            self.alarm.set(at).context("set a timer")?;
        }
        let own: [&dyn AsFd; 2] = [&self.alarm, &*self.bell];
        let vips: Vec<&dyn AsFd> = self.takeover.fds().collect();
        let links = self.links.fds().filter(|_| rest.is_none());
        let fds: Vec<&dyn AsFd> = own.into_iter().chain(vips.iter().copied()).chain(links).collect();
        let readable = wait(&fds).context("wait")?;
        let (own, others) = readable.split_at(own.len());
        let (vips, links) = others.split_at(vips.len());
        if let [_, true] = own {
            let _ = self.bell.read();
        }
        let links = rest.is_none().then(|| links.to_vec());
        self.readable = Readable { vips: vips.contains(&true), links };
        Ok(())
    }

    fn feed(&mut self, event: Event) {
        self.core.handle(now(), event);
        self.perform();
    }

    fn perform(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Send { to, sequence, message } => {
                    for link in self.all_links() {
                        let datagram = self.channel.seal(to, link, sequence, &message);
                        self.links.send(to, link, &datagram);
                    }
                }
                Output::Page { to, sequence, page } => {
                    for link in self.all_links() {
                        let datagram = self.channel.seal_page(to, link, sequence, &page);
                        self.links.send(to, link, &datagram);
                    }
                }
                Output::Store(paper) => self.disk.votes.write(paper),
                Output::Keep(document) => self.disk.accepted.write(document),
                Output::Committed(document) => self.disk.committed.write(document),
                Output::Answer(ticket, outcome) => {
                    self.answers.extend(self.proposers.remove(&ticket).map(|asker| (asker, outcome)));
                    self.next_report = Moment::default();
                }
                Output::Take(vip) => {
                    let core = &self.core;
                    let allowed = || core.lease(vip).is_some_and(|until| now() < until);
                    let known = core.is_handed_over_to_me(vip);
                    self.takeover.take(vip, now(), known, allowed);
                }
                Output::Yield(vip) => self.takeover.yield_up(vip, now()),
                Output::Inquire(vip) => self.takeover.wonder(vip, now()),
                Output::Announce => self.takeover.announce_all(),
                Output::Notice(notice) => self.notice(notice),
            }
        }
    }

    fn all_links(&self) -> impl Iterator<Item = LinkId> + use<> {
        (0..self.plan.own.len()).filter_map(|link| u8::try_from(link).ok()).map(LinkId)
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            // A neighbour that was cut off with it may believe what is no longer true.
            Notice::Heard(_) | Notice::Restarted(_) | Notice::LinkUp(..) => self.takeover.announce_all(),
            _ => {}
        }
        self.tell(Told::Notice(notice));
        self.next_report = Moment::default();
    }

    /// Reads a batch of datagrams; says whether that was not all.
    fn receive(&mut self) -> bool {
        let Self { links, channel, readable, .. } = self;
        let mut events = Vec::new();
        let mut replies = Vec::new();
        let readable = readable.links.take().unwrap_or_else(|| vec![true; links.fds().count()]);
        let more = links.receive(&readable, |datagram| match channel.open(now(), datagram) {
            Ok(Opened::Message { from, link, session, sequence, message }) => {
                let message = Box::new(message);
                events.push(Event::Received { from, link, session, sequence, message });
            }
            Ok(Opened::Page { from, link, session, sequence, page }) => {
                let page = Box::new(page);
                events.push(Event::Page { from, link, session, sequence, page });
            }
            Ok(Opened::Hello { from, link, reply: Some(reply) }) => replies.push((from, link, reply)),
            Ok(Opened::Hello { .. }) | Err(_) => {}
        });
        for (from, link, reply) in replies {
            self.links.send(from, link, &reply);
        }
        for event in events {
            self.feed(event);
        }
        more
    }

    /// Does what the director says; says whether it is still there.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Able(ability)) => self.ability = ability,
                Ok(Command::Propose { base, document, reply }) => {
                    self.tickets += 1;
                    let ticket = self.tickets;
                    self.proposers.insert(ticket, reply);
                    self.feed(Event::Propose { ticket, base, document });
                }
                Ok(Command::Leave) => self.feed(Event::Leave),
                Ok(Command::Configure(plan)) => {
                    self.channel.set_keys(&plan.keys);
                    self.takeover.configure(&plan.surroundings());
                    let settings = Box::new(plan.settings.clone());
                    self.plan = *plan;
                    self.feed(Event::Configured(settings));
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn hear_disk(&mut self) {
        while let Ok(outcome) = self.disk.votes.written.try_recv() {
            if let Some(paper) = self.written("vote", "vote.json", outcome) {
                self.feed(Event::Stored(paper));
            }
        }
        while let Ok(outcome) = self.disk.accepted.written.try_recv() {
            if let Some(document) = self.written("cib", "cib-accepted.toml", outcome) {
                self.feed(Event::Kept(document.stamp()));
            }
        }
        while let Ok(outcome) = self.disk.committed.written.try_recv() {
            let _ = self.written("cib", "cib-committed.toml", outcome);
        }
    }

    /// What is on disk, unless it was refused, which is told.
    fn written<T>(&mut self, what: &'static str, file: &'static str, outcome: io::Result<T>) -> Option<T> {
        match outcome {
            Ok(written) => {
                self.unwritten.remove(file);
                Some(written)
            }
            Err(error) => {
                self.unwritten.insert(file, error.to_string());
                self.tell(Told::Disk(what, error.to_string()));
                None
            }
        }
    }

    fn say_abilities(&mut self) {
        let barred: BTreeMap<_, _> = self.takeover.barred().collect();
        let Ability { unfit, pings, realservers } = self.ability;
        let able = Abilities { unfit, file: self.plan.file, reach: Reach { pings, realservers }, barred };
        if self.able.as_ref() != Some(&able) {
            self.able = Some(able.clone());
            self.feed(Event::Able(able));
        }
    }

    fn hear_floating(&mut self) {
        loop {
            let outcomes = self.takeover.outcomes();
            if outcomes.is_empty() {
                break;
            }
            for outcome in outcomes {
                self.feed(match outcome {
                    Outcome::Withdrawn(vip) => Event::Withdrawn(vip),
                    Outcome::Failed(vip) => Event::Failed(vip),
                });
            }
        }
        for told in self.takeover.told() {
            self.tell(told);
        }
    }

    fn tell(&mut self, told: Told) {
        if self.untold > 0 && self.tell.try_send(Told::Dropped(self.untold)).is_ok() {
            self.untold = 0;
        }
        if self.tell.try_send(told).is_err() {
            self.untold += 1;
        }
    }

    fn publish(&mut self) {
        let at = now();
        if at < self.next_report {
            return;
        }
        self.next_report = at + REPORT;
        let dropped = self.links.dropped();
        let rejected = self.channel.rejections().map(|(why, count)| (why.name(), count));
        let report = Report {
            at,
            view: self.core.view(at),
            announced: self.takeover.announced(),
            rejections: rejected.chain([("overrun", dropped.overrun)]).collect(),
            strangers: dropped.strangers,
            unwritten: self.unwritten.iter().next().map(|(file, why)| format!("{file}: {why}")),
            left: self.core.has_left(),
        };
        self.report.send_replace(Arc::new(report));
        for (asker, outcome) in self.answers.drain(..) {
            let _ = asker.send(outcome);
        }
    }
}

/// Bytes that nobody can foresee.
fn random<const N: usize>() -> io::Result<[u8; N]> {
    use std::io::Read as _;
    let mut bytes = [0; N];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
