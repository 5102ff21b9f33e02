use std::error::Error as _;
use std::io;

use ipnet::IpNet;
use nix::libc;
use proptest::prelude::*;

use super::notices::Changes;
use super::{Assigned, Attempt, Connected, Error, dependents, wire};
use crate::config::Interface;
use crate::kernel::netlink::{Answer, Answers};

const SEQUENCE: u32 = 7;
const DUMP_INTERRUPTED: u16 = 16;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const OVERRUN: u16 = 4;

/// `RTM_NEWADDR` as a 6.1 kernel sends it: 192.0.2.2/24 on `eth0`, which has index 2.
const ETH0_IPV4: &str = "021880000200000008000100c000020208000200c000020208000400c00002ff0900030065746830000000000800\
    08008000000014000600ffffffffffffffff1000000010000000";
/// `fd00::2/64` on the same interface.
const ETH0_IPV6: &str = "0a4080000200000014000100fd00000000000000000000000000000214000600ffffffffffffffff100000001000\
    00000800080080000000";

fn unhex(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let mut message = [
        &length.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &flags.to_ne_bytes(),
        &sequence.to_ne_bytes(),
        &4711_u32.to_ne_bytes(),
        body,
    ]
    .concat();
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut attribute = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

fn address(hex: &str) -> wire::Entry {
    wire::address(&unhex(hex)).unwrap().unwrap()
}

fn link_body(kind: u16, flags: u32, name: &[u8], mac: &[u8]) -> Vec<u8> {
    let header = [&[0, 0][..], &kind.to_ne_bytes(), &2_u32.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 4]];
    [header.concat(), attribute(3, name), attribute(1, mac)].concat()
}

#[test]
fn an_answer_ends_with_its_status() {
    let body = unhex(ETH0_IPV4);
    let item = |flags, sequence| message(libc::RTM_NEWADDR, flags, sequence, &body);
    let status = |kind, sequence, code: i32| message(kind, 0, sequence, &code.to_ne_bytes());
    let done = status(DONE, SEQUENCE, 0);
    let refusal = |code| Err(io::Error::from_raw_os_error(code).kind());
    let malformed = || Err(io::ErrorKind::InvalidData);

    // name, datagram, (complete, bodies, torn)
    let cases = [
        ("nothing", vec![], Ok((false, 0, false))),
        ("an item", item(2, SEQUENCE), Ok((false, 1, false))),
        (
            "items and the end",
            [item(2, SEQUENCE), item(2, SEQUENCE), done.clone()].concat(),
            Ok((true, 2, false)),
        ),
        ("the end of an old kernel", message(DONE, 0, SEQUENCE, &[]), Ok((true, 0, false))),
        ("an acknowledgement", status(ERROR, SEQUENCE, 0), Ok((true, 0, false))),
        ("a list that changed", [item(2 | DUMP_INTERRUPTED, SEQUENCE), done].concat(), Ok((true, 1, true))),
        (
            "a list that changed at its end",
            message(DONE, DUMP_INTERRUPTED, SEQUENCE, &[0; 4]),
            Ok((true, 0, true)),
        ),
        ("an earlier request's item", item(2, SEQUENCE - 1), Ok((false, 0, false))),
        ("an earlier request's failure", status(ERROR, SEQUENCE - 1, -1), Ok((false, 0, false))),
        ("a notice to all", item(0, 0), Ok((false, 0, false))),
        ("a refusal", status(ERROR, SEQUENCE, -libc::EEXIST), refusal(libc::EEXIST)),
        (
            "a list that failed",
            [item(2, SEQUENCE), status(DONE, SEQUENCE, -libc::EPERM)].concat(),
            refusal(libc::EPERM),
        ),
        (
            "a refusal with the request",
            message(ERROR, 0, SEQUENCE, &[(-libc::EPERM).to_ne_bytes(), [9; 4]].concat()),
            refusal(libc::EPERM),
        ),
        ("an error above zero", status(ERROR, SEQUENCE, 17), malformed()),
        ("the lowest of errors", status(ERROR, SEQUENCE, i32::MIN), malformed()),
        ("a status cut short", message(ERROR, 0, SEQUENCE, &[0, 0]), malformed()),
        ("another object", message(libc::RTM_NEWLINK, 2, SEQUENCE, &[0; 16]), malformed()),
        ("data lost", message(OVERRUN, 0, SEQUENCE, &[]), malformed()),
        ("a header cut short", item(2, SEQUENCE)[..15].to_vec(), malformed()),
        ("a body cut short", item(2, SEQUENCE)[..40].to_vec(), malformed()),
        ("a length of nothing", vec![0; 16], malformed()),
    ];
    for (name, datagram, expected) in cases {
        let mut answer = Answer::new(libc::RTM_GETADDR, SEQUENCE);
        let taken = answer.take(&datagram).map(|complete| (complete, answer.bodies.len(), answer.torn));
        assert_eq!(taken.map_err(|error| error.kind()), expected, "{name}");
    }
}

