//! Directors that restart, and a network that loses, repeats and forges.

mod forged;
mod handshake;
mod replayed;
mod window;
mod world;

use std::num::NonZeroU64;
use std::time::Duration;

use super::{Channel, Opened, Rejection};
use crate::keys::KeyRing;
use crate::message::{Mention, Message, Reach, Standing, Table, Term};
use crate::{LinkId, Moment, NodeId, NodeSet};

const A: usize = 0;
const B: usize = 1;
const LINK: LinkId = LinkId(0);

fn node(index: usize) -> NodeId {
    NodeId::new(index).unwrap()
}

fn ring(text: &str) -> KeyRing {
    KeyRing::parse(text).unwrap()
}

/// The director `me` of three with two links, in a session that its number tells.
fn start(me: usize, session: u64) -> Channel {
    let secret = [u8::try_from(session).unwrap(); 32];
    let keys = ring("auth 1\n1 sha256 a secret of some length\n");
    Channel::new(node(me), "web", 3, 2, NonZeroU64::new(session).unwrap(), secret, &keys)
}

fn message(term: u64) -> Message {
    Message {
        term: Term(term),
        leader: None,
        lease: Duration::from_secs(2),
        standing: Standing {
            leaves: false,
            unfit: None,
            file: 0,
            hears: NodeSet::default(),
            reach: Reach::default(),
            barred: Vec::new(),
        },
        table: Table::default(),
        claims: Vec::new(),
        ballot: None,
        document: Mention::default(),
        failed: None,
        urgent: false,
        ack: None,
    }
}

fn at(milliseconds: u64) -> Moment {
    Moment::from_origin(Duration::from_millis(milliseconds))
}

fn count(channel: &Channel, kind: Rejection) -> u64 {
    channel.rejections().find(|(rejection, _)| *rejection == kind).unwrap().1
}

/// The session and the number of a message, or nothing.
fn heard(opened: &Result<Opened, Rejection>) -> Option<(u64, u64)> {
    match opened {
        Ok(Opened::Message { session, sequence, .. }) => Some((*session, *sequence)),
        _ => None,
    }
}

fn reply(opened: Result<Opened, Rejection>) -> Option<Vec<u8>> {
    match opened {
        Ok(Opened::Hello { reply, .. }) => reply,
        _ => None,
    }
}

/// Says something, and carries the answer back; whether it was heard as a message.
fn say(now: Moment, from: &mut Channel, to: &mut Channel, sequence: u64) -> bool {
    exchange(now, from, to, sequence, &mut || true)
}

fn exchange(
    now: Moment,
    from: &mut Channel,
    to: &mut Channel,
    sequence: u64,
    arrives: &mut impl FnMut() -> bool,
) -> bool {
    let datagram = from.seal(to.me, LINK, sequence, &message(sequence));
    if !arrives() {
        return false;
    }
    let opened = to.open(now, &datagram);
    let is_heard = heard(&opened).is_some();
    if let Some(answer) = reply(opened).filter(|_| arrives()) {
        assert_eq!(reply(from.open(now, &answer)), None, "an answer to an answer");
    }
    is_heard
}

/// Two directors that know each other, in the sessions 1 and 2; the next sequence number is 11, the time 1 s.
fn acquainted() -> (Channel, Channel) {
    let (mut a, mut b) = (start(A, 1), start(B, 2));
    for sequence in 0..10 {
        say(at(100 * sequence), &mut a, &mut b, sequence);
        say(at(100 * sequence), &mut b, &mut a, sequence);
    }
    assert!(say(at(1000), &mut a, &mut b, 10) && say(at(1000), &mut b, &mut a, 10));
    (a, b)
}
