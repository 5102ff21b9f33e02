//! What nftables' notices say, and, in a kernel, what nft makes of our text.

use std::net::UdpSocket;
use std::process::Command;

use ipvs::Family;

use super::notices::note;
use super::{Nftables, read};
use crate::config::{Carried, Traffic};
use crate::kernel::tests::{enter_new_network, ip};
use crate::snat::{Act, Guard, Rule, Stale, Table, Touched, changes};

/// A netlink message with one attribute.
fn message(kind: u16, attribute: u16, value: &[u8]) -> Vec<u8> {
    let mut body = vec![1, 0, 0, 0];
    body.extend(u16::try_from(4 + value.len()).unwrap().to_ne_bytes());
    body.extend(attribute.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
    let mut message = u32::try_from(16 + body.len()).unwrap().to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend([0; 10]);
    message.extend(body);
    message
}

#[test]
fn only_what_is_said_of_our_table_counts_and_the_last_word_decides() {
    const NEW: u16 = 0xa00;
    const GONE: u16 = 0xa02;
    const RULE: u16 = 0xa06;
    let ours = |kind| message(kind, 1, b"lvsd\0");
    let cases = [
        ("nothing", vec![], Touched::No),
        ("another table", vec![message(NEW, 1, b"filter\0"), message(GONE, 1, b"lvsd2\0")], Touched::No),
        ("another attribute", vec![message(RULE, 2, b"lvsd\0")], Touched::No),
        ("a rule", vec![ours(RULE)], Touched::Changed),
        ("deleted", vec![ours(RULE), ours(GONE)], Touched::Gone),
        ("deleted and made anew", vec![ours(GONE), ours(NEW)], Touched::Changed),
        ("another one deleted after it", vec![ours(GONE), message(GONE, 1, b"filter\0")], Touched::Gone),
        ("cut short", vec![ours(GONE), ours(NEW)[..18].to_vec()], Touched::Changed),
        (
            "an attribute that is too long",
            vec![message(NEW, 1, b"")[..20].to_vec(), vec![0xff; 4]],
            Touched::Changed,
        ),
    ];
    for (name, messages, expected) in cases {
        let mut touched = Touched::No;
        note(&mut touched, &messages.concat());
        assert_eq!(touched, expected, "{name}");
    }
}

fn rule(traffic: Traffic) -> Rule {
    let guard = Guard::Traffic(Family::V4, traffic);
    Rule { of: "vip web".to_owned(), guard, act: Act::Source("192.168.71.205".parse().unwrap()) }
}

/// One of each kind.
fn rules() -> Vec<Rule> {
    let udp = |ports| Traffic { protocol: Some(Carried::Udp), ports, ..Traffic::default() };
    let net = |text: &str| Some(text.parse().unwrap());
    let six = Traffic { source: net("fd00::/64"), protocol: Some(Carried::Icmpv6), ..Traffic::default() };
    let service = |text: &str| Guard::Service(text.parse().unwrap());
    let host = |guard, act| Rule { of: "host".to_owned(), guard, act };
    let all = Carried::ALL.into_iter().filter(|it| it.family() != Some(Family::V6));
    let mut rules: Vec<Rule> =
        all.map(|it| rule(Traffic { protocol: Some(it), ..Traffic::default() })).collect();
    rules.extend([
        host(Guard::Heartbeat("192.168.68.201".parse().unwrap(), 694), Act::Leave),
        host(Guard::Heartbeat("fd00::1".parse().unwrap(), 694), Act::Leave),
        host(service("tcp 192.168.71.205:80"), Act::Masquerade),
        host(service("udp [fd00:71::205]:53"), Act::Masquerade),
        host(service("fwmark 7"), Act::Leave),
        host(Guard::Traffic(Family::V6, six), Act::Masquerade),
        rule(udp(vec![161..=161])),
        rule(udp(vec![1..=9, 161..=161, 6000..=65535])),
        rule(Traffic { source: net("0.0.0.0/0"), destination: net("10.0.0.1/32"), ..udp(vec![]) }),
        rule(Traffic { out: Some(crate::kernel::tests::interface("bond0.100")), ..Traffic::default() }),
    ]);
    rules
}

/// In an emulated guest these take seconds to load, which is not what is tried here.
fn prepare() {
    const MODULES: [&str; 6] =
        ["nf_tables", "nft_chain_nat", "nft_ct", "nft_nat", "nft_masq", "nf_conntrack_netlink"];
    let _ = Command::new("modprobe").arg("-a").args(MODULES).status();
    enter_new_network();
}

fn nft(arguments: &[&str]) -> String {
    let output = Command::new("nft").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs the lab's kernel"]
fn the_kernel_holds_what_is_asked_and_nobody_elses_table_is_touched() {
    prepare();
    nft(&["table ip somebody { chain out { type nat hook postrouting priority 100; counter; }; }"]);
    let foreign = nft(&["list", "table", "ip", "somebody"]);
    let mut table = Nftables::default();
    assert_eq!(table.read().unwrap(), []);
    table.touched().unwrap();

    table.replace(&rules()).unwrap();
    assert_eq!(table.touched().unwrap(), Touched::Changed);
    assert_eq!(table.touched().unwrap(), Touched::No);
    assert_eq!(changes(&rules(), &read().unwrap()), []);
    nft(&["add table ip other"]);
    assert_eq!(table.touched().unwrap(), Touched::No);
    nft(&["insert rule inet lvsd postrouting counter"]);
    assert_eq!(table.touched().unwrap(), Touched::Changed);
    let first = &read().unwrap()[0];
    assert_eq!(first.tag, "");
    nft(&["delete table inet lvsd"]);
    assert_eq!(table.touched().unwrap(), Touched::Gone);

    // A transaction that fails leaves all as it was.
    table.replace(&rules()[..2]).unwrap();
    let mut wrong = rules();
    wrong[3].of = "x".repeat(200);
    let error = table.replace(&wrong).unwrap_err();
    assert!(error.to_string().starts_with("nft: "), "{error}");
    assert_eq!(changes(&rules()[..2], &read().unwrap()), []);
    table.replace(&[]).unwrap();
    assert_eq!(read().unwrap(), []);
    assert_eq!(nft(&["list", "table", "ip", "somebody"]), foreign);
}

#[test]
#[ignore = "needs the lab's kernel"]
fn a_flow_that_is_stale_is_forgotten_and_its_neighbour_is_not() {
    prepare();
    ip("link add eth0 type dummy");
    ip("link set eth0 up");
    ip("addr add 192.168.71.21/24 dev eth0");
    ip("addr add fd00:71::21/64 dev eth0 nodad");
    nft(&[
        "table inet somebody { chain out { type nat hook postrouting priority 100; udp dport 9 snat ip to 192.168.71.99; ip6 daddr fd00:99::1 masquerade; }; }",
    ]);
    let send = |to: &str| {
        let any = if to.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
        UdpSocket::bind(any).unwrap().send_to(b"hello", to).unwrap();
    };
    for to in ["192.168.71.1:161", "192.168.71.1:162", "192.168.71.1:9", "[fd00:71::1]:161"] {
        send(to);
    }
    let traffic = |family, ports| {
        Guard::Traffic(family, Traffic { protocol: Some(Carried::Udp), ports, ..Traffic::default() })
    };
    let to = |address: &str, guard| Rule {
        of: "vip web".to_owned(),
        guard,
        act: Act::Source(address.parse().unwrap()),
    };
    let stale = |rules: Vec<Rule>, former: &[&str]| Stale {
        rules,
        former: former.iter().map(|it| it.parse().unwrap()).collect(),
        ..Stale::default()
    };
    let mut table = Nftables::default();
    let four = to("192.168.71.205", traffic(Family::V4, vec![161..=161]));
    let six = to("fd00:71::205", traffic(Family::V6, vec![161..=161]));
    assert_eq!(table.forget(&stale(vec![four.clone()], &[])), Ok(1));
    assert_eq!(table.forget(&stale(vec![four.clone()], &[])), Ok(0), "it is gone");
    assert_eq!(table.forget(&stale(vec![four.clone(), six], &[])), Ok(1));
    assert_eq!(table.forget(&stale(vec![four], &["192.168.71.99"])), Ok(1));
    // What is left is that of port 162.
    let rest = to("192.168.71.205", traffic(Family::V4, vec![1..=65535]));
    assert_eq!(table.forget(&stale(vec![rest], &[])), Ok(1));
}
