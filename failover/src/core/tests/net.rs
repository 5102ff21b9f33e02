//! Nodes whose messages arrive after a millisecond, and whose disk is as fast.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::cib::{Cib, Declared, Document, Resource, Version as CibVersion};
use crate::core::{
    Abilities, Core, Declined, Event, Kept, NoQuorum, Notice, Output, Ownership, Paper, Role, Settings, View,
};
use crate::message::{Cause, Grant, Reach, Table, Term, Version};
use crate::moment::Moment;
use crate::name::{LinkId, NodeId, VipId};
use crate::score::Score;

/// That of `web`.
pub(super) const VIP: VipId = VipId::from_bits(0x4b5e_57f6);
const STEP: Duration = ms(1);

pub(super) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(super) fn node(index: usize) -> NodeId {
    NodeId::new(index).unwrap()
}

/// Three directors, of which the first is preferred.
pub(super) fn three() -> Settings {
    Settings {
        me: node(0),
        links: 1,
        keepalive: ms(200),
        warntime: ms(500),
        deadtime: ms(1_000),
        initdead: ms(5_000),
        declared: declared(3),
        tie_break: false,
        pings: false,
        dampen: ms(2_000),
    }
}

/// Directors `a`, `b` and so on, and the vip.
fn declared(nodes: usize) -> Declared {
    let web = Resource {
        name: "web".into(),
        addresses: vec!["192.0.2.1/24".into()],
        interface: "eth0".into(),
        prefer: [(name(0), Score::new(200))].into(),
        stickiness: Score::default(),
        migration_threshold: 3,
        failure_timeout: Duration::from_secs(600),
    };
    Declared {
        policy: NoQuorum::Stop,
        nodes: (0..nodes).map(|id| (name(id), Role::Director)).collect(),
        vips: vec![web],
        ..Declared::default()
    }
}

pub(super) fn name(node: usize) -> String {
    ["a", "b", "c"][node].into()
}

/// A cluster with another policy.
pub(super) fn with_policy(policy: NoQuorum) -> Settings {
    let settings = three();
    Settings { declared: Declared { policy, ..settings.declared.clone() }, ..settings }
}

/// Two directors.
pub(super) fn two() -> Settings {
    Settings { declared: declared(2), ..three() }
}

/// A table by which a node owns the vip.
pub(super) fn table_of(owner: NodeId) -> Table {
    let grant = Grant { vip: VIP, owner: Some(owner), cause: Cause::Vacant };
    Table { version: Version { term: Term(1), number: 1 }, grants: vec![grant] }
}

pub(super) struct Net {
    settings: Settings,
    now: Moment,
    session: u64,
    nodes: Vec<Option<Core>>,
    sessions: Vec<u64>,
    able: Vec<Abilities>,
    papers: Vec<Option<Paper>>,
    pub(super) kept: Vec<Kept>,
    /// Whose disks take no documents.
    pub(super) full: BTreeSet<usize>,
    /// What was told of proposals.
    pub(super) answers: Vec<(u64, Result<CibVersion, Declined>)>,
    carried: Vec<BTreeSet<VipId>>,
    refuses: Vec<bool>,
    /// How often one was refused.
    pub(super) refused: usize,
    cut: BTreeSet<(usize, usize)>,
    flying: VecDeque<(Moment, usize, Event)>,
    /// Who was to ask for which vip.
    pub(super) inquired: Vec<(usize, VipId)>,
    /// What each was told is whose now.
    pub(super) granted: Vec<(usize, VipId, Option<NodeId>)>,
    /// What went to whose disk.
    pub(super) stored: Vec<(usize, Paper)>,
}

impl Net {
    pub(super) fn new(settings: &Settings) -> Self {
        let count = settings.count();
        let reach = Reach { pings: 0, realservers: 2 };
        let able = Abilities { unfit: None, file: 1, reach, barred: BTreeMap::new() };
        let mut net = Self {
            settings: settings.clone(),
            now: Moment::default(),
            session: 0,
            nodes: (0..count).map(|_| None).collect(),
            sessions: vec![0; count],
            able: vec![able; count],
            papers: vec![None; count],
            kept: vec![Kept::default(); count],
            full: BTreeSet::new(),
            answers: Vec::new(),
            carried: vec![BTreeSet::new(); count],
            refuses: vec![false; count],
            refused: 0,
            cut: BTreeSet::new(),
            flying: VecDeque::new(),
            inquired: Vec::new(),
            granted: Vec::new(),
            stored: Vec::new(),
        };
        (0..count).for_each(|id| net.start(id));
        net
    }

    pub(super) fn start(&mut self, id: usize) {
        self.session += 1;
        self.sessions[id] = self.session;
        let settings = Settings { me: node(id), ..self.settings.clone() };
        self.nodes[id] =
            Some(Core::new(settings, self.now, self.papers[id], self.kept[id].clone(), self.session));
        self.tell(id, Event::Able(self.able[id].clone()));
    }

    pub(super) fn kill(&mut self, id: usize) {
        self.nodes[id] = None;
        self.carried[id].clear();
        self.flying.retain(|(_, to, event)| *to != id || matches!(event, Event::Received { .. }));
    }

    pub(super) fn cut(&mut self, a: usize, b: usize) {
        self.cut.extend([(a, b), (b, a)]);
    }

    pub(super) fn mend(&mut self) {
        self.cut.clear();
    }

