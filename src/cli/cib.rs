//! `lvsd cib`.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use failover::cib::verify::Severity;
use failover::cib::xml::MAX_BYTES;
use failover::cib::{Cib, Version};

use super::client::converse;
use crate::api::{Committed, Form, FormQuery, ReplaceQuery, Replaced};
use crate::cib::{Read, Source, adopt, read};
use crate::snapshot::words::printable;

/// What to do with the document that rules the cluster.
#[derive(Subcommand)]
pub(super) enum Order {
    /// Print it.
    Query {
        /// As Heartbeat 2's XML, with the status of the cluster.
        #[arg(long)]
        xml: bool,
        /// As today's Pacemaker writes it.
        #[arg(long, requires = "xml")]
        pacemaker: bool,
    },
    /// Look for what is wrong with it.
    ///
    /// Exit status: 0 nothing, or warnings only; 1 errors.
    Verify {
        /// A file, or - for standard input, if not the one in force.
        file: Option<PathBuf>,
        #[command(flatten)]
        xml: Xml,
    },
    /// Print what differs between two, or between the one in force and another.
    ///
    /// Exit status: 0 nothing, 1 something, or an error.
    Diff {
        /// A file, or - for standard input.
        #[arg(value_names = ["OLD", "NEW"], required = true, num_args = 1..=2)]
        files: Vec<PathBuf>,
        /// The files are Heartbeat 2's XML.
        #[arg(long)]
        xml: bool,
    },
    /// Put another in its place, on all directors or on none, and say what that moves.
    Replace(Replace),
}

/// How XML is read.
#[derive(Args)]
pub(super) struct Xml {
    /// It is Heartbeat 2's XML. What is damaged is mended and told.
    #[arg(long)]
    xml: bool,
    /// Mend nothing: damage is an error.
    #[arg(long, requires = "xml")]
    strict: bool,
}

/// What takes its place.
#[derive(Args)]
pub(super) struct Replace {
    /// A file, or - for standard input.
    file: PathBuf,
    #[command(flatten)]
    xml: Xml,
    /// Only say what would come of it.
    #[arg(long)]
    dry_run: bool,
    /// Even if a vip is nowhere then.
    #[arg(long)]
    force: bool,
    /// Only if this version is in force.
    #[arg(long, value_name = "A.B.C")]
    if_version: Option<Version>,
}

/// Reads, looks at, compares or replaces it.
pub(super) fn cib(socket: &Path, order: Order) -> anyhow::Result<ExitCode> {
    match order {
        Order::Query { xml: false, .. } => query(socket, Form::Toml),
        Order::Query { pacemaker: false, .. } => query(socket, Form::Heartbeat),
        Order::Query { pacemaker: true, .. } => query(socket, Form::Pacemaker),
        Order::Verify { file: Some(file), xml } => {
            let name = name_of(&file);
            Ok(taken(&file, Source::of(xml.xml, xml.strict))?
                .map_or(ExitCode::FAILURE, |it| judge(&name, &it, None)))
        }
        Order::Verify { file: None, .. } => {
            let (document, Committed { ping_hosts, timing, .. }) = in_force(socket)?;
            for finding in &timing {
                eprintln!("lvsd.toml: {}", printable(finding));
            }
            Ok(judge("cib", &document, Some(ping_hosts)))
        }
        Order::Diff { files, xml } => diff(socket, &files, Source::of(xml, false)),
        Order::Replace(order) => replace(socket, order),
    }
}

