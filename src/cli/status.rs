//! `lvsd status`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use terminal_size::{Height, Width, terminal_size};

use super::client;
use crate::snapshot::text::{Style, text};
use crate::snapshot::words::printable_json;
use crate::snapshot::{Health, Snapshot};

/// How long the daemon may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// From one look to the next.
const REFRESH: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(super) struct Options {
    /// Print JSON, with `--watch` one object a line.
    #[arg(long)]
    json: bool,
    /// Look again every second until interrupted.
    #[arg(long)]
    watch: bool,
}

/// Prints what there is to see: exit status 0 if all is well, 2 if not.
pub(super) fn status(socket: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    loop {
        match look(socket) {
            Ok(snapshot) => {
                show(&written(&snapshot, options)?, options)?;
                if !options.watch {
                    return Ok(match snapshot.health {
                        Health::Ok => ExitCode::SUCCESS,
                        Health::Degraded | Health::Critical => ExitCode::from(2),
                    });
                }
            }
            // Who watches wants to see the daemon come back.
            Err(error) if options.watch && !options.json => show(&format!("{error:#}\n"), options)?,
            Err(error) => return Err(error),
        }
        std::thread::sleep(REFRESH);
    }
}

fn look(socket: &Path) -> anyhow::Result<Snapshot> {
    client::converse(socket, async |daemon| {
        let answer = tokio::time::timeout(PATIENCE, daemon.get("/v1/status", &()));
        answer.await.context("the daemon does not answer")?
    })
}

fn written(snapshot: &Snapshot, options: &Options) -> anyhow::Result<String> {
    if options.json {
        return Ok(printable_json(&serde_json::to_string(snapshot)?) + "\n");
    }
    let out = io::stdout();
    let width = terminal_size().filter(|_| out.is_terminal()).map(|(Width(width), _)| usize::from(width));
    let style = Style { colour: super::colour(&out), width };
    Ok(text(snapshot, Timestamp::now(), style))
}

/// Prints a text; over the one before, as far as there is room, where somebody watches.
fn show(text: &str, options: &Options) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match terminal_size().filter(|_| options.watch && out.is_terminal()) {
        Some((_, Height(height))) => out.write_all(frame(text, usize::from(height)).as_bytes())?,
        None => out.write_all(text.as_bytes())?,
    }
    out.flush()
}

/// Fills a screen from its top. Long lines end at its edge; whatever happens next, lines wrap again.
fn frame(text: &str, height: usize) -> String {
    let lines: Vec<&str> = text.lines().take(height).collect();
    format!("\x1b[?7l\x1b[H\x1b[J{}\x1b[?7h", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_no_higher_than_its_screen() {
        assert_eq!(frame("a\nb\nc\n", 2), "\x1b[?7l\x1b[H\x1b[Ja\nb\x1b[?7h");
        assert_eq!(frame("", 2), "\x1b[?7l\x1b[H\x1b[J\x1b[?7h");
    }
}
