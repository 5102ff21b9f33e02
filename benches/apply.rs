//! How fast 100 services of 100 realservers come into the kernel, and how fast one changed weight does: lvsd,
//! ipvsadm, keepalived, and the floor, which is a loop that sends messages encoded beforehand.
//!
//! `./scripts/bench apply` runs it in the lab's guest; all figures of one run come from one guest.

#![expect(
    clippy::cast_precision_loss,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::indexing_slicing,
    reason = "figures for people, files of a known size"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipvs::wire::Request;
use ipvs::{
    Bound, Connection, Destination, Endpoint, Forward, Op, Protocol, Scheduler, Service, ServiceId, Table,
    plan,
};
use neli::consts::socket::NlFamily;
use neli::router::synchronous::NlRouter;
use neli::socket::NlSocket;
use neli::utils::Groups;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{MsgFlags, recv, send};
use nix::unistd::Pid;

type Outcome<T> = Result<T, Box<dyn Error>>;

const SERVICES: u8 = 100;
const REALSERVERS: u8 = 100;
const ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the daemons are left alone while their processor time is counted.
const IDLE: Duration = Duration::from_secs(20);

fn main() -> Outcome<()> {
    if std::env::var_os("LVSD_LAB").is_none() {
        return Err("this needs the lab's kernel: ./scripts/bench apply".into());
    }
    let directory = std::env::temp_dir().join("lvsd-bench");
    fs::create_dir_all(&directory)?;
    let table = table();
    let ops = plan(&Table::new(), &table);
    println!(
        "{SERVICES} services of {REALSERVERS} realservers: {} objects, median of {ROUNDS} rounds\n",
        ops.len()
    );

    let floor = median(|| floor(&ops))?;
    let library = median(|| library(&ops))?;
    // Once is enough for what takes a hundred times as long as its noise.
    let ipvsadm = ipvsadm(&directory, &table)?;
    let lvsd = Daemon::lvsd(&directory);
    let keepalived = Daemon::keepalived(&directory);
    let ours = measure(&lvsd)?;
    let theirs = measure(&keepalived)?;

    println!("into an empty kernel                     seconds");
    row("floor: messages encoded beforehand", floor, None);
    row("lvsd: plan applied", library, Some(("of the floor", library, floor)));
    row("lvsd: from start to complete", ours.start, None);
    row("ipvsadm -R", ipvsadm, Some(("of lvsd's application", ipvsadm, library)));
    row("keepalived: from start to complete", theirs.start, Some(("of lvsd's", theirs.start, ours.start)));
    println!("\none weight changed, from SIGHUP to the kernel");
    row("lvsd", ours.reload, None);
    row("keepalived", theirs.reload, Some(("of lvsd's", theirs.reload, ours.reload)));
    println!("\nafterwards");
    for (name, cost) in [("lvsd", &ours), ("keepalived", &theirs)] {
        println!(
            "  {name:<11} resident {:>6.1} MB, idle {:>5.2} % of a core",
            cost.resident / 1e6,
            cost.idle * 100.0
        );
    }
    Ok(())
}

fn row(name: &str, time: Duration, ratio: Option<(&str, Duration, Duration)>) {
    print!("  {name:<38} {:>7.3}", time.as_secs_f64());
    match ratio {
        Some((of, time, other)) => println!("   {:.2} {of}", time.as_secs_f64() / other.as_secs_f64()),
        None => println!(),
    }
}

fn median(mut round: impl FnMut() -> Outcome<Duration>) -> Outcome<Duration> {
    let mut times = (0..ROUNDS).map(|_| round()).collect::<Outcome<Vec<_>>>()?;
    times.sort();
    Ok(times[ROUNDS / 2])
}

fn address(service: u8) -> String {
    format!("10.0.{service}.1")
}

fn realserver(service: u8, number: u8) -> String {
    format!("10.1.{service}.{number}")
}

/// The last service and its first realserver, whose weight is what changes: the last to be complete.
fn last() -> Outcome<(ServiceId, Endpoint)> {
    let service = SERVICES - 1;
    let endpoint = Endpoint::new(address(service).parse()?, 80)?;
    let id = ServiceId::Address { protocol: Protocol::Tcp, endpoint };
    Ok((id, Endpoint::new(realserver(service, 1).parse()?, 80)?))
}

fn table() -> Table {
    let endpoint = |text: String| Endpoint::new(text.parse().expect("an address"), 80).expect("not mapped");
    let scheduler = Scheduler::new("rr").expect("a name");
    let service = |number| {
        let mut bound = Bound::new(Service::new(scheduler.clone()));
        for it in 1..=REALSERVERS {
            bound
                .destinations
                .insert(endpoint(realserver(number, it)), Destination::new(Forward::Masquerade));
        }
        (ServiceId::Address { protocol: Protocol::Tcp, endpoint: endpoint(address(number)) }, bound)
    };
    (0..SERVICES).map(service).collect()
}

