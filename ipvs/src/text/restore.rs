//! What `-R` reads: one command per line, words apart by blanks, no quotes and no comments.

use super::command::{Command, parse};
use super::names::Names;
use super::usage::Usage;

/// A line that is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {usage}")]
pub struct BadLine {
    /// Its number; the first is 1.
    pub number: usize,
    /// What is wrong with it.
    #[source]
    pub usage: Usage,
}

/// Reads every line, and gives the commands with the numbers of their lines, or all that are none.
///
/// A word `ipvsadm` is skipped, so that a script of `ipvsadm -A ...` lines will do.
pub fn restore(program: &str, text: &str, names: &dyn Names) -> Result<Vec<(usize, Command)>, Vec<BadLine>> {
    let mut commands = Vec::new();
    let mut bad = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        let words: Vec<_> =
            line.split([' ', '\t', '\r']).filter(|word| !word.is_empty() && *word != "ipvsadm").collect();
        if words.is_empty() {
            continue;
        }
        match parse(program, &words, names) {
            Ok(Command::Restore | Command::Help | Command::Version) => {
                bad.push(BadLine { number, usage: Usage::NoCommand(program.to_owned()) });
            }
            Ok(command) => commands.push((number, command)),
            Err(usage) => bad.push(BadLine { number, usage }),
        }
    }
    if bad.is_empty() { Ok(commands) } else { Err(bad) }
}
