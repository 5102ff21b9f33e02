mod refused;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::MAX_BYTES;
use crate::Score;
use crate::cib::{
    Cib, Colocation, Constraint, Declared, Expression, Location, Operation, Order, Resource, Rule, Version,
    Worth, arbitrary,
};
use crate::core::{NoQuorum, Role};

const EVERYTHING: &str = r##"version = "0.3.1"

[properties]
no_quorum_policy = "freeze"
ping_multiplier = 100

[[node]]
name = "litsha22"
role = "director"
standby = true

[[node]]
name = "litsha21"
role = "witness"
standby = false

[[vip]]
name = "web"
addresses = ["192.0.2.205/24", "2001:db8::205/64"]
interface = "eth0"
prefer = { "litsha.21" = 200, litsha22 = "never" }
stickiness = "always"
migration_threshold = 3
failure_timeout = "10m"

[[location]]
id = "connected"
vip = "web"
score_attribute = "pingd"
all = [{ attribute = "pingd", operation = "defined" }, { attribute = "#uname", operation = "ne", value = "a \"b\" \\" }]

[[location]]
id = "stopped"
vip = "web"
score = "never"

[[colocation]]
id = "apart"
vip = "mail"
with = "web"
score = -5

[[order]]
id = "web-first"
first = "web"
then = "mail"

[[move]]
vip = "web"
node = "litsha22"

[[failure]]
vip = "web"
node = "litsha21"
count = 2
"##;

fn everything() -> Cib {
    let name = str::to_owned;
    let asks = |attribute, operation, value| Expression {
        attribute: name(attribute),
        operation,
        value: name(value),
    };
    let connected = Location {
        vip: name("web"),
        worth: Worth::Attribute(name("pingd")),
        rule: Rule::All(vec![
            asks("pingd", Operation::Defined, ""),
            asks("#uname", Operation::Ne, r#"a "b" \"#),
        ]),
    };
    let stopped =
        Location { vip: name("web"), worth: Worth::Score(Score::NEG_INFINITY), rule: Rule::All(Vec::new()) };
    let apart = Colocation { vip: name("mail"), with: name("web"), score: Score::new(-5) };
    let constraints = [
        ("connected", Constraint::Location(connected)),
        ("stopped", Constraint::Location(stopped)),
        ("apart", Constraint::Colocation(apart)),
        ("web-first", Constraint::Order(Order { first: name("web"), then: name("mail") })),
    ];
    Cib {
        version: Version { admin_epoch: 0, epoch: 3, num_updates: 1 },
        declared: Declared {
            policy: NoQuorum::Freeze,
            multiplier: 100,
            nodes: vec![(name("litsha22"), Role::Director), (name("litsha21"), Role::Witness)],
            vips: vec![Resource {
                name: name("web"),
                addresses: vec![name("192.0.2.205/24"), name("2001:db8::205/64")],
                interface: name("eth0"),
                prefer: BTreeMap::from([
                    (name("litsha.21"), Score::new(200)),
                    (name("litsha22"), Score::NEG_INFINITY),
                ]),
                stickiness: Score::INFINITY,
                migration_threshold: 3,
                failure_timeout: Duration::from_secs(600),
            }],
        },
        standby: BTreeSet::from([name("litsha22")]),
        constraints: constraints.map(|(id, constraint)| (name(id), constraint)).into(),
        moves: BTreeMap::from([(name("web"), name("litsha22"))]),
        failures: BTreeMap::from([((name("web"), name("litsha21")), 2)]),
    }
}

#[test]
fn everything_has_its_place() {
    assert_eq!(everything().to_string(), EVERYTHING);
    assert_eq!(Cib::read(EVERYTHING.as_bytes()), Ok(everything()));
}

#[test]
fn the_document_says_itself_what_it_looks_like() {
    let shown: String = include_str!("../text.rs")
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .flat_map(|line| [line.strip_prefix("//! ").unwrap_or_default(), "\n"])
        .collect();
    let cib = Cib::read(shown.as_bytes()).unwrap();
    assert_eq!((cib.constraints.len(), cib.moves.len(), cib.failures.len()), (3, 1, 1));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(cib in arbitrary::cib()) {
        let text = cib.to_string();
        prop_assert_eq!(Cib::read(text.as_bytes()), Ok(cib), "{}", text);
    }

    #[test]
    fn documents_that_differ_have_other_digests(one in arbitrary::cib(), other in arbitrary::cib()) {
        prop_assert_eq!(one == other, one.digest() == other.digest());
    }
}

#[test]
fn a_text_in_another_order_is_the_same_document() {
    let (head, tail) = EVERYTHING.split_once("[[location]]").unwrap();
    let (locations, rest) = tail.split_once("\n[[colocation]]").unwrap();
    let shuffled = format!("{head}[[colocation]]{rest}\n[[location]]{locations}");
    assert_ne!(shuffled, EVERYTHING);
    assert_eq!(Cib::read(shuffled.as_bytes()).unwrap().to_string(), EVERYTHING);
}

#[test]
fn all_problems_are_told_at_once() {
    let text = EVERYTHING.replace("\"always\"", "\"ever\"").replace("count = 2", "count = -2");
    let problems = Cib::read(text.as_bytes()).expect_err("two are wrong");
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [22, 55]);
}

#[test]
fn a_text_that_is_none_is_refused_as_a_whole() {
    let refused = |bytes: &[u8]| Cib::read(bytes).expect_err("it is none").to_string();
    assert_eq!(
        refused(b"version = \"\xff\""),
        "this is not UTF-8; save it as UTF-8, or is it the right file?"
    );
    assert_eq!(
        refused(&vec![b'#'; MAX_BYTES + 1]),
        "65537 bytes are too many for a document; it has 65536 at most; is it the right file?"
    );
    assert_eq!(
        refused(b""),
        "line 1: the document has no `version`; add `version`\nline 1: there is no [properties]; add [properties]"
    );
}
