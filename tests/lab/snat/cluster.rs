//! Rules that move with their vip.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;

use super::far_end::Sender;
use super::tcpdump::Tcpdump;
use crate::cluster::farm::{CLUSTER, Farm, NAMES, VIP, VIPS, config};
use crate::network::Node;
use crate::patience::until;

/// All UDP by the interface that also carries heartbeats, and pings.
const SNAT: &str = r#"snat = [ { out = "eth0", protocol = "udp" }, { destination = "192.168.4.0/24", protocol = "icmp" } ]
migration_threshold = 1
failure_timeout = "1h"
"#;

const VIP6: &str = "fd00:71::205";

/// Whither SNMP, NTP, a ping, and SNMP over IPv6 go, as tcpdump writes it.
const FAR_END: [&str; 4] = ["192.168.4.100.161", "192.168.4.100.123", "192.168.4.100", "fd00:4::100.161"];

fn senders(node: &Node) -> [Sender; 4] {
    [
        Sender::udp_from(node, 1161, "192.168.4.100:161"),
        Sender::udp_from(node, 123, "192.168.4.100:123"),
        Sender::echo(node, "192.168.4.100"),
        Sender::udp_from(node, 1162, "[fd00:4::100]:161"),
    ]
}

/// Whence they come to the far end if they come from these addresses.
fn sources(address: &str, address6: &str) -> [String; 4] {
    [format!("{address}.1161"), format!("{address}.123"), address.to_owned(), format!("{address6}.1162")]
}

fn has_rules(farm: &Farm, index: usize) -> bool {
    farm.nodes[index].run(["nft", "list", "ruleset"]).contains("vip web ")
}

/// How often another director took the first for dead.
fn deaths(farm: &Farm) -> usize {
    let events = farm.directors[1].happened();
    events.iter().filter(|event| event.kind == "node_dead" && event.object.ends_with(NAMES[0])).count()
}

#[test]
fn snmp_ntp_pings_and_ipv6_follow_the_vip_and_heartbeats_stay_out_of_the_rules() {
    let mut farm = Farm::alone();
    let vips = VIPS.replace("192.168.71.205/24\"", &format!("192.168.71.205/24\", \"{VIP6}/64\""));
    // The service is of IPv4 only, the vip is not.
    let file = config(CLUSTER, &format!("{vips}{SNAT}"));
    farm.start_with(&file.replace("vip = \"web\"\nport", "address = \"192.168.71.205\"\nport"));
    farm.until_settled();
    let far_end = Tcpdump::start(&farm.client, "udp or icmp");
    let senders: Vec<[Sender; 4]> = farm.nodes.iter().map(senders).collect();
    let source = |sender: &Sender, to: &str| {
        let before = far_end.sources(to).len();
        sender.send();
        let mut source = None;
        until("the far end sees it", || {
            source = far_end.sources(to).into_iter().nth(before);
            source.is_some()
        });
        source.expect("it was seen")
    };
    let seen = |index: usize| {
        let each: Vec<String> =
            senders[index].iter().zip(FAR_END).map(|(sender, to)| source(sender, to)).collect();
        each
    };
    let of_vip = sources(VIP, VIP6);
    let own =
        |index: usize| sources(&format!("192.168.71.{}", 21 + index), &format!("fd00:71::{}", 21 + index));
    assert_eq!(seen(0), of_vip);
    for index in [1, 2] {
        assert_eq!(seen(index), own(index));
    }
    assert_eq!([0, 1, 2].map(|index| has_rules(&farm, index)), [true, false, false]);

    // Fail-over, without a word.
    farm.cut_off(0);
    until("another has it", || farm.carries(1) || farm.carries(2));
    let owner = if farm.carries(1) { 1 } else { 2 };
    assert!(has_rules(&farm, owner), "rules are there before the address");
    until("what was sent all the time has it too", || seen(owner) == of_vip);
    until("the first one gave them up", || !has_rules(&farm, 0));

    // Fail-back.
    farm.reconnect(0);
    farm.until_settled();
    assert!(has_rules(&farm, 0));
    until("the other gave them up", || !has_rules(&farm, owner));
    until("sources are as before", || seen(0) == of_vip && seen(owner) == own(owner));

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
    let before = deaths(&farm);
    farm.directors[0].launch(&["--node", NAMES[0]]);
    until("it failed there too often", || {
        farm.directors[0].ask("GET", "/v1/status").is_ok()
            && farm.directors[0].happened().iter().any(|event| event.kind == "vip_barred")
    });
    until("another has it again", || farm.carries(1) || farm.carries(2));
    assert!(!farm.carries(0));
    assert_eq!(deaths(&farm), before, "a hung nft silences nobody");
}
