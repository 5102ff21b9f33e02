//! Rules that move with their vip.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;

use super::far_end::{FarEnd, Sender};
use crate::cluster::farm::{CLUSTER, Farm, NAMES, VIP, VIPS, config};
use crate::patience::until;

/// All UDP by the interface that also carries heartbeats.
const SNAT: &str =
    "snat = [ { out = \"eth0\", protocol = \"udp\" } ]\nmigration_threshold = 1\nfailure_timeout = \"1h\"\n";

fn has_rules(farm: &Farm, index: usize) -> bool {
    farm.nodes[index].run(["nft", "list", "ruleset"]).contains("vip web ")
}

#[test]
fn rules_follow_the_vip_and_heartbeats_stay_out_of_them() {
    let mut farm = Farm::alone();
    farm.start_with(&config(CLUSTER, &format!("{VIPS}{SNAT}")));
    farm.until_settled();
    let far_end = FarEnd::udp(&farm.client, "192.168.4.100:161");
    let senders: Vec<Sender> = farm.nodes.iter().map(|node| Sender::udp(node, "192.168.4.100:161")).collect();
    let seen = |index: usize| {
        senders[index].send();
        far_end.source().to_string()
    };
    assert_eq!([0, 1, 2].map(seen), [VIP, "192.168.71.22", "192.168.71.23"]);
    assert_eq!([0, 1, 2].map(|index| has_rules(&farm, index)), [true, false, false]);

    // Fail-over, without a word.
    farm.cut_off(0);
    until("another has it", || farm.carries(1) || farm.carries(2));
    let owner = if farm.carries(1) { 1 } else { 2 };
    assert!(has_rules(&farm, owner), "rules are there before the address");
    until("what was sent all the time has it too", || seen(owner) == VIP);
    until("the first one gave them up", || !has_rules(&farm, 0));

    // Fail-back.
    farm.reconnect(0);
    farm.until_settled();
    assert!(has_rules(&farm, 0));
    until("the other gave them up", || !has_rules(&farm, owner));
    let own = ["", "192.168.71.22", "192.168.71.23"][owner];
    until("sources are as before", || [0, owner].map(seen) == [VIP, own]);

    // Where nft hangs, the vip is not put on, and goes elsewhere.
    farm.stop(0, Signal::SIGTERM);
    assert!(!has_rules(&farm, 0), "it took them out when it ended");
    until("another has it", || farm.carries(1) || farm.carries(2));
    let bin = farm.nodes[0].directory().join("bin");
    fs::create_dir(&bin).expect("a directory");
    fs::write(bin.join("nft"), "#!/bin/sh\nsleep 1000\n").expect("a file");
    fs::set_permissions(bin.join("nft"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    farm.directors[0].set("PATH", path.as_ref());
    farm.directors[0].launch(&["--node", NAMES[0]]);
    until("it failed there too often", || {
        farm.directors[0].ask("GET", "/v1/status").is_ok()
            && farm.directors[0].happened().iter().any(|event| event.kind == "vip_barred")
    });
    until("another has it again", || farm.carries(1) || farm.carries(2));
    assert!(!farm.carries(0));
    let late = farm.directors[1].happened().into_iter().filter(|event| event.kind == "heartbeat_late");
    assert_eq!(late.filter(|event| event.object.ends_with(NAMES[0])).count(), 0, "a hung nft delays nobody");
}
