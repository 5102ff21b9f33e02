//! What reaches a director from which other one: sessions, and nothing twice.
//!
//! Each start of a director begins a session, a random number. A receiver issues a token to each session of a
//! peer, bound to a secret of its own session, and takes messages only with the token that it would issue now:
//!
//! ```text
//!  A                                                   B
//!  |  hello: ask                                       |     A's session a is not known to be alive: any hello
//!  |-------------------------------------------------->|     may have been recorded before
//!  |                  hello: answer to a, with a token |     b is alive: only who got a's question knows a
//!  |<--------------------------------------------------|
//!  |  message, with the token                          |     a is alive: only who got b's answer knows the token
//!  |-------------------------------------------------->|     A's session before a is over for ever
//! ```
//!
//! The same happens from B to A. A message with another token is answered as if it asked; so whoever restarts is
//! known again after one exchange, and none has to remember anything across its own restart.
//!
//! What was recorded from an earlier session of either end has no token of now. What was recorded in this
//! session is in the window of the link, which takes each sequence number once. What goes elsewhere than to its
//! receiver has a wrong MAC there, as each direction has a key of its own.

mod peer;
mod rejection;
#[cfg(test)]
mod tests;
mod window;

use std::num::NonZeroU64;

pub use rejection::Rejection;

use crate::guard::Guard;
use crate::keys::{KeyRing, Mac, Method};
use crate::message::{Message, Page};
use crate::wire::{self, Body, Header, Hello, Unverified};
use crate::{ClusterId, LinkId, Moment, NodeId};
use peer::{Keys, Peer};
use rejection::Counters;

/// What one director sends to and takes from all others.
#[derive(Debug)]
pub struct Channel {
    me: NodeId,
    cluster: ClusterId,
    links: u8,
    session: u64,
    issuer: Mac,
    hellos: u64,
    keys: Vec<Keys>,
    peers: Vec<Peer>,
    rejections: Counters,
    without: Option<Guard>,
}

/// What a datagram turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// A message that the sender's session of now has sent, and that this link has not brought yet.
    Message {
        /// The sender.
        from: NodeId,
        /// The link.
        link: LinkId,
        /// The sender's session: another one after each start.
        session: u64,
        /// The number of the message in that session. An earlier one may come after a later one.
        sequence: u64,
        /// What it says.
        message: Message,
    },
    /// A page of a document, with the same tokens of its being genuine and new.
    Page {
        /// The sender.
        from: NodeId,
        /// The link.
        link: LinkId,
        /// The sender's session.
        session: u64,
        /// Its number in that session, among messages and pages.
        sequence: u64,
        /// What it brings.
        page: Page,
    },
    /// It tells nothing of its sender's state: a hello, or a message of a session that is not known to be alive,
    /// which is counted as [`Rejection::Stale`].
    Hello {
        /// The sender.
        from: NodeId,
        /// The link.
        link: LinkId,
        /// A datagram to be sent to it on this link.
        reply: Option<Vec<u8>>,
    },
}

impl Channel {
    /// The channel of node `me` in a cluster of so many nodes and links. Session and secret are random, and
    /// others after each start.
    #[must_use]
    pub fn new(
        me: NodeId,
        cluster: &str,
        nodes: usize,
        links: u8,
        session: NonZeroU64,
        secret: [u8; 32],
        keys: &KeyRing,
    ) -> Self {
        let mut channel = Self {
            me,
            cluster: ClusterId::of(cluster),
            links,
            session: session.get(),
            issuer: Mac::new(Method::Sha256, &secret),
            hellos: 0,
            keys: Vec::new(),
            peers: (0..nodes).map(|_| Peer::new(links)).collect(),
            rejections: Counters::default(),
            without: None,
        };
        channel.set_keys(keys);
        channel
    }

    /// Signs and checks with these keys from now on. No session ends by it.
    pub fn set_keys(&mut self, ring: &KeyRing) {
        let nodes = (0..self.peers.len()).map_while(NodeId::new);
        self.keys = nodes.map(|peer| Keys::derive(ring, self.cluster, self.me, peer)).collect();
    }

    /// Leaves a guard out.
    #[cfg(any(test, feature = "sabotage"))]
    pub const fn without(&mut self, guard: Guard) {
        self.without = Some(guard);
    }

