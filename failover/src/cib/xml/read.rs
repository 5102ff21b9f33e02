//! Reading: which elements there are, and what each of them becomes.

mod constraints;
mod nodes;
mod properties;
mod resources;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, ParsingOptions};

use super::element::{Element, Lines};
use super::ledger::{Ledger, Repair};
use super::mend::{AROUND, mend};
use super::{Dialect, Imported, Reading, Status, word};
use crate::cib::{Cib, Problems, text};
use properties::Properties;

pub(super) use constraints::{MOVE, PREFER, encoded};
pub(super) use resources::counted;
pub(super) use status::FAIL_COUNT;

pub(super) fn read(bytes: &[u8], reading: Reading) -> Result<Imported, Problems> {
    const MOST_NODES: u32 = 1_000_000;
    let ledger = Ledger::of(reading);
    let text = mend(bytes, &ledger)?;
    let lines = Lines::of(&text);
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let mut reader = Reader::of(&ledger);
    match Document::parse_with_options(&text, options) {
        Ok(document) => reader.document(&Element::new(document.root_element(), &lines, &ledger)),
        Err(error) => {
            let at = error.pos();
            let what = error
                .to_string()
                .replace(&format!(" at {}:{}", at.row, at.col), "")
                .replace(&format!("not '{AROUND}'"), "but the text ends")
                .replace(&format!("expected '{AROUND}' tag"), "there is nothing to close");
            let line = usize::try_from(at.row).unwrap_or_default();
            ledger.problem(
                line,
                format!("this is not XML: {}", printable(&what)),
                "compare the line with the original",
            );
        }
    }
    let Reader { whole, cib, status, .. } = reader;
    let (repairs, notes) = ledger.verdict()?;
    Ok(Imported { whole, cib, status, repairs, notes })
}

/// A message of the parser, which may have in it what was in the text.
fn printable(message: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    message.chars().map(escape).collect()
}

/// What may be in what.
const CHILDREN: &[(&str, &[&str])] = &[
    (
        AROUND,
        &[
            "cib",
            "configuration",
            "crm_config",
            "cluster_property_set",
            "nodes",
            "node",
            "resources",
            "primitive",
            "group",
            "clone",
            "master_slave",
            "master",
            "constraints",
            "rsc_location",
            "rsc_colocation",
            "rsc_order",
            "status",
            "node_state",
        ],
    ),
    ("cib", &["configuration", "status"]),
    ("configuration", &["crm_config", "nodes", "resources", "constraints"]),
    ("crm_config", &["cluster_property_set"]),
    ("nodes", &["node"]),
    ("resources", &["primitive", "group", "clone", "master_slave", "master"]),
    ("constraints", &["rsc_location", "rsc_colocation", "rsc_order"]),
    ("status", &["node_state"]),
];

/// The elements, by where they belong.
#[derive(Default)]
struct Sections<'n, 'a> {
    cibs: Vec<Element<'n, 'a>>,
    properties: Vec<Element<'n, 'a>>,
    nodes: Vec<Element<'n, 'a>>,
    resources: Vec<Element<'n, 'a>>,
    constraints: Vec<Element<'n, 'a>>,
    states: Vec<Element<'n, 'a>>,
}

impl<'n, 'a> Sections<'n, 'a> {
    /// Sorts what is in an element.
    fn sort(&mut self, parent: &Element<'n, 'a>) {
        let allowed = CHILDREN.iter().find(|(name, _)| *name == parent.name()).map_or(&[][..], |(_, it)| it);
        for element in parent.children() {
            match element.name() {
                name if !allowed.contains(&name) => element.refuse(),
                "cluster_property_set" => self.properties.push(element),
                "node" => self.nodes.push(element),
                "primitive" | "group" | "clone" | "master_slave" | "master" => self.resources.push(element),
                "rsc_location" | "rsc_colocation" | "rsc_order" => self.constraints.push(element),
                "node_state" => self.states.push(element),
                "cib" => {
                    self.sort(&element);
                    self.cibs.push(element);
                }
                _ => {
                    element.ignore(&["id"]);
                    element.end();
                    self.sort(&element);
                }
            }
        }
    }
}

/// What an id of a resource stands for.
#[derive(Clone)]
enum Target {
    /// A vip of this name, or a part of it.
    Vip(String),
    /// Something that lvsd does not take.
    Dropped,
}

