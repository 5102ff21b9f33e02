//! What becomes of datagrams.

use std::time::Duration;

use failover::{LinkId, NodeId, NodeSet};

use crate::random::Random;

/// The way of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) link: LinkId,
}

/// All links, and what is wrong with them.
#[derive(Debug)]
pub(crate) struct Network {
    /// The quickest and the slowest datagram, if nothing is wrong.
    pub(crate) delay: (Duration, Duration),
    /// One in so many is lost.
    pub(crate) loss: Option<u64>,
    /// One in so many comes twice.
    pub(crate) duplicates: Option<u64>,
    troubles: Vec<(u64, Trouble)>,
}

/// What is wrong between some nodes.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// By sender: whom it does not reach as it should.
    pub(crate) hurt: Vec<NodeSet>,
    /// Only on this link.
    pub(crate) link: Option<LinkId>,
    pub(crate) effect: Effect,
    /// It comes and goes.
    pub(crate) flaps: Option<Duration>,
}

/// What trouble does to a datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effect {
    /// So many of 256 are lost.
    Loss(u64),
    /// It comes later, by up to this.
    Delay(Duration),
}

impl Trouble {
    fn applies(&self, now: Duration, path: Path) -> bool {
        let hurt = self.hurt.get(path.from.index()).is_some_and(|hurt| hurt.contains(path.to));
        let on =
            self.flaps.is_none_or(|period| (now.as_nanos() / period.as_nanos().max(1)).is_multiple_of(2));
        hurt && on && self.link.is_none_or(|link| link == path.link)
    }
}

impl Network {
    pub(crate) const fn new(delay: (Duration, Duration), loss: Option<u64>, duplicates: Option<u64>) -> Self {
        Self { delay, loss, duplicates, troubles: Vec::new() }
    }

    pub(crate) fn hurt(&mut self, id: u64, trouble: Trouble) {
        self.troubles.push((id, trouble));
    }

    pub(crate) fn mend(&mut self, id: u64) {
        self.troubles.retain(|(known, _)| *known != id);
    }

    /// From now on nothing is lost, and nothing is late.
    pub(crate) fn heal(&mut self) {
        self.troubles.clear();
        self.loss = None;
    }

    /// How long a datagram and its copy are under way; nothing for one that is lost, or was never made.
    pub(crate) fn carry(&self, random: &mut Random, now: Duration, path: Path) -> [Option<Duration>; 2] {
        let first = self.delay_of(random, now, path);
        let copied = self.duplicates.is_some_and(|times| random.once_in(times));
        [first, copied.then(|| self.delay_of(random, now, path)).flatten()]
    }

    fn delay_of(&self, random: &mut Random, now: Duration, path: Path) -> Option<Duration> {
        if self.loss.is_some_and(|times| random.once_in(times)) {
            return None;
        }
        let mut delay = random.time(self.delay.0..self.delay.1);
        for (_, trouble) in self.troubles.iter().filter(|(_, trouble)| trouble.applies(now, path)) {
            match trouble.effect {
                Effect::Loss(share) if random.number() % 256 < share => return None,
                Effect::Loss(_) => {}
                Effect::Delay(most) => delay += random.time(Duration::ZERO..most),
            }
        }
        Some(delay)
    }
}
