//! Who owns what: the part of a director that holds quorum with its peers, without a clock, a socket or a disk.
//!
//! The contract is that of a protocol without I/O: [`Core::handle`] is told what happened and when,
//! [`Core::poll_output`] says what is to be done until it says nothing, and [`Core::poll_timeout`] says when to come
//! back at the latest.
//!
//! # Why at most one node owns a vip
//!
//! A node carries a vip only while a majority of voters has promised it to that node. A voter that promises a vip lets
//! nobody else have it until the promise ends, or until the node says that it does not claim the vip any more. The voter
//! counts from the *receipt* of the message that it acknowledges, and a little longer than the lease; the node counts from
//! the *sending* of that message, and a little shorter. Two majorities share a voter, so two nodes cannot both have one.
//!
//! The table of grants, written by the DC, says whom a voter promises a vip to. It makes the nodes agree, but nothing
//! rests on it: a stale table, or two DCs, could cost time, and never make two owners. A voter that starts anew has
//! forgotten its promises, so it makes none until they have run out.

mod chart;
mod failures;
mod govern;
mod hold;
mod holder;
mod membership;
mod notice;
mod office;
mod peer;
mod placement;
mod register;
mod settings;
mod speak;
#[cfg(test)]
mod tests;
mod view;
mod voter;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::cib::{Document, Stamp, Version};
use crate::message::{Bar, Message, Page, Reach, Table, Term, Unfit};
use crate::moment::Moment;
use crate::name::{LinkId, NodeId, VipId};

pub use notice::Notice;
pub use register::{Declined, Kept};
pub use settings::{NoQuorum, Role, Settings};
pub use view::{LinkView, NodeState, NodeView, Ownership, View, VipView};

use crate::guard::Guard;
use chart::Chart;
use failures::Failures;
use govern::Government;
use holder::Claims;
use office::Office;
use peer::Peer;
use register::Register;
use voter::Voter;

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time went on.
    Tick,
    /// A message came in that is what it says it is, and that no one heard before on this link.
    Received {
        /// Its sender.
        from: NodeId,
        /// The link.
        link: LinkId,
        /// The sender's life.
        session: u64,
        /// Its number in that life; the same on all links.
        sequence: u64,
        /// What it says.
        message: Box<Message>,
    },
    /// A page came in that is what it says it is, and that no one heard before on this link.
    Page {
        /// Its sender.
        from: NodeId,
        /// The link.
        link: LinkId,
        /// The sender's life.
        session: u64,
        /// Its number in that life, among messages and pages; the same on all links.
        sequence: u64,
        /// What it brings.
        page: Box<Page>,
    },
    /// What [`Output::Store`] asked for is on disk, and will be there after a crash.
    Stored(Paper),
    /// The document of this stamp that [`Output::Keep`] asked for is on disk, and will be there after a crash.
    Kept(Stamp),
    /// What this node can do now.
    Able(Abilities),
    /// Somebody here wants this document in place of that version; [`Output::Answer`] tells what became of it.
    Propose {
        /// By which the answer is known.
        ticket: u64,
        /// What the document was made from.
        base: Version,
        /// The document.
        document: Document,
    },
    /// It is about to end: everything is handed over first.
    Leave,
    /// All addresses of a vip are off the interface; it was read back.
    Withdrawn(VipId),
    /// A vip could not be put on the interface, and nothing of it is there.
    Failed(VipId),
    /// The file was read again. Nodes and links are as they were.
    Configured(Box<Settings>),
}

/// What has to outlive this life: without it a node could vote twice in one term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paper {
    /// The latest term that it knows of.
    pub term: Term,
    /// For whom it voted in it.
    pub vote: Option<NodeId>,
    /// The longest lease that it may have promised.
    pub lease: Duration,
}

impl Paper {
    /// A later term, in which nothing was voted yet.
    fn enter(&mut self, term: Term) {
        if term > self.term {
            *self = Self { term, vote: None, lease: self.lease };
        }
    }
}

