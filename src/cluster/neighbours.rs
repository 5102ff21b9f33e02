//! What the neighbours of this node know of the addresses of vips: whether somebody has one that is to be taken,
//! whether they believe an announcement, whether somebody else claims an address that this node carries.
//!
//! All of it is ARP, and so for IPv4 only. IPv6 addresses are announced, but neither probed nor confirmed.
//! Anybody on the wire can lie in ARP: nothing that is heard here may give a vip to two directors.

mod asking;
mod confirming;
mod directors;
mod listening;
mod probing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::time::Duration;

use failover::arp::{Arp, Operation};
use failover::{Moment, VipId};

use self::asking::{Asking, Question};
use self::confirming::Confirmation;
use self::directors::Directors;
use self::listening::Listener;
use self::probing::Probe;
use super::Announced;
use crate::config::Interface;
use crate::kernel::Link;

pub(super) use self::probing::Verdict;

type Mac = [u8; 6];

/// The time from one question to a neighbour to the next, which makes 0, 100 ms, 300 ms, 1 s and 3 s.
const CONFIRM_GAPS: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(700),
    Duration::from_secs(2),
];
/// The least time between two conflicts about the same address that are told.
const QUIET: Duration = Duration::from_secs(1);

/// What was learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Another station says that it has an address that this node carries.
    Conflict { address: IpAddr, mac: Mac },
    /// Who has the addresses of a vip that were probed.
    Verdict(VipId, Verdict),
    /// A neighbour knows where all addresses of a vip are that it was asked about.
    Confirmed(VipId, Ipv4Addr),
}

/// The neighbours on all interfaces of vips.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    listeners: BTreeMap<Interface, Listener>,
    ports: BTreeMap<Interface, Port>,
    /// The MAC addresses of all interfaces of this machine.
    ours: BTreeSet<Mac>,
    asking: Asking,
    directors: Directors,
    probes: BTreeMap<VipId, Probe>,
    carried: BTreeMap<Ipv4Addr, Carried>,
    confirmations: BTreeMap<VipId, Confirmation>,
}

/// An interface that can carry vips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Port {
    index: u32,
    mac: Mac,
}

#[derive(Debug)]
struct Carried {
    on: Interface,
    /// Until when no conflict is told.
    quiet_until: Moment,
}

impl Neighbours {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Listens to these interfaces, as far as they are there and speak Ethernet, and to no others.
    pub(super) fn watch(&mut self, links: &BTreeMap<Interface, Link>, interfaces: &BTreeSet<Interface>) {
        self.set_ports(links, interfaces);
        let Self { listeners, ports, .. } = self;
        listeners.retain(|on, listener| ports.get(on).is_some_and(|port| port.index == listener.index));
        for (on, port) in ports {
            if !listeners.contains_key(on) {
                match Listener::open(port.index) {
                    Ok(listener) => drop(listeners.insert(on.clone(), listener)),
                    Err(error) => tracing::warn!(%error, interface = %on, "neighbours are not heard"),
                }
            }
        }
    }

    fn set_ports(&mut self, links: &BTreeMap<Interface, Link>, interfaces: &BTreeSet<Interface>) {
        self.ours = links.values().filter_map(|link| link.mac).collect();
        let ports = interfaces.iter().filter_map(|on| {
            let link = links.get(on)?;
            Some((on.clone(), Port { index: link.index, mac: link.mac? }))
        });
        let ports = ports.collect();
        if self.ports != ports {
            self.ports = ports;
            self.directors.ask_again();
        }
    }

    /// The addresses of the other directors' links. They are looked for on every interface that is watched: one
    /// whose heartbeats go another way answers there as well, unless `arp_ignore` forbids it.
    pub(super) fn set_directors(&mut self, addresses: BTreeSet<Ipv4Addr>) {
        self.directors.set(addresses);
    }

    /// Asks twice whether anybody has one of these addresses. The verdict comes when `patience` is over; later
    /// if the questions could not go out in time. It is that nobody has what is on an interface that is not there.
    pub(super) fn probe(
        &mut self,
        now: Moment,
        vip: VipId,
        addresses: &[(Interface, Ipv4Addr)],
        patience: Duration,
    ) {
        self.abandon(vip);
        let probe = Probe::new(now, addresses, patience);
        for (on, address) in probe.addresses() {
            let question = Question::Probe { vip, on: on.clone(), address: *address };
            self.asking.start(now, question, vec![probe.gap()]);
        }
        self.probes.insert(vip, probe);
    }

    /// Probes for a vip no more; there will be no verdict.
    pub(super) fn abandon(&mut self, vip: VipId) {
        self.probes.remove(&vip);
        self.asking.retain(|it| !matches!(it, Question::Probe { vip: probed, .. } if *probed == vip));
    }

    /// This node has an address now.
    pub(super) fn carry(&mut self, address: Ipv4Addr, on: Interface) {
        let fresh = Carried { on: on.clone(), quiet_until: Moment::default() };
        self.carried.entry(address).or_insert(fresh).on = on;
    }

    /// This node has an address no more. Nobody is asked about it any longer.
    pub(super) fn drop_address(&mut self, gone: Ipv4Addr) {
        self.carried.remove(&gone);
        self.asking.retain(|it| !matches!(it, Question::Confirm { address, .. } if *address == gone));
        self.confirmations.values_mut().for_each(|confirmation| confirmation.drop_address(gone));
        self.confirmations.retain(|_, confirmation| !confirmation.is_empty());
    }

