//! What is wanted of the thread that keeps the rules, and how far it has come. Whoever wants something writes it down here
//! and rings; nobody waits for nft but that thread.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use failover::VipId;
use jiff::Timestamp;
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::{mpsc, watch};

use super::catalogue::Catalogue;
use super::rule::Rule;
use super::thread::{Table, keep};

/// How much that happened may wait to be told.
const TOLD: usize = 256;

/// A wish; a later one has a greater number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What came of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is not known yet.
    Pending,
    /// The kernel has it, and all that was wished before.
    Done,
    /// It was tried, and could not be done; it is tried again.
    Failed(String),
}

/// What the thread tells: each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The rules were brought to what is wanted: what changed.
    Changed(String),
    /// Somebody else changed them, and they were put right: what was found.
    Repaired(String),
    /// They cannot be read or written.
    Failed(String),
    /// They can again.
    Recovered,
    /// So many flows had a source that no rule gives them now, and were forgotten.
    Forgotten(usize),
}

/// What keeps the rules from being as they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What.
    pub what: String,
}

/// All rules that are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) catalogue: Catalogue,
    pub(super) here: BTreeSet<VipId>,
}

impl Wanted {
    pub(super) fn rules(&self) -> Vec<Rule> {
        self.catalogue.rules(&self.here)
    }
}

#[derive(Debug, Default)]
struct State {
    wanted: Wanted,
    /// The number of what is wanted.
    latest: Ticket,
    /// The kernel has what was wanted then.
    done: Ticket,
    /// The last wish that was tried in vain, and why.
    failed: Option<(Ticket, String)>,
    trouble: Option<Trouble>,
    /// Somebody said what is wanted; until then all stays as an earlier life left it.
    begun: bool,
    /// The daemon ends.
    ends: bool,
}

/// What is to be done.
pub(super) struct Errand {
    /// What is wanted; nothing before somebody said so.
    pub(super) wanted: Option<Wanted>,
    /// The number of that.
    pub(super) ticket: Ticket,
    /// The kernel has it, unless somebody changed it.
    pub(super) done: bool,
    /// It was not tried yet.
    pub(super) untried: bool,
    /// The daemon ends.
    pub(super) ends: bool,
}

#[derive(Debug)]
pub(super) struct Board {
    state: Mutex<State>,
    bell: EventFd,
    /// Rung for the cluster thread when there is an outcome.
    answers: EventFd,
    /// The same for the director.
    progress: watch::Sender<()>,
}

/// The rules, as those see them who want some. A clone shares them.
#[derive(Clone, Debug)]
pub struct Rules(Arc<Board>);

