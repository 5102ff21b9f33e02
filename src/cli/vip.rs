//! `lvsd vip`.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::client::{converse, tell};
use crate::api::{CleanupQuery, ExplainQuery, MoveQuery, ReleaseQuery};
use crate::cib::Explanation;
use crate::snapshot::words::printable_json;

/// Where a vip is to be.
#[derive(Subcommand)]
pub(super) enum Order {
    /// Move it to a node, or away from where it is; it stays there until it is released.
    Move {
        /// The vip's name.
        vip: String,
        /// The node, if it is not to be any other.
        // `node` is the option of every command.
        #[arg(value_name = "NODE", id = "which")]
        node: Option<String>,
    },
    /// Take a move back: it goes where the cluster places it.
    Release {
        /// The vip's name.
        vip: String,
    },
    /// Say why it is where it is: what each node is worth to it, and what follows.
    Explain(Question),
    /// Forget that it failed, at a node or everywhere: it may go there again.
    Cleanup {
        /// The vip's name.
        vip: String,
        /// The node, if not all.
        #[arg(value_name = "NODE", id = "which")]
        node: Option<String>,
    },
}

/// What speaks for where a vip is.
#[derive(Args)]
pub(super) struct Question {
    /// The vip's name, if not all.
    vip: Option<String>,
    /// As it would be if this node went.
    #[arg(long, value_name = "NODE")]
    without: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Passes an operator's word on, and waits for its effect.
pub(super) fn vip(socket: &Path, order: Order) -> anyhow::Result<ExitCode> {
    match order {
        Order::Move { vip, node } => pass_on(socket, "/v1/vip/move", &MoveQuery { vip, node }),
        Order::Cleanup { vip, node } => pass_on(socket, "/v1/vip/cleanup", &CleanupQuery { vip, node }),
        Order::Release { vip } => pass_on(socket, "/v1/vip/release", &ReleaseQuery { vip }),
        Order::Explain(question) => explain(socket, question),
    }
}

fn pass_on(socket: &Path, path: &str, query: &impl Serialize) -> anyhow::Result<ExitCode> {
    let verdict = converse(socket, async |daemon| daemon.post(path, query).await)?;
    Ok(tell(&verdict))
}

fn explain(socket: &Path, Question { vip, without, json }: Question) -> anyhow::Result<ExitCode> {
    let query = ExplainQuery { vip, without };
    let explanations: Vec<Explanation> =
        converse(socket, async |daemon| daemon.ask("/v1/vip/explain", &query).await)?;
    let text = if json {
        printable_json(&serde_json::to_string(&explanations)?) + "\n"
    } else {
        explanations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
