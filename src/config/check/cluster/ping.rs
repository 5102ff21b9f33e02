//! What must answer for a node to count as connected, and the tie that it may break.

use std::net::IpAddr;
use std::time::Duration;

use super::Peers;
use crate::config::cluster::{Node, Ping, TieBreak};
use crate::config::report::Reported;
use crate::config::section::{Schema, Section, read};
use crate::config::value;

const PING: Schema = Schema { title: "ping", keys: &["hosts", "dampen", "multiplier"], later: &[] };

const TIE_BREAKS: [(&str, TieBreak); 1] = [(TieBreak::Ping.name(), TieBreak::Ping)];

const MOST_HOSTS: usize = 16;
const DAMPEN: Duration = Duration::from_secs(2);
/// As pingd(8) counts.
const MULTIPLIER: u32 = 1;
/// A score has no room for more.
const GREATEST: u32 = 1_000_000;

const HELP: &str = "write ping = { hosts = [\"192.0.2.1\"], dampen = \"2s\" }";
const HOSTS_HELP: &str = "add hosts = [\"192.0.2.1\"]";

/// Reads `ping`, if it is there.
pub(super) fn ping(section: &Section<'_>, peers: &mut Peers) -> Result<Option<Ping>, Reported> {
    let Some(value) = section.get("ping") else {
        return section.misspelt("ping").map_or(Ok(None), Err);
    };
    let section = Section::open(&PING, value, section.problems, HELP)?;
    let hosts = hosts(&section, peers);
    let bounds = ((Duration::ZERO, "0s"), (Duration::from_secs(60), "60s"));
    let dampen = section.optional("dampen", |value| value::bounded(value, bounds.0, bounds.1));
    let multiplier = section.optional("multiplier", |value| value::integer(value, 1..=GREATEST));
    Ok(Some(Ping {
        hosts: hosts?,
        dampen: dampen?.map_or(DAMPEN, |at| at.value),
        multiplier: multiplier?.map_or(MULTIPLIER, |at| at.value),
    }))
}

fn hosts(section: &Section<'_>, peers: &mut Peers) -> Result<Vec<IpAddr>, Reported> {
    let problems = section.problems;
    let values = section.list("hosts", HOSTS_HELP)?;
    let mut host = |value| {
        let host = read(problems, value, value::address)?;
        peers.ping_host(problems, host)?;
        Ok(host.value)
    };
    let hosts: Vec<Result<IpAddr, Reported>> = values.iter().map(&mut host).collect();
    let span = section.key_span("hosts").unwrap_or(section.span);
    match values.len() {
        0 => Err(problems.add(span, "there is nothing to ping", HOSTS_HELP)),
        1..=MOST_HOSTS => hosts.into_iter().collect(),
        many => {
            let what = format!("{many} ping hosts are too many");
            Err(problems.add(span, what, format!("use 1 to {MOST_HOSTS}")))
        }
    }
}

/// Reads `tie_break`. `nodes` and `ping` may be wrong already.
pub(super) fn tie_break(
    section: &Section<'_>,
    nodes: &Result<Vec<Node>, Reported>,
    ping: &Result<Option<Ping>, Reported>,
) -> Result<Option<TieBreak>, Reported> {
    let Some(at) = section.optional("tie_break", |value| value::word(value, &TIE_BREAKS))? else {
        return Ok(None);
    };
    let voters = nodes.as_ref().map_err(|&reported| reported)?.len();
    if voters != 2 {
        let what = format!("a tie is broken between two voters, and here are {voters}");
        return Err(section.problems.add(at.span, what, "take it out: the majority decides"));
    }
    if ping.as_ref().map_err(|&reported| reported)?.is_none() {
        let what = "there is no ping host to break a tie";
        return Err(section.problems.add(at.span, what, "add ping = { hosts = [\"192.0.2.1\"] }"));
    }
    Ok(Some(at.value))
}
