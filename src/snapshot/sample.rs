//! Snapshots for tests.

use jiff::{SignedDuration, Timestamp};

use super::cluster::{Announced, Cib, Cluster, Conflict, Hold, Link, LinkState, Node, NodeState, Reach};
use super::{
    Check, Checks, FileInForce, Health, Lateness, Problem, Realserver, RealserverState, Service,
    ServiceState, Snapshot, Snat, Vip,
};

/// When the tests take place.
pub(crate) fn now() -> Timestamp {
    "2026-11-21T02:00:00Z".parse().unwrap()
}

/// Some seconds before that.
pub(crate) fn before(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

/// A text that wants to be obeyed by terminals, browsers and scrapers.
pub(crate) const HOSTILE: &str = "<script>\"x'&\\\n\r\u{1b}[31m\u{9b}\u{202e}\u{0}</script>";

pub(crate) fn realserver(name: &str, state: RealserverState, reason: &str) -> Realserver {
    use RealserverState::{Disabled, Down, Draining, Failing, Held, Probing};
    let serves = !matches!(state, Probing | Down | Draining | Disabled);
    let (code, detail, seconds) = match state {
        Failing => ("L7STS", "503 Service Unavailable", 0.0043),
        Down | Held => ("L4TOUT", "no answer within 3s", 3.0),
        _ => ("L7OK", "200 OK", 0.0012),
    };
    let check = Check { code: code.into(), detail: detail.into(), seconds, at: before(2) };
    Realserver {
        name: name.into(),
        address: "192.168.71.150:80".into(),
        forward: "nat".into(),
        state,
        reason: reason.into(),
        since: before(if state == RealserverState::Up { 100_000 } else { 252 }),
        weight: 2,
        effective_weight: if serves { 2 } else { 0 },
        in_kernel: state != Down,
        active: if serves { 3 } else { 0 },
        inactive: 12,
        connections_total: 4711,
        check: (state != Probing).then_some(check),
    }
}

pub(crate) fn service(
    name: &str,
    state: ServiceState,
    reason: &str,
    realservers: Vec<Realserver>,
) -> Service {
    let serving = realservers.iter().filter(|it| it.effective_weight > 0).count();
    Service {
        name: name.into(),
        address: "192.168.71.205:80".into(),
        protocol: "tcp".into(),
        scheduler: "wlc".into(),
        forward: "nat".into(),
        state,
        reason: reason.into(),
        since: before(252),
        serving: u32::try_from(serving).unwrap(),
        min_serving: 3,
        connections_total: 123_456,
        packets_in_total: 1_234_560,
        packets_out_total: 2_469_120,
        bytes_in_total: 98_764_800,
        bytes_out_total: 3_209_856_000,
        connections_per_second: 1_234.0,
        bytes_in_per_second: 5.4e6,
        bytes_out_per_second: 8.1e7,
        realservers,
    }
}

fn problem(severity: Health, object: &str, what: &str) -> Problem {
    Problem { severity, object: object.into(), what: what.into(), since: before(252) }
}

fn node(name: &str, role: &str, state: NodeState, silence: Option<f64>, links: &[LinkState]) -> Node {
    let link = |(number, state): (u64, &LinkState)| Link {
        address: format!("192.168.{number}.202"),
        state: *state,
        since: before(252),
        received: 45_000,
        lost: number,
    };
    Node {
        name: name.into(),
        role: role.into(),
        state,
        since: before(9_000),
        last_heard_seconds: silence,
        late: 0,
        config_match: Some(true),
        cib: Some(cib("0.3.1", "5c0ffee05c0ffee0")),
        cib_match: Some(true),
        deadtime_match: Some(true),
        unfit: None,
        hears: ["litsha21", "litsha22", "litsha23"].map(Into::into).into(),
        reach: Reach { pings: 1, realservers: 2 },
        barred: [].into(),
        links: (68..).zip(links).map(link).collect(),
    }
}

fn cib(version: &str, digest: &str) -> Cib {
    Cib { version: version.into(), term: 7, digest: digest.into(), committed: true }
}

/// A cluster in which not all is well.
pub(crate) fn cluster() -> Cluster {
    use LinkState::{Down, Up};
    let second = Node {
        late: 3,
        config_match: Some(false),
        cib: Some(cib("0.3.0", "0ddba110ddba1100")),
        cib_match: Some(false),
        unfit: Some("its checks do not know yet how the realservers are".into()),
        hears: ["litsha22".into(), "litsha23".into()].into(),
        barred: [("spare".into(), "its interface has no carrier".into())].into(),
        ..node("litsha22", "director", NodeState::Online, Some(0.12), &[Up, Down])
    };
    Cluster {
        quorate: true,
        since: before(9_000),
        dc: Some("litsha21".into()),
        term: 7,
        policy: "freeze".into(),
        tie_break: Some("ping".into()),
        risks: vec!["no_quorum_policy = \"freeze\": two may answer at once".into()],
        cib: cib("0.3.1", "5c0ffee05c0ffee0"),
        votes: 2,
        votes_needed: 2,
        nodes: vec![
            node("litsha21", "director", NodeState::Online, Some(0.0), &[]),
            second,
            Node {
                hears: Vec::new(),
                ..node("litsha23", "witness", NodeState::Dead, Some(252.0), &[Down, Down])
            },
        ],
        rejected: [("bad_mac".into(), 1), ("replayed".into(), 12), ("short".into(), 0)].into(),
        strangers: 3,
        unwritten: None,
        told_seconds: 0.1,
    }
}

fn vips() -> Vec<Vip> {
    let vip = |name: &str, owner: Option<&str>, reason: &str| Vip {
        name: name.into(),
        addresses: vec!["192.168.71.205/24".into(), "2001:db8::205/64".into()],
        interface: "eth0".into(),
        owner: owner.map(Into::into),
        mine: owner == Some("litsha21"),
        since: before(9_000),
        reason: reason.into(),
        here: if owner == Some("litsha21") { Hold::Held } else { Hold::None },
        lease_remaining_seconds: (owner == Some("litsha21")).then_some(0.83),
        pinned_to: None,
        obstacles: [("litsha23".into(), "it is a witness".into())].into(),
        announced: None,
        conflicts: Vec::new(),
        moves_total: 2,
        conflicts_total: 0,
        snat: None,
    };
    let announced = Announced {
        times: 5,
        asked: vec!["192.168.71.1".into(), "192.168.71.2".into()],
        confirmed: vec!["192.168.71.1".into()],
    };
    let snat = Snat {
        rules: vec!["udp to port 161 of 192.168.4.0/24 by eth0, as 192.168.71.205".into()],
        active: true,
    };
    let conflict =
        Conflict { address: "192.168.71.205".into(), mac: "02:00:00:00:00:09".into(), at: before(30) };
    vec![
        Vip {
            announced: Some(announced),
            snat: Some(snat),
            ..vip("web", Some("litsha21"), "the file prefers it there")
        },
        Vip {
            pinned_to: Some("litsha22".into()),
            conflicts: vec![conflict],
            conflicts_total: 1,
            ..vip("mail", Some("litsha22"), "an operator moved it")
        },
        Vip {
            obstacles: [
                ("litsha21".into(), "its interface has no carrier".into()),
                ("litsha23".into(), "it is a witness".into()),
            ]
            .into(),
            ..vip("spare", None, "no director can have it")
        },
    ]
}

/// One of everything.
pub(crate) fn rich() -> Snapshot {
    use RealserverState::{Disabled, Down, Draining, Failing, Held, Probing, Up};
    let good = |name| realserver(name, Up, "2 checks passed");
    Snapshot {
        snapshot: 412,
        generated_at: before(1),
        node: "litsha21".into(),
        version: "0.1.0".into(),
        health: Health::Critical,
        problems: vec![
            problem(Health::Critical, "service imap", "nobody serves it: both realservers are down"),
            problem(
                Health::Degraded,
                "service http",
                "2 of 6 pass their checks; 3 serve, since at least 3 must",
            ),
            problem(Health::Degraded, "realserver http/litstat2", "no answer within 3s; look at it"),
        ],
        config: FileInForce {
            path: "/etc/lvsd/lvsd.toml".into(),
            sha256: "3f2a91bc".repeat(8),
            loaded_at: before(14_580),
            error: None,
        },
        cluster: Some(cluster()),
        vips: vips(),
        checks: Checks {
            made: [("L7OK".into(), 70_000), ("L4TOUT".into(), 12)].into(),
            in_flight: 3,
            held: 1,
            lateness: Lateness {
                count: 70_015,
                sum_seconds: 8.5,
                buckets: vec![(0.001, 70_000), (0.05, 10)],
            },
        },
        services: vec![
            service("https", ServiceState::Up, "", vec![good("apache1"), good("apache2")]),
            service(
                "http",
                ServiceState::Panic,
                "2 healthy, at least 3 serve",
                vec![
                    good("apache1"),
                    realserver("apache2", Failing, "1 of 3 failures"),
                    realserver("litstat1", Held, "would be down; at least 3 serve"),
                    realserver("litstat2", Down, "3 checks failed"),
                    realserver("litstat3", Draining, "root: new disk; 37 connections left"),
                    realserver("litstat4", Disabled, "root: burns"),
                    realserver("litstat5", Probing, "not checked yet"),
                ],
            ),
            service(
                "imap",
                ServiceState::Down,
                "no realserver serves",
                vec![
                    realserver("mail1", Down, "3 checks failed"),
                    realserver("mail2", Down, "3 checks failed"),
                ],
            ),
        ],
    }
}

/// Every text in it is [`HOSTILE`].
pub(crate) fn hostile() -> Snapshot {
    let text = HOSTILE.to_owned();
    let mut snapshot = rich();
    snapshot.node.clone_from(&text);
    snapshot.version.clone_from(&text);
    snapshot.config.path.clone_from(&text);
    snapshot.config.sha256.clone_from(&text);
    snapshot.config.error = Some(text.clone());
    for it in &mut snapshot.problems {
        it.object.clone_from(&text);
        it.what.clone_from(&text);
    }
    if let Some(cluster) = &mut snapshot.cluster {
        (cluster.dc, cluster.tie_break) = (Some(text.clone()), Some(text.clone()));
        cluster.policy.clone_from(&text);
        cluster.risks = vec![text.clone()];
        cluster.rejected = [(text.clone(), 1)].into();
        for it in &mut cluster.nodes {
            for field in [&mut it.name, &mut it.role] {
                field.clone_from(&text);
            }
            it.unfit = Some(text.clone());
            it.hears = vec![text.clone()];
            it.barred = [(text.clone(), text.clone())].into();
            for it in &mut it.links {
                it.address.clone_from(&text);
            }
        }
    }
    for it in &mut snapshot.vips {
        it.addresses = vec![text.clone()];
        it.owner = Some(text.clone());
        it.pinned_to = Some(text.clone());
        it.obstacles = [(text.clone(), text.clone())].into();
        it.announced = Some(Announced { times: 1, asked: vec![text.clone()], confirmed: vec![text.clone()] });
        it.snat = Some(Snat { rules: vec![text.clone()], active: true });
        it.conflicts = vec![Conflict { address: text.clone(), mac: text.clone(), at: now() }];
        for field in [&mut it.name, &mut it.interface, &mut it.reason] {
            field.clone_from(&text);
        }
    }
    for it in &mut snapshot.services {
        let Service { name, address, protocol, scheduler, forward, reason, .. } = it;
        for field in [name, address, protocol, scheduler, forward, reason] {
            field.clone_from(&text);
        }
        for it in &mut it.realservers {
            for field in [&mut it.name, &mut it.address, &mut it.forward, &mut it.reason] {
                field.clone_from(&text);
            }
            if let Some(check) = &mut it.check {
                check.code.clone_from(&text);
                check.detail.clone_from(&text);
            }
        }
    }
    snapshot
}

/// Many realservers in `services` services, all of this state, with texts as long as they get.
pub(crate) fn many(realservers: usize, services: usize, state: RealserverState) -> Snapshot {
    let long = "0123456 89".repeat(20);
    let of_service = if state == RealserverState::Up { ServiceState::Up } else { ServiceState::Down };
    let mut snapshot = rich();
    snapshot.services = (0..services)
        .map(|number| {
            let list = (0..realservers / services)
                .map(|at| Realserver {
                    check: Some(Check {
                        code: "L7STS".into(),
                        detail: long.clone(),
                        seconds: 0.01,
                        at: now(),
                    }),
                    ..realserver(&format!("realserver-{number}-{at}"), state, &long)
                })
                .collect();
            service(&format!("service-{number}"), of_service, &long, list)
        })
        .collect();
    let problem = |_| problem(Health::Critical, &long, &long);
    snapshot.problems = (0..realservers).map(problem).collect();
    snapshot
}
