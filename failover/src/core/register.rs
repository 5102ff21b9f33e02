//! The document as this node has it: accepted, which is on disk, and committed, which a majority has.
//!
//! Only a DC writes. It asks for a document to be accepted under its own term, and a node accepts what the DC of the
//! term that it is in asks for. A document is committed as soon as a majority says that it has exactly that one on
//! disk. A voter elects nobody whose accepted document is older than its own, so every later DC begins with all that was
//! committed, and asks for it anew under its own term: what an earlier one could not finish is finished or gone.

mod fetch;
mod proposal;

use super::{Core, Notice, Output};
use crate::cib::{Document, Stamp};
use crate::guard::Guard;
use crate::message::{Mention, Message};
use crate::moment::Moment;
use crate::name::NodeId;

pub use proposal::Declined;

use fetch::{Fetch, Purpose};
use proposal::Proposals;

/// What an earlier life left on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// What it had accepted.
    pub accepted: Option<Document>,
    /// What it knew to be committed.
    pub committed: Option<Document>,
}

/// All that a node has of the document.
#[derive(Debug)]
pub(super) struct Register {
    /// On disk.
    accepted: Document,
    /// On its way to disk.
    writing: Option<Document>,
    /// What readers see.
    committed: Document,
    fetch: Option<Fetch>,
    proposals: Proposals,
    /// One that could not be read, so that this is told once.
    unreadable: Option<Stamp>,
}

impl Register {
    pub(super) fn new(kept: Kept) -> Self {
        let committed = kept.committed.unwrap_or_else(Document::empty);
        Self {
            accepted: kept.accepted.unwrap_or_else(|| committed.clone()),
            writing: None,
            committed,
            fetch: None,
            proposals: Proposals::default(),
            unreadable: None,
        }
    }

    /// Whether no majority is known yet to have what this node has accepted.
    pub(super) fn is_in_doubt(&self) -> bool {
        (self.accepted.version(), self.accepted.digest())
            != (self.committed.version(), self.committed.digest())
    }

    pub(super) const fn committed(&self) -> &Document {
        &self.committed
    }

    /// What it has accepted, or is about to.
    pub(super) fn latest(&self) -> &Document {
        self.writing.as_ref().unwrap_or(&self.accepted)
    }

    /// Whether nothing is under way: what is accepted is committed.
    fn is_settled(&self) -> bool {
        self.writing.is_none() && self.accepted.stamp() == self.committed.stamp()
    }
}

impl Core {
    /// What this node says of its document.
    pub(super) fn mention(&self) -> Mention {
        let Register { accepted, committed, .. } = &self.register;
        let committed = accepted.stamp() == committed.stamp();
        Mention { stamp: accepted.stamp(), digest: accepted.digest(), committed }
    }

    /// Whether this node could elect one with this document.
    pub(super) fn is_up_to_date(&self, stamp: Stamp) -> bool {
        stamp >= self.register.accepted.stamp() || !self.guards(Guard::UpToDate)
    }

    /// The new DC asks for its document under its own term.
    pub(super) fn ask_anew(&mut self) {
        if !self.guards(Guard::OwnTerm) {
            return;
        }
        let document = self.register.accepted.restamped(self.term());
        self.keep(document);
    }

    /// Whether the DC may ask for another document: its own is committed, and no other is under way.
    pub(super) fn may_write(&self) -> bool {
        self.leads() && self.register.is_settled() && self.is_of_this_term(self.register.accepted.stamp())
    }

    pub(super) fn is_of_this_term(&self, stamp: Stamp) -> bool {
        stamp.term == self.term() || !self.guards(Guard::OwnTerm)
    }

    /// As the DC, asks for another document.
    pub(super) fn write_document(&mut self, document: &Document) {
        self.keep(document.restamped(self.term()));
    }

    fn keep(&mut self, document: Document) {
        if !self.guards(Guard::StoredDocument) {
            self.register.accepted = document.clone();
            self.news = true;
        }
        self.register.writing = Some(document.clone());
        self.outputs.push_back(Output::Keep(document));
    }

