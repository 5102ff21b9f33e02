//! Programs that were written for mon, unchanged: its monitors, and an alert.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt};

use lvsd::snapshot::RealserverState;

use super::until_realserver;
use crate::{
    nginx,
    patience::until,
    realserver::{Forward, Realserver},
    stage::Stage,
};

/// Keeps what it was given in files named after what it is told: `down`, `up`.
const ALERT: &str = r#"#!/bin/sh
for word; do echo "argument $word"; done > "$0.new"
env | grep '^MON_' | sort >> "$0.new"
sed 's/^/input /' >> "$0.new"
mv "$0.new" "$0.$MON_ALERTTYPE"
"#;

fn exec(name: &str, port: u16, command: &str) -> String {
    format!(
        "[[service]]\nname = '{name}'\nvip = 'web'\nport = {port}\nscheduler = 'rr'\npool = 'apache'\n\
         monitor = {{ type = 'exec', command = [{command}], rise = 1, fall = 1, \
         interval = '5s', fast_interval = '2s', timeout = '40s' }}\n"
    )
}

/// What the alert was given.
struct Given {
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    input: Vec<String>,
}

impl Given {
    fn read(text: &str) -> Self {
        let after =
            |prefix| text.lines().filter_map(move |line| line.strip_prefix(prefix)).map(str::to_owned);
        let variables = text.lines().filter(|line| line.starts_with("MON_"));
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            arguments: after("argument ").collect(),
            environment: variables.filter_map(pair).collect(),
            input: after("input ").collect(),
        }
    }
}

#[test]
fn monitors_and_alerts_of_mon_run_unchanged() {
    let stage = Stage::new();
    let realservers: [Realserver; 2] = stage.realservers(Forward::Nat);
    let _well = nginx::start(&realservers[0].node, 8001);
    let web = nginx::start(&realservers[1].node, 8001);
    let alert = stage.director.directory().join("page-oncall");
    fs::write(&alert, ALERT).unwrap();
    fs::set_permissions(&alert, fs::Permissions::from_mode(0o755)).unwrap();

    let entries = realservers.each_ref().map(|it| it.at_port(8001)).join(", ");
    let services = [
        exec("http", 8001, "'/usr/lib/mon/mon.d/http.monitor', '-p', '8001', '-t', '5'"),
        exec("tcp", 8002, "'/usr/lib/mon/mon.d/tcp.monitor', '-p', '8001', '-t', '5'"),
        exec("ping", 8003, "'/usr/lib/mon/mon.d/ping.monitor'"),
    ];
    let alerting =
        "[[alert]]\nservices = ['http']\nrun = 'page-oncall'\nargs = ['--to', 'oncall']\nevery = '600s'\n";
    let director = stage.direct(&format!(
        "[[pool]]\nname = 'apache'\nrealservers = [{entries}]\n{}{alerting}",
        services.concat()
    ));
    for service in ["http", "tcp", "ping"] {
        for name in ["rs1", "rs2"] {
            let seen = until_realserver(&director, service, name, RealserverState::Up);
            assert_eq!(seen.check.unwrap().code, "EXEC_OK");
        }
    }

    drop(web);
    let node = &realservers[1].node;
    let rules = "add table inet lab; add chain inet lab input { type filter hook input priority 0; }; \
                 add rule inet lab input icmp type echo-request reject with icmp host-prohibited";
    node.run(["nft", rules]);
    for service in ["http", "tcp", "ping"] {
        let seen = until_realserver(&director, service, "rs2", RealserverState::Down);
        let check = seen.check.unwrap();
        let expected = ("EXEC_FAIL", "exit status 1: 192.168.73.102");
        assert_eq!((check.code.as_str(), check.detail.as_str()), expected, "{service}");
        assert!(!seen.in_kernel, "{service}");
    }
    let given = |kind: &str| {
        let file = alert.with_extension(kind);
        until(&format!("somebody is told of {kind}"), || file.exists());
        Given::read(&fs::read_to_string(&file).unwrap())
    };
    let down = given("failure");
    let at = &down.arguments[7];
    assert!(at.parse::<u64>().is_ok(), "{at}");
    let arguments = ["-s", "http", "-g", "apache", "-h", "rs1 rs2", "-t", at, "-l", "600", "--to", "oncall"];
    assert_eq!(down.arguments, arguments);
    let summary = &down.input[0];
    assert!(summary.contains("rs2") && !summary.contains("rs1"), "{:?}", down.input);
    let variables = [
        ("MON_GROUP", "apache"),
        ("MON_SERVICE", "http"),
        ("MON_ALERTTYPE", "failure"),
        ("MON_OPSTATUS", "0"),
        ("MON_RETVAL", "1"),
        ("MON_LAST_SUMMARY", summary),
    ];
    for (name, value) in variables {
        assert_eq!(down.environment.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(down.environment.contains_key("MON_FIRST_FAILURE"), "{:?}", down.environment);

    let _web = nginx::start(node, 8001);
    node.run(["nft", "flush ruleset"]);
    for service in ["http", "tcp", "ping"] {
        until_realserver(&director, service, "rs2", RealserverState::Up);
    }
    let up = given("up");
    let at = &up.arguments[7];
    let arguments =
        ["-s", "http", "-g", "apache", "-h", "rs1 rs2", "-t", at, "-l", "600", "-u", "--to", "oncall"];
    assert_eq!(up.arguments, arguments);
    assert_eq!(up.input, down.input, "after an outage: what failed last");
    for (name, value) in [("MON_ALERTTYPE", "up"), ("MON_OPSTATUS", "1"), ("MON_RETVAL", "0")] {
        assert_eq!(up.environment.get(name).map(String::as_str), Some(value), "{name}");
    }
}
