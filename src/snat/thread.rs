//! The thread that keeps the rules: it alone runs nft, and hears when somebody else does.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc::Sender;

use super::board::{Board, Errand, Told, Wanted};
use super::flow::Stale;
use super::rule::{Act, Guard, Rule};
use super::script::{Change, Present, changes};
use crate::kernel::error_text;
use crate::kernel::nftables::Error;

/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Between two looks at what others changed: whoever does so all the time is not to keep this thread busy.
const LOOK: Duration = Duration::from_millis(200);
/// How many changes are named.
const NAMED: usize = 3;

/// What became of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Touched {
    /// Nothing.
    #[default]
    No,
    /// It may be another.
    Changed,
    /// It was deleted.
    Gone,
}

/// The table in a kernel.
pub trait Table: Send {
    /// What it holds; nothing if it is not there.
    fn read(&mut self) -> Result<Vec<Present>, Error>;

    /// Makes it hold these rules, or leaves it as it is.
    fn replace(&mut self, rules: &[Rule]) -> Result<(), Error>;

    /// Forgets the flows that are stale; says how many there were.
    fn forget(&mut self, stale: &Stale) -> Result<usize, String>;

    /// What somebody, also this thread, did to it since the last call.
    fn touched(&mut self) -> Result<Touched, String>;

    /// Becomes readable when somebody changes it.
    fn notices(&self) -> Option<BorrowedFd<'_>>;
}

/// Until the daemon ends.
pub(super) fn keep(board: &Board, table: impl Table, tell: &Sender<Told>) {
    let mut keeping = Keeping {
        board,
        table,
        tell,
        present: None,
        former: BTreeSet::new(),
        gone: false,
        unforgotten: false,
        retry: None,
        look: Instant::now(),
    };
    loop {
        let ends = keeping.turn();
        if ends {
            return;
        }
        keeping.sleep();
    }
}

struct Keeping<'a, T> {
    board: &'a Board,
    table: T,
    tell: &'a Sender<Told>,
    /// What the kernel holds, unless somebody may have changed it.
    present: Option<Vec<Present>>,
    /// All sources that rules ever gave.
    former: BTreeSet<IpAddr>,
    /// Somebody deleted it.
    gone: bool,
    /// Rules have changed, and flows were not looked at since.
    unforgotten: bool,
    retry: Option<Instant>,
    /// Not before this is it looked what others changed.
    look: Instant,
}

impl<T: Table> Keeping<'_, T> {
    /// Says whether that was the last one.
    fn turn(&mut self) -> bool {
        let _ = self.board.bell().read();
        let now = Instant::now();
        match self.table.touched() {
            Ok(Touched::No) => {}
            // It need not be read again, and is wanted back soon.
            Ok(Touched::Gone) => {
                self.present = Some(Vec::new());
                self.gone = true;
            }
            Ok(Touched::Changed) | Err(_) => self.present = None,
        }
        let Errand { wanted, ticket, done, untried, ends } = self.board.read();
        let Some(wanted) = wanted else { return ends };
        let due = match self.retry {
            Some(at) => at <= now,
            None => self.gone || (self.present.is_none() && self.look <= now),
        };
        if !(due || (!done && untried)) {
            // To look at all flows may take long: what is wished comes first.
            if std::mem::take(&mut self.unforgotten) {
                self.forget(&wanted);
            }
            return ends;
        }
        self.look = now + LOOK;
        self.gone = false;
        let outcome = self.bring(&wanted, done);
        self.retry = outcome.is_err().then(|| Instant::now() + RETRY);
        let told = match &outcome {
            Ok(changed) => changed.clone(),
            Err(what) => Some(Told::Failed(what.clone())),
        };
        let failed = outcome.is_err();
        let turned = self.board.settle(ticket, outcome.map(drop));
        if turned && !failed {
            self.tell(Told::Recovered);
        }
        if let Some(told) = told.filter(|_| !failed || turned) {
            self.tell(told);
            self.unforgotten |= !failed;
        }
        ends && !self.unforgotten
    }

    /// Brings the table to what is wanted; says what changed, if anything.
    fn bring(&mut self, wanted: &Wanted, known: bool) -> Result<Option<Told>, String> {
        let rules = wanted.rules();
        self.former.extend(sources(&rules));
        let present = match self.present.take() {
            Some(present) => present,
            None => match self.table.read() {
                // Without the program there is no table of its making.
                Err(Error::Missing) if rules.is_empty() => Vec::new(),
                read => read.map_err(|error| error_text(&error))?,
            },
        };
        self.former.extend(present.iter().filter_map(given));
        let changes = changes(&rules, &present);
        if changes.is_empty() {
            self.present = Some(present);
            return Ok(None);
        }
        self.table.replace(&rules).map_err(|error| error_text(&error))?;
        self.present = Some(rules.iter().map(Present::from).collect());
        let what = named(&changes);
        Ok(Some(if known { Told::Repaired(what) } else { Told::Changed(what) }))
    }

    fn forget(&mut self, wanted: &Wanted) {
        let rules = wanted.rules();
        let services = rules.iter().filter_map(|rule| match &rule.guard {
            Guard::Service(ipvs::ServiceId::Address { endpoint, .. }) => Some(endpoint.address()),
            _ => None,
        });
        let local = services.chain(self.former.iter().copied()).collect();
        let stale = Stale { former: self.former.clone(), local, rules };
        match self.table.forget(&stale) {
            Ok(0) => {}
            Ok(count) => self.tell(Told::Forgotten(count)),
            Err(what) => self.tell(Told::Failed(what)),
        }
    }

    fn tell(&self, told: Told) {
        if self.tell.try_send(told).is_err() {
            tracing::warn!("what happened to the rules is not told: nobody takes it");
        }
    }

    fn sleep(&self) {
        if self.unforgotten {
            return;
        }
        let look = self.present.is_none().then_some(self.look).filter(|_| self.retry.is_none());
        let due = [self.retry, look].into_iter().flatten().min();
        let wait = due.map(|at| at.saturating_duration_since(Instant::now()) + Duration::from_millis(1));
        let timeout =
            wait.map_or(PollTimeout::NONE, |wait| PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX));
        let fds = [Some(self.board.bell().as_fd()), self.table.notices()];
        let mut fds: Vec<PollFd<'_>> =
            fds.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let _ = poll(&mut fds, timeout);
    }
}

/// The sources that rules give.
fn sources(rules: &[Rule]) -> impl Iterator<Item = IpAddr> {
    rules.iter().filter_map(|rule| match rule.act {
        Act::Source(address) => Some(address),
        Act::Masquerade | Act::Leave => None,
    })
}

/// The source that a rule gives which an earlier life left.
fn given(present: &Present) -> Option<IpAddr> {
    present.text.rsplit_once(" to ")?.1.trim().parse().ok()
}

fn named(changes: &[Change]) -> String {
    let named: Vec<String> = changes.iter().take(NAMED).map(ToString::to_string).collect();
    match changes.len().saturating_sub(NAMED) {
        0 => named.join("; "),
        rest => format!("{}; and {rest} more", named.join("; ")),
    }
}
