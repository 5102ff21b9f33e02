use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Decision, Member, MinServing, OnFailure, Place, Policy, Pool, Reason, Status, Word};
use crate::Health;

const SECOND: Duration = Duration::from_secs(1);

const POLICY: Policy = Policy {
    on_failure: OnFailure::Remove,
    min_serving: MinServing::Count(0),
    slow_start: None,
    patience: Duration::from_secs(3),
    hold: Duration::from_secs(5),
};

/// A pool, its members, and a clock.
struct World {
    now: Instant,
    policy: Policy,
    pool: Pool<char>,
    members: BTreeMap<char, Member>,
}

impl World {
    fn new(policy: Policy, members: &str) -> Self {
        let mut world = Self { now: Instant::now(), policy, pool: Pool::default(), members: BTreeMap::new() };
        world.step(0, members);
        world
    }

    /// Lets time pass and then changes members: `a+` up, `a-` down, `a?` unknown, `a=` with weight 10 and `a0`
    /// without, `a.` draining, `ax` disabled, `ae` enabled.
    fn step(&mut self, seconds: u32, changes: &str) -> Decision<char> {
        self.now += SECOND * seconds;
        for change in changes.split_whitespace() {
            let mut chars = change.chars();
            let key = chars.next().unwrap();
            let fresh = Member { weight: 1, word: Word::Enabled, health: Health::Unknown, since: self.now };
            let member = self.members.entry(key).or_insert(fresh);
            for what in chars {
                let mut turn = |health| (member.health, member.since) = (health, self.now);
                match what {
                    '+' => turn(Health::Up),
                    '-' => turn(Health::Down),
                    '?' => turn(Health::Unknown),
                    '=' => member.weight = 10,
                    '0' => member.weight = 0,
                    '.' => member.word = Word::Draining,
                    'x' => member.word = Word::Disabled,
                    'e' => member.word = Word::Enabled,
                    _ => panic!("{change}"),
                }
            }
        }
        self.decide()
    }

    fn decide(&mut self) -> Decision<char> {
        self.pool.decide(self.now, &self.policy, self.members.clone())
    }
}

/// Seconds that go by, what changes then, and the places after that.
type Steps<'a> = &'a [(u32, &'a str, &'a str)];

/// Those that serve, with their weight if it is not 1; then those that are quiesced, after a bar.
fn places(decision: &Decision<char>) -> String {
    let (mut serving, mut quiesced) = (String::new(), String::new());
    for (key, seat) in &decision.seats {
        match seat.place {
            Place::Serving { weight: 1 } => serving.push(*key),
            Place::Serving { weight } => serving.extend([key.to_string(), weight.to_string()]),
            Place::Quiesced => quiesced.push(*key),
            Place::Out => {}
        }
    }
    if quiesced.is_empty() { serving } else { format!("{serving}|{quiesced}") }
}

#[test]
fn the_first_decision() {
    let at_least = |min_serving| Policy { min_serving, ..POLICY };
    let quiesce = Policy { on_failure: OnFailure::Quiesce, ..POLICY };
    // (name, policy, members, places)
    let cases = [
        ("nobody is there", POLICY, "", ""),
        ("of nobody anything is known", POLICY, "a b", "ab"),
        ("somebody is up, the others wait", POLICY, "a+ b c-", "a"),
        ("nobody is up, the unknown serve and those known to be down do not", POLICY, "a- b c", "bc"),
        ("all are down", POLICY, "a- b-", ""),
        ("all are down and quiesced", quiesce, "a- b-", "|ab"),
        ("the operator's word", POLICY, "a+ b+. c+x d. ex", "a|bd"),
        ("who is up and may not serve keeps nobody waiting", POLICY, "a+x b+. c+0 d", "d|bc"),
        ("no weight", POLICY, "a+ b+0 c0 d-0", "a|bc"),
        ("a weight", POLICY, "a+= b+", "a10b"),
        ("at least one", at_least(MinServing::Count(1)), "a- b-", "a"),
        ("at least three, of two", at_least(MinServing::Count(3)), "a- b-", "ab"),
        ("at least half, rounded up", at_least(MinServing::Percent(50)), "a- b- c- d-x e-0", "ab"),
        ("at least half, which serve", at_least(MinServing::Percent(50)), "a+ b+ c- d-", "ab"),
        ("more than all", at_least(MinServing::Percent(200)), "a- b-", "ab"),
        ("the unknown before those that are down", at_least(MinServing::Count(2)), "a+ b- c", "ac"),
        ("held with its weight", at_least(MinServing::Count(1)), "a-=", "a10"),
        ("the operator may take out all", at_least(MinServing::Count(1)), "ax+ bx+", ""),
    ];
    for (name, policy, members, expected) in cases {
        let decision = World::new(policy, members).decide();
        assert_eq!(places(&decision), expected, "{name}");
        let serves = expected.chars().next().is_some_and(|first| first != '|');
        assert_eq!(decision.fallback, !serves, "{name}");
    }
}

