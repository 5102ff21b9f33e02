//! Whose turn it is: the schedulers people use, by every forwarding method, and the others.

use std::{collections::BTreeMap, fs};

use crate::{
    client::Connection,
    patience::until,
    realserver::{Forward, Realserver},
    stage::{Stage, service},
};

const SERVER: &str = "192.168.71.205:80";

macro_rules! methods {
    ($($method:ident: $forward:expr,)*) => { $(mod $method {
        use super::*;

        #[test]
        fn rr() { takes_turns($forward); }

        #[test]
        fn wrr() { shares_each_cycle_by_weight($forward); }

        #[test]
        fn lc() { prefers_the_fewest_connections($forward); }

        #[test]
        fn wlc() { prefers_the_fewest_connections_by_weight($forward); }
    })* };
}

methods! {
    nat: Forward::Nat,
    dr: Forward::Dr,
    tun: Forward::Ipip,
}

macro_rules! others {
    ($($scheduler:ident)*) => { mod other { $(
        #[test]
        fn $scheduler() { super::is_accepted_and_answers(stringify!($scheduler)); }
    )* } };
}

others! { sed nq lblc lblcr sh dh mh fo ovf }

fn web(scheduler: &str) -> String {
    format!("vip = 'web'\nport = 80\nscheduler = '{scheduler}'")
}

fn takes_turns(forward: Forward) {
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(forward);
    let _director = stage.direct(&service(&web("rr"), realservers.iter().map(Realserver::toml)));

    let turns = stage.client.turns(SERVER, 9);
    assert_cycle(&turns, &["rs1", "rs2", "rs3"]);
}

fn shares_each_cycle_by_weight(forward: Forward) {
    let stage = Stage::new();
    let [first, second, third] = stage.realservers(forward);
    let realservers = [first.weighted(3), second.weighted(2), third.weighted(1)];
    let _director = stage.direct(&service(&web("wrr"), realservers));

    let turns = stage.client.turns(SERVER, 18);
    for cycle in turns.windows(6) {
        assert_eq!(shares(cycle), [("rs1", 3), ("rs2", 2), ("rs3", 1)].into(), "in {turns:?}");
    }
}

fn prefers_the_fewest_connections(forward: Forward) {
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(forward);
    let _director = stage.direct(&service(&web("lc"), realservers.iter().map(Realserver::toml)));

    let mut held = hold(&stage, 6);
    assert_eq!(held_by(&held), [("rs1", 2), ("rs2", 2), ("rs3", 2)].into());

    // Two places become free at one realserver: the next two connections are its own, the third is not.
    release(&stage, &mut held, "rs2");
    let next = hold(&stage, 3);
    assert_eq!(held_by(&next)["rs2"], 2);
    assert_ne!(next[2].realserver, "rs2");
}

fn prefers_the_fewest_connections_by_weight(forward: Forward) {
    let stage = Stage::new();
    let [first, second, third] = stage.realservers(forward);
    let realservers = [first.weighted(3), second.weighted(2), third.weighted(1)];
    let _director = stage.direct(&service(&web("wlc"), realservers));

    let mut held = hold(&stage, 6);
    assert_eq!(held_by(&held), [("rs1", 3), ("rs2", 2), ("rs3", 1)].into());

    release(&stage, &mut held, "rs3");
    let next = hold(&stage, 2);
    assert_eq!(next[0].realserver, "rs3");
    assert_ne!(next[1].realserver, "rs3");
}

fn is_accepted_and_answers(scheduler: &str) {
    let stage = Stage::new();
    let realservers: [Realserver; 2] = stage.realservers(Forward::Nat);
    let _director = stage.direct(&service(&web(scheduler), realservers.iter().map(Realserver::toml)));

    stage.client.turns(SERVER, 2);
    let listing = stage.director.run(["ipvsadm", "-L", "-n"]);
    assert!(listing.contains(&format!("{SERVER} {scheduler}")), "{listing}");
}

fn hold(stage: &Stage, count: usize) -> Vec<Connection> {
    (0..count).map(|_| stage.client.connect(SERVER).unwrap()).collect()
}

/// Closes the connections to one realserver, and waits until the director knows.
fn release(stage: &Stage, held: &mut Vec<Connection>, realserver: &str) {
    held.retain(|connection| connection.realserver != realserver);
    until("the director counts the open connections", || active_connections(stage) == held.len());
}

fn active_connections(stage: &Stage) -> usize {
    let table = stage.director.enter(|| fs::read_to_string("/proc/thread-self/net/ip_vs")).unwrap();
    let active = |line: &str| line.split_whitespace().nth(4)?.parse::<usize>().ok();
    table.lines().filter_map(active).sum()
}

fn held_by(held: &[Connection]) -> BTreeMap<&str, usize> {
    count(held.iter().map(|connection| connection.realserver.as_str()))
}

fn shares(turns: &[String]) -> BTreeMap<&str, usize> {
    count(turns.iter().map(String::as_str))
}

fn count<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}

/// Everybody's turn comes once in each round, always in the same order; who is first does not matter.
pub(crate) fn assert_cycle(turns: &[String], names: &[&str]) {
    let mut round: Vec<_> = turns.iter().take(names.len()).map(String::as_str).collect();
    assert!(turns.iter().zip(round.iter().cycle()).all(|(turn, expected)| turn == expected), "{turns:?}");
    round.sort_unstable();
    assert_eq!(round, names, "in {turns:?}");
}
