//! Terms, and who is the DC of this one.

mod election;

use std::time::Duration;

use super::holder::majority;
use super::settings::{NoQuorum, Role, loyalty, promised, reliance};
use super::{Core, Notice, Output, Paper};
use crate::message::{Ballot, Message, Term};
use crate::moment::Moment;
use crate::name::{NodeId, NodeSet};

/// What this node is in its term.
#[derive(Clone, Debug)]
pub(super) struct Office {
    pub(super) term: Term,
    vote: Option<NodeId>,
    /// What is on disk.
    stored: Paper,
    /// The longest lease that may be promised once this is on disk.
    lease: Duration,
    part: Part,
    /// The DC of this term, and when it was last heard.
    leader: Option<Leader>,
    /// Not before then does this node try to be elected.
    patience: Moment,
    random: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Leader {
    pub(super) node: NodeId,
    /// Until when this node has promised not to elect another.
    until: Moment,
}

#[derive(Clone, Debug)]
enum Part {
    Follower,
    /// It asks who would vote for it.
    Canvasser {
        would: NodeSet,
        until: Moment,
    },
    /// It asks for votes.
    Candidate {
        votes: NodeSet,
        since: Moment,
        until: Moment,
    },
    /// It is the DC for as long as a majority hears it.
    Leader {
        /// By node: until when this one relies on its electing no other.
        heard: Vec<Option<Moment>>,
    },
}

impl Office {
    pub(super) fn new(now: Moment, paper: Paper, random: u64) -> Self {
        Self {
            term: paper.term,
            vote: paper.vote,
            stored: paper,
            lease: paper.lease,
            part: Part::Follower,
            leader: None,
            patience: now,
            random: random | 1,
        }
    }

    /// A number that nobody can foresee without the seed (xorshift64).
    fn random(&mut self) -> u8 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.to_be_bytes()[0]
    }

    const fn paper(&self) -> Paper {
        Paper { term: self.term, vote: self.vote, lease: self.lease }
    }
}

impl Core {
    /// Whether this node is the DC.
    pub(super) const fn leads(&self) -> bool {
        matches!(self.office.part, Part::Leader { .. })
    }

    /// The DC, as far as this node knows.
    pub(super) fn leader(&self) -> Option<NodeId> {
        if self.leads() {
            return Some(self.settings.me);
        }
        self.office.leader.filter(|leader| self.now < leader.until).map(|leader| leader.node)
    }

    pub(super) const fn term(&self) -> Term {
        self.office.term
    }

    /// How many nodes have to agree.
    pub(super) fn needed(&self) -> usize {
        let all = self.settings.count();
        if self.settings.declared.policy == NoQuorum::Ignore {
            return self.alive().len() / 2 + 1;
        }
        if self.settings.tie_break && all == 2 && self.able.reach.pings > 0 && self.is_widowed() {
            return 1;
        }
        all / 2 + 1
    }

    /// How many nodes have to agree that this node keeps what it owns.
    pub(super) fn needed_to_stay(&self) -> usize {
        let tie = self.settings.tie_break && self.settings.count() == 2 && self.able.reach.pings > 0;
        if tie { 1 } else { self.needed() }
    }

    /// Whether the others have been silent for longer than any of them relies on a promise of this node, and could have
    /// been heard.
    fn is_widowed(&self) -> bool {
        let silence = promised(promised(self.settings.deadtime));
        let heard = |node: NodeId| self.peers.get(node.index()).and_then(|peer| peer.heard);
        let since = |node: NodeId| heard(node).unwrap_or(self.started).max(self.unbarred);
        self.settings.others().all(|node| self.now >= since(node) + silence)
    }

    /// How long a DC is one that said so in a message with this lease.
    pub(super) fn loyalty(&self, lease: Duration) -> Duration {
        loyalty(lease, self.settings.keepalive)
    }

    /// How long the DC relies on it, counted from before it said so.
    pub(super) fn tenure_of_office(&self, lease: Duration) -> Duration {
        reliance(self.loyalty(lease))
    }

    /// What ends by itself.
    pub(super) fn expire(&mut self) {
        if let Part::Leader { heard } = &self.office.part
            && majority(heard, self.needed()).is_none_or(|until| until <= self.now)
        {
            self.retire();
        }
        self.expire_leases();
    }

    pub(super) fn retire(&mut self) {
        self.office.part = Part::Follower;
        self.office.leader = None;
        self.postpone();
    }

