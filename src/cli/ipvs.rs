//! `lvsd ipvs`, and lvsd by the name `ipvsadm`: reads the command with [`ipvs::text`], asks the kernel, prints.

mod names;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, StdoutLock, Write};
use std::path::Path;
use std::process::ExitCode;

use ipvs::text::{
    self, BadLine, Command, DaemonsText, Entry, EntryText, List, Names, Numeric, SaveText, Subject,
    TableText, TimeoutsText, Usage,
};
use ipvs::{Connection, Error, Info, Observed, Op, Refusal, Unknown};
use names::SystemNames;

const CONNECTIONS: &str = "/proc/net/ip_vs_conn";
/// What a shell reports of a program that a closed pipe ended.
const BROKEN_PIPE: u8 = 128 + 13;
/// ipvsadm's exit status when the kernel refuses.
const REFUSED: u8 = 255;

/// The name to answer to and the arguments for [`run`], if it is meant.
#[must_use]
pub(super) fn called(arguments: &[OsString]) -> Option<(String, &[OsString])> {
    let (program, rest) = arguments.split_first()?;
    if Path::new(program).file_name()? == "ipvsadm" {
        return Some((program.to_string_lossy().into_owned(), rest));
    }
    let (command, rest) = rest.split_first()?;
    (command == "ipvs").then(|| (format!("{} ipvs", program.to_string_lossy()), rest))
}

/// Does what ipvsadm's arguments say.
#[must_use]
pub(super) fn run(program: &str, arguments: &[OsString]) -> ExitCode {
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    let mut output = BufWriter::new(io::stdout().lock());
    let outcome = perform(program, &arguments, &mut output)
        .and_then(|status| output.flush().map(|()| status).map_err(Trouble::Output));
    ExitCode::from(outcome.unwrap_or_else(|trouble| {
        // What was printed before the trouble stands; nobody is left to tell when standard error is closed.
        let _ = output.flush();
        let _ = trouble.report(&mut io::stderr().lock());
        trouble.status()
    }))
}

type Output<'a> = BufWriter<StdoutLock<'a>>;

fn perform(program: &str, arguments: &[&str], output: &mut Output<'_>) -> Result<u8, Trouble> {
    let names = SystemNames::default();
    let command = text::parse(program, arguments, &names).map_err(Trouble::Usage)?;
    match command {
        Command::Help => output.write_all(text::help(program).as_bytes()).map_err(Trouble::Output)?,
        Command::Version => output.write_all(text::VERSION.as_bytes()).map_err(Trouble::Output)?,
        Command::Restore => {
            let mut input = Vec::new();
            io::stdin().lock().read_to_end(&mut input).map_err(Trouble::Input)?;
            let commands = text::restore(program, &String::from_utf8_lossy(&input), &names)
                .map_err(Trouble::BadLines)?;
            return Session::open(output, &names)?.restore(commands);
        }
        command => Session::open(output, &names)?.perform(command)?,
    }
    Ok(0)
}

/// Everything that a command needs.
struct Session<'a, 'b> {
    connection: Connection,
    info: Info,
    output: &'a mut Output<'b>,
    names: &'a SystemNames,
}

impl<'a, 'b> Session<'a, 'b> {
    fn open(output: &'a mut Output<'b>, names: &'a SystemNames) -> Result<Self, Trouble> {
        let mut connection = Connection::open().map_err(Trouble::Start)?;
        let info = connection.info().map_err(Trouble::Start)?;
        Ok(Self { connection, info, output, names })
    }

    fn perform(&mut self, command: Command) -> Result<(), Trouble> {
        match command {
            Command::Change(op) => {
                let failures = self.connection.apply(&[op]).map_err(Trouble::Write)?;
                match failures.into_iter().next() {
                    None => Ok(()),
                    Some(failure) => Err(Trouble::Change(failure.op, failure.refusal)),
                }
            }
            Command::Clear => self.connection.flush().map_err(Trouble::Write),
            Command::Zero(service) => self.connection.zero(service).map_err(Trouble::Write),
            Command::SetTimeouts(timeouts) => self.connection.set_timeouts(timeouts).map_err(Trouble::Write),
            Command::StartDaemon(daemon) => self.connection.start_daemon(&daemon).map_err(Trouble::Write),
            Command::StopDaemon(role) => self.connection.stop_daemon(role).map_err(Trouble::Write),
            Command::Save { numeric } => self.save(numeric),
            Command::List(list) => self.list(list),
            // These are done without the kernel.
            Command::Help | Command::Version | Command::Restore => Ok(()),
        }
    }

