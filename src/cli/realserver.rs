//! `lvsd realserver`.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::client::{converse, tell};
use crate::api::SayQuery;
use crate::serving::Said;

/// What is to become of a realserver.
#[derive(Subcommand)]
pub(super) enum Order {
    /// Give it no new connections; those that it has go on.
    Drain(Which),
    /// Take it out; its connections end.
    Disable(Which),
    /// Leave it to its checks again.
    Enable(Which),
}

/// A realserver of a service.
#[derive(Args)]
pub(super) struct Which {
    /// The service's name.
    service: String,
    /// The realserver's name, as `lvsd status` shows it.
    realserver: String,
}

/// Passes an operator's word on.
pub(super) fn realserver(socket: &Path, order: Order) -> anyhow::Result<ExitCode> {
    let (Which { service, realserver }, said) = match order {
        Order::Drain(which) => (which, Some(Said::Drain)),
        Order::Disable(which) => (which, Some(Said::Disable)),
        Order::Enable(which) => (which, None),
    };
    let query = SayQuery { service, realserver, said };
    let verdict = converse(socket, async |daemon| daemon.post("/v1/realserver", &query).await)?;
    Ok(tell(&verdict))
}