    /// A document is on disk: this node accepts it.
    pub(super) fn kept(&mut self, stamp: Stamp) {
        let is_latest = |writing: &mut Document| writing.stamp() == stamp;
        if let Some(document) = self.register.writing.take_if(is_latest) {
            self.register.accepted = document;
            self.news = true;
        }
    }

    /// What another node says of its document.
    pub(super) fn hear_of_document(&mut self, from: NodeId, message: &Message) {
        let theirs = message.document;
        let mine = &self.register.accepted;
        if theirs.committed && (theirs.stamp, theirs.digest) == (mine.stamp(), mine.digest()) {
            self.commit(&mine.clone());
        }
        if self.leads() && self.has_rival(theirs) {
            self.retire();
            self.news = true;
        }
        let in_office = message.leader == Some(from) && message.term == self.term();
        let asked = in_office && !self.leads() && self.is_of_this_term(theirs.stamp);
        if !asked || theirs.stamp <= self.register.latest().stamp() {
            return;
        }
        let mine = &self.register.accepted;
        if theirs.digest == mine.digest() && theirs.stamp.version == mine.version() {
            self.keep(mine.restamped(theirs.stamp.term));
        } else if self.register.unreadable != Some(theirs.stamp) {
            self.fetch(from, theirs.digest, Purpose::Accept(theirs.stamp));
        }
    }

    /// Whether another DC wrote a document that this one cannot replace: without a majority, two could write in one term
    /// (see [`NoQuorum`](super::NoQuorum)). The next term's DC has the later of them.
    fn has_rival(&self, theirs: Mention) -> bool {
        let mine = self.register.latest();
        theirs.stamp > mine.stamp() || theirs.stamp == mine.stamp() && theirs.digest != mine.digest()
    }

    /// A document that the DC asked for is here.
    fn accept(&mut self, stamp: Stamp, text: &[u8]) {
        if !self.is_of_this_term(stamp) || stamp <= self.register.latest().stamp() {
            return;
        }
        match Document::read(stamp.term, text) {
            Ok(document) if document.stamp() == stamp => self.keep(document),
            Ok(document) => self.refuse(stamp, format!("it says that it is {}", document.version())),
            Err(problems) => self.refuse(stamp, problems.to_string()),
        }
    }

    fn refuse(&mut self, stamp: Stamp, why: String) {
        self.register.unreadable = Some(stamp);
        self.tell(Notice::Unreadable(stamp, why));
    }

    /// As the DC, counts who has what it asked for.
    pub(super) fn count_acceptances(&mut self) {
        let mine = &self.register.accepted;
        let stamp = mine.stamp();
        if !self.leads() || !self.is_of_this_term(stamp) || stamp <= self.register.committed.stamp() {
            return;
        }
        // What somebody accepted after it had gone on to a later term came too late.
        let has = |node: &NodeId| {
            self.latest(*node).is_some_and(|it| (it.term, it.document.stamp) == (self.term(), stamp))
        };
        if 1 + self.settings.others().filter(has).count() >= self.needed() {
            self.commit(&mine.clone());
            self.news = true;
        }
    }

    /// A majority has this document: readers see it from now on.
    fn commit(&mut self, document: &Document) {
        if document.stamp() <= self.register.committed.stamp() {
            return;
        }
        let before = std::mem::replace(&mut self.register.committed, document.clone());
        self.outputs.push_back(Output::Committed(document.clone()));
        if before.version() != document.version() {
            self.tell(Notice::Committed(document.stamp(), document.digest()));
        }
        self.apply_document();
        self.answer_committed();
    }

    /// Asks for what has not come, and goes on with what is proposed.
    pub(super) fn circulate(&mut self) {
        self.count_acceptances();
        self.pull_again();
        self.propose_again();
    }

    /// When something about the document is due.
    pub(super) fn circulations(&self, consider: &mut impl FnMut(Moment)) {
        let register = &self.register;
        register.fetch.iter().for_each(|fetch| consider(fetch.due(self.settings.keepalive)));
        register.proposals.due(self.settings.keepalive).for_each(consider);
    }
}
