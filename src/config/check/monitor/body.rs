//! `contains` and `matches`: what an answer must have.

use std::cell::RefCell;
use std::sync::Arc;

use healthcheck::Expected;
use regex::bytes::Regex;
use rustc_hash::FxHashMap;
use toml::de::DeValue;

use crate::config::report::Reported;
use crate::config::section::{Fault, Section};
use crate::config::value;

/// The regular expressions of the file, each compiled once: that takes longer than all the rest of a monitor.
#[derive(Default)]
pub(super) struct Expressions(RefCell<FxHashMap<String, Arc<Regex>>>);

impl Expressions {
    fn get(&self, text: &str) -> Result<Arc<Regex>, regex::Error> {
        let mut compiled = self.0.borrow_mut();
        if let Some(regex) = compiled.get(text) {
            return Ok(regex.clone());
        }
        let regex = Arc::new(Regex::new(text)?);
        compiled.insert(text.to_owned(), regex.clone());
        Ok(regex)
    }
}

pub(super) fn expected(
    section: &Section<'_>,
    expressions: &Expressions,
) -> Result<Option<Expected>, Reported> {
    section.exclusive("contains", "matches")?;
    let contains = section.optional("contains", |value| {
        let text = value::text(value, "write contains = \"OK\"")?;
        match text {
            "" => {
                Err(Fault::new("every answer contains nothing", "write what it must contain, or take it out"))
            }
            text => Ok(Expected::Contains(text.into())),
        }
    });
    let matches = section.optional("matches", |value| regex(value, expressions));
    Ok(contains?.or(matches?).map(|at| at.value))
}

fn regex(value: &DeValue<'_>, expressions: &Expressions) -> Result<Expected, Fault> {
    const HELP: &str = "write a regular expression in single quotes, for example '(?i)all \\w+ up'";
    let text = value::text(value, HELP)?;
    match expressions.get(text) {
        Ok(regex) => Ok(Expected::Matches(regex)),
        Err(regex::Error::Syntax(report)) => {
            let (drawing, cause) = report.trim_end().rsplit_once("\nerror: ").unwrap_or(("", &report));
            let what = format!("this is not a regular expression: {}", cause.replace(char::is_control, " "));
            // The expression with the parser's own caret, if that can be shown as it is.
            let plain = text.len() <= 80 && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            match drawing.split_once('\n') {
                Some((_, drawing)) if plain => {
                    Err(Fault::new(what, format!("it goes wrong here:\n{drawing}")))
                }
                _ => Err(Fault::new(what, HELP)),
            }
        }
        Err(_) => Err(Fault::new("this regular expression is too large", "use smaller repetitions")),
    }
}
