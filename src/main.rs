//! lvsd: a director for Linux Virtual Server.

mod api;
mod cli;
mod config;
mod daemon;
mod desired;
mod director;
mod events;
mod kernel;
mod reconcile;
mod state;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(std::env::args_os())
}
