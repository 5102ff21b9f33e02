//! How a vip is taken over: ask whether somebody has it, put it on, say so, and see that the neighbours know.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::time::Duration;

use failover::message::Bar;
use failover::{Moment, VipId};
use ipnet::IpNet;

use super::escort::Escort;
use super::floating::{Floating, Outcome};
use super::neighbours::{Neighbours, Seen, Verdict};
use super::{Announced, Told};
use crate::config::Interface;
use crate::kernel::Assignment;
use crate::kernel::address::Error;
use crate::snat::{Outcome as Rule, Rules};

/// How long a vip that a stranger has is left alone before it is asked for again.
const BARRED: Duration = Duration::from_secs(30);
/// How long the answer to whether somebody has an address may take, at least and at most.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// An answer of this age still counts.
const FRESH: Duration = Duration::from_secs(1);

/// The vips on this machine, and what the network knows of them.
pub(super) struct Takeover {
    floating: Floating,
    escort: Escort,
    /// The vips that are put on as soon as their rules are there.
    poised: BTreeSet<VipId>,
    neighbours: Neighbours,
    asked: BTreeMap<VipId, Asked>,
    barred: BTreeMap<VipId, Moment>,
    patience: Duration,
    /// Who is to know where a vip is, if it is within reach.
    witnesses: BTreeSet<Ipv4Addr>,
    told: Vec<Told>,
}

/// How far the question has come whether somebody has a vip.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// Its owner fell silent, so the answer may be needed soon.
    Early,
    /// The answer came before it was needed.
    Answered(Moment, Verdict),
    /// The vip is taken when the answer comes; whatever it is, if it is asked for the last time.
    Waiting { last: bool },
}

/// What a takeover has to know of the cluster.
pub(super) struct Surroundings<'a> {
    /// The vips with their addresses.
    pub(super) vips: &'a [(VipId, Vec<Assignment>)],
    /// The addresses of the other nodes' links.
    pub(super) peers: BTreeSet<Ipv4Addr>,
    /// The ping hosts.
    pub(super) ping: &'a [IpAddr],
    /// How long silence is that means death.
    pub(super) deadtime: Duration,
}

impl Takeover {
    /// Takes all addresses off that an earlier life may have left.
    pub(super) fn open(surroundings: &Surroundings<'_>, rules: Rules) -> anyhow::Result<Self> {
        let floating = Floating::open(surroundings.vips)?;
        let mut takeover = Self {
            floating,
            escort: Escort::new(rules),
            poised: BTreeSet::new(),
            neighbours: Neighbours::new(),
            asked: BTreeMap::new(),
            barred: BTreeMap::new(),
            patience: Duration::ZERO,
            witnesses: BTreeSet::new(),
            told: Vec::new(),
        };
        takeover.surround(surroundings);
        Ok(takeover)
    }

    /// Another file is in force.
    pub(super) fn configure(&mut self, surroundings: &Surroundings<'_>) {
        self.floating.configure(surroundings.vips);
        self.surround(surroundings);
    }

