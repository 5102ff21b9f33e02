//! `lvsd release`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use super::client;
use crate::director::{Director, Surroundings, Watch};
use crate::events::Events;
use crate::kernel::nftables::Nftables;
use crate::kernel::{self, Linux};
use crate::snat::Keeper;
use crate::state::Store;

/// Has the daemon take everything out of the kernel; without a daemon, does it here.
pub(super) fn release(socket: &Path) -> anyhow::Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    runtime.block_on(async {
        match client::Daemon::at(socket)?.post("/v1/release", &()).await {
            Ok(verdict) => Ok(client::tell(&verdict)),
            Err(error) if client::is_absent(&error) => {
                let store = Store::open(&Store::default_directory())?;
                let kernel = kernel::start(Linux::open()?)?;
                let surroundings = Surroundings {
                    store,
                    kernel,
                    events: Events::default(),
                    watch: Watch::start().context("start the checks")?,
                    node: String::new(),
                    adopt: false,
                    cluster: None,
                    rules: Keeper::start(Nftables::default())?,
                };
                println!("{}", Director::release_all(surroundings).await?);
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Err(error),
        }
    })
}
