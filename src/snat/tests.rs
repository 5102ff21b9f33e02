//! Rules as text, what differs, which flows are stale, and the thread against a table made of values.

mod flow;
mod thread;

use std::collections::BTreeSet;
use std::path::Path;

use failover::VipId;

use super::{Catalogue, Change, Present, Rule, changes, listed, script};
use crate::config::Config;

const FILE: &str = r#"
[cluster]
name = "web"
nodes = [
  { name = "litsha21", links = ["192.168.68.201"] },
  { name = "litsha22", links = ["192.168.68.202", ] },
  { name = "litsha23", links = ["192.168.68.203"] },
]

[[vip]]
name = "web"
addresses = ["192.168.71.205/24", "fd00:71::205/64"]
interface = "eth0"
snat = [
  { out = "eth0", destination = "192.168.4.0/24", protocol = "udp", port = 161 },
  { protocol = "icmp" },
  { out = "eth0", protocol = "udp", port = [123, "6000-6010", 6011] },
]

[[vip]]
name = "mail"
addresses = ["192.168.71.206/24", "192.168.71.207/24"]
interface = "eth0"
snat = [ { source = "192.168.68.0/24", protocol = "tcp", port = 25, to = "192.168.71.207" } ]

[[service]]
name = "http"
vip = "web"
port = 80
forward = "nat"
monitor = "none"
source_nat = true
realservers = ["192.168.71.220", "fd00:71::220"]

[[service]]
name = "marked"
fwmark = 7
forward = "nat"
monitor = "none"
realservers = ["192.168.71.221"]

[host]
masquerade = [ { source = "192.168.68.0/24", out = "eth0" } ]
"#;

fn catalogue() -> Catalogue {
    let config = Config::parse(Path::new("lvsd.toml"), FILE.as_bytes());
    Catalogue::of(&config.unwrap_or_else(|report| panic!("{report}")))
}

fn here(vips: &[&str]) -> BTreeSet<VipId> {
    vips.iter().map(|vip| VipId::of(vip)).collect()
}

fn rules(vips: &[&str]) -> Vec<Rule> {
    catalogue().rules(&here(vips))
}

#[test]
fn rules_are_what_nft_reads() {
    let texts: Vec<String> = rules(&["web", "mail"]).iter().map(Rule::text).collect();
    assert_eq!(
        texts,
        [
            "ip daddr 192.168.68.201 udp dport 694 accept",
            "ip daddr 192.168.68.202 udp dport 694 accept",
            "ip daddr 192.168.68.203 udp dport 694 accept",
            "meta l4proto tcp ct original ip daddr 192.168.71.205 ct original proto-dst 80 masquerade",
            "meta l4proto tcp ct original ip6 daddr fd00:71::205 ct original proto-dst 80 masquerade",
            "meta nfproto ipv4 meta mark 7 accept",
            "oifname \"eth0\" meta nfproto ipv4 ip daddr 192.168.4.0/24 udp dport { 161 } snat ip to 192.168.71.205",
            "oifname != \"lo\" meta nfproto ipv4 meta l4proto 1 snat ip to 192.168.71.205",
            "oifname \"eth0\" meta nfproto ipv4 udp dport { 123, 6000-6011 } snat ip to 192.168.71.205",
            "oifname \"eth0\" meta nfproto ipv6 udp dport { 123, 6000-6011 } snat ip6 to fd00:71::205",
            "oifname != \"lo\" meta nfproto ipv4 ip saddr 192.168.68.0/24 tcp dport { 25 } snat ip to 192.168.71.207",
            "oifname \"eth0\" meta nfproto ipv4 ip saddr 192.168.68.0/24 masquerade",
        ]
    );
}

#[test]
fn rules_are_told_in_words() {
    let words: Vec<String> = rules(&["web"]).iter().map(ToString::to_string).collect();
    assert_eq!(
        words[3..7],
        [
            "clients of tcp 192.168.71.205:80, as this director",
            "clients of tcp [fd00:71::205]:80, as this director",
            "clients of fwmark 7, as they are",
            "udp to port 161 of 192.168.4.0/24 by eth0, as 192.168.71.205",
        ]
    );
}

