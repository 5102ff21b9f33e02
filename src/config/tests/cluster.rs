//! What comes out of `[cluster]`, and of what a vip gets with it.

use std::path::Path;
use std::time::Duration;

use failover::Score;

use super::{example, parse, repository};
use crate::config::{Cluster, Config, Name, NoQuorum, Role, TieBreak};

const NODES: &str = "nodes = [
  { name = \"a\", links = [\"192.0.2.21\", \"2001:db8::21\"] },
  { name = \"b\", links = [\"192.0.2.22\", \"2001:db8::22\"] },
  { name = \"c\", links = [\"192.0.2.23\", \"2001:db8::23\"], role = \"witness\" },
]";

const TWO_NODES: &str = "nodes = [
  { name = \"a\", links = [\"192.0.2.21\", \"198.51.100.21\"] },
  { name = \"b\", links = [\"192.0.2.22\", \"198.51.100.22\"] },
]";

/// A file with a cluster of these keys, and a vip.
fn file(keys: &str) -> String {
    format!("[cluster]\nname = \"web\"\n{keys}\n{}", super::VIP)
}

fn config(keys: &str) -> Config {
    parse(&file(keys)).unwrap_or_else(|report| panic!("{report}"))
}

fn cluster(keys: &str) -> Cluster {
    config(keys).cluster.unwrap()
}

/// The first line about a wrong file, without its place; and whether it is the only problem.
fn refusal(text: &str) -> String {
    let report = Config::parse(Path::new("f"), text.as_bytes()).unwrap_err();
    assert_eq!(report.count(), 1, "{report}");
    report.headline().splitn(4, ':').nth(3).unwrap().trim().to_owned()
}

fn times(cluster: &Cluster) -> [Duration; 4] {
    [cluster.keepalive, cluster.warntime, cluster.deadtime, cluster.initdead]
}

fn milliseconds(times: [u64; 4]) -> [Duration; 4] {
    times.map(Duration::from_millis)
}

#[test]
fn a_cluster_that_says_little_has_every_default() {
    let config = config(NODES);
    let cluster = config.cluster.unwrap();
    assert_eq!(cluster.name.as_str(), "web");
    assert_eq!((cluster.port, cluster.policy), (694, NoQuorum::Stop));
    assert_eq!(cluster.keys, std::path::absolute("authkeys").unwrap());
    assert_eq!(times(&cluster), milliseconds([200, 500, 1000, 5000]));
    assert_eq!((cluster.tie_break, cluster.ping), (None, None));
    let roles: Vec<Role> = cluster.nodes.iter().map(|node| node.role).collect();
    assert_eq!(roles, [Role::Director, Role::Director, Role::Witness]);
    assert_eq!((config.vips[0].prefer.len(), config.vips[0].stickiness), (0, Score::default()));
}

#[test]
fn a_file_without_a_cluster_has_none() {
    assert_eq!(example("minimal.toml").cluster, None);
}

#[test]
fn every_key_of_a_cluster_reaches_its_field() {
    let cluster = example("three-directors.toml").cluster.unwrap();
    let node = |index: usize| {
        let node = &cluster.nodes[index];
        let links: Vec<String> = node.links.iter().map(ToString::to_string).collect();
        (node.name.as_str(), links.join(" "))
    };
    assert_eq!(node(0), ("litsha21", "192.168.68.201 192.168.71.21".to_owned()));
    assert_eq!(node(2), ("litsha23", "192.168.68.203 192.168.71.23".to_owned()));
    assert_eq!(cluster.nodes[2].role, Role::Witness);
    assert_eq!(cluster.keys, repository("configs/authkeys"));
    let ping = cluster.ping.unwrap();
    assert_eq!((ping.hosts.len(), ping.dampen, ping.multiplier), (1, Duration::from_secs(2), 1));

    let path = repository("tests/config/good/cluster-risks.toml");
    let risky = Config::load(&path).unwrap().cluster.unwrap();
    assert_eq!(risky.keys, Path::new("/etc/ha.d/authkeys"));
    assert_eq!(times(&risky), milliseconds([10, 10, 21, 21]));
    assert_eq!((risky.policy, risky.tie_break), (NoQuorum::Ignore, Some(TieBreak::Ping)));
    let ping = risky.ping.unwrap();
    assert_eq!((risky.port, ping.dampen, ping.multiplier), (65535, Duration::ZERO, 100));
}

#[test]
fn a_node_is_found_by_its_host_name_in_any_case() {
    let cluster = cluster(NODES);
    for (name, index) in [("a", Some(0)), ("C", Some(2)), ("d", None), ("", None)] {
        assert_eq!(cluster.node(name), index.map(|index: usize| &cluster.nodes[index]), "{name}");
    }
}

#[test]
fn times_that_are_not_said_follow_from_those_that_are() {
    // (keys, keepalive, warntime, deadtime and initdead in milliseconds)
    let table = [
        ("deadtime = '10s'", [200, 5000, 10_000, 20_000]),
        ("deadtime = '401ms'", [200, 200, 401, 5000]),
        ("keepalive = '499ms'", [499, 500, 1000, 5000]),
        ("warntime = '999ms'", [200, 999, 1000, 5000]),
        ("deadtime = '60s'\ninitdead = '60s'", [200, 30_000, 60_000, 60_000]),
        ("initdead = '1h'", [200, 500, 1000, 3_600_000]),
    ];
    for (keys, [keepalive, warntime, deadtime, initdead]) in table {
        let read = times(&cluster(&format!("{NODES}\n{keys}")));
        let whole = read.map(|time| Duration::from_millis(u64::try_from(time.as_millis()).unwrap()));
        assert_eq!(whole, milliseconds([keepalive, warntime, deadtime, initdead]), "{keys}");
    }
}

#[test]
fn what_is_proposed_for_a_time_is_one() {
    // (keys of which the second is wrong, what is proposed for it)
    let table = [
        ("deadtime = '3s'\nwarntime = '4s'", "1500ms"),
        ("deadtime = '999ms'\nwarntime = '1s'", "499ms"),
        ("deadtime = '45s'\ninitdead = '1s'", "90s"),
        ("deadtime = '60s'\ninitdead = '1s'", "2m"),
    ];
    for (keys, proposed) in table {
        let report = Config::parse(Path::new("f"), file(&format!("{NODES}\n{keys}")).as_bytes());
        let said = report.unwrap_err().to_string();
        assert!(said.contains(&format!("use \"{proposed}\", or take it out")), "{said}");
        let (key, _) = keys.rsplit_once('=').unwrap();
        assert!(parse(&file(&format!("{NODES}\n{key}= '{proposed}'"))).is_ok(), "{proposed}");
    }
}

#[test]
fn times_that_contradict_each_other_are_refused() {
    // (keys, what is said)
    let table = [
        ("keepalive = '9ms'", "this is too short"),
        ("deadtime = '61s'", "this is too long"),
        ("deadtime = '400ms'", "a deadtime of 400ms is not more than twice the keepalive of 200ms: one lost"),
        ("keepalive = '500ms'", "a deadtime of 1s is not more than twice the keepalive of 500ms: one lost"),
        (
            "warntime = '199ms'",
            "a warntime of 199ms is not between the keepalive of 200ms and the deadtime of 1s",
        ),
        ("warntime = '1s'", "a warntime of 1s is not between the keepalive of 200ms and the deadtime of 1s"),
        ("initdead = '999ms'", "this is shorter than the deadtime of 1s"),
    ];
    for (keys, said) in table {
        let refusal = refusal(&file(&format!("{NODES}\n{keys}")));
        assert!(refusal.starts_with(said), "{keys}: {refusal}");
    }
}

#[test]
fn a_cluster_that_could_own_nothing_is_refused() {
    let node =
        |name: &str, role| format!("{{ name = '{name}', links = ['192.0.2.1{name}'], role = '{role}' }}");
    let nodes = |nodes: &[String]| file(&format!("nodes = [{}]", nodes.join(", ")));
    let witnesses = [node("1", "witness"), node("2", "witness")];
    assert_eq!(refusal(&nodes(&[])), "a cluster of 0 is none");
    assert_eq!(refusal(&nodes(&[node("1", "director")])), "a cluster of 1 is none");
    assert_eq!(refusal(&nodes(&witnesses)), "all nodes are witnesses: none may own a vip");
    // Who prefers one of them makes no second mistake.
    let preferred = format!("{}prefer = {{ 1 = 1 }}\n", nodes(&witnesses));
    assert_eq!(refusal(&preferred), "all nodes are witnesses: none may own a vip");
    let [witness, _] = witnesses;
    assert!(parse(&nodes(&[node("3", "director"), witness])).is_ok());
}

#[test]
fn host_names_are_checked() {
    // (name, is one)
    let table = [
        ("litsha21", true),
        ("1", true),
        ("a-b.example.org", true),
        ("Litsha21", false),
        ("a_b", false),
        ("a b", false),
        ("", false),
        ("-a", false),
        ("a-", false),
        (".a", false),
        ("a.", false),
        ("a..b", false),
        (&"x".repeat(63), true),
        (&"x".repeat(64), false),
        (&format!("{}.{}", "x".repeat(32), "x".repeat(31)), true),
        (&format!("{}.{}", "x".repeat(32), "x".repeat(32)), false),
    ];
    for (name, is_one) in table {
        let text = file(&TWO_NODES.replace("\"b\"", &format!("{name:?}")));
        match parse(&text) {
            Ok(_) => assert!(is_one, "{name:?}"),
            Err(_) => assert!(!is_one && refusal(&text).ends_with("is not a host name"), "{name:?}"),
        }
    }
}

#[test]
fn a_tie_is_broken_only_between_two_that_ping() {
    let ping = "ping.hosts = ['192.0.2.1']";
    let keys = format!("{TWO_NODES}\ntie_break = 'ping'\n{ping}");
    assert_eq!(cluster(&keys).tie_break, Some(TieBreak::Ping));
    // (keys, what is said)
    let table = [
        (format!("{TWO_NODES}\ntie_break = 'ping'"), "there is no ping host to break a tie"),
        (
            format!("{NODES}\ntie_break = 'ping'\n{ping}"),
            "a tie is broken between two voters, and here are 3",
        ),
        (format!("{NODES}\ntie_break = 'litsha21'\n{ping}"), "\"litsha21\" is not known here"),
        // Each of these is one mistake, not two.
        (
            format!("{TWO_NODES}\ntie_break = 'ping'\npign.hosts = ['192.0.2.1']"),
            "[cluster] has no key \"pign\"",
        ),
        (format!("{TWO_NODES}\ntie_break = 'ping'\nping.hosts = []"), "there is nothing to ping"),
        (format!("{TWO_NODES}\ntie_break = 'ping'\nping = {{}}"), "ping has no `hosts`"),
    ];
    for (keys, said) in table {
        assert_eq!(refusal(&file(&keys)), said, "{keys}");
    }
}

#[test]
fn ping_hosts_and_what_is_said_of_them_have_bounds() {
    let hosts = |count: usize| -> String {
        let hosts: Vec<String> = (1..=count).map(|host| format!("'198.51.100.{host}'")).collect();
        format!("{NODES}\nping.hosts = [{}]", hosts.join(", "))
    };
    assert_eq!(cluster(&hosts(16)).ping.unwrap().hosts.len(), 16);
    assert_eq!(refusal(&file(&hosts(17))), "17 ping hosts are too many");
    assert_eq!(refusal(&file(&format!("{}\nping.dampen = '61s'", hosts(1)))), "this is too long");
    assert_eq!(refusal(&file(&format!("{}\nping.multiplier = 0", hosts(1)))), "0 is out of range");
    assert_eq!(
        cluster(&format!("{}\nping.multiplier = 1_000_000", hosts(1))).ping.unwrap().multiplier,
        1_000_000
    );
}

#[test]
fn wishes_reach_their_vip() {
    let scores = "prefer = { a = -200, b = 'always' }\nstickiness = 1_000\n";
    let config = parse(&format!("{}{scores}", file(NODES))).unwrap();
    let [vip] = config.vips.as_slice() else { panic!("{config:?}") };
    let node = |name| Name::new(name).unwrap();
    assert_eq!(vip.prefer, [(node("a"), Score::new(-200)), (node("b"), Score::INFINITY)].into());
    assert_eq!(vip.stickiness, Score::new(1000));
    assert_eq!((vip.migration_threshold, vip.failure_timeout), (3, Duration::from_secs(600)));
}

#[test]
fn what_failures_count_reaches_its_vip() {
    let config =
        parse(&format!("{}migration_threshold = 1\nfailure_timeout = '90s'\n", file(NODES))).unwrap();
    let vip = &config.vips[0];
    assert_eq!((vip.migration_threshold, vip.failure_timeout), (1, Duration::from_secs(90)));
}

#[test]
fn a_cluster_has_64_vips_and_tells_them_apart() {
    let vip = |name: &str, host: u8| {
        format!("[[vip]]\nname = \"{name}\"\naddresses = [\"198.51.100.{host}/24\"]\ninterface = \"eth0\"\n")
    };
    let alone = |count: u8| -> String { (1..count).map(|host| vip(&format!("v{host}"), host)).collect() };
    let text = |count| format!("{}{}", file(NODES), alone(count));
    assert_eq!(parse(&text(64)).unwrap().vips.len(), 64);
    assert_eq!(refusal(&text(65)), "a cluster has 64 vips at most, and here are 65");
    assert_eq!(parse(&format!("{}{}", super::VIP, alone(65))).unwrap().vips.len(), 65);

    let alike = format!("{}{}", vip("vip70645", 1), vip("vip77350", 2));
    let said = "directors could not tell vip77350 from another vip: the two names hash alike";
    assert_eq!(refusal(&format!("{}{alike}", file(NODES))), said);
    assert!(parse(&alike).is_ok());
}

#[test]
fn what_is_at_risk_is_told() {
    const THREE: &str = "nodes = [
  { name = \"a\", links = [\"192.0.2.21\", \"198.51.100.21\"] },
  { name = \"b\", links = [\"192.0.2.22\", \"198.51.100.22\"] },
  { name = \"c\", links = [\"192.0.2.23\", \"198.51.100.23\"] },\n";
    let single = "nodes = [{ name = 'a', links = ['192.0.2.21'] }, { name = 'b', links = ['192.0.2.22'] }, \
                  { name = 'c', links = ['192.0.2.23'] }]";
    let four = format!("{THREE}  {{ name = \"d\", links = [\"192.0.2.24\", \"198.51.100.24\"] }},\n]");
    let ping = "tie_break = 'ping'\nping.hosts = ['192.0.2.1']";
    // (keys, how each warning begins)
    let table: [(&str, &[&str]); 9] = [
        (NODES, &[]),
        (single, &["a single heartbeat link: "]),
        (&four, &["4 voters: split in halves, "]),
        (
            TWO_NODES,
            &["two voters: when one of them dies, the other has no majority and gives up its vips; "],
        ),
        (&format!("{TWO_NODES}\n{ping}"), &["tie_break = \"ping\": "]),
        (&format!("{NODES}\nno_quorum_policy = 'freeze'"), &["no_quorum_policy = \"freeze\" is unsafe: "]),
        (&format!("{NODES}\nno_quorum_policy = 'ignore'"), &["no_quorum_policy = \"ignore\" is unsafe: "]),
        (
            &format!("{NODES}\ndeadtime = '799ms'"),
            &["a deadtime of 799ms is less than four times ", "a warntime of 399ms is less than twice "],
        ),
        (&format!("{NODES}\ndeadtime = '800ms'"), &[]),
    ];
    for (keys, expected) in table {
        let warnings = config(keys).warnings();
        assert_eq!(warnings.len(), expected.len(), "{keys}: {warnings:?}");
        for (warning, beginning) in warnings.iter().zip(expected) {
            assert!(warning.starts_with(&format!("cluster web: {beginning}")), "{warning}");
        }
    }
}