/// An empty kernel: IPVS belongs to the network namespace.
fn empty_kernel() -> Outcome<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    // Without its loopback device the kernel takes no address for a unicast one.
    run(Command::new("ip").args(["link", "set", "lo", "up"]))
}

fn run(command: &mut Command) -> Outcome<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}

fn floor(ops: &[Op]) -> Outcome<Duration> {
    empty_kernel()?;
    let (router, _) = NlRouter::connect(NlFamily::Generic, None, Groups::empty())?;
    let family = router.resolve_genl_family("IPVS")?;
    let socket = NlSocket::connect(NlFamily::Generic, None, Groups::empty())?;
    let mut batches = Vec::new();
    for (number, batch) in (1..).zip(ops.chunks(200)) {
        let mut bytes = Vec::new();
        let mut begin = 0;
        for op in batch {
            begin = bytes.len();
            Request::Change(op).encode(&mut bytes, family, number);
        }
        ipvs::wire::request_ack(&mut bytes, begin);
        batches.push(bytes);
    }
    let mut answer = vec![0; 1 << 16];
    let begin = Instant::now();
    for batch in &batches {
        send(socket.as_raw_fd(), batch, MsgFlags::empty())?;
        let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        let verdict = answer.get(16..20).filter(|_| length >= 20).ok_or("a short answer")?;
        if verdict != [0; 4] {
            return Err("the kernel refuses a message of the floor".into());
        }
    }
    let elapsed = begin.elapsed();
    assert_complete()?;
    Ok(elapsed)
}

fn library(ops: &[Op]) -> Outcome<Duration> {
    empty_kernel()?;
    let mut connection = Connection::open()?;
    let begin = Instant::now();
    let failures = connection.apply(ops)?;
    let elapsed = begin.elapsed();
    assert!(failures.is_empty(), "{failures:?}");
    assert_complete()?;
    Ok(elapsed)
}

fn assert_complete() -> Outcome<()> {
    let listing = Connection::open()?.list()?;
    let count: usize = listing.services.iter().map(|service| 1 + service.destinations.len()).sum();
    let expected = usize::from(SERVICES) * (1 + usize::from(REALSERVERS));
    if count == expected {
        Ok(())
    } else {
        Err(format!("{count} objects in the kernel, not {expected}").into())
    }
}

fn ipvsadm(directory: &Path, table: &Table) -> Outcome<Duration> {
    empty_kernel()?;
    let mut rules = String::new();
    for (id, bound) in table {
        let ServiceId::Address { endpoint, .. } = id else { unreachable!("the table has no marks") };
        writeln!(rules, "-A -t {endpoint} -s rr")?;
        for realserver in bound.destinations.keys() {
            writeln!(rules, "-a -t {endpoint} -r {realserver} -m -w 1")?;
        }
    }
    let path = directory.join("rules");
    fs::write(&path, rules)?;
    let begin = Instant::now();
    run(Command::new("ipvsadm").arg("-R").stdin(fs::File::open(&path)?))?;
    let elapsed = begin.elapsed();
    assert_complete()?;
    Ok(elapsed)
}

/// A daemon that keeps the table.
struct Daemon {
    program: PathBuf,
    arguments: Vec<String>,
    config: PathBuf,
    text: fn(u32) -> String,
    directory: PathBuf,
}

/// What a daemon took.
struct Cost {
    start: Duration,
    reload: Duration,
    resident: f64,
    idle: f64,
}

impl Daemon {
    fn lvsd(directory: &Path) -> Self {
        let config = directory.join("lvsd.toml");
        let socket = directory.join("lvsd.sock");
        Self {
            program: env!("CARGO_BIN_EXE_lvsd").into(),
            arguments: vec!["--socket".into(), text(&socket), "run".into(), "-c".into(), text(&config)],
            config,
            text: lvsd_file,
            directory: directory.to_owned(),
        }
    }

    fn keepalived(directory: &Path) -> Self {
        let config = directory.join("keepalived.conf");
        let file = |name: &str| text(&directory.join(name));
        let arguments = [
            "--dont-fork",
            "--check",
            "--no-syslog",
            "--use-file",
            &text(&config),
            "--pid",
            &file("k.pid"),
            "--checkers_pid",
            &file("kc.pid"),
        ];
        Self {
            program: "keepalived".into(),
            arguments: arguments.map(str::to_owned).into(),
            config,
            text: keepalived_file,
            directory: directory.to_owned(),
        }
    }