/// The thread, which ends with this.
#[derive(Debug)]
pub struct Keeper {
    /// What it is told.
    pub rules: Rules,
    /// What it tells.
    pub told: mpsc::Receiver<Told>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread.
    pub fn start(table: impl Table + 'static) -> io::Result<Self> {
        let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
        let board = Arc::new(Board {
            state: Mutex::default(),
            bell: EventFd::from_flags(flags)?,
            answers: EventFd::from_flags(flags)?,
            progress: watch::Sender::new(()),
        });
        let (tell, told) = mpsc::channel(TOLD);
        let rules = Rules(Arc::clone(&board));
        let thread = thread::Builder::new().name("rules".into()).spawn(move || keep(&board, table, &tell))?;
        Ok(Self { rules, told, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.rules.0.state().ends = true;
        self.rules.0.ring();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Rules {
    /// These are the rules of the file, from now on.
    #[must_use]
    pub fn want(&self, catalogue: Catalogue) -> Ticket {
        let mut state = self.0.state();
        let begins = !std::mem::replace(&mut state.begun, true);
        self.change(state, begins, |wanted| wanted.catalogue = catalogue)
    }

    /// A vip comes here; nothing to wait for if it has no rules.
    #[must_use]
    pub fn enter(&self, vip: VipId) -> Option<Ticket> {
        let ticket = self.change(self.0.state(), false, |wanted| {
            wanted.here.insert(vip);
        });
        let has_rules = !self.0.state().wanted.catalogue.rules_of(vip).is_empty();
        has_rules.then_some(ticket)
    }

    /// A vip is not here any more.
    pub fn leave(&self, vip: VipId) {
        self.change(self.0.state(), false, |wanted| {
            wanted.here.remove(&vip);
        });
    }

    /// No vip is here any more.
    pub fn leave_all(&self) {
        self.change(self.0.state(), false, |wanted| wanted.here.clear());
    }

    /// Changes what is wanted, which matters if it changes the rules, or if it is the first word.
    fn change(
        &self,
        mut state: MutexGuard<'_, State>,
        begins: bool,
        change: impl FnOnce(&mut Wanted),
    ) -> Ticket {
        let before = state.wanted.clone();
        change(&mut state.wanted);
        if begins || state.wanted.rules() != before.rules() {
            state.latest.0 += 1;
            self.0.ring();
        }
        state.latest
    }

    /// What came of a wish.
    #[must_use]
    pub fn outcome(&self, ticket: Ticket) -> Outcome {
        let state = self.0.state();
        match &state.failed {
            _ if state.done >= ticket => Outcome::Done,
            Some((failed, why)) if *failed >= ticket => Outcome::Failed(why.clone()),
            _ => Outcome::Pending,
        }
    }

    /// Waits for what comes of a wish.
    pub async fn settled(&self, ticket: Ticket) -> Result<(), String> {
        let mut progress = self.0.progress.subscribe();
        loop {
            match self.outcome(ticket) {
                Outcome::Done => return Ok(()),
                Outcome::Failed(why) => return Err(why),
                Outcome::Pending => {}
            }
            if progress.changed().await.is_err() {
                return Err("the thread that keeps the rules has ended".to_owned());
            }
        }
    }

    /// The rules of a vip, and whether they are in force here.
    #[must_use]
    pub fn of(&self, vip: VipId) -> (Vec<String>, bool) {
        let state = self.0.state();
        let wanted = state.wanted.rules();
        let rules = state.wanted.catalogue.rules_of(vip);
        let in_force = state.done == state.latest && rules.iter().all(|rule| wanted.contains(rule));
        (rules.iter().map(ToString::to_string).collect(), in_force && !rules.is_empty())
    }

    /// How many rules are wanted here.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.state().wanted.rules().len()
    }

    /// What keeps the rules from being as they should be.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.0.state().trouble.clone()
    }

    /// Takes note that outcomes were heard of, which [`as_fd`](AsFd::as_fd) tells.
    pub fn heard(&self) {
        let _ = self.0.answers.read();
    }
}

/// Readable when there is an outcome.
impl AsFd for Rules {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.answers.as_fd()
    }
}

impl Board {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        let _ = self.bell.write(1);
    }

    pub(super) const fn bell(&self) -> &EventFd {
        &self.bell
    }

    /// What is to be done.
    pub(super) fn read(&self) -> Errand {
        let state = self.state();
        Errand {
            wanted: state.begun.then(|| state.wanted.clone()),
            ticket: state.latest,
            done: state.done == state.latest,
            untried: state.failed.as_ref().is_none_or(|(failed, _)| *failed < state.latest),
            ends: state.ends,
        }
    }

    /// The kernel has it, or not; says whether that is another trouble than before.
    pub(super) fn settle(&self, ticket: Ticket, outcome: Result<(), String>) -> bool {
        let mut state = self.state();
        let before = state.trouble.as_ref().map(|trouble| trouble.what.clone());
        match outcome {
            Ok(()) => {
                state.done = ticket;
                state.trouble = None;
            }
            Err(what) => {
                if before.as_ref() != Some(&what) {
                    state.trouble = Some(Trouble { since: Timestamp::now(), what: what.clone() });
                }
                state.failed = Some((ticket, what));
            }
        }
        let changed = before != state.trouble.as_ref().map(|trouble| trouble.what.clone());
        drop(state);
        let _ = self.answers.write(1);
        self.progress.send_replace(());
        changed
    }
}
