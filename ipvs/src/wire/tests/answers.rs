//! What is received.

use super::{add, endpoint, gue, scheduled, sent, tcp};
use crate::wire::attribute::Writer;
use crate::wire::{Content, Request, messages, read_destination, read_service};
use crate::{Destination, Encapsulation, Endpoint, Forward, GueChecksum, Op, Statistics, Thresholds};

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
