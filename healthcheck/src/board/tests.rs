use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::slice::from_ref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Board, CheckId, Start, Subject};
use crate::{Check, Code, Health, Monitor, Origin, Outcome, Pace};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// Every 2 s, every 500 ms in doubt, every 5 s while down; rise 2, fall 3.
fn monitor(check: Check) -> Arc<Monitor> {
    Arc::new(Monitor {
        check,
        address: None,
        port: None,
        origin: Origin::default(),
        timeout: SECOND,
        pace: Pace {
            interval: 2 * SECOND,
            fast_interval: 500 * MILLI,
            down_interval: 5 * SECOND,
            rise: NonZeroU32::new(2).unwrap(),
            fall: NonZeroU32::new(3).unwrap(),
        },
    })
}

fn server(number: u16) -> SocketAddr {
    let [high, low] = number.to_be_bytes();
    SocketAddr::from(([10, 0, high, low], 80))
}

fn subject(number: u16, monitors: &[Arc<Monitor>]) -> Subject {
    Subject { realserver: server(number), monitors: monitors.to_vec(), initial: Health::Unknown }
}

fn believed(number: u16, monitors: &[Arc<Monitor>], initial: Health) -> Subject {
    Subject { initial, ..subject(number, monitors) }
}

fn outcome(passed: bool) -> Outcome {
    let code = if passed { Code::L4Ok } else { Code::L4Connection };
    Outcome::new(code, "", MILLI)
}

/// A board, a clock, and checks that end when they are said to.
struct World {
    now: Instant,
    board: Board<&'static str>,
    running: BTreeSet<(Instant, CheckId)>,
}

