//! Who takes part, and by which keys.

use std::fs;

use super::farm::{CLUSTER, Farm, VIPS, config};
use crate::patience::until;

#[test]
fn a_witness_votes_and_neither_serves_nor_owns() {
    let mut farm = Farm::alone();
    let third = r#"links = ["192.168.68.203", "192.168.71.23"] }"#;
    assert!(CLUSTER.contains(third));
    let witness = CLUSTER.replace(third, &third.replace(" }", r#", role = "witness" }"#));
    farm.start_with(&config(&witness, VIPS));
    farm.until_owner(0);
    assert_eq!(farm.nodes[2].run(["ipvsadm", "-S", "-n"]), "", "it serves nothing");

    farm.cut_off(0);
    farm.until_owner(1);
    farm.say(1, ["node", "standby"]);
    until("nobody has the vip, for a witness cannot", || farm.owners() == [0] || farm.owners().is_empty());
    assert!(!farm.carries(2));
    farm.say(1, ["node", "online"]);
    farm.until_owner(1);
    farm.reconnect(0);
    farm.until_owner(0);
}

#[test]
fn keys_are_replaced_one_director_after_the_other_without_a_pause() {
    let mut farm = Farm::alone();
    farm.start();
    farm.until_settled();
    let watcher = farm.watch();
    let (old, new) = ("1 sha1 the laboratory's own secret", "2 sha256 another secret of the laboratory");
    let steps = [
        format!("auth 1\n1 sha256 the laboratory's own secret\n{new}\n"),
        format!("auth 2\n1 sha256 the laboratory's own secret\n{new}\n"),
        format!("auth 2\n{new}\n"),
    ];
    for step in &steps {
        for index in 0..3 {
            fs::write(farm.nodes[index].directory().join("authkeys"), step).expect("a file");
            farm.say(index, ["reload"]);
        }
    }
    assert!(farm.carries(0));
    farm.until_settled();
    let expired = farm.directors[0].happened().into_iter().any(|event| event.kind == "vip_expired");
    assert!(!expired, "{:?}", farm.directors[0].happened());
    assert_eq!(watcher.stop().twice(), std::time::Duration::ZERO);

    // Whoever has another key alone is not heard.
    fs::write(farm.nodes[0].directory().join("authkeys"), format!("auth 1\n{old}\n")).expect("a file");
    farm.say(0, ["reload"]);
    until("another has the vip", || farm.carries(1) || farm.carries(2));
    let rejected = farm.status(1).cluster.expect("a cluster").rejected;
    assert!(rejected.get("unknown_key").is_some_and(|count| *count > 0), "{rejected:?}");
}
