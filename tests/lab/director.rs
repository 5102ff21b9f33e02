//! A director: a node that runs lvsd with a file of its own.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Command, ExitStatus, Output},
    time::Duration,
};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    network::{Node, Process},
    patience::until,
};

const LVSD: &str = env!("CARGO_BIN_EXE_lvsd");

/// lvsd in a node; killed without a word when dropped.
pub(crate) struct Director {
    node: Node,
    daemon: Option<Process>,
}

impl Director {
    /// Starts lvsd with this file and waits until it is ready.
    pub(crate) fn start(node: &Node, config: &str) -> Self {
        node.capture();
        let mut director = Self { node: node.clone(), daemon: None };
        director.write(config);
        director.start_again();
        director
    }

    /// Starts lvsd once more, after it was stopped.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new(LVSD);
        command.arg("run").arg("-c").arg(self.config()).arg("--socket").arg(self.socket());
        command.env("STATE_DIRECTORY", self.node.directory());
        self.daemon = Some(self.node.spawn("lvsd", command));
        self.wait_ready();
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
    pub(crate) fn lvsd<const N: usize>(&self, arguments: [&str; N]) -> Output {
        let socket = self.socket();
        let head = [LVSD, "--socket", socket.to_str().expect("a plain path")];
        self.node.output(head.into_iter().chain(arguments))
    }

    /// What happened, oldest first.
    pub(crate) fn events(&self) -> Vec<Value> {
        let output = self.lvsd(["events", "--json"]);
        let lines = String::from_utf8_lossy(&output.stdout);
        lines.lines().map(|line| serde_json::from_str(line).expect("an event is a line of JSON")).collect()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.node.log("lvsd")).unwrap_or_default()
    }

    fn wait_ready(&mut self) {
        until("lvsd is ready", || {
            assert_eq!(self.daemon.as_mut().and_then(Process::exited), None, "lvsd ended");
            self.is_ready()
        });
    }

    /// Asks the daemon without starting a program.
    fn is_ready(&self) -> bool {
        let ask = || {
            let mut answer = String::new();
            let mut stream = UnixStream::connect(self.socket())?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n")?;
            stream.read_to_string(&mut answer)?;
            std::io::Result::Ok(answer)
        };
        ask().is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
    }

    fn write(&self, config: &str) {
        fs::write(self.config(), config).expect("the lab's directory is writable");
    }

    fn config(&self) -> PathBuf {
        self.node.directory().join("lvsd.toml")
    }

    fn socket(&self) -> PathBuf {
        self.node.directory().join("lvsd.sock")
    }
}
