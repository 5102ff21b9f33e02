use std::cell::RefCell;

use failover::arp::{Arp, Operation};
use failover::packet::{PacketListener, PacketSocket};

use super::neighbour::Neighbour;
use super::{enter_new_network, eventually, interface, ip};
use crate::kernel::address::Addresses;

const NEIGHBOUR: &str = "192.168.71.254";

/// The senders of the ARP frames that have come.
fn heard(listener: &PacketListener) -> Vec<String> {
    let mut buffer = [0; 64];
    let mut heard = Vec::new();
    while let Ok(Some(length)) = listener.receive(&mut buffer) {
        heard.push(Arp::parse(&buffer[..length]).unwrap().sender.to_string());
    }
    heard
}

#[test]
#[ignore = "needs the lab's kernel"]
fn arp_is_heard_as_far_as_it_is_for_this_machine() {
    enter_new_network();
    let neighbour = Neighbour::new();
    neighbour.ip("link add link wire name wire.5 type vlan id 5");
    neighbour.ip("addr add 192.168.75.254/24 dev wire.5");
    neighbour.ip("link set wire.5 up");
    let link = Addresses::open().unwrap().links().unwrap()[&interface("eth0")];
    let listener = PacketListener::open(link.index).unwrap();
    let socket = PacketSocket::open().unwrap();
    let ours = Arp::question(link.mac.unwrap(), [192, 168, 71, 205].into(), [192, 168, 71, 205].into());
    let announce = |device: &str, address: &str| {
        neighbour.run(&format!("arping -q -U -c 1 -w 1 -I {device} {address}"));
    };
    let all = RefCell::new(Vec::new());
    let hear_neighbour = || {
        all.borrow_mut().clear();
        eventually("the neighbour is heard", || {
            announce("wire", NEIGHBOUR);
            all.borrow_mut().extend(heard(&listener));
            all.borrow().iter().any(|sender| sender == NEIGHBOUR)
        });
        assert!(all.borrow().iter().all(|sender| sender == NEIGHBOUR), "{all:?}");
    };

    socket.send(link.index, &ours.broadcast()).unwrap();
    let reply = Arp { operation: Operation::Reply, ..ours };
    socket.send(link.index, &reply.broadcast()).unwrap();
    announce("wire.5", "192.168.75.254");
    hear_neighbour();

    ip("link set eth0 down");
    assert_eq!(heard(&listener), [""; 0]);
    ip("link set eth0 up");
    hear_neighbour();

    ip("link del eth0");
    for _ in 0..3 {
        assert_eq!(heard(&listener), [""; 0]);
    }
    PacketListener::open(link.index).unwrap_err();
    PacketListener::open(u32::MAX).unwrap_err();
}
