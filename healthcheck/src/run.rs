//! What makes the checks: it asks the board what is due, starts that, and feeds back what was found.

mod counters;
#[cfg(test)]
mod tests;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::mem;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::sleep_until;

pub use self::counters::{Counters, Lateness};
use crate::{Board, Change, CheckId, Code, Monitor, Outcome, Standing, Subject};

/// How many orders to the task may wait, and how many of held connections; who has more waits as well.
const WAITING: usize = 64;

/// The checks that are made. When all clones of it are gone, or nobody waits for changes any more, they end.
#[derive(Debug)]
pub struct Checks<K> {
    orders: mpsc::Sender<Order<K>>,
}

impl<K> Clone for Checks<K> {
    fn clone(&self) -> Self {
        Self { orders: self.orders.clone() }
    }
}

/// All that is known at one moment.
#[derive(Clone, Debug)]
pub struct Overview<K> {
    /// What is believed of each realserver.
    pub standings: BTreeMap<K, Standing>,
    /// What it took.
    pub counters: Counters,
}

#[derive(Debug)]
enum Order<K> {
    Watch(Vec<(K, Subject)>),
    Look(oneshot::Sender<Overview<K>>),
}

/// By which a check that goes on reports that its connection stands.
#[derive(Debug)]
pub struct Held {
    id: CheckId,
    reports: mpsc::Sender<(CheckId, Outcome)>,
}

impl Held {
    /// Reports what was found until now. Each report is a result of its own that counts towards rise and fall.
    pub async fn stands(&self, outcome: Outcome) {
        // The task ends all checks when it ends.
        drop(self.reports.send((self.id, outcome)).await);
    }
}

impl<K: Ord + Clone + Send + 'static> Checks<K> {
    /// Prepares to make checks with `probe`, at most `limit` at a time; a check that is due meanwhile begins late.
    /// One that holds a connection does not count from its first report on. The seed is that of [`Board::new`].
    ///
    /// The future makes the checks, in a tokio runtime with timers and IO. In one with a single thread of its own they
    /// cost least, for none of them wakes another thread, and nothing else can hold them up.
    ///
    /// What changes comes in batches. While the receiver is busy, changes of one realserver become one, and nothing
    /// if it is as before in the end.
    pub fn new<P, F>(
        seed: u64,
        limit: NonZeroUsize,
        probe: P,
    ) -> (Self, mpsc::Receiver<Vec<Change<K>>>, impl Future<Output = ()> + Send + 'static)
    where
        P: Fn(SocketAddr, Arc<Monitor>, Held) -> F + Send + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (orders, said) = mpsc::channel(WAITING);
        // One batch waits for the receiver, the next gathers in the task.
        let (batches, receiver) = mpsc::channel(1);
        let (report, reports) = mpsc::channel(WAITING);
        let driver = Driver {
            board: Board::new(seed),
            probe,
            limit: limit.get(),
            running: JoinSet::new(),
            handles: BTreeMap::new(),
            held: BTreeSet::new(),
            report,
            reports,
            changes: BTreeMap::new(),
            counters: Counters::default(),
        };
        (Self { orders }, receiver, driver.run(said, batches))
    }

    /// Replaces what is watched; see [`Board::watch`]. Checks of what is no longer watched are cut off.
    pub async fn watch(&self, subjects: Vec<(K, Subject)>) {
        // Without a task nothing is watched; its end shows in the changes.
        drop(self.orders.send(Order::Watch(subjects)).await);
    }

    /// All that is known now; nothing if the task has ended.
    pub async fn overview(&self) -> Option<Overview<K>> {
        let (answer, overview) = oneshot::channel();
        self.orders.send(Order::Look(answer)).await.ok()?;
        overview.await.ok()
    }
}

struct Driver<K, P> {
    board: Board<K>,
    probe: P,
    limit: usize,
    running: JoinSet<(CheckId, Outcome)>,
    /// Of the running checks whose results are wanted.
    handles: BTreeMap<CheckId, AbortHandle>,
    /// Of the running checks that hold a connection.
    held: BTreeSet<CheckId>,
    report: mpsc::Sender<(CheckId, Outcome)>,
    reports: mpsc::Receiver<(CheckId, Outcome)>,
    /// What the receiver has not been told yet.
    changes: BTreeMap<K, Change<K>>,
    counters: Counters,
}

