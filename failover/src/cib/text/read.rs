//! Reading the text, whoever wrote it.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::MAX_BYTES;
use super::section::{Notes, Section};
use super::value;
use crate::cib::{
    Cib, Colocation, Constraint, Declared, Expression, Location, Order, Problems, Resource, Rule, Worth,
};
use crate::name::{MAX_NODES, MAX_VIPS};
use crate::score::Score;

pub(super) fn read(bytes: &[u8]) -> Result<Cib, Problems> {
    if bytes.len() > MAX_BYTES {
        let what = format!("{} bytes are too many for a document", bytes.len());
        return Err(Problems::whole(what, format!("it has {MAX_BYTES} at most; is it the right file?")));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Problems::whole("this is not UTF-8", "save it as UTF-8, or is it the right file?"))?;
    let notes = Notes::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        notes.add(
            error.span().map_or(0, |span| span.start),
            error.message(),
            "see https://toml.io for the grammar",
        );
    }
    if !errors.is_empty() {
        return notes.verdict(Cib::default());
    }
    let cib = Parser::default().document(Section::new("the document", table, &notes));
    notes.verdict(cib)
}

/// What is read so far. What was wrong is empty in it, and was told already.
#[derive(Default)]
struct Parser {
    cib: Cib,
}

impl Parser {
    fn document(mut self, mut root: Section<'_, '_>) -> Cib {
        self.cib.version = root.required("version", value::version);
        if let Some(mut properties) = root.table("properties", "[properties]") {
            self.cib.declared = Declared {
                policy: properties.required("no_quorum_policy", value::policy),
                multiplier: properties.optional("ping_multiplier", value::count).unwrap_or(1),
                ..Declared::default()
            };
            properties.end();
        }
        bounded(root.tables("node", "[[node]]"), MAX_NODES).for_each(|section| self.node(section));
        bounded(root.tables("vip", "[[vip]]"), MAX_VIPS).for_each(|section| self.vip(section));
        root.tables("location", "[[location]]").into_iter().for_each(|section| self.location(section));
        root.tables("colocation", "[[colocation]]").into_iter().for_each(|section| self.colocation(section));
        root.tables("order", "[[order]]").into_iter().for_each(|section| self.order(section));
        root.tables("move", "[[move]]").into_iter().for_each(|section| self.moved(section));
        root.tables("failure", "[[failure]]").into_iter().for_each(|section| self.failure(section));
        root.end();
        self.cib
    }

    fn node(&mut self, mut section: Section<'_, '_>) {
        let name: String = section.required("name", value::name);
        let role = section.optional("role", value::role).unwrap_or_default();
        let standby = section.optional("standby", value::boolean).unwrap_or_default();
        if !name.is_empty() && self.cib.declared.nodes.iter().any(|(known, _)| *known == name) {
            section.complain(format!("there is already a node called {name:?}"), "take one of the two out");
        }
        section.end();
        if standby {
            self.cib.standby.insert(name.clone());
        }
        self.cib.declared.nodes.push((name, role));
    }

    fn vip(&mut self, mut section: Section<'_, '_>) {
        let vip = Resource {
            name: section.required("name", value::name),
            addresses: section.required("addresses", value::addresses),
            interface: section.required("interface", value::interface),
            prefer: prefer(&mut section),
            stickiness: section.optional("stickiness", value::score).unwrap_or_default(),
            migration_threshold: section.required("migration_threshold", value::count),
            failure_timeout: section.required("failure_timeout", value::duration),
        };
        if !vip.name.is_empty() && self.cib.declared.vips.iter().any(|known| known.name == vip.name) {
            section
                .complain(format!("there is already a vip called {:?}", vip.name), "take one of the two out");
        }
        section.end();
        self.cib.declared.vips.push(vip);
    }

    fn location(&mut self, mut section: Section<'_, '_>) {
        let id = section.required("id", value::name);
        let vip = section.required("vip", value::name);
        section.exclusive("score", "score_attribute");
        let worth = if section.has("score_attribute") {
            Worth::Attribute(section.required("score_attribute", value::attribute))
        } else {
            Worth::Score(section.required("score", value::score))
        };
        section.exclusive("all", "any");
        let rule = if section.has("any") {
            Rule::Any(expressions(&mut section, "any"))
        } else {
            Rule::All(expressions(&mut section, "all"))
        };
        self.constraint(section, id, Constraint::Location(Location { vip, worth, rule }));
    }

    fn colocation(&mut self, mut section: Section<'_, '_>) {
        let id = section.required("id", value::name);
        let colocation = Colocation {
            vip: section.required("vip", value::name),
            with: section.required("with", value::name),
            score: section.required("score", value::score),
        };
        self.constraint(section, id, Constraint::Colocation(colocation));
    }

    fn order(&mut self, mut section: Section<'_, '_>) {
        let id = section.required("id", value::name);
        let order = Order {
            first: section.required("first", value::name),
            then: section.required("then", value::name),
        };
        self.constraint(section, id, Constraint::Order(order));
    }

    fn constraint(&mut self, section: Section<'_, '_>, id: String, constraint: Constraint) {
        if !id.is_empty() && self.cib.constraints.contains_key(&id) {
            section.complain(format!("there is already a constraint {id:?}"), "give each an id of its own");
        }
        section.end();
        self.cib.constraints.insert(id, constraint);
    }

    fn moved(&mut self, mut section: Section<'_, '_>) {
        let vip: String = section.required("vip", value::name);
        let node = section.required("node", value::name);
        if !vip.is_empty() && self.cib.moves.contains_key(&vip) {
            section.complain(format!("{vip} is already moved"), "take one of the two out");
        }
        section.end();
        self.cib.moves.insert(vip, node);
    }

    fn failure(&mut self, mut section: Section<'_, '_>) {
        let at: (String, String) =
            (section.required("vip", value::name), section.required("node", value::name));
        let count = section.required("count", value::count);
        if !at.0.is_empty() && self.cib.failures.contains_key(&at) {
            section.complain(
                format!("failures of {} at {} are already counted", at.0, at.1),
                "take one of the two out",
            );
        }
        section.end();
        self.cib.failures.insert(at, count);
    }
}

/// As many as there can be.
fn bounded<'n, 'a>(sections: Vec<Section<'n, 'a>>, most: usize) -> impl Iterator<Item = Section<'n, 'a>> {
    if let Some(section) = sections.get(most) {
        section.complain(
            format!("there are {}, and {most} are possible", sections.len()),
            "take the others out",
        );
    }
    sections.into_iter().take(most)
}

fn prefer(section: &mut Section<'_, '_>) -> BTreeMap<String, Score> {
    let pairs = section.pairs("prefer", value::score).into_iter();
    let valid = pairs.filter_map(|(node, score)| {
        let valid = value::is_name(node.get_ref());
        if !valid {
            section
                .complain(format!("{} is not the name of a node", value::quoted(node.get_ref())), "name one");
        }
        valid.then(|| (node.into_inner().into_owned(), score))
    });
    valid.collect()
}

fn expressions(section: &mut Section<'_, '_>, key: &'static str) -> Vec<Expression> {
    let expression = |mut section: Section<'_, '_>| {
        let attribute = section.required("attribute", value::attribute);
        let operation = section.required("operation", value::operation)?;
        let value =
            if operation.compares() { section.required("value", value::comparand) } else { String::new() };
        section.end();
        Some(Expression { attribute, operation, value })
    };
    section.tables(key, "an expression").into_iter().filter_map(expression).collect()
}
