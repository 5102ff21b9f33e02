//! Rules as nft reads them, and as it lists them.

use std::fmt::{self, Write as _};

use super::rule::Rule;

/// The table. It has a name of its own, so that nobody else's is touched.
pub const TABLE: &str = "inet lvsd";

/// Just before those of others (`srcnat`, 100): of several chains, the first that gives a flow a source decides.
const PRIORITY: i32 = 90;

/// A rule as the kernel holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Its comment; empty if it has none.
    pub tag: String,
    /// The rest of it, in nft's words.
    pub text: String,
}

impl From<&Rule> for Present {
    fn from(rule: &Rule) -> Self {
        Self { tag: rule.tag(), text: rule.text() }
    }
}

/// What replaces the table by one with these rules, in one transaction; without rules there is no table.
#[must_use]
pub fn script(rules: &[Rule]) -> String {
    // Adding it first makes the deletion succeed when there is none.
    let mut script = format!("add table {TABLE}\ndelete table {TABLE}\n");
    if rules.is_empty() {
        return script;
    }
    let _ = writeln!(script, "table {TABLE} {{\n\tchain postrouting {{");
    let _ = writeln!(script, "\t\ttype nat hook postrouting priority {PRIORITY}; policy accept;");
    for rule in rules {
        let _ = writeln!(script, "\t\t{} comment \"{}\"", rule.text(), rule.tag());
    }
    script.push_str("\t}\n}\n");
    script
}

/// The rules in the text of `nft list table`.
#[must_use]
pub fn listed(text: &str) -> Vec<Present> {
    let is_rule = |line: &&str| {
        let frame = ["table ", "chain ", "type "].iter().any(|word| line.starts_with(word));
        !line.is_empty() && *line != "}" && !frame
    };
    let present = |line: &str| match line.strip_suffix('"').and_then(|line| line.rsplit_once(" comment \"")) {
        Some((text, tag)) => Present { tag: tag.to_owned(), text: text.to_owned() },
        None => Present { tag: String::new(), text: line.to_owned() },
    };
    text.lines().map(str::trim).filter(is_rule).map(present).collect()
}

/// Something to change, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A rule that is missing: to whom it belongs, and what it says.
    Add(String, String),
    /// A rule that is not to be there.
    Remove(String, String),
    /// The rules are there in another order.
    Order,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(of, rule) => write!(f, "add rule of {of}: {rule}"),
            Self::Remove(of, rule) => write!(f, "remove rule of {of}: {rule}"),
            Self::Order => f.write_str("put the rules into their order"),
        }
    }
}

/// What differs between the rules that are wanted and those that are there; nothing if they are the same.
#[must_use]
pub fn changes(wanted: &[Rule], present: &[Present]) -> Vec<Change> {
    let tags: Vec<String> = wanted.iter().map(Rule::tag).collect();
    if tags.iter().eq(present.iter().map(|present| &present.tag)) {
        return Vec::new();
    }
    let missing = wanted.iter().zip(&tags).filter(|(_, tag)| present.iter().all(|it| it.tag != **tag));
    let surplus = present.iter().filter(|it| !tags.contains(&it.tag));
    let mut changes: Vec<Change> = surplus
        .map(|it| Change::Remove(it.owner().unwrap_or("somebody else").to_owned(), it.text.clone()))
        .collect();
    changes.extend(missing.map(|(rule, _)| Change::Add(rule.of.clone(), rule.to_string())));
    if changes.is_empty() {
        changes.push(Change::Order);
    }
    changes
}

impl Present {
    /// Whose rule its tag says it is.
    pub(super) fn owner(&self) -> Option<&str> {
        self.tag.rsplit_once(' ').map(|(owner, _)| owner)
    }
}

/// Changes in numbers: `2 rules added, 1 rule removed`; nothing if there are none.
#[must_use]
pub fn summary(changes: &[Change]) -> Option<String> {
    let count = |is: fn(&Change) -> bool| changes.iter().filter(|change| is(change)).count();
    let parts = [
        (count(|it| matches!(it, Change::Add(..))), "added"),
        (count(|it| matches!(it, Change::Remove(..))), "removed"),
        (count(|it| matches!(it, Change::Order)), "reordered"),
    ];
    let said = parts.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = said
        .map(|(count, verb)| format!("{count} {} {verb}", if count == 1 { "rule" } else { "rules" }))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}
