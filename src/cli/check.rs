//! `lvsd check`: is this file right?

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::config::{Config, Report};
use crate::kernel::nftables;
use crate::snat::Catalogue;

/// Validates a file and touches nothing: exit status 0 if it is valid, 1 with a report on standard error if not.
#[must_use]
pub(super) fn check(path: &Path) -> ExitCode {
    match Config::load(path) {
        Ok(config) => {
            // Nobody is left to tell when standard output is closed.
            let _ = writeln!(io::stdout(), "{}: {}", path.display(), summary(&config));
            warn(path, &config);
            ExitCode::SUCCESS
        }
        Err(report) => {
            complain(&report);
            ExitCode::FAILURE
        }
    }
}

fn warn(path: &Path, config: &Config) {
    let mut stderr = io::stderr().lock();
    let rules = !Catalogue::of(config).is_empty();
    let nft = (rules && !nftables::is_installed()).then(|| nftables::Error::Missing.to_string());
    for warning in config.warnings().into_iter().chain(nft) {
        let _ = writeln!(stderr, "{}: warning: {warning}", path.display());
    }
}

fn complain(report: &Report) {
    let _ = writeln!(io::stderr().lock(), "{}", report.render(super::colour(&io::stderr())));
}

fn summary(config: &Config) -> String {
    let realservers = config.services.iter().map(|service| service.realservers.len()).sum();
    let count = |number: usize, thing| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {thing}{plural}")
    };
    format!("{}, {}", count(config.services.len(), "service"), count(realservers, "realserver"))
}
