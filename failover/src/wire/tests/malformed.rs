//! Datagrams that no director of this version sends.

use super::*;

#[test]
fn every_truncation_is_an_error() {
    for body in [
        Body::Hello(Hello::Ask),
        Body::Message(&small()),
        Body::Message(&large()),
        Body::Page(&part(100, 10, 20)),
    ] {
        let datagram = encode(&header(), &body, &mac());
        for length in 0..datagram.len() {
            let expected = if length < datagram.len() - 32 { WireError::Short } else { WireError::BadMac };
            assert_eq!(decode(&datagram[..length]), Err(expected), "{length} bytes");
        }
    }
}

#[test]
fn every_truncated_body_is_an_error_even_if_it_is_signed() {
    for message in [small(), large()] {
        let body = body::write_message(&message);
        for length in 0..body.len() {
            assert_eq!(decode(&signed(1, &body[..length])), Err(WireError::Short), "{length} bytes");
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error() {
    for body in [Body::Hello(Hello::Ask), Body::Message(&small())] {
        let datagram = encode(&header(), &body, &mac());
        for bit in 0..datagram.len() * 8 {
            let mut flipped = datagram.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn headers_that_cannot_be() {
    let length = encode(&header(), &Body::Hello(Hello::Ask), &mac()).len() - 32;
    // name, where, bytes, error
    let cases: &[(&str, usize, &[u8], WireError)] = &[
        ("another magic", 0, b"LVSD", WireError::Magic),
        ("version 0", 4, &[0], WireError::Malformed),
        ("the next version", 4, &[2], WireError::FutureVersion(2)),
        ("the next version, and what it may mean", 4, &[2, 9, 9, 9, 9, 9], WireError::FutureVersion(2)),
        ("an unknown kind", 5, &[3], WireError::Malformed),
        ("a sender beyond the last", 7, &[9], WireError::UnknownNode),
        ("a receiver beyond the last", 8, &[255], WireError::UnknownNode),
        ("a body longer than the datagram", 10, &[0xff, 0xff], WireError::Short),
        ("no session", 20, &[0; 8], WireError::Malformed),
    ];
    for (name, at, bytes, error) in cases {
        let mut datagram = encode(&header(), &Body::Hello(Hello::Ask), &mac());
        datagram.truncate(length);
        datagram[*at..*at + bytes.len()].copy_from_slice(bytes);
        let code = mac().sign(&datagram);
        datagram.extend(code);
        assert_eq!(decode(&datagram), Err(*error), "{name}");
    }
    assert_eq!(decode(&[0; MAX_DATAGRAM + 1]), Err(WireError::Oversized));
    assert_eq!(decode(&[0; MAX_DATAGRAM]), Err(WireError::Magic));
}

#[test]
fn a_code_of_another_length_is_wrong() {
    let datagram = encode(&header(), &Body::Hello(Hello::Ask), &mac());
    assert_eq!(decode(&[&datagram[..], &[0]].concat()), Err(WireError::BadMac));
    let sha1 = encode(&header(), &Body::Hello(Hello::Ask), &Mac::new(Method::Sha1, b"secret"));
    assert_eq!(decode(&sha1), Err(WireError::BadMac));
}

#[test]
fn hellos_that_cannot_be() {
    let question = [0; 16];
    assert_eq!(decode(&signed(0, &question)).unwrap().1, Body::Hello(Hello::Ask));
    // name, echo, offer
    for (name, echo, offer) in [("an offer to nobody", 0_u64, 1_u64), ("an answer without offer", 1, 0)] {
        let body = [echo.to_be_bytes(), offer.to_be_bytes()].concat();
        assert_eq!(decode(&signed(0, &body)), Err(WireError::Malformed), "{name}");
    }
    assert_eq!(decode(&signed(0, &[0; 15])), Err(WireError::Short));
    assert_eq!(decode(&signed(0, &[0; 17])), Err(WireError::Malformed));
}

#[test]
fn messages_that_cannot_be() {
    let message = Message {
        claims: vec![VipId::from_bits(1)],
        ballot: Some(Ballot::Vote(Term(1), node(1))),
        failed: Some(Failed { vip: VipId::from_bits(1), count: 1 }),
        ack: Some(Ack { sequence: 1, vips: Vec::new() }),
        table: Table { grants: vec![grant(1), grant(2)], ..Table::default() },
        standing: Standing { barred: vec![(VipId::from_bits(1), Bar::Carrier)], ..small().standing },
        ..small()
    };
    let body = body::write_message(&message);
    // name, where, byte, error
    let cases: &[(&str, usize, u8, WireError)] = &[
        ("a leader beyond the last", 8, 9, WireError::UnknownNode),
        ("half about to end", 17, 2, WireError::Malformed),
        ("an unknown reason to be unfit", 18, 3, WireError::Malformed),
        ("a tenth node is heard", 27, 0b10, WireError::UnknownNode),
        ("more than half of the realservers and more", 30, 3, WireError::Malformed),
        ("65 barred vips", 31, 65, WireError::Malformed),
        ("an unknown bar", 36, 4, WireError::Malformed),
        ("65 grants", 53, 65, WireError::Malformed),
        ("an owner beyond the last", 58, 9, WireError::UnknownNode),
        ("vacant by somebody", 59, 0x01, WireError::Malformed),
        ("nobody is dead", 59, 0x1f, WireError::Malformed),
        ("nobody is barred", 59, 0x8f, WireError::Malformed),
        ("a bar after the last", 59, 0xc1, WireError::Malformed),
        ("a grant twice", 63, 1, WireError::Malformed),
        ("65 claims", 66, 65, WireError::Malformed),
        ("an unknown ballot", 71, 5, WireError::Malformed),
        ("a vote for nobody", 80, 15, WireError::UnknownNode),
        ("half committed", 109, 2, WireError::Malformed),
        ("half a failure", 110, 2, WireError::Malformed),
        ("half urgent", 117, 2, WireError::Malformed),
        ("half an acknowledgement", 118, 2, WireError::Malformed),
        ("65 acknowledged vips", 127, 65, WireError::Malformed),
    ];
    assert_eq!(body.len(), 128);
    assert_eq!(decode(&signed(1, &body)).unwrap().1, Body::Message(message));
    for (name, at, byte, error) in cases {
        let mut body = body.clone();
        body[*at] = *byte;
        assert_eq!(decode(&signed(1, &body)), Err(*error), "{name}");
    }
    assert_eq!(decode(&signed(1, &[&body[..], &[0]].concat())), Err(WireError::Malformed));
}

#[test]
fn pages_that_cannot_be() {
    let offer = Page::Offer { base: CibVersion::default(), digest: Digest::default() };
    let answer = Page::Answer { digest: Digest::default(), verdict: Verdict::Invalid };
    let max = u32::try_from(MAX_BYTES).unwrap();
    // name, page, where, byte
    let cases: &[(&str, Page, usize, u8)] = &[
        ("an unknown kind", offer, 0, 4),
        ("an unknown answer", answer, 9, 3),
        ("a document without content", part(1, 0, 1), 12, 0),
        ("a document that is too long", part(max, 0, 1), 12, 1),
        ("an empty part", part(100, 0, 1), 18, 0),
        ("a part that is too long", part(max, 0, PART), 18, 1),
        ("a part beyond the end", part(100, 99, 1), 16, 100),
    ];
    for (name, page, at, byte) in cases {
        let mut body = body::write_page(page);
        assert_eq!(decode(&signed(2, &body)).unwrap().1, Body::Page(page.clone()), "{name}");
        body[*at] = *byte;
        assert_eq!(decode(&signed(2, &body)), Err(WireError::Malformed), "{name}");
    }
    let whole = body::write_page(&part(100, 10, 20));
    assert_eq!(decode(&signed(2, &[&whole[..], &[0]].concat())), Err(WireError::Malformed));
    for length in 0..whole.len() {
        assert_eq!(decode(&signed(2, &whole[..length])), Err(WireError::Short), "{length} bytes");
    }
}

fn part(length: u32, offset: u32, count: usize) -> Page {
    Page::Part { digest: Digest::default(), length, offset, bytes: vec![7; count] }
}

#[test]
fn a_list_of_more_vips_than_there_are_is_refused() {
    let vip = VipId::from_bits(1);
    for count in [MAX_VIPS + 1, 255, 256, 300] {
        let message = Message { claims: vec![vip; count], ..small() };
        let datagram = encode(&header(), &Body::Message(&message), &mac());
        assert!(decode(&datagram).is_err(), "{count}");
    }
}

fn grant(vip: u32) -> Grant {
    Grant { vip: VipId::from_bits(vip), owner: None, cause: Cause::Nobody }
}

/// A datagram with this body, signed.
fn signed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut datagram = encode(&header(), &Body::Hello(Hello::Ask), &mac())[..HEADER].to_vec();
    datagram[5] = kind;
    datagram[10..12].copy_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
    datagram.extend(body);
    let code = mac().sign(&datagram);
    datagram.extend(code);
    datagram
}
