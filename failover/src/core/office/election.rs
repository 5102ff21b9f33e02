//! How a node becomes the DC: it asks who would elect it, then asks for votes, and counts them.

use super::Part;
use crate::cib::Stamp;
use crate::core::{Core, Notice, Paper};
use crate::guard::Guard;
use crate::message::{Ballot, Message};
use crate::name::{NodeId, NodeSet};

impl Core {
    /// Something is on disk.
    pub(in crate::core) fn stored(&mut self, paper: Paper) {
        let had_given = self.given();
        if (paper.term, paper.lease) >= (self.office.stored.term, self.office.stored.lease) {
            self.office.stored = paper;
        }
        // The disk was what a vote, or its own candidacy, waited for.
        match self.given().filter(|given| had_given != Some(*given)) {
            Some(given) if given == self.settings.me => self.news = true,
            Some(given) => self.send(given, Some(Ballot::Vote(self.office.term, given)), None),
            None => {}
        }
    }

    /// The vote of this term, if it is on disk.
    fn given(&self) -> Option<NodeId> {
        let stored =
            (self.office.stored.term, self.office.stored.vote) == (self.office.term, self.office.vote);
        self.office.vote.filter(|_| stored || !self.guards(Guard::StoredVote))
    }

    /// Whether this node would elect a node now.
    fn is_free_for(&self, node: NodeId, stamp: Stamp) -> bool {
        let content = self.leader().is_some_and(|leader| leader != node);
        self.voter.speaks(self.now)
            && !(content && self.guards(Guard::Stickiness))
            && self.is_up_to_date(stamp)
    }

    /// Whether this node asks for the same as another whose document is no older, and goes first.
    fn goes_before(&self, node: NodeId, stamp: Stamp) -> bool {
        let canvasses = matches!(self.office.part, Part::Canvasser { .. });
        let first = self.rank(self.settings.me) < self.rank(node);
        canvasses && first && stamp == self.mention().stamp
    }

    /// What another node asks or answers in an election.
    pub(in crate::core) fn vote(&mut self, from: NodeId, message: &Message) {
        let me = self.settings.me;
        match message.ballot {
            Some(Ballot::WouldYou(term))
                if term > self.office.term
                    && self.is_free_for(from, message.document.stamp)
                    && !self.goes_before(from, message.document.stamp) =>
            {
                if matches!(self.office.part, Part::Canvasser { .. }) {
                    self.office.part = Part::Follower;
                }
                self.office.patience = self.office.patience.max(self.now + self.settings.keepalive);
                self.send(from, Some(Ballot::Would(term, from)), None);
            }
            Some(Ballot::Ask(term))
                if term >= self.office.term && self.is_free_for(from, message.document.stamp) =>
            {
                if term > self.office.term {
                    self.begin(term);
                }
                self.office.patience = self.office.patience.max(self.now + self.settings.keepalive);
                if self.office.vote.is_none() || !self.guards(Guard::OneVote) {
                    self.office.vote = Some(from);
                    self.store();
                }
                if self.given() == Some(from) {
                    self.send(from, Some(Ballot::Vote(term, from)), None);
                }
            }
            Some(Ballot::Would(term, node)) if term == self.office.term.next() && node == me => {
                if let Part::Canvasser { would, .. } = &mut self.office.part {
                    would.insert(from);
                }
            }
            Some(Ballot::Vote(term, node)) if term == self.office.term && node == me => {
                if let Part::Candidate { votes, .. } = &mut self.office.part {
                    votes.insert(from);
                }
            }
            _ => {}
        }
    }

    /// Takes the next step towards being the DC, if there is none.
    pub(in crate::core) fn run_for_office(&mut self) {
        if let Some(leader) = self.office.leader
            && leader.until <= self.now
        {
            self.office.leader = None;
            self.postpone();
        }
        let me = self.settings.me;
        match &self.office.part {
            Part::Leader { .. } => self.resign_if_left(),
            Part::Follower => {
                if self.may_run() {
                    let until = self.now + self.settings.keepalive;
                    self.office.part = Part::Canvasser { would: NodeSet::from_iter([me]), until };
                    self.news = true;
                    self.canvass();
                }
            }
            Part::Canvasser { .. } => self.canvass(),
            Part::Candidate { .. } => self.count(),
        }
    }

    fn may_run(&self) -> bool {
        self.office.leader.is_none()
            && self.now >= self.office.patience
            && self.voter.speaks(self.now)
            && !self.leaves
            && self.alive().len() >= self.needed()
    }

    fn canvass(&mut self) {
        let Part::Canvasser { would, until } = &self.office.part else { return };
        if would.len() >= self.needed() || !self.guards(Guard::PreVote) {
            self.office.term = self.office.term.next();
            self.office.vote = Some(self.settings.me);
            let until = self.now + self.settings.deadtime;
            self.office.part = Part::Candidate { votes: NodeSet::default(), since: self.now, until };
            self.store();
        } else if *until <= self.now {
            self.give_up();
        }
    }

    fn count(&mut self) {
        let me = self.settings.me;
        let own = self.given() == Some(me);
        let (needed, tenure) = (self.needed(), self.tenure_of_office(self.settings.deadtime));
        let Part::Candidate { votes, since, until } = &mut self.office.part else { return };
        if own {
            votes.insert(me);
        }
        if votes.len() >= needed {
            let (votes, until) = (*votes, *since + tenure);
            let nodes = self.settings.nodes();
            let heard = nodes.map(|node| votes.contains(node).then_some(until)).collect();
            self.office.part = Part::Leader { heard };
            self.office.leader = None;
            self.tell(Notice::Elected(me, self.office.term));
            self.take_office();
            self.news = true;
        } else if *until <= self.now {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.office.part = Part::Follower;
        self.postpone();
        self.office.patience = self.office.patience + self.settings.keepalive;
    }

    /// What this node asks of all in an election.
    pub(in crate::core) fn ballot(&self) -> Option<Ballot> {
        match self.office.part {
            Part::Canvasser { .. } => Some(Ballot::WouldYou(self.office.term.next())),
            Part::Candidate { .. } if self.given() == Some(self.settings.me) => {
                Some(Ballot::Ask(self.office.term))
            }
            _ => None,
        }
    }
}
