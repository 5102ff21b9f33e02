//! Any course of events.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Something that happens to two directors or to their network.
#[derive(Clone, Debug)]
enum Event {
    Send {
        from: usize,
        link: u8,
    },
    /// Any datagram ever sent arrives, for the first time or again.
    Arrive(Index),
    Latest,
    Restart(usize),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..2_usize, 0..2_u8).prop_map(|(from, link)| Event::Send { from, link }),
        4 => any::<Index>().prop_map(Event::Arrive),
        4 => Just(Event::Latest),
        1 => (0..2_usize).prop_map(Event::Restart),
        1 => (0..1500_u64).prop_map(Event::Wait),
    ]
}

struct Recorded {
    to: usize,
    /// The session that it was sent to: what is taken has to be of the same.
    receiver: u64,
    bytes: Vec<u8>,
}

/// Two directors in a network that repeats and delays whatever it likes.
struct World {
    now: u64,
    sessions: u64,
    sequence: u64,
    channels: [Channel; 2],
    recorded: Vec<Recorded>,
    taken: BTreeSet<(u64, u64, u8, u64)>,
    latest: [u64; 2],
}

impl World {
    fn new(prepare: impl Fn(&mut Channel)) -> Self {
        let mut channels = [start(A, 1), start(B, 2)];
        channels.iter_mut().for_each(prepare);
        let (recorded, taken) = (Vec::new(), BTreeSet::new());
        Self { now: 0, sessions: 2, sequence: 0, channels, recorded, taken, latest: [0; 2] }
    }

    fn pass(&mut self, events: &[Event]) {
        for event in events {
            self.happen(event);
        }
    }

    fn happen(&mut self, event: &Event) {
        self.now += 1;
        match event {
            Event::Send { from, link } => {
                self.sequence += 1;
                let (to, sequence) = (1 - from, self.sequence);
                let bytes = self.channels[*from].seal(node(to), LinkId(*link), sequence, &message(sequence));
                self.record(to, bytes);
            }
            Event::Arrive(index) if !self.recorded.is_empty() => {
                self.arrive(index.index(self.recorded.len()))
            }
            Event::Latest if !self.recorded.is_empty() => self.arrive(self.recorded.len() - 1),
            Event::Arrive(_) | Event::Latest => {}
            Event::Restart(who) => {
                self.sessions += 1;
                let without = self.channels[*who].without;
                self.channels[*who] = start(*who, self.sessions);
                self.channels[*who].without = without;
                self.latest[*who] = 0;
            }
            Event::Wait(time) => self.now += time,
        }
    }

    fn record(&mut self, to: usize, bytes: Vec<u8>) {
        self.recorded.push(Recorded { to, receiver: self.channels[to].session, bytes });
    }

    fn arrive(&mut self, index: usize) {
        let Recorded { to, receiver, bytes } = &self.recorded[index];
        let (to, receiver) = (*to, *receiver);
        match self.channels[to].open(at(self.now), bytes) {
            Ok(Opened::Message { session, sequence, link, .. }) => {
                let now = self.channels[to].session;
                assert_eq!(receiver, now, "sent to an earlier session");
                assert!(session >= self.latest[to], "{session} is over since {}", self.latest[to]);
                assert!(self.taken.insert((now, session, link.0, sequence)), "{sequence} again");
                self.latest[to] = session;
            }
            Ok(Opened::Hello { reply: Some(answer), .. }) => self.record(1 - to, answer),
            Ok(Opened::Hello { .. }) | Err(Rejection::Stale | Rejection::Replayed) => {}
            other => panic!("{other:?}"),
        }
    }

    /// Whether the two know each other after some quiet rounds.
    fn settles(&mut self) -> bool {
        let [a, b] = &mut self.channels;
        let mut known = false;
        for round in 1..=6 {
            let (now, sequence) = (at(self.now + 2000 + 100 * round), self.sequence + round);
            known = say(now, a, b, sequence) & say(now, b, a, sequence);
        }
        known
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn nothing_is_taken_twice_or_late(events in prop::collection::vec(event(), 0..120)) {
        let mut world = World::new(|_| {});
        world.pass(&events);
        prop_assert!(world.settles());
    }
}

/// Each guard is needed: without it, some course of events ends badly.
#[test]
fn no_guard_can_be_left_out() {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    use crate::Guard;

    for guard in [Guard::ReplayWindow, Guard::SessionToken] {
        let config = Config { failure_persistence: None, ..Config::with_cases(1000) };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let outcome = runner.run(&prop::collection::vec(event(), 0..120), |events| {
            let mut world = World::new(|channel| channel.without(guard));
            world.pass(&events);
            Ok(())
        });
        assert!(outcome.is_err(), "{guard:?} guards nothing");
    }
}