    /// Asks neighbours, each until it answers, whether they know where an address of a vip is. This node must
    /// carry it: the question itself says so to everybody.
    pub(super) fn confirm(&mut self, now: Moment, vip: VipId, address: Ipv4Addr, neighbours: &[Ipv4Addr]) {
        let Some(Carried { on, .. }) = self.carried.get(&address) else { return };
        self.confirmations.entry(vip).or_default().ask(address, neighbours);
        let other = |it: &Question| !matches!(it, Question::Confirm { address: old, .. } if *old == address);
        self.asking.retain(other);
        for neighbour in neighbours.iter().copied() {
            let question = Question::Confirm { vip, on: on.clone(), address, neighbour };
            self.asking.start(now, question, CONFIRM_GAPS.to_vec());
        }
    }

    /// Who was asked about a vip, and who answered. How often it was announced is not known here.
    pub(super) fn confirmed(&self, vip: VipId) -> Announced {
        self.confirmations.get(&vip).map(Confirmation::announced).unwrap_or_default()
    }

    /// Hears what has come, and says what was learnt. What came before the end of a probe is heard before there is
    /// a verdict, however late this is called.
    pub(super) fn receive(&mut self, now: Moment) -> Vec<Seen> {
        let heard: Vec<(Interface, Arp)> = self
            .listeners
            .iter()
            .flat_map(|(on, listener)| listener.receive().map(move |arp| (on.clone(), arp)))
            .collect();
        let mut seen: Vec<Seen> = heard.iter().flat_map(|(on, arp)| self.hear(now, on, arp)).collect();
        seen.extend(self.verdicts(now));
        seen
    }

    fn hear(&mut self, now: Moment, on: &Interface, arp: &Arp) -> Vec<Seen> {
        if self.ours.contains(&arp.sender_mac) {
            return Vec::new();
        }
        self.directors.hear(on, arp);
        self.hear_answer_to_probe(on, arp);
        self.conflict(now, on, arp).into_iter().chain(self.confirmation(on, arp)).collect()
    }

    fn hear_answer_to_probe(&mut self, on: &Interface, arp: &Arp) {
        let is_director = self.directors.know(arp.sender_mac);
        let to_us = self.ports.get(on).is_some_and(|port| port.mac == arp.target_mac);
        // What it announced before it gave the address up may still be on its way.
        if is_director && !(to_us && arp.operation == Operation::Reply) {
            return;
        }
        let verdict = if is_director { Verdict::Director } else { Verdict::Foreign };
        let verdict = verdict(arp.sender.into(), arp.sender_mac);
        let about = (on.clone(), arp.sender);
        self.probes.values_mut().for_each(|probe| probe.hear(&about, verdict));
    }

    fn conflict(&mut self, now: Moment, on: &Interface, arp: &Arp) -> Option<Seen> {
        let carried = self.carried.get_mut(&arp.sender).filter(|carried| carried.on == *on)?;
        if now < carried.quiet_until {
            return None;
        }
        carried.quiet_until = now + QUIET;
        Some(Seen::Conflict { address: arp.sender.into(), mac: arp.sender_mac })
    }

    fn confirmation(&mut self, on: &Interface, arp: &Arp) -> Option<Seen> {
        let carried_here = self.carried.get(&arp.target).is_some_and(|carried| carried.on == *on);
        let to_us = self.ports.get(on).is_some_and(|port| port.mac == arp.target_mac);
        if !(carried_here && to_us && arp.operation == Operation::Reply) {
            return None;
        }
        let (address, neighbour) = (arp.target, arp.sender);
        let hear = |(vip, it): (&VipId, &mut Confirmation)| Some((*vip, it.hear(address, neighbour)?));
        let (vip, complete) = self.confirmations.iter_mut().find_map(hear)?;
        self.asking.stop(&Question::Confirm { vip, on: on.clone(), address, neighbour });
        complete.then_some(Seen::Confirmed(vip, neighbour))
    }

    /// The verdicts whose time has come.
    fn verdicts(&mut self, now: Moment) -> Vec<Seen> {
        let over = self.probes.iter().filter(|(_, probe)| probe.ends().is_some_and(|at| at <= now));
        let verdicts: Vec<_> = over.map(|(vip, probe)| (*vip, probe.verdict())).collect();
        for (vip, _) in &verdicts {
            self.probes.remove(vip);
        }
        verdicts.into_iter().map(|(vip, verdict)| Seen::Verdict(vip, verdict)).collect()
    }

    /// The frames to send now, each with the index of its interface.
    pub(super) fn poll(&mut self, now: Moment) -> Vec<(u32, Vec<u8>)> {
        for question in self.directors.poll(now, self.ports.keys()) {
            self.asking.start(now, question, Vec::new());
        }
        let asked = self.asking.poll(now);
        for question in &asked {
            if let Question::Probe { vip, .. } = question
                && let Some(probe) = self.probes.get_mut(vip)
            {
                probe.went_out(now);
            }
        }
        let frame = |question: &Question| {
            let port = self.ports.get(question.on())?;
            Some((port.index, question.arp(port.mac).broadcast()))
        };
        asked.iter().filter_map(frame).collect()
    }

    /// When there is something to send or to learn, though nothing comes.
    pub(super) fn poll_timeout(&self) -> Option<Moment> {
        let directors = self.directors.poll_timeout().filter(|_| !self.ports.is_empty());
        let verdicts = self.probes.values().filter_map(Probe::ends);
        verdicts.chain(self.asking.poll_timeout()).chain(directors).min()
    }

    /// What becomes readable when something comes.
    pub(super) fn fds(&self) -> impl Iterator<Item = &dyn AsFd> {
        self.listeners.values().map(|listener| listener as &dyn AsFd)
    }
}
