//! How long nobody answers for a vip when its director is cut off or stopped, and how long two do when heartbeats are
//! lost: lvsd and keepalived on the same network, in the lab's guest. `./scripts/bench failover`.
//!
//! Nothing but the move of the vip is measured: each director echoes datagrams itself.

#![expect(clippy::indexing_slicing, reason = "of a known size; what fails ends the bench")]

mod asker;
mod beats;
mod daemon;
mod farm;
#[path = "../../tests/lab"]
#[expect(dead_code, reason = "the packet tests need more")]
mod lab {
    pub(crate) mod network;
    pub(crate) mod patience;
    #[path = "cluster/visitor.rs"]
    pub(crate) mod visitor;
    #[path = "cluster/watcher.rs"]
    pub(crate) mod watcher;
}
#[path = "../checks/process.rs"]
#[expect(dead_code, reason = "memory is another bench's matter")]
mod process;
mod table;
mod web;

use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};

use asker::Interruption;
use daemon::{Brand, Timing};
use farm::Farm;
use lab::{network, patience};
use process::{children_of, processor_time};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// When an owner is cut off, up to a heartbeat of time has passed since its last one. So each cut is at another time
/// between two of them: what a daemon does after a settled time would else always be cut at the same one.
const CUTS: u32 = 15;
const STOPS: usize = 5;
/// For how long the owner's heartbeats are lost.
const LOST: Duration = Duration::from_secs(8);
/// For how long everything is left alone while heartbeats and processor time are counted.
const IDLE: Duration = Duration::from_secs(10);

const TIMINGS: [Timing; 2] = [
    Timing { heartbeat: Duration::from_millis(100), deadtime: Duration::from_millis(300) },
    Timing { heartbeat: Duration::from_millis(30), deadtime: Duration::from_millis(90) },
];

/// What was seen of one brand with one timing.
struct Figures {
    /// The owner cut off.
    cut: Vec<Interruption>,
    /// The owner's daemon stopped.
    stop: Vec<Interruption>,
    /// What became of requests by HTTP meanwhile.
    requests: Requests,
    /// For how long two answered while heartbeats were lost.
    twice: Duration,
    /// Bytes of heartbeats that all directors send in a second, when nothing happens.
    bytes: f64,
    /// The share of a processor that the owner's daemon needs then.
    busy: f64,
}

/// How many requests were answered, and how many were not.
#[derive(Clone, Copy, Debug)]
struct Requests {
    answered: usize,
    failed: usize,
}

fn main() -> Outcome<()> {
    if std::env::var_os("LVSD_LAB").is_none() {
        return Err("this needs the lab's kernel: ./scripts/bench failover".into());
    }
    println!(
        "three directors, one vip, a question every 2 ms; median of {CUTS} cuts and {STOPS} stops (least..most)\n"
    );
    for timing in &TIMINGS {
        let [ours, theirs] = Brand::ALL.map(|brand| measure(brand, timing));
        table::print(timing, &ours?, &theirs?);
    }
    Ok(())
}

fn measure(brand: Brand, timing: &Timing) -> Outcome<Figures> {
    let mut farm = Farm::start(brand, timing);
    let (bytes, busy) = idle(&farm)?;
    let cut = (0..CUTS).map(|number| cut(&farm, timing.heartbeat * number / CUTS)).collect();
    let (stop, requests) = stops(&mut farm, brand);
    let twice = lose_heartbeats(&farm);
    farm.end();
    Ok(Figures { cut, stop, requests, twice, bytes, busy })
}

fn idle(farm: &Farm) -> Outcome<(f64, f64)> {
    let sent = || farm.directors.iter().map(|director| beats::bytes(&director.node)).sum::<u64>();
    let owner = farm.first().process();
    let work = || -> Outcome<Duration> {
        let processes = children_of(owner)?.into_iter().chain([owner]);
        processes.map(processor_time).sum()
    };
    farm.directors.iter().for_each(|director| beats::count(&director.node));
    let (began, before, worked) = (Instant::now(), sent(), work()?);
    sleep(IDLE);
    let (worked, after, elapsed) = (work()?.saturating_sub(worked), sent(), began.elapsed().as_secs_f64());
    Ok((f64::from(u32::try_from(after - before)?) / elapsed, worked.as_secs_f64() / IDLE.as_secs_f64()))
}

fn cut(farm: &Farm, delay: Duration) -> Interruption {
    sleep(delay);
    let moment = Instant::now();
    beats::lose_all(&farm.first().node);
    farm.settle_elsewhere();
    let seen = farm.asker.since(moment);
    beats::restore_all(&farm.first().node);
    farm.settle();
    seen
}

/// Stops the owner's daemon while somebody asks by HTTP, and starts it again.
fn stops(farm: &mut Farm, brand: Brand) -> (Vec<Interruption>, Requests) {
    let visitor = farm.visit();
    let stops = (0..STOPS).map(|_| {
        let moment = Instant::now();
        farm.stop();
        farm.settle_elsewhere();
        let seen = farm.asker.since(moment);
        farm.start_again(brand);
        seen
    });
    let stops = stops.collect();
    visitor.await_visits(1);
    let visits = visitor.stop();
    (stops, Requests { answered: visits.count(), failed: visits.failed })
}

fn lose_heartbeats(farm: &Farm) -> Duration {
    let watcher = farm.watch();
    beats::lose(&farm.first().node);
    sleep(LOST);
    beats::restore(&farm.first().node);
    let twice = watcher.stop().twice();
    farm.settle();
    twice
}

/// Nothing is captured here; see [`network`].
fn runtime() -> &'static tokio::runtime::Runtime {
    unreachable!("no packets are captured")
}