#[test]
fn answers_belong_to_requests_by_their_number() {
    let refused = |sequence, errno: i32| message(ERROR, 0, sequence, &errno.to_ne_bytes());
    let route = |sequence| message(libc::RTM_NEWROUTE, 0, sequence, &[0; 12]);
    let outcomes = |datagrams: &[Vec<u8>]| -> io::Result<Vec<&'static str>> {
        let mut answers = Answers::new(libc::RTM_GETROUTE, u32::MAX, 2);
        for datagram in datagrams {
            answers.take(datagram)?;
        }
        let outcomes = answers.outcomes.iter().map(|outcome| match outcome {
            None => "none",
            Some(Ok(_)) => "route",
            Some(Err(error)) if error.raw_os_error() == Some(libc::ENETUNREACH) => "unreachable",
            Some(Err(_)) => "malformed",
        });
        Ok(outcomes.collect())
    };
    let unreachable = -libc::ENETUNREACH;
    let cases = [
        ("nothing", vec![], Ok(vec!["none", "none"])),
        ("in turn", vec![route(u32::MAX), route(0)], Ok(vec!["route", "route"])),
        (
            "out of turn, one refused",
            vec![refused(0, unreachable), route(u32::MAX)],
            Ok(vec!["route", "unreachable"]),
        ),
        ("somebody else's", vec![route(1), route(u32::MAX - 1)], Ok(vec!["none", "none"])),
        ("done without an object", vec![refused(0, 0)], Ok(vec!["none", "malformed"])),
        ("another object", vec![message(libc::RTM_NEWLINK, 0, 0, &[0; 16])], Err(io::ErrorKind::InvalidData)),
    ];
    for (name, datagrams, expected) in cases {
        assert_eq!(outcomes(&datagrams).map_err(|error| error.kind()), expected, "{name}");
    }
}

#[test]
fn an_address_is_read() {
    let net = |text: &str| text.parse::<IpNet>().unwrap();
    let peer = [
        unhex("021880fe02000000"),
        attribute(1, &[198, 51, 100, 9]),
        attribute(2, &[192, 0, 2, 2]),
        attribute(8, &0x201_u32.to_ne_bytes()),
    ];
    let peer = wire::address(&peer.concat()).unwrap().unwrap();
    // name, entry, address, network, secondary, routed
    let cases = [
        ("IPv4", address(ETH0_IPV4), "192.0.2.2/24", "192.0.2.0/24", false, true),
        ("IPv6", address(ETH0_IPV6), "fd00::2/64", "fd00::/64", false, true),
        ("peer, secondary, noprefixroute", peer, "192.0.2.2/24", "198.51.100.0/24", true, false),
    ];
    for (name, entry, address, network, secondary, routed) in cases {
        let expected =
            wire::Entry { interface: 2, net: net(address), network: net(network), secondary, routed };
        assert_eq!(entry, expected, "{name}");
    }

    let other_family = unhex("1c00000002000000");
    assert_eq!(wire::address(&other_family).unwrap(), None);
    let nameless = unhex("0218800002000000");
    let too_long = [unhex("0221800002000000"), attribute(1, &[192, 0, 2, 2])].concat();
    let five_bytes = [unhex("0218800002000000"), attribute(1, &[192, 0, 2, 2, 1])].concat();
    for (name, body) in [("no address", nameless), ("prefix of 33", too_long), ("five bytes", five_bytes)] {
        assert_eq!(wire::address(&body).unwrap_err().kind(), io::ErrorKind::InvalidData, "{name}");
    }
}

