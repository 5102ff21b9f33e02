//! The nodes of a cluster.

use std::net::IpAddr;

use failover::MAX_NODES;
use toml::de::DeValue;

use super::Peers;
use crate::config::Name;
use crate::config::check::Unique;
use crate::config::cluster::{Node, Role};
use crate::config::report::{Problems, Reported};
use crate::config::section::{At, Fault, Schema, Section, Value, quoted, read};
use crate::config::value;

const NODE: Schema = Schema { title: "a node", keys: &["name", "links", "role"], later: &[] };

const ROLES: [(&str, Role); 2] =
    [(Role::Director.name(), Role::Director), (Role::Witness.name(), Role::Witness)];

const FEWEST: usize = 2;
const MOST_LINKS: usize = 4;

const NODES_HELP: &str = "add nodes = [{ name = \"litsha21\", links = [\"192.0.2.21\"] }, { name = \"litsha22\", \
                          links = [\"192.0.2.22\"] }]";
const NODE_HELP: &str = "write { name = \"litsha21\", links = [\"192.0.2.21\"] }";
const LINKS_HELP: &str = "add links = [\"192.0.2.21\"], this node's addresses for heartbeats";

/// A node with its links where they stand.
pub(super) struct Placed {
    pub(super) name: Name,
    pub(super) role: Role,
    links: At<Vec<At<IpAddr>>>,
}

/// Reads the nodes, and tells the vips of them.
pub(super) fn nodes(section: &Section<'_>, peers: &mut Peers) -> Result<Vec<Node>, Reported> {
    let placed = placed(section, peers);
    peers.know(&placed);
    let placed = placed?;
    links_meet(&placed, section.problems)?;
    Ok(placed.into_iter().map(Placed::node).collect())
}

fn placed(section: &Section<'_>, peers: &mut Peers) -> Result<Vec<Placed>, Reported> {
    let values = section.list("nodes", NODES_HELP)?;
    let mut names = Unique::new();
    let nodes: Vec<_> = values.iter().map(|value| node(value, section.problems, &mut names, peers)).collect();
    let span = section.key_span("nodes").unwrap_or(section.span);
    if values.len() < FEWEST {
        let what = format!("a cluster of {} is none", values.len());
        return Err(section.problems.add(span, what, "add a node, or take [cluster] out"));
    }
    if values.len() > MAX_NODES {
        let what = format!("{} nodes are too many", values.len());
        return Err(section.problems.add(span, what, format!("use {FEWEST} to {MAX_NODES}")));
    }
    let nodes: Vec<Placed> = nodes.into_iter().collect::<Result<_, _>>()?;
    if nodes.iter().all(|node| node.role == Role::Witness) {
        let help = "take role = \"witness\" out of those that may own vips";
        return Err(section.problems.add(span, "all nodes are witnesses: none may own a vip", help));
    }
    Ok(nodes)
}

fn node(
    value: &Value<'_>,
    problems: &Problems,
    names: &mut Unique<Name>,
    peers: &mut Peers,
) -> Result<Placed, Reported> {
    let section = Section::open(&NODE, value, problems, NODE_HELP)?;
    let name = section.required("name", "add name = \"litsha21\"", host_name).and_then(|name| {
        names.claim(name.value.clone(), name.span).map_err(|earlier| {
            let what = format!("there is already a node called {}", quoted(name.value.as_str()));
            problems.add_collision(name.span, earlier, what, "give each node the name of its own host")
        })?;
        Ok(name.value)
    });
    let role = section.optional("role", |value| value::word(value, &ROLES));
    let links = links(&section, peers);
    Ok(Placed { name: name?, role: role?.map_or_else(Role::default, |at| at.value), links: links? })
}

/// What `uname -n` says on that machine, in lower case.
fn host_name(value: &DeValue<'_>) -> Result<Name, Fault> {
    const HELP: &str = "write what `uname -n` says on it, in lower case: letters, digits and hyphens, and dots between \
                        parts";
    let text = value::text(value, HELP)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    Name::new(text)
        .filter(|_| text.split('.').all(is_label))
        .ok_or_else(|| Fault::new(format!("{} is not a host name", quoted(text)), HELP))
}

fn links(section: &Section<'_>, peers: &mut Peers) -> Result<At<Vec<At<IpAddr>>>, Reported> {
    let problems = section.problems;
    let values = section.list("links", LINKS_HELP)?;
    let mut link = |value| {
        let link = read(problems, value, value::address)?;
        peers.link(problems, link)?;
        Ok(link)
    };
    let links: Vec<Result<At<IpAddr>, Reported>> = values.iter().map(&mut link).collect();
    let span = section.key_span("links").unwrap_or(section.span);
    match values.len() {
        0 => Err(problems.add(span, "the others could not hear this node", LINKS_HELP)),
        1..=MOST_LINKS => Ok(At { value: links.into_iter().collect::<Result<_, _>>()?, span }),
        many => {
            let what = format!("{many} links are too many");
            Err(problems.add(span, what, format!("use 1 to {MOST_LINKS}")))
        }
    }
}

/// Link i of one node talks to link i of each other.
fn links_meet(nodes: &[Placed], problems: &Problems) -> Result<(), Reported> {
    let Some((first, others)) = nodes.split_first() else {
        return Ok(());
    };
    let mut meet = Ok(());
    for other in others {
        if let Err(reported) = first.meets(other, problems) {
            meet = Err(reported);
        }
    }
    meet
}

impl Placed {
    fn meets(&self, other: &Self, problems: &Problems) -> Result<(), Reported> {
        let count = |node: &Self| match node.links.value.len() {
            1 => "one link".to_owned(),
            many => format!("{many} links"),
        };
        if self.links.value.len() != other.links.value.len() {
            let what = format!("{} has {}, {} has {}", other.name, count(other), self.name, count(self));
            let help =
                "give all nodes as many: the first link of one talks to the first of each other, and so on";
            return Err(problems.add_collision(other.links.span, self.links.span, what, help));
        }
        let pairs = self.links.value.iter().zip(&other.links.value);
        let mut meets = Ok(());
        for (one, another) in pairs.filter(|(one, another)| one.value.is_ipv4() != another.value.is_ipv4()) {
            let what = format!("{} cannot talk to {}, of the other family", another.value, one.value);
            let help = "at the same place in `links`, all nodes have IPv4 or all have IPv6";
            meets = Err(problems.add_collision(another.span, one.span, what, help));
        }
        meets
    }

    fn node(self) -> Node {
        let links = self.links.value.into_iter().map(|link| link.value).collect();
        Node { name: self.name, links, role: self.role }
    }
}
