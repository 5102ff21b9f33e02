//! Walking the parsed file: tables with known keys, and values that are read one by one.
//!
//! By hand rather than derived, because serde stops at the first wrong type and an operator wants to hear of
//! all of them.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::report::{Problems, Reported, Span};

/// A value of the file with its place.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// Something read from the file, with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// Why a value was not taken.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) help: Cow<'static, str>,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>, help: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), help: help.into() }
    }
}

/// Reads a value, or reports why it cannot be.
pub(super) fn read<'a, T>(
    problems: &Problems,
    value: &'a Value<'a>,
    reader: impl FnOnce(&'a DeValue<'a>) -> Result<T, Fault>,
) -> Result<At<T>, Reported> {
    let span = value.span().into();
    match reader(value.get_ref()) {
        Ok(value) => Ok(At { value, span }),
        Err(fault) => Err(problems.add(span, fault.what, fault.help)),
    }
}

/// What a table may hold.
pub(super) struct Schema {
    /// The table as one writes it.
    pub(super) title: &'static str,
    pub(super) keys: &'static [&'static str],
    /// Keys that a later version will have.
    pub(super) later: &'static [&'static str],
}

/// A table of the file; its keys are known ones.
pub(super) struct Section<'a> {
    pub(super) schema: &'static Schema,
    pub(super) span: Span,
    pub(super) problems: &'a Problems,
    table: &'a DeTable<'a>,
    /// Keys that are none, but probably meant to be these.
    misspelt: Vec<(&'static str, Reported)>,
}

impl<'a> Section<'a> {
    /// Opens a table, and reports the keys that it should not have.
    pub(super) fn new(
        schema: &'static Schema,
        span: Span,
        table: &'a DeTable<'a>,
        problems: &'a Problems,
    ) -> Self {
        let mut section = Self { schema, span, problems, table, misspelt: Vec::new() };
        for key in table.keys() {
            let (name, span) = (key.get_ref().as_ref(), key.span().into());
            if !schema.keys.contains(&name) {
                section.refuse(name, span);
            }
        }
        section
    }

    fn refuse(&mut self, key: &str, span: Span) {
        let Schema { title, keys, later } = self.schema;
        if later.contains(&key) {
            let help = format!("take it out of {title} until then");
            self.problems.add(span, format!("`{key}` is not in this version yet"), help);
            return;
        }
        let what = format!("{title} has no key {}", quoted(key));
        match nearest(self.problems, key, keys.iter().copied()) {
            Some(meant) => {
                let reported = self.problems.add(span, what, did_you_mean(meant));
                self.misspelt.push((meant, reported));
            }
            None => {
                self.problems.add(span, what, format!("its keys: {}", listed(keys)));
            }
        }
    }

    /// Opens a value that must be a table.
    pub(super) fn open(
        schema: &'static Schema,
        value: &'a Value<'a>,
        problems: &'a Problems,
        help: &'static str,
    ) -> Result<Self, Reported> {
        Self::of(schema, value, problems)
            .ok_or_else(|| problems.add(value.span().into(), wrong_type("a table", value.get_ref()), help))
    }

    /// Opens a value as a table, if it is one.
    pub(super) fn of(schema: &'static Schema, value: &'a Value<'a>, problems: &'a Problems) -> Option<Self> {
        let table = value.get_ref().as_table()?;
        Some(Self::new(schema, value.span().into(), table, problems))
    }

    /// The value of a key, unread.
    pub(super) fn get(&self, key: &'static str) -> Option<&'a Value<'a>> {
        debug_assert!(self.schema.keys.contains(&key), "{key} is missing in {}", self.schema.title);
        self.table.get(key)
    }

    /// Where a key stands, if it does.
    pub(super) fn key_span(&self, key: &'static str) -> Option<Span> {
        self.table.get_key_value(key).map(|(key, _)| key.span().into())
    }

