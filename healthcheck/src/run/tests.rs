use std::future::pending;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{Checks, Held};
use crate::{Change, Check, Code, Health, Monitor, Origin, Outcome, Pace, Subject};

const SECOND: Duration = Duration::from_secs(1);

/// Every second, whatever is believed; rise 2, fall 3.
fn subject(number: u8, check: Check) -> (u8, Subject) {
    let pace = Pace {
        interval: SECOND,
        fast_interval: SECOND,
        down_interval: SECOND,
        rise: NonZeroU32::new(2).unwrap(),
        fall: NonZeroU32::new(3).unwrap(),
    };
    let (origin, timeout) = (Origin::default(), SECOND);
    let monitor = Arc::new(Monitor { check, address: None, port: None, origin, timeout, pace });
    let realserver = SocketAddr::from(([10, 0, 0, number], 80));
    (number, Subject { realserver, monitors: vec![monitor], initial: Health::Unknown })
}

fn tcp(numbers: impl IntoIterator<Item = u8>) -> Vec<(u8, Subject)> {
    numbers.into_iter().map(|number| subject(number, Check::Tcp)).collect()
}

fn outcome(passed: bool) -> Outcome {
    Outcome::new(if passed { Code::L4Ok } else { Code::L4Connection }, "", Duration::ZERO)
}

fn limit(limit: usize) -> NonZeroUsize {
    NonZeroUsize::new(limit).unwrap()
}

fn start<P, F>(seed: u64, limit: NonZeroUsize, probe: P) -> (Checks<u8>, mpsc::Receiver<Vec<Change<u8>>>)
where
    P: Fn(SocketAddr, Arc<Monitor>, Held) -> F + Send + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let (checks, receiver, work) = Checks::new(seed, limit, probe);
    tokio::spawn(work);
    (checks, receiver)
}

async fn changes(receiver: &mut mpsc::Receiver<Vec<Change<u8>>>) -> Vec<(u8, Health, Health)> {
    receiver.recv().await.unwrap().into_iter().map(|it| (it.key, it.from, it.to)).collect()
}

async fn health(checks: &Checks<u8>, key: u8) -> Health {
    checks.overview().await.unwrap().standings[&key].health
}

/// Counts how many of it there are.
struct Guard(Arc<AtomicUsize>);

impl Guard {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn what_changes_is_told_and_everything_can_be_looked_at() {
    let works = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&works);
    let (checks, mut receiver) = start(1, limit(10), move |_, _, _| {
        let passed = seen.load(Ordering::Relaxed);
        async move { outcome(passed) }
    });
    checks.watch(tcp([1])).await;
    assert_eq!(changes(&mut receiver).await, [(1, Health::Unknown, Health::Up)]);
    works.store(false, Ordering::Relaxed);
    assert_eq!(changes(&mut receiver).await, [(1, Health::Up, Health::Down)]);

