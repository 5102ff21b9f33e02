//! Whoever wants to change the document.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Weak};
use std::time::Duration;

use failover::cib::{Cib, Document, Problems, Version};
use failover::core::Declined;
use nix::sys::eventfd::EventFd;
use tokio::sync::{oneshot, watch};

use super::{Command, Report};

/// How often a change is made anew because somebody else's was first.
const TRIES: usize = 8;
/// How long it waits for the document that was first.
const NEWS: Duration = Duration::from_secs(1);

/// Why a change did not come about.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unchanged {
    /// The document could not be read by anybody.
    #[error("{0}")]
    Invalid(#[from] Problems),
    /// The cluster did not take it.
    #[error(transparent)]
    Declined(#[from] Declined),
}

/// Proposes documents to the cluster. It may outlive the thread.
#[derive(Clone, Debug)]
pub struct Proposer {
    pub(crate) commands: Weak<SyncSender<Command>>,
    pub(crate) bell: Arc<EventFd>,
    pub(crate) report: watch::Receiver<Arc<Report>>,
}

impl Proposer {
    /// The document that is committed, as far as this node knows.
    #[must_use]
    pub fn committed(&self) -> Document {
        self.report.borrow().view.document.clone()
    }

    /// Proposes a document in place of the version that it was made from, and waits until it is known what became of it.
    pub async fn propose(&self, base: Version, document: Document) -> Result<Version, Declined> {
        let (reply, answer) = oneshot::channel();
        let sent = self
            .commands
            .upgrade()
            .is_some_and(|commands| commands.try_send(Command::Propose { base, document, reply }).is_ok());
        if !sent {
            return Err(Declined::NoQuorum);
        }
        let _ = self.bell.write(1);
        answer.await.unwrap_or(Err(Declined::Unknown))
    }

    /// Changes what is configured; again if somebody else was first. A change that changes nothing is asked for as well:
    /// only the DC knows whether this node's document is the latest.
    pub async fn edit(&mut self, change: impl Fn(&mut Cib)) -> Result<Version, Unchanged> {
        let mut tries = TRIES;
        loop {
            let committed = self.committed();
            let base = committed.version();
            let mut cib = Cib::clone(committed.cib());
            change(&mut cib);
            let document = if cib == **committed.cib() {
                committed
            } else {
                cib.version = base.configured();
                Document::write(&cib)?
            };
            match self.propose(base, document).await {
                Err(Declined::Conflict(_)) if tries > 1 => tries -= 1,
                outcome => return Ok(outcome?),
            }
            let news = self.report.wait_for(|report| report.view.document.version() != base);
            let _ = tokio::time::timeout(NEWS, news).await;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