/// What a node can do, apart from what the core knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Why it should not take over what it does not own.
    pub unfit: Option<Unfit>,
    /// The start of the SHA-256 of its file.
    pub file: u64,
    /// What it reaches.
    pub reach: Reach,
    /// The vips that it cannot carry.
    pub barred: BTreeMap<VipId, Bar>,
}

/// What is to be done, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this on all links to a node.
    Send {
        /// To whom.
        to: NodeId,
        /// Its number.
        sequence: u64,
        /// What to say.
        message: Box<Message>,
    },
    /// Send this page on all links to a node.
    Page {
        /// To whom.
        to: NodeId,
        /// Its number, among messages and pages.
        sequence: u64,
        /// What it brings.
        page: Box<Page>,
    },
    /// Put this on disk, and say when it is there.
    Store(Paper),
    /// Put this document on disk as the one that is accepted, and say when it is there.
    Keep(Document),
    /// This document is committed. It may be put on disk for readers of a later life.
    Committed(Document),
    /// What became of the proposal of this ticket.
    Answer(u64, Result<Version, Declined>),
    /// Put the addresses of a vip on the interface and announce them, for as long as [`Core::lease`] says.
    Take(VipId),
    /// Take the addresses of a vip off the interface at once, and say when they are.
    Yield(VipId),
    /// Ask whether somebody has a vip: its owner has been silent for longer than it can have kept it, and this node may be
    /// to take it in a moment.
    Inquire(VipId),
    /// Say again where all vips are that this node carries: a node spoke as if a term were not over.
    Announce,
    /// Tell somebody.
    Notice(Notice),
}

/// One node's view of who owns what. See the [module](self).
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    now: Moment,
    started: Moment,
    able: Abilities,
    /// It is about to end.
    leaves: bool,
    /// The vips of its file.
    vips: BTreeSet<VipId>,
    register: Register,
    /// What the committed document says.
    chart: Chart,
    failures: Failures,
    /// By the ids of the nodes; this node's own stays as it was made.
    peers: Vec<Peer>,
    office: Office,
    voter: Voter,
    table: Table,
    claims: Claims,
    /// When this node last could carry a vip again that it could not: until then it may have been cut off.
    unbarred: Moment,
    government: Government,
    /// How many messages were made.
    serial: u64,
    /// Something changed that others should know at once.
    news: bool,
    /// When all were last told.
    spoke: Option<Moment>,
    /// What was last told of the majority.
    quorate: bool,
    /// Since when there is no DC.
    leaderless: Option<Moment>,
    outputs: VecDeque<Output>,
    without: Option<Guard>,
}

impl Core {
    /// A node that starts at `now`. `paper` and `kept` are what it stored last in an earlier life; if one of them is lost,
    /// it grants nothing for `initdead`. `random` differs from node to node and from life to life.
    #[must_use]
    pub fn new(settings: Settings, now: Moment, paper: Option<Paper>, kept: Kept, random: u64) -> Self {
        let forgets = match paper.filter(|_| kept.accepted.is_some()) {
            Some(paper) => settings::promised(settings::promised(paper.lease.max(settings.deadtime))),
            None => settings.initdead.max(settings::promised(settings::promised(settings.deadtime))),
        };
        let peers = vec![Peer::new(settings.links); settings.count()];
        let register = Register::new(kept);
        let mut paper = paper.unwrap_or_default();
        // What was accepted in a term may be on disk before the term is.
        paper.enter(register.latest().stamp().term);
        let able = Abilities {
            unfit: Some(Unfit::Table),
            file: 0,
            reach: Reach::default(),
            barred: BTreeMap::new(),
        };
        let mut core = Self {
            now,
            started: now,
            able,
            leaves: false,
            vips: vips_of(&settings),
            chart: Chart::of(register.committed().cib(), &settings),
            register,
            failures: Failures::default(),
            peers,
            office: Office::new(now, paper, random),
            voter: Voter::new(now + forgets),
            table: Table::default(),
            claims: Claims::new(),
            unbarred: now,
            government: Government::default(),
            serial: 0,
            news: true,
            spoke: None,
            quorate: false,
            leaderless: Some(now),
            outputs: VecDeque::new(),
            without: None,
            settings,
        };
        core.note_lease(core.settings.deadtime);
        core
    }

