//! `lvsd plan`.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;

use crate::desired::{desired, realserver_addresses};
use crate::director;
use crate::kernel::{Kernel, Linux};
use crate::reconcile;
use crate::serving::Serving;
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
    let mut out = io::stdout().lock();
    for step in &steps {
        writeln!(out, "{step}")?;
    }
    writeln!(out, "{}", reconcile::summary(&steps))?;
    Ok(if steps.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
