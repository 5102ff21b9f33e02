//! `contains` and `matches`: what an answer must have.

use std::sync::Arc;

use healthcheck::Expected;
use regex::bytes::Regex;
use toml::de::DeValue;

use crate::config::report::Reported;
use crate::config::section::{Fault, Section};
use crate::config::value;

pub(super) fn expected(section: &Section<'_>) -> Result<Option<Expected>, Reported> {
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
    let matches = section.optional("matches", regex);
    Ok(contains?.or(matches?).map(|at| at.value))
}

fn regex(value: &DeValue<'_>) -> Result<Expected, Fault> {
    const HELP: &str = "write a regular expression in single quotes, for example '(?i)all \\w+ up'";
    let text = value::text(value, HELP)?;
    match Regex::new(text) {
        Ok(regex) => Ok(Expected::Matches(Arc::new(regex))),
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
