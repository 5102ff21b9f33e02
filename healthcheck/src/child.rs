//! One program: started without a shell, in a process group of its own, and ended with all that it started.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Once;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

/// How much of the output is kept, in bytes; what is beyond is read and forgotten.
pub const MAX_OUTPUT: usize = 64 * 1024;

/// Where a program finds others.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// From the request to end to the order.
const GRACE: Duration = Duration::from_secs(1);

/// What this process opens itself is closed in the programs it starts; what it was started with has to be told so.
static INHERITED: Once = Once::new();

/// A program with all that it gets.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its arguments.
    pub arguments: &'a [String],
    /// Its environment; beside it there is a `PATH` and nothing else.
    pub environment: &'a [(String, String)],
    /// Its standard input; an empty one is `/dev/null`.
    pub input: &'a [u8],
}

/// What came of a program.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub end: End,
    /// The beginning of what it wrote to standard output and standard error, [`MAX_OUTPUT`] at most.
    pub output: Vec<u8>,
}

/// How a program ended.
#[derive(Debug)]
pub enum End {
    /// With an exit status.
    Status(i32),
    /// By a signal.
    Signal(i32),
    /// It did not end within this time and was killed.
    TimedOut(Duration),
    /// It was not started, because too many others ran for all this time.
    NoSlot(Duration),
    /// It could not be started.
    NotStarted(io::Error),
}

impl End {
    /// Whether it is the one end that means success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Status(0))
    }
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Status(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::TimedOut(limit) => write!(f, "did not end within {limit:?}"),
            Self::NoSlot(limit) => write!(f, "no free slot for {limit:?}"),
            Self::NotStarted(cause) => write!(f, "could not be started: {cause}"),
        }
    }
}

/// Runs a program, which takes one of the slots for so long.
///
/// After `within`, the wait for a slot included, the whole process group is asked to end (SIGTERM) and soon made to
/// (SIGKILL). What the program left running when it ended itself may write until then and is killed as well. When
/// the future is dropped, the group is killed at once.
pub async fn run(program: Program<'_>, within: Duration, slots: &Semaphore) -> Run {
    let deadline = Instant::now() + within;
    let Ok(Ok(_slot)) = timeout_at(deadline, slots.acquire()).await else {
        return Run { end: End::NoSlot(within), output: Vec::new() };
    };
    match Running::start(program) {
        Ok(running) => running.end(program.input, deadline, within).await,
        Err(cause) => Run { end: End::NotStarted(cause), output: Vec::new() },
    }
}

/// A process group. Whoever is in it when this is dropped is killed.
///
/// Its number is free for others once the group is empty and its leader was waited for; the moment between that and
/// the last signal is too short for the kernel to come round to the same number.
struct Group(Pid);

impl Group {
    fn signal(&self, signal: Signal) {
        // That nobody is left is no error.
        killpg(self.0, signal).ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// A program that was started.
struct Running {
    // Dropped first, so that the leader is not waited for before.
    group: Group,
    leader: Child,
    pipe: Receiver,
    output: Vec<u8>,
}

impl Running {
    fn start(program: Program<'_>) -> io::Result<Self> {
        INHERITED.call_once(|| close_fds::set_fds_cloexec(3, &[]));
        let (reader, writer) = io::pipe()?;
        let pipe = Receiver::from_owned_fd(reader.into())?;
        let leader = Command::new(program.path)
            .args(program.arguments)
            .env_clear()
            .env("PATH", SEARCH_PATH)
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .stdin(if program.input.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .spawn()?;
        let number = leader.id().and_then(|id| i32::try_from(id).ok());
        let group = number.map(|number| Group(Pid::from_raw(number))).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { group, leader, pipe, output: Vec::new() })
    }

    async fn end(mut self, input: &[u8], deadline: Instant, within: Duration) -> Run {
        let stdin = self.leader.stdin.take();
        let all = async { tokio::join!(feed(stdin, input), self.ended()).1 };
        let end = match timeout_at(deadline, all).await {
            Ok(status) => status.map_or_else(End::NotStarted, End::from),
            Err(_) => self.stop().await.unwrap_or(End::TimedOut(within)),
        };
        Run { end, output: self.output }
    }

    /// Waits for the leader's end and for that of the output.
    async fn ended(&mut self) -> io::Result<ExitStatus> {
        tokio::join!(drain(&mut self.pipe, &mut self.output), self.leader.wait()).1
    }

    /// Ends the group. The leader's own end counts if it came in time.
    async fn stop(&mut self) -> Option<End> {
        let ended = self.leader.try_wait().ok().flatten().map(End::from);
        self.group.signal(Signal::SIGTERM);
        // Whoever is left then is killed with the group, and not waited for: inside the kernel, nobody dies at once.
        drop(timeout(GRACE, self.ended()).await);
        ended
    }
}

/// Writes the input. Who does not read it need not.
async fn feed(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        drop(stdin.write_all(input).await);
    }
}

/// Reads to the end and keeps the beginning.
async fn drain(pipe: &mut Receiver, kept: &mut Vec<u8>) {
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
        let room = MAX_OUTPUT.saturating_sub(kept.len());
        kept.extend(chunk.iter().take(count.min(room)));
    }
}

#[cfg(test)]
mod tests;
