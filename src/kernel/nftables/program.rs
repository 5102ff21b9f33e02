//! The program `nft`: run with an end in sight.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long it may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often it is looked whether it has ended: it takes some ten times that.
const LOOK: Duration = Duration::from_millis(1);
/// How much of what it says is passed on.
const SAID: usize = 500;
/// Where it is, beside where `PATH` says.
const ALSO: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Why nft did not do it. The kernel holds what it held.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such program.
    #[error("there is no program nft on this machine: install the package nftables")]
    Missing,
    /// It cannot be started or talked to.
    #[error("start nft")]
    Start(#[source] io::Error),
    /// It does not end.
    #[error("nft did not end within {DEADLINE:?}, and was killed")]
    Late,
    /// It says no.
    #[error("nft: {0}")]
    Refused(String),
}

/// Whether there is such a program.
#[must_use]
pub fn is_installed() -> bool {
    directories().any(|directory| directory.join("nft").is_file())
}

fn directories() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named: Vec<PathBuf> = std::env::split_paths(&path).collect();
    named.into_iter().chain(ALSO.map(PathBuf::from))
}

/// Runs it: what it writes to its standard output. Input and output are files in memory, so that nobody waits for anybody
/// at a pipe.
pub(super) fn run(arguments: &[&str], input: &str) -> Result<String, Error> {
    let path = std::env::join_paths(directories()).unwrap_or_else(|_| OsString::from(ALSO.join(":")));
    let [stdin, mut stdout, mut stderr] = [file()?, file()?, file()?];
    (&stdin).write_all(input.as_bytes()).and_then(|()| (&stdin).rewind()).map_err(Error::Start)?;
    let mut command = Command::new("nft");
    command.args(arguments).env("PATH", path).env("LC_ALL", "C").process_group(0);
    command.stdin(Stdio::from(stdin));
    command.stdout(stdout.try_clone().map_err(Error::Start)?);
    command.stderr(stderr.try_clone().map_err(Error::Start)?);
    let child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing,
        _ => Error::Start(error),
    })?;
    let status = wait(child)?;
    if status.success() {
        return text(&mut stdout);
    }
    let said = text(&mut stderr)?;
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said: String = said.join("; ").chars().take(SAID).collect();
    Err(Error::Refused(if said.is_empty() { status.to_string() } else { said }))
}

fn wait(mut child: Child) -> Result<ExitStatus, Error> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK),
            Ok(None) => {
                let group = i32::try_from(child.id()).map(Pid::from_raw);
                let killed = group.is_ok_and(|group| killpg(group, Signal::SIGKILL).is_ok());
                // What cannot be killed is not waited for.
                if killed {
                    let _ = child.wait();
                }
                return Err(Error::Late);
            }
            Err(error) => return Err(Error::Start(error)),
        }
    }
}

fn file() -> Result<File, Error> {
    let file = memfd_create("nft", MFdFlags::MFD_CLOEXEC).map_err(io::Error::from);
    file.map(File::from).map_err(Error::Start)
}

fn text(file: &mut File) -> Result<String, Error> {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(Error::Start)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
