//! What operators say of nodes and vips.

use std::time::Duration;

use failover::NodeId;
use failover::cib::Cib;
use tokio::sync::oneshot;

use super::errand::{Change, Errand, Goal};
use super::{Cause, Destination, Director, Kind, Names, Refusal};
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
        let (scene, names, name) = (membership.scene(), &membership.handle.names, vip.name.to_string());
        let nowhere = |node: String, why| Refusal::Nowhere { vip: name.clone(), node, why };
        let pin = match to {
            Destination::Anywhere => None,
            Destination::Node(wanted) => {
                let node = known_node(names, wanted)?;
                if let Some(why) = scene.refuses(&name, node) {
                    return Err(nowhere(names.node(node), why));
                }
                Some(node)
            }
            Destination::Elsewhere => {
                let best = scene.elsewhere(&name);
                Some(best.map_err(|why| nowhere("another node".to_owned(), why))?)
            }
        };
        let to = pin.map(|node| names.node(node));
        let word = to
            .as_ref()
            .map_or_else(|| "goes where the cluster places it".to_owned(), |node| format!("moves to {node}"));
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

fn known_node(names: &Names, name: &str) -> Result<NodeId, Refusal> {
    names.node_named(name).ok_or_else(|| Refusal::Unknown {
        what: "node",
        name: name.to_owned(),
        present: names.nodes().to_vec(),
    })
}
