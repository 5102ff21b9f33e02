//! With a neighbour on a real wire; `kernel::tests` says how to run it.

use std::time::Instant;

use failover::packet::PacketSocket;

use super::*;
use crate::kernel::address::Addresses;
use crate::kernel::tests::neighbour::{Neighbour, OUR_MAC};
use crate::kernel::tests::{enter_new_network, interface};

const PATIENCE: Duration = Duration::from_millis(200);
const NEIGHBOUR: u8 = 254;

/// A node that has a neighbour.
struct Node {
    neighbour: Neighbour,
    neighbours: Neighbours,
    socket: PacketSocket,
    start: Instant,
}

impl Node {
    fn new() -> Self {
        enter_new_network();
        let neighbour = Neighbour::new();
        let (neighbours, socket) = (Neighbours::new(), PacketSocket::open().unwrap());
        let mut node = Self { neighbour, neighbours, socket, start: Instant::now() };
        node.watch();
        assert_eq!(node.neighbours.fds().count(), 1);
        node
    }

    fn watch(&mut self) {
        let links = Addresses::open().unwrap().links().unwrap();
        self.neighbours.watch(&links, &[interface("eth0")].into());
    }

    fn now(&self) -> Moment {
        Moment::from_origin(self.start.elapsed())
    }

    /// The MAC address of the neighbour.
    fn wire(&self) -> Mac {
        let shown = self.neighbour.ip("-br link show dev wire");
        let mac = shown.split_whitespace().find(|word| word.matches(':').count() == 5).unwrap();
        let bytes: Vec<u8> = mac.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        bytes.try_into().unwrap()
    }

    /// Sends and hears until it is enough, or for so long.
    fn work(&mut self, patience: Duration, enough: impl Fn(&Self, &[Seen]) -> bool) -> Vec<Seen> {
        let end = Instant::now() + patience;
        let mut all = Vec::new();
        while Instant::now() < end && !enough(self, &all) {
            all.extend(self.neighbours.receive(self.now()));
            for (index, frame) in self.neighbours.poll(self.now()) {
                self.socket.send(index, &frame).unwrap();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        all
    }

    fn probe(&mut self, last: u8) -> Vec<Seen> {
        let now = self.now();
        self.neighbours.probe(now, VIP, &[(interface("eth0"), address(last))], PATIENCE);
        let seen = self.work(Duration::from_secs(20), |_, seen| !seen.is_empty());
        assert!(now + PATIENCE <= self.now(), "a verdict before its time: {seen:?}");
        seen
    }
}

#[test]
#[ignore = "needs the lab's kernel"]
fn a_probe_finds_whoever_has_the_address() {
    let mut node = Node::new();
    let mac = node.wire();
    node.neighbour.ip("addr add 192.168.71.205/24 dev wire");
    let taken = IpAddr::V4(address(205));

    assert_eq!(node.probe(206), [Seen::Verdict(VIP, Verdict::Free)]);
    assert_eq!(node.probe(205), [Seen::Verdict(VIP, Verdict::Foreign(taken, mac))]);
    let known = node.neighbour.ip("neigh show");
    assert!(!known.contains(OUR_MAC), "a probe taught the neighbour something: {known}");

    node.neighbours.set_directors([address(NEIGHBOUR)].into());
    let seen = node.work(Duration::from_secs(20), |node, _| node.neighbours.directors.know(mac));
    assert_eq!(seen, []);
    assert_eq!(node.probe(205), [Seen::Verdict(VIP, Verdict::Director(taken, mac))]);
    assert_eq!(node.probe(206), [Seen::Verdict(VIP, Verdict::Free)]);
}

#[test]
#[ignore = "needs the lab's kernel"]
fn a_neighbour_that_confirms_knows_where_the_vip_is() {
    let mut node = Node::new();
    node.neighbours.carry(address(205), interface("eth0"));
    node.neighbours.confirm(node.now(), VIP, address(205), &[address(NEIGHBOUR), address(253)]);
    let seen = node.work(Duration::from_secs(20), |_, seen| !seen.is_empty());
    assert_eq!(seen, [Seen::Confirmed(VIP, address(NEIGHBOUR))]);
    let known = node.neighbour.ip("neigh show 192.168.71.205");
    assert!(known.contains(OUR_MAC), "it does not know it: {known}");
    let Announced { asked, confirmed, .. } = node.neighbours.confirmed(VIP);
    assert_eq!((asked.len(), confirmed), (2, vec![address(NEIGHBOUR).into()]));
}

#[test]
#[ignore = "needs the lab's kernel"]
fn a_conflict_is_seen_and_our_own_frames_are_none() {
    let mut node = Node::new();
    let mac = node.wire();
    node.neighbours.carry(address(205), interface("eth0"));
    let links = Addresses::open().unwrap().links().unwrap();
    let link = links[&interface("eth0")];
    node.socket.send(link.index, &claim(link.mac.unwrap(), address(205)).broadcast()).unwrap();
    assert_eq!(node.work(Duration::from_millis(300), |_, _| false), []);

    node.neighbour.ip("addr add 192.168.71.205/24 dev wire");
    node.neighbour.run("arping -q -U -c 1 -w 1 -I wire 192.168.71.205");
    let seen = node.work(Duration::from_secs(20), |_, seen| !seen.is_empty());
    assert_eq!(seen, [Seen::Conflict { address: address(205).into(), mac }]);
}

#[test]
#[ignore = "needs the lab's kernel"]
fn an_interface_that_is_made_anew_is_heard_again() {
    let mut node = Node::new();
    node.neighbour.ip("link del wire");
    node.watch();
    assert_eq!(node.neighbours.fds().count(), 0);
    assert_eq!(node.probe(NEIGHBOUR), [Seen::Verdict(VIP, Verdict::Free)]);
    node.neighbour.connect();
    node.watch();
    let found = |node: &Node| Verdict::Foreign(address(NEIGHBOUR).into(), node.wire());
    assert_eq!(node.probe(NEIGHBOUR), [Seen::Verdict(VIP, found(&node))]);

    // Now nobody looks between the end of the old one and the start of the new one.
    node.neighbour.ip("link del wire");
    node.neighbour.connect();
    node.watch();
    assert_eq!(node.probe(NEIGHBOUR), [Seen::Verdict(VIP, found(&node))]);
}
