//! Monitors of the type exec: programs in mon's manner.

use std::path::PathBuf;

use healthcheck::Exec;

use super::Directory;
use crate::config::report::Reported;
use crate::config::section::{Fault, Section, quoted};
use crate::config::value;

const HELP: &str = "write command = \"mon.d/http.monitor\", or command = [\"mon.d/http.monitor\", \"-p\", \"80\"]; a \
                    relative path begins where this file is";

pub(super) fn exec(section: &Section<'_>, directory: Directory<'_>) -> Result<Exec, Reported> {
    let command = command(section, directory);
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
fn command(section: &Section<'_>, directory: Directory<'_>) -> Result<(PathBuf, Vec<String>), Reported> {
    let words = if section.get("command").is_some_and(|value| value.get_ref().as_array().is_some()) {
        section.each("command", HELP, value::argument)?
    } else {
        section.optional("command", value::argument)?.map(|at| vec![at.value])
    };
    let mut words = words.unwrap_or_default().into_iter();
    let program = words.next().unwrap_or_default();
    let program = section.required("command", HELP, |_| directory.program(&program, HELP))?;
    Ok((program.value, words.collect()))
}

fn variable(name: &str, value: &str) -> Result<(), Fault> {
    if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
        let help = "a variable has a name without `=`, and no NUL character";
        return Err(Fault::new(format!("{} cannot be set", quoted(name)), help));
    }
    Ok(())
}
