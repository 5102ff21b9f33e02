//! Peers and strangers on loopback.

use std::net::{Ipv4Addr, UdpSocket};
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::*;

const ME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const PEERS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);
/// More than any queue holds.
const FLOOD: u64 = 20_000;

/// This node, and those who send to it.
struct Net {
    links: Links,
    peers: [UdpSocket; 2],
    stranger: UdpSocket,
}

impl Net {
    fn new() -> Self {
        let stranger = UdpSocket::bind((STRANGER, 0)).unwrap();
        let port = stranger.local_addr().unwrap().port();
        let peers = PEERS.map(|peer| UdpSocket::bind((peer, port)).unwrap());
        let addresses = (0..).filter_map(NodeId::new).skip(1).zip(PEERS.map(|peer| vec![peer.into()]));
        let links = Links::open(Moment::default(), port, &[ME.into()], &addresses.collect::<Vec<_>>());
        for socket in peers.iter().chain([&stranger]) {
            socket.connect((ME, port)).unwrap();
        }
        Self { links, peers, stranger }
    }

    fn readable(&self) -> Vec<bool> {
        let mut fds: Vec<_> = self.links.fds().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)).collect();
        poll(&mut fds, PollTimeout::ZERO).unwrap();
        fds.iter().map(|fd| fd.any().unwrap()).collect()
    }
}

fn send(from: &UdpSocket, count: u64) {
    for _ in 0..count {
        from.send(b"something").unwrap();
    }
}

/// A busy kernel hands on later what was sent.
fn until(mut holds: impl FnMut() -> bool) {
    let patient = (0..1_000_000).any(|_| {
        thread::yield_now();
        holds()
    });
    assert!(patient, "it does not come about");
}

#[test]
fn strangers_are_counted_and_wake_nobody() {
    let mut net = Net::new();
    send(&net.stranger, 100);
    until(|| net.links.dropped() == Dropped { overrun: 0, strangers: 100 });
    assert_eq!(net.readable(), [false; 2]);
    send(&net.stranger, 1);
    until(|| net.links.dropped().strangers == 101);
    assert!(!net.links.receive(&[true; 2], |_| panic!("nothing is read of strangers")));
}

#[test]
fn each_datagram_of_a_flood_is_read_or_counted() {
    let mut net = Net::new();
    send(&net.peers[0], FLOOD);
    let mut read = 0;
    until(|| {
        net.links.receive(&net.readable(), |_| read += 1);
        read + net.links.dropped().overrun == FLOOD
    });
    assert!(read > 0 && read < FLOOD, "{read}");
    assert_eq!(net.links.dropped().strangers, 0);
}

#[test]
fn a_peer_is_heard_at_once_though_another_ones_queue_is_full() {
    for (flooded, quiet) in [(0, 1), (1, 0)] {
        let mut net = Net::new();
        send(&net.peers[flooded], FLOOD);
        net.peers[quiet].send(b"a heartbeat").unwrap();
        until(|| net.readable() == [true; 2]);
        let mut heard = Vec::new();
        assert!(net.links.receive(&[true; 2], |datagram| heard.push(datagram.to_vec())));
        assert_eq!(heard.len(), BATCH + 1);
        assert!(heard.contains(&b"a heartbeat".to_vec()));
    }
}

#[test]
fn nothing_is_read_where_nothing_is_said_to_be() {
    let mut net = Net::new();
    send(&net.peers[0], 1);
    send(&net.peers[1], 1);
    until(|| net.readable() == [true; 2]);
    let mut read = 0;
    assert!(!net.links.receive(&[false, true], |_| read += 1));
    assert_eq!((read, net.readable()), (1, vec![true, false]));
}