    /// Reads a key that may be absent.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        reader: impl FnOnce(&'a DeValue<'a>) -> Result<T, Fault>,
    ) -> Result<Option<At<T>>, Reported> {
        self.get(key).map(|value| read(self.problems, value, reader)).transpose()
    }

    /// Reads a key that must be there; `help` tells what to add if it is not.
    pub(super) fn required<T>(
        &self,
        key: &'static str,
        help: &'static str,
        reader: impl FnOnce(&'a DeValue<'a>) -> Result<T, Fault>,
    ) -> Result<At<T>, Reported> {
        match self.optional(key, reader)? {
            Some(value) => Ok(value),
            None => Err(self.missing(key, help)),
        }
    }

    /// Reports that a key is absent.
    pub(super) fn missing(&self, key: &'static str, help: &'static str) -> Reported {
        self.missing_one_of(&[key], format!("{} has no `{key}`", self.schema.title), help)
    }

    /// Reports that none of `keys` is there.
    pub(super) fn missing_one_of(
        &self,
        keys: &[&'static str],
        what: impl Into<String>,
        help: &'static str,
    ) -> Reported {
        let misspelt = keys.iter().find_map(|key| self.misspelt(key));
        misspelt.unwrap_or_else(|| self.problems.add(self.span, what, help))
    }

    /// Whether a key is there with a slip in it, which is on record.
    pub(super) fn misspelt(&self, key: &'static str) -> Option<Reported> {
        self.misspelt.iter().find(|(meant, _)| *meant == key).map(|&(_, reported)| reported)
    }

    /// The elements of a key that must be a list.
    pub(super) fn list(&self, key: &'static str, help: &'static str) -> Result<&'a [Value<'a>], Reported> {
        let Some(value) = self.get(key) else {
            return Err(self.missing(key, help));
        };
        match value.get_ref() {
            DeValue::Array(array) => Ok(array),
            other => Err(self.problems.add(value.span().into(), wrong_type("a list", other), help)),
        }
    }

    /// Refuses two keys of which only one makes sense.
    pub(super) fn exclusive(&self, a: &'static str, b: &'static str) -> Result<(), Reported> {
        let (Some(one), Some(other)) = (self.key_span(a), self.key_span(b)) else {
            return Ok(());
        };
        let what = format!("`{a}` and `{b}` exclude each other");
        Err(self.problems.add_collision(one.max(other), one.min(other), what, "keep one of them"))
    }

    /// Reads the elements of a list that may be absent; all of them before the first error counts.
    pub(super) fn each<T>(
        &self,
        key: &'static str,
        help: &'static str,
        reader: impl Fn(&'a DeValue<'a>) -> Result<T, Fault>,
    ) -> Result<Option<Vec<T>>, Reported> {
        if self.get(key).is_none() {
            return Ok(None);
        }
        let element = |value| Ok(read(self.problems, value, &reader)?.value);
        let elements: Vec<_> = self.list(key, help)?.iter().map(element).collect();
        elements.into_iter().collect::<Result<_, _>>().map(Some)
    }

    /// Reads the names and values of a table that may be absent and may have any names; all of them before the first
    /// error counts.
    pub(super) fn pairs(
        &self,
        key: &'static str,
        help: &'static str,
        check: impl Fn(&str, &str) -> Result<(), Fault>,
    ) -> Result<Vec<(String, String)>, Reported> {
        let pair = |(name, value): (&'a Spanned<DeString<'a>>, &'a Value<'a>)| {
            let name = name.get_ref().as_ref();
            let pair = |value: &'a DeValue<'a>| match value {
                DeValue::String(text) => {
                    check(name, text).map(|()| (name.to_owned(), text.as_ref().to_owned()))
                }
                other => Err(Fault::new(wrong_type("a string", other), help)),
            };
            Ok(read(self.problems, value, pair)?.value)
        };
        let pairs: Vec<_> = self.entries(key, help)?.map(pair).collect();
        pairs.into_iter().collect()
    }

    /// What stands in a table that may be absent and may have any names.
    pub(super) fn entries(
        &self,
        key: &'static str,
        help: &'static str,
    ) -> Result<impl Iterator<Item = (&'a Spanned<DeString<'a>>, &'a Value<'a>)>, Reported> {
        let table = match self.get(key).map(|value| (value, value.get_ref().as_table())) {
            None => None,
            Some((_, Some(table))) => Some(table),
            Some((value, None)) => {
                let what = wrong_type("a table", value.get_ref());
                return Err(self.problems.add(value.span().into(), what, help));
            }
        };
        Ok(table.into_iter().flatten())
    }

    /// The tables of a key that is written as `[[key]]`, as often as one likes; `help` shows that.
    pub(super) fn tables(&self, key: &'static str, schema: &'static Schema, help: &'static str) -> Vec<Self> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        match value.get_ref() {
            DeValue::Array(array) => {
                let open = |value| Self::open(schema, value, self.problems, help).ok();
                array.iter().filter_map(open).collect()
            }
            other => {
                self.problems.add(value.span().into(), wrong_type("a list of tables", other), help);
                Vec::new()
            }
        }
    }
}

/// Says that a value is of the wrong type.
pub(super) fn wrong_type(wanted: &str, found: &DeValue<'_>) -> String {
    let found = match found {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    format!("{wanted} is wanted here, not {found}")
}

/// A word of the file for a message: in quotes, printable, and not too long.
pub(super) fn quoted(word: &str) -> String {
    const SHOWN: usize = 60;
    match word.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}...", word.get(..end).unwrap_or_default()),
        None => format!("{word:?}"),
    }
}

/// `` `a`, `b` and `c` ``
pub(super) fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The candidate that was meant, if one is near.
pub(super) fn nearest<'c>(
    problems: &Problems,
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    if problems.is_crowded() {
        return None;
    }
    let word = word.to_lowercase();
    let slips = (word.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= slips)
        .map(|candidate| (strsim::osa_distance(&word, candidate), candidate))
        .filter(|&(distance, _)| distance <= slips)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The advice to write a near word.
pub(super) fn did_you_mean(word: &str) -> String {
    format!("did you mean {}?", quoted(word))
}
