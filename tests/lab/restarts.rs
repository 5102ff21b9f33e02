//! Ends and beginnings of the daemon: nobody notices, and the kernel is not written to.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
};

use nix::sys::signal::Signal;

use crate::{
    load::Load,
    realserver::{Forward, Realserver},
    stage::{Stage, VIP, service},
};

/// Each is an orderly end with a new start, a sudden one, and a reload.
const ROUNDS: usize = 67;

/// The kernel's functions through which a director's kernel is changed: its table by netlink and by socket
/// option, its addresses of both families, and everything below `/proc/sys`.
const WRITERS: [&str; 7] = [
    "ip_vs_genl_set_cmd",
    "do_ip_vs_set_ctl",
    "inet_rtm_newaddr",
    "inet_rtm_deladdr",
    "inet6_rtm_newaddr",
    "inet6_rtm_deladdr",
    "proc_sys_write",
];

/// Probes of the kernel's own, in all namespaces: who wants a number of them wants to be alone.
struct Writes {
    tracing: PathBuf,
}

impl Writes {
    fn count() -> Self {
        let writes = Self { tracing: "/sys/kernel/tracing".into() };
        for function in WRITERS {
            writes.write("kprobe_events", &format!("p:lab/{function} {function}"));
        }
        writes.write("events/lab/enable", "1");
        writes
    }

    /// How often each function was run, by anybody.
    fn so_far(&self) -> Vec<(String, u64)> {
        let profile = fs::read_to_string(self.tracing.join("kprobe_profile")).unwrap();
        let count = |line: &str| {
            let mut columns = line.split_whitespace();
            Some((columns.next()?.to_owned(), columns.next()?.parse().ok()?))
        };
        profile.lines().filter_map(count).filter(|(name, _)| WRITERS.contains(&name.as_str())).collect()
    }

    fn write(&self, file: &str, line: &str) {
        let path = self.tracing.join(file);
        let file = OpenOptions::new().append(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {line}: {error}", path.display()));
    }
}

impl Drop for Writes {
    fn drop(&mut self) {
        self.write("events/lab/enable", "0");
        for function in WRITERS {
            self.write("kprobe_events", &format!("-:lab/{function}"));
        }
    }
}

#[test]
fn two_hundred_of_them_cost_no_request_and_no_write() {
    let stage = Stage::alone();
    let realservers: [Realserver; 2] = stage.realservers(Forward::Nat);
    let web = service("vip = 'web'\nport = 80\nscheduler = 'rr'", realservers.iter().map(Realserver::toml));
    let writes = Writes::count();
    let mut director = stage.direct(&web);
    let first_start = writes.so_far();
    for function in ["ip_vs_genl_set_cmd", "inet_rtm_newaddr", "inet6_rtm_newaddr", "proc_sys_write"] {
        assert!(first_start.iter().any(|(name, count)| name == function && *count > 0), "{first_start:?}");
    }

    let load = Load::start(&stage.client, &format!("{VIP}:80"), 3);
    for _ in 0..ROUNDS {
        assert!(director.stop(Signal::SIGTERM).success());
        director.start_again();
        director.stop(Signal::SIGKILL);
        director.start_again();
        director.reload_in_place();
    }
    let outcome = load.stop();

    assert_eq!(writes.so_far(), first_start);
    assert!(outcome.failures.is_empty(), "{outcome:?}");
    assert!(outcome.asked > ROUNDS * 3, "{outcome:?}");
    assert_eq!(outcome.asked_over_kept, outcome.asked * 3);
}
