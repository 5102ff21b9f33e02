//! Whose turn it is: the schedulers people use, by every forwarding method, and the others.

use std::collections::BTreeMap;

use crate::{
    client::Connection,
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
        assert_eq!(
            shares(cycle),
            [("rs1", 3), ("rs2", 2), ("rs3", 1)].into(),
            "in {turns:?}"
        );
    }
}

fn prefers_the_fewest_connections(forward: Forward) {
    let stage = Stage::new();
    let realservers: [Realserver; 3] = stage.realservers(forward);
    let _director = stage.direct(&service(&web("lc"), realservers.iter().map(Realserver::toml)));

    let mut held = hold(&stage, 6);
    assert_eq!(held_by(&held), [("rs1", 2), ("rs2", 2), ("rs3", 2)].into());

    // Two places become free at one realserver: the next two connections are its own, the third is not.
    held.retain(|connection| connection.realserver != "rs2");
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

    held.retain(|connection| connection.realserver != "rs3");
    let next = hold(&stage, 2);
    assert_eq!(next[0].realserver, "rs3");
    assert_ne!(next[1].realserver, "rs3");
}

fn hold(stage: &Stage, count: usize) -> Vec<Connection> {
    (0..count)
        .map(|_| stage.client.connect(SERVER).unwrap())
        .collect()
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
    assert!(
        turns
            .iter()
            .zip(round.iter().cycle())
            .all(|(turn, expected)| turn == expected),
        "{turns:?}"
    );
    round.sort_unstable();
    assert_eq!(round, names, "in {turns:?}");
}
