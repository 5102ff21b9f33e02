//! Elements that are taken apart attribute by attribute, so that what is left over is what nobody knows.

use std::cell::RefCell;

use roxmltree::Node;

use super::ledger::{Ledger, Repair};
use super::word::{Fault, quoted};

/// Where lines start, to find them by bytes.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn of_byte(&self, at: usize) -> usize {
        self.0.partition_point(|&end| end < at) + 1
    }
}

/// An element of the text.
pub(super) struct Element<'n, 'a> {
    node: Node<'a, 'a>,
    lines: &'n Lines,
    pub(super) ledger: &'n Ledger,
    /// The line where it starts.
    pub(super) line: usize,
    /// The attributes that nobody asked for yet.
    left: RefCell<Vec<&'a str>>,
}

/// Names of one thing, spelled as Heartbeat does and as Pacemaker does; and others of old, which are mended.
pub(super) type Names = &'static [&'static str];

/// Whether two names differ only in how words are joined.
fn alike(one: &str, other: &str) -> bool {
    let letter = |byte: &u8| !b"-_".contains(byte);
    one.bytes().filter(letter).eq(other.bytes().filter(letter))
}

/// Picks what is called by one of the names; what only is alike is mended.
pub(super) fn called(names: Names, name: &str, mend: impl FnOnce()) -> bool {
    if names.contains(&name) {
        return true;
    }
    let alike = names.iter().any(|known| alike(known, name));
    if alike {
        mend();
    }
    alike
}

impl<'n, 'a> Element<'n, 'a> {
    pub(super) fn new(node: Node<'a, 'a>, lines: &'n Lines, ledger: &'n Ledger) -> Self {
        let line = lines.of_byte(node.range().start);
        let left = node.attributes().map(|attribute| attribute.name()).collect();
        Self { node, lines, ledger, line, left: RefCell::new(left) }
    }

    pub(super) fn name(&self) -> &'a str {
        self.node.tag_name().name()
    }

    /// Where it starts, in bytes.
    pub(super) fn start(&self) -> usize {
        self.node.range().start
    }

    /// Its text, as it is.
    pub(super) fn source(&self) -> &'a str {
        self.node.document().input_text().get(self.node.range()).unwrap_or_default()
    }

    /// An attribute that may be absent.
    pub(super) fn optional(&self, names: Names) -> Option<&'a str> {
        let mend = || {
            self.ledger.repair(Repair::Spelling, self.line);
        };
        let name = self.left.borrow().iter().copied().find(|name| called(names, name, mend))?;
        self.left.borrow_mut().retain(|left| *left != name);
        self.node.attribute(name)
    }

    /// An attribute that must be there; if it is not, that is told.
    pub(super) fn required(&self, names: Names) -> Option<&'a str> {
        let value = self.optional(names);
        if value.is_none() {
            let name = names.first().copied().unwrap_or_default();
            self.problem(format!("<{}> has no {name}", self.name()), format!("add {name}=\"...\""));
        }
        value
    }

    /// An attribute that may be absent, read.
    pub(super) fn read<T>(&self, names: Names, reader: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        self.optional(names).and_then(|value| self.value(value, reader))
    }

    /// What a value says; if nothing, that is told.
    pub(super) fn value<T>(&self, value: &str, reader: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        reader(value).map_err(|Fault { what, help }| self.problem(what, help)).ok()
    }

    /// Its id, which means nothing; one that is not there is mended.
    pub(super) fn label(&self) -> Option<&'a str> {
        let id = self.optional(&["id"]);
        if id.is_none() {
            self.ledger.repair(Repair::MissingId, self.line);
        }
        id
    }

    /// Asks for attributes that mean nothing to lvsd.
    pub(super) fn ignore(&self, names: Names) {
        self.left.borrow_mut().retain(|left| !names.contains(left));
    }

    /// Complains of the attributes that nobody asked for.
    pub(super) fn end(&self) {
        for name in self.left.borrow().iter() {
            let what = format!("{} of <{}> is not supported", quoted(name), self.name());
            self.problem(what, "take it out");
        }
    }

    /// The elements in it. Text in it is a problem.
    pub(super) fn children(&self) -> Vec<Self> {
        let mut children = Vec::new();
        for node in self.node.children() {
            if node.is_element() {
                children.push(Self::new(node, self.lines, self.ledger));
            } else if let Some(text) = node.text().filter(|text| node.is_text() && !text.trim().is_empty()) {
                let line = self.lines.of_byte(node.range().start);
                let what = format!("there is text in <{}>: {}", self.name(), quoted(text.trim()));
                self.ledger.problem(line, what, "take it out; is the listing complete?");
            }
        }
        children
    }

    /// All elements in it, at any depth, and itself.
    pub(super) fn descendants(&self) -> impl Iterator<Item = Self> {
        let elements = self.node.descendants().filter(Node::is_element);
        elements.map(|node| Self::new(node, self.lines, self.ledger))
    }

    /// An attribute by exactly this name, without asking for it.
    pub(super) fn peek(&self, name: &str) -> Option<&'a str> {
        self.node.attribute(name)
    }

    pub(super) fn problem(&self, what: impl Into<String>, help: impl Into<String>) {
        self.ledger.problem(self.line, what, help);
    }

    pub(super) fn note(&self, what: impl Into<String>) {
        self.ledger.note(self.line, what);
    }

    /// Refuses an element that has no place here.
    pub(super) fn refuse(&self) {
        let name = self.name();
        match UNSUPPORTED.iter().find(|(unsupported, _)| *unsupported == name) {
            Some((_, help)) => self.problem(format!("<{name}> is not supported here"), *help),
            None => self.problem(format!("<{}> is not known here", shown(name)), "take it out"),
        }
    }
}

