//! What happens, one thing after the other, and what directors do about it.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use failover::channel::{Channel, Opened};
use failover::cib::{Cib, Document};
use failover::core::{Core, Event, Output, Paper, Settings};
use failover::keys::KeyRing;
use failover::{Guard, LinkId, NodeId, VipId};

use crate::attacker::Attacker;
use crate::checks::{Checks, Violation};
use crate::network::{Network, Path};
use crate::node::{Node, Process};
use crate::random::Random;
use crate::story::{Step, Story};
use crate::trace::{Trace, trace};

/// A driver puts an address on the interface within this.
pub(crate) const PUT: Duration = Duration::from_millis(20);
/// A driver that cannot store tries again after this.
const RETRY: Duration = Duration::from_millis(200);
/// A stopped process finds no more than so many things when it goes on.
const BACKLOG: usize = 300;

/// Something that happens.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A machine starts a director.
    Start(NodeId),
    /// A timer of a core.
    Wake { node: NodeId, life: u64, timer: u64 },
    /// A datagram comes in.
    Arrive { to: NodeId, datagram: Datagram },
    /// A write is over.
    Written { node: NodeId, life: u64, paper: Paper },
    /// A document is written.
    Kept { node: NodeId, life: u64, document: Document },
    /// A director puts a vip on its interface.
    Put { node: NodeId, life: u64, vip: VipId, order: u64 },
    /// A director takes a vip off its interface.
    Off { node: NodeId, life: u64, vip: VipId, order: u64 },
    /// A machine loses power.
    PowerLoss { node: NodeId, life: u64 },
    /// A core is told something that it does not know yet.
    Tell { node: NodeId, life: u64, event: Box<Event> },
    /// A director looks at its machine.
    Look(NodeId),
    /// A director reads its file.
    Read(NodeId),
    /// The next thing of the story.
    Story(Box<Step>),
}

/// A datagram, and what nobody but the world knows of it.
#[derive(Clone)]
pub(crate) struct Datagram {
    pub(crate) id: usize,
    pub(crate) path: Path,
    pub(crate) sent: Duration,
    /// The life of its sender.
    pub(crate) life: u64,
    pub(crate) bytes: Vec<u8>,
}

impl fmt::Debug for Datagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Path { from, to, link } = self.path;
        write!(f, "#{} from {from} to {to} on {link:?}, sent at {:?}", self.id, self.sent)
    }
}

struct Entry {
    at: Duration,
    serial: u64,
    what: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.serial).cmp(&(self.at, self.serial))
    }
}

/// Some directors, and all that is around them.
pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) random: Random,
    pub(crate) nodes: Vec<Node>,
    pub(crate) network: Network,
    pub(crate) attacker: Attacker,
    pub(crate) checks: Checks,
    pub(crate) config: Settings,
    pub(crate) trace: Trace,
    pub(crate) without: Option<Guard>,
    keys: KeyRing,
    queue: BinaryHeap<Entry>,
    serial: u64,
    datagrams: usize,
    tickets: u64,
}

impl World {
    pub(crate) fn new(
        config: Settings,
        nodes: Vec<Node>,
        network: Network,
        attacker: Attacker,
        random: Random,
    ) -> Self {
        Self {
            now: Duration::ZERO,
            random,
            checks: Checks::new(&config),
            nodes,
            network,
            attacker,
            config,
            trace: Trace::default(),
            without: None,
            keys: KeyRing::parse("auth 1\n1 sha256 a secret that all of them share").expect("a good key"),
            queue: BinaryHeap::new(),
            serial: 0,
            datagrams: 0,
            tickets: 0,
        }
    }

