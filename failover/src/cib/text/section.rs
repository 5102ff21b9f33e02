//! Tables that are taken apart key by key, so that what is left over is what nobody knows.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::value::{Fault, Reader, quoted};
use crate::cib::{Problem, Problems};

/// What was found wrong so far.
pub(super) struct Notes<'a> {
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

/// What one text can be told of at a time.
const MOST: usize = 100;

impl<'a> Notes<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, problems: RefCell::default() }
    }

    /// Notes what is wrong at a byte of the text.
    pub(super) fn add(&self, at: usize, what: impl Into<String>, help: impl Into<String>) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MOST {
            let before = self.text.as_bytes().iter().take(at);
            let line = before.filter(|&&byte| byte == b'\n').count() + 1;
            problems.push(Problem { line, what: what.into(), help: help.into() });
        }
    }

    /// What was read, if nothing was wrong.
    pub(super) fn verdict<T>(self, read: T) -> Result<T, Problems> {
        match self.problems.into_inner() {
            problems if problems.is_empty() => Ok(read),
            problems => Err(Problems::new(problems)),
        }
    }
}

/// A table of the text.
pub(super) struct Section<'n, 'a> {
    /// The table as one writes it.
    title: &'static str,
    /// Where it starts.
    at: usize,
    /// What was not asked for yet.
    table: DeTable<'a>,
    asked: Vec<&'static str>,
    notes: &'n Notes<'a>,
}

impl<'n, 'a> Section<'n, 'a> {
    pub(super) fn new(title: &'static str, table: Spanned<DeTable<'a>>, notes: &'n Notes<'a>) -> Self {
        let at = table.span().start;
        Self { title, at, table: table.into_inner(), asked: Vec::new(), notes }
    }

    fn know(&mut self, key: &'static str) {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'a>>> {
        self.know(key);
        self.table.remove(key)
    }

    pub(super) fn has(&self, key: &'static str) -> bool {
        self.table.contains_key(key)
    }

    /// Notes two keys of which only one makes sense.
    pub(super) fn exclusive(&mut self, one: &'static str, other: &'static str) {
        self.know(one);
        self.know(other);
        if self.has(one) && self.has(other) {
            self.table.remove(one);
            self.complain(format!("`{one}` and `{other}` exclude each other"), "keep one of them");
        }
    }

    /// A key that may be absent.
    pub(super) fn optional<T>(&mut self, key: &'static str, reader: impl Reader<T>) -> Option<T> {
        let value = self.take(key)?;
        match reader(value.get_ref()) {
            Ok(value) => Some(value),
            Err(Fault { what, help }) => {
                self.notes.add(value.span().start, what, help);
                None
            }
        }
    }

    /// A key that must be there. If it is not, or wrong, that is noted, and nobody will see the default.
    pub(super) fn required<T: Default>(&mut self, key: &'static str, reader: impl Reader<T>) -> T {
        if self.has(key) {
            return self.optional(key, reader).unwrap_or_default();
        }
        self.know(key);
        self.notes.add(self.at, format!("{} has no `{key}`", self.title), format!("add `{key}`"));
        T::default()
    }

    /// The pairs of a table that may be absent and may have any keys.
    pub(super) fn pairs<T>(
        &mut self,
        key: &'static str,
        reader: impl Reader<T>,
    ) -> Vec<(Spanned<DeString<'a>>, T)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let at = value.span().start;
        let DeValue::Table(table) = value.into_inner() else {
            self.notes.add(at, format!("`{key}` is not a table"), format!("write {key} = {{ name = 1 }}"));
            return Vec::new();
        };
        let pair = |(key, value): (_, Spanned<DeValue<'a>>)| match reader(value.get_ref()) {
            Ok(value) => Some((key, value)),
            Err(Fault { what, help }) => {
                self.notes.add(value.span().start, what, help);
                None
            }
        };
        table.into_iter().filter_map(pair).collect()
    }

    /// A table that must be there.
    pub(super) fn table(&mut self, key: &'static str, title: &'static str) -> Option<Self> {
        match self.take(key) {
            None => {
                self.notes.add(self.at, format!("there is no {title}"), format!("add {title}"));
                None
            }
            Some(value) => self.open(title, value),
        }
    }

    /// The tables of a list that may be absent.
    pub(super) fn tables(&mut self, key: &'static str, title: &'static str) -> Vec<Self> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let at = value.span().start;
        let DeValue::Array(array) = value.into_inner() else {
            self.notes.add(at, format!("`{key}` is not a list of tables"), format!("write {title}"));
            return Vec::new();
        };
        array.into_iter().filter_map(|value| self.open(title, value)).collect()
    }

    fn open(&self, title: &'static str, value: Spanned<DeValue<'a>>) -> Option<Self> {
        let span = value.span();
        if let DeValue::Table(table) = value.into_inner() {
            return Some(Self::new(title, Spanned::new(span, table), self.notes));
        }
        self.notes.add(
            span.start,
            format!("{title} is a table, and this is none"),
            "write its keys and values",
        );
        None
    }

    /// Notes what is wrong with the table as a whole.
    pub(super) fn complain(&self, what: impl Into<String>, help: impl Into<String>) {
        self.notes.add(self.at, what, help);
    }

    /// Notes the keys that nobody asked for.
    pub(super) fn end(self) {
        for key in self.table.keys() {
            let known = self.asked.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let what = format!("{} has no key {}", self.title, quoted(key.get_ref()));
            self.notes.add(key.span().start, what, format!("its keys are {known}"));
        }
    }
}
