//! What differs between two documents: object by object, not line by line.

use std::collections::BTreeMap;
use std::fmt;

use super::Cib;

/// One difference. Its [`Display`](fmt::Display) is a line for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An object is there only later.
    Added {
        /// What it is, for example `location web-connected`.
        object: String,
        /// What is said of it.
        text: String,
    },
    /// An object was there only before.
    Removed {
        /// What it is.
        object: String,
        /// What was said of it.
        text: String,
    },
    /// Something else is said of an object.
    Changed {
        /// What it is.
        object: String,
        /// Of what.
        key: String,
        /// What was said; empty if nothing was.
        before: String,
        /// What is said; empty if nothing is.
        after: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { object, text } => write!(f, "+ {object}: {text}"),
            Self::Removed { object, text } => write!(f, "- {object}: {text}"),
            Self::Changed { object, key, before, after } => {
                let said = |text: &String| if text.is_empty() { "nothing".to_owned() } else { text.clone() };
                write!(f, "~ {object}: {key} = {} -> {}", said(before), said(after))
            }
        }
    }
}

impl Cib {
    /// What a later document says that this one does not, and the other way round.
    #[must_use]
    pub fn diff(&self, later: &Self) -> Vec<Change> {
        let (before, after) = (Objects::of(self), Objects::of(later));
        let mut changes = Vec::new();
        for (object, old) in &before.0 {
            match after.0.get(object) {
                None => changes.push(Change::Removed { object: object.clone(), text: listed(old) }),
                Some(new) => changes.extend(changed(object, old, new)),
            }
        }
        for (object, new) in after.0.iter().filter(|(object, _)| !before.0.contains_key(*object)) {
            changes.push(Change::Added { object: object.clone(), text: listed(new) });
        }
        changes
    }
}

type Fields = BTreeMap<String, String>;

/// The objects of a document, by what they are.
struct Objects(BTreeMap<String, Fields>);

impl Objects {
    /// From the document's own text, in which an object is a paragraph and each of its keys a line.
    fn of(cib: &Cib) -> Self {
        let text = cib.to_string();
        let mut objects: BTreeMap<String, Fields> = text.split("\n\n").map(object).collect();
        let names = |names: Vec<&str>| Fields::from([("order".to_owned(), names.join(", "))]);
        let (nodes, vips) = (&cib.declared.nodes, &cib.declared.vips);
        objects.insert("nodes".to_owned(), names(nodes.iter().map(|(name, _)| name.as_str()).collect()));
        objects.insert("vips".to_owned(), names(vips.iter().map(|vip| vip.name.as_str()).collect()));
        Self(objects)
    }
}

/// The keys by which objects are told apart.
const IDENTITIES: [(&str, &[&str]); 7] = [
    ("node", &["name"]),
    ("vip", &["name"]),
    ("location", &["id"]),
    ("colocation", &["id"]),
    ("order", &["id"]),
    ("move", &["vip"]),
    ("failure", &["vip", "node"]),
];

fn object(paragraph: &str) -> (String, Fields) {
    let mut lines = paragraph.lines().peekable();
    let title = lines.next_if(|line| line.starts_with('[')).unwrap_or("document");
    let title = title.trim_matches(['[', ']']);
    let pairs = lines.filter_map(|line| line.split_once(" = "));
    let mut fields: Fields = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let identity = IDENTITIES.iter().find(|(kind, _)| *kind == title).map_or(&[][..], |(_, keys)| *keys);
    let named = identity.iter().filter_map(|key| fields.remove(*key));
    let object = named.fold(title.to_owned(), |object, name| format!("{object} {}", name.trim_matches('"')));
    (object, fields)
}

fn changed<'a>(object: &'a str, old: &'a Fields, new: &'a Fields) -> impl Iterator<Item = Change> + 'a {
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let said = |fields: &Fields, key: &String| fields.get(key).cloned().unwrap_or_default();
    keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).map(move |key| Change::Changed {
        object: object.to_owned(),
        key: key.clone(),
        before: said(old, key),
        after: said(new, key),
    })
}

fn listed(fields: &Fields) -> String {
    fields.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::cib::sample::TEXT;
    use crate::cib::{Cib, arbitrary};

    /// What differs between two texts, a line for each.
    fn diff(before: &str, after: &str) -> Vec<String> {
        let read = |text: &str| Cib::read(text.as_bytes()).unwrap();
        read(before).diff(&read(after)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn objects_are_compared_by_what_they_are_called() {
        let edited = |from: &str, to: &str| {
            assert!(TEXT.contains(from), "{from}");
            diff(TEXT, &TEXT.replacen(from, to, 1))
        };
        assert_eq!(diff(TEXT, TEXT), [""; 0]);
        assert_eq!(edited("0.1.0", "0.2.0"), [r#"~ document: version = "0.1.0" -> "0.2.0""#]);
        assert_eq!(
            edited("prefer = { a = 200 }", "stickiness = \"always\""),
            ["~ vip web: prefer = { a = 200 } -> nothing", r#"~ vip web: stickiness = 0 -> "always""#]
        );
        assert_eq!(
            edited("stickiness = 50", "prefer = { a = 5 }"),
            ["~ vip mail: prefer = nothing -> { a = 5 }", "~ vip mail: stickiness = 50 -> 0"]
        );
        let failed = |count| format!("{TEXT}\n[[failure]]\nvip = \"web\"\nnode = \"a\"\ncount = {count}\n");
        assert_eq!(diff(&failed(1), &failed(2)), ["~ failure web a: count = 1 -> 2"]);
        let [before, after] = ["- colocation apart", "+ colocation away"]
            .map(|it| format!(r#"{it}: score = "never", vip = "mail", with = "web""#));
        assert_eq!(edited("id = \"apart\"", "id = \"away\""), [before.clone(), after]);
        let (without, _) = TEXT.split_once("\n[[colocation]]").unwrap();
        assert_eq!(diff(TEXT, without), [before]);
        let turned = TEXT
            .replace("name = \"a\"", "name = \"x\"")
            .replace("name = \"b\"", "name = \"a\"")
            .replace("name = \"x\"", "name = \"b\"");
        assert_eq!(diff(TEXT, &turned), ["~ nodes: order = a, b, w -> b, a, w"]);
    }

    proptest! {
        #[test]
        fn only_equal_documents_do_not_differ(one in arbitrary::cib(), other in arbitrary::cib()) {
            prop_assert_eq!(one.diff(&other).is_empty(), one == other);
            prop_assert_eq!(one.diff(&one), []);
        }
    }
}
