//! `lvsd plan`.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;

use crate::config::Config;
use crate::desired::{desired, realserver_addresses};
use crate::director;
use crate::kernel::{Kernel, Linux, nftables};
use crate::reconcile;
use crate::serving::Serving;
use crate::snat::{self, Catalogue, Change};
use crate::state::{self, BootTime, Found, State, Store};

/// Prints what would change, one change a line.
pub(super) fn plan(path: &Path) -> anyhow::Result<ExitCode> {
    let config = super::load(path)?;
    let mut state = match state::peek(&Store::default_directory())? {
        Found::State(state) => state,
        Found::Nothing => State::default(),
        Found::Damaged(_) => bail!("the state file is damaged; `lvsd run` puts it aside"),
    };
    let mut kernel = Linux::open()?;
    let now = Instant::now();
    let mut serving = Serving::default();
    serving.recall(&state::peek_verdicts(&Store::default_directory()), &config, now);
    serving.decide(now, &config, &state.words, None);
    let towards = kernel.towards(&realserver_addresses(&config))?;
    let desired = desired(&config, &towards, serving.decisions());
    let sysctls = desired.sysctls.keys().chain(state.sysctls.keys()).cloned().collect();
    let actual = kernel.observe(&sysctls)?;
    director::refuse_impossible(&config, &desired, &state, &actual, false)?;

    let now = BootTime::now();
    state.retarget(&desired, now, false);
    let steps = reconcile::plan(&desired, &state, &actual, now);
    let rules = rules(&config)?;
    let mut out = io::stdout().lock();
    for step in &steps {
        writeln!(out, "{step}")?;
    }
    for change in &rules {
        writeln!(out, "{change}")?;
    }
    let summaries = [Some(reconcile::summary(&steps)).filter(|_| !steps.is_empty()), snat::summary(&rules)];
    let summaries: Vec<String> = summaries.into_iter().flatten().collect();
    if summaries.is_empty() {
        writeln!(out, "{}", reconcile::summary(&steps))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{}", summaries.join(", "))?;
    Ok(ExitCode::from(2))
}

/// What would change of the rules. In a cluster, only of the vips of which there are some: those are here.
fn rules(config: &Config) -> anyhow::Result<Vec<Change>> {
    let catalogue = Catalogue::of(config);
    let present = match nftables::read() {
        Err(nftables::Error::Missing) if catalogue.is_empty() => Vec::new(),
        read => read?,
    };
    Ok(snat::changes(&catalogue.rules(&catalogue.seen(&present)), &present))
}
