//! What is known of another node.

use std::collections::VecDeque;
use std::time::Duration;

use super::settings::quiet;
use crate::message::{Ack, Message, Term};
use crate::moment::Moment;
use crate::name::LinkId;

/// As many messages as can wait for an acknowledgement.
const UNACKNOWLEDGED: usize = 64;

/// Another node, as this one hears it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    session: u64,
    sequence: u64,
    /// The number of the latest of its pages.
    page: u64,
    /// The latest of its messages.
    pub(super) latest: Option<Message>,
    /// When anything of it was last heard.
    pub(super) heard: Option<Moment>,
    pub(super) links: Vec<Link>,
    /// Whether it was told to be there.
    pub(super) told_alive: bool,
    /// Whether it has been silent for so long that it owns nothing any more.
    pub(super) quiet: bool,
    /// Messages to it, oldest first.
    sent: VecDeque<Sent>,
    next: u64,
    /// The number of the latest message that asked for an acknowledgement.
    pub(super) asked: Option<u64>,
    /// When it last asked for one.
    asked_at: Option<Moment>,
    /// What the latest acknowledgement said.
    pub(super) acknowledged: Ack,
    /// How often it was silent for longer than `warntime`.
    pub(super) late: u64,
    /// The latest term that was over when it spoke of it as if it were not.
    pub(super) outdated: Option<Term>,
}

/// A path to another node.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) heard: Option<Moment>,
    pub(super) told_up: bool,
    sequence: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
}

/// A message that was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) sequence: u64,
    pub(super) at: Moment,
    /// How many messages this node had made before it, to whomever.
    pub(super) serial: u64,
    /// The lease that it asked for.
    pub(super) lease: Duration,
}

/// What a message that came in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The latest so far.
    News,
    /// The latest so far, from a node that started anew.
    Restart,
    /// A copy, or one that was overtaken.
    Old,
}

impl Peer {
    pub(super) fn new(links: usize) -> Self {
        Self {
            session: 0,
            sequence: 0,
            page: 0,
            latest: None,
            heard: None,
            links: vec![Link::default(); links],
            told_alive: false,
            quiet: false,
            sent: VecDeque::new(),
            next: 1,
            asked: None,
            asked_at: None,
            acknowledged: nothing(),
            late: 0,
            outdated: None,
        }
    }

    /// Takes note of a message; its content is for the caller.
    pub(super) fn arrive(
        &mut self,
        now: Moment,
        link: LinkId,
        session: u64,
        sequence: u64,
        in_order: bool,
    ) -> Arrival {
        let restarted = session != self.session;
        if restarted {
            self.session = session;
            self.sequence = 0;
            self.page = 0;
            self.asked = None;
            self.asked_at = None;
            self.acknowledged = nothing();
            self.links.iter_mut().for_each(|link| link.sequence = 0);
        }
        self.heard = Some(now);
        if let Some(link) = self.links.get_mut(usize::from(link.0)) {
            link.heard = Some(now);
            link.count(sequence);
        }
        if sequence <= self.sequence && in_order {
            return Arrival::Old;
        }
        self.sequence = sequence;
        if restarted && self.latest.is_some() { Arrival::Restart } else { Arrival::News }
    }

    /// Takes note of a page, and says whether it is of the session that is known, and later than all before.
    pub(super) fn turn(&mut self, link: LinkId, session: u64, sequence: u64) -> bool {
        if session != self.session {
            return false;
        }
        if let Some(link) = self.links.get_mut(usize::from(link.0)) {
            link.count(sequence);
        }
        let later = sequence > self.page;
        self.page = self.page.max(sequence);
        later
    }

    /// Takes note of a message that asks for an acknowledgement.
    pub(super) fn ask(&mut self, now: Moment, sequence: u64) {
        self.asked = self.asked.max(Some(sequence));
        self.asked_at = Some(now);
    }

    /// From when on it owns nothing any more, if it says nothing before; unknown if it was never heard. What it answers
    /// renews no promise to it, but whoever answers is there.
    pub(super) fn quiet_from(&self, deadtime: Duration) -> Option<Moment> {
        let heard = self.heard?;
        let owns = self.latest.as_ref().is_some_and(|latest| !latest.claims.is_empty());
        let renewed = self.asked_at.filter(|_| owns).unwrap_or(heard);
        Some((renewed + quiet(deadtime)).max(heard + deadtime * 2 / 3))
    }

    /// Whether it has said nothing for so long that it owns nothing any more.
    pub(super) fn is_quiet(&self, now: Moment, deadtime: Duration) -> bool {
        self.quiet_from(deadtime).is_some_and(|from| from <= now)
    }

    /// Whether it was heard within a time.
    pub(super) fn is_heard(&self, now: Moment, within: Duration) -> bool {
        self.heard.is_some_and(|heard| now < heard + within)
    }

    /// The number of what is sent to it next.
    pub(super) const fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Makes a note of a message to it.
    pub(super) fn send(&mut self, at: Moment, serial: u64, lease: Duration) -> u64 {
        let sequence = self.number();
        if self.sent.len() == UNACKNOWLEDGED {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { sequence, at, serial, lease });
        sequence
    }

    /// The message that it acknowledges.
    pub(super) fn sent(&self, sequence: u64) -> Option<Sent> {
        self.sent.iter().rev().find(|sent| sent.sequence == sequence).copied()
    }

    pub(super) fn last_sent(&self) -> Option<Moment> {
        self.sent.back().map(|sent| sent.at)
    }
}

impl Link {
    fn count(&mut self, sequence: u64) {
        self.received += 1;
        if self.sequence != 0 {
            self.lost += sequence.saturating_sub(self.sequence + 1);
        }
        self.sequence = self.sequence.max(sequence);
    }
}

const fn nothing() -> Ack {
    Ack { sequence: 0, vips: Vec::new() }
}
