//! `monitor`: how realservers are watched.

use std::sync::Arc;

use healthcheck::Monitor;
use toml::de::DeValue;

use crate::config::report::Reported;
use crate::config::section::{Fault, Schema, Section, quoted, read};
use crate::config::value;

const MONITOR: Schema =
    Schema { title: "monitor", keys: &["type"], later: &["path", "interval", "timeout", "rise", "fall"] };

const HELP: &str = "this version watches nothing, which has to be said: monitor = \"none\"";

/// Types that a later version will have.
const LATER: [&str; 6] = ["http", "https", "tcp", "icmp", "exec", "mon"];

/// Reads a service's monitors.
pub(super) fn monitors(section: &Section<'_>) -> Result<Vec<Arc<Monitor>>, Reported> {
    let problems = section.problems;
    let Some(value) = section.get("monitor") else {
        return Err(section.missing("monitor", HELP));
    };
    let Some(table) = value.get_ref().as_table() else {
        return Ok(read(problems, value, kind)?.value);
    };
    // The other keys belong to a type, so they say nothing as long as the type is wrong.
    match table.get("type") {
        Some(of) => read(problems, of, kind)?,
        None => return Err(problems.add(value.span().into(), "monitor has no `type`", HELP)),
    };
    let section = Section::new(&MONITOR, value.span().into(), table, problems);
    Ok(section.required("type", HELP, kind)?.value)
}

fn kind(value: &DeValue<'_>) -> Result<Vec<Arc<Monitor>>, Fault> {
    match value::text(value, HELP)? {
        "none" => Ok(Vec::new()),
        later if LATER.contains(&later) => {
            Err(Fault::new(format!("monitors of type {later:?} are not in this version yet"), HELP))
        }
        other => Err(Fault::new(format!("{} is not a monitor", quoted(other)), HELP)),
    }
}
