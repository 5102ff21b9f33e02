//! Ten thousand realservers on loopback: how punctual their checks are, and what they need.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use healthcheck::{
    Check, Checks, Counters, Health, Http, HttpVersion, Kit, Monitor, Origin, Pace, Statuses, Subject,
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::time::sleep;

use crate::Outcome;
use crate::process::{processor_time, resident};
use crate::server::Server;

const REALSERVERS: u32 = 10_000;
const INTERVAL: Duration = Duration::from_secs(2);
const SETTLING: Duration = Duration::from_secs(5);
const TIME: Duration = Duration::from_secs(30);
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2000).expect("not zero");

/// As the director knows a realserver: by the names of its service and of itself.
type Key = (Arc<str>, Arc<str>);

pub(crate) fn run() -> Outcome<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let server = Server::start()?;
    Builder::new_current_thread().enable_all().build()?.block_on(measure(server.port))
}

async fn measure(port: u16) -> Outcome<()> {
    let me = std::process::id();
    let kit = Arc::new(Kit::new(1));
    let (checks, mut changes, work) = Checks::new(1, AT_ONCE, move |target, monitor, held| {
        let kit = Arc::clone(&kit);
        async move { kit.check(target, &monitor, held).await }
    });
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let work = runtime.spawn(work);
    thread::spawn(move || runtime.block_on(work));
    tokio::spawn(async move { while changes.recv().await.is_some() {} });
    let empty = resident(me)?;
    checks.watch(subjects(port)).await;
    sleep(SETTLING).await;

    let (before, began, work) = (counters(&checks).await?, Instant::now(), processor_time(me)?);
    sleep(TIME).await;
    let work = processor_time(me)?.saturating_sub(work).as_secs_f64();
    let (elapsed, after) = (began.elapsed().as_secs_f64(), counters(&checks).await?);
    let resident = resident(me)?;

    let count = after.lateness.count - before.lateness.count;
    let up = checks.overview().await.ok_or("the checks ended")?.standings;
    let up = up.values().filter(|standing| standing.health == Health::Up).count();
    println!("{REALSERVERS} HTTP realservers on loopback, every {INTERVAL:?}, for {TIME:?}");
    println!("  checks per second                       {:>9.0}", f64::from(u32::try_from(count)?) / elapsed);
    println!("  realservers up                          {up:>9}");
    println!("  of two cores                            {:>9.1} %", 50.0 * work / elapsed);
    println!(
        "  CPU per check                           {:>9.1} µs",
        1e6 * work / f64::from(u32::try_from(count)?)
    );
    println!("  99 % of the checks began at most late   {:>9} (bar 50 ms)", late(&before, &after));
    println!("  resident                                {:>9.1} MB (bar 30 MB)", megabytes(resident));
    println!(
        "  of that per realserver                  {:>9} bytes",
        (resident - empty) / u64::from(REALSERVERS)
    );
    Ok(())
}

async fn counters(checks: &Checks<Key>) -> Outcome<Counters> {
    Ok(checks.overview().await.ok_or("the checks ended")?.counters)
}

/// The least bound that 99 of 100 checks kept.
fn late(before: &Counters, after: &Counters) -> String {
    let count = after.lateness.count - before.lateness.count;
    let since = after.lateness.buckets().zip(before.lateness.buckets());
    let mut sums = since.scan(0, |sum, ((bound, after), (_, before))| {
        *sum += after - before;
        Some((bound, *sum))
    });
    let bound = sums.find(|(_, sum)| sum * 100 >= count * 99);
    bound.map_or_else(|| "more".to_owned(), |(bound, _)| format!("{bound:?}"))
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn subjects(port: u16) -> Vec<(Key, Subject)> {
    let pace = Pace {
        interval: INTERVAL,
        fast_interval: INTERVAL,
        down_interval: INTERVAL,
        rise: NonZeroU32::MIN,
        fall: NonZeroU32::MIN.saturating_add(2),
    };
    let http = Http {
        tls: None,
        version: HttpVersion::Http11,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        host: None,
        headers: Vec::new(),
        credentials: None,
        statuses: Statuses::default(),
        body: None,
        max_body: 64 * 1024,
    };
    let monitor = Arc::new(Monitor {
        check: Check::Http(Box::new(http)),
        address: None,
        port: None,
        origin: Origin::default(),
        timeout: INTERVAL,
        pace,
    });
    let service = Arc::from("http");
    let subject = |number| {
        let address = IpAddr::from(Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 0).to_bits() + number));
        let subject = Subject {
            realserver: SocketAddr::new(address, port),
            monitors: vec![Arc::clone(&monitor)],
            initial: Health::Unknown,
        };
        ((Arc::clone(&service), Arc::from(address.to_string())), subject)
    };
    (1..=REALSERVERS).map(subject).collect()
}
