//! lvsd and keepalived in one guest: the price of a check, and the way of its finding into the kernel.

mod daemon;
mod nginx;
mod turncoat;

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipvs::{Connection, Endpoint, Protocol, ServiceId};
use nix::sched::{CloneFlags, unshare};

use self::daemon::{Daemon, Running, keepalived, lvsd};
use self::nginx::Nginx;
use self::turncoat::Turncoat;
use crate::Outcome;
use crate::process::processor_time;

const REALSERVERS: u8 = 200;
/// How often each daemon is measured, in turn, since the machine beneath is never quiet for long.
const ROUNDS: usize = 5;
const SETTLING: Duration = Duration::from_secs(6);
const TIME: Duration = Duration::from_secs(12);
const TURNS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run() -> Outcome<()> {
    let directory = std::env::temp_dir().join("lvsd-bench");
    std::fs::create_dir_all(&directory)?;
    let nginx = Nginx::start(&directory)?;

    println!(
        "{REALSERVERS} HTTP realservers, each asked once a second, {ROUNDS} times for {TIME:?}: µs of CPU per check"
    );
    println!("  lvsd    keepalived   ratio");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let (ours, theirs) = (price(&lvsd(&directory), &nginx)?, price(&keepalived(&directory), &nginx)?);
        let round = [ours, theirs, ours / theirs];
        row(round, "");
        rounds.push(round);
    }
    row([0, 1, 2].map(|column| median(&rounds, column)), "medians, each of its column\n");

    println!("from the answer 503 to a table without the realserver, {TURNS} times, in milliseconds");
    let turncoat = Turncoat::start()?;
    let mut delays = Vec::new();
    for daemon in [lvsd(&directory), keepalived(&directory)] {
        let mut ways = ways(&daemon, &turncoat)?;
        ways.sort();
        let at =
            |share: usize| ways.get(TURNS * share / 100 - 1).copied().unwrap_or_default().as_secs_f64() * 1e3;
        println!("  {:<11} median {:>7.2}, 99 % {:>7.2}", daemon.name, at(50), at(99));
        delays.push(at(99));
    }
    ratio(&delays);
    Ok(())
}

fn ratio(figures: &[f64]) {
    if let [ours, theirs] = figures {
        println!("  lvsd's is {:.2} of keepalived's\n", ours / theirs);
    }
}

fn row([ours, theirs, ratio]: [f64; 3], name: &str) {
    println!("  {ours:>6.0}  {theirs:>10.0}  {ratio:>6.2}   {name}");
}

fn median(rounds: &[[f64; 3]], column: usize) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().filter_map(|round| round.get(column).copied()).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(ROUNDS / 2).copied().unwrap_or_default()
}

/// A network namespace, in which all of 10.1.0.0/24 is this machine, and a kernel without services.
fn empty_kernel() -> Outcome<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    run_command("ip", &["link", "set", "lo", "up"])?;
    run_command("ip", &["address", "add", "10.1.0.1/24", "dev", "lo"])
}

fn run_command(program: &str, arguments: &[&str]) -> Outcome<()> {
    let status = Command::new(program).args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("{program} failed: {status}").into()) }
}

/// How long a check keeps a processor busy, in µs.
fn price(daemon: &Daemon, nginx: &Nginx) -> Outcome<f64> {
    let realservers: Vec<_> = (1..=REALSERVERS).map(realserver).collect();
    run_command("ipvsadm", &["-C"])?;
    let running = daemon.start(&realservers, Duration::from_secs(1))?;
    wait_for(&mut Connection::open()?, |count| count == realservers.len())?;
    sleep(SETTLING);
    let (checks, work) = (nginx.requests()?, processor_time(running.checker()?)?);
    sleep(TIME);
    let work = processor_time(running.checker()?)?.saturating_sub(work);
    let checks = nginx.requests()? - checks - 1;
    Ok(1e6 * work.as_secs_f64() / f64::from(checks))
}

fn realserver(number: u8) -> String {
    format!("10.1.0.{number}")
}

/// The time from the first answer that fails to the table without the realserver, again and again.
fn ways(daemon: &Daemon, turncoat: &Turncoat) -> Outcome<Vec<Duration>> {
    run_command("ipvsadm", &["-C"])?;
    let running = daemon.start(&[realserver(1), turncoat::ADDRESS.to_owned()], Duration::from_millis(100))?;
    let mut kernel = Connection::open()?;
    let mut way = || {
        wait_for(&mut kernel, |count| count == 2)?;
        // Let it serve for a while.
        sleep(Duration::from_millis(500));
        turncoat.fail();
        wait_for(&mut kernel, |count| count == 1)?;
        let gone = Instant::now();
        let failed = turncoat.recover().ok_or("it left the table without a failed check")?;
        Ok(gone.saturating_duration_since(failed))
    };
    let ways = (0..TURNS).map(|_| way()).collect();
    drop::<Running>(running);
    ways
}

/// Asks the kernel without a pause how many realservers there are.
fn wait_for(kernel: &mut Connection, reached: impl Fn(usize) -> bool) -> Outcome<()> {
    let id = ServiceId::Address {
        protocol: Protocol::Tcp,
        endpoint: Endpoint::new(daemon::SERVICE.parse()?, 80)?,
    };
    let begin = Instant::now();
    while !reached(kernel.observe(id)?.map_or(0, |service| service.destinations.len())) {
        if begin.elapsed() > PATIENCE {
            return Err("the kernel never held what it should".into());
        }
    }
    Ok(())
}
