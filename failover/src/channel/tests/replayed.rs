//! What was recorded, and is sent again.

use super::*;

#[test]
fn a_link_brings_a_message_once() {
    let (mut a, mut b) = acquainted();
    let on = |a: &mut Channel, link, sequence| a.seal(node(B), LinkId(link), sequence, &message(sequence));
    let (first, second) = (on(&mut a, 0, 20), on(&mut a, 1, 20));
    assert_eq!(heard(&b.open(at(2000), &first)), Some((1, 20)));
    assert_eq!(heard(&b.open(at(2000), &second)), Some((1, 20)), "the other link");
    assert_eq!(b.open(at(2001), &first), Err(Rejection::Replayed));
    assert_eq!(b.open(at(2001), &second), Err(Rejection::Replayed));
    assert_eq!(count(&b, Rejection::Replayed), 2);
}

#[test]
fn a_session_that_is_over_does_not_come_back() {
    let (mut a, mut b) = acquainted();
    let recorded = [11, 12].map(|sequence| a.seal(node(B), LINK, sequence, &message(sequence)));
    let question = start(A, 1).seal(node(B), LINK, 0, &message(0));
    a = start(A, 3);
    say(at(1100), &mut a, &mut b, 0);
    assert!(say(at(1200), &mut a, &mut b, 1));

    let answer = reply(b.open(at(9000), &question)).unwrap();
    a.open(at(9000), &answer).unwrap_err();
    for datagram in &recorded {
        assert_eq!(heard(&b.open(at(9999), datagram)), None);
    }
    assert_eq!(count(&b, Rejection::Stale), 2);
    assert!(say(at(10_000), &mut a, &mut b, 2));
}

#[test]
fn who_restarts_takes_nothing_from_before() {
    let (mut a, _) = acquainted();
    let recorded = a.seal(node(B), LINK, 11, &message(11));
    let mut b = start(B, 4);
    assert_eq!(heard(&b.open(at(1100), &recorded)), None);
    assert_eq!(count(&b, Rejection::Stale), 1);
    assert!(!say(at(2100), &mut a, &mut b, 12));
    assert_eq!(heard(&b.open(at(2200), &recorded)), None);
    assert!(say(at(2300), &mut a, &mut b, 13));
    assert_eq!(heard(&b.open(at(2400), &recorded)), None);
}

#[test]
fn an_old_answer_replaces_no_session_that_is_alive() {
    let (mut a, mut b) = (start(A, 1), start(B, 2));
    let question = b.seal(node(A), LINK, 0, &message(0));
    let old = reply(a.open(at(0), &question)).unwrap();
    b.open(at(0), &old).unwrap();
    a = start(A, 3);
    for sequence in 1..10 {
        say(at(2000 + 100 * sequence), &mut a, &mut b, sequence);
        say(at(2000 + 100 * sequence), &mut b, &mut a, sequence);
    }

    assert!(say(at(3000), &mut a, &mut b, 10));
    b.open(at(3999), &old).unwrap();
    assert!(say(at(3999), &mut b, &mut a, 11), "its last message is not a second old");

    b.open(at(4000), &old).unwrap();
    assert!(!say(at(4000), &mut b, &mut a, 12), "it may have restarted again");
    assert!(say(at(4100), &mut a, &mut b, 13), "but if it has not, it is still heard");
    b.open(at(4200), &old).unwrap();
    assert!(say(at(4200), &mut b, &mut a, 14), "and has answered, which the old answer does not undo");
}

#[test]
fn a_flood_is_answered_seldom() {
    let (mut a, mut b) = acquainted();
    let ask = |from, session, link| start(from, session).seal(node(B), LinkId(link), 0, &message(0));
    let flood = [7, 8, 9, 10, 11, 12, 13, 14].map(|session| ask(A, session, 0));
    let mut answers = |from: u64, flood: &[Vec<u8>]| {
        let each = (from..from + 200).flat_map(|now| flood.iter().map(move |datagram| (now, datagram)));
        each.filter(|(now, datagram)| reply(b.open(at(*now), datagram)).is_some()).count()
    };
    assert_eq!(answers(5000, &flood[..1]), 4, "a session once in 50 ms");
    assert_eq!(answers(6000, &flood[..3]), 3 * 4);
    assert_eq!(answers(7000, &flood), 4 * 4, "at most four");
    assert_eq!(answers(7199, &[ask(A, 7, 1)]), 4, "each link on its own");
    assert_eq!(answers(7199, &[ask(2, 7, 0)]), 4, "each peer on its own");
    assert!(say(at(7199), &mut b, &mut a, 12) && say(at(7199), &mut a, &mut b, 12));
}

#[test]
fn a_flood_does_not_keep_the_living_from_an_answer() {
    let (_, mut b) = acquainted();
    let flood = [1, 7, 8].map(|session| start(A, session).seal(node(B), LINK, 0, &message(0)));
    for now in 5000..5100 {
        for datagram in &flood {
            b.open(at(now), datagram).unwrap();
        }
    }
    let mut a = start(A, 9);
    assert!(!say(at(5100), &mut a, &mut b, 0), "a question");
    assert!(say(at(5101), &mut a, &mut b, 1), "which was answered");
}