    pub(crate) fn after(&mut self, delay: Duration, what: Happening) {
        self.serial += 1;
        self.queue.push(Entry { at: self.now + delay, serial: self.serial, what });
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).filter_map(NodeId::new)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.index()).expect("a node of the world")
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes.get_mut(id.index()).expect("a node of the world")
    }

    /// The vips of the file.
    pub(crate) fn vips(&self) -> Vec<VipId> {
        self.config.declared.vips.iter().map(|vip| VipId::of(&vip.name)).collect()
    }

    /// What a node reads, if it runs.
    pub(crate) fn document(&self, id: NodeId) -> Option<Document> {
        let node = self.node(id);
        let process = node.process.as_ref().filter(|_| node.runs())?;
        Some(process.core.view(node.now(self.now)).document)
    }

    /// At a node, somebody changes the document.
    pub(crate) fn edit(&mut self, id: NodeId, change: impl FnOnce(&mut Cib)) {
        let Some(committed) = self.document(id) else { return };
        let mut cib = Cib::clone(committed.cib());
        change(&mut cib);
        if cib == **committed.cib() {
            return;
        }
        let base = committed.version();
        // However far one goes ahead, it was made from that base.
        cib.version = base.configured();
        if self.random.once_in(2) {
            cib.version = cib.version.configured();
        }
        let Ok(document) = Document::write(&cib) else { return };
        self.tickets += 1;
        let (ticket, life) = (self.tickets, self.node(id).life);
        self.checks.proposes(ticket, base, &document);
        let event = Box::new(Event::Propose { ticket, base, document });
        self.after(Duration::ZERO, Happening::Tell { node: id, life, event });
    }

    /// Lets a story run to its end.
    pub(crate) fn run(&mut self, story: &mut Story) -> Result<(), Violation> {
        story.begin(self);
        while let Some(Entry { at, what, .. }) = self.queue.pop() {
            self.now = at;
            match what {
                Happening::Story(what) => story.go_on(self, *what)?,
                what => self.happen(what)?,
            }
            if story.is_over() {
                break;
            }
        }
        Ok(())
    }

    fn happen(&mut self, what: Happening) -> Result<(), Violation> {
        match what {
            Happening::Start(node) => self.start(node),
            Happening::Arrive { to, datagram } => self.arrive(to, datagram),
            Happening::Written { node, life, paper } => self.written(node, life, paper),
            Happening::Kept { node, life, document } => self.kept(node, life, document),
            Happening::Wake { node, life, timer } => match self.ready(node, life, &what) {
                Some(process) if process.timer == timer => self.tell(node, Event::Tick),
                _ => Ok(()),
            },
            Happening::Tell { node, life, ref event } => match self.ready(node, life, &what) {
                Some(_) => self.tell(node, (**event).clone()),
                None => Ok(()),
            },
            Happening::Put { node, life, vip, order } => match self.ready(node, life, &what) {
                Some(_) => self.put(node, vip, order),
                None => Ok(()),
            },
            Happening::Off { node, life, vip, order } => match self.ready(node, life, &what) {
                Some(_) => self.take_off(node, vip, order),
                None => Ok(()),
            },
            Happening::PowerLoss { node, life } => {
                if self.node(node).life == life && std::mem::take(&mut self.node_mut(node).disk.trap) {
                    self.crash(node, true);
                }
                Ok(())
            }
            Happening::Look(node) => {
                let (life, able) = (self.node(node).life, self.node(node).able.clone());
                let event = Box::new(Event::Able(able));
                self.happen(Happening::Tell { node, life, event })
            }
            Happening::Read(node) => {
                let life = self.node(node).life;
                let settings = Settings { me: node, ..self.config.clone() };
                let event = Box::new(Event::Configured(Box::new(settings)));
                self.happen(Happening::Tell { node, life, event })
            }
            Happening::Story(_) => Ok(()),
        }
    }

    /// The process of a node if it runs and is the one that was meant; one that is stopped finds it later.
    fn ready(&mut self, node: NodeId, life: u64, what: &Happening) -> Option<&mut Process> {
        let node = self.nodes.get_mut(node.index()).filter(|node| node.life == life)?;
        let process = node.process.as_mut()?;
        match &mut process.backlog {
            None => Some(process),
            Some(backlog) => {
                if backlog.len() < BACKLOG || !matches!(what, Happening::Arrive { .. }) {
                    backlog.push_back(what.clone());
                }
                None
            }
        }
    }

    fn start(&mut self, id: NodeId) -> Result<(), Violation> {
        let (now, without, count, random) = (self.now, self.without, self.nodes.len(), self.random.number());
        let session = NonZeroU64::new(self.random.number()).unwrap_or(NonZeroU64::MIN);
        let secret = [(); 4].map(|()| self.random.number().to_be_bytes()).concat();
        let secret = secret.try_into().unwrap_or([0; 32]);
        let links = u8::try_from(self.config.links).unwrap_or(u8::MAX);
        let mut channel = Channel::new(id, "simulated", count, links, session, secret, &self.keys);
        let settings = Settings { me: id, ..self.config.clone() };
        let node = self.nodes.get_mut(id.index()).expect("a node of the world");
        if node.process.is_some() {
            return Ok(());
        }
        node.settings = settings;
        node.life += 1;
        node.disk.writing.clear();
        node.disk.keeping.clear();
        node.interface.values_mut().for_each(|address| address.on = false);
        let started = node.clock.shows(now);
        let mut core =
            Core::new(node.settings.clone(), started, node.disk.durable, node.disk.kept.clone(), random);
        if let Some(guard) = without {
            core = core.without(guard);
            channel.without(guard);
        }
        node.process = Some(Process { core, channel, timer: 0, backlog: None, leaving: false });
        let able = node.able.clone();
        trace!(self, "{id} starts with {:?}", self.node(id).disk.durable);
        let silent = self.config.deadtime;
        self.checks.starts(id, now, silent);
        for vip in self.vips() {
            self.checks.changes(&self.nodes, now, id, vip)?;
        }
        self.tell(id, Event::Able(able))
    }

    /// Tells a core something, and does what it says.
    pub(crate) fn tell(&mut self, id: NodeId, event: Event) -> Result<(), Violation> {
        let now = self.now;
        trace!(self, "{id} {}", brief(&event));
        let Some(node) = self.nodes.get_mut(id.index()) else { return Ok(()) };
        let Some(process) = node.process.as_mut().filter(|process| process.backlog.is_none()) else {
            return Ok(());
        };
        if let Event::Configured(settings) = &event {
            node.settings.clone_from(settings);
        }
        process.core.handle(node.clock.shows(now), event);
        let outputs: Vec<Output> = std::iter::from_fn(|| process.core.poll_output()).collect();
        let wake = process.core.poll_timeout().map(|at| node.clock.real(at));
        process.timer += 1;
        let (life, timer, left) = (node.life, process.timer, process.core.has_left());
        node.renew();
        for output in outputs {
            self.act(id, output)?;
        }
        if let Some(wake) = wake {
            let late = self.random.time(Duration::ZERO..Duration::from_micros(200));
            self.after(wake.saturating_sub(now) + late, Happening::Wake { node: id, life, timer });
        }
        if left {
            trace!(self, "{id} has left");
            self.node_mut(id).process = None;
        }
        self.checks.holds(&self.nodes, now, id)
    }

    fn act(&mut self, id: NodeId, output: Output) -> Result<(), Violation> {
        let life = self.node(id).life;
        match output {
            Output::Send { to, sequence, message } => {
                trace!(self, "    {id} to {to} {sequence}: {}", outline(&message));
                if self.checks.writes(id, &message)
                    && let Some(process) = &self.node(id).process
                {
                    let view = process.core.view(self.node(id).now(self.now));
                    self.checks.grants(id, &message, &view)?;
                }
                self.checks.sends(self.now, id, &message)?;
                for link in (0..self.config.links).filter_map(|link| u8::try_from(link).ok()).map(LinkId) {
                    let Some(process) = &mut self.node_mut(id).process else { break };
                    let bytes = process.channel.seal(to, link, sequence, &message);
                    self.transmit(Path { from: id, to, link }, bytes);
                }
            }
            Output::Store(paper) => {
                trace!(self, "    {id} stores {paper:?}");
                let disk = &mut self.node_mut(id).disk;
                disk.writing.push_back(paper);
                let trap = disk.trap.then_some(disk.latency);
                if disk.writing.len() == 1 {
                    self.write(id, life, paper);
                }
                if let Some(latency) = trap {
                    let delay = self.random.time(Duration::ZERO..latency);
                    self.after(delay, Happening::PowerLoss { node: id, life });
                }
            }
            Output::Take(vip) => {
                trace!(self, "    {id} takes {vip:?}");
                let address = self.node_mut(id).interface.entry(vip).or_default();
                address.order += 1;
                let order = address.order;
                let delay = self.random.time(Duration::ZERO..PUT);
                self.after(delay, Happening::Put { node: id, life, vip, order });
            }
            Output::Yield(vip) => {
                trace!(self, "    {id} yields {vip:?}");
                let limit = self.node(id).settings.deadtime / 12;
                let address = self.node_mut(id).interface.entry(vip).or_default();
                address.order += 1;
                let order = address.order;
                let delay = self.random.time(Duration::ZERO..limit);
                self.after(delay, Happening::Off { node: id, life, vip, order });
            }
            // Whoever answers or listens is part of no world here.
            Output::Inquire(_) | Output::Announce => {}
            Output::Page { to, sequence, page } => {
                trace!(self, "    {id} to {to} {sequence}: {}", page_outline(&page));
                if self.node(id).earlier {
                    return Ok(());
                }
                for link in (0..self.config.links).filter_map(|link| u8::try_from(link).ok()).map(LinkId) {
                    let Some(process) = &mut self.node_mut(id).process else { break };
                    let bytes = process.channel.seal_page(to, link, sequence, &page);
                    self.transmit(Path { from: id, to, link }, bytes);
                }
            }
            Output::Keep(document) => {
                trace!(self, "    {id} keeps {document:?}");
                let disk = &mut self.node_mut(id).disk;
                disk.keeping.push_back(document.clone());
                let trap = disk.trap.then_some(disk.latency);
                if disk.keeping.len() == 1 {
                    self.keep(id, life, document);
                }
                if let Some(latency) = trap {
                    let delay = self.random.time(Duration::ZERO..latency);
                    self.after(delay, Happening::PowerLoss { node: id, life });
                }
            }
            Output::Committed(document) => {
                trace!(self, "    {id} reads {document:?}");
                self.checks.commits(&self.nodes, id, &document)?;
                self.node_mut(id).disk.kept.committed = Some(document);
            }
            Output::Answer(ticket, outcome) => {
                trace!(self, "    {id} is told of {ticket}: {outcome:?}");
                self.checks.answers(ticket, &outcome)?;
            }
            Output::Notice(notice) => {
                trace!(self, "    {id} notes {notice:?}");
                self.checks.notes(id, &notice)?;
            }
        }
        Ok(())
    }

    fn transmit(&mut self, path: Path, bytes: Vec<u8>) {
        let datagram =
            Datagram { id: self.datagrams, path, sent: self.now, life: self.node(path.from).life, bytes };
        self.datagrams += 1;
        if let Some((delay, to, forged)) = self.attacker.sees(&mut self.random, &datagram) {
            self.after(delay, Happening::Arrive { to, datagram: forged });
        }
        let [first, copy] = self.network.carry(&mut self.random, self.now, path);
        if let Some(delay) = copy {
            self.after(delay, Happening::Arrive { to: path.to, datagram: datagram.clone() });
        }
        if let Some(delay) = first {
            self.after(delay, Happening::Arrive { to: path.to, datagram });
        }
    }

    fn arrive(&mut self, to: NodeId, datagram: Datagram) -> Result<(), Violation> {
        let (now, life) = (self.now, self.node(to).life);
        let moment = self.node(to).now(now);
        let what = Happening::Arrive { to, datagram };
        let Some(process) = self.ready(to, life, &what) else { return Ok(()) };
        let Happening::Arrive { datagram, .. } = what else { return Ok(()) };
        match process.channel.open(moment, &datagram.bytes) {
            Ok(Opened::Message { from, link, session, sequence, message }) => {
                self.checks.accepts(to, &datagram)?;
                self.tell(to, Event::Received { from, link, session, sequence, message: Box::new(message) })
            }
            Ok(Opened::Page { from, link, session, sequence, page }) => {
                self.checks.accepts(to, &datagram)?;
                if self.node(to).earlier {
                    return Ok(());
                }
                self.tell(to, Event::Page { from, link, session, sequence, page: Box::new(page) })
            }
            Ok(Opened::Hello { from, link, reply }) => {
                if let Some(reply) = reply {
                    self.transmit(Path { from: to, to: from, link }, reply);
                }
                Ok(())
            }
            Err(rejection) => {
                trace!(self, "{to} rejects {datagram:?}: {rejection:?}");
                Ok(())
            }
        }
    }

    fn write(&mut self, node: NodeId, life: u64, paper: Paper) {
        let latency = self.random.time(Duration::ZERO..self.node(node).disk.latency);
        self.after(latency, Happening::Written { node, life, paper });
    }

    fn written(&mut self, id: NodeId, life: u64, paper: Paper) -> Result<(), Violation> {
        let node = self.node_mut(id);
        if node.life != life || node.process.is_none() {
            return Ok(());
        }
        if node.disk.fails {
            node.disk.fails = false;
            self.after(RETRY, Happening::Written { node: id, life, paper });
            return Ok(());
        }
        node.disk.durable = Some(paper);
        node.disk.writing.pop_front();
        if let Some(next) = node.disk.writing.front().copied() {
            self.write(id, life, next);
        }
        let event = Box::new(Event::Stored(paper));
        self.happen(Happening::Tell { node: id, life, event })
    }

    fn keep(&mut self, node: NodeId, life: u64, document: Document) {
        let latency = self.random.time(Duration::ZERO..self.node(node).disk.latency);
        self.after(latency, Happening::Kept { node, life, document });
    }

    fn kept(&mut self, id: NodeId, life: u64, document: Document) -> Result<(), Violation> {
        let node = self.node_mut(id);
        if node.life != life || node.process.is_none() {
            return Ok(());
        }
        if node.disk.fails {
            node.disk.fails = false;
            self.after(RETRY, Happening::Kept { node: id, life, document });
            return Ok(());
        }
        let stamp = document.stamp();
        node.disk.stale = node.disk.kept.accepted.replace(document);
        node.disk.keeping.pop_front();
        if let Some(next) = node.disk.keeping.front().cloned() {
            self.keep(id, life, next);
        }
        self.happen(Happening::Tell { node: id, life, event: Box::new(Event::Kept(stamp)) })
    }

    /// The driver looks at the lease right before and right after.
    fn put(&mut self, id: NodeId, vip: VipId, order: u64) -> Result<(), Violation> {
        let now = self.now;
        let node = self.node_mut(id);
        let moment = node.now(now);
        let Some(process) = &node.process else { return Ok(()) };
        let lease = process.core.lease(vip).filter(|lease| *lease > moment);
        let broken = node.broken;
        let until = lease.map(|lease| node.clock.real(lease));
        let Some(address) = node.interface.get_mut(&vip).filter(|address| address.order == order) else {
            return Ok(());
        };
        if broken {
            return self.tell(id, Event::Failed(vip));
        }
        let Some(until) = until else { return Ok(()) };
        address.on = true;
        address.until = until;
        trace!(self, "{id} has {vip:?}");
        self.checks.changes(&self.nodes, now, id, vip)
    }

    fn take_off(&mut self, id: NodeId, vip: VipId, order: u64) -> Result<(), Violation> {
        let now = self.now;
        let Some(address) = self.node_mut(id).interface.get_mut(&vip) else { return Ok(()) };
        if address.order != order {
            return Ok(());
        }
        address.on = false;
        trace!(self, "{id} has {vip:?} no more");
        self.checks.changes(&self.nodes, now, id, vip)?;
        self.tell(id, Event::Withdrawn(vip))
    }

    /// The process ends, with or without its machine. What was not on disk may be there or not.
    pub(crate) fn crash(&mut self, id: NodeId, machine: bool) {
        trace!(self, "{id} {}", if machine { "loses power" } else { "is killed" });
        let survivors = self.random.below(self.node(id).disk.writing.len() + 1);
        let documents = self.random.below(self.node(id).disk.keeping.len() + 1);
        let node = self.node_mut(id);
        node.process = None;
        let writing: Vec<Paper> = node.disk.writing.drain(..).collect();
        if let Some(paper) = survivors.checked_sub(1).and_then(|last| writing.get(last)) {
            node.disk.durable = Some(*paper);
        }
        let keeping: Vec<Document> = node.disk.keeping.drain(..).collect();
        if let Some(document) = documents.checked_sub(1).and_then(|last| keeping.get(last)) {
            node.disk.stale = node.disk.kept.accepted.replace(document.clone());
        }
        if machine {
            node.interface.values_mut().for_each(|address| address.on = false);
        }
    }

    pub(crate) fn stop(&mut self, id: NodeId) {
        if let Some(process) = &mut self.node_mut(id).process {
            process.backlog.get_or_insert_with(VecDeque::new);
            trace!(self, "{id} is stopped");
        }
    }

    /// A stopped process goes on.
    pub(crate) fn resume(&mut self, id: NodeId) -> Result<(), Violation> {
        let now = self.now;
        let node = self.node_mut(id);
        node.sweep(now);
        let Some(backlog) = node.process.as_mut().and_then(|process| process.backlog.take()) else {
            return Ok(());
        };
        trace!(self, "{id} goes on");
        for vip in self.vips() {
            self.checks.changes(&self.nodes, now, id, vip)?;
        }
        backlog.into_iter().try_for_each(|what| self.happen(what))
    }
}

