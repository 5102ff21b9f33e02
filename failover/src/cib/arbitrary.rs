//! Documents of all shapes, for tests.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{
    Cib, Colocation, Constraint, Declared, Expression, Location, Operation, Order, Resource, Rule, Version,
    Worth,
};
use crate::core::{NoQuorum, Role};
use crate::score::Score;

/// Names of which many are the same.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(vec!["web", "mail", "litsha21", "litsha22"]).prop_map(str::to_owned),
        1 => "[A-Za-z0-9._:-]{1,12}",
    ]
}

pub(crate) fn score() -> impl Strategy<Value = Score> {
    prop_oneof![
        4 => (-5..=5).prop_map(|hundreds| Score::new(hundreds * 100)),
        1 => any::<i32>().prop_map(Score::new),
        1 => select(vec![Score::INFINITY, Score::NEG_INFINITY]),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    let attribute = prop_oneof![select(vec!["#uname", "pingd"]).prop_map(str::to_owned), "[!-~]{1,8}"];
    let operation = select(Operation::ALL.to_vec());
    let value = prop_oneof![name(), "-?[0-9]{1,4}", "[^\\p{Cc}]{1,20}"];
    (attribute, operation, value).prop_map(|(attribute, operation, value)| {
        let value = if operation.compares() { value } else { String::new() };
        Expression { attribute, operation, value }
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let expressions = vec(expression(), 0..3);
    (any::<bool>(), expressions).prop_map(|(all, it)| if all { Rule::All(it) } else { Rule::Any(it) })
}

fn constraint() -> impl Strategy<Value = Constraint> {
    let worth = prop_oneof![
        score().prop_map(Worth::Score),
        "[!-~]{1,8}".prop_map(Worth::Attribute),
        Just(Worth::Attribute("pingd".to_owned())),
    ];
    let location = (name(), worth, rule()).prop_map(|(vip, worth, rule)| Location { vip, worth, rule });
    let colocation = (name(), name(), score()).prop_map(|(vip, with, score)| Colocation { vip, with, score });
    let order = (name(), name()).prop_map(|(first, then)| Order { first, then });
    prop_oneof![
        location.prop_map(Constraint::Location),
        colocation.prop_map(Constraint::Colocation),
        order.prop_map(Constraint::Order),
    ]
}

fn vip() -> impl Strategy<Value = Resource> {
    let address = prop_oneof![
        (any::<[u8; 4]>(), 0..=32_u8).prop_map(|([a, b, c, d], length)| format!("{a}.{b}.{c}.{d}/{length}")),
        (any::<u16>(), 0..=128_u8).prop_map(|(tail, length)| format!("2001:db8::{tail:x}/{length}")),
    ];
    let times = prop_oneof![0..100_u64, (0..10_000_u64).prop_map(|seconds| seconds * 1000)];
    (
        name(),
        vec(address, 1..3),
        "[a-z0-9.]{1,15}",
        btree_map(name(), score(), 0..3),
        score(),
        0..9_u32,
        times,
    )
        .prop_map(
            |(name, addresses, interface, prefer, stickiness, migration_threshold, milliseconds)| Resource {
                name,
                addresses,
                interface,
                prefer,
                stickiness,
                migration_threshold,
                failure_timeout: Duration::from_millis(milliseconds),
            },
        )
}

fn declared() -> impl Strategy<Value = Declared> {
    let policy = select(vec![NoQuorum::Stop, NoQuorum::Freeze, NoQuorum::Ignore]);
    let role = select(vec![Role::Director, Role::Witness]);
    let nodes = btree_map(name(), role, 0..5).prop_map(|nodes| nodes.into_iter().collect::<Vec<_>>());
    (policy, 0..2000_u32, nodes.prop_shuffle(), vec(vip(), 0..5)).prop_map(
        |(policy, multiplier, nodes, mut vips)| {
            let mut known = BTreeSet::new();
            vips.retain(|vip| known.insert(vip.name.clone()));
            Declared { policy, multiplier, nodes, vips }
        },
    )
}

/// A document that can be written: names are names, and who is in standby is declared.
pub(crate) fn cib() -> impl Strategy<Value = Cib> {
    let numbers = || prop_oneof![0..5_u32, any::<u32>()];
    let version = (numbers(), numbers(), numbers()).prop_map(|(admin_epoch, epoch, num_updates)| Version {
        admin_epoch,
        epoch,
        num_updates,
    });
    let standby = |declared: &Declared| {
        let nodes: Vec<String> = declared.nodes.iter().map(|(name, _)| name.clone()).collect();
        let most = nodes.len();
        subsequence(nodes, 0..=most)
    };
    let declared = declared().prop_flat_map(move |declared| (standby(&declared), Just(declared)));
    let said = (btree_map(name(), constraint(), 0..6), btree_map(name(), name(), 0..3));
    let failures = btree_map((name(), name()), 0..9_u32, 0..3);
    (version, declared, said, failures).prop_map(
        |(version, (standby, declared), (constraints, moves), failures)| Cib {
            version,
            declared,
            standby: standby.into_iter().collect(),
            constraints,
            moves,
            failures,
        },
    )
}
