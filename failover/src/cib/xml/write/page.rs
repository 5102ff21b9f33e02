//! Tags, written one after the other.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::cib::xml::Dialect;

/// Text that grows by elements.
pub(super) struct Page {
    pub(super) dialect: Dialect,
    text: String,
    open: Vec<&'static str>,
    /// The ids that are in use.
    taken: BTreeSet<String>,
}

impl Page {
    /// A page on which some ids cannot be used but for what they mean.
    pub(super) fn new(dialect: Dialect, taken: BTreeSet<String>) -> Self {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        Self { dialect, text, open: Vec::new(), taken }
    }

    /// An id that is not in use yet: this, if possible.
    pub(super) fn id(&mut self, wanted: &str) -> String {
        let mut id = wanted.to_owned();
        let mut count = 1;
        while !self.taken.insert(id.clone()) {
            count += 1;
            id = format!("{wanted}-{count}");
        }
        id
    }

    /// A name whose words Heartbeat joins by `_`, and Pacemaker by `-`.
    pub(super) fn joined(&self, name: &'static str) -> Cow<'static, str> {
        match self.dialect {
            Dialect::Heartbeat => name.into(),
            Dialect::Pacemaker => name.replace('_', "-").into(),
        }
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.text.extend(std::iter::repeat_n("  ", self.open.len()));
        self.text.extend(["<", name]);
        for (name, value) in attributes {
            self.text.extend([" ", name, "=\""]);
            value.chars().for_each(|c| escape(c, &mut self.text));
            self.text.push('"');
        }
        self.text.push_str(end);
    }

    /// An element with nothing in it.
    pub(super) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>\n");
    }

    /// An element, and what is in it.
    pub(super) fn within(
        &mut self,
        name: &'static str,
        attributes: &[(&str, &str)],
        write: impl FnOnce(&mut Self),
    ) {
        self.tag(name, attributes, ">\n");
        self.open.push(name);
        let before = self.text.len();
        write(self);
        self.open.pop();
        if self.text.len() == before {
            self.text.truncate(before.saturating_sub(">\n".len()));
            self.text.push_str("/>\n");
        } else {
            self.tag(&format!("/{name}"), &[], ">\n");
        }
    }

    /// Named values, in a set of this name; none at all, if there are none.
    pub(super) fn pairs(&mut self, set: &'static str, id: &str, pairs: &[(&str, String)]) {
        if pairs.is_empty() {
            return;
        }
        let set_id = self.id(id);
        self.within(set, &[("id", &set_id)], |page| match page.dialect {
            Dialect::Heartbeat => page.within("attributes", &[], |page| page.listed(id, pairs)),
            Dialect::Pacemaker => page.listed(id, pairs),
        });
    }

    fn listed(&mut self, of: &str, pairs: &[(&str, String)]) {
        for (name, value) in pairs {
            let id = self.id(&format!("{of}-{name}"));
            self.leaf("nvpair", &[("id", &id), ("name", name), ("value", value)]);
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// Writes a character of a value. What XML has no way to write is written as the mark of what is lost.
fn escape(c: char, text: &mut String) {
    match c {
        '&' => text.push_str("&amp;"),
        '<' => text.push_str("&lt;"),
        '>' => text.push_str("&gt;"),
        '"' => text.push_str("&quot;"),
        '\t' => text.push_str("&#9;"),
        '\n' => text.push_str("&#10;"),
        '\r' => text.push_str("&#13;"),
        '\0'..' ' | '\u{fffe}' | '\u{ffff}' => text.push(char::REPLACEMENT_CHARACTER),
        c => text.push(c),
    }
}
