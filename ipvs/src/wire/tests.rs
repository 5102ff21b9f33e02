use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU32};

use proptest::prelude::*;

use super::attribute::Writer;
use super::{
    Content, Request, messages, read_daemon, read_destination, read_info, read_service, read_timeouts,
};
use crate::arbitrary;
use crate::window::Window;
use crate::{
    Destination, Encapsulation, Endpoint, EngineName, Family, Flags, Forward, Group, GueChecksum, Interface,
    Netmask, Op, Persistence, PersistenceTimeout, Protocol, Role, Scheduler, Service, ServiceId, Statistics,
    SyncDaemon, Thresholds, Timeouts, Weight,
};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn endpoint(text: &str, port: u16) -> Endpoint {
    Endpoint::new(address(text), port).unwrap()
}

fn tcp(text: &str, port: u16) -> ServiceId {
    ServiceId::Address { protocol: Protocol::Tcp, endpoint: endpoint(text, port) }
}

fn scheduled(name: &str) -> Service {
    Service::new(Scheduler::new(name).unwrap())
}

fn gue(port: u16, checksum: GueChecksum) -> Forward {
    let port = NonZeroU16::new(port).unwrap();
    Forward::Tunnel(Encapsulation::Gue { port, checksum })
}

fn add(destination: Destination, to: ServiceId, at: Endpoint) -> Op {
    Op::AddDestination { service: to, endpoint: at, destination }
}

/// The request as it is sent to family 0x20, numbered 1, with an acknowledgement asked for.
fn sent(request: &Request<'_>) -> Vec<u8> {
    let mut window = Window::new(0x20, 0);
    window.open();
    assert!(window.push(request));
    window.close().to_vec()
}

