//! From the parsed file to a [`Config`](super::Config)'s parts: what the file says must make sense.
//!
//! Each function reads one thing and returns it, or [`Reported`] when it is wrong and on record; whoever needs a
//! wrong thing stays silent, so that one mistake is one problem.

mod alert;
mod cluster;
mod depends;
mod fallback;
mod file;
mod forwarding;
mod host;
mod monitor;
mod policy;
mod realserver;
mod scheduling;
mod service;
mod serving;
mod source_nat;
mod status;
mod traffic;
mod vip;

use std::hash::Hash;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;
use toml::de::DeTable;

use super::report::{Problems, Reported, Span};
use super::section::{At, Schema, Section, quoted};
use super::value;
use super::{Alert, Cluster, Host, Name, Vip, VirtualService};
use file::Directory;

const FILE: Schema = Schema {
    title: "the file",
    keys: &["cluster", "vip", "pool", "service", "alert", "downtime", "host", "status"],
    later: &["sync"],
};

/// What the file says.
pub(super) struct Parts {
    pub(super) cluster: Option<Cluster>,
    pub(super) vips: Vec<Vip>,
    pub(super) services: Vec<VirtualService>,
    pub(super) alerts: Vec<Alert>,
    pub(super) downtime_log: Option<PathBuf>,
    pub(super) host: Host,
    pub(super) status: Option<SocketAddr>,
}

/// Checks a whole file; `path` is where it is.
pub(super) fn check<'a>(
    path: &Path,
    file: &'a DeTable<'a>,
    problems: &'a Problems,
) -> Result<Parts, Reported> {
    let root = Section::new(&FILE, Span { start: 0, end: 0 }, file, problems);
    let directory = Directory(path.parent().unwrap_or_else(|| Path::new("")));
    let (cluster, peers) = cluster::cluster(&root, directory);
    let (vips, known_vips) = vip::vips(&root, &peers);
    let reader = monitor::Reader::new(directory);
    let pools = realserver::pools(&root, &known_vips, &reader);
    let services = service::services(&root, &known_vips, &pools, &reader);
    let context = alert::Context { directory, services: services.as_deref().ok() };
    let alerts = alert::alerts(&root, &context);
    let downtime_log = alert::downtime_log(&root);
    let host = host::host(&root);
    let status = status::status(&root);
    if root.get("vip").is_none() && root.get("service").is_none() {
        problems.add_to_file("nothing is configured", "add a [[vip]] and a [[service]]");
    }
    Ok(Parts {
        cluster: cluster?,
        vips: vips?,
        services: services?,
        alerts: alerts?,
        downtime_log: downtime_log?,
        host: host?,
        status: status?,
    })
}

/// Things of which there must be only one, and where each stands.
struct Unique<K>(FxHashMap<K, Span>);

impl<K: Hash + Eq> Unique<K> {
    fn new() -> Self {
        Self(FxHashMap::default())
    }

    /// Takes `key` for the thing at `span`; fails with the place of the one that has it.
    fn claim(&mut self, key: K, span: Span) -> Result<(), Span> {
        match self.0.insert(key, span) {
            None => Ok(()),
            Some(earlier) => Err(earlier),
        }
    }
}

impl Unique<Name> {
    /// Reads the name of a table, which no other one of its kind may have.
    fn name(&mut self, section: &Section<'_>, help: &'static str) -> Result<Name, Reported> {
        let At { value: name, span } = section.required("name", help, value::name)?;
        self.claim(name.clone(), span).map_err(|earlier| {
            let what =
                format!("there is already a {} called {}", section.schema.title, quoted(name.as_str()));
            section.problems.add_collision(span, earlier, what, "give one of them another name")
        })?;
        Ok(name)
    }
}
