//! What a channel knows of one peer.

use std::time::Duration;

use super::window::Window;
use crate::keys::{KeyRing, Mac};
use crate::{ClusterId, LinkId, Moment, NodeId};

/// A session is answered once in this time on each link, so that nobody makes a director talk by replaying.
const ANSWER_GAP: Duration = Duration::from_millis(50);
/// So many sessions of a peer are answered in that time: who replays fewer of them cannot keep the one that is
/// alive from its answer.
const ANSWERS: usize = 4;
/// A session that sent a valid message this lately is alive, whatever another one says.
const ALIVE: Duration = Duration::from_secs(1);

/// The keys for what goes to a peer and for what comes from it.
#[derive(Debug)]
pub(super) struct Keys {
    signer: (u8, Mac),
    accepted: Vec<(u8, Mac)>,
}

impl Keys {
    pub(super) fn derive(ring: &KeyRing, cluster: ClusterId, me: NodeId, peer: NodeId) -> Self {
        let accepted = ring.keys().iter().map(|key| (key.number(), key.derive(cluster, peer, me)));
        let signer = ring.signer();
        Self { signer: (signer.number(), signer.derive(cluster, me, peer)), accepted: accepted.collect() }
    }

    pub(super) const fn signer(&self) -> (u8, &Mac) {
        (self.signer.0, &self.signer.1)
    }

    pub(super) fn accepted(&self, number: u8) -> Option<&Mac> {
        self.accepted.iter().find(|(accepted, _)| *accepted == number).map(|(_, mac)| mac)
    }
}

/// The sessions of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// The one that answered a question of this session: messages go to it.
    proven: Option<Proven>,
    /// The one whose messages are taken.
    current: Option<Session>,
    /// How often another one became the current one.
    switches: u64,
    links: Vec<Link>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Proven {
    session: u64,
    token: u64,
    hello: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    id: u64,
    token: u64,
    heard: Moment,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Link {
    window: Window,
    /// The sessions that were answered last.
    answered: [Answered; ANSWERS],
}

/// Which session was answered, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Answered {
    session: u64,
    at: Option<Moment>,
}

impl Peer {
    pub(super) fn new(links: u8) -> Self {
        let links = vec![Link::default(); links.into()];
        Self { proven: None, current: None, switches: 0, links }
    }

    /// What is to be put into messages to it.
    pub(super) fn token(&self) -> Option<u64> {
        self.proven.as_ref().map(|proven| proven.token)
    }

    /// What is issued to a session of it: to the current one what it has, to another one what makes it current.
    pub(super) fn token_for(&self, session: u64, node: NodeId, issuer: &Mac) -> u64 {
        match &self.current {
            Some(current) if current.id == session => current.token,
            _ => {
                let context = [&[node.byte()][..], &session.to_be_bytes(), &self.switches.to_be_bytes()];
                let code = issuer.sign(&context.concat());
                code.first_chunk().map_or(1, |start| u64::from_be_bytes(*start).max(1))
            }
        }
    }

    /// A session showed the token that was issued to it. What the one before had, counts no more.
    pub(super) fn switch_to(&mut self, session: u64, token: u64, now: Moment) {
        if self.current.as_ref().is_some_and(|current| current.id == session) {
            return;
        }
        self.current = Some(Session { id: session, token, heard: now });
        self.switches += 1;
        self.proven.take_if(|proven| proven.session != session);
        self.links.iter_mut().for_each(|link| link.window = Window::default());
    }

    /// Notes a message of the current session; false if the link brought it before.
    pub(super) fn take(&mut self, link: LinkId, sequence: u64, now: Moment) -> bool {
        let new = self.link(link).is_some_and(|link| link.window.take(sequence));
        if let Some(current) = self.current.as_mut().filter(|_| new) {
            current.heard = now;
        }
        new
    }

    /// A session answered a question of this session. The answer may be old: it may neither replace a later one
    /// of the same session nor one of a session that is alive.
    pub(super) fn prove(&mut self, session: u64, token: u64, hello: u64, now: Moment) {
        let later = |proven: &Proven| proven.session == session && proven.hello >= hello;
        let alive = |current: &Session| current.id != session && now.since(current.heard) < ALIVE;
        if !self.proven.as_ref().is_some_and(later) && !self.current.as_ref().is_some_and(alive) {
            self.proven = Some(Proven { session, token, hello });
        }
    }

    /// Whether it is time to answer a session on this link; its next answer has to wait.
    pub(super) fn may_answer(&mut self, link: LinkId, session: u64, now: Moment) -> bool {
        let slots = self.link(link).into_iter().flat_map(|link| &mut link.answered);
        let its_own_or_oldest = slots.min_by_key(|slot| (slot.session != session, slot.at));
        let Some(slot) = its_own_or_oldest else { return false };
        if slot.at.is_some_and(|at| now.since(at) < ANSWER_GAP) {
            return false;
        }
        *slot = Answered { session, at: Some(now) };
        true
    }

    fn link(&mut self, link: LinkId) -> Option<&mut Link> {
        self.links.get_mut(usize::from(link.0))
    }
}
