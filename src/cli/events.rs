//! `lvsd events`.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::client;
use crate::api::EventQuery;
use crate::events::Event;
use crate::snapshot::words::{printable, printable_json};

#[derive(Args)]
pub(super) struct Options {
    /// Go on with new events until interrupted.
    #[arg(long)]
    follow: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Prints the events that the daemon keeps.
pub(super) fn events(socket: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    client::converse(socket, async |daemon| {
        let mut since = 0;
        let mut wait = false;
        loop {
            let events: Vec<Event> = daemon.get("/v1/events", &EventQuery { since, wait }).await?;
            let mut out = io::stdout().lock();
            for event in &events {
                since = event.id;
                if options.json {
                    writeln!(out, "{}", printable_json(&serde_json::to_string(event)?))?;
                } else {
                    writeln!(out, "{}", line(event))?;
                }
            }
            out.flush()?;
            if !options.follow {
                return Ok(ExitCode::SUCCESS);
            }
            wait = true;
        }
    })
}

/// What happened may have been said by a realserver.
fn line(event: &Event) -> String {
    let Event { at, kind, object, what, cause, .. } = event;
    let what: Vec<_> = what.lines().map(printable).collect();
    format!("{at:.3} {cause:<7} {kind:<16} {}: {}", printable(object), what.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Kind;

    #[test]
    fn what_a_realserver_says_is_printed_and_not_obeyed() {
        let event = Event {
            id: 1,
            at: "2026-11-21T02:00:00Z".parse().unwrap(),
            kind: Kind::RealserverDown,
            object: "web/rs1".into(),
            what: "\u{1b}[2J bad\nworse".into(),
            cause: "http".into(),
        };
        let line = line(&event);
        assert_eq!(line, "2026-11-21T02:00:00.000Z http    realserver_down  web/rs1: \u{fffd}[2J bad\nworse");
    }
}
