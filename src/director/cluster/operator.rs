//! What operators say of nodes and vips.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use failover::cib::Cib;
use failover::{NodeId, VipId};
use tokio::sync::oneshot;

use super::errand::{Change, Errand, Goal};
use super::words::obstacle;
use super::{Cause, Destination, Director, Kind, Membership, Names, Refusal};
use crate::config::Vip;

/// How long an operator waits for what he said to come about.
const PATIENCE: Duration = Duration::from_secs(5);

impl Director {
    /// Does what an operator says, and answers when it has come about. Meanwhile the director does something else.
    pub(in crate::director) fn obey(
        &mut self,
        reply: oneshot::Sender<Result<String, Refusal>>,
        word: impl FnOnce(&mut Self) -> Result<Errand, Refusal>,
    ) {
        match word(self) {
            Ok(errand) => {
                tokio::spawn(async move { drop(reply.send(errand.wait().await)) });
            }
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    /// An operator's word for a node; none is this one.
    pub(in crate::director) fn set_standby(
        &mut self,
        node: Option<&str>,
        standby: bool,
    ) -> Result<Errand, Refusal> {
        let membership = self.cluster.as_ref().ok_or(Refusal::Alone)?;
        let node = known_node(&membership.handle.names, node.unwrap_or(&self.node))?;
        let name = membership.handle.names.node(node);
        let change = move |cib: &mut Cib| {
            if standby {
                cib.standby.insert(name.clone());
            } else {
                cib.standby.remove(&name);
            }
        };
        let word = if standby { "gives up all vips" } else { "takes part again" };
        self.send_out(Box::new(change), Goal::Standby { node, standby }, word)
    }

    /// An operator's word for a vip.
    pub(in crate::director) fn move_vip(&mut self, vip: &str, to: &Destination) -> Result<Errand, Refusal> {
        let membership = self.cluster.as_ref().ok_or(Refusal::Alone)?;
        let vip = self.known_vip(vip)?;
        let (pin, word) = match to {
            Destination::Anywhere => (None, "goes where the cluster places it".to_owned()),
            Destination::Node(name) => {
                let node = known_node(&membership.handle.names, name)?;
                membership.refuse_obstacle(vip, node)?;
                (Some(node), format!("moves to {}", membership.handle.names.node(node)))
            }
            Destination::Elsewhere => {
                let node = membership.elsewhere(vip)?;
                (Some(node), format!("moves to {}", membership.handle.names.node(node)))
            }
        };
        let (name, to) = (vip.name.to_string(), pin.map(|node| membership.handle.names.node(node)));
        let change = move |cib: &mut Cib| {
            cib.moves.remove(&name);
            cib.moves.extend(to.iter().map(|to| (name.clone(), to.clone())));
        };
        let goal = Goal::Place { vip: Box::new(vip.clone()), pin };
        self.send_out(Box::new(change), goal, &word)
    }

    /// An operator forgives what a vip did at a node, or at all.
    pub(in crate::director) fn clean_up(&mut self, vip: &str, node: Option<&str>) -> Result<Errand, Refusal> {
        let membership = self.cluster.as_ref().ok_or(Refusal::Alone)?;
        let vip = self.known_vip(vip)?;
        let names = &membership.handle.names;
        let node = node.map(|node| known_node(names, node)).transpose()?;
        let (name, at) = (vip.name.to_string(), node.map(|node| names.node(node)));
        let change = move |cib: &mut Cib| {
            let is_forgiven = |vip: &str, node: &str| vip == name && at.as_ref().is_none_or(|at| at == node);
            cib.failures.retain(|(vip, node), _| !is_forgiven(vip, node));
        };
        let goal = Goal::Forgiven { vip: vip.name.to_string() };
        self.send_out(Box::new(change), goal, "its failures are forgotten")
    }

    fn send_out(&self, change: Change, goal: Goal, word: &str) -> Result<Errand, Refusal> {
        let membership = self.cluster.as_ref().ok_or(Refusal::Alone)?;
        let names = membership.handle.names.clone();
        self.events.record(Kind::OperatorSaid, goal.object(&names), word, Cause::Operator.name());
        let (report, proposer) = (membership.handle.report.clone(), membership.handle.proposer());
        Ok(Errand { change, proposer, goal, names, me: membership.me, report, patience: PATIENCE })
    }

    fn known_vip(&self, name: &str) -> Result<&Vip, Refusal> {
        let mut vips = self.config.vips.iter();
        vips.find(|vip| vip.name.as_str() == name).ok_or_else(|| {
            let present = self.config.vips.iter().map(|vip| vip.name.to_string()).collect();
            Refusal::Unknown { what: "vip", name: name.to_owned(), present }
        })
    }
}

impl Membership {
    fn refuse_obstacle(&self, vip: &Vip, node: NodeId) -> Result<(), Refusal> {
        let report = Arc::clone(&self.handle.report.borrow());
        let Some(why) = obstacle(&report.view, &self.handle.names, vip, node) else { return Ok(()) };
        Err(Refusal::Nowhere { vip: vip.name.to_string(), node: self.handle.names.node(node), why })
    }

    /// The best node for a vip among those that do not have it.
    fn elsewhere(&self, vip: &Vip) -> Result<NodeId, Refusal> {
        let report = Arc::clone(&self.handle.report.borrow());
        let (view, names) = (&report.view, &self.handle.names);
        let id = VipId::of(vip.name.as_str());
        let owner = view.vips.iter().find(|known| known.id == id).and_then(|known| known.owner);
        let rank = |node: &NodeId| {
            let name = names.node(*node);
            let reach = view.nodes.get(node.index()).map(|known| known.reach);
            let preference = vip.prefer.iter().find(|(known, _)| known.as_str() == name);
            (reach, preference.map(|(_, score)| *score).unwrap_or_default(), Reverse(*node))
        };
        let others = (0..view.nodes.len()).filter_map(NodeId::new).filter(|node| Some(*node) != owner);
        let able = others.filter(|node| obstacle(view, names, vip, *node).is_none());
        able.max_by_key(rank).ok_or_else(|| Refusal::Nowhere {
            vip: vip.name.to_string(),
            node: "another node".to_owned(),
            why: "no other director can have it".to_owned(),
        })
    }
}

fn known_node(names: &Names, name: &str) -> Result<NodeId, Refusal> {
    names.node_named(name).ok_or_else(|| Refusal::Unknown {
        what: "node",
        name: name.to_owned(),
        present: names.nodes().to_vec(),
    })
}
