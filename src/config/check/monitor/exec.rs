//! Monitors of the type exec: programs in mon's manner.

use std::path::PathBuf;
use std::slice;

use healthcheck::Exec;
use toml::de::DeValue;

use super::Reader;
use crate::config::report::Reported;
use crate::config::section::{Fault, Section, quoted, read};
use crate::config::value;

const HELP: &str = "write command = \"mon.d/http.monitor\", or command = [\"mon.d/http.monitor\", \"-p\", \"80\"]; a \
                    relative path begins where this file is";

pub(super) fn exec(section: &Section<'_>, reader: &Reader<'_>) -> Result<Exec, Reported> {
    let command = command(section, reader);
    let append_host = section.optional("append_host", value::boolean);
    let environment = section.pairs("environment", "write environment = { NAME = \"value\" }", variable);
    let (program, arguments) = command?;
    Ok(Exec {
        program,
        arguments,
        append_host: append_host?.is_none_or(|at| at.value),
        environment: environment?,
    })
}

/// The program and its arguments.
fn command(section: &Section<'_>, reader: &Reader<'_>) -> Result<(PathBuf, Vec<String>), Reported> {
    let problems = section.problems;
    let Some(value) = section.get("command") else {
        return Err(section.missing("command", HELP));
    };
    let words = match value.get_ref() {
        DeValue::Array(list) => list.as_ref(),
        _ => slice::from_ref(value),
    };
    let Some((program, arguments)) = words.split_first() else {
        return Err(problems.add(value.span().into(), "no program is named", HELP));
    };
    let program = read(problems, program, |value| reader.directory.program(value::text(value, HELP)?, HELP));
    let argument = |value| Ok(read(problems, value, value::argument)?.value);
    let arguments: Vec<_> = arguments.iter().map(argument).collect();
    Ok((program?.value, arguments.into_iter().collect::<Result<_, _>>()?))
}

fn variable(name: &str, value: &str) -> Result<(), Fault> {
    if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
        let help = "a variable has a name without `=`, and no NUL character";
        return Err(Fault::new(format!("{} cannot be set", quoted(name)), help));
    }
    Ok(())
}