/// What is read so far. What was wrong is missing in it, and was told already.
struct Reader<'n> {
    ledger: &'n Ledger,
    whole: bool,
    dialect: Dialect,
    cib: Cib,
    status: Status,
    properties: Properties,
    /// The names of nodes by what the text calls them, and by their ids.
    nodes: [BTreeMap<String, String>; 2],
    /// What nodes are said to have at all times.
    fixed: BTreeSet<String>,
    targets: BTreeMap<String, Target>,
    /// The attribute that says what a node pings.
    pingd: Option<String>,
}

impl<'n> Reader<'n> {
    fn of(ledger: &'n Ledger) -> Self {
        Self {
            ledger,
            whole: false,
            dialect: Dialect::Heartbeat,
            cib: Cib::default(),
            status: Status::default(),
            properties: Properties::default(),
            nodes: Default::default(),
            fixed: BTreeSet::new(),
            targets: BTreeMap::new(),
            pingd: None,
        }
    }

    fn document(&mut self, around: &Element<'n, '_>) {
        let mut sections = Sections::default();
        sections.sort(around);
        let Sections { cibs, properties, nodes, resources, constraints, states } = sections;
        self.whole = !cibs.is_empty();
        let schemas = cibs.iter().filter_map(|cib| cib.peek("validate-with"));
        if schemas.into_iter().any(|schema| schema.starts_with("pacemaker-")) {
            self.dialect = Dialect::Pacemaker;
        }
        for more in cibs.iter().skip(1) {
            more.problem("there is more than one <cib>", "take one of the two out");
        }
        if cibs.is_empty() && around.children().is_empty() {
            around.problem("there is no element", "is it the right file?");
        }
        unique_ids(around, self.ledger);
        for set in &properties {
            self.properties(set);
        }
        for node in &nodes {
            self.node(node);
        }
        for cib in &cibs {
            self.cib(cib);
        }
        for resource in &resources {
            self.resource(resource);
        }
        self.find_pingd(&constraints);
        for constraint in &constraints {
            self.constraint(constraint);
        }
        self.opt_in();
        for state in &states {
            self.state(state);
        }
        if let Some(multiplier) = self.properties.multiplier {
            self.cib.declared.multiplier = multiplier;
        }
        let bytes = self.cib.to_string().len();
        if bytes > text::MAX_BYTES {
            let most = text::MAX_BYTES;
            self.ledger.problem(
                0,
                format!("the document has {bytes} bytes"),
                format!("it has {most} at most"),
            );
        }
    }

    fn cib(&mut self, cib: &Element<'n, '_>) {
        let version = &mut self.cib.version;
        version.admin_epoch = cib.read(&["admin_epoch"], word::version).unwrap_or_default();
        version.epoch = cib.read(&["epoch"], word::version).unwrap_or_default();
        version.num_updates = cib.read(&["num_updates"], word::version).unwrap_or_default();
        self.status.quorate = cib.read(&["have_quorum", "have-quorum"], word::boolean).unwrap_or_default();
        let dc = cib.optional(&["dc_uuid", "dc-uuid"]);
        let [_, ids] = &self.nodes;
        self.status.dc = dc.and_then(|dc| ids.get(dc).cloned());
        if !cib.children().iter().any(|child| child.name() == "status") {
            self.ledger.repair(Repair::MissingStatus, cib.line);
        }
    }

    /// A name as lvsd has them. The same text is always the same name.
    fn name(&self, element: &Element<'_, '_>, text: &str) -> String {
        if word::is_name(text) {
            return text.to_owned();
        }
        if self.ledger.repair(Repair::Name, element.line) {
            element.note(format!("{} is called {} from now on", word::quoted(text), word::respelled(text)));
        }
        match word::respelled(text) {
            empty if empty.is_empty() => "_".to_owned(),
            name => name,
        }
    }
}

/// Tells ids that are there twice. Those of nodes and in the status mean something else.
fn unique_ids(around: &Element<'_, '_>, ledger: &Ledger) {
    let mut known = BTreeSet::new();
    let status = |element: &Element<'_, '_>| matches!(element.name(), "status" | "node_state");
    let mut skip = 0;
    for element in around.descendants() {
        if element.start() < skip {
            continue;
        }
        if status(&element) {
            skip = element.start() + element.source().len();
        } else if element.name() != "node" && element.peek("id").is_some_and(|id| !known.insert(id)) {
            ledger.repair(Repair::DuplicateId, element.line);
        }
    }
}
