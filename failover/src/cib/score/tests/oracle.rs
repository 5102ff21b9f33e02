//! Sums that Heartbeat 2 prints.

use super::*;

/// A vip of two nodes as the printed tables have it.
struct Case {
    name: &'static str,
    stickiness: i32,
    /// To `a`.
    preference: i32,
    multiplier: u32,
    /// How many hosts a and b reach.
    pings: [u32; 2],
    owner: usize,
    scores: [i32; 2],
}

const ADDRESS: Case = Case {
    name: "an address that prefers a",
    stickiness: 0,
    preference: 200,
    multiplier: 100,
    pings: [1, 1],
    owner: 0,
    scores: [300, 100],
};

/// With a stickiness counted as Heartbeat 2.1 does for a group's first member: twice for each of two members, of 777.
const GROUP: Case = Case {
    name: "a group of two, healthy",
    stickiness: 3108,
    preference: 0,
    multiplier: 2000,
    pings: [3, 3],
    owner: 0,
    scores: [9108, 6000],
};

/// The same, that prefers a a little instead.
const LIGHT: Case = Case {
    name: "preferred less, without stickiness",
    stickiness: 0,
    preference: 1000,
    pings: [0, 3],
    owner: 1,
    scores: [1000, 6000],
    ..GROUP
};

const CASES: [Case; 9] = [
    ADDRESS,
    Case { name: "the owner lost its router", pings: [0, 1], scores: [200, 100], ..ADDRESS },
    Case { name: "and is preferred less", preference: 100, pings: [0, 1], scores: [100, 100], ..ADDRESS },
    GROUP,
    Case { name: "the other lost everything", pings: [3, 0], scores: [9108, 0], ..GROUP },
    Case {
        name: "preferred, and the other lost everything",
        preference: 3500,
        pings: [3, 0],
        scores: [12_608, 0],
        ..GROUP
    },
    Case {
        name: "preferred, and lost everything",
        preference: 3500,
        pings: [0, 3],
        scores: [6608, 6000],
        ..GROUP
    },
    LIGHT,
    Case { name: "the same, where all is well", pings: [3, 0], owner: 0, scores: [7000, 0], ..LIGHT },
];

#[test]
fn sums_come_out_as_printed() {
    for case in CASES {
        let mut cib = document(2, &["web"], &[("up", connected("web"))]);
        cib.declared.multiplier = case.multiplier;
        cib.declared.vips[0].prefer = BTreeMap::from([("a".to_owned(), Score::new(case.preference))]);
        cib.declared.vips[0].stickiness = Score::new(case.stickiness);
        let nodes = case.pings.map(|pings| Node { pings: Some(pings), ..ONLINE });
        let places = [Some(id(case.owner))];
        let now = Situation { nodes: &nodes, owners: &places, places: &places };
        let rules = Rules::of(&cib);
        assert_eq!([0, 1].map(|node| rules.score(0, id(node), &now).get()), case.scores, "{}", case.name);
    }
}