#[test]
fn requests_are_these_bytes() {
    let v4: IpNet = "192.168.71.205/24".parse().unwrap();
    let v6: IpNet = "2001:db8::205/64".parse().unwrap();
    let cases = [
        (
            "an IPv4 address",
            wire::address_body(2, v4),
            concat!("0218000002000000", "08000200c0a847cd", "08000100c0a847cd"),
        ),
        (
            "an IPv6 address, without a probe, valid for ever and preferred never",
            wire::address_body(2, v6),
            concat!(
                "0a40020002000000",
                "1400020020010db8000000000000000000000205",
                "1400010020010db8000000000000000000000205",
                "1400060000000000ffffffff0000000000000000",
            ),
        ),
        (
            "the way to an IPv4 address",
            wire::route_body(v4.addr()),
            concat!("022000000000000000000000", "08000100c0a847cd"),
        ),
        (
            "an interface by its name",
            wire::link_body(&Interface::new("eth0").unwrap()),
            concat!("00000000000000000000000000000000", "090003006574683000", "000000"),
        ),
    ];
    for (name, body, expected) in cases {
        assert_eq!(body, unhex(expected), "{name}");
    }
}

#[test]
fn a_link_is_read() {
    const ETHERNET: u16 = 1;
    const INFINIBAND: u16 = 32;
    const UP: u32 = 1;
    const LOWER_UP: u32 = 1 << 16;
    let mac = [2, 0, 0, 0, 2, 0x15];
    // name, body, (interface, MAC, up, carrier)
    let cases = [
        ("up", link_body(ETHERNET, UP | LOWER_UP, b"eth0\0", &mac), Some(("eth0", Some(mac), true, true))),
        ("no carrier", link_body(ETHERNET, UP, b"eth0\0", &mac), Some(("eth0", Some(mac), true, false))),
        ("not Ethernet", link_body(INFINIBAND, UP, b"ib0\0", &[0; 20]), Some(("ib0", None, true, false))),
        (
            "six bytes, but not Ethernet",
            link_body(772, 0, b"lo\0", &[0; 6]),
            Some(("lo", None, false, false)),
        ),
        ("no MAC address", link_body(ETHERNET, 0, b"tun0\0", &[]), Some(("tun0", None, false, false))),
        ("not UTF-8", link_body(ETHERNET, 0, b"\xff\xfe\0", &mac), None),
        ("with a blank", link_body(ETHERNET, 0, b"a b\0", &mac), None),
        ("no name", link_body(ETHERNET, 0, b"", &mac), None),
    ];
    for (name, body, expected) in cases {
        let link = wire::link(&body).unwrap();
        let link = link.as_ref().map(|(name, link)| (name.as_str(), link.mac, link.up, link.carrier));
        assert_eq!(link, expected, "{name}");
    }
}

#[test]
fn what_goes_together_with_an_address() {
    let entry = |interface, net: &str, secondary| {
        let net: IpNet = net.parse().unwrap();
        let network = net.trunc();
        let routed = true;
        (wire::Entry { interface, net, network, secondary, routed }, Vec::new())
    };
    let entries = [
        entry(2, "192.0.2.1/24", false),
        entry(2, "192.0.2.2/24", true),
        entry(2, "192.0.2.3/24", true),
        entry(2, "192.0.2.4/25", false),
        entry(2, "192.0.2.5/25", true),
        entry(2, "fd00::1/64", false),
        entry(2, "fd00::2/64", false),
        entry(3, "192.0.2.6/24", false),
        entry(3, "192.0.2.7/24", true),
    ];
    for (interface, net, expected) in [
        (2, "192.0.2.1/24", &["192.0.2.2/24", "192.0.2.3/24"][..]),
        (2, "192.0.2.2/24", &[]),
        (2, "192.0.2.4/25", &["192.0.2.5/25"]),
        (3, "192.0.2.6/24", &["192.0.2.7/24"]),
        (2, "192.0.2.6/24", &[]),
        (2, "fd00::1/64", &[]),
    ] {
        let gone = dependents(&entries, interface, net.parse().unwrap());
        let gone: Vec<_> = gone.map(|(entry, _)| entry.net.to_string()).collect();
        assert_eq!(gone, expected, "{net} on {interface}");
    }
}

