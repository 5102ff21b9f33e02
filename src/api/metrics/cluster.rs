//! The cluster and its vips, as Prometheus reads them.

use std::fmt;

use jiff::Timestamp;

use super::{Families, Scrape};
use crate::snapshot::Vip;
use crate::snapshot::cluster::{Cluster, LinkState, Node, NodeState};

impl Scrape {
    pub(super) fn vips(&self, families: &mut Families<'_>) -> fmt::Result {
        let vips = || self.snapshot.vips.iter();
        families.gauge(
            "lvsd_vip_owned",
            "Whether this director has the addresses",
            vips().map(|vip| ([("vip", &vip.name)], u32::from(vip.mine))),
        )?;
        families.gauge(
            "lvsd_vip_snat_active",
            "Whether the rules by which packets leave with the addresses are in force here",
            vips().filter_map(|vip| Some(([("vip", &vip.name)], u32::from(vip.snat.as_ref()?.active)))),
        )?;
        let Some(cluster) = &self.snapshot.cluster else { return Ok(()) };
        families.gauge(
            "lvsd_vip_owner",
            "Who is to have the addresses: 1 for him",
            vips().flat_map(|vip| {
                cluster.nodes.iter().map(|node| {
                    let owns = vip.owner.as_ref() == Some(&node.name);
                    ([("vip", &vip.name), ("node", &node.name)], u32::from(owns))
                })
            }),
        )?;
        families.gauge(
            "lvsd_vip_lease_remaining_seconds",
            "How long this director may have the addresses if nobody acknowledges it again",
            vips().filter_map(|vip| Some(([("vip", &vip.name)], vip.lease_remaining_seconds?))),
        )?;
        families.counter(
            "lvsd_vip_announcements",
            "How often the addresses were announced since this director took them",
            vips().filter_map(|vip| Some(([("vip", &vip.name)], vip.announced.as_ref()?.times))),
        )?;
        families.gauge(
            "lvsd_vip_neighbours",
            "Neighbours that were asked whether they know where the addresses are, and those that do",
            vips().flat_map(|vip| {
                let counts = vip
                    .announced
                    .iter()
                    .flat_map(|it| [("asked", it.asked.len()), ("confirmed", it.confirmed.len())]);
                counts.map(|(set, count)| ([("vip", vip.name.as_str()), ("set", set)], count))
            }),
        )?;
        families.counter(
            "lvsd_vip_transitions",
            "How often the addresses were given to another director, or to nobody",
            vips().map(|vip| ([("vip", &vip.name)], vip.moves_total)),
        )?;
        families.counter(
            "lvsd_vip_conflicts",
            "How often another station said that it has an address",
            vips().map(|vip| ([("vip", &vip.name)], vip.conflicts_total)),
        )?;
        let blocker = |vip: &'_ Vip| vip.obstacles.get(&self.snapshot.node).cloned();
        families.gauge(
            "lvsd_takeover_ready",
            "Whether this director has the addresses, or could have them",
            vips().map(|vip| ([("vip", &vip.name)], u32::from(blocker(vip).is_none()))),
        )?;
        families.gauge(
            "lvsd_takeover_blockers",
            "What keeps this director from having the addresses",
            vips().filter_map(|vip| Some(([("vip", vip.name.clone()), ("reason", blocker(vip)?)], 1_u32))),
        )
    }

    pub(super) fn cluster(&self, families: &mut Families<'_>) -> fmt::Result {
        let Some(cluster) = &self.snapshot.cluster else { return Ok(()) };
        families.single(
            "lvsd_cluster_quorate",
            "Whether there is a majority with a DC",
            &u32::from(cluster.quorate),
        )?;
        families.single("lvsd_cluster_term", "The term of the DC", &cluster.term)?;
        families.single("lvsd_cluster_votes", "Nodes that are heard, this one included", &cluster.votes)?;
        families.single("lvsd_cluster_votes_needed", "Nodes that have to agree", &cluster.votes_needed)?;
        families.gauge(
            "lvsd_cluster_dc",
            "Who is the DC: 1 for it",
            nodes(cluster).map(|(labels, node)| (labels, u32::from(cluster.dc.as_ref() == Some(&node.name)))),
        )?;
        families.counter(
            "lvsd_datagrams_rejected",
            "Datagrams of nodes that were not taken",
            cluster.rejected.iter().map(|(why, &count)| ([("reason", why)], count)),
        )?;
        families.count(
            "lvsd_datagrams_strangers",
            "Datagrams from addresses that are no node's",
            cluster.strangers,
        )?;
        self.nodes(families, cluster)?;
        links(families, cluster)
    }

    fn nodes(&self, families: &mut Families<'_>, cluster: &Cluster) -> fmt::Result {
        families.gauge(
            "lvsd_node_state",
            "How a node is: 1 for its state",
            nodes(cluster).flat_map(|(labels, node)| {
                NodeState::ALL
                    .map(|state| ((labels, [("state", state.name())]), u32::from(node.state == state)))
            }),
        )?;
        families.gauge(
            "lvsd_node_config_match",
            "Whether a node has the same file as this one",
            nodes(cluster).filter_map(|(labels, node)| Some((labels, u32::from(node.config_match?)))),
        )?;
        families.gauge(
            "lvsd_node_cib_match",
            "Whether a node's document says what this one reads",
            nodes(cluster).filter_map(|(labels, node)| Some((labels, u32::from(node.cib_match?)))),
        )?;
        families.gauge(
            "lvsd_node_cib_info",
            "Which document a node has",
            cluster.nodes.iter().filter_map(|node| {
                let cib = node.cib.as_ref()?;
                let labels = [
                    ("node", node.name.clone()),
                    ("version", cib.version.clone()),
                    ("term", cib.term.to_string()),
                    ("digest", cib.digest.clone()),
                ];
                Some((labels, 1_u32))
            }),
        )?;
        families.gauge(
            "lvsd_node_last_heard_timestamp_seconds",
            "When a node was last heard",
            nodes(cluster).filter_map(|(labels, node)| {
                Some((labels, seconds(self.snapshot.generated_at) - node.last_heard_seconds?))
            }),
        )?;
        families.counter(
            "lvsd_heartbeats_late",
            "How often a node was silent for longer than warntime",
            nodes(cluster).map(|(labels, node)| (labels, node.late)),
        )
    }
}

fn links(families: &mut Families<'_>, cluster: &Cluster) -> fmt::Result {
    let links = || {
        nodes(cluster).flat_map(|(labels, node)| {
            node.links.iter().map(move |link| ((labels, [("address", link.address.as_str())]), link))
        })
    };
    families.gauge(
        "lvsd_link_up",
        "Whether a node is heard at an address",
        links().map(|(labels, link)| (labels, u32::from(link.state == LinkState::Up))),
    )?;
    families.counter(
        "lvsd_heartbeats_received",
        "Heartbeats that came",
        links().map(|(labels, link)| (labels, link.received)),
    )?;
    families.counter(
        "lvsd_heartbeats_lost",
        "Heartbeats that did not come",
        links().map(|(labels, link)| (labels, link.lost)),
    )
}

fn nodes(cluster: &Cluster) -> impl Iterator<Item = ([(&'static str, &str); 1], &Node)> {
    cluster.nodes.iter().map(|node| ([("node", node.name.as_str())], node))
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
