//! Whence packets come, as tcpdump sees it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::network::{Node, Process};
use crate::patience::until;

/// tcpdump on a machine's first interface, for what comes in.
pub(super) struct Tcpdump {
    log: PathBuf,
    _process: Process,
}

impl Tcpdump {
    pub(super) fn start(node: &Node, filter: &str) -> Self {
        let mut command = Command::new("tcpdump");
        command.args(["-i", "eth0", "-Q", "in", "-n", "-q", "-t", "-l", "--immediate-mode"]).arg(filter);
        let dump = Self { log: node.log("tcpdump"), _process: node.spawn("tcpdump", command) };
        until("tcpdump listens", || dump.text().contains("listening on eth0"));
        dump
    }

    /// The sources of all that went to this destination, oldest first, both as tcpdump writes them: `ADDRESS.PORT`, or
    /// `ADDRESS` where there are no ports.
    pub(super) fn sources(&self, to: &str) -> Vec<String> {
        let text = self.text();
        let packets = text.lines().filter_map(|line| line.split_once(' ')?.1.split_once(" > "));
        let there = packets.filter(|(_, rest)| rest.split_once(": ").is_some_and(|(known, _)| known == to));
        there.map(|(from, _)| from.to_owned()).collect()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}
