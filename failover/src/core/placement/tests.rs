//! What holds of any placement.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::{Candidate, place};
use crate::cib::{Cib, Colocation, Constraint, Declared, Order, Resource};
use crate::core::chart::Chart;
use crate::core::settings::{Role, Settings};
use crate::message::{Bar, Cause, Grant, Reach, Standing, Table, Unfit, Version};
use crate::name::{NodeId, NodeSet, VipId};
use crate::score::Score;

const NODES: usize = 4;
const VIPS: u32 = 3;

/// All that a placement depends on.
#[derive(Clone, Debug)]
struct Given {
    settings: Settings,
    cib: Cib,
    standings: Vec<Option<Standing>>,
    reach: Vec<Reach>,
    table: Table,
    patient: bool,
}

impl Given {
    fn candidates(&self) -> Vec<Candidate<'_>> {
        let nodes = (0..NODES).filter_map(NodeId::new).zip(self.standings.iter().zip(&self.reach));
        nodes
            .map(|(node, (standing, reach))| Candidate {
                node,
                standing: standing.as_ref(),
                same_file: true,
                reach: *reach,
                leads: node == self.settings.me,
            })
            .collect()
    }

    fn owners(&self, candidates: &[Candidate<'_>]) -> Vec<Option<NodeId>> {
        self.grants(candidates).iter().map(|grant| grant.owner).collect()
    }

    fn grants(&self, candidates: &[Candidate<'_>]) -> Vec<Grant> {
        place(&self.settings, &self.chart(), candidates, &self.table, self.patient)
    }

    fn chart(&self) -> Chart {
        Chart::of(&self.cib, &self.settings)
    }

    /// The same with other vips declared.
    fn declaring(mut self, change: impl FnOnce(&mut Vec<Resource>)) -> Self {
        change(&mut self.cib.declared.vips);
        self.settings.declared = self.cib.declared.clone();
        self
    }

    /// The same where a vip is worth this at a node.
    fn preferring(self, vip: usize, node: usize, score: Score) -> Self {
        self.declaring(|vips| vips[vip].prefer.extend([(node.to_string(), score)]))
    }

    /// The same where no two nodes that could have a vip are worth the same to it: all that is added to a preference comes
    /// in fifties, and nothing is "always".
    fn without_ties(mut self) -> Self {
        let tame =
            |score: &mut Score| *score = if *score == Score::INFINITY { Score::new(200) } else { *score };
        for constraint in self.cib.constraints.values_mut() {
            if let Constraint::Colocation(it) = constraint {
                tame(&mut it.score);
            }
        }
        self.declaring(|vips| {
            for vip in vips {
                for (node, few) in (0..NODES).zip(1..) {
                    let score = vip.prefer.entry(node.to_string()).or_default();
                    tame(score);
                    *score = *score + Score::new(few);
                }
            }
        })
    }

    /// The same after the vips went where they are to be.
    fn settled(self) -> Self {
        let grants = self.grants(&self.candidates());
        Self { table: Table { grants, ..self.table }, ..self }
    }
}

fn standing() -> impl Strategy<Value = Option<Standing>> {
    let leaves = prop::bool::weighted(0.2);
    let unfit = select(vec![None, None, Some(Unfit::Checks)]);
    let barred = select(vec![vec![], vec![], vec![(VipId::of("1"), Bar::Carrier)]]);
    let known = (leaves, unfit, barred).prop_map(|(leaves, unfit, barred)| Standing {
        leaves,
        unfit,
        file: 1,
        hears: NodeSet::default(),
        reach: Reach::default(),
        barred,
    });
    prop::option::weighted(0.8, known)
}

fn vip(id: u32) -> impl Strategy<Value = Resource> {
    let score = || select(vec![Score::NEG_INFINITY, Score::default(), Score::new(100), Score::INFINITY]);
    let stickiness = select(vec![Score::default(), Score::new(150), Score::INFINITY]);
    let prefer = btree_map((0..NODES).prop_map(|at| at.to_string()), score(), 0..=NODES);
    (prefer, stickiness).prop_map(move |(prefer, stickiness)| Resource {
        name: id.to_string(),
        addresses: vec!["192.0.2.1/24".into()],
        interface: "eth0".into(),
        prefer,
        stickiness,
        migration_threshold: 3,
        failure_timeout: Duration::from_secs(600),
    })
}

/// What a node may be worth that can have a vip.
fn possible() -> impl Strategy<Value = Score> {
    select(vec![Score::default(), Score::new(100), Score::INFINITY])
}

/// Vips that want to be together, apart, or not without another, at most in one way each.
fn constraints() -> impl Strategy<Value = BTreeMap<String, Constraint>> {
    let score = select(vec![Score::NEG_INFINITY, Score::new(-200), Score::new(200), Score::INFINITY]);
    let pair =
        |first: u32| (first + 1..=VIPS).prop_map(move |second| (second.to_string(), first.to_string()));
    let pair = || (1..VIPS).prop_flat_map(pair);
    let follow = (pair(), score)
        .prop_map(|((vip, with), score)| Constraint::Colocation(Colocation { vip, with, score }));
    let need = pair().prop_map(|(then, first)| Constraint::Order(Order { first, then }));
    vec(prop_oneof![follow, need], 0..3)
        .prop_map(|all| all.into_iter().enumerate().map(|(id, it)| (id.to_string(), it)).collect())
}

fn names(vips: u32) -> impl Strategy<Value = String> {
    (1..=vips).prop_map(|id| id.to_string())
}

/// What operators said, and what failed.
fn said() -> impl Strategy<Value = Cib> {
    let node = || (0..NODES).prop_map(|at| at.to_string());
    let failures = btree_map((names(VIPS), node()), 1..=4_u32, 0..3);
    (btree_map(names(VIPS), node(), 0..2), btree_set(node(), 0..2), failures, constraints()).prop_map(
        |(moves, standby, failures, constraints)| Cib {
            standby,
            constraints,
            moves,
            failures,
            ..Cib::default()
        },
    )
}

fn grant(id: u32) -> impl Strategy<Value = Grant> {
    let owner = prop::option::of((0..NODES).prop_map(|at| NodeId::new(at).unwrap()));
    let vip = VipId::of(&id.to_string());
    owner.prop_map(move |owner| Grant { vip, owner, cause: Cause::Vacant })
}

fn given() -> impl Strategy<Value = Given> {
    let reach = (0..3_u8, 0..=4_u8).prop_map(|(pings, realservers)| Reach { pings, realservers });
    let role = select(vec![Role::Director, Role::Director, Role::Witness]);
    let vips: Vec<_> = (1..=VIPS).map(vip).collect();
    let grants: Vec<_> = (1..=VIPS).map(grant).collect();
    let nodes = (vec(role, NODES), vec(standing(), NODES), vec(reach, NODES));
    (nodes, vips, grants, any::<bool>(), said()).prop_map(
        |((roles, standings, reach), vips, grants, patient, cib)| {
            let nodes = roles.into_iter().enumerate().map(|(id, role)| (id.to_string(), role)).collect();
            let settings = Settings {
                me: NodeId::new(0).unwrap(),
                links: 1,
                keepalive: Duration::from_millis(200),
                warntime: Duration::from_millis(500),
                deadtime: Duration::from_secs(1),
                initdead: Duration::from_secs(5),
                declared: Declared { nodes, vips, ..Declared::default() },
                tie_break: false,
                pings: true,
                dampen: Duration::from_secs(2),
            };
            let cib = Cib { declared: settings.declared.clone(), ..cib };
            Given {
                settings,
                cib,
                standings,
                reach,
                table: Table { version: Version::default(), grants },
                patient,
            }
        },
    )
}

proptest! {
    #[test]
    fn the_order_in_which_anything_is_written_does_not_matter(given in given()) {
        let mut turned = given.candidates();
        turned.reverse();
        prop_assert_eq!(given.owners(&turned), given.owners(&given.candidates()));
        let mut constraints: Vec<_> = given.cib.constraints.values().cloned().collect();
        constraints.reverse();
        let constraints = constraints.into_iter().enumerate().map(|(id, it)| (id.to_string(), it)).collect();
        let turned = Given { cib: Cib { constraints, ..given.cib.clone() }, ..given.clone() };
        prop_assert_eq!(turned.owners(&turned.candidates()), given.owners(&given.candidates()));
    }

    #[test]
    fn the_order_of_vips_matters_only_where_nothing_but_the_number_of_vips_decides(
        given in given(),
        order in Just((1..=VIPS).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let given = given.without_ties();
        let place = |vip: &Resource| order.iter().position(|id| id.to_string() == vip.name);
        let turned = given.clone().declaring(|vips| vips.sort_by_key(place));
        prop_assert_eq!(turned.owners(&turned.candidates()), given.owners(&given.candidates()));
    }

    #[test]
    fn it_does_not_matter_who_places(given in given(), me in 0..NODES) {
        let settings = Settings { me: NodeId::new(me).unwrap(), ..given.settings.clone() };
        let other = Given { settings, ..given.clone() };
        prop_assert_eq!(other.grants(&other.candidates()), given.grants(&given.candidates()));
    }

    #[test]
    fn nothing_moves_that_was_just_placed(given in given()) {
        let settled = given.settled();
        let owners: Vec<_> = settled.table.grants.iter().map(|grant| grant.owner).collect();
        prop_assert_eq!(settled.owners(&settled.candidates()), owners);
    }

    #[test]
    fn another_score_moves_its_vip_to_or_from_that_node_and_others_only_with_one_that_moved(
        given in given(),
        (vip, node) in (1..=VIPS, 0..NODES),
        [before, after] in [possible(), possible()],
    ) {
        let at = usize::try_from(vip).unwrap() - 1;
        let settled = given.preferring(at, node, before).settled();
        let from = settled.table.grants.clone();
        let changed = settled.preferring(at, node, after);
        let to = changed.grants(&changed.candidates());
        let moves: Vec<_> = from.iter().zip(&to).filter(|(from, to)| from.owner != to.owner).collect();
        let moved = |name: &str| moves.iter().any(|(from, _)| from.vip == VipId::of(name));
        for (from, to) in &moves {
            if from.vip == VipId::of(&vip.to_string()) {
                prop_assert!([from.owner, to.owner].contains(&NodeId::new(node)), "from {:?} to {:?}", from, to);
                continue;
            }
            let is_it = |name: &str| VipId::of(name) == from.vip;
            let follows = changed.cib.colocations().any(|(_, it)| is_it(&it.vip) && moved(&it.with));
            let needs = changed.cib.orders().any(|(_, it)| is_it(&it.then) && moved(&it.first));
            prop_assert!(follows || needs, "from {:?} to {:?}", from, to);
        }
    }

    #[test]
    fn who_falls_silent_moves_no_more_than_what_it_had(given in given(), silent in 0..NODES) {
        let mut settled = Given { cib: Cib { constraints: BTreeMap::new(), ..given.cib.clone() }, ..given }.settled();
        let before: Vec<_> = settled.table.grants.iter().map(|grant| grant.owner).collect();
        settled.standings[silent] = None;
        let after = settled.owners(&settled.candidates());
        for (from, to) in before.into_iter().zip(after) {
            prop_assert!(from == to || from.is_none() || from == NodeId::new(silent), "from {:?} to {:?}", from, to);
        }
    }

    #[test]
    fn only_who_can_own_a_vip_does(given in given()) {
        let chart = given.chart();
        let grants = given.grants(&given.candidates());
        for grant in &grants {
            let Some(owner) = grant.owner else { continue };
            prop_assert_eq!(given.settings.role(owner), Role::Director);
            let standing = given.standings[owner.index()].as_ref().expect("it is heard");
            prop_assert!(!standing.leaves && !chart.standby.contains(owner));
            prop_assert!(!standing.barred.iter().any(|(barred, _)| *barred == grant.vip));
            let vip = chart.vip(grant.vip).expect("it is in the document");
            prop_assert!(vip.failures(owner) < 3);
            let declared = given.cib.declared.vips.iter().find(|it| it.name == vip.name).unwrap();
            let preference = declared.prefer.get(&owner.index().to_string()).copied().unwrap_or_default();
            prop_assert!(preference > Score::NEG_INFINITY);
        }
        let owner = |name: &String| {
            let id = VipId::of(name);
            grants.iter().find(|grant| grant.vip == id).unwrap().owner
        };
        for (_, order) in given.cib.orders() {
            prop_assert!(owner(&order.then).is_none() || owner(&order.first).is_some());
        }
        for (_, it) in given.cib.colocations().filter(|(_, it)| it.score == Score::INFINITY) {
            prop_assert!(owner(&it.vip).is_none() || owner(&it.vip) == owner(&it.with));
        }
        for (_, it) in given.cib.colocations().filter(|(_, it)| it.score == Score::NEG_INFINITY) {
            prop_assert!(owner(&it.vip).is_none() || owner(&it.vip) != owner(&it.with));
        }
    }
}
