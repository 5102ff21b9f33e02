//! The order in which things are written down does not matter, but for what depends on another.

use proptest::prelude::*;

use super::*;
use crate::cib::arbitrary;

/// What is known of nodes and vips, by their names.
#[derive(Clone, Debug)]
struct World {
    cib: Cib,
    pings: Vec<Option<u32>>,
    owners: Vec<Option<usize>>,
}

fn world() -> impl Strategy<Value = World> {
    arbitrary::cib().prop_flat_map(|cib| {
        let (nodes, vips) = (cib.declared.nodes.len(), cib.declared.vips.len());
        let pings = prop::collection::vec(prop::option::of(0..4_u32), nodes);
        let owners = prop::collection::vec(prop::option::of(0..nodes.max(1)), vips);
        (Just(cib), pings, owners).prop_map(|(cib, pings, owners)| World { cib, pings, owners })
    })
}

impl World {
    /// The score and the terms for each vip and node, by their names.
    fn table(&self) -> BTreeMap<(String, String), (Score, Vec<String>)> {
        let rules = Rules::of(&self.cib);
        let owners: Vec<_> = self.owners.iter().map(|owner| owner.and_then(NodeId::new)).collect();
        let nodes: Vec<_> = self.pings.iter().map(|pings| Node { pings: *pings, ..ONLINE }).collect();
        let now = Situation { nodes: &nodes, owners: &owners, places: &owners };
        let declared = &self.cib.declared;
        let mut table = BTreeMap::new();
        for (place, vip) in declared.vips.iter().enumerate() {
            for (node, (name, _)) in declared.nodes.iter().enumerate() {
                let terms = rules.terms(place, id(node), &now);
                let score = rules.score(place, id(node), &now);
                assert_eq!(terms.iter().map(|term| term.score).sum::<Score>(), score);
                let terms = terms.iter().map(ToString::to_string).collect();
                table.insert((vip.name.clone(), name.clone()), (score, terms));
            }
        }
        table
    }

    /// The same world with its nodes and vips in another order.
    fn shuffled(&self, nodes: &[usize], vips: &[usize]) -> Self {
        let Self { cib, pings, owners } = self;
        let mut other = cib.clone();
        other.declared.nodes = nodes.iter().map(|&node| cib.declared.nodes[node].clone()).collect();
        other.declared.vips = vips.iter().map(|&vip| cib.declared.vips[vip].clone()).collect();
        let now_at = |node: usize| nodes.iter().position(|&it| it == node);
        Self {
            cib: other,
            pings: nodes.iter().map(|&node| pings[node]).collect(),
            owners: vips.iter().map(|&vip| owners[vip].and_then(now_at)).collect(),
        }
    }
}

proptest! {
    #[test]
    fn the_order_of_nodes_and_vips_does_not_matter(
        (world, nodes, vips) in world().prop_flat_map(|world| {
            let nodes = Just((0..world.pings.len()).collect::<Vec<_>>()).prop_shuffle();
            let vips = Just((0..world.owners.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(world), nodes, vips)
        }),
    ) {
        prop_assert_eq!(world.table(), world.shuffled(&nodes, &vips).table());
    }

    #[test]
    fn each_vip_has_its_turn_once(cib in arbitrary::cib()) {
        let mut sequence = Rules::of(&cib).sequence;
        sequence.sort_unstable();
        prop_assert_eq!(sequence, (0..cib.declared.vips.len()).collect::<Vec<_>>());
    }
}

/// (name, constraints, sequence)
type Row<'a> = (&'a str, &'a [(&'a str, Constraint)], &'a [usize]);

#[test]
fn what_others_depend_on_comes_first() {
    let follow = |vip, with| colocation(vip, with, Score::INFINITY);
    let vips = ["a", "b", "c", "d"];
    let table: [Row<'_>; 5] = [
        ("none", &[], &[0, 1, 2, 3]),
        ("one follows", &[("1", follow("a", "c"))], &[2, 0, 1, 3]),
        ("one waits", &[("1", order("d", "b"))], &[0, 3, 1, 2]),
        (
            "a chain",
            &[("1", follow("a", "b")), ("2", order("c", "b")), ("3", follow("c", "d"))],
            &[3, 2, 1, 0],
        ),
        (
            "a circle",
            &[("1", follow("b", "c")), ("2", follow("c", "b")), ("3", follow("c", "c"))],
            &[0, 2, 1, 3],
        ),
    ];
    for (name, constraints, sequence) in table {
        assert_eq!(Rules::of(&document(1, &vips, constraints)).sequence, sequence, "{name}");
    }
}
