//! What it takes to read the document, and to change it.

use std::sync::Arc;
use std::time::Duration;

use failover::cib::verify::Finding;
use failover::cib::{Document, Problems, Version};
use failover::core::Declined;
use tokio::sync::watch;

use super::{Cause, Director, Membership, Names, Refusal};
use crate::cib::{Draft, Scene};
use crate::cluster::{Proposer, Report};
use crate::config::Cluster;
use crate::events::{Events, Kind};

/// How long it waits for the document that was first.
const NEWS: Duration = Duration::from_secs(1);

/// Where the document is read and changed.
pub struct Desk {
    /// What is known now.
    pub scene: Scene,
    /// What the numbers mean.
    pub names: Names,
    /// Which times of the file do not fit together.
    pub timing: Vec<Finding>,
    pub(crate) proposer: Proposer,
    pub(crate) report: watch::Receiver<Arc<Report>>,
    pub(crate) events: Events,
}

/// Why a document did not take the place of another.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unreplaced {
    /// Nobody could read it.
    #[error("{0}")]
    Invalid(#[from] Problems),
    /// Somebody else was first.
    #[error(
        "somebody else was first: the document is {version} now, and nothing of yours is in it; query it again\n{changes}"
    )]
    Outrun {
        /// What is in force.
        version: Version,
        /// What the other one changed.
        changes: String,
    },
    /// A minority decides nothing.
    #[error(
        "no majority of nodes with a DC is heard: this director reads the document, and cannot change it"
    )]
    Minority,
    /// The cluster did not take it.
    #[error(transparent)]
    Declined(Declined),
}

impl Director {
    /// Opens it.
    pub(in crate::director) fn desk(&self) -> Result<Desk, Refusal> {
        let membership = self.cluster.as_ref().ok_or(Refusal::Alone)?;
        let handle = &membership.handle;
        Ok(Desk {
            scene: membership.scene(),
            names: handle.names.clone(),
            timing: self.config.cluster.as_ref().map(Cluster::timing).unwrap_or_default(),
            proposer: handle.proposer(),
            report: handle.report.clone(),
            events: self.events.clone(),
        })
    }
}

impl Membership {
    /// What is known now.
    pub(super) fn scene(&self) -> Scene {
        Scene {
            report: Arc::clone(&self.handle.report.borrow()),
            ping_hosts: self.handle.ping.len().try_into().unwrap_or(u32::MAX),
            without: None,
        }
    }
}

impl Desk {
    /// Has a document take the place of the one that it was made from, as a whole or not at all.
    pub async fn replace(mut self, draft: &Draft) -> Result<Version, Unreplaced> {
        let document = Document::write(&draft.cib)?;
        let what = format!("is to be {} instead of {}", document.version(), draft.base);
        self.events.record(Kind::OperatorSaid, "cib", what, Cause::Operator.name());
        match self.proposer.propose(draft.base, document).await {
            Ok(version) => Ok(version),
            Err(Declined::Conflict(version)) => Err(self.outrun(version).await),
            Err(Declined::NoQuorum) => Err(Unreplaced::Minority),
            Err(other) => Err(Unreplaced::Declined(other)),
        }
    }

    /// Who was first, as far as it can be known: what he changed.
    async fn outrun(&mut self, version: Version) -> Unreplaced {
        let news = self.report.wait_for(|report| report.view.document.version() >= version);
        drop(tokio::time::timeout(NEWS, news).await);
        let theirs = Arc::clone(self.report.borrow().view.document.cib());
        let changes = self.scene.committed().diff(&theirs);
        let changes = changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Unreplaced::Outrun { version, changes }
    }
}