#[test]
fn the_smallest_network_around_an_address_decides() {
    let assigned = |interface: &str, net: &str| Assigned {
        interface: Interface::new(interface).unwrap(),
        net: net.parse().unwrap(),
        connected: Some(net.parse::<IpNet>().unwrap().trunc()),
    };
    let mut all = vec![
        assigned("wide", "10.0.0.1/8"),
        assigned("narrow", "10.1.2.1/24"),
        assigned("narrow", "10.1.2.9/24"),
        assigned("six", "2001:db8::1/64"),
        assigned("left", "172.16.0.1/16"),
        assigned("right", "172.16.0.2/16"),
        assigned("unrouted", "192.0.2.1/24"),
    ];
    all[6].connected = None;
    let connected = Connected::new(&all);
    for (address, expected) in [
        ("10.1.2.3", Some("narrow")),
        ("10.1.3.3", Some("wide")),
        ("2001:db8::3", Some("six")),
        ("2001:db9::3", None),
        ("172.16.0.3", None),
        ("192.0.2.3", None),
    ] {
        let found = connected.towards(address.parse().unwrap());
        assert_eq!(found.map(Interface::as_str), expected, "{address}");
    }
}

#[test]
fn a_notice_says_what_changed() {
    let nothing = Changes::default();
    let links = Changes { links: true, ..nothing };
    let addresses = Changes { addresses: true, ..nothing };
    let routes = Changes { routes: true, ..nothing };
    let all = Changes { links: true, addresses: true, routes: true };
    let notice = |kind| message(kind, 0, 0, &[0; 16]);
    for (name, datagram, expected) in [
        ("nothing", vec![], nothing),
        ("link", notice(libc::RTM_NEWLINK), links),
        ("link gone", notice(libc::RTM_DELLINK), links),
        ("address", notice(libc::RTM_NEWADDR), addresses),
        ("address gone", notice(libc::RTM_DELADDR), addresses),
        ("route", notice(libc::RTM_NEWROUTE), routes),
        ("rule", notice(libc::RTM_DELRULE), routes),
        ("neighbour", notice(libc::RTM_NEWNEIGH), nothing),
        ("two", [notice(libc::RTM_NEWNEIGH), notice(libc::RTM_DELADDR)].concat(), addresses),
        ("cut short", notice(libc::RTM_NEWROUTE)[..20].to_vec(), all),
    ] {
        let mut changes = Changes::default();
        changes.note(&datagram);
        assert_eq!((changes, changes.any()), (expected, expected != nothing), "{name}");
    }
}

#[test]
fn an_error_says_what_was_attempted_and_what_helps() {
    let eth0 = Interface::new("eth0").unwrap();
    let v4 = Attempt::Add("192.168.71.205/24".parse().unwrap(), eth0.clone());
    let v6 = Attempt::Add("2001:db8::205/64".parse().unwrap(), eth0);
    for (attempt, errno, text) in [
        (v4.clone(), libc::ENOBUFS, "add 192.168.71.205/24 to eth0"),
        (v4.clone(), libc::EPERM, "add 192.168.71.205/24 to eth0: this needs CAP_NET_ADMIN"),
        (
            v4,
            libc::ENODEV,
            "add 192.168.71.205/24 to eth0: there is no such interface; `ip link` shows those there are",
        ),
        (
            v6,
            libc::EACCES,
            "add 2001:db8::205/64 to eth0: IPv6 is disabled there; `net/ipv6/conf/eth0/disable_ipv6` should be 0",
        ),
    ] {
        let error = Error::new(attempt, io::Error::from_raw_os_error(errno));
        assert_eq!(error.to_string(), text);
        assert_eq!(error.source().is_none(), errno == libc::ENODEV, "{text}");
    }
}

proptest! {
    #[test]
    fn nothing_the_kernel_says_is_fatal(
        mut datagram in prop::sample::select(vec![
            message(libc::RTM_NEWADDR, 2, SEQUENCE, &unhex(ETH0_IPV4)),
            message(libc::RTM_NEWADDR, 2, SEQUENCE, &unhex(ETH0_IPV6)),
            message(libc::RTM_NEWLINK, 2, SEQUENCE, &link_body(1, 1, b"eth0\0", &[2; 6])),
            message(DONE, 0, SEQUENCE, &[0; 4]),
        ]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for (at, byte) in changes {
            *at.get_mut(&mut datagram) = byte;
        }
        let datagram = [datagram.clone(), datagram[..cut.index(datagram.len())].to_vec()].concat();
        for request in [libc::RTM_GETADDR, libc::RTM_GETLINK] {
            let mut answer = Answer::new(request, SEQUENCE);
            let _ = answer.take(&datagram);
            for body in answer.bodies.iter().map(Vec::as_slice).chain(datagram.get(16..)) {
                let _ = (wire::address(body), wire::link(body), wire::route(body));
            }
        }
        Changes::default().note(&datagram);
    }
}
