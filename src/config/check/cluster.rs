//! `[cluster]`: who the directors are, and how they watch each other.

mod node;
mod peers;
mod ping;
mod time;

use super::file::Directory;
use crate::config::cluster::{Cluster, NoQuorum};
use crate::config::report::Reported;
use crate::config::section::{Fault, Schema, Section, quoted};
use crate::config::value;

use node::nodes;
use ping::{ping, tie_break};
use time::times;

pub(super) use peers::Peers;

const CLUSTER: Schema = Schema {
    title: "[cluster]",
    keys: &[
        "name",
        "nodes",
        "port",
        "keys",
        "keepalive",
        "warntime",
        "deadtime",
        "initdead",
        "no_quorum_policy",
        "tie_break",
        "ping",
    ],
    later: &[],
};

const POLICIES: [(&str, NoQuorum); 3] = [
    (NoQuorum::Stop.name(), NoQuorum::Stop),
    (NoQuorum::Freeze.name(), NoQuorum::Freeze),
    (NoQuorum::Ignore.name(), NoQuorum::Ignore),
];

/// What Heartbeat uses.
const PORT: u16 = 694;

const KEYS: &str = "authkeys";
const KEYS_HELP: &str = "name a file, for example \"authkeys\"; a relative path begins where this file is";

/// Reads `[cluster]`, if it is there; and says what the vips have to know of it, even if some of it is wrong.
pub(super) fn cluster(
    root: &Section<'_>,
    directory: Directory<'_>,
) -> (Result<Option<Cluster>, Reported>, Peers) {
    let Some(value) = root.get("cluster") else {
        return match root.misspelt("cluster") {
            None => (Ok(None), Peers::none()),
            Some(reported) => (Err(reported), Peers::unknown(reported)),
        };
    };
    match Section::open(&CLUSTER, value, root.problems, "write [cluster], with its keys on the lines below") {
        Ok(section) => described(&section, directory),
        Err(reported) => (Err(reported), Peers::unknown(reported)),
    }
}

fn described(section: &Section<'_>, directory: Directory<'_>) -> (Result<Option<Cluster>, Reported>, Peers) {
    let mut peers = Peers::none();
    let name = section.required("name", "add name = \"web\"", value::name);
    let nodes = nodes(section, &mut peers);
    let port = section.optional("port", |value| value::port(value, 1));
    let keys = section.optional("keys", |value| match value::text(value, KEYS_HELP)? {
        text if text.is_empty() || text.ends_with('/') || text.contains('\0') => {
            Err(Fault::new(format!("{} is not the name of a file", quoted(text)), KEYS_HELP))
        }
        text => Ok(text),
    });
    let times = times(section);
    let policy = section.optional("no_quorum_policy", |value| value::word(value, &POLICIES));
    let ping = ping(section, &mut peers);
    let tie_break = tie_break(section, &nodes, &ping);
    let cluster = || {
        let times = times?;
        Ok(Some(Cluster {
            name: name?.value,
            nodes: nodes?,
            port: port?.map_or(PORT, |at| at.value),
            keys: directory.path(keys?.map_or(KEYS, |at| at.value)),
            keepalive: times.keepalive,
            warntime: times.warntime,
            deadtime: times.deadtime,
            initdead: times.initdead,
            policy: policy?.map_or_else(NoQuorum::default, |at| at.value),
            tie_break: tie_break?,
            ping: ping?,
        }))
    };
    (cluster(), peers)
}
