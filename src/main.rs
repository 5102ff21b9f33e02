//! lvsd: a director for Linux Virtual Server.

use std::process::ExitCode;

fn main() -> ExitCode {
    lvsd::cli::main(std::env::args_os())
}
