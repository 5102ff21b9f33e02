//! What a command line asks for.

use super::draft::Draft;
use super::names::Names;
use super::options::{Meaning, Reader};
use super::usage::Usage;
use crate::{Op, Role, ServiceId, SyncDaemon, Timeouts};

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `-h`
    Help,
    /// `-v`
    Version,
    /// `-A`, `-E`, `-D`, `-a`, `-e` and `-d`.
    Change(Op),
    /// `-C`: delete every service.
    Clear,
    /// `-R`: read commands from standard input.
    Restore,
    /// `-S`: write the table as commands.
    Save {
        /// Addresses and ports as numbers.
        numeric: bool,
    },
    /// `-L`
    List(List),
    /// `-Z`: zero the counters of one service, or of all.
    Zero(Option<ServiceId>),
    /// `--set`
    SetTimeouts(Timeouts),
    /// `--start-daemon`
    StartDaemon(SyncDaemon),
    /// `--stop-daemon`
    StopDaemon(Role),
}

/// What to list and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// What.
    pub subject: Subject,
    /// Which columns a table has.
    pub columns: Columns,
    /// Addresses and ports as numbers.
    pub numeric: bool,
    /// Large numbers in full.
    pub exact: bool,
    /// In ipvsadm's order instead of the kernel's.
    pub sorted: bool,
}

impl List {
    /// What ipvsadm does without any argument.
    pub const ALL: Self =
        Self { subject: Subject::Table, columns: Columns::Plain, numeric: false, exact: false, sorted: true };
}

/// What to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Every service.
    Table,
    /// One service.
    Service(ServiceId),
    /// `-c`: the connections.
    Connections,
    /// `--timeout`
    Timeouts,
    /// `--daemon`
    Daemons,
}

/// Which columns a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Forwarding method, weight and connections.
    Plain,
    /// `--stats`: totals.
    Stats,
    /// `--rate`: per second.
    Rate,
    /// `--thresholds`
    Thresholds,
    /// `--persistent-conn`
    PersistentConn,
    /// `--tun-info`: as plain, with the tunnel.
    TunnelInfo,
}

/// Reads the arguments of a program that is called as `program`.
pub fn parse(program: &str, arguments: &[&str], names: &dyn Names) -> Result<Command, Usage> {
    if arguments.is_empty() {
        return Ok(Command::List(List::ALL));
    }
    let no_command = || Usage::NoCommand(program.to_owned());
    let mut options = Reader::new(arguments);
    let first = options.next().map_err(|_| no_command())?.ok_or_else(no_command)?;
    let verb = match first.meaning {
        Meaning::Help => return Ok(Command::Help),
        Meaning::Version => return Ok(Command::Version),
        Meaning::Verb(verb) => verb,
        _ => return Err(no_command()),
    };
    let mut draft = Draft::new(verb, first.argument)?;
    while let Some(option) = options.next()? {
        draft.add(option, names)?;
    }
    draft.finish(options.into_plain())
}
