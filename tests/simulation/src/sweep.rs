//! Seed after seed.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use failover::Guard;

use crate::checks::Violation;
use crate::setup;
use crate::story::number;

const THREADS: usize = 2;

/// What was seen in all worlds.
#[derive(Debug, Default)]
struct Totals {
    seeds: u64,
    simulated: Duration,
    messages: u64,
    attacks: u64,
    faults: BTreeMap<&'static str, u64>,
    longest_gap: Duration,
    pace: f64,
    failed: Option<(u64, Violation)>,
}

fn run(seed: u64, without: Option<Guard>, totals: &mut Totals) -> Result<(), Violation> {
    let (mut world, mut story) = setup::world(seed, without);
    let outcome = world.run(&mut story);
    totals.seeds += 1;
    totals.simulated += world.now;
    totals.messages += world.checks.sent;
    totals.attacks += world.attacker.attacks;
    totals.longest_gap = totals.longest_gap.max(world.checks.longest_gap);
    totals.pace += story.pace;
    story.faults.iter().for_each(|name| *totals.faults.entry(name).or_default() += 1);
    outcome
}

/// Runs at least so many seeds, and for at least so long. Returns the first that breaks something.
pub(crate) fn sweep(first: u64, seeds: u64, time: Duration) -> Option<u64> {
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let failed = AtomicBool::new(false);
    let all = Mutex::new(Totals::default());
    let work = || {
        let mut totals = Totals::default();
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds && began.elapsed() >= time {
                break;
            }
            if let Err(violation) = run(seed, None, &mut totals) {
                failed.store(true, Ordering::Relaxed);
                totals.failed = Some((seed, violation));
            }
        }
        all.lock().expect("no thread panics").add(totals);
    };
    thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    let totals = all.into_inner().expect("no thread panics");
    totals.print(began.elapsed());
    totals.failed.map(|(seed, _)| seed)
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.simulated += other.simulated;
        self.messages += other.messages;
        self.attacks += other.attacks;
        self.longest_gap = self.longest_gap.max(other.longest_gap);
        self.pace += other.pace;
        other.faults.into_iter().for_each(|(name, count)| *self.faults.entry(name).or_default() += count);
        let earlier = |known: &(u64, Violation), new: &(u64, Violation)| known.0 < new.0;
        if let Some(new) = other.failed
            && !self.failed.as_ref().is_some_and(|known| earlier(known, &new))
        {
            self.failed = Some(new);
        }
    }

    fn print(&self, took: Duration) {
        println!(
            "{} seeds, {:.1} hours simulated in {:.1} s, {} messages, {} attacks",
            self.seeds,
            self.simulated.as_secs_f64() / 3600.0,
            took.as_secs_f64(),
            self.messages,
            self.attacks,
        );
        let faults: Vec<String> = self.faults.iter().map(|(name, count)| format!("{count} {name}")).collect();
        println!("faults: {}", faults.join(", "));
        println!("longest gap of a graceful move: {:?}", self.longest_gap);
        println!(
            "messages in a keepalive from each to each, at rest: {:.2}",
            self.pace / number(self.seeds.max(1))
        );
    }
}

/// Runs one seed again, and shows the last lines of what happened.
pub(crate) fn replay(seed: u64, without: Option<Guard>, lines: usize) -> ExitCode {
    let (mut world, mut story) = setup::world(seed, without);
    world.trace.wanted = true;
    let outcome = world.run(&mut story);
    let skipped = world.trace.lines.len().saturating_sub(lines);
    for line in world.trace.lines.iter().skip(skipped) {
        println!("{line}");
    }
    println!("{:#?}", world.config);
    match outcome {
        Ok(()) => {
            println!("seed {seed} breaks nothing");
            ExitCode::SUCCESS
        }
        Err(Violation { invariant, what }) => {
            println!("seed {seed} breaks {invariant} at {:?}: {what}", world.now);
            println!("SEED={seed} shows all that led to it");
            ExitCode::FAILURE
        }
    }
}

/// Shows for each guard a seed that breaks something without it.
pub(crate) fn without(guards: &[Guard], seeds: u64) -> ExitCode {
    let next = AtomicU64::new(0);
    let found = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some((index, guard)) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
            .ok()
            .and_then(|index| Some((index, *guards.get(index)?)))
        {
            let mut totals = Totals::default();
            let killer = (0..seeds).find_map(|seed| Some((seed, run(seed, Some(guard), &mut totals).err()?)));
            found.lock().expect("no thread panics").insert(index, (guard, killer));
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    let found = found.into_inner().expect("no thread panics");
    println!("{:<14} {:<9} {:>6} {:>6}", "without", "breaks", "seed", "tries");
    for (guard, killer) in found.values() {
        let guard = format!("{guard:?}");
        match killer {
            Some((seed, violation)) => {
                println!(
                    "{guard:<14} {:<9} {seed:>6} {:>6}  {}",
                    violation.invariant,
                    seed + 1,
                    violation.what
                );
            }
            None => println!("{guard:<14} nothing   {:>6} {seeds:>6}", "-"),
        }
    }
    if found.values().all(|(_, killer)| killer.is_some()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