impl<K, P, F> Driver<K, P>
where
    K: Ord + Clone,
    P: Fn(SocketAddr, Arc<Monitor>, Held) -> F,
    F: Future<Output = Outcome> + Send + 'static,
{
    async fn run(mut self, mut orders: mpsc::Receiver<Order<K>>, batches: mpsc::Sender<Vec<Change<K>>>) {
        // Kept over the rounds, most of which change nothing about it.
        let mut alarm = pin!(sleep_until(now().into()));
        loop {
            self.gather();
            let timeout = self.board.poll_timeout().filter(|_| self.in_flight() < self.limit);
            if let Some(timeout) = timeout.map(Into::into).filter(|&it| it != alarm.deadline()) {
                alarm.as_mut().reset(timeout);
            }
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return,
                },
                Some(ended) = self.running.join_next() => self.end(ended),
                Some((id, outcome)) = self.reports.recv() => self.report(id, outcome),
                permit = batches.reserve(), if !self.changes.is_empty() => match permit {
                    Ok(permit) => permit.send(mem::take(&mut self.changes).into_values().collect()),
                    Err(_) => return,
                },
                () = alarm.as_mut(), if timeout.is_some() => self.begin(),
            }
        }
    }

    /// How many checks count towards the limit.
    fn in_flight(&self) -> usize {
        self.running.len().saturating_sub(self.held.len())
    }

    /// Begins what is due, as far as the limit allows.
    fn begin(&mut self) {
        let now = now();
        while self.in_flight() < self.limit {
            let Some(start) = self.board.poll(now) else { return };
            let (id, held) = (start.id, Held { id: start.id, reports: self.report.clone() });
            let check = (self.probe)(start.target, start.monitor, held);
            self.handles.insert(id, self.running.spawn(async move { (id, check.await) }));
            self.counters.lateness.add(now.saturating_duration_since(start.due));
        }
    }

    fn obey(&mut self, order: Order<K>) {
        match order {
            Order::Watch(subjects) => {
                self.board.watch(now(), subjects);
                self.changes.retain(|key, _| self.board.standing(key).is_some());
                self.handles.retain(|&id, handle| {
                    let wanted = self.board.has(id);
                    if !wanted {
                        handle.abort();
                    }
                    wanted
                });
                self.held.retain(|&id| self.board.has(id));
            }
            Order::Look(answer) => {
                let standings =
                    self.board.standings().map(|(key, standing)| (key.clone(), standing)).collect();
                let (in_flight, held) = (self.in_flight(), self.held.len());
                let counters = Counters { in_flight, held, ..self.counters.clone() };
                // Who asked may have gone meanwhile.
                drop(answer.send(Overview { standings, counters }));
            }
        }
    }

    fn report(&mut self, id: CheckId, outcome: Outcome) {
        if self.handles.contains_key(&id) {
            self.held.insert(id);
            self.board.report(now(), id, outcome);
        }
    }

    /// Takes in that a check ended, and all others that did.
    fn end(&mut self, ended: Result<(CheckId, Outcome), JoinError>) {
        let now = now();
        let mut next = Some(ended);
        while let Some(ended) = next {
            self.end_one(now, ended);
            next = self.running.try_join_next();
        }
    }

    fn end_one(&mut self, now: Instant, ended: Result<(CheckId, Outcome), JoinError>) {
        let Some((id, outcome)) = ended.map_or_else(|error| self.broken(&error), Some) else { return };
        // What it reported before its end was found before.
        while let Ok((id, outcome)) = self.reports.try_recv() {
            self.report(id, outcome);
        }
        self.handles.remove(&id);
        self.held.remove(&id);
        *self.counters.made.entry(outcome.code).or_default() += 1;
        self.board.finish(now, id, outcome);
    }

    /// The outcome of a check that panicked. It counts as a failure, for without any result the realserver would never
    /// be checked again.
    fn broken(&self, error: &JoinError) -> Option<(CheckId, Outcome)> {
        let (&id, _) = self.handles.iter().find(|(_, handle)| handle.id() == error.id())?;
        Some((id, Outcome::new(Code::L7Response, "the check itself broke down", Duration::ZERO)))
    }

    /// Takes what changed on the board to what the receiver will be told.
    fn gather(&mut self) {
        while let Some(change) = self.board.poll_change() {
            match self.changes.entry(change.key.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(change);
                }
                Entry::Occupied(entry) if entry.get().from == change.to => {
                    entry.remove();
                }
                Entry::Occupied(mut entry) => {
                    let from = entry.get().from;
                    entry.insert(Change { from, ..change });
                }
            }
        }
    }
}

/// The runtime's clock, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
