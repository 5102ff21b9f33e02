//! Programs run in a node.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::namespace::Namespace;
use crate::patience::until;

/// A running program; killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts the program with both its outputs appended to `log`.
    pub(super) fn spawn(namespace: &Namespace, mut command: Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).expect("a log file");
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a second handle of the log"));
        command.stderr(log);
        let child = namespace.enter(|| command.spawn());
        Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.0.id().try_into().expect("a pid"));
        kill(pid, signal).expect("the process is ours and not yet reaped");
    }

    /// Panics when the program does not end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        until("the program has ended", || {
            status = self.exited();
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Where each thread stands in the kernel: the evidence when a test waited in vain.
    fn print_threads(&self) {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id())).into_iter().flatten().flatten();
        for task in tasks.map(|task| task.path()) {
            let read = |file| fs::read_to_string(task.join(file)).unwrap_or_default();
            eprintln!("-- thread {} of process {}\n{}", read("comm").trim_end(), self.id(), read("stack"));
        }
    }

    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("the process is ours")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() && self.exited().is_none() {
            self.print_threads();
        }
        // Both fail only for a process that is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the program wrote to standard output; panics with what it said when it failed.
pub(super) fn succeed(output: &io::Result<Output>, command: &Command) -> String {
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => panic!(
            "{command:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!("{command:?}: {error}"),
    }
}
