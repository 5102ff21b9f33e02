//! A director that stands alone.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use socket2::Domain;

use super::far_end::{FarEnd, Sender};
use crate::director::{Director, complaint};
use crate::patience::until;
use crate::realserver::{Forward, endpoint};
use crate::stage::{Stage, VIP, VIP6, service};

const HOST: &str = "192.168.71.21";

/// A table of somebody else's, which gives what is sent to port 9999 a source of its own.
const FOREIGN: &str = "table ip somebody {
\tchain out {
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tudp dport 9999 snat to 192.168.71.21:7777
\t\tcounter packets 0 bytes 0 comment \"vip web 00000000\"
\t}
}
";

/// The examples of SNMP, ICMP and NTP, and IPv6.
const RULES: &str = r#"snat = [
  { out = "eth0", destination = "192.168.4.0/24", protocol = "udp", port = 161 },
  { destination = "192.168.4.100", protocol = "icmp" },
  { out = "eth0", protocol = "udp", port = 123 },
]"#;
const RULES6: &str = r#"snat = [ { out = "eth0", destination = "fd00:4::/64", protocol = "udp", port = [161, "1000-2000"] } ]"#;

fn file(rules: &str, rules6: &str, more: &str) -> String {
    format!(
        "[[vip]]\nname = \"web\"\naddresses = [\"{VIP}/24\"]\ninterface = \"eth0\"\n{rules}\n\
         [[vip]]\nname = \"web6\"\naddresses = [\"{VIP6}/64\"]\ninterface = \"eth0\"\n{rules6}\n{more}\n"
    )
}

fn nft(stage: &Stage, words: &[&str]) -> String {
    stage.director.run(["nft"].iter().chain(words))
}

fn foreign(stage: &Stage) -> String {
    nft(stage, &["-s", "list", "table", "ip", "somebody"])
}

fn has_rules(stage: &Stage) -> bool {
    nft(stage, &["list", "ruleset"]).contains("table inet lvsd")
}

/// A program called nft that does as `script` says.
fn fake(stage: &Stage, script: &str) -> PathBuf {
    let directory = stage.director.directory().join("bin");
    fs::create_dir_all(&directory).expect("a directory");
    let program = directory.join("nft");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    directory
}

#[track_caller]
fn expect(sender: &Sender, far_end: &FarEnd, source: &str, what: &str) {
    sender.send();
    assert_eq!(far_end.source().to_string(), source, "{what}");
}

/// A flow that was there goes on until the rules are in force and it is forgotten, which is a moment later.
fn follows(sender: &Sender, far_end: &FarEnd, source: &str, what: &str) {
    until(what, || {
        sender.send();
        far_end.source().to_string() == source
    });
}

#[test]
fn snmp_icmp_ntp_and_ipv6_leave_with_the_vip_and_flows_that_were_there_follow() {
    let stage = Stage::alone();
    nft(&stage, &[FOREIGN]);
    let before = foreign(&stage);
    let far_end = |at: &str| FarEnd::udp(&stage.client, at);
    let [snmp, ntp, other] = ["192.168.4.100:161", "192.168.4.100:123", "192.168.4.100:9999"].map(far_end);
    let snmp6 = far_end("[fd00:4::100]:161");
    let echoes = FarEnd::echoes(&stage.client, Domain::IPV4);
    let sender = |to: &str| Sender::udp(&stage.director, to);
    let [to_snmp, to_ntp, to_other] =
        ["192.168.4.100:161", "192.168.4.100:123", "192.168.4.100:9999"].map(sender);
    let to_snmp6 = sender("[fd00:4::100]:161");
    let echo = Sender::echo(&stage.director, "192.168.4.100");

    let mut director = Director::start(&stage.director, &file("", "", ""));
    assert!(!has_rules(&stage), "without rules there is no table");
    expect(&to_snmp, &snmp, HOST, "before");
    expect(&to_snmp6, &snmp6, "fd00:71::21", "before");
    expect(&echo, &echoes, HOST, "before");
    expect(&to_other, &other, HOST, "before");
    // This flow keeps port 7777 for as long as conntrack knows it.
    nft(&stage, &["flush", "chain", "ip", "somebody", "out"]);
    let emptied = foreign(&stage);

    let output = director.reload(&file(RULES, RULES6, ""));
    assert!(output.status.success(), "{output:?}");
    follows(&to_snmp, &snmp, VIP, "SNMP, from a socket that was there before");
    expect(&to_ntp, &ntp, VIP, "NTP");
    follows(&echo, &echoes, VIP, "ICMP, with the number of before");
    follows(&to_snmp6, &snmp6, VIP6, "SNMP over IPv6");
    to_other.send();
    assert_eq!(other.port(), 7777, "no rule is for that flow: it goes on");
    until("flows are forgotten", || director.happened().iter().any(|event| event.kind == "flows_forgotten"));
    let kinds: Vec<String> = director.happened().into_iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&"rules_changed".to_owned()), "{kinds:?}");
    assert_eq!(foreign(&stage), emptied);

    // Somebody flushes everything.
    nft(&stage, &["flush", "ruleset"]);
    let begin = Instant::now();
    // To ask nft all the time would take what it needs itself.
    until("it is told", || {
        director.happened().iter().any(|it| it.kind == "drift_repaired" && it.object == "rules")
    });
    let took = begin.elapsed();
    assert!(has_rules(&stage));
    println!("rules that somebody flushed were back within {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    nft(&stage, &[FOREIGN]);
    follows(&to_snmp, &snmp, VIP, "after the flush");
    let plan = director.plan();
    assert!(plan.status.success(), "nothing to change: {plan:?}");

    // A crash leaves them, a start finds them, a reload takes them out.
    director.stop(nix::sys::signal::Signal::SIGKILL);
    assert!(has_rules(&stage));
    let handles = nft(&stage, &["-a", "list", "table", "inet", "lvsd"]);
    director.start_again();
    assert_eq!(nft(&stage, &["-a", "list", "table", "inet", "lvsd"]), handles, "they were not replaced");
    fs::write(director.config(), file("", "", "")).expect("a file");
    let plan = director.plan();
    assert_eq!(plan.status.code(), Some(2), "{plan:?}");
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(plan.contains("remove rule of vip web: ") && plan.contains("4 rules removed"), "{plan}");
    director.reload_in_place();
    assert!(!has_rules(&stage));
    follows(&to_snmp, &snmp, HOST, "the rule left, and the flow with it");

    director.reload(&file(RULES, RULES6, ""));
    follows(&to_snmp, &snmp, VIP, "again");
    let output = director.lvsd(["release"]);
    assert!(output.status.success(), "{output:?}");
    assert!(!has_rules(&stage));
    assert_eq!(foreign(&stage), before);
    follows(&to_snmp, &snmp, HOST, "after the release");
}

