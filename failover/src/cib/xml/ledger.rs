//! What there is to tell of a text.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use super::Reading;
use crate::cib::{Problem, Problems};

/// Damage that has only one meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// A closing tag that lost its slash: a tag without attributes, of the innermost open element.
    LostSlash,
    /// Typographic quotes around the value of an attribute.
    CurlyQuotes,
    /// An element without an id.
    MissingId,
    /// Two elements with the same id.
    DuplicateId,
    /// A `<cib>` without a `<status>`.
    MissingStatus,
    /// A name or value as another release writes it.
    Spelling,
    /// Text around the elements.
    Prose,
    /// A name with characters that lvsd's names do not have.
    Name,
}

impl Repair {
    /// What it is, and what mends it.
    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::LostSlash => ("a closing tag has lost its slash", "write it as </name>"),
            Self::CurlyQuotes => ("a value has typographic quotes", "write \"value\""),
            Self::MissingId => ("an element has no id", "give it one"),
            Self::DuplicateId => ("an id is there twice", "give each element its own"),
            Self::MissingStatus => ("there is no <status>", "add <status/>"),
            Self::Spelling => {
                ("a name is spelled as another release does", "spell it as the documentation does")
            }
            Self::Prose => ("there is text around the elements", "take it out"),
            Self::Name => {
                ("a name has characters that names of lvsd do not have", "use A-Z a-z 0-9 . _ : - only")
            }
        }
    }
}

/// What was mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// What it was.
    pub repair: Repair,
    /// Where: a line, from 1, for each time.
    pub lines: Vec<usize>,
}

/// Something that was not taken, or means something else than in Heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The first line of it, from 1.
    pub line: usize,
    /// How often it is there.
    pub count: usize,
    /// What it is.
    pub what: String,
}

impl fmt::Display for Repaired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        let (what, _) = self.repair.told();
        let lines: Vec<String> = self.lines.iter().take(SHOWN).map(ToString::to_string).collect();
        let more = if self.lines.len() > SHOWN { ", ..." } else { "" };
        let plural = if self.lines.len() == 1 { "" } else { "s" };
        write!(f, "mended {} x: {what} (line{plural} {}{more})", self.lines.len(), lines.join(", "))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, count, what } = self;
        match count {
            1 => write!(f, "line {line}: {what}"),
            _ => write!(f, "line {line} and {} more: {what}", count - 1),
        }
    }
}

/// More than this are not kept of one kind: the text may be full of nonsense.
const MOST: usize = 1000;

/// What was found so far.
pub(super) struct Ledger {
    reading: Reading,
    problems: RefCell<Vec<Problem>>,
    repairs: RefCell<BTreeMap<Repair, Vec<usize>>>,
    notes: RefCell<BTreeMap<String, (usize, usize)>>,
}

impl Ledger {
    pub(super) fn of(reading: Reading) -> Self {
        Self { reading, problems: RefCell::default(), repairs: RefCell::default(), notes: RefCell::default() }
    }

    pub(super) fn problem(&self, line: usize, what: impl Into<String>, help: impl Into<String>) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MOST {
            problems.push(Problem { line, what: what.into(), help: help.into() });
        }
    }

    /// What is mended, or else a problem. Says whether it is mended.
    pub(super) fn repair(&self, repair: Repair, line: usize) -> bool {
        match self.reading {
            Reading::Tolerant => self.repairs.borrow_mut().entry(repair).or_default().push(line),
            Reading::Strict => {
                let (what, help) = repair.told();
                self.problem(line, what, help);
            }
        }
        self.reading == Reading::Tolerant
    }

    /// What is only guessed; it is a problem of a strict reading.
    pub(super) fn guess(&self, line: usize, what: impl Into<String>, guess: &str, help: &str) {
        match self.reading {
            Reading::Tolerant => self.note(line, format!("{}; {guess}", what.into())),
            Reading::Strict => self.problem(line, what, help),
        }
    }

    pub(super) fn note(&self, line: usize, what: impl Into<String>) {
        let mut notes = self.notes.borrow_mut();
        let what = what.into();
        if notes.len() < MOST || notes.contains_key(&what) {
            let (_, count) = notes.entry(what).or_insert((line, 0));
            *count += 1;
        }
    }

    /// The problems, or else what was mended and what was noted, in the order of the text.
    pub(super) fn verdict(self) -> Result<(Vec<Repaired>, Vec<Note>), Problems> {
        let problems = self.problems.into_inner();
        if !problems.is_empty() {
            return Err(Problems::new(problems));
        }
        let repairs = self.repairs.into_inner().into_iter();
        let notes = self.notes.into_inner().into_iter();
        let mut notes: Vec<Note> = notes.map(|(what, (line, count))| Note { line, count, what }).collect();
        notes.sort_by_key(|note| note.line);
        let repaired = |(repair, mut lines): (_, Vec<_>)| {
            lines.sort_unstable();
            Repaired { repair, lines }
        };
        Ok((repairs.map(repaired).collect(), notes))
    }
}