    /// Performs the commands of a file in their order; what is refused does not keep the rest from being done.
    fn restore(&mut self, commands: Vec<(usize, Command)>) -> Result<u8, Trouble> {
        let mut status = 0;
        let mut batch = Batch::default();
        for (line, command) in commands {
            let Command::Change(op) = command else {
                status = status.max(self.apply(&mut batch)?);
                match self.perform(command) {
                    Ok(()) => {}
                    Err(Trouble::Output(error)) => return Err(Trouble::Output(error)),
                    Err(trouble) => {
                        status = REFUSED;
                        complain(line, &trouble);
                    }
                }
                continue;
            };
            batch.lines.push(line);
            batch.ops.push(op);
        }
        Ok(status.max(self.apply(&mut batch)?))
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<u8, Trouble> {
        let Batch { lines, ops } = std::mem::take(batch);
        let mut status = 0;
        for failure in self.connection.apply(&ops).map_err(Trouble::Write)? {
            status = REFUSED;
            let line = lines.get(failure.index).copied().unwrap_or_default();
            complain(line, &Trouble::Change(failure.op, failure.refusal));
        }
        Ok(status)
    }

    fn save(&mut self, numeric: bool) -> Result<(), Trouble> {
        let listing = self.connection.list().map_err(Trouble::Read)?;
        let text = SaveText { services: &listing.services, names: names(self.names, numeric) };
        write!(self.output, "{text}").map_err(Trouble::Output)?;
        for left_out in text.left_out() {
            note("not saved", &left_out);
        }
        note_unknown("not saved", &listing.unknown);
        Ok(())
    }

    fn list(&mut self, list: List) -> Result<(), Trouble> {
        match list.subject {
            Subject::Table => {
                let listing = self.connection.list().map_err(Trouble::Read)?;
                self.table(list, &listing.services, Some(self.info))?;
                note_unknown("not shown", &listing.unknown);
                Ok(())
            }
            Subject::Service(id) => {
                let observed = self.connection.observe(id).map_err(Trouble::Read)?;
                let observed = observed.ok_or(Trouble::NotListed)?;
                self.table(list, &[observed], None)
            }
            Subject::Timeouts => {
                let timeouts = self.connection.timeouts().map_err(Trouble::Read)?;
                write!(self.output, "{}", TimeoutsText(timeouts)).map_err(Trouble::Output)
            }
            Subject::Daemons => {
                let daemons = self.connection.daemons().map_err(Trouble::Read)?;
                write!(self.output, "{}", DaemonsText(&daemons)).map_err(Trouble::Output)
            }
            Subject::Connections => self.connections(list),
        }
    }

    fn table(&mut self, list: List, services: &[Observed], info: Option<Info>) -> Result<(), Trouble> {
        let names = names(self.names, list.numeric);
        let text = TableText { services, info, list, names };
        write!(self.output, "{text}").map_err(Trouble::Output)
    }

    /// Line by line: the table of connections may be large.
    fn connections(&mut self, list: List) -> Result<(), Trouble> {
        let engines = list.columns == text::Columns::PersistentConn;
        let names = names(self.names, list.numeric);
        let mut lines = BufReader::new(File::open(CONNECTIONS).map_err(Trouble::Connections)?).split(b'\n');
        let Some(_title) = lines.next() else {
            return Err(Trouble::Connections(io::ErrorKind::UnexpectedEof.into()));
        };
        write!(self.output, "{}", text::connections_title(engines)).map_err(Trouble::Output)?;
        for line in lines {
            let line = line.map_err(Trouble::Connections)?;
            let line = String::from_utf8_lossy(&line);
            match Entry::parse(&line) {
                Some(entry) => {
                    write!(self.output, "{}", EntryText { entry, engines, names })
                        .map_err(Trouble::Output)?;
                }
                None => note("not shown", &format!("a connection that cannot be read: {}", line.trim())),
            }
        }
        Ok(())
    }
}

/// Changes that go to the kernel together, with the lines that they stand in.
#[derive(Default)]
struct Batch {
    lines: Vec<usize>,
    ops: Vec<Op>,
}

fn names(system: &SystemNames, numeric: bool) -> &dyn Names {
    if numeric { &Numeric } else { system }
}

fn note_unknown(verdict: &str, unknown: &[Unknown]) {
    for unknown in unknown {
        note(verdict, &unknown.to_string());
    }
}

fn note(verdict: &str, what: &str) {
    let _ = writeln!(io::stderr().lock(), "{verdict}: {what}");
}

fn complain(line: usize, trouble: &Trouble) {
    let mut error = io::stderr().lock();
    let _ = write!(error, "line {line}: ");
    let _ = trouble.report(&mut error);
}

/// Why a command did not succeed.
enum Trouble {
    Usage(Usage),
    BadLines(Vec<BadLine>),
    Start(Error),
    Read(Error),
    Write(Error),
    Change(Op, Refusal),
    NotListed,
    Connections(io::Error),
    Input(io::Error),
    Output(io::Error),
}

impl Trouble {
    fn status(&self) -> u8 {
        match self {
            Self::Usage(usage) => usage.status(),
            Self::BadLines(_) | Self::Start(_) => 2,
            Self::Write(_) | Self::Change(..) => REFUSED,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => BROKEN_PIPE,
            Self::Read(_) | Self::NotListed | Self::Connections(_) | Self::Input(_) | Self::Output(_) => 1,
        }
    }