    /// Lets others try first, in the order of their ids, and never twice in step.
    fn postpone(&mut self) {
        let me = self.settings.me;
        let lately = self.loyalty(self.settings.deadtime);
        let heard =
            |node: NodeId| self.peers.get(node.index()).is_some_and(|peer| peer.is_heard(self.now, lately));
        let before_me = |node: &NodeId| self.rank(*node) < self.rank(me) && heard(*node);
        let rank = u32::try_from(self.settings.others().filter(before_me).count()).unwrap_or(u32::MAX);
        let step = self.settings.keepalive / 3;
        let jitter = step / 4 * u32::from(self.office.random()) / 256;
        self.office.patience = self.now + step * rank + jitter;
    }

    /// The order in which nodes try to be elected: a witness after all directors.
    fn rank(&self, node: NodeId) -> (bool, NodeId) {
        (self.settings.role(node) == Role::Witness, node)
    }

    /// What another node says of terms and of the DC.
    pub(super) fn learn(&mut self, from: NodeId, message: &Message) {
        if message.table.version > self.table.version {
            self.adopt(message.table.clone());
        }
        // Without a majority two could have written the same version; see [`NoQuorum`].
        if self.leads()
            && message.table.version == self.table.version
            && message.table.grants != self.table.grants
        {
            self.write(self.table.grants.clone());
        }
        let asks = matches!(message.ballot, Some(Ballot::WouldYou(_) | Ballot::Ask(_)));
        // A candidate's term is its own until somebody votes in it.
        if message.term > self.office.term && !asks {
            self.enter(message.term);
        }
        if message.term != self.office.term {
            return;
        }
        let rival = self.leads() && from > self.settings.me;
        if message.leader == Some(from) && !rival {
            self.follow(from, message.lease);
        } else if self.office.leader.is_some_and(|leader| leader.node == from) && message.leader.is_none() {
            // It says itself that it is the DC no more.
            self.office.leader = None;
            self.postpone();
        }
    }

    fn enter(&mut self, term: Term) {
        self.begin(term);
        self.store();
    }

    /// Enters a term, which is to be put on disk.
    fn begin(&mut self, term: Term) {
        self.office.term = term;
        self.office.vote = None;
        self.office.part = Part::Follower;
        self.office.leader = None;
        self.office.patience = self.now;
        self.postpone();
    }

    fn follow(&mut self, node: NodeId, lease: Duration) {
        let known = self.office.leader.is_some_and(|leader| leader.node == node);
        self.office.part = Part::Follower;
        self.office.leader = Some(Leader { node, until: self.now + self.loyalty(lease) });
        self.note_lease(lease);
        if !known {
            self.tell(Notice::Elected(node, self.office.term));
            self.news = true;
        }
    }

    /// Whether this node would still know after a crash how long to keep a promise for `lease`.
    pub(super) fn remembers(&self, lease: Duration) -> bool {
        lease <= self.office.stored.lease
    }

    /// Before it promises anything for so long, that has to be on disk.
    pub(super) fn note_lease(&mut self, lease: Duration) {
        if lease > self.office.lease {
            self.office.lease = lease;
            self.store();
        }
    }

    fn store(&mut self) {
        self.outputs.push_back(Output::Store(self.office.paper()));
    }

    /// A node acknowledged a message of this one: if it takes this node for the DC, it elects no other for a while.
    pub(super) fn heard_as_leader(&mut self, by: NodeId, term: Term, leader: Option<NodeId>, until: Moment) {
        if let Part::Leader { heard } = &mut self.office.part
            && (term, leader) == (self.office.term, Some(self.settings.me))
            && let Some(known) = heard.get_mut(by.index())
        {
            *known = (*known).max(Some(until));
        }
    }

    fn resign_if_left(&mut self) {
        if self.leaves && self.claims.is_empty() && self.is_handed_over() {
            self.retire();
            self.news = true;
        }
    }

    /// Whether this node needs answers to become or stay the DC.
    pub(super) const fn is_in_race(&self) -> bool {
        !matches!(self.office.part, Part::Follower)
    }

    /// Until when a majority has promised to elect no other, if this node is the DC.
    pub(super) fn office_until(&self) -> Option<Moment> {
        let Part::Leader { heard } = &self.office.part else { return None };
        majority(heard, self.needed())
    }

    /// When something about the office changes by itself.
    pub(super) fn terms_of_office(&self, consider: &mut impl FnMut(Moment)) {
        consider(self.office.patience);
        consider(self.voter.silent_until());
        self.office.leader.into_iter().for_each(|leader| consider(leader.until));
        match self.office.part {
            Part::Canvasser { until, .. } | Part::Candidate { until, .. } => consider(until),
            Part::Leader { .. } => self.office_until().into_iter().for_each(consider),
            Part::Follower => {}
        }
    }

    /// The DC counts its own voice at the time of its own messages.
    pub(super) fn hear_myself(&mut self) {
        let (me, until) = (self.settings.me, self.now + self.tenure_of_office(self.settings.deadtime));
        self.heard_as_leader(me, self.office.term, Some(me), until);
    }
}
