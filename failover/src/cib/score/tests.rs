mod oracle;
mod order;

use std::collections::BTreeMap;

use super::{Node, Rules, Situation, common_file};
use crate::cib::{
    Cib, Colocation, Constraint, Declared, Expression, Location, Operation, Order, Resource, Rule, Worth,
};
use crate::core::{NodeState, Role};
use crate::message::Bar;
use crate::{NodeId, Score, VipId};

const ONLINE: Node<'static> =
    Node { state: NodeState::Online, pings: None, realservers: 2, leads: false, barred: &[] };

fn vip(name: &str) -> Resource {
    Resource { name: name.to_owned(), ..Resource::default() }
}

fn location(vip: &str, worth: Worth, rule: Rule) -> Constraint {
    Constraint::Location(Location { vip: vip.to_owned(), worth, rule })
}

fn asks(attribute: &str, operation: Operation, value: &str) -> Expression {
    Expression { attribute: attribute.to_owned(), operation, value: value.to_owned() }
}

/// As pingd is mostly used: what it says counts where it is there.
fn connected(vip: &str) -> Constraint {
    let defined = Rule::All(vec![asks("pingd", Operation::Defined, "")]);
    location(vip, Worth::Attribute("pingd".to_owned()), defined)
}

fn colocation(vip: &str, with: &str, score: Score) -> Constraint {
    Constraint::Colocation(Colocation { vip: vip.to_owned(), with: with.to_owned(), score })
}

fn order(first: &str, then: &str) -> Constraint {
    Constraint::Order(Order { first: first.to_owned(), then: then.to_owned() })
}

/// Directors called a, b and so on.
fn document(nodes: usize, vips: &[&str], constraints: &[(&str, Constraint)]) -> Cib {
    let nodes = ["a", "b", "c"].into_iter().take(nodes);
    Cib {
        declared: Declared {
            nodes: nodes.map(|name| (name.to_owned(), Role::Director)).collect(),
            vips: vips.iter().map(|name| vip(name)).collect(),
            ..Declared::default()
        },
        constraints: constraints.iter().map(|(id, it)| ((*id).to_owned(), it.clone())).collect(),
        ..Cib::default()
    }
}

fn id(index: usize) -> NodeId {
    NodeId::new(index).unwrap()
}

