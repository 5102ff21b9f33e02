//! What is wrong with a file, told with the place and the remedy.

mod excerpt;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::{Path, PathBuf};

use excerpt::Source;

/// A stretch of the file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// Proof that a problem is on record, so that whoever holds it need not report another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reported(());

/// Something that has to be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Where; `None` is the file as a whole.
    pub(super) span: Option<Span>,
    pub(super) what: String,
    /// Where the thing stands that this one collides with.
    pub(super) earlier: Option<Span>,
    pub(super) help: Cow<'static, str>,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    kept: RefCell<Vec<Problem>>,
    dropped: Cell<usize>,
}

impl Problems {
    /// More than a report shows, so that it can show the first ones in the file's order; and few enough that a
    /// file full of nonsense does not fill the memory.
    const KEPT: usize = 10_000;

    pub(super) fn add(
        &self,
        span: Span,
        what: impl Into<String>,
        help: impl Into<Cow<'static, str>>,
    ) -> Reported {
        self.push(Some(span), what.into(), None, help.into())
    }

    pub(super) fn add_collision(
        &self,
        span: Span,
        earlier: Span,
        what: impl Into<String>,
        help: impl Into<Cow<'static, str>>,
    ) -> Reported {
        self.push(Some(span), what.into(), Some(earlier), help.into())
    }

    pub(super) fn add_to_file(
        &self,
        what: impl Into<String>,
        help: impl Into<Cow<'static, str>>,
    ) -> Reported {
        self.push(None, what.into(), None, help.into())
    }

    fn push(
        &self,
        span: Option<Span>,
        what: String,
        earlier: Option<Span>,
        help: Cow<'static, str>,
    ) -> Reported {
        let mut kept = self.kept.borrow_mut();
        if kept.len() < Self::KEPT {
            kept.push(Problem { span, what, earlier, help });
        } else {
            self.dropped.set(self.dropped.get().saturating_add(1));
        }
        Reported(())
    }

    /// Whether there are more than a report shows, so that it is not worth while to look for good advice.
    pub(super) fn is_crowded(&self) -> bool {
        self.kept.borrow().len() >= Report::SHOWN
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.borrow().is_empty()
    }

    pub(super) fn into_report(self, path: &Path, text: String) -> Report {
        let mut problems = self.kept.into_inner();
        // A pool that several services use can have the same problem in each of them.
        problems.sort_by(|a, b| (a.span, &a.what).cmp(&(b.span, &b.what)));
        problems.dedup();
        Report { path: path.to_owned(), text, count: problems.len() + self.dropped.get(), problems }
    }
}

/// Why a file was refused: every problem in it, in its order.
#[derive(Clone, Debug)]
pub struct Report {
    path: PathBuf,
    text: String,
    problems: Vec<Problem>,
    count: usize,
}

impl Report {
    /// How many problems are shown; the others are counted.
    const SHOWN: usize = 100;

    /// How many problems there are; at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The whole report for a reader, with or without colour. [`fmt::Display`] is the same without.
    #[must_use]
    pub fn render(&self, colour: bool) -> impl fmt::Display {
        Rendered { report: self, style: if colour { &COLOURED } else { &PLAIN } }
    }

    /// The first problem in one line, for a log or a status: `FILE:LINE:COLUMN: WHAT`.
    #[must_use]
    pub fn headline(&self) -> String {
        let source = Source::new(&self.text);
        let more = match self.count {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        match self.problems.first() {
            Some(problem) => format!("{}: {}{more}", self.place(&source, problem.span), problem.what),
            None => self.path.display().to_string(),
        }
    }

    fn place(&self, source: &Source<'_>, span: Option<Span>) -> String {
        let path = self.path.display();
        match span.map(|span| source.position(span.start)) {
            Some((line, column)) => format!("{path}:{line}:{column}"),
            None => path.to_string(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.render(false).fmt(f)
    }
}

impl std::error::Error for Report {}

/// Escape sequences around the parts of a report.
struct Style {
    place: &'static str,
    caret: &'static str,
    help: &'static str,
    end: &'static str,
}

const PLAIN: Style = Style { place: "", caret: "", help: "", end: "" };

const COLOURED: Style = Style { place: "\x1b[1m", caret: "\x1b[1;31m", help: "\x1b[32m", end: "\x1b[0m" };

struct Rendered<'a> {
    report: &'a Report,
    style: &'static Style,
}

impl Rendered<'_> {
    fn problem(&self, f: &mut fmt::Formatter<'_>, source: &Source<'_>, problem: &Problem) -> fmt::Result {
        let Style { place, caret, help, end } = self.style;
        let at = self.report.place(source, problem.span);
        writeln!(f, "{place}{at}:{end} {}", problem.what)?;
        if let Some(span) = problem.span {
            let excerpt = source.excerpt(span);
            writeln!(f, "    {}", excerpt.line)?;
            writeln!(f, "    {}{caret}{}{end}", excerpt.indent, excerpt.carets)?;
        }
        if problem.earlier.is_some() {
            writeln!(f, "    the other one: {}", self.report.place(source, problem.earlier))?;
        }
        writeln!(f, "    {help}help:{end} {}", problem.help)?;
        writeln!(f)
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { path, text, problems, count } = self.report;
        let source = Source::new(text);
        for problem in problems.iter().take(Report::SHOWN) {
            self.problem(f, &source, problem)?;
        }
        let path = path.display();
        let plural = if *count == 1 { "" } else { "s" };
        write!(f, "{path}: {count} problem{plural}")?;
        match count.saturating_sub(Report::SHOWN) {
            0 => Ok(()),
            more => write!(f, ", of which the last {more} are not shown"),
        }
    }
}
