//! Whether a document may take the place of another, and what would come of it.

use std::collections::BTreeSet;

use failover::cib::verify::{Finding, Severity};
use failover::cib::xml::Reading;
use failover::cib::{Cib, Constraint, Declared, Problems, Resource, Version};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::scene::Scene;

/// What a text is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// lvsd's own form.
    #[default]
    Toml,
    /// Heartbeat's, mended where it is damaged.
    Xml,
    /// Heartbeat's, without damage.
    StrictXml,
}

impl Source {
    /// From what the command line says.
    #[must_use]
    pub const fn of(xml: bool, strict: bool) -> Self {
        match (xml, strict) {
            (false, _) => Self::Toml,
            (true, false) => Self::Xml,
            (true, true) => Self::StrictXml,
        }
    }

    /// How much damage is mended, if it is XML.
    const fn reading(self) -> Option<Reading> {
        match self {
            Self::Toml => None,
            Self::Xml => Some(Reading::Tolerant),
            Self::StrictXml => Some(Reading::Strict),
        }
    }
}

/// A text that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// What it says.
    pub cib: Cib,
    /// Whether it is all of a document.
    pub whole: bool,
    /// What was mended, and what was not taken.
    pub told: Vec<String>,
}

/// Reads a text, which may come from anybody.
pub fn read(bytes: &[u8], source: Source) -> Result<Read, Problems> {
    let Some(reading) = source.reading() else {
        return Ok(Read { cib: Cib::read(bytes)?, whole: true, told: Vec::new() });
    };
    let imported = Cib::from_xml(bytes, reading)?;
    let repairs = imported.repairs.iter().map(ToString::to_string);
    let told = repairs.chain(imported.notes.iter().map(ToString::to_string)).collect();
    Ok(Read { cib: imported.cib, whole: imported.whole, told })
}

/// Why a document does not take the place of another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(Problems),
    /// It is a part only.
    #[error(
        "this is a part of a document; replace takes a whole <cib>: query it, put the part in, and replace it"
    )]
    Part,
    /// Another one is in force than the operator thinks.
    #[error("the document is {is}, not {wanted}: somebody changed it; query it again")]
    Stale {
        /// What is in force.
        is: Version,
        /// What was thought to be.
        wanted: Version,
    },
    /// A later one is in force.
    #[error("the document is {is}, and this one is {says}, made from an earlier one; query it again")]
    Earlier {
        /// What is in force.
        is: Version,
        /// What it says that it is.
        says: Version,
    },
    /// It would declare something.
    #[error("{} declared by lvsd.toml: change it there on every director, and reload\n{}", plural(.0.len()), lines(.0))]
    Declared(Vec<String>),
    /// It says what cannot be.
    #[error("{}", lines(.0))]
    Wrong(Vec<String>),
    /// Vips would be nowhere.
    #[error("{} nowhere; --force does it all the same\n{}", if .0.len() == 1 { "a vip would be" } else { "vips would be" }, lines(.0))]
    Outage(Vec<String>),
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "this is" } else { "these are" }
}

fn lines(of: &[String]) -> String {
    of.join("\n")
}

/// A document that may take the place of the one in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// It, as a later one.
    pub cib: Cib,
    /// What it was made from.
    pub base: Version,
    /// What else there is to say of it.
    pub told: Vec<String>,
    /// What it says else.
    pub changes: Vec<String>,
    /// What would move.
    pub moves: Vec<String>,
    /// What would be nowhere that is somewhere now.
    pub outage: Vec<String>,
}

impl Draft {
    /// Whether it says what is in force already.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.cib.version == self.base
    }
}

impl Scene {
    /// Looks at a document that is to take the place of the one in force.
    pub fn draft(&self, text: &[u8], source: Source, expected: Option<Version>) -> Result<Draft, Objection> {
        let committed = self.committed();
        let is = committed.version;
        if let Some(wanted) = expected.filter(|wanted| *wanted != is) {
            return Err(Objection::Stale { is, wanted });
        }
        let Read { mut cib, whole, mut told } = read(text, source).map_err(Objection::Unreadable)?;
        if !whole {
            return Err(Objection::Part);
        }
        if source.reading().is_some() {
            told.extend(adopt(&mut cib, committed)?);
        }
        if cib.version < is {
            return Err(Objection::Earlier { is, says: cib.version });
        }
        refuse_declaration(committed, &cib)?;
        let findings = cib.verify(Some(self.ping_hosts));
        let (wrong, odd): (Vec<Finding>, Vec<Finding>) =
            findings.into_iter().partition(|finding| finding.severity == Severity::Error);
        if !wrong.is_empty() {
            return Err(Objection::Wrong(wrong.iter().map(ToString::to_string).collect()));
        }
        told.extend(odd.iter().map(ToString::to_string));

        let said = Cib { version: is, ..cib.clone() };
        let changes: Vec<String> = committed.diff(&said).iter().map(ToString::to_string).collect();
        if !changes.is_empty() {
            cib.version = cib.version.max(is.configured());
        }
        let (moves, outage) = self.consequences(&cib);
        Ok(Draft { cib, base: is, told, changes, moves, outage })
    }

