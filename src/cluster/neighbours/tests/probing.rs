use proptest::prelude::*;

use super::super::asking::{BURST, WITHIN};
use super::*;

const PATIENCE: Duration = Duration::from_millis(200);

fn probe(neighbours: &mut Neighbours, now: u64, vip: VipId, last: &[u8]) {
    let addresses: Vec<_> = last.iter().map(|last| (on("eth0"), address(*last))).collect();
    neighbours.probe(at(now), vip, &addresses, PATIENCE);
}

#[test]
fn each_address_is_asked_for_twice_and_then_there_is_a_verdict() {
    let mut neighbours = neighbours();
    probe(&mut neighbours, 1000, VIP, &[205, 206]);
    let ask = |time, last| (time, 1, Arp::probe(OURS, address(last)));
    let expected = Story {
        sent: vec![ask(1000, 205), ask(1000, 206), ask(1100, 205), ask(1100, 206)],
        seen: vec![(1200, Seen::Verdict(VIP, Verdict::Free))],
    };
    assert_eq!(run(&mut neighbours, 1000, 100_000, silence), expected);
}

#[test]
fn a_verdict_is_as_early_as_it_was_wanted() {
    let mut neighbours = neighbours();
    neighbours.probe(at(0), VIP, &[(on("eth0"), address(205))], Duration::from_millis(6));
    let story = run(&mut neighbours, 0, 1000, silence);
    assert_eq!(story.sent.iter().map(|(time, ..)| *time).collect::<Vec<_>>(), [0, 3]);
    assert_eq!(story.seen, [(6, Seen::Verdict(VIP, Verdict::Free))]);
}

#[test]
fn who_answers_makes_the_verdict() {
    let vip = address(205);
    let foreign = Verdict::Foreign(vip.into(), STRANGER);
    let director = Verdict::Director(vip.into(), DIRECTOR);
    let answer = |mac| reply(mac, vip, OURS, Ipv4Addr::UNSPECIFIED);
    // name, what comes, the verdict
    let cases = [
        ("nobody", vec![], Verdict::Free),
        ("a stranger", vec![("eth0", answer(STRANGER))], foreign),
        ("a director", vec![("eth0", answer(DIRECTOR))], director),
        ("a director that announced it before", vec![("eth0", claim(DIRECTOR, vip))], Verdict::Free),
        ("both", vec![("eth0", answer(STRANGER)), ("eth0", answer(DIRECTOR))], foreign),
        ("both, in turn", vec![("eth0", answer(DIRECTOR)), ("eth0", answer(STRANGER))], foreign),
        ("ourselves", vec![("eth0", answer(OURS)), ("eth0", answer(OUR_OTHER))], Verdict::Free),
        ("a stranger who was not asked", vec![("eth0", claim(STRANGER, vip))], foreign),
        ("an answer to another", vec![("eth0", reply(STRANGER, vip, DIRECTOR, address(9)))], foreign),
        ("another network", vec![("eth1", answer(STRANGER))], Verdict::Free),
        ("another address", vec![("eth0", claim(STRANGER, address(206)))], Verdict::Free),
        ("somebody who probes as well", vec![("eth0", Arp::probe(STRANGER, vip))], Verdict::Free),
    ];
    for (name, frames, expected) in cases {
        let mut neighbours = neighbours();
        neighbours.set_directors([address(2)].into());
        neighbours.hear(at(0), &on("eth1"), &claim(DIRECTOR, address(2)));
        probe(&mut neighbours, 0, VIP, &[204, 205]);
        let answers = |_, arp: &Arp| if arp.target == vip { frames.clone() } else { Vec::new() };
        let story = run(&mut neighbours, 0, 1000, answers);
        assert_eq!(story.seen, [(200, Seen::Verdict(VIP, expected))], "{name}");
    }
}

#[test]
fn only_what_could_be_asked_is_waited_for() {
    // name, addresses, when there is a verdict
    let cases = [
        ("none, as for a vip that has IPv6 only", vec![], 0),
        ("on an interface that is not there", vec![(on("eth7"), address(205))], 200),
    ];
    for (name, addresses, expected) in cases {
        let mut neighbours = neighbours();
        neighbours.probe(at(0), VIP, &addresses, PATIENCE);
        let story = run(&mut neighbours, 0, 1000, silence);
        let seen = vec![(expected, Seen::Verdict(VIP, Verdict::Free))];
        assert_eq!(story, Story { sent: vec![], seen }, "{name}");
    }
}

#[test]
fn what_is_abandoned_has_no_verdict() {
    let mut neighbours = neighbours();
    probe(&mut neighbours, 0, VIP, &[205]);
    probe(&mut neighbours, 0, VipId::from_bits(2), &[206]);
    neighbours.abandon(VIP);
    let story = run(&mut neighbours, 0, 1000, silence);
    assert_eq!(story.seen, [(200, Seen::Verdict(VipId::from_bits(2), Verdict::Free))]);
    assert!(story.sent.iter().all(|(_, _, arp)| arp.target == address(206)), "{story:?}");
}

