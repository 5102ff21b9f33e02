//! The codec against messages of all kinds, and against datagrams that no director should send.

pub(crate) mod arbitrary;
mod malformed;

use std::time::Duration;

use proptest::prelude::*;

use super::{Body, HEADER, Header, Hello, MAX_DATAGRAM, Unverified, WireError, body, encode};
use crate::cib::{Digest, MAX_BYTES, Stamp, Version as CibVersion};
use crate::keys::{Mac, Method};
use crate::message::{
    Ack, Ballot, Bar, Cause, Failed, Grant, Mention, Message, PART, Page, Reach, Standing, Table, Term,
    Unfit, Verdict, Version,
};
use crate::{ClusterId, LinkId, MAX_VIPS, NodeId, NodeSet, VipId};

fn node(index: usize) -> NodeId {
    NodeId::new(index).unwrap()
}

const VERSION: CibVersion = CibVersion { admin_epoch: 1, epoch: 2, num_updates: 3 };

fn mac() -> Mac {
    Mac::new(Method::Sha256, b"secret")
}

fn header() -> Header {
    Header {
        key: 3,
        sender: node(1),
        receiver: node(8),
        link: LinkId(2),
        cluster: ClusterId::of("web"),
        session: 0x1112_1314_1516_1718,
        token: 0x2122_2324_2526_2728,
        sequence: 0x3132_3334_3536_3738,
    }
}

/// The shortest one.
fn small() -> Message {
    Message {
        term: Term(7),
        leader: None,
        lease: Duration::from_secs(2),
        standing: Standing {
            leaves: false,
            unfit: None,
            file: 0x4142_4344_4546_4748,
            hears: NodeSet::from_bits(0b11),
            reach: Reach { pings: 2, realservers: 2 },
            barred: Vec::new(),
        },
        table: Table::default(),
        claims: Vec::new(),
        ballot: None,
        document: Mention::default(),
        failed: None,
        urgent: false,
        ack: None,
    }
}

/// The longest one.
fn large() -> Message {
    let vips: Vec<_> = (0..MAX_VIPS).map(|number| VipId::from_bits(u32::try_from(number).unwrap())).collect();
    let cause = Cause::Barred(node(1), Bar::Failed);
    let grant = |&vip| Grant { vip, owner: Some(node(2)), cause };
    let barred = vips.iter().map(|&vip| (vip, Bar::Unknown)).collect();
    Message {
        leader: Some(node(8)),
        standing: Standing { unfit: Some(Unfit::Checks), barred, ..small().standing },
        table: Table {
            version: Version { term: Term(7), number: 9 },
            grants: vips.iter().map(grant).collect(),
        },
        claims: vips.clone(),
        ballot: Some(Ballot::Vote(Term(8), node(8))),
        failed: Some(Failed { vip: VipId::of("www"), count: 3 }),
        urgent: true,
        ack: Some(Ack { sequence: 5, vips }),
        ..small()
    }
}

fn decode(datagram: &[u8]) -> Result<(Header, Body<Message, Page>), WireError> {
    let verified = Unverified::parse(datagram)?.verify(&mac())?;
    Ok((*verified.header(), verified.body()?))
}

#[test]
fn a_hello_is_these_bytes() {
    let datagram = encode(&header(), &Body::Hello(Hello::Answer { echo: 0x51, offer: 0x61 }), &mac());
    let cluster = ClusterId::of("web").bits().to_be_bytes();
    let expected = [
        &b"lvsd\x01\x00\x03\x01\x08\x02\x00\x10"[..],
        &cluster,
        &[0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18],
        &[0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28],
        &[0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38],
        &[0, 0, 0, 0, 0, 0, 0, 0x51],
        &[0, 0, 0, 0, 0, 0, 0, 0x61],
    ]
    .concat();
    assert_eq!(datagram, [&expected[..], &mac().sign(&expected)].concat());
}