    /// What would move, and what would be nowhere.
    fn consequences(&self, cib: &Cib) -> (Vec<String>, Vec<String>) {
        let (before, after) = (self.forecast(self.committed()), self.forecast(cib));
        let (mut moves, mut outage) = (Vec::new(), Vec::new());
        for after in &after {
            let before = before.iter().find(|before| before.vip == after.vip).and_then(|it| it.then);
            let (from, to) = (after.name(before), after.name(after.then));
            let why = after.because();
            match (from, to) {
                (from, to) if from == to => {}
                (Some(from), Some(to)) => {
                    moves.push(format!("this would move {} from {from} to {to}, {why}", after.vip))
                }
                (None, to) => {
                    let to = to.unwrap_or_default();
                    moves.push(format!("this would bring {} to {to}, {why}", after.vip));
                }
                (Some(from), None) => {
                    outage.push(format!(
                        "this would take {} off {from} and leave it nowhere, {why}",
                        after.vip
                    ));
                }
            }
        }
        if moves.is_empty() && outage.is_empty() {
            moves.push("no vip would move".to_owned());
        }
        (moves, outage)
    }
}

/// Refuses what only a file may say.
fn refuse_declaration(committed: &Cib, cib: &Cib) -> Result<(), Objection> {
    let declared = |declared: &Cib| Cib { declared: declared.declared.clone(), ..Cib::default() };
    let changes = declared(committed).diff(&declared(cib));
    if changes.is_empty() {
        return Ok(());
    }
    Err(Objection::Declared(changes.iter().map(ToString::to_string).collect()))
}

/// Makes a document that was written elsewhere speak of what is declared here: vips are known by their addresses, nodes
/// by their names, and what XML has no certain words for is as it is declared. Says what was taken over.
pub fn adopt(cib: &mut Cib, committed: &Cib) -> Result<Vec<String>, Objection> {
    let (ours, theirs) = (&committed.declared, cib.declared.clone());
    let mut told = Vec::new();
    let mut undeclared = Vec::new();
    let mut names = Vec::new();
    for vip in &theirs.vips {
        match ours.vips.iter().find(|known| addresses(known) == addresses(vip)) {
            Some(known) => names.push((vip.name.clone(), known.name.clone())),
            None => undeclared.push(format!("+ vip {}: addresses = {}", vip.name, vip.addresses.join(", "))),
        }
    }
    let missing = ours.vips.iter().filter(|known| !names.iter().any(|(_, name)| *name == known.name));
    undeclared
        .extend(missing.map(|vip| format!("- vip {}: addresses = {}", vip.name, vip.addresses.join(", "))));
    let names_of =
        |nodes: &[(String, _)]| -> BTreeSet<String> { nodes.iter().map(|(name, _)| name.clone()).collect() };
    let (here, there) = (names_of(&ours.nodes), names_of(&theirs.nodes));
    undeclared.extend(there.difference(&here).map(|name| format!("+ node {name}")));
    undeclared.extend(here.difference(&there).map(|name| format!("- node {name}")));
    if !undeclared.is_empty() {
        return Err(Objection::Declared(undeclared));
    }

    for (from, to) in names.iter().filter(|(from, to)| from != to) {
        told.push(format!("{from} is vip {to}, which has its addresses"));
    }
    rename(cib, |vip| names.iter().find(|(from, _)| *from == vip).map_or(vip, |(_, to)| to.clone()));
    cib.declared = ours.clone();
    cib.declared.policy = theirs.policy;
    if theirs.multiplier != Declared::default().multiplier {
        cib.declared.multiplier = theirs.multiplier;
    }
    for known in &mut cib.declared.vips {
        let from = names.iter().find(|(_, to)| *to == known.name).map(|(from, _)| from);
        let Some(said) = theirs.vips.iter().find(|vip| Some(&vip.name) == from) else { continue };
        known.stickiness = said.stickiness;
        if !said.prefer.is_empty() {
            known.prefer.clone_from(&said.prefer);
        }
        let kept = [
            ("addresses", said.addresses != known.addresses),
            ("interface", said.interface != known.interface),
            ("migration_threshold", said.migration_threshold != known.migration_threshold),
            ("failure_timeout", said.failure_timeout != known.failure_timeout),
        ];
        let kept: Vec<&str> = kept.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect();
        if !kept.is_empty() {
            told.push(format!("vip {}: {} as lvsd.toml declares", known.name, kept.join(", ")));
        }
    }
    Ok(told)
}

/// What a vip is known by.
fn addresses(vip: &Resource) -> BTreeSet<String> {
    let bare =
        |text: &String| text.parse::<IpNet>().map_or_else(|_| text.clone(), |net| net.addr().to_string());
    vip.addresses.iter().map(bare).collect()
}

fn rename(cib: &mut Cib, name: impl Fn(String) -> String) {
    let take = |text: &mut String| *text = name(std::mem::take(text));
    for constraint in cib.constraints.values_mut() {
        match constraint {
            Constraint::Location(it) => take(&mut it.vip),
            Constraint::Colocation(it) => [&mut it.vip, &mut it.with].into_iter().for_each(take),
            Constraint::Order(it) => [&mut it.first, &mut it.then].into_iter().for_each(take),
        }
    }
    cib.moves = std::mem::take(&mut cib.moves).into_iter().map(|(vip, node)| (name(vip), node)).collect();
    let failures = std::mem::take(&mut cib.failures).into_iter();
    cib.failures = failures.map(|((vip, node), count)| ((name(vip), node), count)).collect();
}

#[cfg(test)]
mod tests;
