use super::*;

/// A node that asks .7 and .8 about .205.
fn asking() -> Neighbours {
    let mut neighbours = neighbours();
    neighbours.carry(address(205), on("eth0"));
    neighbours.confirm(at(0), VIP, address(205), &[address(7), address(8)]);
    neighbours
}

fn announced(asked: &[u8], confirmed: &[u8]) -> Announced {
    let addresses = |last: &[u8]| last.iter().map(|last| address(*last).into()).collect();
    Announced { times: 0, asked: addresses(asked), confirmed: addresses(confirmed) }
}

#[test]
fn a_neighbour_is_asked_until_it_answers() {
    let mut neighbours = asking();
    assert_eq!(neighbours.confirmed(VIP), announced(&[7, 8], &[]));
    let tries = std::cell::Cell::new(0);
    // The second question is the first to reach .7; .8 is dead.
    let story = run(&mut neighbours, 0, 100_000, |_, arp| {
        tries.set(tries.get() + u8::from(arp.target == address(7)));
        let answer = || ("eth0", reply(STRANGER, address(7), OURS, address(205)));
        (arp.target == address(7) && tries.get() == 2).then(answer).into_iter().collect()
    });
    let times = |last| {
        let asked = story.sent.iter().filter(move |(_, _, arp)| arp.target == address(last));
        asked.map(|(time, ..)| *time).collect::<Vec<_>>()
    };
    assert_eq!(times(7), [0, 100]);
    assert_eq!(times(8), [0, 100, 300, 1000, 3000]);
    assert!(
        story
            .sent
            .iter()
            .all(|(_, index, arp)| { *index == 1 && *arp == Arp::question(OURS, address(205), arp.target) })
    );
    assert_eq!(story.seen, [(100, Seen::Confirmed(VIP, address(7)))]);
    assert_eq!(neighbours.confirmed(VIP), announced(&[7, 8], &[7]));

    let late = reply(STRANGER, address(8), OURS, address(205));
    assert_eq!(neighbours.hear(at(9000), &on("eth0"), &late), [Seen::Confirmed(VIP, address(8))]);
    assert_eq!(neighbours.hear(at(9001), &on("eth0"), &late), [], "it is no news");
    assert_eq!(neighbours.confirmed(VIP), announced(&[7, 8], &[7, 8]));
}

#[test]
fn what_is_no_answer() {
    let answer = reply(STRANGER, address(7), OURS, address(205));
    // name, interface, frame, whether it confirms
    let cases = [
        ("an answer", "eth0", answer, true),
        ("an answer to another MAC address", "eth0", Arp { target_mac: DIRECTOR, ..answer }, false),
        ("an answer on another interface", "eth1", Arp { target_mac: OUR_OTHER, ..answer }, false),
        ("an answer about another address", "eth0", Arp { target: address(206), ..answer }, false),
        ("an answer of somebody who was not asked", "eth0", Arp { sender: address(9), ..answer }, false),
        ("a question", "eth0", Arp { operation: Operation::Request, ..answer }, false),
        ("our own word", "eth0", Arp { sender_mac: OUR_OTHER, ..answer }, false),
    ];
    for (name, interface, frame, expected) in cases {
        let mut neighbours = asking();
        let seen = neighbours.hear(at(1), &on(interface), &frame);
        let confirmed = expected.then_some(Seen::Confirmed(VIP, address(7)));
        assert_eq!(seen, confirmed.into_iter().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_neighbour_confirms_a_vip_when_it_knows_all_its_addresses() {
    let mut neighbours = asking();
    neighbours.carry(address(206), on("eth0"));
    neighbours.confirm(at(0), VIP, address(206), &[address(7)]);
    let answer = |last| reply(STRANGER, address(7), OURS, address(last));
    assert_eq!(neighbours.hear(at(1), &on("eth0"), &answer(206)), []);
    assert_eq!(neighbours.confirmed(VIP), announced(&[7, 8], &[]));
    assert_eq!(neighbours.hear(at(1), &on("eth0"), &answer(205)), [Seen::Confirmed(VIP, address(7))]);
    assert_eq!(neighbours.confirmed(VIP), announced(&[7, 8], &[7]));

    // Whoever is asked again must answer again.
    neighbours.confirm(at(2), VIP, address(205), &[address(7)]);
    assert_eq!(neighbours.confirmed(VIP), announced(&[7], &[]));
    assert_eq!(neighbours.hear(at(3), &on("eth0"), &answer(205)), [Seen::Confirmed(VIP, address(7))]);
}

#[test]
fn nobody_is_asked_about_an_address_that_is_not_carried() {
    let mut fresh = neighbours();
    fresh.confirm(at(0), VIP, address(205), &[address(7)]);
    let mut dropped = asking();
    dropped.drop_address(address(205));
    for mut neighbours in [fresh, dropped] {
        assert_eq!(run(&mut neighbours, 0, 10_000, silence), Story::default());
        assert_eq!(neighbours.confirmed(VIP), Announced::default());
        let answer = reply(STRANGER, address(7), OURS, address(205));
        assert_eq!(neighbours.hear(at(20_000), &on("eth0"), &answer), []);
    }
}