#[test]
fn a_message_is_these_bytes() {
    let message = Message {
        ballot: Some(Ballot::Would(Term(8), node(2))),
        document: Mention {
            stamp: Stamp { term: Term(6), version: VERSION },
            digest: Digest::from_bits(0x7172_7374_7576_7778),
            committed: true,
        },
        failed: Some(Failed { vip: VipId::from_bits(0xa1a2_a3a4), count: 2 }),
        table: Table {
            version: Version { term: Term(6), number: 5 },
            grants: vec![Grant {
                vip: VipId::from_bits(0xa1a2_a3a4),
                owner: Some(node(1)),
                cause: Cause::Barred(node(4), Bar::Failed),
            }],
        },
        ..small()
    };
    let expected = [
        &[0, 0, 0, 0, 0, 0, 0, 7, 15][..],
        &2_000_000_000_u64.to_be_bytes(),
        &[0, 0, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0, 0b11, 2, 2, 0],
        &[0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 5],
        &[1, 0xa1, 0xa2, 0xa3, 0xa4, 1, 0xa4],
        &[0],
        &[2, 0, 0, 0, 0, 0, 0, 0, 8, 2],
        &[0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
        &[0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 1],
        &[1, 0xa1, 0xa2, 0xa3, 0xa4, 0, 2],
        &[0, 0],
    ]
    .concat();
    assert_eq!(body::write_message(&message), expected);
}

#[test]
fn the_longest_message_fits_into_a_datagram() {
    let datagram = encode(&header(), &Body::Message(&large()), &mac());
    assert_eq!(datagram.len(), HEADER + body::LONGEST + 32);
    assert_eq!(datagram.len(), 1399);
    assert!(datagram.len() <= MAX_DATAGRAM);
    assert_eq!(decode(&datagram), Ok((header(), Body::Message(large()))));
}

#[test]
fn pages_are_these_bytes() {
    let digest = Digest::from_bits(0x7172_7374_7576_7778);
    let known = [0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78];
    let version = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    let cases: [(Page, u8, &[u8]); 6] = [
        (Page::Offer { base: VERSION, digest }, 0, &version),
        (Page::Pull { digest, offset: 0x0102 }, 1, &[0, 0, 1, 2]),
        (
            Page::Part { digest, length: 0x0302, offset: 0x0100, bytes: b"ab".to_vec() },
            2,
            &[0, 0, 3, 2, 0, 0, 1, 0, 0, 2, b'a', b'b'],
        ),
        (Page::Answer { digest, verdict: Verdict::Committed }, 3, &[0]),
        (Page::Answer { digest, verdict: Verdict::Conflict(VERSION) }, 3, &[&[1][..], &version].concat()),
        (Page::Answer { digest, verdict: Verdict::Invalid }, 3, &[2]),
    ];
    for (page, kind, rest) in cases {
        assert_eq!(body::write_page(&page), [&[kind][..], &known, rest].concat());
    }
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(message in arbitrary::message()) {
        let datagram = encode(&header(), &Body::Message(&message), &mac());
        prop_assert!(datagram.len() <= MAX_DATAGRAM);
        prop_assert_eq!(decode(&datagram), Ok((header(), Body::Message(message))));
    }

    #[test]
    fn a_page_that_is_read_is_what_was_written(page in arbitrary::page()) {
        let datagram = encode(&header(), &Body::Page(&page), &mac());
        prop_assert!(datagram.len() <= MAX_DATAGRAM);
        prop_assert_eq!(decode(&datagram), Ok((header(), Body::Page(page))));
    }

    #[test]
    fn there_is_one_way_to_write_a_page(page in arbitrary::page(), at: prop::sample::Index, byte: u8) {
        let mut bytes = body::write_page(&page);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut reader = super::Reader(&bytes);
        if let Ok(read) = body::read_page(&mut reader) {
            let rest = reader.0.len();
            prop_assert_eq!(body::write_page(&read), &bytes[..bytes.len() - rest]);
        }
    }

    #[test]
    fn any_header_is_read_as_written(
        (key, sender, receiver, link) in (any::<u8>(), arbitrary::node(), arbitrary::node(), any::<u8>()),
        (cluster, session, token, sequence) in (any::<u64>(), 1..=u64::MAX, any::<u64>(), any::<u64>()),
    ) {
        let (link, cluster) = (LinkId(link), ClusterId::from_bits(cluster));
        let header = Header { key, sender, receiver, link, cluster, session, token, sequence };
        let datagram = encode(&header, &Body::Hello(Hello::Ask), &mac());
        prop_assert_eq!(decode(&datagram), Ok((header, Body::Hello(Hello::Ask))));
    }

    /// Whatever is taken would have been written so.
    #[test]
    fn there_is_one_way_to_write_a_message(message in arbitrary::message(), at: prop::sample::Index, byte: u8) {
        let mut bytes = body::write_message(&message);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut reader = super::Reader(&bytes);
        if let Ok(read) = body::read_message(&mut reader) {
            let rest = reader.0.len();
            prop_assert_eq!(body::write_message(&read), &bytes[..bytes.len() - rest]);
        }
    }
}
