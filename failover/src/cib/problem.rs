//! What is wrong with the text of a document.

use std::fmt;

/// Something that has to be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; 0 is the text as a whole.
    pub line: usize,
    /// What it is.
    pub what: String,
    /// What mends it.
    pub help: String,
}

/// Why a text was refused: what is wrong with it, in its order; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Problem>);

/// More than this are not kept, so that a text full of nonsense does not fill the screen.
const KEPT: usize = 100;

impl Problems {
    /// These, of which there is at least one.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.line);
        problems.truncate(KEPT);
        // Parsers repeat what they found, and a terminal must not obey it.
        for problem in &mut problems {
            problem.what = problem.what.replace(char::is_control, "\u{fffd}");
        }
        Self(problems)
    }

    /// A text that is wrong as a whole.
    pub(super) fn whole(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self(vec![Problem { line: 0, what: what.into(), help: help.into() }])
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, what, help } = self;
        match line {
            0 => write!(f, "{what}; {help}"),
            line => write!(f, "line {line}: {what}; {help}"),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for problem in &self.0 {
            write!(f, "{between}{problem}")?;
            between = "\n";
        }
        Ok(())
    }
}
