//! The cluster as one of its nodes sees it, for a snapshot.

use std::net::IpAddr;
use std::time::Duration;

use failover::cib::{Digest, Stamp};
use failover::core::{NodeState, NodeView, Ownership, VipView};
use failover::{LinkId, Moment, NodeId, VipId};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use crate::cluster::{self as thread, Names, Report};
use crate::config;
use crate::director::cluster::memory::{Conflicts, Memory, Thing};
use crate::director::cluster::words::{bar_words, mac_words, obstacle, reason, unfit_words};
use crate::snapshot::Vip;
use crate::snapshot::cluster::{
    Announced, Cib, Cluster, Conflict, Hold, Link, LinkState, Node, NodeState as State, Reach,
};

/// How long it is remembered that somebody else has an address.
const CONFLICT: SignedDuration = SignedDuration::from_mins(10);

/// Everything that has a say in what is shown.
pub(super) struct Outlook<'a> {
    pub(super) names: &'a Names,
    pub(super) me: NodeId,
    pub(super) report: &'a Report,
    pub(super) memory: &'a Memory,
    /// Now, on the clock of the report.
    pub(super) moment: Moment,
    pub(super) now: Timestamp,
}

impl Outlook<'_> {
    pub(super) fn cluster(&self, cluster: &config::Cluster) -> Cluster {
        let view = &self.report.view;
        let ids = (0..).map_while(NodeId::new);
        let nodes = ids.zip(&cluster.nodes).zip(&view.nodes);
        let nodes: Vec<Node> = nodes.map(|((id, node), seen)| self.node(id, node, seen)).collect();
        let rejected = self.report.rejections.iter();
        Cluster {
            quorate: view.quorate,
            since: self.memory.since(Thing::Quorum),
            dc: view.leader.map(|leader| self.names.node(leader)),
            term: view.term.0,
            policy: cluster.policy.name().to_owned(),
            tie_break: cluster.tie_break.map(|it| it.name().to_owned()),
            risks: cluster.risks(),
            votes: nodes.iter().filter(|node| node.state.is_heard()).count(),
            votes_needed: view.needed,
            cib: Cib { committed: true, ..cib(view.document.stamp(), view.document.digest()) },
            nodes,
            rejected: rejected.map(|(why, count)| ((*why).to_owned(), *count)).collect(),
            strangers: self.report.strangers,
            unwritten: self.report.unwritten.clone(),
            told_seconds: self.moment.since(self.report.at).as_secs_f64(),
        }
    }

    pub(super) fn vip(&self, vip: &config::Vip) -> Vip {
        let id = VipId::of(vip.name.as_str());
        let view = &self.report.view;
        let seen = view.vips.iter().find(|seen| seen.id == id);
        let (here, lease) = match seen.map(|seen| seen.here) {
            None | Some(Ownership::None) => (Hold::None, None),
            Some(Ownership::Asking) => (Hold::Asking, None),
            Some(Ownership::Held { until, .. }) => (Hold::Held, Some(until.since(self.moment))),
            Some(Ownership::Yielding) => (Hold::Yielding, None),
        };
        let mine = here == Hold::Held;
        // Who does not hear the majority does not know what it decides.
        let owner = if mine { Some(self.me) } else { seen.and_then(|it| it.owner).filter(|_| view.quorate) };
        let nodes = (0..view.nodes.len()).filter_map(NodeId::new);
        let obstacles = nodes
            .filter(|node| Some(*node) != owner)
            .filter_map(|node| Some((self.names.node(node), obstacle(view, self.names, vip, node)?)));
        let announced = self.report.announced.iter().find(|(announced, _)| *announced == id && mine);
        Vip {
            name: vip.name.to_string(),
            addresses: vip.addresses.iter().map(ToString::to_string).collect(),
            interface: vip.interface.to_string(),
            owner: owner.map(|owner| self.names.node(owner)),
            mine,
            since: self.memory.since(Thing::Vip(id)),
            reason: self.reason(seen, mine),
            here,
            lease_remaining_seconds: lease.map(|left| left.as_secs_f64()),
            pinned_to: seen.and_then(|seen| seen.pin).map(|pin| self.names.node(pin)),
            obstacles: obstacles.collect(),
            announced: announced.map(|(_, announced)| self::announced(announced)),
            conflicts: self.conflicts(vip),
            moves_total: self.memory.changes(Thing::Vip(id)),
            conflicts_total: self.conflicts_of(vip).map(|(_, conflicts)| conflicts.count).sum(),
            snat: None,
        }
    }

    fn reason(&self, seen: Option<&VipView>, mine: bool) -> String {
        match seen.and_then(|seen| seen.cause) {
            _ if !self.report.view.quorate && !mine => "no quorum: who has it is not known here".to_owned(),
            None => "nobody placed it yet".to_owned(),
            Some(cause) => reason(self.names, cause),
        }
    }

    fn node(&self, id: NodeId, node: &config::Node, seen: &NodeView) -> Node {
        let own = self.report.view.nodes.get(self.me.index());
        let state = state(seen.state);
        let heard = match seen.silence {
            _ if id == self.me => Some(Duration::ZERO),
            silence => silence.map(|silence| silence + self.moment.since(self.report.at)),
        };
        let ids = (0..self.report.view.nodes.len()).filter_map(NodeId::new);
        let links = (0..).map(LinkId).zip(&node.links).zip(&seen.links);
        let barred = seen.barred.iter();
        Node {
            name: node.name.to_string(),
            role: node.role.name().to_owned(),
            state,
            since: match state {
                State::Suspect | State::Dead | State::Left => self.ago(heard.unwrap_or_default()),
                _ => self.memory.since(Thing::Node(id)),
            },
            last_heard_seconds: heard.map(|heard| heard.as_secs_f64()),
            late: seen.late,
            config_match: seen.file.map(|file| own.is_some_and(|own| own.file == Some(file))),
            cib: seen.document.map(|it| Cib { committed: it.committed, ..cib(it.stamp, it.digest) }),
            cib_match: seen.document.map(|it| it.digest == self.report.view.document.digest()),
            deadtime_match: seen.lease.map(|lease| own.is_some_and(|own| own.lease == Some(lease))),
            unfit: seen.unfit.map(|unfit| unfit_words(unfit).to_owned()),
            hears: ids.filter(|it| seen.hears.contains(*it)).map(|it| self.names.node(it)).collect(),
            reach: Reach { pings: seen.reach.pings, realservers: seen.reach.realservers },
            barred: barred.map(|(vip, bar)| (self.names.vip(*vip), bar_words(*bar).to_owned())).collect(),
            links: links
                .map(|((link, address), seen)| Link {
                    address: address.to_string(),
                    state: if seen.up { LinkState::Up } else { LinkState::Down },
                    since: self.memory.since(Thing::Link(id, link)),
                    received: seen.received,
                    lost: seen.lost,
                })
                .collect(),
        }
    }

    fn conflicts(&self, vip: &config::Vip) -> Vec<Conflict> {
        let recent = self.conflicts_of(vip).filter(|(_, it)| self.now.duration_since(it.last) < CONFLICT);
        let conflict = |(address, it): (IpAddr, Conflicts)| Conflict {
            address: address.to_string(),
            mac: mac_words(it.mac),
            at: it.last,
        };
        recent.map(conflict).collect()
    }

    fn conflicts_of(&self, vip: &config::Vip) -> impl Iterator<Item = (IpAddr, Conflicts)> {
        let addresses = vip.addresses.iter().map(IpNet::addr);
        addresses.filter_map(|address| Some((address, self.memory.conflicts(address)?)))
    }

    fn ago(&self, elapsed: Duration) -> Timestamp {
        let elapsed = SignedDuration::try_from(elapsed).ok();
        elapsed.and_then(|elapsed| self.now.checked_sub(elapsed).ok()).unwrap_or(self.now)
    }
}

fn cib(stamp: Stamp, digest: Digest) -> Cib {
    let (version, term) = (stamp.version.to_string(), stamp.term.0);
    Cib { version, term, digest: digest.to_string(), committed: false }
}

fn announced(announced: &thread::Announced) -> Announced {
    let words = |addresses: &[IpAddr]| addresses.iter().map(ToString::to_string).collect();
    Announced {
        times: announced.times,
        asked: words(&announced.asked),
        confirmed: words(&announced.confirmed),
    }
}

fn state(state: NodeState) -> State {
    match state {
        NodeState::Online => State::Online,
        NodeState::Standby => State::Standby,
        NodeState::Leaving => State::Leaving,
        NodeState::Left => State::Left,
        NodeState::Suspect => State::Suspect,
        NodeState::Dead => State::Dead,
        NodeState::Unknown => State::Unknown,
    }
}

#[cfg(test)]
mod tests;
