//! What of a cluster needs an operator.

use jiff::Timestamp;

use crate::snapshot::cluster::{Cluster, LinkState, Node, NodeState};
use crate::snapshot::{Health, Problem, Vip};

/// Silence of the cluster thread that is told, in seconds.
const SILENT: f64 = 2.0;

/// The problems of a cluster, each once. Those of which nobody knows since when they are were there `before`, or begin
/// now.
pub(super) fn troubles(cluster: &Cluster, vips: &[Vip], before: &[Problem], now: Timestamp) -> Vec<Problem> {
    let mut list = List { problems: Vec::new(), before, now };
    list.cluster(cluster);
    for node in &cluster.nodes {
        list.node(node);
    }
    for vip in vips {
        list.vip(cluster, vip);
    }
    list.problems
}

struct List<'a> {
    problems: Vec<Problem>,
    before: &'a [Problem],
    now: Timestamp,
}

impl List<'_> {
    fn add(&mut self, severity: Health, object: String, what: String, since: Timestamp) {
        self.problems.push(Problem { severity, object, what, since });
    }

    fn discover(&mut self, severity: Health, object: String, what: String) {
        let known = self.before.iter().find(|known| known.object == object && known.what == what);
        let since = known.map_or(self.now, |known| known.since);
        self.add(severity, object, what, since);
    }

    fn cluster(&mut self, cluster: &Cluster) {
        let Cluster { votes, votes_needed, .. } = *cluster;
        if cluster.told_seconds > SILENT {
            let what = "the part that talks with the other nodes says nothing; see the log".to_owned();
            self.discover(Health::Critical, "cluster".to_owned(), what);
        }
        if let Some(what) = &cluster.unwritten {
            let what = format!("cannot be written, so this director keeps what it had: {what}");
            self.discover(Health::Degraded, "state".to_owned(), what);
        }
        if !cluster.quorate {
            let consequence = match cluster.policy.as_str() {
                "freeze" => "vips stay where they are, and none is taken",
                "ignore" => "vips are taken all the same",
                _ => "this director gives up its vips",
            };
            let why = if votes < votes_needed { "" } else { ", and have no DC yet" };
            let what =
                format!("no quorum: {votes} nodes are heard, {votes_needed} are needed{why}; {consequence}");
            self.add(Health::Critical, "cluster".to_owned(), what, cluster.since);
        }
    }

    fn node(&mut self, node: &Node) {
        let object = || format!("node {}", node.name);
        match node.state {
            NodeState::Dead => {
                let what = "dead: silent on all links".to_owned();
                self.add(Health::Degraded, object(), what, node.since);
            }
            NodeState::Suspect => {
                let what = "suspect: silent for longer than warntime".to_owned();
                self.add(Health::Degraded, object(), what, node.since);
            }
            NodeState::Unknown => {
                let what = "unknown: not heard since this director started".to_owned();
                self.add(Health::Degraded, object(), what, node.since);
            }
            _ => {}
        }
        if !node.state.is_heard() {
            return;
        }
        for (number, link) in (1..).zip(&node.links).filter(|(_, link)| link.state == LinkState::Down) {
            let what = format!("down: {} is not heard on {}", node.name, link.address);
            self.add(Health::Degraded, format!("link {number} to {}", node.name), what, link.since);
        }
        if node.config_match == Some(false) {
            self.discover(Health::Degraded, object(), "its file differs from this director's".to_owned());
        }
        if let Some(cib) = node.cib.as_ref().filter(|_| node.cib_match == Some(false)) {
            let what = format!("its document is {}, which is not this director's", cib.version);
            self.discover(Health::Degraded, object(), what);
        }
        if node.deadtime_match == Some(false) {
            let what = "its deadtime is not this director's; put the same file on both".to_owned();
            self.discover(Health::Degraded, object(), what);
        }
        if node.role == "director" && matches!(node.state, NodeState::Online | NodeState::Suspect) {
            self.abilities(node);
        }
    }

    /// What a director that takes part cannot take over.
    fn abilities(&mut self, node: &Node) {
        let object = || format!("node {}", node.name);
        if let Some(unfit) = &node.unfit {
            self.discover(Health::Degraded, object(), format!("cannot take over anything: {unfit}"));
        }
        let mut reasons: Vec<&String> = node.barred.values().collect();
        reasons.sort();
        reasons.dedup();
        for reason in reasons {
            let vips = node.barred.iter().filter(|(_, why)| *why == reason).map(|(vip, _)| vip.as_str());
            let vips = vips.collect::<Vec<_>>().join(", ");
            self.discover(Health::Degraded, object(), format!("cannot take over vip {vips}: {reason}"));
        }
    }

    fn vip(&mut self, cluster: &Cluster, vip: &Vip) {
        let object = || format!("vip {}", vip.name);
        if vip.owner.is_none() && cluster.quorate {
            let directors = cluster.nodes.iter().filter(|node| node.role == "director");
            let each = directors.map(|node| match vip.obstacles.get(&node.name) {
                Some(why) => format!("{}: {why}", node.name),
                None => format!("{} could", node.name),
            });
            let what = format!("nobody has it: {}", each.collect::<Vec<_>>().join("; "));
            self.add(Health::Critical, object(), what, vip.since);
        }
        for conflict in &vip.conflicts {
            let what = format!("{} has {} as well; find that station", conflict.mac, conflict.address);
            self.add(Health::Degraded, object(), what, conflict.at);
        }
    }
}

#[cfg(test)]
mod tests;