    fn report(&self, error: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Usage(usage) => writeln!(error, "{usage}"),
            Self::BadLines(lines) => {
                for line in lines {
                    writeln!(error, "{line}")?;
                }
                writeln!(error, "nothing has been changed")
            }
            Self::Start(cause) => writeln!(
                error,
                "Can't initialize ipvs: {}\n\
                 Are you sure that IP Virtual Server is built in the kernel or as module?",
                explain(cause)
            ),
            Self::Read(cause) | Self::Write(cause) => writeln!(error, "{}", explain(cause)),
            Self::Change(op, refusal) => writeln!(error, "{}", text::wording(refusal, Some(op))),
            Self::NotListed => writeln!(error, "{}", text::wording(&Refusal::NoService, None)),
            Self::Connections(cause) => writeln!(error, "cannot open file {CONNECTIONS}: {cause}"),
            Self::Input(cause) => writeln!(error, "cannot read standard input: {cause}"),
            Self::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Self::Output(cause) => writeln!(error, "cannot write: {cause}"),
        }
    }
}

/// In ipvsadm's words where it has some, else in ours with the causes.
fn explain(error: &Error) -> String {
    match error {
        Error::Refused { refusal, .. } => text::wording(refusal, None),
        Error::NoFamily => "Protocol not available".to_owned(),
        error => {
            let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
            causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name to answer to, and the arguments.
    type Call<'a> = (&'a str, &'a [&'a str]);

    #[test]
    fn who_is_called() {
        let rows: [(&[&str], Option<Call<'_>>); 7] = [
            (&["/usr/bin/lvsd", "ipvs", "-L", "--socket"], Some(("/usr/bin/lvsd ipvs", &["-L", "--socket"]))),
            (&["lvsd", "ipvs"], Some(("lvsd ipvs", &[]))),
            (&["ipvsadm"], Some(("ipvsadm", &[]))),
            (&["/sbin/ipvsadm", "ipvs", "-L"], Some(("/sbin/ipvsadm", &["ipvs", "-L"]))),
            (&["lvsd", "check", "ipvs"], None),
            (&["lvsd"], None),
            (&[], None),
        ];
        for (arguments, expected) in rows {
            let owned: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            let expected = expected.map(|(program, rest)| {
                (program.to_owned(), rest.iter().map(OsString::from).collect::<Vec<_>>())
            });
            let outcome = called(&owned).map(|(program, rest)| (program, rest.to_vec()));
            assert_eq!(outcome, expected, "{arguments:?}");
        }
    }
}
