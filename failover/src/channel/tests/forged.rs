//! What is not from whom it says, or not for whom it reaches.

use super::*;
use crate::wire::MAX_DATAGRAM;

fn keyed(text: &str) -> Channel {
    let mut channel = start(A, 1);
    channel.set_keys(&ring(text));
    channel
}

fn in_cluster(name: &str) -> Channel {
    let keys = ring("auth 1\n1 sha256 a secret of some length\n");
    Channel::new(node(A), name, 3, 2, NonZeroU64::MIN, [0; 32], &keys)
}

/// In a cluster of nine nodes and three links.
fn large(me: usize) -> Channel {
    let keys = ring("auth 1\n1 sha256 a secret of some length\n");
    Channel::new(node(me), "web", 9, 3, NonZeroU64::MIN, [0; 32], &keys)
}

fn changed(mut datagram: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    datagram[at] = byte;
    datagram
}

#[test]
fn each_rejection_has_its_reason() {
    let (mut a, mut b) = acquainted();
    let from_a = a.seal(node(B), LINK, 50, &message(50));
    let from_b = b.seal(node(A), LINK, 50, &message(50));
    let ask = |mut channel: Channel, to, link| channel.seal(node(to), LinkId(link), 0, &message(0));
    let answered = reply(a.open(at(1500), &ask(start(B, 9), A, 0))).unwrap();
    // name, what reaches B, why it is not taken
    let cases: Vec<(&str, Vec<u8>, Rejection)> = vec![
        ("nothing", Vec::new(), Rejection::Short),
        ("half of it", from_a[..60].to_vec(), Rejection::Short),
        ("more than there can be", vec![0; MAX_DATAGRAM + 1], Rejection::Oversized),
        ("a name server's answer", vec![0x42; 100], Rejection::Magic),
        ("a later release", changed(from_a.clone(), 4, 2), Rejection::FutureVersion),
        ("another cluster with the same key", ask(in_cluster("mail"), B, 0), Rejection::Cluster),
        ("its own datagram", from_b, Rejection::NotForMe),
        ("for another node", ask(start(A, 1), 2, 0), Rejection::NotForMe),
        ("says that it is its own", changed(from_a.clone(), 7, 1), Rejection::NotForMe),
        ("a node that the cluster does not have", ask(large(5), B, 0), Rejection::UnknownNode),
        ("a node that no cluster has", changed(from_a.clone(), 7, 9), Rejection::UnknownNode),
        ("a link that the cluster does not have", ask(large(A), B, 2), Rejection::UnknownLink),
        ("a key that is not there", ask(keyed("auth 2\n2 sha256 x"), B, 0), Rejection::UnknownKey),
        ("another secret", ask(keyed("auth 1\n1 sha256 x"), B, 0), Rejection::BadMac),
        ("another method", ask(keyed("auth 1\n1 sha1 a secret of some length"), B, 0), Rejection::BadMac),
        ("as if the third node had sent it", changed(from_a.clone(), 7, 2), Rejection::BadMac),
        ("as if it came on the other link", changed(from_a.clone(), 9, 1), Rejection::BadMac),
        ("as if it were a hello", changed(from_a.clone(), 5, 0), Rejection::BadMac),
        ("an unknown kind", changed(from_a.clone(), 5, 3), Rejection::Malformed),
        ("an answer to somebody else's session", answered, Rejection::Stale),
    ];
    let before = b.peers.clone();
    for (name, datagram, rejection) in &cases {
        let counted = count(&b, *rejection);
        assert_eq!(b.open(at(1500), datagram), Err(*rejection), "{name}");
        assert_eq!(count(&b, *rejection), counted + 1, "{name}");
    }
    assert_eq!(b.peers, before, "none of them leaves a trace");
    assert_eq!(heard(&b.open(at(1500), &from_a)), Some((1, 50)));
    assert_eq!(b.open(at(1500), &from_a), Err(Rejection::Replayed));

    let seen = |kind: &Rejection| *kind == Rejection::Replayed || cases.iter().any(|case| case.2 == *kind);
    assert!(Rejection::ALL.iter().all(seen));
}

#[test]
fn what_cannot_be_read_is_malformed_even_from_a_peer() {
    let (mut a, mut b) = acquainted();
    let mut message = message(0);
    message.claims = vec![crate::VipId::of("www"); crate::MAX_VIPS + 1];
    let datagram = a.seal(node(B), LINK, 50, &message);
    assert_eq!(b.open(at(1500), &datagram), Err(Rejection::Malformed));
}

#[test]
fn every_flipped_bit_is_refused() {
    let (mut a, mut b) = acquainted();
    let datagram = a.seal(node(B), LINK, 50, &message(50));
    let before = b.peers.clone();
    for bit in 0..datagram.len() * 8 {
        let flipped = changed(datagram.clone(), bit / 8, datagram[bit / 8] ^ 1 << (bit % 8));
        assert!(b.open(at(1500), &flipped).is_err(), "bit {bit}");
    }
    assert_eq!(b.peers, before);
}

#[test]
fn a_million_garbage_datagrams_leave_no_trace() {
    let (mut a, mut b) = acquainted();
    let real = a.seal(node(B), LINK, 50, &message(50));
    let before = b.peers.clone();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut garbage = real.clone();
    for round in 0..1_000_000_u64 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let [first, second, third, ..] = random.to_be_bytes();
        garbage.clone_from(&real);
        // Few of them get as far as to their MAC.
        let start = if round % 64 == 0 { 44 } else { 0 };
        let at = start + 1 + usize::from(first) % (real.len() - start - 1);
        garbage[start] ^= third | 1;
        garbage[at] ^= second;
        garbage.truncate(at + usize::from(second));
        assert!(b.open(super::at(1500), &garbage).is_err(), "{garbage:02x?}");
    }
    assert_eq!(b.peers, before);
    assert_eq!(b.rejections().map(|(_, count)| count).sum::<u64>(), 1_000_000);
    assert_eq!(heard(&b.open(at(1500), &real)), Some((1, 50)));
}

#[test]
fn names_are_those_of_metrics() {
    let names: Vec<_> = Rejection::ALL.into_iter().map(Rejection::name).collect();
    assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
    assert!(Rejection::ALL.into_iter().enumerate().all(|(index, kind)| kind as usize == index));
}
