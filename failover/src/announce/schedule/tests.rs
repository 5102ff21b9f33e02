use std::time::{Duration, Instant};

use super::{SPACING, Schedule};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Follows a schedule to its end by waking exactly when it asks: what was announced, and when.
fn follow(schedule: &mut Schedule<&'static str>, start: Instant) -> Vec<(u128, &'static str)> {
    let mut announced = Vec::new();
    while let Some(now) = schedule.poll_timeout() {
        let what = schedule.poll(now).expect("it asked to be woken now");
        announced.push(((now - start).as_millis(), what));
        assert!(announced.len() < 1000, "a schedule ends");
    }
    announced
}

#[test]
fn an_address_is_announced_five_times_and_then_no_more() {
    let start = Instant::now();
    let mut schedule = Schedule::default();
    schedule.start(start, "a");
    let expected = [0, 250, 1000, 3000, 10_000].map(|at| (at, "a"));
    assert_eq!(follow(&mut schedule, start), expected);
    assert_eq!(schedule.poll(start + millis(60_000)), None);
}

#[test]
fn nothing_is_said_early() {
    let start = Instant::now();
    let mut schedule = Schedule::default();
    assert_eq!((schedule.poll(start), schedule.poll_timeout()), (None, None));
    schedule.start(start, "a");
    assert_eq!(schedule.poll(start), Some("a"));
    assert_eq!(schedule.poll(start), None);
    assert_eq!(schedule.poll(start + millis(249)), None);
    assert_eq!(schedule.poll(start + millis(250)), Some("a"));
}

#[test]
fn a_late_caller_gets_no_burst() {
    let start = Instant::now();
    let mut schedule = Schedule::default();
    schedule.start(start, "a");
    assert_eq!(schedule.poll(start), Some("a"));
    let late = start + millis(5000);
    assert_eq!(schedule.poll(late), Some("a"));
    assert_eq!(schedule.poll(late), None);
    assert_eq!(schedule.poll_timeout(), Some(late + millis(750)));
}

#[test]
fn a_stopped_address_is_announced_no_more() {
    let start = Instant::now();
    let mut schedule = Schedule::default();
    schedule.start(start, "a");
    schedule.start(start, "b");
    assert_eq!(schedule.poll(start), Some("a"));
    schedule.stop(&"a");
    schedule.stop(&"never started");
    assert!(follow(&mut schedule, start).iter().all(|(_, what)| *what == "b"));
}

#[test]
fn starting_again_starts_anew() {
    let start = Instant::now();
    let mut schedule = Schedule::default();
    schedule.start(start, "a");
    assert_eq!(schedule.poll(start), Some("a"));
    let again = start + millis(100);
    schedule.start(again, "a");
    let expected = [0, 250, 1000, 3000, 10_000].map(|at| (at, "a"));
    assert_eq!(follow(&mut schedule, again), expected);
}

#[test]
fn many_addresses_are_spaced_and_none_is_forgotten() {
    let start = Instant::now();
    let mut schedule = Schedule::default();
    for address in 0..300 {
        schedule.start(start, address);
    }
    let mut counts = [0; 300];
    let mut last = None;
    let mut first_round = start;
    while let Some(now) = schedule.poll_timeout() {
        assert!(last.is_none_or(|last| now >= last + SPACING));
        let address: usize = schedule.poll(now).unwrap();
        if counts[address] == 0 {
            first_round = now;
        }
        counts[address] += 1;
        last = Some(now);
    }
    assert_eq!(counts, [5; 300]);
    // Repeats stand behind the addresses that wait for their first time.
    assert_eq!(first_round, start + 299 * SPACING);
}
