//! A director: a node that runs lvsd with a file of its own.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output},
    time::Duration,
};

use jiff::Timestamp;
use nix::sys::signal::Signal;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    network::{Node, Process},
    patience::until,
};

pub(crate) const LVSD: &str = env!("CARGO_BIN_EXE_lvsd");

/// lvsd in a node; killed without a word when dropped.
pub(crate) struct Director {
    node: Node,
    daemon: Option<Process>,
    environment: Vec<(&'static str, PathBuf)>,
}

/// Something that happened, as lvsd tells it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) kind: String,
    pub(crate) object: String,
    pub(crate) what: String,
    pub(crate) cause: String,
}

impl Director {
    /// Starts lvsd with this file and waits until it is ready.
    pub(crate) fn start(node: &Node, config: &str) -> Self {
        let mut director = Self::idle(node, config);
        director.start_again();
        director
    }

    /// Has the file, and does not run.
    pub(crate) fn idle(node: &Node, config: &str) -> Self {
        node.capture();
        let director = Self { node: node.clone(), daemon: None, environment: Vec::new() };
        director.write(config);
        director
    }

    /// Has one more variable in its environment from the next start on.
    pub(crate) fn set(&mut self, name: &'static str, value: &Path) {
        self.environment.push((name, value.to_owned()));
    }

    /// Starts lvsd once more, after it was stopped.
    pub(crate) fn start_again(&mut self) {
        self.start_with(&[]);
    }

    /// Starts lvsd with more arguments than the usual ones.
    pub(crate) fn start_with(&mut self, arguments: &[&str]) {
        self.launch(arguments);
        self.wait_ready();
    }

    /// Starts lvsd and does not wait.
    pub(crate) fn launch(&mut self, arguments: &[&str]) {
        let mut command = self.command(LVSD);
        command.args(self.run_arguments()).args(arguments);
        self.daemon = Some(self.node.spawn("lvsd", command));
    }

    /// Runs lvsd, which must end by itself with exit status 1: what it says.
    #[track_caller]
    pub(crate) fn refused(&self, prefix: &[&str]) -> String {
        let mut command = self.command("timeout");
        command.arg("60").args(prefix).arg(LVSD).args(self.run_arguments());
        complaint(&self.node.enter(|| command.output()).expect("timeout can be started"))
    }

    /// Sends the signal and waits for the end.
    pub(crate) fn stop(&mut self, signal: Signal) -> ExitStatus {
        let mut daemon = self.daemon.take().expect("lvsd runs");
        daemon.signal(signal);
        daemon.wait()
    }

    /// Writes a new file and asks for it to be read.
    pub(crate) fn reload(&self, config: &str) -> Output {
        self.write(config);
        self.lvsd(["reload"])
    }

    /// Runs one of lvsd's commands, which talk to this daemon.
    pub(crate) fn lvsd<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        let mut command = self.command(LVSD);
        command.arg("--socket").arg(self.socket()).args(arguments);
        self.node.enter(|| command.output()).expect("lvsd can be started")
    }

    /// `lvsd plan` with the daemon's file.
    pub(crate) fn plan(&self) -> Output {
        let config = self.config();
        self.lvsd(["plan", config.to_str().expect("a plain path")])
    }

    /// What happened, oldest first.
    pub(crate) fn events(&self) -> Vec<Value> {
        let output = self.lvsd(["events", "--json"]);
        let lines = String::from_utf8_lossy(&output.stdout);
        lines.lines().map(|line| serde_json::from_str(line).expect("an event is a line of JSON")).collect()
    }

    /// The same, without the start of a program.
    pub(crate) fn happened(&self) -> Vec<Event> {
        let (status, events) = self.ask("GET", "/v1/events").expect("lvsd answers");
        assert_eq!(status, 200, "{events}");
        serde_json::from_str(&events).expect("events are JSON")
    }

    /// A reload as the command asks for it, without the start of a program.
    pub(crate) fn reload_in_place(&self) {
        let (status, verdict) = self.ask("POST", "/v1/reload").expect("lvsd answers");
        assert_eq!(status, 200, "{verdict}");
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.node.log("lvsd")).unwrap_or_default()
    }

    pub(crate) fn wait_ready(&mut self) {
        until("lvsd is ready", || {
            assert_eq!(self.daemon.as_mut().and_then(Process::exited), None, "lvsd ended");
            self.is_ready()
        });
    }

    fn is_ready(&self) -> bool {
        self.ask("GET", "/readyz").is_ok_and(|(status, _)| status == 200)
    }

    /// Asks the daemon without starting a program: the status and the body of its answer.
    pub(crate) fn ask(&self, method: &str, path: &str) -> io::Result<(u16, String)> {
        self.hand_over(method, path, "")
    }

    /// The same, and hands it something.
    pub(crate) fn hand_over(&self, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
    }

    /// Sends the daemon a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.daemon.as_ref().expect("lvsd runs").signal(signal);
    }

    pub(crate) fn id(&self) -> u32 {
        self.daemon.as_ref().expect("lvsd runs").id()
    }

    /// Waits for the daemon to end by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.daemon.take().expect("lvsd runs").wait()
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("STATE_DIRECTORY", self.node.directory());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run_arguments(&self) -> [PathBuf; 5] {
        ["run".into(), "-c".into(), self.config(), "--socket".into(), self.socket()]
    }

    pub(crate) fn write(&self, config: &str) {
        fs::write(self.config(), config).expect("the lab's directory is writable");
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.node.directory().join("lvsd.toml")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.node.directory().join("lvsd.sock")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.node.directory().join("state.json")
    }
}

/// What a program says that must have failed as lvsd fails: exit status 1, a complaint and nothing else.
#[track_caller]
pub(crate) fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    said
}
