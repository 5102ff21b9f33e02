//! Waiting for what an operator's word is to bring about.

use std::sync::Arc;
use std::time::Duration;

use failover::cib::Cib;
use failover::core::{NodeState, Ownership, View};
use failover::{NodeId, VipId};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::words::{obstacle, reason};
use super::{Names, Refusal};
use crate::cluster::{Proposer, Report};
use crate::config::Vip;

/// What an operator's word is to bring about.
#[derive(Clone, Debug)]
pub(in crate::director) enum Goal {
    /// A node is in standby and owns nothing, or takes part.
    Standby { node: NodeId, standby: bool },
    /// A vip is pinned to a node and there, or pinned to none.
    Place { vip: Box<Vip>, pin: Option<NodeId> },
    /// The failures of a vip are forgotten.
    Forgiven { vip: String },
}

/// What becomes of the document.
pub(super) type Change = Box<dyn Fn(&mut Cib) + Send + Sync>;

/// A word that is said, and whose effect is waited for.
pub(in crate::director) struct Errand {
    pub(super) change: Change,
    pub(super) proposer: Proposer,
    pub(super) goal: Goal,
    pub(super) names: Names,
    pub(super) me: Option<NodeId>,
    pub(super) report: watch::Receiver<Arc<Report>>,
    pub(super) patience: Duration,
}

impl Errand {
    /// Waits until it has come about, as long as its patience lasts.
    pub(in crate::director) async fn wait(mut self) -> Result<String, Refusal> {
        let begun = Instant::now();
        self.proposer.edit(&self.change).await?;
        let Self { goal, names, me, report, patience, .. } = &mut self;
        let reached = async {
            let report = report.wait_for(|report| goal.is_reached(&report.view, *me)).await;
            report.map(|report| Arc::clone(&report))
        };
        if let Ok(Ok(report)) = timeout(*patience, reached).await {
            let done = goal.done(names, &report.view);
            let took = begun.elapsed().as_secs_f64();
            return Ok(format!("{}: {done}; it took {took:.2} s", goal.object(names)));
        }
        let report = Arc::clone(&report.borrow());
        Err(Refusal::Pending { object: goal.object(names), why: goal.missing(names, &report.view, *me) })
    }
}

impl Goal {
    /// What it is about.
    pub(super) fn object(&self, names: &Names) -> String {
        match self {
            Self::Standby { node, .. } => format!("node {}", names.node(*node)),
            Self::Place { vip, .. } => format!("vip {}", vip.name),
            Self::Forgiven { vip } => format!("vip {vip}"),
        }
    }

    fn is_reached(&self, view: &View, me: Option<NodeId>) -> bool {
        match self {
            // The document has it, and nothing else was asked for.
            Self::Forgiven { .. } => true,
            Self::Standby { node, standby: false } => state(view, *node) == Some(NodeState::Online),
            Self::Standby { node, standby: true } => {
                let free = |vip: &failover::core::VipView| {
                    vip.owner != Some(*node) && (Some(*node) != me || vip.here == Ownership::None)
                };
                let stands_by = state(view, *node) == Some(NodeState::Standby) || is_silent(view, *node, me);
                stands_by && view.vips.iter().all(free)
            }
            Self::Place { vip, pin } => {
                let id = VipId::of(vip.name.as_str());
                view.vips.iter().find(|vip| vip.id == id).is_some_and(|vip| {
                    let settled = match vip.here {
                        Ownership::Held { .. } => vip.owner == me,
                        Ownership::None => vip.owner != me,
                        Ownership::Asking | Ownership::Yielding => false,
                    };
                    settled && vip.pin == *pin && (pin.is_none() || vip.owner == *pin)
                })
            }
        }
    }

    fn done(&self, names: &Names, view: &View) -> String {
        match self {
            Self::Forgiven { .. } => "its failures are forgotten".to_owned(),
            Self::Standby { standby: false, .. } => "takes part again".to_owned(),
            Self::Standby { standby: true, .. } => {
                let nowhere = view.vips.iter().filter(|vip| vip.owner.is_none());
                let nowhere: Vec<_> = nowhere.map(|vip| names.vip(vip.id)).collect();
                if nowhere.is_empty() {
                    return "is in standby and has no vip".to_owned();
                }
                format!("is in standby; nobody has {}", nowhere.join(", "))
            }
            Self::Place { vip, pin: Some(node) } => {
                format!("moved to {}, until `lvsd vip release {}`", names.node(*node), vip.name)
            }
            Self::Place { vip, pin: None } => {
                let id = VipId::of(vip.name.as_str());
                let known = view.vips.iter().find(|vip| vip.id == id);
                let place = match known.and_then(|vip| vip.owner) {
                    Some(node) => format!("at {}", names.node(node)),
                    None => "nowhere".to_owned(),
                };
                let why = known.and_then(|vip| vip.cause).map(|cause| reason(names, cause));
                format!("released, and {place} ({})", why.as_deref().unwrap_or("nobody placed it yet"))
            }
        }
    }

    /// What stands against it.
    fn missing(&self, names: &Names, view: &View, me: Option<NodeId>) -> String {
        let quorum = || (!view.quorate).then(|| "no majority of nodes with a DC is heard".to_owned());
        let why = match self {
            Self::Standby { node, standby: false } => {
                is_silent(view, *node, me).then(|| "it is not heard".to_owned())
            }
            Self::Forgiven { .. } | Self::Standby { standby: true, .. } | Self::Place { pin: None, .. } => {
                quorum()
            }
            Self::Place { vip, pin: Some(node) } => {
                let obstacle = obstacle(view, names, vip, *node);
                quorum().or_else(|| obstacle.map(|why| format!("{}: {why}", names.node(*node))))
            }
        };
        why.unwrap_or_else(|| "the cluster has not settled".to_owned())
    }
}

/// Whether a node cannot say anything to it.
fn is_silent(view: &View, node: NodeId, me: Option<NodeId>) -> bool {
    let heard =
        !matches!(state(view, node), Some(NodeState::Dead | NodeState::Left | NodeState::Unknown) | None);
    !heard && Some(node) != me
}

fn state(view: &View, node: NodeId) -> Option<NodeState> {
    view.nodes.get(node.index()).map(|known| known.state)
}

#[cfg(test)]
mod tests;