/// What each node is worth to a vip, and why.
fn told(cib: &Cib, vip: usize, nodes: &[Node<'_>], places: &[Option<NodeId>]) -> Vec<String> {
    let rules = Rules::of(cib);
    let now = Situation { nodes, owners: places, places };
    let tell = |node| {
        let terms = rules.terms(vip, id(node), &now);
        let terms: Vec<String> = terms.iter().map(|term| format!("{term}: {}", term.score.get())).collect();
        format!("{} = {}", rules.score(vip, id(node), &now).get(), terms.join(", "))
    };
    (0..nodes.len()).map(tell).collect()
}

#[test]
fn each_term_says_what_it_is() {
    let mut cib = document(3, &["web"], &[("up", connected("web"))]);
    cib.declared.multiplier = 100;
    cib.declared.nodes[2].1 = Role::Witness;
    let web = &mut cib.declared.vips[0];
    web.prefer = BTreeMap::from([("a".to_owned(), Score::new(200)), ("b".to_owned(), Score::new(-5))]);
    (web.stickiness, web.migration_threshold) = (Score::new(50), 3);
    cib.moves = BTreeMap::from([("web".to_owned(), "b".to_owned())]);
    let failed = |node: &str, count| (("web".to_owned(), node.to_owned()), count);
    cib.failures = BTreeMap::from([failed("a", 1), failed("b", 3)]);
    cib.standby.insert("b".to_owned());
    let barred = [(VipId::of("web"), Bar::Carrier), (VipId::of("mail"), Bar::Foreign)];
    let nodes = [
        Node { pings: Some(3), ..ONLINE },
        Node { pings: None, barred: &barred, ..ONLINE },
        Node { state: NodeState::Dead, pings: Some(0), ..ONLINE },
    ];
    assert_eq!(
        told(&cib, 0, &nodes, &[Some(id(0))]),
        [
            "550 = failed once: 0, prefers a: 200, stickiness: 50, location up: pingd = 300: 300",
            "-1000000 = is in standby: -1000000, its interface has no carrier: -1000000, failed 3 times: -1000000, \
             avoids b: -5, moved there: 1000000",
            "-1000000 = is a witness: -1000000, is not heard: -1000000, location up: pingd = 0: 0",
        ]
    );
}

#[test]
fn every_state_but_those_of_the_living_bars() {
    let cib = document(1, &["web"], &[]);
    // (state, told)
    let table = [
        (NodeState::Online, "0 = "),
        (NodeState::Suspect, "0 = "),
        (NodeState::Standby, "-1000000 = is in standby: -1000000"),
        (NodeState::Leaving, "-1000000 = has left: -1000000"),
        (NodeState::Left, "-1000000 = has left: -1000000"),
        (NodeState::Dead, "-1000000 = is not heard: -1000000"),
        (NodeState::Unknown, "-1000000 = is not heard: -1000000"),
    ];
    for (state, words) in table {
        assert_eq!(told(&cib, 0, &[Node { state, ..ONLINE }], &[None]), [words], "{state:?}");
    }
}

#[test]
fn expressions_compare_as_heartbeat_does() {
    let known = Node { pings: Some(9), leads: true, ..ONLINE };
    let unknown = Node { pings: None, ..ONLINE };
    // (attribute, operation, value, whether it holds where nine answer, and where nothing is known)
    let table = [
        ("pingd", Operation::Lt, "10", true, false),
        ("pingd", Operation::Lt, "9", false, false),
        ("pingd", Operation::Lte, "9", true, false),
        ("pingd", Operation::Gt, "8", true, false),
        ("pingd", Operation::Gt, "9", false, false),
        ("pingd", Operation::Gte, "9", true, false),
        ("pingd", Operation::Eq, "9", true, false),
        ("pingd", Operation::Eq, "x", false, false),
        ("pingd", Operation::Ne, "9", false, true),
        ("pingd", Operation::Ne, "10", true, true),
        ("pingd", Operation::Lt, "x", true, false),
        ("pingd", Operation::Defined, "", true, false),
        ("pingd", Operation::NotDefined, "", false, true),
        ("#uname", Operation::Eq, "a", true, true),
        ("#id", Operation::Eq, "a", true, true),
        ("#uname", Operation::Ne, "a", false, false),
        ("#uname", Operation::Lt, "b", true, true),
        ("#is_dc", Operation::Eq, "true", true, false),
        ("#is_dc", Operation::Eq, "false", false, true),
        ("kernel", Operation::Defined, "", false, false),
        ("kernel", Operation::Ne, "6", true, true),
    ];
    for (attribute, operation, value, holds, holds_unknown) in table {
        let rule = Rule::All(vec![asks(attribute, operation, value)]);
        let cib = document(1, &["web"], &[("it", location("web", Worth::Score(Score::new(1)), rule))]);
        for (node, holds) in [(known, holds), (unknown, holds_unknown)] {
            let expected = if holds { "1 = location it: 1" } else { "0 = " };
            assert_eq!(told(&cib, 0, &[node], &[None]), [expected], "{attribute} {operation:?} {value}");
        }
    }
}

#[test]
fn all_must_hold_or_any() {
    let [yes, no] = ["a", "b"].map(|name| asks("#uname", Operation::Eq, name));
    // (rule, whether it holds)
    let table = [
        (Rule::All(vec![]), true),
        (Rule::All(vec![yes.clone(), no.clone()]), false),
        (Rule::Any(vec![]), false),
        (Rule::Any(vec![yes, no.clone()]), true),
        (Rule::Any(vec![no]), false),
    ];
    for (rule, holds) in table {
        let cib =
            document(1, &["web"], &[("it", location("web", Worth::Score(Score::new(1)), rule.clone()))]);
        let expected = if holds { "1 = location it: 1" } else { "0 = " };
        assert_eq!(told(&cib, 0, &[ONLINE], &[None]), [expected], "{rule:?}");
    }
}

#[test]
fn an_attribute_that_is_not_known_counts_nothing_and_says_so() {
    let always = location("web", Worth::Attribute("pingd".to_owned()), Rule::All(vec![]));
    let cib = document(1, &["web"], &[("it", always)]);
    assert_eq!(told(&cib, 0, &[ONLINE], &[None]), ["0 = location it: pingd is not known: 0"]);
}

#[test]
fn vips_follow_others_and_wait_for_them() {
    // (name, score, where web is, what mail is told of a and b)
    let table = [
        (
            "always",
            Score::INFINITY,
            Some(0),
            ["0 = together with web (it): 0", "-1000000 = web is not there (it): -1000000"],
        ),
        (
            "always, of one that is nowhere",
            Score::INFINITY,
            None,
            ["-1000000 = web is not there (it): -1000000"; 2],
        ),
        ("never", Score::NEG_INFINITY, Some(0), ["-1000000 = apart from web (it): -1000000", "0 = "]),
        ("never, of one that is nowhere", Score::NEG_INFINITY, None, ["0 = "; 2]),
        ("rather", Score::new(5), Some(1), ["0 = ", "5 = together with web (it): 5"]),
        ("rather not", Score::new(-5), Some(1), ["0 = ", "-5 = apart from web (it): -5"]),
    ];
    for (name, score, web, expected) in table {
        let cib = document(2, &["mail", "web"], &[("it", colocation("mail", "web", score))]);
        assert_eq!(told(&cib, 0, &[ONLINE; 2], &[None, web.map(id)]), expected, "{name}");
        assert_eq!(
            told(&cib, 1, &[ONLINE; 2], &[Some(id(0)), None]),
            ["0 = "; 2],
            "{name}: web does not mind"
        );
    }

    let cib = document(2, &["mail", "web"], &[("it", order("web", "mail"))]);
    assert_eq!(told(&cib, 0, &[ONLINE; 2], &[None, None]), ["-1000000 = web is nowhere (it): -1000000"; 2]);
    assert_eq!(told(&cib, 0, &[ONLINE; 2], &[None, Some(id(1))]), ["0 = "; 2]);
}

#[test]
fn only_rules_that_ask_for_pings_count_them() {
    let cib = document(
        1,
        &["web", "mail", "news"],
        &[
            ("up", connected("web")),
            (
                "home",
                location(
                    "mail",
                    Worth::Score(Score::new(1)),
                    Rule::All(vec![asks("#uname", Operation::Eq, "a")]),
                ),
            ),
            (
                "off",
                location(
                    "news",
                    Worth::Score(Score::NEG_INFINITY),
                    Rule::All(vec![asks("pingd", Operation::Lt, "1")]),
                ),
            ),
        ],
    );
    let rules = Rules::of(&cib);
    assert_eq!([0, 1, 2, 3].map(|vip| rules.counts_pings(vip)), [true, false, true, false]);
}

#[test]
fn names_lead_to_places() {
    let mut cib = document(2, &["web", "mail"], &[]);
    cib.moves =
        BTreeMap::from([("mail".to_owned(), "b".to_owned()), ("web".to_owned(), "nowhere".to_owned())]);
    let rules = Rules::of(&cib);
    assert_eq!((rules.place_of(VipId::of("mail")), rules.place_of(VipId::of("news"))), (Some(1), None));
    assert_eq!((rules.node("b"), rules.node("c")), (Some(id(1)), None));
    assert_eq!((rules.moved(0), rules.moved(1), rules.moved(2)), (None, Some(id(1)), None));
}

#[test]
fn the_file_that_most_have_counts_and_of_several_what_most_had_and_then_the_dcs() {
    // (files of those that are heard, of all that are known, the DC's, the one that counts)
    type Row = (&'static [u64], &'static [u64], Option<u64>, Option<u64>);
    let table: [Row; 7] = [
        (&[1, 2, 2], &[1, 2, 2], Some(1), Some(2)),
        (&[1, 2], &[1, 2], Some(1), Some(1)),
        (&[1, 2], &[1, 2], Some(2), Some(2)),
        (&[1, 2], &[1, 1, 2], Some(2), Some(1)),
        (&[2, 2], &[1, 1, 1, 2, 2], Some(1), Some(2)),
        (&[1, 1, 2, 2, 3], &[1, 1, 2, 2, 3], Some(3), Some(2)),
        (&[], &[1], Some(1), None),
    ];
    for (heard, known, of_dc, expected) in table {
        assert_eq!(
            common_file(heard, known, of_dc),
            expected,
            "{heard:?} of {known:?}, and the DC has {of_dc:?}"
        );
    }
}
