//! Two directors alone, of which the one that reaches the ping host decides.

use std::time::Duration;

use super::farm::{BOTH, CLUSTER, Farm, VIPS, config};
use crate::patience::until;

/// The first two of the three, with the router to ask.
fn two() -> String {
    let third: Vec<&str> = CLUSTER.lines().filter(|line| !line.contains("litsha23")).collect();
    third.join("\n") + "\ntie_break = \"ping\"\nping = { hosts = [\"192.168.71.1\"] }\n"
}

#[test]
fn of_two_directors_the_one_that_reaches_the_router_goes_on_and_both_do_if_both_reach_it() {
    let mut farm = Farm::alone();
    farm.start_first(2, &config(&two(), VIPS));
    farm.until_settled();

    let watcher = farm.watch();
    farm.cut_off(0);
    until("the other has the vip, and the first gave it up", || farm.owners() == [1]);
    farm.reconnect(0);
    farm.until_settled();
    let seen = watcher.stop();
    assert_eq!(seen.twice(), Duration::ZERO, "{seen:?}");

    farm.cut_off(1);
    until("the first one goes on alone", || {
        let cluster = farm.status(0).cluster.expect("a cluster");
        cluster.quorate && cluster.votes == 1 && farm.owners() == [0]
    });
    farm.reconnect(1);
    farm.until_settled();

    // What the documentation warns of.
    let watcher = farm.watch();
    farm.drop_heartbeats(0, BOTH);
    until("both have the vip", || farm.owners() == [0, 1]);
    farm.let_heartbeats_pass();
    farm.until_settled();
    until("one has the vip", || farm.owners() == [0]);
    drop(watcher);
}