/// What is one thing over IPv4 and another over IPv6.
struct Family {
    vip: &'static str,
    far_end: &'static str,
    own: &'static str,
}

#[test]
fn realservers_reach_the_world_and_clients_beside_them_reach_the_service() {
    let stage = Stage::new();
    let [one, two] = stage.realservers(Forward::Nat);
    let keys = |vip| format!("vip = \"{vip}\"\nport = 80\nscheduler = \"rr\"\nforward = \"nat\"\n");
    let services = |more: &str| {
        let four = service(&(keys("web") + more), [one.toml(), two.toml()]);
        let six = service(&(keys("web6") + more), [one.toml6(), two.toml6()]);
        four + &six.replacen("name = \"web\"", "name = \"web6\"", 1)
    };
    let families = [
        Family { vip: VIP, far_end: "192.168.4.100:53", own: HOST },
        Family { vip: VIP6, far_end: "[fd00:4::100]:53", own: "fd00:71::21" },
    ];
    let plain = services("");
    let director = Director::start(&stage.director, &file("", "", &plain));
    let conntrack = || stage.director.namespace().sysctl("ipv4/vs/conntrack");
    assert_eq!(conntrack().as_deref(), Some("0"));
    let beside = stage.beside();
    for vip in families.iter().map(|family| endpoint(family.vip, 80)) {
        assert_eq!(stage.client.turns(&vip, 2).len(), 2);
        let lost = beside
            .enter(|| TcpStream::connect_timeout(&vip.parse().expect("an address"), Duration::from_secs(1)));
        assert!(lost.is_err(), "its realserver answers it directly");
    }

    let masquerade = "[host]\nmasquerade = [ { source = \"192.168.73.0/24\", out = \"eth0\" }, \
                      { source = \"fd00:73::/64\", out = \"eth0\" } ]\n";
    let output = director.reload(&file("", "", &[&services("source_nat = true"), masquerade].concat()));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(conntrack().as_deref(), Some("1"));
    for Family { vip, far_end, own } in &families {
        let vip = endpoint(vip, 80);
        let mut turns = beside.turns(&vip, 2);
        turns.sort();
        assert_eq!(turns, ["rs1", "rs2"]);
        assert_eq!(stage.client.turns(&vip, 2).len(), 2);
        let seen = FarEnd::udp(&stage.client, far_end);
        expect(&Sender::udp(one.node(), far_end), &seen, own, "a realserver's own traffic");
    }

    let output = director.reload(&file("", "", &plain));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(conntrack().as_deref(), Some("0"), "as it was before");
    assert!(!has_rules(&stage));
}

#[test]
fn an_nft_that_fails_or_hangs_changes_nothing_and_is_named() {
    let stage = Stage::new();
    let real = "exec /usr/sbin/nft \"$@\"";
    let bin = fake(&stage, real);
    let mut director = Director::idle(&stage.director, &file(RULES, "", ""));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    director.set("PATH", path.as_ref());
    director.start_again();
    let before = nft(&stage, &["-a", "list", "ruleset"]);

    let refused = |director: &Director, script: &str| {
        fake(&stage, script);
        let output = director.reload(&file(RULES, RULES6, ""));
        assert_eq!(nft(&stage, &["-a", "list", "ruleset"]), before);
        complaint(&output)
    };
    let said = refused(&director, "echo 'Error: it rains' >&2; exit 1");
    assert!(said.contains("nft: Error: it rains"), "{said}");
    let begin = Instant::now();
    let said = refused(&director, "sleep 1000");
    assert!(said.contains("nft did not end within 5s"), "{said}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());

    // What somebody flushes meanwhile is a problem until nft works again.
    nft(&stage, &["flush", "ruleset"]);
    let problems = || director.ask("GET", "/v1/status").expect("lvsd answers").1;
    until("it is a problem", || problems().contains("\"object\":\"rules\""));
    fake(&stage, real);
    until("the rules are back", || has_rules(&stage));
    until("all is well", || !problems().contains("\"object\":\"rules\""));
}