fn brief(event: &Event) -> String {
    match event {
        Event::Received { from, link, sequence, message, .. } => {
            format!("hears {from} on {link:?} {sequence}: {}", outline(message))
        }
        Event::Page { from, link, sequence, page, .. } => {
            format!("hears {from} on {link:?} {sequence}: {}", page_outline(page))
        }
        event => format!("is told {event:?}"),
    }
}

fn outline(message: &failover::message::Message) -> String {
    let owners: Vec<_> = message.table.grants.iter().map(|grant| (grant.vip.bits(), grant.owner)).collect();
    let claims: Vec<_> = message.claims.iter().map(|vip| vip.bits()).collect();
    let version = message.table.version;
    format!(
        "term {} leader {:?} leaves {:?} hears {:b} table {}.{} {owners:?} claims {claims:?} {:?} urgent {} {:?} {:?}",
        message.term.0,
        message.leader.map(NodeId::index),
        message.standing.leaves,
        message.standing.hears.bits(),
        version.term.0,
        version.number,
        message.ballot,
        message.urgent,
        message.ack,
        message.document,
    )
}

fn page_outline(page: &failover::message::Page) -> String {
    match page {
        failover::message::Page::Part { digest, length, offset, .. } => {
            format!("part of {digest} at {offset} of {length}")
        }
        page => format!("{page:?}"),
    }
}