    fn guards(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    /// The datagram that brings a message to a peer on a link; or one that asks the peer who it is, as long as no
    /// session of it has answered. The number goes up with each message and page, and is the same on all links.
    ///
    /// # Panics
    ///
    /// If the cluster has no such node.
    pub fn seal(&mut self, to: NodeId, link: LinkId, sequence: u64, message: &Message) -> Vec<u8> {
        self.seal_body(to, link, sequence, &Body::Message(message))
    }

    /// The same for a page.
    ///
    /// # Panics
    ///
    /// If the cluster has no such node.
    pub fn seal_page(&mut self, to: NodeId, link: LinkId, sequence: u64, page: &Page) -> Vec<u8> {
        self.seal_body(to, link, sequence, &Body::Page(page))
    }

    fn seal_body(
        &mut self,
        to: NodeId,
        link: LinkId,
        sequence: u64,
        body: &Body<&Message, &Page>,
    ) -> Vec<u8> {
        match self.peers.get(to.index()).and_then(Peer::token) {
            Some(token) => self.write(to, link, token, sequence, body),
            None => self.hello(to, link, Hello::Ask),
        }
    }

    /// Takes a datagram, or tells why not.
    pub fn open(&mut self, now: Moment, datagram: &[u8]) -> Result<Opened, Rejection> {
        self.read(now, datagram).inspect_err(|&rejection| self.rejections.count(rejection))
    }

    /// How many datagrams were rejected, by the reason.
    pub fn rejections(&self) -> impl Iterator<Item = (Rejection, u64)> {
        self.rejections.iter()
    }

    fn read(&mut self, now: Moment, datagram: &[u8]) -> Result<Opened, Rejection> {
        let unverified = Unverified::parse(datagram)?;
        let verified = unverified.verify(self.key_for(unverified.header())?)?;
        let Header { sender: from, link, session, token, sequence, .. } = *verified.header();
        let body = verified.body()?;
        let (token_guard, replay_guard) =
            (self.guards(Guard::SessionToken), self.guards(Guard::ReplayWindow));
        let peer = self.peers.get_mut(from.index()).ok_or(Rejection::UnknownNode)?;
        let issued = peer.token_for(session, from, &self.issuer);
        let known = token == issued || !token_guard;
        let take = |peer: &mut Peer| {
            peer.switch_to(session, token, now);
            let new = peer.take(link, sequence, now) || !replay_guard;
            if new { Ok(()) } else { Err(Rejection::Replayed) }
        };
        let reply = match body {
            Body::Message(message) if known => {
                take(peer)?;
                return Ok(Opened::Message { from, link, session, sequence, message });
            }
            Body::Page(page) if known => {
                take(peer)?;
                return Ok(Opened::Page { from, link, session, sequence, page });
            }
            Body::Hello(Hello::Answer { echo, offer }) => {
                if echo != self.session {
                    return Err(Rejection::Stale);
                }
                peer.prove(session, offer, sequence, now);
                false
            }
            Body::Hello(Hello::Ask) => peer.may_answer(link, session, now),
            Body::Message(_) | Body::Page(_) => {
                self.rejections.count(Rejection::Stale);
                peer.may_answer(link, session, now)
            }
        };
        let answer = Hello::Answer { echo: session, offer: issued };
        Ok(Opened::Hello { from, link, reply: reply.then(|| self.hello(from, link, answer)) })
    }

    /// The key that a datagram to this node has to be signed with.
    fn key_for(&self, header: &Header) -> Result<&Mac, Rejection> {
        if header.cluster != self.cluster {
            return Err(Rejection::Cluster);
        }
        if header.receiver != self.me || header.sender == self.me {
            return Err(Rejection::NotForMe);
        }
        if header.link.0 >= self.links {
            return Err(Rejection::UnknownLink);
        }
        let keys = self.keys.get(header.sender.index()).ok_or(Rejection::UnknownNode)?;
        keys.accepted(header.key).ok_or(Rejection::UnknownKey)
    }

    fn hello(&mut self, to: NodeId, link: LinkId, hello: Hello) -> Vec<u8> {
        self.hellos += 1;
        self.write(to, link, 0, self.hellos, &Body::Hello(hello))
    }

    fn write(
        &self,
        to: NodeId,
        link: LinkId,
        token: u64,
        sequence: u64,
        body: &Body<&Message, &Page>,
    ) -> Vec<u8> {
        let (key, mac) = self.keys.get(to.index()).expect("a node of the cluster").signer();
        let header = Header {
            key,
            sender: self.me,
            receiver: to,
            link,
            cluster: self.cluster,
            session: self.session,
            token,
            sequence,
        };
        wire::encode(&header, body, mac)
    }
}
