//! Somebody on the wire who knows no key.

use std::time::Duration;

use failover::NodeId;

use crate::random::Random;
use crate::world::Datagram;

/// So many datagrams are worth keeping.
const KEPT: usize = 64;

/// Records, replays, reflects, delays and corrupts.
#[derive(Debug, Default)]
pub(crate) struct Attacker {
    /// One in so many datagrams makes it do something.
    pub(crate) eager: Option<u64>,
    /// For how long it withholds a copy at most.
    patience: Duration,
    pub(crate) attacks: u64,
    kept: Vec<Datagram>,
}

impl Attacker {
    pub(crate) fn new(eager: Option<u64>, patience: Duration) -> Self {
        Self { eager, patience, ..Self::default() }
    }

    /// A datagram comes by: maybe the attacker sends something on its own, after a while.
    pub(crate) fn sees(
        &mut self,
        random: &mut Random,
        datagram: &Datagram,
    ) -> Option<(Duration, NodeId, Datagram)> {
        let eager = self.eager?;
        if random.once_in(4) {
            let at = random.below(KEPT);
            match self.kept.get_mut(at) {
                Some(kept) => kept.clone_from(datagram),
                None => self.kept.push(datagram.clone()),
            }
        }
        if !random.once_in(eager) {
            return None;
        }
        self.attacks += 1;
        let at = random.below(self.kept.len());
        let mut forged = self.kept.get(at)?.clone();
        let delay = random.time(Duration::ZERO..self.patience);
        let mut to = forged.path.to;
        match random.below(6) {
            0 => to = forged.path.from,
            1 => {
                let at = random.below(forged.bytes.len());
                let bit = 1 << random.below(8);
                forged.bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= bit);
            }
            _ => {}
        }
        Some((delay, to, forged))
    }
}