impl World {
    fn new(seed: u64, subjects: &[(&'static str, Subject)]) -> Self {
        let now = Instant::now();
        let mut board = Board::new(seed);
        board.watch(now, subjects.iter().cloned());
        Self { now, board, running: BTreeSet::new() }
    }

    fn watch(&mut self, subjects: &[(&'static str, Subject)]) {
        self.board.watch(self.now, subjects.iter().cloned());
    }

    /// Lets time pass. Every check takes `took` and passes if `passes` says so; the checks that began.
    fn run(
        &mut self,
        time: Duration,
        took: Duration,
        passes: impl Fn(&Start) -> bool,
    ) -> Vec<(Instant, Start)> {
        let end = self.now + time;
        let mut started = Vec::new();
        let mut results = BTreeMap::new();
        loop {
            while let Some(start) = self.board.poll(self.now) {
                assert!(start.due <= self.now);
                results.insert(start.id, passes(&start));
                self.running.insert((self.now + took, start.id));
                started.push((self.now, start));
            }
            let ends = self.running.first().map(|&(at, _)| at);
            let Some(next) = [self.board.poll_timeout(), ends].into_iter().flatten().min() else { break };
            if next > end {
                break;
            }
            self.now = next;
            while let Some(&(at, id)) = self.running.first().filter(|(at, _)| *at <= self.now) {
                self.running.remove(&(at, id));
                self.board.finish(self.now, id, outcome(results.get(&id).copied().unwrap_or(true)));
            }
        }
        self.now = end;
        started
    }

    fn changes(&mut self) -> Vec<(&'static str, Health, Health)> {
        std::iter::from_fn(|| self.board.poll_change()).map(|it| (it.key, it.from, it.to)).collect()
    }

    fn health(&self, key: &'static str) -> Health {
        self.board.standing(&key).unwrap().health
    }
}

#[test]
fn equal_probes_are_made_once_and_tell_all() {
    let tcp = monitor(Check::Tcp);
    // Equal, and not the same.
    let again = Arc::new(Monitor::clone(&tcp));
    let mut world = World::new(
        1,
        &[
            ("http", subject(1, &[Arc::clone(&tcp)])),
            ("https", subject(1, &[again, tcp.clone()])),
            ("other", subject(2, &[tcp])),
        ],
    );
    let started = world.run(500 * MILLI, MILLI, |start| start.target == server(1));
    assert_eq!(started.iter().filter(|(_, start)| start.target == server(1)).count(), 1);
    assert_eq!(
        world.changes(),
        [("http", Health::Unknown, Health::Up), ("https", Health::Unknown, Health::Up)]
    );
    world.run(10 * SECOND, MILLI, |_| false);
    let expected = ["other", "http", "https"].map(|key| (key, Health::Down));
    let downs: BTreeSet<_> = world.changes().iter().map(|&(key, _, to)| (key, to)).collect();
    assert_eq!(downs, BTreeSet::from(expected));
}

#[test]
fn a_realserver_is_as_healthy_as_the_worst_of_its_probes() {
    use Health::{Down, Unknown, Up};
    let probes = [monitor(Check::Tcp), monitor(Check::Ping)];
    // (name, results of the first and the second, expected health, name of the check that decides)
    let cases = [
        ("nothing", "", "", Unknown, None),
        ("one is up, of the other nothing is known", "p", "", Unknown, Some("tcp")),
        ("both are up, the latest decides", "p", "p", Up, Some("ping")),
        ("the first fails and is not down", "pf", "p", Up, Some("tcp")),
        ("the second fails and is not down", "p", "pf", Up, Some("ping")),
        ("one is down, of the other nothing is known", "", "fff", Down, Some("ping")),
        ("down outranks failing", "pf", "pfff", Down, Some("ping")),
        ("of two that are down the first decides", "fff", "fff", Down, Some("tcp")),
    ];
    for (name, first, second, expected, decides) in cases {
        let mut world = World::new(1, &[("one", subject(1, &probes))]);
        world.now += SECOND;
        let starts: Vec<_> = std::iter::from_fn(|| world.board.poll(world.now)).collect();
        for (check, results) in [("tcp", first), ("ping", second)] {
            let id = starts.iter().find(|start| start.monitor.check.name() == check).unwrap().id;
            for result in results.chars() {
                world.now += MILLI;
                world.board.report(world.now, id, outcome(result == 'p'));
            }
        }
        let standing = world.board.standing(&"one").unwrap();
        assert_eq!(standing.health, expected, "{name}");
        assert_eq!(standing.finding.map(|it| it.monitor.check.name()), decides, "{name}");
    }
}

#[test]
fn without_monitors_a_realserver_is_up() {
    let world = World::new(1, &[("one", believed(1, &[], Health::Up))]);
    assert_eq!(world.health("one"), Health::Up);
    assert_eq!(world.board.poll_timeout(), None);
}

#[test]
fn what_stays_keeps_its_standing_and_what_is_new_begins_anew() {
    let (tcp, ping) = (monitor(Check::Tcp), monitor(Check::Ping));
    let mut world = World::new(1, &[("a", subject(1, from_ref(&tcp))), ("b", subject(2, from_ref(&tcp)))]);
    let before = world.run(10 * SECOND, MILLI, |_| true);
    world.changes();
    let since = world.board.standing(&"a").unwrap().since;
    let due = world.board.poll_timeout();

    // The same again, whatever was believed at some time: nothing happens.
    let standing = world.board.standing(&"a");
    for memory in [Health::Down, Health::Unknown, Health::Up] {
        let tcp = from_ref(&tcp);
        world.watch(&[("a", believed(1, tcp, memory)), ("b", believed(2, tcp, memory))]);
        assert_eq!((world.changes(), world.board.poll_timeout()), (vec![], due), "{memory:?}");
        assert_eq!(world.board.standing(&"a"), standing, "{memory:?}");
    }

    // Another monitor for one, another address for the other, and one that shares a known probe.
    world.watch(&[
        ("a", subject(1, from_ref(&ping))),
        ("b", believed(3, from_ref(&tcp), Health::Up)),
        ("c", subject(1, from_ref(&tcp))),
    ]);
    assert_eq!(world.changes(), [("a", Health::Up, Health::Unknown), ("c", Health::Unknown, Health::Up)]);
    assert!(world.board.standing(&"a").unwrap().since > since);
    assert_eq!(world.health("b"), Health::Up);
    let gone = before.iter().find(|(_, start)| start.target == server(2)).unwrap().1.id;
    assert!(!world.board.has(gone));
    let started = world.run(10 * SECOND, MILLI, |_| true);
    assert!(started.iter().all(|(_, start)| start.target != server(2)));

    world.watch(&[]);
    assert_eq!((world.board.poll_timeout(), world.board.standing(&"a")), (None, None));
}

#[test]
fn a_running_check_survives_a_change_elsewhere_and_a_late_result_is_ignored() {
    let tcp = [monitor(Check::Tcp)];
    let mut world = World::new(1, &[("a", subject(1, &tcp))]);
    world.now += SECOND;
    let start = world.board.poll(world.now).unwrap();
    world.watch(&[("a", subject(1, &tcp)), ("b", subject(2, &tcp))]);
    world.board.finish(world.now, start.id, outcome(true));
    assert_eq!(world.changes(), [("a", Health::Unknown, Health::Up)]);

    world.watch(&[("b", subject(2, &tcp))]);
    world.watch(&[("a", subject(1, &tcp)), ("b", subject(2, &tcp))]);
    world.board.finish(world.now, start.id, outcome(true));
    assert_eq!((world.health("a"), world.changes()), (Health::Unknown, vec![]));

    // Neither does a result count that nobody asked for.
    world.now += SECOND;
    let starts: Vec<_> = std::iter::from_fn(|| world.board.poll(world.now)).collect();
    let a = starts.iter().find(|start| start.target == server(1)).unwrap();
    world.board.finish(world.now, a.id, outcome(false));
    let due = world.board.poll_timeout();
    world.board.finish(world.now, a.id, outcome(true));
    world.board.report(world.now, a.id, outcome(true));
    assert_eq!((world.health("a"), world.board.poll_timeout()), (Health::Unknown, due));
}

#[test]
fn of_different_memories_of_one_probe_up_proves_the_most() {
    let (tcp, ping) = (monitor(Check::Tcp), monitor(Check::Ping));
    let both = [tcp.clone(), ping];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let keys = ["x", "y", "z"];
        let subjects = [
            believed(1, &both, Health::Down),
            believed(1, from_ref(&tcp), Health::Up),
            believed(1, from_ref(&tcp), Health::Unknown),
        ];
        let named: Vec<_> = order.iter().zip(keys).map(|(&it, key)| (key, subjects[it].clone())).collect();
        let world = World::new(1, &named);
        for (key, subject) in named {
            let expected = if subject.monitors.len() == 2 { Health::Down } else { Health::Up };
            assert_eq!(world.health(key), expected, "{order:?} {key}");
        }
    }
}

#[test]
fn a_held_connection_stands_until_it_is_lost() {
    let mut world = World::new(1, &[("a", subject(1, &[monitor(Check::Idle)]))]);
    world.now += SECOND;
    let start = world.board.poll(world.now).unwrap();
    world.board.report(world.now, start.id, outcome(true));
    assert_eq!(world.changes(), [("a", Health::Unknown, Health::Up)]);
    world.now += 3600 * SECOND;
    assert!(world.board.poll(world.now).is_none());
    world.board.finish(world.now, start.id, outcome(false));
    let again = world.board.poll_timeout().unwrap();
    assert!(again <= world.now + 500 * MILLI + 500 * MILLI / 16, "a loss is in doubt and looked at soon");
    let finding = world.board.standing(&"a").unwrap().finding.unwrap();
    assert_eq!((finding.streak.to_string(), finding.at), ("1 of 3 failures".to_owned(), world.now));
}

#[test]
fn a_change_names_its_cause() {
    let mut world = World::new(1, &[("a", believed(1, &[monitor(Check::Tcp)], Health::Up))]);
    world.run(10 * SECOND, MILLI, |_| false);
    let change = world.board.poll_change().unwrap();
    let cause = change.cause.unwrap();
    assert_eq!((change.to, cause.outcome.code), (Health::Down, Code::L4Connection));
    assert_eq!(cause.streak.to_string(), "3 failures in a row");
}

#[test]
fn every_state_has_its_interval_and_no_phase_drifts() {
    // (name, what is believed, whether checks pass, how long they take, the interval)
    let cases = [
        ("up", Health::Up, true, 5 * MILLI, 2 * SECOND),
        ("down", Health::Down, false, 5 * MILLI, 5 * SECOND),
        ("almost an interval long", Health::Up, true, 1800 * MILLI, 2 * SECOND),
        ("longer than an interval: every other is missed", Health::Up, true, 2500 * MILLI, 4 * SECOND),
    ];
    for (name, initial, passes, took, interval) in cases {
        let mut world = World::new(7, &[("a", believed(1, &[monitor(Check::Tcp)], initial))]);
        let begin = world.now;
        let started = world.run(200 * SECOND, took, |_| passes);
        let first = started[0].0;
        assert!(first < begin + 500 * MILLI, "{name}");
        for (count, &(at, _)) in (0..).zip(&started) {
            let phase = first + interval * count;
            assert!(
                phase <= at + 20 * MILLI && at <= phase + interval / 16 + 20 * MILLI,
                "{name}: check {count}"
            );
        }
        assert!(started.len() >= usize::try_from(200_000 / interval.as_millis()).unwrap() - 1, "{name}");
    }
}

#[test]
fn a_thousand_checks_never_begin_together() {
    let tcp = [monitor(Check::Tcp)];
    let keys: Vec<&'static str> = (0..1000).map(|it| &*format!("{it:04}").leak()).collect();
    let subjects: Vec<_> = (0..).zip(&keys).map(|(number, &key)| (key, subject(number, &tcp))).collect();
    let mut world = World::new(3, &subjects);
    // All fail from the 20th to the 25th second, and all at once.
    let begin = world.now;
    let mut started = world.run(20 * SECOND, MILLI, |_| true);
    started.extend(world.run(5 * SECOND, MILLI, |_| false));
    started.extend(world.run(20 * SECOND, MILLI, |_| true));
    let mut counts = BTreeMap::<u128, usize>::new();
    for (at, _) in started {
        *counts.entry((at - begin).as_millis() / 20).or_default() += 1;
    }
    // A thousand in 500 ms are 40 in 20 ms.
    assert!(counts.values().all(|&count| count <= 120), "{:?}", counts.values().max());
}

#[test]
fn checks_that_are_due_soon_after_each_other_begin_together() {
    // (the interval, whether it is long enough for that)
    for (interval, together) in [(320 * MILLI, true), (319 * MILLI, false)] {
        let pace =
            Pace { interval, fast_interval: interval, down_interval: interval, ..monitor(Check::Tcp).pace };
        let monitors = [Arc::new(Monitor { pace, ..Monitor::clone(&monitor(Check::Tcp)) })];
        let keys: Vec<&'static str> = (0..64).map(|it| &*format!("{it:02}").leak()).collect();
        let subjects: Vec<_> =
            (0..).zip(&keys).map(|(number, &key)| (key, subject(number, &monitors))).collect();
        let mut world = World::new(3, &subjects);
        let started = world.run(10 * SECOND, MILLI, |_| true);
        let moments: BTreeSet<Instant> = started.iter().map(|&(at, _)| at).collect();
        assert!(started.len() > 1900, "{}", started.len());
        assert_eq!(moments.len() <= 500, together, "{} in {}", started.len(), moments.len());
    }
}

#[test]
fn the_same_seed_gives_the_same_schedule() {
    let schedule = |seed| {
        let mut world = World::new(seed, &[("a", subject(1, &[monitor(Check::Tcp)]))]);
        let begin = world.now;
        let started = world.run(20 * SECOND, MILLI, |_| true);
        started.iter().map(|&(at, _)| at - begin).collect::<Vec<_>>()
    };
    assert_eq!(schedule(5), schedule(5));
    assert_ne!(schedule(5), schedule(6));
}

proptest! {
    /// Random checks, results and reloads: no probe runs twice at once, none is forgotten, and no health changes
    /// faster than rise and fall allow.
    #[test]
    fn whatever_happens_every_probe_is_checked_once_at_a_time(
        seed in any::<u64>(),
        steps in prop::collection::vec((0_u8..4, any::<bool>(), 0_u64..700), 1..300),
    ) {
        let tcp = [monitor(Check::Tcp)];
        let all = [("a", subject(1, &tcp)), ("b", subject(2, &tcp)), ("c", subject(2, &tcp)), ("d", subject(3, &tcp))];
        let mut world = World::new(seed, &all);
        let mut running = BTreeMap::new();
        let mut runs = BTreeMap::<SocketAddr, (bool, u32)>::new();
        for (what, passed, millis) in steps {
            world.now += Duration::from_millis(millis);
            while let Some(start) = world.board.poll(world.now) {
                prop_assert!(running.insert(start.id, start.target).is_none(), "twice at once");
            }
            match what {
                0 => {
                    let kept = usize::try_from(millis % 5).unwrap();
                    world.watch(&all[..kept]);
                    running.retain(|&id, _| world.board.has(id));
                    let there: Vec<_> = all[..kept].iter().map(|(_, it)| it.realserver).collect();
                    runs.retain(|target, _| there.contains(target));
                }
                _ => if let Some((id, target)) = running.pop_first() {
                    world.board.finish(world.now, id, outcome(passed));
                    let run = runs.entry(target).or_insert((passed, 0));
                    *run = (passed, if run.0 == passed { run.1 + 1 } else { 1 });
                }
            }
            while let Some(change) = world.board.poll_change() {
                let target = all.iter().find(|(key, _)| *key == change.key).unwrap().1.realserver;
                let needed = match (change.from, change.to) {
                    // A realserver that comes to a probe which others have takes its verdict as it is.
                    (Health::Unknown, _) => 0,
                    (_, Health::Up) => 2,
                    (_, _) => 3,
                };
                let (passed, length) = runs.get(&target).copied().unwrap_or_default();
                prop_assert!(needed == 0 || (passed == (change.to == Health::Up) && length >= needed), "{change:?}");
            }
        }
        world.now += 60 * SECOND;
        let idle = std::iter::from_fn(|| world.board.poll(world.now)).count();
        let watched = all.iter().filter(|(key, _)| world.board.standing(key).is_some());
        let probes: BTreeSet<_> = watched.map(|(_, it)| it.realserver).collect();
        prop_assert_eq!(probes.len(), running.len() + idle, "forgotten");
    }
}