    /// The same without one of its guards, so that a simulation can show that the guard is needed.
    #[cfg(feature = "sabotage")]
    #[must_use]
    pub fn without(mut self, guard: Guard) -> Self {
        self.without = Some(guard);
        if guard == Guard::HoldOff {
            self.voter = Voter::new(self.now);
        }
        self
    }

    fn guards(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    /// Takes note of what happened at `now`.
    pub fn handle(&mut self, now: Moment, event: Event) {
        self.now = self.now.max(now);
        self.expire();
        match event {
            Event::Tick => {}
            Event::Received { from, link, session, sequence, message } => {
                self.receive(from, link, session, sequence, *message);
            }
            Event::Stored(paper) => self.stored(paper),
            Event::Able(able) => self.become_able(able),
            Event::Page { from, link, session, sequence, page } => {
                self.turn_page(from, link, session, sequence, *page);
            }
            Event::Kept(stamp) => self.kept(stamp),
            Event::Propose { ticket, base, document } => self.propose(ticket, base, document),
            Event::Leave => {
                self.leaves = true;
                self.news = true;
            }
            Event::Withdrawn(vip) => self.withdrawn(vip),
            Event::Failed(vip) => self.take_failed(vip),
            Event::Configured(settings) => {
                self.settings = *settings;
                self.vips = vips_of(&self.settings);
                self.chart = Chart::of(self.register.committed().cib(), &self.settings);
                self.note_lease(self.settings.deadtime);
            }
        }
        self.watch_peers();
        self.run_for_office();
        self.circulate();
        self.govern();
        self.claim();
        self.acknowledge();
        self.note_quorum();
        self.speak();
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back at the latest, if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        let mut next: Option<Moment> = None;
        let mut consider = |at: Moment| {
            if at > self.now {
                next = Some(next.map_or(at, |known| known.min(at)));
            }
        };
        self.silences(&mut consider);
        self.terms_of_office(&mut consider);
        self.leases(&mut consider);
        self.speeches(&mut consider);
        self.circulations(&mut consider);
        self.failures_due(&mut consider);
        self.government.due().for_each(&mut consider);
        next
    }

    /// Until when this node may carry a vip, if nobody acknowledges it again. An address that is on an interface beyond
    /// that moment may be somebody else's.
    #[must_use]
    pub fn lease(&self, vip: VipId) -> Option<Moment> {
        let claim = self.claims.get(&vip)?;
        matches!(claim.stage, holder::Stage::Held { .. }).then(|| self.end_of(claim)).flatten()
    }

    /// Whether this node said that it leaves, and owns and leads nothing any more.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.leaves && self.claims.is_empty() && !self.leads()
    }

    fn tell(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }

    fn become_able(&mut self, able: Abilities) {
        if self.able == able {
            return;
        }
        let mut changed: Vec<VipId> = self.able.barred.keys().chain(able.barred.keys()).copied().collect();
        changed.retain(|vip| self.able.barred.get(vip) != able.barred.get(vip));
        changed.sort_unstable();
        changed.dedup();
        if self.able.barred.keys().any(|vip| !able.barred.contains_key(vip)) {
            self.unbarred = self.now;
        }
        for vip in changed {
            self.tell(Notice::Barred(vip, able.barred.get(&vip).copied()));
        }
        self.able = able;
        self.news = true;
    }

    /// Another document is committed.
    fn apply_document(&mut self) {
        let chart = Chart::of(self.register.committed().cib(), &self.settings);
        let before = std::mem::replace(&mut self.chart, chart);
        for node in self.settings.nodes() {
            let standby = self.chart.standby.contains(node);
            if standby != before.standby.contains(node) {
                self.tell(Notice::Standby(node, standby));
            }
        }
        self.note_written_failures();
    }
}

fn vips_of(settings: &Settings) -> BTreeSet<VipId> {
    settings.declared.vips.iter().map(|vip| VipId::of(&vip.name)).collect()
}
