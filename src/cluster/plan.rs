//! What the file says of the cluster, in the numbers of the core.

use std::net::IpAddr;

use failover::cib::{Declared, Resource};
use failover::core::{NoQuorum, Role, Settings};
use failover::keys::{self, KeyRing};
use failover::{NodeId, VipId};

use super::takeover::Surroundings;
use crate::config::{self, Config};
use crate::kernel::Assignment;

/// What the cluster thread works with.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) cluster: String,
    pub(super) node: String,
    pub(super) settings: Settings,
    pub(super) keys: KeyRing,
    pub(super) port: u16,
    pub(super) own: Vec<IpAddr>,
    pub(super) peers: Vec<(NodeId, Vec<IpAddr>)>,
    pub(super) floating: Vec<(VipId, Vec<Assignment>)>,
    pub(super) ping: Vec<IpAddr>,
    pub(super) file: u64,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// This node is not in the file.
    #[error(
        "this node is {node:?}, and [cluster] nodes has {}; give it the name of one (--node), or add it to the file",
        .present.join(", ")
    )]
    NotAMember {
        /// This node.
        node: String,
        /// The members.
        present: Vec<String>,
    },
    /// The keys cannot be read.
    #[error("keys {path}: {cause}")]
    Keys {
        /// Their file.
        path: String,
        /// Why.
        cause: keys::ReadError,
    },
    /// Two vips have names that the directors cannot tell apart.
    #[error("vips {0} and {1}: directors cannot tell these names apart; rename one")]
    Alike(String, String),
    /// What stands between running directors cannot be changed under them.
    #[error(
        "[cluster] {0} cannot change while lvsd runs: restart lvsd on one director after the other \
         (`lvsd node standby` first, so that nobody notices)"
    )]
    Fixed(&'static str),
}

/// What the numbers of nodes and vips mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    nodes: Vec<String>,
    vips: Vec<(VipId, String)>,
}

impl Names {
    /// The names in a file.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let nodes = config.cluster.iter().flat_map(|cluster| &cluster.nodes);
        Self {
            nodes: nodes.map(|node| node.name.to_string()).collect(),
            vips: config
                .vips
                .iter()
                .map(|vip| (VipId::of(vip.name.as_str()), vip.name.to_string()))
                .collect(),
        }
    }

    /// A node's name.
    #[must_use]
    pub fn node(&self, node: NodeId) -> String {
        self.nodes.get(node.index()).cloned().unwrap_or_else(|| node.to_string())
    }

    /// The node of a name.
    #[must_use]
    pub fn node_named(&self, name: &str) -> Option<NodeId> {
        NodeId::new(self.nodes.iter().position(|known| known.eq_ignore_ascii_case(name))?)
    }

    /// The names of all nodes.
    #[must_use]
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// A vip's name.
    #[must_use]
    pub fn vip(&self, vip: VipId) -> String {
        let known = self.vips.iter().find(|(id, _)| *id == vip);
        known.map_or_else(
            || format!("a vip that is not in the file ({:08x})", vip.bits()),
            |(_, name)| name.clone(),
        )
    }
}

