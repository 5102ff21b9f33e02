use super::EVERYTHING;
use crate::cib::Cib;

/// (name, what is replaced, by what, what is told)
const TABLE: &[(&str, &str, &str, &str)] = &[
    (
        "a key nobody knows",
        "count = 2",
        "count = 2\nmore = 1",
        "line 56: [[failure]] has no key \"more\"; its keys are `vip`, `node`, `count`",
    ),
    (
        "a section nobody knows",
        "[[move]]",
        "[[moves]]",
        "line 48: the document has no key \"moves\"; its keys are `version`, `properties`, `node`, `vip`, `location`, `colocation`, `order`, `move`, `failure`",
    ),
    ("a key that is missing", "count = 2\n", "", "line 52: [[failure]] has no `count`; add `count`"),
    (
        "a key twice",
        "count = 2",
        "count = 2\ncount = 3",
        "line 56: duplicate key; see https://toml.io for the grammar",
    ),
    (
        "no TOML",
        "count = 2",
        "count = two",
        "line 55: invalid boolean, expected `true`; see https://toml.io for the grammar",
    ),
    (
        "a version",
        "\"0.3.1\"",
        "\"0.3\"",
        "line 1: this is not a version; write it as \"0.3.1\": admin_epoch.epoch.num_updates",
    ),
    (
        "a policy",
        "\"freeze\"",
        "\"fly\"",
        "line 4: \"fly\" is not known here; it is one of \"stop\", \"freeze\", \"ignore\"",
    ),
    (
        "a node twice",
        "\"litsha21\"\nrole",
        "\"litsha22\"\nrole",
        "line 12: there is already a node called \"litsha22\"; take one of the two out",
    ),
    (
        "a constraint twice",
        "\"apart\"",
        "\"stopped\"",
        "line 37: there is already a constraint \"stopped\"; give each an id of its own",
    ),
    (
        "a name",
        "\"web-first\"",
        "\"web first\"",
        "line 44: \"web first\" is not a name; a name is 1 to 128 of the characters A-Z a-z 0-9 . _ : -",
    ),
    (
        "an address",
        "2001:db8::205/64",
        "2001:db8::205/129",
        "line 19: \"2001:db8::205/129\" is not an address with a prefix; write addresses with the length of their prefix, for example [\"192.0.2.1/24\"]",
    ),
    (
        "a score",
        "score = -5",
        "score = -1000001",
        "line 41: this is not a score; use a number from -1000000 to 1000000 without quotes, \"always\" or \"never\"",
    ),
    (
        "a time",
        "\"10m\"",
        "\"ten minutes\"",
        "line 24: \"ten minutes\" is not a time; write a whole number and a unit (ms, s, m, h, d) in quotes, for example \"10m\"",
    ),
    (
        "a worth too many",
        "score_attribute =",
        "score = 5\nscore_attribute =",
        "line 26: `score` and `score_attribute` exclude each other; keep one of them",
    ),
    (
        "an operation",
        "\"defined\"",
        "\"undefined\"",
        "line 30: \"undefined\" is not known here; it is one of lt, gt, lte, gte, eq, ne, defined, not_defined",
    ),
    (
        "a value of nothing",
        "\"defined\"",
        "\"defined\", value = \"1\"",
        "line 30: an expression has no key \"value\"; its keys are `attribute`, `operation`",
    ),
    (
        "not a list of tables",
        "[[order]]",
        "[order]",
        "line 43: `order` is not a list of tables; write [[order]]",
    ),
];

#[test]
fn what_is_wrong_is_told_with_its_line_and_what_mends_it() {
    for (name, from, to, told) in TABLE {
        let text = EVERYTHING.replacen(from, to, 1);
        assert_ne!(text, EVERYTHING, "{name}");
        let problems = Cib::read(text.as_bytes()).expect_err(name);
        assert_eq!(problems.to_string(), *told, "{name}");
    }
}