/// What follows the two headers.
fn attributes(request: &Request<'_>) -> Vec<u8> {
    sent(request)[20..].to_vec()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The attribute's value, from a message of nests.
fn value(attributes: &[u8], nest: u16, kind: u16) -> Option<Vec<u8>> {
    let find = |bytes: &[u8], wanted: u16| {
        let mut rest = bytes.to_vec();
        while rest.len() >= 4 {
            let length = usize::from(u16::from_ne_bytes([rest[0], rest[1]]));
            if u16::from_ne_bytes([rest[2], rest[3]]) == wanted {
                return Some(rest[4..length].to_vec());
            }
            rest.drain(..length.next_multiple_of(4).min(rest.len()));
        }
        None
    };
    find(&find(attributes, nest)?, kind)
}

const SERVICE_ID: &str = "30000100 0600010002000000 0600020006000000
    14000300c000020a000000000000000000000000 0600040000500000";

#[test]
#[cfg(target_endian = "little")]
fn requests_are_the_bytes_that_a_kernel_took() {
    let service = tcp("192.0.2.10", 80);
    let add_service = Op::AddService(service, scheduled("wlc"));
    let add_route = add(Destination::new(Forward::Route), service, endpoint("10.0.0.11", 80));
    let tunnel = Destination::new(gue(6080, GueChecksum::Full));
    let add_tunnel = add(tunnel, service, endpoint("10.0.0.17", 80));
    let delete = Op::DeleteDestination { service, endpoint: endpoint("10.0.0.11", 80) };
    let persistent = Service {
        flags: Flags::FALLBACK | Flags::PORT,
        persistence: Some(Persistence {
            timeout: PersistenceTimeout::from_seconds(120).unwrap(),
            engine: None,
        }),
        netmask: Netmask::v6(64).unwrap(),
        ..scheduled("mh")
    };
    let add_v6 = Op::AddService(tcp("2001:db8::10", 443), persistent);
    let mark = ServiceId::Mark { mark: NonZeroU32::new(7).unwrap(), family: Family::V4 };
    let add_mark = Op::AddService(mark, scheduled("wlc"));
    let defaults = "08000600776c6300 0c00070000000000ffffffff 0800080000000000 08000900ffffffff";

    let cases = [
        (
            "add a service",
            Request::Change(&add_service),
            format!("68000000 20000500 01000000 00000000 01010000 54000100 {} {defaults}", &SERVICE_ID[8..]),
        ),
        (
            "add a destination",
            Request::Change(&add_route),
            format!(
                "8c000000 20000500 01000000 00000000 05010000 {SERVICE_ID} 48000200
                 140001000a00000b000000000000000000000000 0600020000500000 0800030003000000
                 0800040001000000 0800050000000000 0800060000000000 06000b0002000000"
            ),
        ),
        (
            "add a destination behind a tunnel",
            Request::Change(&add_tunnel),
            format!(
                "a4000000 20000500 01000000 00000000 05010000 {SERVICE_ID} 60000200
                 140001000a000011000000000000000000000000 0600020000500000 0800030002000000
                 0800040001000000 0800050000000000 0800060000000000 06000b0002000000
                 05000d0001000000 06000e0017c00000 06000f0001000000"
            ),
        ),
        (
            "delete a destination",
            Request::Change(&delete),
            format!(
                "6c000000 20000500 01000000 00000000 07010000 {SERVICE_ID} 28000200
                 140001000a00000b000000000000000000000000 0600020000500000 06000b0002000000"
            ),
        ),
        (
            "add a persistent service of IPv6",
            Request::Change(&add_v6),
            "68000000 20000500 01000000 00000000 01010000 54000100 060001000a000000 0600020006000000
             1400030020010db8000000000000000000000010 0600040001bb0000 070006006d680000
             0c00070019000000ffffffff 0800080078000000 0800090040000000"
                .into(),
        ),
        (
            "add a service of a firewall mark",
            Request::Change(&add_mark),
            format!(
                "4c000000 20000500 01000000 00000000 01010000 38000100 0600010002000000 0800050007000000 {defaults}"
            ),
        ),
        (
            "list destinations",
            Request::Destinations(service),
            format!("44000000 20000503 01000000 00000000 08010000 {SERVICE_ID}"),
        ),
    ];
    for (name, request, expected) in cases {
        assert_eq!(sent(&request), hex(&expected), "{name}");
    }
}

#[test]
fn writes_carry_the_whole_object() {
    let service = tcp("192.0.2.10", 80);
    let at = endpoint("10.0.0.17", 80);
    let tunnel = Destination::new(gue(6080, GueChecksum::Remote));
    let add = attributes(&Request::Change(&add(tunnel, service, at)));
    let edit =
        attributes(&Request::Change(&Op::EditDestination { service, endpoint: at, destination: tunnel }));
    assert_eq!(edit, add, "an edit resends the tunnel");
    assert_eq!(value(&edit, 2, 15), Some(2u16.to_ne_bytes().to_vec()));

    let sip = Service {
        persistence: Some(Persistence {
            timeout: PersistenceTimeout::from_seconds(60).unwrap(),
            engine: Some(EngineName::new("sip").unwrap()),
        }),
        ..scheduled("rr")
    };
    let edit = attributes(&Request::Change(&Op::EditService(service, sip)));
    assert_eq!(value(&edit, 1, 11), Some(b"sip\0".to_vec()), "an edit resends the engine");
}

#[test]
fn byte_orders_are_those_of_the_kernel() {
    let service = tcp("2001:db8::1", 0x1234);
    let v6 = Service { netmask: Netmask::v6(64).unwrap(), ..scheduled("rr") };
    let added = attributes(&Request::Change(&Op::AddService(service, v6)));
    let destination = Destination { weight: Weight::MAX, ..Destination::new(gue(0x1234, GueChecksum::None)) };
    let tunnel = attributes(&Request::Change(&add(destination, service, endpoint("10.0.0.1", 0x1234))));
    let daemon = daemon();
    let daemon = attributes(&Request::StartDaemon(&daemon));
    let cases: [(_, &[u8], _, _, &[u8]); 7] = [
        ("service port, network order", &added, 1, 4, &[0x12, 0x34]),
        ("flags with a full mask", &added, 1, 7, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ("IPv6 prefix, host order", &added, 1, 9, &64u32.to_ne_bytes()),
        ("tunnel port, network order", &tunnel, 2, 14, &[0x12, 0x34]),
        ("weight of 31 bits", &tunnel, 2, 4, &0x7fff_ffffu32.to_ne_bytes()),
        ("family of a mixed destination", &tunnel, 2, 11, &2u16.to_ne_bytes()),
        ("multicast port, host order", &daemon, 3, 7, &0x1234u16.to_ne_bytes()),
    ];
    for (name, message, nest, kind, expected) in cases {
        assert_eq!(value(message, nest, kind).as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn deleting_a_destination_of_the_other_family_names_its_family() {
    let delete =
        Op::DeleteDestination { service: tcp("192.0.2.10", 80), endpoint: endpoint("2001:db8::2", 80) };
    let message = attributes(&Request::Change(&delete));
    assert_eq!(value(&message, 2, 11), Some(10u16.to_ne_bytes().to_vec()));
}

#[test]
fn a_netmask_of_the_other_family_is_left_for_the_kernel_to_refuse() {
    let prefix = Service { netmask: Netmask::V6(64), ..scheduled("rr") };
    let message = attributes(&Request::Change(&Op::AddService(tcp("192.0.2.10", 80), prefix)));
    assert_eq!(value(&message, 1, 9), None);
}

fn daemon() -> SyncDaemon {
    SyncDaemon {
        role: Role::Backup,
        interface: Interface::new("eth0").unwrap(),
        sync_id: 5,
        max_length: Some(1400),
        group: Some(Group::new(address("ff02::51")).unwrap()),
        port: Some(0x1234),
        ttl: Some(3),
    }
}

#[test]
fn what_is_not_a_table_reads_back_as_it_was_written() {
    let bare =
        SyncDaemon { role: Role::Master, max_length: None, group: None, port: None, ttl: None, ..daemon() };
    for daemon in [daemon(), bare] {
        assert_eq!(read_daemon(&attributes(&Request::StartDaemon(&daemon))), Ok(daemon));
    }
    let timeouts = Timeouts { tcp: 900, tcp_fin: 120, udp: 300 };
    assert_eq!(read_timeouts(&attributes(&Request::SetTimeouts(timeouts))), Ok(timeouts));

    let mut info = Vec::new();
    let mut writer = Writer(&mut info);
    writer.bytes(1, &0x01_02_03u32.to_ne_bytes());
    writer.bytes(2, &4096u32.to_ne_bytes());
    let info = read_info(&info).unwrap();
    assert_eq!((info.version, info.connection_table_size), ((1, 2, 3), 4096));
}

proptest! {
    #[test]
    fn tables_read_back_as_they_were_written(table in arbitrary::table()) {
        for (id, bound) in table {
            let op = Op::AddService(id, bound.service.clone());
            let observed = read_service(&attributes(&Request::Change(&op))).unwrap();
            prop_assert_eq!((observed.id, observed.service), (id, bound.service));
            for (at, destination) in bound.destinations {
                let op = add(destination, id, at);
                let observed = read_destination(id, &attributes(&Request::Change(&op))).unwrap();
                prop_assert_eq!((observed.endpoint, observed.destination), (at, destination));
            }
        }
    }
}

/// A service as the kernel describes one, with attribute `kind` replaced or, without a value, left out.
fn answer(kind: u16, replacement: Option<&[u8]>) -> Vec<u8> {
    let fields: [(u16, &[u8]); 8] = [
        (1, &2u16.to_ne_bytes()),
        (2, &6u16.to_ne_bytes()),
        (3, &[192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (4, &80u16.to_be_bytes()),
        (6, b"wlc\0"),
        (7, &[2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        (8, &0u32.to_ne_bytes()),
        (9, &[0xff; 4]),
    ];
    object(1, &fields, kind, replacement)
}

/// A destination as the kernel describes one.
fn destination_answer(kind: u16, replacement: Option<&[u8]>) -> Vec<u8> {
    let fields: [(u16, &[u8]); 8] = [
        (1, &[10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (2, &80u16.to_be_bytes()),
        (3, &2u32.to_ne_bytes()),
        (4, &1u32.to_ne_bytes()),
        (5, &0u32.to_ne_bytes()),
        (6, &0u32.to_ne_bytes()),
        (7, &3u32.to_ne_bytes()),
        (11, &2u16.to_ne_bytes()),
    ];
    object(2, &fields, kind, replacement)
}

fn object(nest: u16, fields: &[(u16, &[u8])], kind: u16, replacement: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Writer(&mut bytes).nest(nest, |writer| {
        for &(field, value) in fields.iter().filter(|(field, _)| *field != kind) {
            writer.bytes(field, value);
        }
        if let Some(value) = replacement {
            writer.bytes(kind, value);
        }
    });
    bytes
}

#[test]
fn the_kernels_own_flag_is_stripped() {
    let service = read_service(&answer(0, None)).unwrap().service;
    assert_eq!(service, scheduled("wlc"), "HASHED is bit 1");
}

#[test]
fn a_mark_hides_the_address() {
    let marked = read_service(&answer(5, Some(&u32::MAX.to_ne_bytes()))).unwrap();
    assert_eq!(marked.id.to_string(), "fwmark 4294967295");
}

#[test]
fn services_that_the_model_cannot_hold_are_unknown() {
    let long = [b'x'; 16];
    let cases: [(_, _, Option<&[u8]>, _); 17] = [
        ("no family", 1, None, "attribute 1 is missing"),
        ("family 7", 1, Some(&[7; 2]), "address family is 1799, which is not known"),
        ("protocol 1", 2, Some(&1u16.to_ne_bytes()), "protocol is 1, which is not known"),
        ("no address", 3, None, "attribute 3 is missing"),
        ("a short address", 3, Some(&[10; 4]), "attribute 3 has 4 bytes"),
        ("no port", 4, None, "attribute 4 is missing"),
        ("mark 0", 5, Some(&[0; 4]), "firewall mark is 0, which is not known"),
        ("no scheduler", 6, None, "service tcp 192.0.2.1:80: attribute 6 is missing"),
        (
            "an empty scheduler",
            6,
            Some(b"\0"),
            "service tcp 192.0.2.1:80: \"\" is not a name of 1 to 15 letters, digits, `_` or `-`",
        ),
        (
            "a long scheduler",
            6,
            Some(&long),
            "service tcp 192.0.2.1:80: \"xxxxxxxxxxxxxxxx\" is not a name of 1 to 15 letters, digits, `_` or `-`",
        ),
        (
            "a scheduler not in UTF-8",
            6,
            Some(&[0xff, 0]),
            "service tcp 192.0.2.1:80: attribute 6 is not text",
        ),
        ("flags without a mask", 7, Some(&[0; 4]), "service tcp 192.0.2.1:80: attribute 7 has 4 bytes"),
        (
            "persistence of 0 s",
            7,
            Some(&[1, 0, 0, 0, 0, 0, 0, 0]),
            "service tcp 192.0.2.1:80: persistence timeout of 0 s is not between 1 s and 31 days",
        ),
        ("no timeout", 8, None, "service tcp 192.0.2.1:80: attribute 8 is missing"),
        ("no netmask", 9, None, "service tcp 192.0.2.1:80: attribute 9 is missing"),
        (
            "an engine without persistence",
            11,
            Some(b"sip\0"),
            "service tcp 192.0.2.1:80: it has a persistence engine without persistence",
        ),
        (
            "counters cut short",
            12,
            Some(&[8, 0, 1, 0]),
            "service tcp 192.0.2.1:80: its description is cut short",
        ),
    ];
    for (name, kind, replacement, expected) in cases {
        let unknown = read_service(&answer(kind, replacement)).unwrap_err();
        assert_eq!(unknown.to_string(), expected, "{name}");
    }
}

#[test]
fn destinations_that_the_model_cannot_hold_are_unknown() {
    let service = tcp("192.0.2.1", 80);
    let cases: [(_, _, Option<&[u8]>, _); 8] = [
        ("forward 7", 3, Some(&7u32.to_ne_bytes()), "forwarding method is 7, which is not known"),
        ("a negative weight", 4, Some(&[0xff; 4]), "weight 4294967295 is above 2147483647"),
        (
            "a lower threshold alone",
            6,
            Some(&1u32.to_ne_bytes()),
            "lower threshold 1 is above the upper threshold 0",
        ),
        ("a large threshold", 5, Some(&[0xff; 4]), "threshold 4294967295 is above 2147483647"),
        ("tunnel 9", 13, Some(&[9]), "tunnel type is 9, which is not known"),
        ("gue without a port", 13, Some(&[1]), "attribute 14 is missing"),
        ("no weight", 4, None, "attribute 4 is missing"),
        ("a wide count", 7, Some(&[0; 8]), "attribute 7 has 8 bytes"),
    ];
    for (name, kind, replacement, expected) in cases {
        let unknown = read_destination(service, &destination_answer(kind, replacement)).unwrap_err();
        assert_eq!(unknown.description, expected, "{name}");
        assert_eq!(unknown.endpoint, Some(endpoint("10.0.0.1", 80)), "{name}");
        assert_eq!(unknown.service, Some(service), "{name}");
    }
    let mapped = endpoint_of(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1], Some(10));
    assert_eq!(mapped.unwrap_err(), "::ffff:10.0.0.1 is an IPv4 address in IPv6 form; write it as IPv4");
}

/// What a destination's address is read as when its family is as given.
fn endpoint_of(address: &[u8; 16], family: Option<u16>) -> Result<Endpoint, String> {
    let family = family.map(u16::to_ne_bytes);
    let mut fields: Vec<(u16, &[u8])> =
        vec![(1, address), (2, &[0, 80]), (3, &[0; 4]), (4, &[0; 4]), (5, &[0; 4]), (6, &[0; 4])];
    fields.extend(family.as_ref().map(|family| (11, &family[..])));
    read_destination(tcp("2001:db8::1", 80), &object(2, &fields, 0, None))
        .map(|observed| observed.endpoint)
        .map_err(|unknown| unknown.description)
}

#[test]
fn old_kernels_leave_the_destinations_family_to_the_service() {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&[0x20, 0x01]);
    assert_eq!(endpoint_of(&bytes, None), Ok(endpoint("2001::", 80)));
    assert_eq!(endpoint_of(&bytes, Some(2)), Ok(endpoint("32.1.0.0", 80)));
}

#[test]
fn tunnels_of_kernels_without_encapsulations_are_ipip() {
    let observed = read_destination(tcp("192.0.2.1", 80), &destination_answer(0, None)).unwrap();
    assert_eq!(observed.destination.forward, Forward::Tunnel(Encapsulation::Ipip));
    assert_eq!(observed.active, 3);
    assert_eq!(observed.destination.thresholds, Thresholds::NONE);
}

#[test]
fn wide_counters_win_over_narrow_ones() {
    let stats = |wide: bool, base: u64| {
        let mut bytes = Vec::new();
        for kind in 1..=10u16 {
            let value = base + u64::from(kind);
            let mut writer = Writer(&mut bytes);
            if wide || kind == 4 || kind == 5 {
                writer.bytes(kind, &value.to_ne_bytes());
            } else {
                writer.bytes(kind, &u32::try_from(value).unwrap().to_ne_bytes());
            }
        }
        bytes
    };
    let counted = |base| Statistics {
        connections: base + 1,
        packets_in: base + 2,
        packets_out: base + 3,
        bytes_in: base + 4,
        bytes_out: base + 5,
        connection_rate: base + 6,
        packet_rate_in: base + 7,
        packet_rate_out: base + 8,
        byte_rate_in: base + 9,
        byte_rate_out: base + 10,
    };
    let base = u64::from(u32::MAX);
    let mut both = answer(10, Some(&stats(false, 100)));
    assert_eq!(read_service(&both).unwrap().statistics, counted(100), "32 bits alone");

    Writer(&mut both).bytes(12, &stats(true, base));
    let length = u16::try_from(both.len()).unwrap();
    both[..2].copy_from_slice(&length.to_ne_bytes());
    assert_eq!(read_service(&both).unwrap().statistics, counted(base), "both");
    assert_eq!(read_service(&answer(0, None)).unwrap().statistics, Statistics::default(), "neither");
}

#[test]
fn attributes_of_later_kernels_are_passed_over() {
    for kind in [13, 15, 16, 0x3fff] {
        assert!(read_service(&answer(kind, Some(&[1, 2, 3]))).is_ok(), "{kind}");
    }
}

#[test]
fn a_message_cut_anywhere_is_garbled_or_unknown() {
    let service = tcp("192.0.2.10", 80);
    let add_service = Op::AddService(service, scheduled("wlc"));
    let add_destination =
        add(Destination::new(gue(6080, GueChecksum::Full)), service, endpoint("10.0.0.1", 80));
    for op in [&add_service, &add_destination] {
        let whole = sent(&Request::Change(op));
        for cut in 1..whole.len() {
            let parts: Vec<_> = messages(&whole[..cut]).collect();
            assert!(matches!(parts[..], [Err(_)]), "{op} cut at {cut}: {parts:?}");
        }
        let inside = &whole[20..];
        for cut in 0..inside.len() {
            assert!(read_service(&inside[..cut]).is_err() || cut >= 48, "{op} cut at {cut}");
            assert!(read_destination(service, &inside[..cut]).is_err(), "{op} cut at {cut}");
        }
    }
}

#[test]
fn headers_say_what_a_message_is() {
    let message = |kind: u16, flags: u16, body: &[u8]| {
        let mut bytes = u32::try_from(16 + body.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&[1, 0, 0, 0, 9, 0, 0, 0]);
        bytes.extend_from_slice(body);
        bytes
    };
    let esrch = (-3i32).to_ne_bytes();
    let cases: [(_, _, Option<Content<'_>>); 9] = [
        ("refused", message(2, 0, &esrch), Some(Content::Verdict(3))),
        ("acknowledged", message(2, 0, &[0; 20]), Some(Content::Verdict(0))),
        ("the least errno", message(2, 0, &i32::MIN.to_ne_bytes()), Some(Content::Verdict(i32::MAX))),
        ("the end of a dump", message(3, 2, &[0; 4]), Some(Content::Done(0))),
        ("an end without a verdict", message(3, 2, &[]), None),
        ("lost", message(4, 0, &[]), Some(Content::Lost)),
        ("an interrupted dump", message(3, 0x10, &[0; 4]), Some(Content::Lost)),
        (
            "an object",
            message(0x20, 2, &[1, 1, 0, 0, 4, 0, 1, 0]),
            Some(Content::Answer { family: 0x20, attributes: &[4, 0, 1, 0] }),
        ),
        ("an object without its second header", message(0x20, 2, &[1, 1]), None),
    ];
    for (name, bytes, expected) in &cases {
        let read = messages(bytes).next().unwrap().ok().map(|message| message.content);
        assert_eq!(read, *expected, "{name}");
    }
}

#[test]
fn a_length_below_the_headers_ends_the_datagram() {
    for length in 0..16u32 {
        let mut bytes = vec![0; 64];
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        assert_eq!(messages(&bytes).count(), 1, "{length}");
        assert!(messages(&bytes).next().unwrap().is_err(), "{length}");
    }
}