    pub(super) fn able(&mut self, id: usize, change: impl FnOnce(&mut Abilities)) {
        change(&mut self.able[id]);
        self.tell(id, Event::Able(self.able[id].clone()));
    }

    /// At a node, proposes a changed document.
    pub(super) fn edit(&mut self, id: usize, change: impl FnOnce(&mut Cib)) {
        let committed = self.view(id).document;
        let mut cib = Cib::clone(committed.cib());
        change(&mut cib);
        cib.version = cib.version.configured();
        let document = Document::write(&cib).unwrap();
        self.tell(id, Event::Propose { ticket: id as u64, base: committed.version(), document });
    }

    pub(super) fn propose(&mut self, id: usize, proposal: Event) {
        self.tell(id, proposal);
    }

    pub(super) fn standby(&mut self, id: usize, standby: bool) {
        self.edit(id, |cib| {
            if standby {
                cib.standby.insert(name(id));
            } else {
                cib.standby.remove(&name(id));
            }
        });
    }

    pub(super) fn pin(&mut self, at: usize, to: Option<usize>) {
        self.edit(at, |cib| {
            cib.moves.remove("web");
            cib.moves.extend(to.map(|to| ("web".to_owned(), name(to))));
        });
    }

    pub(super) fn configure(&mut self, id: usize, settings: Settings) {
        let settings = Settings { me: node(id), ..settings };
        self.tell(id, Event::Configured(Box::new(settings)));
    }

    /// A node gets to know a table, from wherever.
    pub(super) fn hear_table(&mut self, id: usize, table: Table) {
        self.nodes[id].as_mut().unwrap().adopt(table);
    }

    pub(super) fn lease(&self, id: usize) -> Option<Moment> {
        self.nodes[id].as_ref().unwrap().lease(VIP)
    }

    pub(super) const fn now(&self) -> Moment {
        self.now
    }

    pub(super) fn leave(&mut self, id: usize) {
        self.tell(id, Event::Leave);
    }

    pub(super) fn fail_takes(&mut self, id: usize, fail: bool) {
        self.refuses[id] = fail;
    }

    pub(super) fn view(&self, id: usize) -> View {
        self.nodes[id].as_ref().unwrap().view(self.now)
    }

    pub(super) fn has_left(&self, id: usize) -> bool {
        self.nodes[id].as_ref().unwrap().has_left()
    }

    pub(super) fn held_since(&self, id: usize) -> Moment {
        let Ownership::Held { since, .. } = self.view(id).vips[0].here else { panic!("not held") };
        since
    }

    /// Who carries the vip.
    pub(super) fn owners(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|id| self.carried[*id].contains(&VIP)).collect()
    }

    pub(super) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.now = self.now + STEP;
            while self.flying.front().is_some_and(|(at, ..)| *at <= self.now) {
                let Some((_, to, event)) = self.flying.pop_front() else { break };
                self.tell(to, event);
            }
            for id in 0..self.nodes.len() {
                let due = |core: &Core| core.poll_timeout().is_some_and(|at| at <= self.now);
                if self.nodes[id].as_ref().is_some_and(due) {
                    self.tell(id, Event::Tick);
                }
            }
            assert!(self.owners().len() <= 1, "two owners at {:?}", self.now);
        }
    }

    fn tell(&mut self, id: usize, event: Event) {
        let Some(core) = &mut self.nodes[id] else { return };
        core.handle(self.now, event);
        let mut replies = Vec::new();
        while let Some(output) = core.poll_output() {
            match output {
                Output::Send { to, sequence, message } => {
                    if !self.cut.contains(&(id, to.index())) {
                        let (from, session) = (node(id), self.sessions[id]);
                        let event = Event::Received { from, link: LinkId(0), session, sequence, message };
                        self.flying.push_back((self.now + STEP, to.index(), event));
                    }
                }
                Output::Store(paper) => {
                    self.stored.push((id, paper));
                    self.papers[id] = Some(paper);
                    self.flying.push_back((self.now + STEP, id, Event::Stored(paper)));
                }
                Output::Take(vip) if self.refuses[id] => {
                    self.refused += 1;
                    replies.push(Event::Failed(vip));
                }
                Output::Take(vip) => {
                    self.carried[id].insert(vip);
                }
                Output::Yield(vip) => {
                    self.carried[id].remove(&vip);
                    replies.push(Event::Withdrawn(vip));
                }
                Output::Inquire(vip) => self.inquired.push((id, vip)),
                Output::Page { to, sequence, page } => {
                    if !self.cut.contains(&(id, to.index())) {
                        let (from, session) = (node(id), self.sessions[id]);
                        let event = Event::Page { from, link: LinkId(0), session, sequence, page };
                        self.flying.push_back((self.now + STEP, to.index(), event));
                    }
                }
                Output::Keep(_) if self.full.contains(&id) => {}
                Output::Keep(document) => {
                    self.flying.push_back((self.now + STEP, id, Event::Kept(document.stamp())));
                    self.kept[id].accepted = Some(document);
                }
                Output::Committed(document) => self.kept[id].committed = Some(document),
                Output::Answer(ticket, answer) => self.answers.push((ticket, answer)),
                Output::Notice(Notice::Granted { vip, to, .. }) => self.granted.push((id, vip, to)),
                Output::Announce | Output::Notice(_) => {}
            }
        }
        for reply in replies {
            self.tell(id, reply);
        }
    }
}
