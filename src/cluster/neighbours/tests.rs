mod confirming;
mod directors;
mod kernel;
mod probing;

use super::*;

const OURS: Mac = [2, 0, 0, 0, 0, 1];
const OUR_OTHER: Mac = [2, 0, 0, 0, 0, 2];
const DIRECTOR: Mac = [2, 0, 0, 0, 0, 3];
const STRANGER: Mac = [2, 0, 0, 0, 0, 4];
const VIP: VipId = VipId::from_bits(1);

fn at(milliseconds: u64) -> Moment {
    Moment::from_origin(Duration::from_millis(milliseconds))
}

fn milliseconds(moment: Moment) -> u64 {
    moment.since_origin().as_millis().try_into().unwrap()
}

fn on(name: &str) -> Interface {
    Interface::new(name).unwrap()
}

fn address(last: u8) -> Ipv4Addr {
    [192, 168, 71, last].into()
}

fn watch(neighbours: &mut Neighbours, interfaces: &[(&str, u32, Mac)]) {
    let links: BTreeMap<_, _> = interfaces
        .iter()
        .map(|&(name, index, mac)| {
            (on(name), Link { index, mac: Some(mac), up: true, carrier: true, loopback: false })
        })
        .collect();
    neighbours.set_ports(&links, &links.keys().cloned().collect());
}

/// A node with two interfaces, and no sockets.
fn neighbours() -> Neighbours {
    let mut neighbours = Neighbours::new();
    watch(&mut neighbours, &[("eth0", 1, OURS), ("eth1", 2, OUR_OTHER)]);
    neighbours
}

fn claim(mac: Mac, address: Ipv4Addr) -> Arp {
    Arp::question(mac, address, address)
}

fn reply(mac: Mac, address: Ipv4Addr, to: Mac, target: Ipv4Addr) -> Arp {
    Arp { operation: Operation::Reply, sender_mac: mac, sender: address, target_mac: to, target }
}

/// What went out and what was learnt, and when, in milliseconds.
#[derive(Debug, Default, PartialEq)]
struct Story {
    sent: Vec<(u64, u32, Arp)>,
    seen: Vec<(u64, Seen)>,
}

/// Does what is due until there is nothing to do before `end`, as the caller will. `answer` is the network.
fn run(
    neighbours: &mut Neighbours,
    start: u64,
    end: u64,
    answer: impl Fn(u32, &Arp) -> Vec<(&'static str, Arp)>,
) -> Story {
    let mut story = Story::default();
    let mut now = at(start);
    while now < at(end) {
        let time = milliseconds(now);
        let mut seen = neighbours.receive(now);
        for (index, frame) in neighbours.poll(now) {
            let arp = Arp::parse(&frame).unwrap();
            story.sent.push((time, index, arp));
            for (name, reply) in answer(index, &arp) {
                seen.extend(neighbours.hear(now, &on(name), &reply));
            }
        }
        story.seen.extend(seen.into_iter().map(|seen| (time, seen)));
        match neighbours.poll_timeout() {
            // A verdict can be due at once; it takes one more round.
            Some(next) => now = next.max(now + Duration::from_millis(1)),
            None => break,
        }
    }
    story
}

fn silence(_: u32, _: &Arp) -> Vec<(&'static str, Arp)> {
    Vec::new()
}

#[test]
fn a_conflict_is_told_once_a_second() {
    let mut neighbours = neighbours();
    neighbours.carry(address(205), on("eth0"));
    let conflict = Seen::Conflict { address: address(205).into(), mac: STRANGER };
    let told: Vec<u64> = (0..2500)
        .filter(|&time| {
            // To be told again that it is carried changes nothing.
            neighbours.carry(address(205), on("eth0"));
            let seen = neighbours.hear(at(time), &on("eth0"), &claim(STRANGER, address(205)));
            assert!(seen.is_empty() || seen == [conflict.clone()], "{seen:?}");
            !seen.is_empty()
        })
        .collect();
    assert_eq!(told, [0, 1000, 2000]);
}

#[test]
fn a_conflict_is_about_an_address_that_is_carried() {
    // name, interface, frame, whether it is a conflict
    let cases = [
        ("a claim", "eth0", claim(STRANGER, address(205)), true),
        ("an answer to another", "eth0", reply(STRANGER, address(205), DIRECTOR, address(9)), true),
        ("another director's claim", "eth0", claim(DIRECTOR, address(205)), true),
        ("our own claim", "eth0", claim(OURS, address(205)), false),
        ("our claim by our other interface", "eth0", claim(OUR_OTHER, address(205)), false),
        ("another's address", "eth0", claim(STRANGER, address(206)), false),
        ("another network", "eth1", claim(STRANGER, address(205)), false),
        ("a question for the address", "eth0", Arp::question(STRANGER, address(9), address(205)), false),
        ("a probe for the address", "eth0", Arp::probe(STRANGER, address(205)), false),
    ];
    for (name, interface, frame, expected) in cases {
        let mut neighbours = neighbours();
        neighbours.carry(address(205), on("eth0"));
        let seen = neighbours.hear(at(0), &on(interface), &frame);
        assert_eq!(!seen.is_empty(), expected, "{name}: {seen:?}");
        neighbours.drop_address(address(205));
        assert_eq!(neighbours.hear(at(5000), &on(interface), &frame), [], "{name}, when it is dropped");
    }
}

#[test]
fn nothing_is_asked_for_nothing() {
    assert_eq!(neighbours().poll_timeout(), None);
    assert_eq!(run(&mut neighbours(), 0, 100_000, silence), Story::default());
}
