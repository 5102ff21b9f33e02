use std::net::{IpAddr, Ipv6Addr};

use etherparse::icmpv6::{Icmpv6PayloadSlice, NdpOptionSlice, NeighborAdvertisementHeader};
use etherparse::{ArpEthIpv4Packet, ArpOperation, Icmpv6Type, NetSlice, SlicedPacket, TransportSlice};

use super::Announcement;

const MAC: [u8; 6] = [0x02, 0, 0, 0, 0x02, 0x15];

fn frames(address: &str, router: bool) -> Vec<Vec<u8>> {
    let address = address.parse().unwrap();
    let announcement = Announcement { address, mac: MAC, router };
    announcement.frames()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn frames_are_these_bytes() {
    // name, address, router, frames
    let cases: &[(&str, &str, bool, &[&str])] = &[
        (
            "ARP request and reply",
            "192.168.71.205",
            false,
            &[
                concat!(
                    "ffffffffffff",
                    "020000000215",
                    "0806",
                    "0001080006040001",
                    "020000000215",
                    "c0a847cd",
                    "000000000000",
                    "c0a847cd",
                ),
                concat!(
                    "ffffffffffff",
                    "020000000215",
                    "0806",
                    "0001080006040002",
                    "020000000215",
                    "c0a847cd",
                    "020000000215",
                    "c0a847cd",
                ),
            ],
        ),
        (
            "neighbour advertisement of a host",
            "2001:db8::205",
            false,
            &[concat!(
                "333300000001",
                "020000000215",
                "86dd",
                "6000000000203aff",
                "20010db8000000000000000000000205",
                "ff020000000000000000000000000001",
                "8800f30e20000000",
                "20010db8000000000000000000000205",
                "0201020000000215",
            )],
        ),
        (
            "neighbour advertisement of a router",
            "2001:db8::205",
            true,
            &[concat!(
                "333300000001",
                "020000000215",
                "86dd",
                "6000000000203aff",
                "20010db8000000000000000000000205",
                "ff020000000000000000000000000001",
                "8800730ea0000000",
                "20010db8000000000000000000000205",
                "0201020000000215",
            )],
        ),
    ];
    for (name, address, router, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|hex| bytes(hex)).collect();
        assert_eq!(frames(address, *router), expected, "{name}");
    }
}

#[test]
fn another_parser_reads_gratuitous_arp() {
    let operations = [(ArpOperation::REQUEST, [0; 6]), (ArpOperation::REPLY, MAC)];
    let frames = frames("192.0.2.1", false);
    assert_eq!(frames.len(), operations.len());
    for (frame, (operation, target_mac)) in frames.iter().zip(operations) {
        let packet = SlicedPacket::from_ethernet(frame).unwrap();
        let ethernet = packet.link.unwrap().to_header().unwrap().ethernet2().unwrap();
        assert_eq!((ethernet.source, ethernet.destination), (MAC, [0xff; 6]));
        let Some(NetSlice::Arp(arp)) = packet.net else {
            panic!("{operation:?} is not ARP");
        };
        let expected = ArpEthIpv4Packet {
            operation,
            sender_mac: MAC,
            sender_ipv4: [192, 0, 2, 1],
            target_mac,
            target_ipv4: [192, 0, 2, 1],
        };
        assert_eq!(arp.to_packet().try_eth_ipv4().unwrap(), expected);
    }
}

#[test]
fn another_parser_reads_the_neighbour_advertisement() {
    let all_nodes: Ipv6Addr = "ff02::1".parse().unwrap();
    // Addresses of many kinds, because the checksum must carry in each of its ways.
    let mut bits = 0x2001_0db8_0000_0000_0000_0000_0000_0001_u128;
    for round in 0..500 {
        let address = Ipv6Addr::from_bits(bits);
        let router = round % 2 == 0;
        let announcement = Announcement { address: IpAddr::V6(address), mac: MAC, router };
        let frames = announcement.frames();
        let packet = SlicedPacket::from_ethernet(&frames[0]).unwrap();

        let ethernet = packet.link.unwrap().to_header().unwrap().ethernet2().unwrap();
        assert_eq!(ethernet.source, MAC);
        assert_eq!(ethernet.destination, [0x33, 0x33, 0, 0, 0, 1]);
        let Some(NetSlice::Ipv6(ip)) = packet.net else {
            panic!("{address} is not in IPv6");
        };
        assert_eq!(ip.header().source_addr(), address);
        assert_eq!(ip.header().destination_addr(), all_nodes);
        assert_eq!(ip.header().hop_limit(), 255);
        let Some(TransportSlice::Icmpv6(icmp)) = packet.transport else {
            panic!("{address} is not in ICMPv6");
        };
        assert!(icmp.is_checksum_valid(address.octets(), all_nodes.octets()), "{address}");
        let flags = NeighborAdvertisementHeader { router, solicited: false, r#override: true };
        assert_eq!(icmp.icmp_type(), Icmpv6Type::NeighborAdvertisement(flags));
        let Ok(Icmpv6PayloadSlice::NeighborAdvertisement(advertisement)) = icmp.payload_slice() else {
            panic!("{address} is not advertised");
        };
        assert_eq!(advertisement.target_address(), address);
        let options: Vec<_> = advertisement.options_iterator().map(Result::unwrap).collect();
        let [NdpOptionSlice::TargetLinkLayerAddress(target)] = &options[..] else {
            panic!("{address} comes with {options:?}");
        };
        assert_eq!(target.link_layer_address(), MAC);

        bits = bits.wrapping_mul(0x2d99_787b_da12_0b36_5d2d_3e1f_3e1f_3e1d).rotate_left(7);
    }
}
