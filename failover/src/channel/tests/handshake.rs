//! How two directors get to know each other.

use super::*;

#[test]
fn a_director_asks_until_it_is_answered() {
    let (mut a, mut b) = (start(A, 1), start(B, 2));
    let question = a.seal(node(B), LINK, 7, &message(7));
    let opened = b.open(at(0), &question).unwrap();
    let Opened::Hello { from, link, reply: Some(answer) } = opened else { panic!("{opened:?}") };
    assert_eq!((from, link), (node(A), LINK));
    assert_eq!(a.open(at(1), &answer), Ok(Opened::Hello { from: node(B), link: LINK, reply: None }));

    let datagram = a.seal(node(B), LinkId(1), 8, &message(8));
    let expected =
        Opened::Message { from: node(A), link: LinkId(1), session: 1, sequence: 8, message: message(8) };
    assert_eq!(b.open(at(2), &datagram), Ok(expected));
    assert!(a.rejections().chain(b.rejections()).all(|(_, count)| count == 0));
}

#[test]
fn both_start_at_once() {
    let (mut a, mut b) = (start(A, 1), start(B, 2));
    let (from_a, from_b) = (a.seal(node(B), LINK, 0, &message(0)), b.seal(node(A), LINK, 0, &message(0)));
    let to_a = reply(b.open(at(0), &from_a)).unwrap();
    let to_b = reply(a.open(at(0), &from_b)).unwrap();
    assert_eq!(reply(a.open(at(0), &to_a)), None);
    assert_eq!(reply(b.open(at(0), &to_b)), None);
    assert!(say(at(100), &mut a, &mut b, 1) && say(at(100), &mut b, &mut a, 1));
}

#[test]
fn any_hello_may_be_lost() {
    // A bit for each of the first datagrams.
    for lost in 0..1_u32 << 8 {
        let (mut a, mut b, mut sent) = (start(A, 1), start(B, 2), 0);
        let mut arrives = || {
            sent += 1;
            sent > 8 || lost & (1 << (sent - 1)) == 0
        };
        for round in 0..10 {
            exchange(at(round * 100), &mut a, &mut b, round, &mut arrives);
            exchange(at(round * 100), &mut b, &mut a, round, &mut arrives);
        }
        assert!(say(at(1000), &mut a, &mut b, 10) && say(at(1000), &mut b, &mut a, 10), "lost {lost:08b}");
    }
}

#[test]
fn who_restarts_is_known_again_after_one_exchange() {
    let (_, mut b) = acquainted();
    let mut a = start(A, 3);
    assert!(!say(at(1100), &mut a, &mut b, 0), "a question");
    assert!(say(at(1200), &mut a, &mut b, 1));
    assert!(!say(at(1200), &mut b, &mut a, 12), "a question of the other");
    assert!(say(at(1300), &mut b, &mut a, 13));
    assert_eq!(count(&a, Rejection::Stale), 0, "it was asked, not told");
}

#[test]
fn who_hears_first_of_a_restart_by_its_own_message_asks_at_once() {
    let (_, mut b) = acquainted();
    let mut a = start(A, 3);
    let datagram = b.seal(node(A), LINK, 11, &message(11));
    let answer = reply(a.open(at(2500), &datagram)).unwrap();
    assert_eq!(count(&a, Rejection::Stale), 1);
    // A's earlier session has been silent for long, so this is believed.
    b.open(at(2500), &answer).unwrap();
    assert!(say(at(2600), &mut b, &mut a, 12));
}

#[test]
fn a_session_begins_with_any_number() {
    let (_, mut b) = acquainted();
    let mut a = start(A, 3);
    say(at(1100), &mut a, &mut b, 0);
    assert!(say(at(1200), &mut a, &mut b, 5), "lower than the last one of the session before");
    assert!(say(at(1300), &mut a, &mut b, 6));
}

#[test]
fn an_answer_to_an_earlier_session_is_stale() {
    let (mut a, mut b) = (start(A, 1), start(B, 2));
    let question = a.seal(node(B), LINK, 0, &message(0));
    let answer = reply(b.open(at(0), &question)).unwrap();
    a = start(A, 3);
    assert_eq!(a.open(at(1), &answer), Err(Rejection::Stale));
    assert!(!say(at(100), &mut a, &mut b, 0), "it does not count as known");
}

#[test]
fn an_earlier_answer_does_not_replace_a_later_one() {
    let (mut a, mut b) = (start(A, 1), start(B, 2));
    assert!(!say(at(0), &mut b, &mut a, 0));
    let late = b.seal(node(A), LINK, 1, &message(1));
    b = start(B, 3);
    let question = b.seal(node(A), LINK, 0, &message(0));
    let first = reply(a.open(at(100), &question)).unwrap();
    b.open(at(100), &first).unwrap();
    assert_eq!(heard(&a.open(at(200), &late)), Some((2, 1)), "B's session before, late");
    assert!(!say(at(200), &mut b, &mut a, 1), "the first answer holds no more, and another one came");
    b.open(at(300), &first).unwrap();
    assert!(say(at(300), &mut b, &mut a, 2), "the first answer again changes nothing");
}

#[test]
fn a_key_is_replaced_without_a_pause() {
    let (mut a, mut b) = acquainted();
    let old = "1 sha1 the secret that is on its way out\n";
    let new = "2 sha256 the secret that is on its way in\n";
    let both = |signer| ring(&format!("auth {signer}\n{old}{new}"));
    let before = ring(&format!("auth 1\n{old}"));
    a.set_keys(&before);
    b.set_keys(&before);
    let after = ring(&format!("auth 2\n{new}"));
    let steps = [(A, both(1)), (B, both(1)), (B, both(2)), (A, both(2)), (A, after.clone()), (B, after)];
    for (sequence, (who, keys)) in (20..).zip(steps) {
        if who == A {
            a.set_keys(&keys)
        } else {
            b.set_keys(&keys)
        }
        let now = at(100 * sequence);
        assert!(say(now, &mut a, &mut b, sequence) && say(now, &mut b, &mut a, sequence), "{sequence}");
    }

    a.set_keys(&before);
    let datagram = a.seal(node(B), LINK, 30, &message(30));
    assert_eq!(b.open(at(3000), &datagram), Err(Rejection::UnknownKey));
}