fn query(socket: &Path, form: Form) -> anyhow::Result<ExitCode> {
    let Committed { quorate, text, .. } = fetch(socket, form)?;
    if !quorate {
        eprintln!("no quorum: this is what this director knows; a majority elsewhere may have a later one");
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn fetch(socket: &Path, form: Form) -> anyhow::Result<Committed> {
    converse(socket, async |daemon| daemon.ask("/v1/cib", &FormQuery { form }).await)
}

/// The document in force, and what the director says of it.
fn in_force(socket: &Path) -> anyhow::Result<(Read, Committed)> {
    let committed = fetch(socket, Form::Toml)?;
    let document =
        read(committed.text.as_bytes(), Source::Toml).context("the document in force cannot be read")?;
    Ok((document, committed))
}

/// What a file says. What is wrong with it is told; then there is nothing.
fn taken(file: &Path, source: Source) -> anyhow::Result<Option<Read>> {
    let name = name_of(file);
    match read(&bytes(file)?, source) {
        Ok(document) => {
            document.told.iter().for_each(|line| eprintln!("{name}: {}", printable(line)));
            Ok(Some(document))
        }
        Err(problems) => {
            problems
                .iter()
                .for_each(|problem| eprintln!("{name}: error: {}", printable(&problem.to_string())));
            Ok(None)
        }
    }
}

/// No more than what is known to be too much.
fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    let most = u64::try_from(MAX_BYTES + 1).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("read {}", name_of(file)))?;
    Ok(bytes)
}

fn name_of(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

/// Tells what is wrong with a document.
fn judge(name: &str, Read { cib, whole, .. }: &Read, ping_hosts: Option<u32>) -> ExitCode {
    if !whole {
        eprintln!("{name}: a part of a document: whether what it names is there is not looked at");
        return ExitCode::SUCCESS;
    }
    let findings = cib.verify(ping_hosts);
    for finding in &findings {
        eprintln!("{name}: {}", printable(&finding.to_string()));
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        return ExitCode::FAILURE;
    }
    println!("{name}: {}", summary(cib));
    ExitCode::SUCCESS
}

fn summary(cib: &Cib) -> String {
    let count = |number: usize, thing| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {thing}{plural}")
    };
    let parts = [
        count(cib.declared.nodes.len(), "node"),
        count(cib.declared.vips.len(), "vip"),
        count(cib.constraints.len(), "constraint"),
        count(cib.moves.len(), "move"),
    ];
    format!("version {}, {}", cib.version, parts.join(", "))
}

fn diff(socket: &Path, files: &[PathBuf], source: Source) -> anyhow::Result<ExitCode> {
    let (old, new) = match files {
        [new] => {
            let (old, mut new) = (in_force(socket)?.0, taken(new, source)?);
            // What was written elsewhere calls vips by other names.
            if let Some(new) = new.as_mut().filter(|_| source != Source::Toml) {
                let told = adopt(&mut new.cib, &old.cib)?;
                for line in told {
                    eprintln!("{}", printable(&line));
                }
            }
            (Some(old), new)
        }
        [old, new] => (taken(old, source)?, taken(new, source)?),
        _ => (None, None),
    };
    let (Some(old), Some(new)) = (old, new) else { return Ok(ExitCode::FAILURE) };
    let changes = old.cib.diff(&new.cib);
    let lines: String = changes.iter().map(|change| printable(&change.to_string()) + "\n").collect();
    print(&lines)?;
    Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn replace(socket: &Path, order: Replace) -> anyhow::Result<ExitCode> {
    let Replace { file, xml: Xml { xml, strict }, dry_run, force, if_version } = order;
    let (text, query) =
        (bytes(&file)?, ReplaceQuery { source: Source::of(xml, strict), dry_run, force, if_version });
    let answer = converse(socket, async |daemon| daemon.hand_over("/v1/cib", &query, text).await)?;
    let Replaced { done, message, told, preview } = answer;
    for line in &told {
        eprintln!("{}", printable(line));
    }
    print(&preview.iter().map(|line| printable(line) + "\n").collect::<String>())?;
    if done {
        println!("{message}");
        return Ok(ExitCode::SUCCESS);
    }
    message.lines().for_each(|line| eprintln!("{}", printable(line)));
    Ok(ExitCode::FAILURE)
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
