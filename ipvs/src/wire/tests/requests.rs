//! What is sent.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::{add, attributes, endpoint, gue, scheduled, sent, tcp};
use crate::wire::attribute::Writer;
use crate::wire::{Request, read_daemon, read_destination, read_info, read_service, read_timeouts};
use crate::{
    Destination, EngineName, Family, Flags, Forward, Group, GueChecksum, Interface, Netmask, Op, Persistence,
    PersistenceTimeout, Role, Service, ServiceId, SyncDaemon, Timeouts, Weight, arbitrary,
};

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
        group: Some(Group::new("ff02::51".parse().unwrap()).unwrap()),
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
