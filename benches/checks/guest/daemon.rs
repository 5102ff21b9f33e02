//! The daemons that check.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Outcome;
use crate::process::children_of;

/// The address of the service that they keep.
pub(super) const SERVICE: &str = "10.0.0.1";

/// A daemon that checks realservers.
pub(super) struct Daemon {
    pub(super) name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    config: PathBuf,
    text: fn(&[(&str, &str)], f64) -> String,
    /// Whether a child of its own makes the checks.
    child: bool,
    state: PathBuf,
}

pub(super) fn lvsd(directory: &Path) -> Daemon {
    let config = directory.join("lvsd.toml");
    let (socket, state) = (directory.join("lvsd.sock"), directory.join("state"));
    let arguments = ["--socket", &text(&socket), "run", "-c", &text(&config)].map(str::to_owned).into();
    let program = env!("CARGO_BIN_EXE_lvsd").into();
    Daemon { name: "lvsd", program, arguments, config, text: lvsd_file, child: false, state }
}

pub(super) fn keepalived(directory: &Path) -> Daemon {
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
    let (program, state) = ("keepalived".into(), directory.join("state"));
    let arguments = arguments.map(str::to_owned).into();
    Daemon { name: "keepalived", program, arguments, config, text: keepalived_file, child: true, state }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// One failed check is enough, as is one that passes.
fn lvsd_file(realservers: &[(&str, &str)], interval: f64) -> String {
    let mut list = String::new();
    for (address, port) in realservers {
        list.extend(["{ address = \"", address, "\", port = ", port, " },\n"]);
    }
    let millis = interval * 1e3;
    format!(
        "[[service]]\nname = \"http\"\naddress = \"{SERVICE}\"\nport = 80\nscheduler = \"rr\"\nforward = \"nat\"\n\
         monitor = {{ type = \"http\", path = \"/\", interval = \"{millis}ms\", fast_interval = \"{millis}ms\", \
         down_interval = \"{millis}ms\", timeout = \"1s\", rise = 1, fall = 1 }}\n\
         realservers = [\n{list}]\n"
    )
}

fn keepalived_file(realservers: &[(&str, &str)], interval: f64) -> String {
    let head = format!(
        "virtual_server {SERVICE} 80 {{\ndelay_loop {interval}\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n"
    );
    let check = format!(
        "weight 1\nHTTP_GET {{\nurl {{\npath /\nstatus_code 200\n}}\nconnect_timeout 1\nretry 0\n\
         delay_before_retry {interval}\n}}\n"
    );
    let realservers =
        realservers.iter().map(|(address, port)| format!("real_server {address} {port} {{\n{check}}}\n"));
    format!("global_defs {{\n}}\n{head}{}}}\n", realservers.collect::<Vec<_>>().concat())
}

impl Daemon {
    /// Starts it with these realservers, which it asks at this interval.
    pub(super) fn start(&self, realservers: &[String], interval: Duration) -> Outcome<Running> {
        let realservers: Vec<_> =
            realservers.iter().map(|it| it.split_once(':').unwrap_or((it, "80"))).collect();
        fs::write(&self.config, (self.text)(&realservers, interval.as_secs_f64()))?;
        drop(fs::remove_dir_all(&self.state));
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env("STATE_DIRECTORY", &self.state);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Running { process, child: self.child })
    }
}

/// A daemon that runs; it ends with this value.
pub(super) struct Running {
    process: Child,
    child: bool,
}

impl Running {
    /// The process that makes the checks.
    pub(super) fn checker(&self) -> Outcome<u32> {
        let id = self.process.id();
        if self.child { Ok(*children_of(id)?.first().ok_or("no child makes checks")?) } else { Ok(id) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let children = children_of(self.process.id()).unwrap_or_default();
        drop(self.process.kill());
        for child in children {
            let child = child.cast_signed();
            let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
        }
        drop(self.process.wait());
    }
}