#[test]
fn a_second_probe_takes_the_place_of_the_first() {
    let mut neighbours = neighbours();
    probe(&mut neighbours, 0, VIP, &[205]);
    neighbours.poll(at(0));
    neighbours.hear(at(0), &on("eth0"), &claim(STRANGER, address(205)));
    probe(&mut neighbours, 50, VIP, &[205]);
    let story = run(&mut neighbours, 50, 1000, silence);
    assert_eq!(story.seen, [(250, Seen::Verdict(VIP, Verdict::Free))]);
    assert_eq!(story.sent.iter().map(|(time, ..)| *time).collect::<Vec<_>>(), [50, 150]);
}

#[test]
fn a_verdict_waits_for_questions_that_go_out_late() {
    let mut neighbours = neighbours();
    for vip in 0..64 {
        let addresses = (0..4).map(|it| (on("eth0"), Ipv4Addr::new(10, 0, vip, it)));
        let addresses: Vec<_> = addresses.collect();
        neighbours.probe(at(0), VipId::from_bits(vip.into()), &addresses, Duration::from_millis(100));
    }
    let story = run(&mut neighbours, 0, 10_000, silence);
    assert_eq!((story.sent.len(), story.seen.len()), (64 * 4 * 2, 64));
    for (time, seen) in &story.seen {
        let Seen::Verdict(vip, Verdict::Free) = seen else { panic!("{seen:?}") };
        let about = |arp: &Arp| u32::from(arp.target.octets()[2]) == vip.bits();
        let asked = story.sent.iter().filter(|(_, _, arp)| about(arp));
        let last = asked.map(|(time, ..)| *time).max().unwrap();
        assert_eq!(*time, last + 50, "{vip:?}");
    }
}

#[test]
fn a_late_caller_still_asks_twice_and_waits() {
    let mut neighbours = neighbours();
    probe(&mut neighbours, 0, VIP, &[205]);
    let story = run(&mut neighbours, 5000, 100_000, silence);
    assert_eq!(story.sent.iter().map(|(time, ..)| *time).collect::<Vec<_>>(), [5000, 5100]);
    assert_eq!(story.seen, [(5200, Seen::Verdict(VIP, Verdict::Free))]);
}

#[test]
fn probes_go_first() {
    let mut neighbours = neighbours();
    neighbours.set_directors((2..9).map(address).collect());
    neighbours.carry(address(205), on("eth0"));
    neighbours.confirm(at(0), VIP, address(205), &(10..35).map(address).collect::<Vec<_>>());
    probe(&mut neighbours, 0, VIP, &[206]);
    let frames = neighbours.poll(at(0));
    let sent: Vec<_> = frames.iter().map(|(_, frame)| Arp::parse(frame).unwrap()).collect();
    assert_eq!(sent.len(), BURST);
    assert_eq!(sent[0], Arp::probe(OURS, address(206)));
    assert!(sent[1..].iter().all(|arp| arp.sender == address(205)), "{sent:?}");
}

proptest! {
    /// Whatever is asked of it, it neither floods the wire nor keeps its caller busy, and comes to an end.
    #[test]
    fn the_wire_and_the_caller_have_rest(
        vips in prop::collection::vec((0_u8..64, 0_u64..300, any::<bool>()), 1..40),
        neighbours_asked in 0_u8..25,
    ) {
        let mut neighbours = neighbours();
        let asked: Vec<_> = (0..neighbours_asked).map(address).collect();
        let mut rounds = 0;
        let mut sent = Vec::new();
        let mut now = at(0);
        let mut vips = vips;
        vips.sort_by_key(|(_, time, _)| *time);
        loop {
            while vips.first().is_some_and(|(_, time, _)| at(*time) <= now) {
                let (vip, _, is_probe) = vips.remove(0);
                let id = VipId::from_bits(vip.into());
                if is_probe {
                    neighbours.probe(now, id, &[(on("eth0"), address(100 + vip))], PATIENCE);
                } else {
                    neighbours.carry(address(100 + vip), on("eth1"));
                    neighbours.confirm(now, id, address(100 + vip), &asked);
                }
            }
            neighbours.receive(now);
            sent.extend(neighbours.poll(now).iter().map(|_| now));
            neighbours.receive(now);
            rounds += 1;
            let due = neighbours.poll_timeout();
            prop_assert!(due.is_none_or(|due| now < due), "{due:?} at {now:?}");
            let next = vips.first().map(|(_, time, _)| at(*time).max(now));
            match due.into_iter().chain(next).min() {
                Some(next) => now = next,
                None => break,
            }
        }
        prop_assert!(rounds < 20_000);
        for (first, next) in sent.iter().zip(sent.iter().skip(BURST)) {
            prop_assert!(next.since(*first) >= WITHIN);
        }
    }
}