impl Plan {
    /// The plan for `node`; nothing for a director that stands alone.
    pub fn new(config: &Config, node: &str) -> Result<Option<Self>, PlanError> {
        let Some(cluster) = &config.cluster else { return Ok(None) };
        let names = Names::of(config);
        let not_a_member =
            || PlanError::NotAMember { node: node.to_owned(), present: names.nodes().to_vec() };
        let me = names.node_named(node).ok_or_else(not_a_member)?;
        let numbered = || (0..).map_while(NodeId::new).zip(&cluster.nodes);
        let ids: Vec<NodeId> = numbered().map(|(id, _)| id).collect();
        let path = cluster.keys.display().to_string();
        let owner = nix::unistd::geteuid().as_raw();
        let keys = keys::read(&cluster.keys, owner).map_err(|cause| PlanError::Keys { path, cause })?;

        let mut vips: Vec<Resource> = Vec::new();
        let mut floating = Vec::new();
        for vip in &config.vips {
            let id = VipId::of(vip.name.as_str());
            if let Some((_, other)) =
                names.vips.iter().find(|(it, name)| *it == id && *name != vip.name.as_str())
            {
                return Err(PlanError::Alike(other.clone(), vip.name.to_string()));
            }
            vips.push(Resource {
                name: vip.name.to_string(),
                addresses: vip.addresses.iter().map(ToString::to_string).collect(),
                interface: vip.interface.to_string(),
                prefer: vip.prefer.iter().map(|(node, score)| (node.to_string(), *score)).collect(),
                stickiness: vip.stickiness,
                migration_threshold: vip.migration_threshold,
                failure_timeout: vip.failure_timeout,
            });
            let interface = vip.interface.clone();
            let assignments =
                vip.addresses.iter().map(|net| Assignment { interface: interface.clone(), net: *net });
            floating.push((id, assignments.collect()));
        }
        let settings = Settings {
            me,
            links: cluster.nodes.first().map_or(0, |node| node.links.len()),
            keepalive: cluster.keepalive,
            warntime: cluster.warntime,
            deadtime: cluster.deadtime,
            initdead: cluster.initdead,
            declared: Declared {
                policy: policy(cluster.policy),
                nodes: cluster.nodes.iter().map(|node| (node.name.to_string(), role(node.role))).collect(),
                vips,
                multiplier: cluster
                    .ping
                    .as_ref()
                    .map_or_else(|| Declared::default().multiplier, |ping| ping.multiplier),
            },
            tie_break: cluster.tie_break.is_some(),
            pings: cluster.ping.is_some(),
            dampen: cluster.ping.as_ref().map_or(cluster.deadtime, |ping| ping.dampen),
        };
        let links = |id: NodeId| cluster.nodes.get(id.index()).map(|it| it.links.clone()).unwrap_or_default();
        Ok(Some(Self {
            cluster: cluster.name.to_string(),
            node: names.node(me),
            settings,
            keys,
            port: cluster.port,
            own: links(me),
            peers: ids.into_iter().filter(|id| *id != me).map(|id| (id, links(id))).collect(),
            floating,
            ping: cluster.ping.iter().flat_map(|ping| ping.hosts.iter().copied()).collect(),
            file: config.digest().first_chunk().map_or(0, |start| u64::from_be_bytes(*start)),
        }))
    }

    /// Whether this node votes and owns nothing.
    #[must_use]
    pub fn is_witness(&self) -> bool {
        self.settings.role(self.settings.me) == Role::Witness
    }

    /// The node's name, as the file has it.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// What taking over needs to know.
    pub(super) fn surroundings(&self) -> Surroundings<'_> {
        let links = self.peers.iter().flat_map(|(_, links)| links);
        let v4 = |address: &IpAddr| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        };
        Surroundings {
            vips: &self.floating,
            peers: links.filter_map(v4).collect(),
            ping: &self.ping,
            deadtime: self.settings.deadtime,
        }
    }

    /// The ping hosts.
    #[must_use]
    pub fn ping(&self) -> Vec<IpAddr> {
        self.ping.clone()
    }

    /// The warnings about the keys.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.keys.warnings()
    }

    /// Refuses to go on with another file if that changes what stands between running directors.
    pub fn refuse_change(before: &Config, after: &Config) -> Result<(), PlanError> {
        let fixed = match (&before.cluster, &after.cluster) {
            (None, None) => None,
            (Some(before), Some(after)) => [
                ("name", before.name != after.name),
                ("nodes", before.nodes != after.nodes),
                ("port", before.port != after.port),
                ("deadtime", before.deadtime != after.deadtime),
            ]
            .into_iter()
            .find_map(|(key, changed)| changed.then_some(key)),
            _ => Some("as a whole"),
        };
        fixed.map_or(Ok(()), |key| Err(PlanError::Fixed(key)))
    }
}

fn role(role: config::Role) -> Role {
    match role {
        config::Role::Director => Role::Director,
        config::Role::Witness => Role::Witness,
    }
}

fn policy(policy: config::NoQuorum) -> NoQuorum {
    match policy {
        config::NoQuorum::Stop => NoQuorum::Stop,
        config::NoQuorum::Freeze => NoQuorum::Freeze,
        config::NoQuorum::Ignore => NoQuorum::Ignore,
    }
}

#[cfg(test)]
mod tests;