#[test]
fn a_vip_brings_its_rules_and_no_others() {
    let owners =
        |vips: &[&str]| -> BTreeSet<String> { rules(vips).into_iter().map(|rule| rule.of).collect() };
    let always = ["cluster", "host", "service http", "service marked"];
    assert!(owners(&[]).iter().eq(always.iter()));
    assert_eq!(owners(&["mail"]).len(), always.len() + 1);
    assert!(owners(&["mail"]).contains("vip mail"));
}

#[test]
fn who_has_no_rules_needs_no_table() {
    let file = FILE.replace("source_nat = true\n", "");
    let file = file.split("[host]").next().unwrap();
    let config = Config::parse(Path::new("lvsd.toml"), file.as_bytes()).unwrap();
    let catalogue = Catalogue::of(&config);
    assert_eq!(catalogue.rules(&here(&[])), []);
    assert!(!catalogue.is_empty());
    let mail = catalogue.rules(&here(&["mail"]));
    assert_eq!(mail.len(), 4, "three of heartbeats, and its own");
    assert!(Catalogue::of(&config.for_witness()).is_empty());
}

#[test]
fn a_script_replaces_the_table_in_one_go_and_without_rules_removes_it() {
    assert_eq!(script(&[]), "add table inet lvsd\ndelete table inet lvsd\n");
    let script = script(&rules(&[]));
    assert!(
        script.starts_with("add table inet lvsd\ndelete table inet lvsd\ntable inet lvsd {\n"),
        "{script}"
    );
    assert!(script.contains("type nat hook postrouting priority 90; policy accept;"), "{script}");
    assert!(script.contains("masquerade comment \"host "), "{script}");
}

/// As nft 1.0.6 lists it.
fn listing(rules: &[Rule]) -> String {
    let rules: Vec<String> =
        rules.iter().map(|rule| format!("\t\t{} comment \"{}\"\n", rule.text(), rule.tag())).collect();
    format!(
        "table inet lvsd {{\n\tchain postrouting {{\n\t\ttype nat hook postrouting priority 90; policy accept;\n{}\t}}\n}}\n",
        rules.concat()
    )
}

#[test]
fn what_nft_lists_is_compared_by_tags_and_their_order() {
    let wanted = rules(&["web"]);
    assert_eq!(changes(&wanted, &listed(&listing(&wanted))), []);

    let without = [&wanted[..3], &wanted[4..]].concat();
    let missing = changes(&wanted, &listed(&listing(&without)));
    assert_eq!(missing, [Change::Add(wanted[3].of.clone(), wanted[3].to_string())]);

    let mut reversed = wanted.clone();
    reversed.reverse();
    assert_eq!(changes(&wanted, &listed(&listing(&reversed))), [Change::Order]);

    let foreign = listing(&wanted).replace("accept;\n", "accept;\n\t\tcounter accept\n");
    let counter = Change::Remove("somebody else".to_owned(), "counter accept".to_owned());
    assert_eq!(changes(&wanted, &listed(&foreign)), [counter]);

    let twice = [&wanted[..], &wanted[..1]].concat();
    assert_eq!(changes(&wanted, &listed(&listing(&twice))), [Change::Order]);
    assert_eq!(changes(&[], &listed("")), []);
    assert_eq!(changes(&[], &[Present { tag: String::new(), text: "x".into() }]).len(), 1);
}

#[test]
fn a_tag_fits_nft_and_tells_rules_apart() {
    let tags: BTreeSet<String> = rules(&["web", "mail"]).iter().map(Rule::tag).collect();
    assert_eq!(tags.len(), rules(&["web", "mail"]).len());
    let longest = format!("service {}", "x".repeat(64));
    let rule = Rule { of: longest, ..rules(&[])[0].clone() };
    assert!(rule.tag().len() <= 128);
}