#[test]
fn how_it_goes_on() {
    let keep = |count| Policy { min_serving: MinServing::Count(count), ..POLICY };
    // (name, policy, members, then: seconds later, what changes, places)
    let cases: [(_, _, _, Steps<'_>); 11] = [
        (
            "a new member waits for its verdict",
            POLICY,
            "a+",
            &[(0, "b?", "a"), (1, "", "a"), (0, "b+", "ab")],
        ),
        ("but not for ever", POLICY, "a+", &[(0, "b?", "a"), (2, "", "a"), (1, "", "ab"), (9, "b-", "a")]),
        ("and not alone", POLICY, "a+", &[(0, "b?", "a"), (1, "a-", "b"), (1, "a+", "ab")]),
        (
            "who serves at the start stays until it is down",
            POLICY,
            "a b c",
            &[(1, "a+", "abc"), (1, "b-", "ac"), (1, "c+", "ac")],
        ),
        ("who gets another monitor stays", POLICY, "a+ b+", &[(1, "b?", "ab"), (1, "b-", "a")]),
        ("who is disabled does not stay", POLICY, "a+ b?", &[(1, "bx", "a"), (0, "be b?", "a")]),
        (
            "the last one to fail is held",
            keep(1),
            "a+ b+ c+",
            &[(1, "b-", "ac"), (1, "c-", "a"), (1, "a-", "a"), (1, "b?", "ab"), (1, "b-", "a")],
        ),
        (
            "a held one is let go when another is proven",
            keep(1),
            "a+ b+",
            &[(1, "b-", "a"), (1, "a-", "a"), (1, "b+", "ab"), (4, "", "ab"), (1, "", "b")],
        ),
        (
            "a flapping one frees nobody",
            keep(1),
            "a- b+",
            &[(1, "b-", "b"), (1, "a+", "ab"), (4, "a-", "b"), (1, "a+", "ab"), (5, "", "a")],
        ),
        (
            "one by one, who failed first goes first",
            keep(2),
            "a+ b+ c+ d+",
            &[
                (1, "a- b-", "cd"),
                (1, "c-", "cd"),
                (1, "d-", "cd"),
                (1, "a+", "acd"),
                (1, "b+", "abcd"),
                (4, "", "abd"),
                (1, "", "ab"),
            ],
        ),
        (
            "a new one does not replace one that is held",
            keep(2),
            "a+ b+",
            &[(1, "b-", "ab"), (1, "c?", "ab")],
        ),
    ];
    for (name, policy, members, steps) in cases {
        let mut world = World::new(policy, members);
        for (number, &(seconds, changes, expected)) in steps.iter().enumerate() {
            assert_eq!(places(&world.step(seconds, changes)), expected, "{name}: step {number}");
        }
    }
}

#[test]
fn a_slow_start_is_for_those_that_come_up() {
    let policy = Policy { slow_start: Some(10 * SECOND), min_serving: MinServing::Count(1), ..POLICY };
    // (name, members, then: seconds later, what changes, places)
    let cases: [(_, _, Steps<'_>); 6] = [
        ("not at the start", "a+= b=", &[(1, "b+", "a10b")]),
        ("not after the start without a verdict", "a= b=", &[(1, "a+ b+", "a10b10")]),
        (
            "after a failure",
            "a+= b+=",
            &[(1, "b-", "a10"), (1, "b+", "a10b"), (2, "", "a10b2"), (7, "", "a10b9"), (1, "", "a10b10")],
        ),
        ("again from the start", "a+= b-=", &[(1, "b+", "a10b"), (5, "b-", "a10"), (1, "b+", "a10b")]),
        ("after the operator's word", "a+= bx+=", &[(1, "be", "a10b")]),
        ("not for one that was held", "a+=", &[(1, "a-", "a10"), (1, "a+", "a10")]),
    ];
    for (name, members, steps) in cases {
        let mut world = World::new(policy, members);
        for (number, &(seconds, changes, expected)) in steps.iter().enumerate() {
            assert_eq!(places(&world.step(seconds, changes)), expected, "{name}: step {number}");
        }
    }
}

#[test]
fn every_seat_says_how_and_why() {
    let policy = Policy { slow_start: Some(10 * SECOND), min_serving: MinServing::Count(3), ..POLICY };
    let mut world = World::new(policy, "a+ b+ c+ d- e+. f+x g+0");
    world.step(1, "c- h?= i+=");
    let decision = world.step(0, "c?");
    let seats: Vec<_> = decision.seats.iter().map(|(key, seat)| (*key, seat.status, seat.reason)).collect();
    assert_eq!(
        seats,
        [
            ('a', Status::Up, Reason::Passing),
            ('b', Status::Up, Reason::Passing),
            ('c', Status::Probing, Reason::AwaitsVerdict),
            ('d', Status::Down, Reason::Failing),
            ('e', Status::Draining, Reason::Operator),
            ('f', Status::Disabled, Reason::Operator),
            ('g', Status::Up, Reason::NoWeight),
            ('h', Status::Probing, Reason::AwaitsVerdict),
            ('i', Status::Up, Reason::SlowStart),
        ]
    );
    let decision = world.step(1, "a- i- c- h+");
    let seats = ['a', 'c'].map(|key| (decision.seats[&key].status, decision.seats[&key].reason.to_string()));
    let held = "its checks fail; it serves because too few others do";
    assert_eq!(seats, [(Status::Held, held.to_owned()), (Status::Down, "its checks fail".to_owned())]);
}

fn policies() -> impl Strategy<Value = Policy> {
    let min_serving =
        prop_oneof![(0_u32..5).prop_map(MinServing::Count), (0_u8..=100).prop_map(MinServing::Percent)];
    let seconds = |most: u64| (0..most).prop_map(Duration::from_secs);
    let on_failure = prop_oneof![Just(OnFailure::Remove), Just(OnFailure::Quiesce)];
    (on_failure, min_serving, prop::option::of(seconds(20)), seconds(5), seconds(10)).prop_map(
        |(on_failure, min_serving, slow_start, patience, hold)| Policy {
            on_failure,
            min_serving,
            slow_start,
            patience,
            hold,
        },
    )
}

/// Steps of [`World`]: up to a few seconds, and a change.
fn steps() -> impl Strategy<Value = Vec<(u32, String)>> {
    prop::collection::vec((0_u32..8, "([a-f][+\\-+\\-?=0.xe] ){1,3}"), 1..60)
}

proptest! {
    #[test]
    fn whatever_happens_enough_serve_and_nobody_against_the_operators_word(
        policy in policies(),
        steps in steps(),
    ) {
        let mut world = World::new(policy, "a= b= c d");
        for (seconds, changes) in steps {
            let decision = world.step(seconds, &changes);
            prop_assert_eq!(&world.decide(), &decision, "the same question, the same answer");

            let able = world.members.values().filter(|it| it.word == Word::Enabled && it.weight > 0).count();
            let serves = |key| matches!(decision.seats[key].place, Place::Serving { .. });
            let serving = world.members.keys().filter(|key| serves(key)).count();
            let proven = world.members.iter().filter(|(key, member)| {
                serves(key) && member.health == Health::Up && member.since + policy.hold <= world.now
            });
            let proven = proven.count();
            let wanted = match policy.min_serving {
                MinServing::Count(count) => able.min(count as usize),
                MinServing::Percent(percent) => (able * usize::from(percent)).div_ceil(100),
            };
            prop_assert!(serving >= wanted);
            prop_assert_eq!(decision.min_serving, wanted);
            prop_assert_eq!(decision.fallback, serving == 0);
            prop_assert_eq!(decision.seats.len(), world.members.len());
            for (key, member) in &world.members {
                let seat = decision.seats[key];
                if member.word != Word::Enabled || member.weight == 0 {
                    prop_assert!(!serves(key), "{key}: {seat:?}");
                } else if member.health == Health::Up {
                    prop_assert!(serves(key), "{key}: {seat:?}");
                }
                if let Place::Serving { weight } = seat.place {
                    prop_assert!((1..=member.weight).contains(&weight), "{key}: {seat:?}");
                }
                if seat.status == Status::Held {
                    prop_assert!(proven < wanted, "{key}: {seat:?}");
                }
            }
        }
    }

    #[test]
    fn time_alone_changes_nothing_before_the_timeout_and_settles(policy in policies(), steps in steps()) {
        let mut world = World::new(policy, "a= b= c d");
        for (seconds, changes) in steps {
            world.step(seconds, &changes);
        }
        let mut decision = world.decide();
        let mut turns = 0;
        while let Some(timeout) = world.pool.poll_timeout() {
            prop_assert!(timeout > world.now, "a timeout is to come");
            world.now = timeout.checked_sub(Duration::from_nanos(1)).unwrap();
            prop_assert_eq!(&world.decide(), &decision);
            world.now = timeout;
            decision = world.decide();
            turns += 1;
            prop_assert!(turns < 100, "it settles");
        }
        world.now += 1000 * SECOND;
        prop_assert_eq!(world.decide(), decision);
    }
}
