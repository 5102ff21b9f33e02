use etherparse::{ArpEthIpv4Packet, ArpOperation, NetSlice, SlicedPacket};
use proptest::prelude::*;

use super::{Arp, Operation};

const OURS: [u8; 6] = [0x02, 0, 0, 0, 0x02, 0x15];
const THEIRS: [u8; 6] = [0x02, 0, 0, 0, 0x02, 0x54];

fn question() -> Arp {
    Arp::question(OURS, [192, 168, 71, 205].into(), [192, 168, 71, 254].into())
}

#[test]
fn another_parser_reads_what_is_asked() {
    let (vip, neighbour) = ([192, 168, 71, 205], [192, 168, 71, 254]);
    // name, what, its sender, its target
    let cases = [
        ("probe", Arp::probe(OURS, vip.into()), [0; 4], vip),
        ("question", Arp::question(OURS, vip.into(), neighbour.into()), vip, neighbour),
    ];
    for (name, arp, sender_ipv4, target_ipv4) in cases {
        let frame = arp.broadcast();
        let packet = SlicedPacket::from_ethernet(&frame).unwrap();
        let ethernet = packet.link.unwrap().to_header().unwrap().ethernet2().unwrap();
        assert_eq!((ethernet.source, ethernet.destination), (OURS, [0xff; 6]), "{name}");
        let Some(NetSlice::Arp(read)) = packet.net else {
            panic!("{name} is not ARP");
        };
        let expected = ArpEthIpv4Packet {
            operation: ArpOperation::REQUEST,
            sender_mac: OURS,
            sender_ipv4,
            target_mac: [0; 6],
            target_ipv4,
        };
        assert_eq!(read.to_packet().try_eth_ipv4().unwrap(), expected, "{name}");
    }
}

#[test]
fn an_answer_is_read() {
    let frame = [
        &OURS[..],
        &THEIRS,
        b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02",
        &THEIRS,
        &[192, 168, 71, 254],
        &OURS,
        &[192, 168, 71, 205],
        // What Ethernet adds up to its least length.
        &[0; 18],
    ]
    .concat();
    let expected = Arp {
        operation: Operation::Reply,
        sender_mac: THEIRS,
        sender: [192, 168, 71, 254].into(),
        target_mac: OURS,
        target: [192, 168, 71, 205].into(),
    };
    assert_eq!(Arp::parse(&frame), Some(expected));
}

#[test]
fn every_truncation_is_none() {
    let frame = question().broadcast();
    assert_eq!(frame.len(), 42);
    for length in 0..frame.len() {
        assert_eq!(Arp::parse(&frame[..length]), None, "{length} bytes");
    }
}

#[test]
fn other_frames_are_none() {
    // name, where, bytes
    let cases: &[(&str, usize, &[u8])] = &[
        ("IPv4", 12, &[0x08, 0x00]),
        ("a VLAN's", 12, &[0x81, 0x00]),
        ("Token Ring", 14, &[0, 6]),
        ("ARP for IPv6", 16, &[0x86, 0xdd]),
        ("long MAC addresses", 18, &[8]),
        ("long addresses", 19, &[16]),
        ("no operation", 20, &[0, 0]),
        ("reverse ARP", 20, &[0, 3]),
        ("an operation of two bytes", 20, &[1, 1]),
    ];
    for (name, at, bytes) in cases {
        let mut frame = question().broadcast();
        frame[*at..*at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(Arp::parse(&frame), None, "{name}");
    }
}

prop_compose! {
    fn any_arp()(
        is_reply: bool, sender_mac: [u8; 6], sender: [u8; 4], target_mac: [u8; 6], target: [u8; 4],
    ) -> Arp {
        let operation = if is_reply { Operation::Reply } else { Operation::Request };
        Arp { operation, sender_mac, sender: sender.into(), target_mac, target: target.into() }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(arp in any_arp(), padding: Vec<u8>) {
        let frame = [arp.broadcast(), padding].concat();
        prop_assert_eq!(Arp::parse(&frame), Some(arp));
    }

    #[test]
    fn what_was_read_is_written(start: [u8; 22], rest in prop::collection::vec(any::<u8>(), 0..80)) {
        let honest = question().broadcast();
        let frames = [[&start[..], &rest].concat(), [&honest[..22], &rest].concat()];
        for frame in frames {
            if let Some(arp) = Arp::parse(&frame) {
                prop_assert_eq!(&arp.broadcast()[12..], &frame[12..42]);
            }
        }
    }
}