    let overview = checks.overview().await.unwrap();
    assert_eq!(overview.standings[&1].health, Health::Down);
    assert_eq!(
        overview.counters.made.into_iter().collect::<Vec<_>>(),
        [(Code::L4Ok, 1), (Code::L4Connection, 3)]
    );
    assert_eq!((overview.counters.lateness.count, overview.counters.in_flight), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_are_under_way_and_the_others_are_late() {
    let (count, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (at_most, now) = (Arc::clone(&most), Arc::clone(&count));
    let (checks, _receiver) = start(1, limit(3), move |_, _, _| {
        let guard = Guard::new(&now);
        at_most.fetch_max(now.load(Ordering::Relaxed), Ordering::Relaxed);
        async move {
            sleep(SECOND).await;
            drop(guard);
            outcome(true)
        }
    });
    checks.watch(tcp(0..30)).await;
    sleep(15 * SECOND).await;
    assert_eq!(most.load(Ordering::Relaxed), 3);
    let overview = checks.overview().await.unwrap();
    assert!(overview.standings.values().all(|standing| standing.health == Health::Up), "each has its turn");
    assert_eq!(overview.counters.in_flight, 3);
    assert!(overview.counters.lateness.sum > 60 * SECOND, "{:?}", overview.counters.lateness);
}

#[tokio::test(start_paused = true)]
async fn checks_of_what_is_no_longer_watched_are_cut_off() {
    let count = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&count);
    let (checks, receiver) = start(1, limit(10), move |_, _, _| {
        let guard = Guard::new(&now);
        async move {
            let _guard = guard;
            pending().await
        }
    });
    checks.watch(tcp(0..5)).await;
    sleep(2 * SECOND).await;
    assert_eq!(count.load(Ordering::Relaxed), 5);
    checks.watch(tcp(3..6)).await;
    sleep(2 * SECOND).await;
    assert_eq!(count.load(Ordering::Relaxed), 3);
    drop((checks, receiver));
    sleep(SECOND).await;
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_busy_receiver_holds_up_no_check_and_gets_the_latest_state() {
    let works = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&works);
    let (checks, mut receiver) = start(1, limit(10), move |target: SocketAddr, _, _| {
        let passed = seen.load(Ordering::Relaxed) || target.ip().to_string() == "10.0.0.1";
        async move { outcome(passed) }
    });
    checks.watch(tcp([0])).await;
    sleep(2 * SECOND).await;
    // The first batch waits in the channel. Meanwhile one goes down and comes up, one appears, one goes.
    works.store(false, Ordering::Relaxed);
    checks.watch(tcp([0, 1, 2])).await;
    sleep(10 * SECOND).await;
    assert_eq!(health(&checks, 0).await, Health::Down);
    works.store(true, Ordering::Relaxed);
    sleep(10 * SECOND).await;
    assert_eq!(health(&checks, 0).await, Health::Up);
    checks.watch(tcp([0, 1])).await;
    assert!(checks.overview().await.unwrap().counters.lateness.count > 50);

    assert_eq!(changes(&mut receiver).await, [(0, Health::Unknown, Health::Up)]);
    assert_eq!(changes(&mut receiver).await, [(1, Health::Unknown, Health::Up)]);
    assert!(receiver.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_held_connection_reports_before_it_ends() {
    let (checks, mut receiver) = start(1, limit(10), |_, _, held: Held| async move {
        for _ in 0..2 {
            held.stands(outcome(true)).await;
            sleep(60 * SECOND).await;
        }
        held.stands(outcome(true)).await;
        outcome(false)
    });
    checks.watch(vec![subject(1, Check::Idle)]).await;
    assert_eq!(changes(&mut receiver).await, [(1, Health::Unknown, Health::Up)]);
    sleep(90 * SECOND).await;
    let counters = checks.overview().await.unwrap().counters;
    assert_eq!((counters.in_flight, counters.held, counters.made.len()), (0, 1, 0));
    sleep(30 * SECOND + SECOND / 10).await;
    let standing = checks.overview().await.unwrap().standings.remove(&1).unwrap();
    assert_eq!(standing.finding.unwrap().streak.to_string(), "1 of 3 failures", "the end comes last");
}

#[tokio::test(start_paused = true)]
async fn held_connections_leave_room_for_other_checks() {
    let (checks, _receiver) = start(1, limit(1), |_, monitor: Arc<Monitor>, held: Held| async move {
        if monitor.check == Check::Idle {
            held.stands(outcome(true)).await;
            pending().await
        }
        outcome(false)
    });
    let subjects = (0..5).map(|number| subject(number, Check::Idle)).chain(tcp([9])).collect();
    checks.watch(subjects).await;
    sleep(10 * SECOND).await;
    let overview = checks.overview().await.unwrap();
    let up = overview.standings.values().filter(|standing| standing.health == Health::Up).count();
    assert_eq!((up, overview.counters.held, overview.standings[&9].health), (5, 5, Health::Down));
    checks.watch(tcp([9])).await;
    assert_eq!(checks.overview().await.unwrap().counters.held, 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_breaks_down_is_a_failure_and_not_the_last() {
    let count = Arc::new(AtomicUsize::new(0));
    let (checks, mut receiver) = start(1, limit(10), move |_, _, _| {
        let breaks = count.fetch_add(1, Ordering::Relaxed) < 3;
        async move {
            assert!(!breaks, "a defect");
            outcome(true)
        }
    });
    checks.watch(tcp([1])).await;
    assert_eq!(changes(&mut receiver).await, [(1, Health::Unknown, Health::Down)]);
    assert_eq!(changes(&mut receiver).await, [(1, Health::Down, Health::Up)]);
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_those_who_want_it() {
    let begin = || start(1, limit(1), |_, _, _| async { outcome(true) });
    let (checks, mut receiver) = begin();
    drop(checks);
    assert!(receiver.recv().await.is_none());

    let (checks, receiver) = begin();
    drop(receiver);
    checks.watch(tcp([1])).await;
    sleep(5 * SECOND).await;
    assert!(checks.overview().await.is_none());
}