    fn surround(&mut self, surroundings: &Surroundings<'_>) {
        let (least, most) = PATIENCE;
        self.patience = (surroundings.deadtime / 15).clamp(least, most);
        let ping = surroundings.ping.iter().filter_map(|address| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        });
        self.witnesses = ping.chain(surroundings.peers.iter().copied()).collect();
        self.neighbours.set_directors(surroundings.peers.clone());
        self.listen();
    }

    fn listen(&mut self) {
        let interfaces: BTreeSet<Interface> = self.floating.interfaces();
        self.neighbours.watch(self.floating.links(), &interfaces);
    }

    /// Takes a vip, unless somebody else has it. Of one that was `handed_over` it is known who had it until now.
    pub(super) fn take(&mut self, vip: VipId, now: Moment, handed_over: bool, allowed: impl Fn() -> bool) {
        self.escort.call(vip);
        let addresses = self.addresses(vip);
        if addresses.is_empty() || handed_over {
            return self.put_on(vip, now, allowed);
        }
        match self.asked.insert(vip, Asked::Waiting { last: false }) {
            Some(Asked::Answered(at, verdict)) if now < at + FRESH => self.judge(vip, verdict, now, allowed),
            Some(Asked::Early) => {}
            _ => self.neighbours.probe(now, vip, &addresses, self.patience),
        }
    }

    /// Asks who has a vip that this node may be to take in a moment.
    pub(super) fn wonder(&mut self, vip: VipId, now: Moment) {
        let addresses = self.addresses(vip);
        let known = match self.asked.get(&vip) {
            Some(Asked::Answered(at, _)) => now < *at + FRESH,
            Some(Asked::Early | Asked::Waiting { .. }) => true,
            None => false,
        };
        if !known && !addresses.is_empty() {
            self.asked.insert(vip, Asked::Early);
            self.neighbours.probe(now, vip, &addresses, self.patience);
        }
    }

    /// Gives a vip up.
    pub(super) fn yield_up(&mut self, vip: VipId, now: Moment) {
        self.asked.remove(&vip);
        self.poised.remove(&vip);
        self.neighbours.abandon(vip);
        for (_, address) in self.addresses(vip) {
            self.neighbours.drop_address(address);
        }
        self.floating.yield_up(vip, now);
    }

    /// Hears what happened, mends what others did, and says what is due. `allowed` says until when a vip is this node's.
    pub(super) fn work(&mut self, now: Moment, allowed: impl Fn(VipId) -> bool) -> Result<(), Error> {
        self.barred.retain(|_, until| now < *until);
        for seen in self.neighbours.receive(now) {
            match seen {
                Seen::Verdict(vip, verdict) => self.judge(vip, verdict, now, || allowed(vip)),
                Seen::Conflict { address, mac } => {
                    self.told.push(Told::Conflict(address, mac));
                    self.floating.announce_address(address);
                }
                Seen::Confirmed(..) => {}
            }
        }
        self.escort.heard();
        for vip in std::mem::take(&mut self.poised) {
            self.put_on(vip, now, || allowed(vip));
        }
        let links_changed = self.floating.work(now)?;
        if links_changed {
            self.listen();
        }
        for (index, frame) in self.neighbours.poll(now) {
            self.floating.send(index, &frame);
        }
        Ok(())
    }

    fn judge(&mut self, vip: VipId, verdict: Verdict, now: Moment, allowed: impl Fn() -> bool) {
        let last = match self.asked.remove(&vip) {
            Some(Asked::Waiting { last }) => last,
            Some(Asked::Early) => {
                self.asked.insert(vip, Asked::Answered(now, verdict));
                return;
            }
            Some(Asked::Answered(..)) | None => return,
        };
        match verdict {
            Verdict::Foreign(address, mac) => {
                self.told.push(Told::Foreign(vip, address, mac));
                self.barred.insert(vip, now + BARRED);
            }
            // Its lease is over. Something keeps it from giving up, and the clients are not to wait for that.
            Verdict::Director(address, mac) if !last => {
                self.told.push(Told::Reluctant(vip, address, mac));
                let addresses = self.addresses(vip);
                self.asked.insert(vip, Asked::Waiting { last: true });
                self.neighbours.probe(now, vip, &addresses, self.patience);
            }
            Verdict::Free | Verdict::Director(..) => self.put_on(vip, now, allowed),
        }
    }

    /// Puts a vip on as soon as its rules are there.
    fn put_on(&mut self, vip: VipId, now: Moment, allowed: impl Fn() -> bool) {
        match self.escort.standing(vip) {
            Rule::Done => {}
            Rule::Pending => {
                self.poised.insert(vip);
                return;
            }
            Rule::Failed(why) => return self.floating.fail(vip, now, format!("rules: {why}")),
        }
        self.floating.take(vip, now, allowed);
        if !self.floating.carried().any(|carried| carried == vip) {
            return;
        }
        for assignment in self.floating.assignments(vip) {
            let IpNet::V4(net) = assignment.net else { continue };
            self.neighbours.carry(net.addr(), assignment.interface.clone());
            let near: Vec<Ipv4Addr> = self.witnesses.iter().copied().filter(|it| net.contains(it)).collect();
            self.neighbours.confirm(now, vip, net.addr(), &near);
        }
    }

    /// The addresses of a vip that can be asked for by ARP.
    fn addresses(&self, vip: VipId) -> Vec<(Interface, Ipv4Addr)> {
        let v4 = |assignment: &Assignment| match assignment.net {
            IpNet::V4(net) => Some((assignment.interface.clone(), net.addr())),
            IpNet::V6(_) => None,
        };
        self.floating.assignments(vip).iter().filter_map(v4).collect()
    }

    /// The vips that this machine cannot carry.
    pub(super) fn barred(&self) -> impl Iterator<Item = (VipId, Bar)> {
        let foreign = self.barred.keys().map(|vip| (*vip, Bar::Foreign));
        foreign.chain(self.floating.barred())
    }

    /// How far the announcements of the vips here have come.
    pub(super) fn announced(&self) -> Vec<(VipId, Announced)> {
        let carried = self.floating.carried().map(|vip| {
            let times = self.floating.announced(vip);
            (vip, Announced { times, ..self.neighbours.confirmed(vip) })
        });
        carried.collect()
    }

    /// Says again where all vips of this node are.
    pub(super) fn announce_all(&mut self) {
        self.floating.announce_all();
    }

    pub(super) fn outcomes(&mut self) -> Vec<Outcome> {
        let outcomes = self.floating.outcomes();
        for Outcome::Withdrawn(vip) | Outcome::Failed(vip) in &outcomes {
            self.escort.dismiss(*vip);
        }
        outcomes
    }

    pub(super) fn told(&mut self) -> Vec<Told> {
        let mut told = std::mem::take(&mut self.told);
        told.extend(self.floating.told());
        told
    }

    pub(super) fn poll_timeout(&self, now: Moment) -> Option<Moment> {
        let due = [
            self.floating.poll_timeout(now),
            self.neighbours.poll_timeout(),
            self.barred.values().min().copied(),
        ];
        due.into_iter().flatten().min()
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = &dyn AsFd> {
        let notices: &dyn AsFd = self.floating.notices();
        let answers: &dyn AsFd = self.escort.answers();
        self.neighbours.fds().chain([notices, answers])
    }

    /// Takes everything off: the daemon ends.
    pub(super) fn clear(&mut self) {
        self.floating.clear();
        self.escort.dismiss_all();
    }
}
