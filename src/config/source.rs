//! Getting at the file: bytes, text, TOML.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use toml::de::{DeTable, Error};

use super::report::{Problems, Report, Reported, Span};
use super::section::quoted;

/// The largest file, in bytes; a hundred thousand realservers need less.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The largest text in which more than the first syntax error is looked for: the parser notes each, and a binary
/// file would have millions.
const LARGEST_RECOVERED: usize = 1024 * 1024;

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Report> {
    let mut bytes = Vec::new();
    let result = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    let (what, help) = match result {
        Ok(length) if length as u64 <= LARGEST => return Ok(bytes),
        Ok(_) => ("the file is larger than 16 MiB".to_owned(), "is it the right one?"),
        Err(cause) => {
            let help = match cause.kind() {
                ErrorKind::NotFound => "create it, or name another one",
                ErrorKind::PermissionDenied => "let this user read it",
                ErrorKind::IsADirectory => "name a file in it",
                _ => "name a file that can be read",
            };
            (format!("cannot read the file: {cause}"), help)
        }
    };
    let problems = Problems::default();
    problems.add_to_file(what, help);
    Err(problems.into_report(path, String::new()))
}

/// Takes the bytes for text.
pub(super) fn text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, Report> {
    std::str::from_utf8(bytes).map_err(|error| {
        let problems = Problems::default();
        let start = error.valid_up_to();
        // In the text below, each wrong byte is one replacement character.
        let span = Span { start, end: start + char::REPLACEMENT_CHARACTER.len_utf8() };
        problems.add(span, "this is not UTF-8", "save the file as UTF-8, or is it the right one?");
        problems.into_report(path, String::from_utf8_lossy(bytes).into_owned())
    })
}

/// Parses TOML. A key given twice does not make the rest unreadable, so only other errors end here.
pub(super) fn document<'a>(text: &'a str, problems: &Problems) -> Result<DeTable<'a>, Reported> {
    let first = match DeTable::parse(text) {
        Ok(file) => return Ok(file.into_inner()),
        Err(error) => error,
    };
    if text.len() > LARGEST_RECOVERED {
        return Err(syntax(text, &first, problems));
    }
    let (file, mut errors) = DeTable::parse_recoverable(text);
    errors.sort_by_key(start);
    let mut readable = Ok(());
    let mut line_end = 0;
    for error in &errors {
        let fatal = error.message() != DUPLICATE;
        if fatal && start(error) < line_end {
            continue;
        }
        let reported = syntax(text, error, problems);
        if fatal {
            readable = Err(reported);
            // What comes after it in its line is mostly its consequence.
            let rest = text.get(start(error)..).unwrap_or_default();
            line_end = start(error) + rest.find('\n').unwrap_or(rest.len());
        }
    }
    readable.map(|()| file.into_inner())
}

/// What the parser calls it.
const DUPLICATE: &str = "duplicate key";

/// Where an error is; one without a place comes first.
fn start(error: &Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

fn syntax(text: &str, error: &Error, problems: &Problems) -> Reported {
    const GRAMMAR: &str = "see https://toml.io for the grammar";
    let Some(span) = error.span() else {
        return problems.add_to_file(error.message(), GRAMMAR);
    };
    if error.message() == DUPLICATE {
        let key = quoted(text.get(span.clone()).unwrap_or_default());
        let what = format!("the key {key} is here a second time");
        return problems.add(span.into(), what, "take one of the two out");
    }
    match bare_word(text, span.start) {
        Some(word) => {
            let help = format!("is it text? then it stands in quotes: {}", quoted(word));
            problems.add(span.into(), error.message(), help)
        }
        None => problems.add(span.into(), error.message(), GRAMMAR),
    }
}

/// The word at `start`, if it stands where a value does.
fn bare_word(text: &str, start: usize) -> Option<&str> {
    let (before, rest) = text.split_at_checked(start)?;
    let is_value = before.trim_end().ends_with(['=', ',', '[']);
    let end = rest.find(|c: char| c.is_whitespace() || ",]}#\"'".contains(c)).unwrap_or(rest.len());
    let word = rest.get(..end)?;
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    (is_value && !is_number && word.starts_with(char::is_alphanumeric)).then_some(word)
}
