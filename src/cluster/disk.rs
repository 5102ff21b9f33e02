//! What outlives this life, on disk before it is answered: the term with the vote, and the document. A thread for each
//! waits for the disk, so that none waits for another.

mod documents;
mod scribe;
mod votes;

use std::io;
use std::path::Path;
use std::sync::Arc;

use failover::cib::Document;
use failover::core::{Kept, Paper};
use nix::sys::eventfd::EventFd;

use documents::Shelf;
use scribe::Scribe;

/// Whose disk it is: what another cluster or node wrote is worth nothing.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) cluster: String,
    pub(super) node: String,
}

/// The disk, as the cluster thread sees it.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) votes: Scribe<Paper>,
    pub(super) accepted: Scribe<Document>,
    pub(super) committed: Scribe<Document>,
}

/// What an earlier life left.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) paper: Option<Paper>,
    pub(super) kept: Kept,
    /// Files that were refused and put aside, and why.
    pub(super) refused: Vec<String>,
}

impl Disk {
    /// Reads what an earlier life left, and starts the threads. They ring the bell whenever something is stored.
    pub(super) fn open(directory: &Path, owner: &Owner, bell: &Arc<EventFd>) -> io::Result<(Self, Left)> {
        let path = directory.join("vote.json");
        let shelf = Shelf::new(directory, owner.clone());
        let mut left = Left { paper: votes::read(&path, owner), ..Left::default() };
        left.kept = shelf.read(&mut left.refused)?;
        let (accepted, committed, voter) = (shelf.clone(), shelf, owner.clone());
        let disk = Self {
            votes: Scribe::open("votes", bell, move |paper| votes::write(&path, &voter, *paper))?,
            accepted: Scribe::open("accepted", bell, move |it| accepted.write_accepted(it))?,
            committed: Scribe::open("committed", bell, move |it| committed.write_committed(it))?,
        };
        Ok((disk, left))
    }
}
