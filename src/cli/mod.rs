//! The command line.

mod check;
mod cib;
mod client;
mod events;
mod ipvs;
mod node;
mod plan;
mod realserver;
mod release;
mod status;
mod vip;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use tracing_subscriber::EnvFilter;

use crate::api;
use crate::config::Config;
use crate::daemon::{self, Options};

/// The file when none is named.
const FILE: &str = "/etc/lvsd/lvsd.toml";

/// A director for Linux Virtual Server.
///
/// lvsd programs IPVS from one file and keeps the kernel equal to it.
#[derive(Parser)]
#[command(name = "lvsd", version, max_term_width = 100)]
struct Arguments {
    /// The daemon's control socket.
    #[arg(long, global = true, value_name = "PATH", default_value = api::SOCKET)]
    socket: PathBuf,
    /// The node that this is, if not the one of the host's name.
    #[arg(long, global = true, value_name = "NAME")]
    node: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon in the foreground.
    ///
    /// The daemon takes over what an earlier one left in the kernel, changes only what differs from the file,
    /// and leaves all in place when it ends. SIGHUP reads the file again; SIGTERM ends the daemon.
    Run {
        /// The configuration file.
        #[arg(short, long, value_name = "FILE", default_value = FILE)]
        config: PathBuf,
        /// Take over services of the file that somebody else made.
        #[arg(long)]
        adopt: bool,
    },
    /// Validate a configuration file; touch nothing.
    Check(File),
    /// Print what `run` or `reload` would change in this kernel now.
    ///
    /// Exit status: 0 nothing, 2 changes, 1 error.
    Plan(File),
    /// Ask the daemon to read its file again, and wait for the verdict.
    Reload {
        /// End the connections of realservers that leave instead of draining them.
        #[arg(long)]
        now: bool,
    },
    /// Take everything that lvsd made out of the kernel, and end the daemon if it runs.
    Release,
    /// Print everything at a glance, problems first.
    ///
    /// Exit status: 0 healthy, 2 something needs an operator, 1 no answer.
    Status(status::Options),
    /// Say what is to become of a realserver, whatever its checks say; kept over restarts.
    Realserver {
        /// The word.
        #[command(subcommand)]
        word: realserver::Order,
    },
    /// Say whether a node of the cluster takes part.
    Node {
        /// The word.
        #[command(subcommand)]
        word: node::Order,
    },
    /// Say where a vip of the cluster is to be.
    Vip {
        /// The word.
        #[command(subcommand)]
        word: vip::Order,
    },
    /// Read the document that rules the cluster, look at it, or replace it.
    Cib {
        /// What to do with it.
        #[command(subcommand)]
        order: cib::Order,
    },
    /// Print what changed, when and why.
    Events(events::Options),
    /// Speak ipvsadm: its options, its output.
    #[command(disable_help_flag = true)]
    Ipvs {
        /// What ipvsadm would be given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Print a completion script.
    Completions {
        /// The shell to complete for.
        shell: Shell,
    },
    /// Print the manual page.
    #[command(hide = true)]
    Man,
}

#[derive(Args)]
struct File {
    /// The configuration file.
    #[arg(value_name = "FILE", default_value = FILE)]
    path: PathBuf,
}

/// Does what the arguments say.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Not left to clap, which has its own ideas about `--`, `-h` and `--socket`.
    if let Some((program, arguments)) = ipvs::called(&arguments) {
        return ipvs::run(&program, arguments);
    }
    let Arguments { socket, node, command } = Arguments::parse_from(arguments);
    let outcome = match command {
        Command::Run { config, adopt } => run(&config, &Options { socket, adopt, node }),
        Command::Plan(File { path }) => plan::plan(&path),
        Command::Reload { now } => client::reload(&socket, now),
        Command::Release => release::release(&socket),
        Command::Status(options) => status::status(&socket, &options),
        Command::Realserver { word } => realserver::realserver(&socket, word),
        Command::Node { word } => node::node(&socket, word),
        Command::Vip { word } => vip::vip(&socket, word),
        Command::Cib { order } => cib::cib(&socket, order),
        Command::Events(options) => events::events(&socket, &options),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "lvsd", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => manual(),
        Command::Check(File { path }) => Ok(check::check(&path)),
        Command::Ipvs { arguments } => Ok(ipvs::run("lvsd ipvs", &arguments)),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("lvsd: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(config: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_env("LVSD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour(&io::stderr()))
        .with_target(false)
        .init();
    daemon::run(load(config)?, options)?;
    Ok(ExitCode::SUCCESS)
}

/// A report is for people: it comes with its own lines and carets.
fn load(path: &Path) -> anyhow::Result<Config> {
    Config::load(path).map_err(|report| {
        anyhow::anyhow!("{} has problems\n{}", path.display(), report.render(colour(&io::stderr())))
    })
}

/// Whether what goes there may be coloured.
fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn manual() -> anyhow::Result<ExitCode> {
    clap_mangen::Man::new(Arguments::command()).render(&mut io::stdout())?;
    Ok(ExitCode::SUCCESS)
}