/// The name of an element, not too long.
fn shown(name: &str) -> String {
    quoted(name).trim_matches('"').to_owned()
}

/// Elements that say what lvsd has no word for: (name, what mends it).
const UNSUPPORTED: &[(&str, &str)] = &[
    ("instance_attributes", "put it into the resource or the node that it belongs to"),
    ("meta_attributes", "put it into the resource that it belongs to"),
    ("rule", "write it into <rsc_location>, and none within another"),
    ("date_expression", "take it out: what holds does not depend on the time"),
    ("lifetime", "take it out: constraints hold until they are removed"),
    ("resource_set", "write a constraint for each pair"),
    ("template", "write each resource in full"),
    ("bundle", "take it out: vips only are placed"),
    ("rsc_ticket", "take it out: there are no tickets"),
    ("tickets", "take it out: there are no tickets"),
    ("acls", "take it out: who may write to the control socket may command"),
    ("alerts", "take it out, and follow `lvsd events`"),
    ("fencing-topology", "take it out: a director without a lease gives up by itself"),
    ("utilization", "take it out: vips use nothing up"),
    ("tags", "take it out: vips and nodes go by their names"),
    ("op_defaults", "take it out: lvsd watches addresses by itself"),
    ("rsc_defaults", "write its values into each resource"),
];

/// Named values of an element: of its `instance_attributes`, of its `meta_attributes`.
#[derive(Default)]
pub(super) struct Pairs<'n, 'a>(RefCell<Vec<Pair<'n, 'a>>>);

/// A named value.
pub(super) struct Pair<'n, 'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) element: Element<'n, 'a>,
}

impl<'n, 'a> Pairs<'n, 'a> {
    /// Adds what an element has, with or without `<attributes>` around it.
    pub(super) fn add(&mut self, set: &Element<'n, 'a>) {
        set.label();
        set.ignore(&["score"]);
        set.end();
        for element in set.children() {
            match element.name() {
                "attributes" => {
                    element.end();
                    element.children().into_iter().for_each(|pair| self.pair(pair));
                }
                _ => self.pair(element),
            }
        }
    }

    fn pair(&mut self, element: Element<'n, 'a>) {
        if element.name() != "nvpair" {
            return element.refuse();
        }
        element.label();
        let name = element.required(&["name"]);
        let value = element.optional(&["value"]).unwrap_or_default();
        element.end();
        if let Some(name) = name {
            self.0.get_mut().push(Pair { name, value, element });
        }
    }

    /// Takes what is called so. Of several the first counts, as in Heartbeat.
    pub(super) fn take(&self, names: Names) -> Option<Pair<'n, 'a>> {
        let mut pairs = self.0.borrow_mut();
        let at = pairs.iter().position(|pair| {
            called(names, pair.name, || {
                pair.element.ledger.repair(Repair::Spelling, pair.element.line);
            })
        })?;
        let pair = pairs.remove(at);
        pairs.retain(|other| !names.contains(&other.name));
        Some(pair)
    }

    /// Takes what is called so, and reads it.
    pub(super) fn read<T>(&self, names: Names, reader: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        let pair = self.take(names)?;
        pair.element.value(pair.value, reader)
    }

    /// Takes what means nothing to lvsd.
    pub(super) fn ignore(&self, names: Names) {
        self.0.borrow_mut().retain(|pair| !names.iter().any(|name| alike(name, pair.name)));
    }

    /// What is left.
    pub(super) fn rest(self) -> Vec<Pair<'n, 'a>> {
        self.0.into_inner()
    }

    /// Notes what is left.
    pub(super) fn end(self, of: &str) {
        for pair in self.rest() {
            pair.element.note(format!("{} of {of} is not taken", quoted(pair.name)));
        }
    }
}
