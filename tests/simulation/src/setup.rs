//! A world, from its seed.

use std::collections::BTreeMap;
use std::time::Duration;

use failover::cib::{Declared, Resource};
use failover::core::{Abilities, NoQuorum, Role, Settings};
use failover::{Guard, NodeId, Score};

use crate::attacker::Attacker;
use crate::clock::Clock;
use crate::network::Network;
use crate::node::{Disk, Node};
use crate::random::Random;
use crate::story::{Kind, REACH, Story};
use crate::world::World;

/// What a seed stands for.
pub(crate) fn world(seed: u64, without: Option<Guard>) -> (World, Story) {
    let mut random = Random::new(seed);
    let random = &mut random;
    let kind = match random.below(10) {
        0 => Kind::Outsider,
        1 => Kind::Calm,
        2 => Kind::Shuffle,
        3 => Kind::Election,
        _ => Kind::Chaos,
    };
    let config = settings(random, kind);
    let nodes = (0..config.count()).filter_map(NodeId::new).map(|id| node(random, id, &config)).collect();
    let network = network(random, kind, &config);
    let eager = (kind != Kind::Calm && random.once_in(2)).then(|| random.pick(&[8, 32]));
    let attacker = Attacker::new(eager, config.deadtime * 3);
    let deadtimes = match kind {
        Kind::Chaos => 6..20,
        Kind::Outsider => 6..12,
        Kind::Shuffle => 10..20,
        Kind::Election => 15..40,
        Kind::Calm => 20..40,
    };
    let unrest = random.time(config.deadtime * deadtimes.start..config.deadtime * deadtimes.end);
    let mut world = World::new(config, nodes, network, attacker, random.clone());
    world.without = without;
    world.checks.hold_off = without != Some(Guard::HoldOff);
    (world, Story::new(kind, unrest))
}

fn settings(random: &mut Random, kind: Kind) -> Settings {
    let count = match kind {
        Kind::Election | Kind::Shuffle => 3,
        Kind::Outsider => random.pick(&[3, 3, 4, 5]),
        _ => random.pick(&[2, 3, 3, 3, 4, 5]),
    };
    let mut nodes: Vec<(String, Role)> = (0..count).map(|id| (name(id), Role::Director)).collect();
    if count > 2 && random.once_in(2) {
        let at = random.below(count);
        nodes.get_mut(at).into_iter().for_each(|(_, role)| *role = Role::Witness);
    }
    let keepalive = random.time(Duration::from_millis(30)..Duration::from_millis(500));
    let deadtime = random.time(keepalive * 3..keepalive * 6);
    let pair = count == 2 && random.once_in(4);
    let unsafe_policy = kind == Kind::Chaos && random.once_in(8);
    Settings {
        me: NodeId::new(0).expect("the first"),
        links: random.pick(&[1, 1, 2]),
        keepalive,
        warntime: deadtime / 2,
        deadtime,
        initdead: random.time(deadtime * 3 / 2..deadtime * 3),
        declared: Declared {
            policy: if unsafe_policy { NoQuorum::Ignore } else { NoQuorum::Stop },
            nodes,
            vips: vips(random, count, kind != Kind::Calm),
            ..Declared::default()
        },
        tie_break: pair && kind == Kind::Chaos,
        pings: true,
        dampen: random.time(deadtime..deadtime * 2),
    }
}

/// What a node is called.
pub(crate) fn name(node: usize) -> String {
    format!("n{node}")
}

/// Vips with preferences; `never` lets some nodes never have one.
pub(crate) fn vips(random: &mut Random, nodes: usize, never: bool) -> Vec<Resource> {
    let lowest = if never { Score::NEG_INFINITY } else { Score::new(-100) };
    let scores =
        [Score::default(), Score::default(), Score::new(100), Score::new(200), Score::INFINITY, lowest];
    let count = random.pick(&[1, 2, 4]);
    let vip = |number| Resource {
        name: format!("v{number}"),
        addresses: vec!["192.0.2.1/24".into()],
        interface: "eth0".into(),
        prefer: (0..random.below(nodes + 1)).map(|id| (name(id), random.pick(&scores))).collect(),
        stickiness: random.pick(&[Score::default(), Score::new(150), Score::INFINITY]),
        migration_threshold: 3,
        failure_timeout: Duration::from_secs(600),
    };
    (1..=count).map(vip).collect()
}

fn node(random: &mut Random, id: NodeId, config: &Settings) -> Node {
    let origin = random.time(Duration::from_secs(1)..Duration::from_secs(1_000_000));
    let rate = match random.below(3) {
        0 => 990_000_000,
        1 => 1_010_000_000,
        _ => 990_000_000 + random.number() % 20_000_001,
    };
    Node {
        settings: Settings { me: id, ..config.clone() },
        clock: Clock::new(origin, rate),
        process: None,
        life: 0,
        disk: Disk { latency: config.keepalive / 10, ..Disk::default() },
        interface: BTreeMap::new(),
        able: Abilities { unfit: None, file: 1, reach: REACH, barred: BTreeMap::new() },
        broken: false,
        doubtful: false,
        earlier: false,
    }
}

fn network(random: &mut Random, kind: Kind, config: &Settings) -> Network {
    let quick = Duration::from_micros(50);
    let slowest = random.time(quick * 2..config.keepalive / 8);
    if kind == Kind::Shuffle {
        let slowest = random.pick(&[slowest, config.deadtime / 2]);
        return Network::new((quick, slowest), random.pick(&[None, Some(4)]), None);
    }
    if kind != Kind::Chaos {
        return Network::new((quick, slowest), None, random.pick(&[None, Some(16)]));
    }
    let slowest = match random.below(4) {
        0 => random.time(slowest..config.deadtime),
        _ => slowest,
    };
    Network::new(
        (quick, slowest),
        random.pick(&[None, Some(50), Some(10), Some(4)]),
        random.pick(&[None, Some(8)]),
    )
}
