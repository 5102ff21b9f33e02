//! `lvsd events`.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::client;
use crate::api::EventQuery;
use crate::events::Event;

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
                    serde_json::to_writer(&mut out, event)?;
                    writeln!(out)?;
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

fn line(event: &Event) -> String {
    let Event { at, kind, object, what, cause, .. } = event;
    format!("{at:.3} {cause:<7} {kind:<16} {object}: {what}")
}
