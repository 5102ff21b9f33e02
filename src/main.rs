//! lvsd: a director for Linux Virtual Server.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(command), Some(file)) if command == "check" => lvsd::cli::check::check(Path::new(&file)),
        _ => ExitCode::FAILURE,
    }
}