    fn spawn(&self, weight: u32) -> Outcome<Running> {
        fs::write(&self.config, (self.text)(weight))?;
        let state = self.directory.join("state");
        drop(fs::remove_dir_all(&state));
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env("STATE_DIRECTORY", state);
        Ok(Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn lvsd_file(weight: u32) -> String {
    let mut file = String::new();
    for service in 0..SERVICES {
        let changed = if service == SERVICES - 1 { weight } else { 1 };
        let first = format!("{{ address = \"{}\", weight = {changed} }}", realserver(service, 1));
        let rest: String = (2..=REALSERVERS).map(|it| format!(", \"{}\"", realserver(service, it))).collect();
        file += &format!(
            "[[service]]\nname = \"s{service}\"\naddress = \"{}\"\nport = 80\nscheduler = \"rr\"\nforward = \"nat\"\n\
             monitor = \"none\"\nrealservers = [{first}{rest}]\n",
            address(service)
        );
    }
    file
}

fn keepalived_file(weight: u32) -> String {
    let mut file = String::from("global_defs {\n}\n");
    for service in 0..SERVICES {
        file += &format!(
            "virtual_server {} 80 {{\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n",
            address(service)
        );
        for number in 1..=REALSERVERS {
            let changed = if (service, number) == (SERVICES - 1, 1) { weight } else { 1 };
            file += &format!("real_server {} 80 {{\nweight {changed}\n}}\n", realserver(service, number));
        }
        file += "}\n";
    }
    file
}

/// A daemon that runs; it ends with this value, and the kernel keeps what it will.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = kill(process_id(self.0.id()), Signal::SIGKILL);
        for process in descendants(self.0.id()) {
            let _ = kill(process_id(process), Signal::SIGKILL);
        }
        drop(self.0.wait());
    }
}

fn measure(daemon: &Daemon) -> Outcome<Cost> {
    let (mut starts, mut reloads, mut resident, mut idle) = (Vec::new(), Vec::new(), 0.0, 0.0);
    let (id, first) = last()?;
    for round in 0..ROUNDS {
        empty_kernel()?;
        let mut connection = Connection::open()?;
        let begin = Instant::now();
        let running = daemon.spawn(1)?;
        wait(|| {
            Ok(connection.observe(id)?.is_some_and(|it| it.destinations.len() == usize::from(REALSERVERS)))
        })?;
        starts.push(begin.elapsed());
        sleep(Duration::from_secs(5));
        assert_complete()?;

        fs::write(&daemon.config, (daemon.text)(2))?;
        let begin = Instant::now();
        kill(process_id(running.0.id()), Signal::SIGHUP)?;
        wait(|| {
            let bound = connection.observe(id)?.map(|it| it.bound());
            Ok(bound.is_some_and(|it| it.destinations.get(&first).is_some_and(|it| it.weight.get() == 2)))
        })?;
        reloads.push(begin.elapsed());

        if round == ROUNDS - 1 {
            sleep(Duration::from_secs(5));
            let before = processor_time(running.0.id())?;
            sleep(IDLE);
            idle = (processor_time(running.0.id())? - before) / IDLE.as_secs_f64();
            resident = resident_bytes(running.0.id())?;
        }
    }
    starts.sort();
    reloads.sort();
    Ok(Cost { start: starts[ROUNDS / 2], reload: reloads[ROUNDS / 2], resident, idle })
}

fn wait(mut reached: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
    let begin = Instant::now();
    while !reached()? {
        if begin.elapsed() > PATIENCE {
            return Err("the kernel never held what it should".into());
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn process_id(process: u32) -> Pid {
    Pid::from_raw(process.cast_signed())
}

fn family(process: u32) -> Vec<u32> {
    std::iter::once(process).chain(descendants(process)).collect()
}

fn descendants(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|it| it.parse().ok()).flat_map(family).collect()
}

/// User and system time of a process and its children, in seconds; fields 14 and 15 of proc(5)'s `stat`.
fn processor_time(process: u32) -> Outcome<f64> {
    let mut ticks = 0_u64;
    for process in family(process) {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let (_, rest) = stat.rsplit_once(')').ok_or("a stat without a name")?;
        for field in rest.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<u64>()?;
        }
    }
    Ok(ticks as f64 / 100.0)
}

fn resident_bytes(process: u32) -> Outcome<f64> {
    let mut kilobytes = 0.0;
    for process in family(process) {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        kilobytes += line.trim().trim_end_matches(" kB").parse::<f64>()?;
    }
    std::io::stdout().flush()?;
    Ok(kilobytes * 1024.0)
}
