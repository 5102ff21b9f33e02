//! Whoever wants another document proposes it to the DC, and is told what became of it.

use std::collections::VecDeque;
use std::time::Duration;

use super::fetch::Purpose;
use crate::cib::{Digest, Document, Version};
use crate::core::{Core, Output};
use crate::guard::Guard;
use crate::message::{Page, Verdict};
use crate::moment::Moment;
use crate::name::NodeId;

/// As many proposals as may wait at a node.
const WAITING: usize = 16;

/// Why a proposal was not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Declined {
    /// Another was first.
    #[error("somebody else changed the document meanwhile: its version is {0} now")]
    Conflict(Version),
    /// There is nobody to decide.
    #[error("no majority of nodes with a DC is heard, so nothing can be changed; nothing was")]
    NoQuorum,
    /// The DC asked for it, and no majority said in time that it has it.
    #[error("no majority has confirmed it in time; it may still come into force")]
    Unknown,
    /// The DC cannot read it, or it is no later than what it is to replace.
    #[error("the DC refuses it: it cannot read it, or its version is not a later one")]
    Invalid,
    /// Too many wait.
    #[error("too many changes are under way")]
    Busy,
}

/// Whose proposal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Here,
    Node(NodeId),
}

/// What is to become the document.
#[derive(Debug)]
struct Proposal {
    ticket: u64,
    base: Version,
    document: Document,
    /// When it is given up.
    until: Moment,
    /// When it was last offered.
    offered: Option<Moment>,
    /// A DC has it, or may have.
    out: bool,
}

/// What is proposed here, and as the DC, whose proposal is under way.
#[derive(Debug, Default)]
pub(super) struct Proposals {
    own: VecDeque<Proposal>,
    under_way: Option<(NodeId, Digest)>,
}

impl Proposals {
    pub(super) fn documents(&self) -> impl Iterator<Item = &Document> {
        self.own.iter().map(|proposal| &proposal.document)
    }

    pub(super) fn note_pulled(&mut self, digest: Digest) {
        let pulled = self.own.iter_mut().filter(|proposal| proposal.document.digest() == digest);
        pulled.for_each(|proposal| proposal.out = true);
    }

    fn take_if(&mut self, wanted: impl Fn(&Proposal) -> bool) -> Option<Proposal> {
        if self.own.front().is_some_and(wanted) { self.own.pop_front() } else { None }
    }

    pub(super) fn due(&self, keepalive: Duration) -> impl Iterator<Item = Moment> {
        let first = self.own.front().and_then(|proposal| proposal.offered).map(|at| at + keepalive / 2);
        self.own.iter().map(|proposal| proposal.until).chain(first)
    }
}

impl Core {
    /// Somebody here wants another document.
    pub(in crate::core) fn propose(&mut self, ticket: u64, base: Version, document: Document) {
        if self.register.proposals.own.len() == WAITING {
            self.outputs.push_back(Output::Answer(ticket, Err(Declined::Busy)));
            return;
        }
        let until = self.now + self.settings.deadtime * 2;
        let proposal = Proposal { ticket, base, document, until, offered: None, out: false };
        self.register.proposals.own.push_back(proposal);
    }

    /// Offers what is proposed here, one after the other, and gives up what takes too long.
    pub(super) fn propose_again(&mut self) {
        let now = self.now;
        while let Some(late) = self.register.proposals.take_if(|first| first.until <= now) {
            let why = if late.out { Declined::Unknown } else { Declined::NoQuorum };
            self.outputs.push_back(Output::Answer(late.ticket, Err(why)));
        }
        let again = self.settings.keepalive / 2;
        let Some(first) = self.register.proposals.own.front() else { return };
        let (base, document) = (first.base, first.document.clone());
        if self.leads() {
            if let Some(verdict) = self.consider(Origin::Here, base, &document) {
                self.finish(document.digest(), verdict);
            }
            return;
        }
        let Some(leader) = self.leader().filter(|_| first.offered.is_none_or(|at| at + again <= now)) else {
            return;
        };
        if let Some(first) = self.register.proposals.own.front_mut() {
            first.offered = Some(now);
        }
        self.send_page(leader, Page::Offer { base, digest: document.digest() });
    }

    /// As the DC, hears that a node has a proposal.
    pub(super) fn hear_offer(&mut self, from: NodeId, base: Version, digest: Digest) {
        if !self.leads() {
            return;
        }
        match self.judge(base, digest) {
            Some(verdict) => self.answer(from, digest, verdict),
            None if self.may_write() => self.fetch(from, digest, Purpose::Consider(base)),
            // It is offered again.
            None => {}
        }
    }

    /// What is to be said of a proposal before it was read; nothing as long as that is open.
    fn judge(&self, base: Version, digest: Digest) -> Option<Verdict> {
        let committed = &self.register.committed;
        if digest == committed.digest() {
            return Some(Verdict::Committed);
        }
        let open = !self.may_write() || base == committed.version() || !self.guards(Guard::Base);
        (!open).then(|| Verdict::Conflict(committed.version()))
    }

    /// As the DC, asks for a proposal to be accepted, unless there is a reason not to.
    pub(super) fn consider(&mut self, origin: Origin, base: Version, document: &Document) -> Option<Verdict> {
        let later = document.version() > self.register.committed.version();
        let verdict = self.judge(base, document.digest());
        let verdict = verdict.or_else(|| (self.may_write() && !later).then_some(Verdict::Invalid));
        match (origin, verdict) {
            (_, None) if self.may_write() => {
                self.register.proposals.under_way = match origin {
                    Origin::Node(node) => Some((node, document.digest())),
                    Origin::Here => None,
                };
                self.register.proposals.note_pulled(document.digest());
                self.write_document(document);
            }
            (Origin::Node(node), Some(verdict)) => self.answer(node, document.digest(), verdict),
            _ => {}
        }
        verdict
    }

    /// The DC says what became of a proposal.
    pub(super) fn hear_answer(&mut self, from: NodeId, digest: Digest, verdict: Verdict) {
        if self.leader() == Some(from) {
            self.finish(digest, verdict);
        }
    }

    /// Something was committed: whoever proposed it is told.
    pub(super) fn answer_committed(&mut self) {
        let digest = self.register.committed.digest();
        self.finish(digest, Verdict::Committed);
        // Whatever waited for this is offered anew.
        self.register.proposals.own.front_mut().into_iter().for_each(|first| first.offered = None);
        if let Some((node, proposed)) = self.register.proposals.under_way.take()
            && proposed == digest
        {
            self.answer(node, digest, Verdict::Committed);
        }
    }

    /// It is known what became of a proposal of this node.
    fn finish(&mut self, digest: Digest, verdict: Verdict) {
        let is_it = |first: &Proposal| first.document.digest() == digest;
        let Some(first) = self.register.proposals.take_if(is_it) else { return };
        let outcome = match verdict {
            Verdict::Committed => Ok(first.document.version()),
            Verdict::Conflict(version) => Err(Declined::Conflict(version)),
            Verdict::Invalid => Err(Declined::Invalid),
        };
        self.outputs.push_back(Output::Answer(first.ticket, outcome));
    }
}
