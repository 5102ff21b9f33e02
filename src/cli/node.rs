//! `lvsd node`.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::client::{converse, tell};
use crate::api::NodeQuery;

/// Whether a node takes part.
#[derive(Subcommand)]
pub(super) enum Order {
    /// Have it give up all vips, and take none until told otherwise; kept over restarts.
    Standby(Which),
    /// Let it take part again.
    Online(Which),
}

/// A node of the cluster.
#[derive(Args)]
pub(super) struct Which {
    /// The node, if not the daemon's own.
    // `node` is the option of every command.
    #[arg(value_name = "NODE", id = "which")]
    node: Option<String>,
}

/// Passes an operator's word on, and waits for its effect.
pub(super) fn node(socket: &Path, order: Order) -> anyhow::Result<ExitCode> {
    let (Which { node }, standby) = match order {
        Order::Standby(which) => (which, true),
        Order::Online(which) => (which, false),
    };
    let query = NodeQuery { node, standby };
    let verdict = converse(socket, async |daemon| daemon.post("/v1/node", &query).await)?;
    Ok(tell(&verdict))
}
