//! A director whose share in the cluster fails.

use super::farm::{Farm, NAMES};
use crate::patience::until;

#[test]
fn a_director_without_its_cluster_thread_ends_and_says_why() {
    let mut farm = Farm::alone();
    farm.start();
    farm.until_owner(0);
    // Nobody may wait for more files than may be open.
    let process = farm.directors[0].id().to_string();
    farm.nodes[0].run(["prlimit", "--nofile=4:4", "--pid", &process]);
    let status = farm.directors[0].wait();
    assert_eq!(status.code(), Some(1));
    assert!(!farm.carries(0), "{} kept the vip", NAMES[0]);
    let log = farm.directors[0].log();
    assert!(
        log.contains("the cluster thread ended, so this director gives up all vips and ends: wait"),
        "{log}"
    );
    until("another has the vip", || farm.carries(1) || farm.carries(2));
}
