//! What directors reach: the vip is where most of it is, and stays where it is when nobody reaches anything.

use std::time::{Duration, Instant};

use lvsd::snapshot::cluster::{Cluster, Reach};

use super::farm::{CLUSTER, Farm, NAMES, config, lose, lose_nothing};
use crate::patience::until;

/// At home nowhere.
const VIPS: &str = r#"
[[vip]]
name = "web"
addresses = ["192.168.71.205/24"]
interface = "eth0"
"#;

/// Longer than from when one director misses the router until the others do.
const DAMPEN: Duration = Duration::from_secs(3);

const ALL: Reach = Reach { pings: 1, realservers: 2 };

fn file() -> String {
    let ping = format!("ping = {{ hosts = [\"192.168.71.1\"], dampen = \"{}s\" }}\n", DAMPEN.as_secs());
    config(&format!("{CLUSTER}{ping}"), VIPS).replace("interval = \"2s\"", "interval = \"500ms\"")
}

fn cluster(farm: &Farm) -> Cluster {
    farm.status(0).cluster.expect("a cluster")
}

fn until_all_reach(farm: &Farm, reach: Reach) {
    until(&format!("all reach {reach:?}"), || cluster(farm).nodes.iter().all(|node| node.reach == reach));
}

/// Waits until another than `before` owns the vip, which may not have moved for anything but what is reached.
fn until_moved(farm: &Farm, before: usize) -> usize {
    until("another has the vip", || matches!(farm.owners()[..], [owner] if owner != before));
    let owner = farm.owners()[0];
    let why = format!("goes from {} to {}: {0} reaches less", NAMES[before], NAMES[owner]);
    until(&why, || farm.has_told(owner, "vip_moved", &why));
    assert!(!farm.has_told(before, "vip_barred", ""), "{:?}", farm.directors[before].happened());
    assert!(!farm.has_told(before, "vip_expired", ""), "{:?}", farm.directors[before].happened());
    owner
}

#[test]
fn a_vip_leaves_who_reaches_less_than_others_and_stays_when_nobody_reaches_anything() {
    let mut farm = Farm::alone();
    farm.start_with(&file());
    until("one has the vip", || farm.owners().len() == 1);
    until_all_reach(&farm, ALL);
    let first = farm.owners()[0];
    let watcher = farm.watch();

    lose(&farm.nodes[first], "output", "ip daddr 192.168.71.1 meta l4proto icmp");
    let second = until_moved(&farm, first);
    lose_nothing(&farm.nodes[first]);
    until_all_reach(&farm, ALL);

    lose(&farm.router, "input", "meta l4proto icmp");
    until_all_reach(&farm, Reach { pings: 0, ..ALL });
    let begin = Instant::now();
    while begin.elapsed() < DAMPEN + Duration::from_secs(1) {
        assert_eq!(farm.owners(), [second], "nobody reaches the router");
    }
    lose_nothing(&farm.router);
    until_all_reach(&farm, ALL);
    assert_eq!(farm.owners(), [second]);

    lose(&farm.nodes[second], "output", "tcp dport 80");
    until_moved(&farm, second);
    let seen = watcher.stop();
    assert_eq!(seen.twice(), Duration::ZERO, "{seen:?}");
}
