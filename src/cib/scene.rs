//! What a director knows at one moment, for whoever asks about the document.

use std::sync::Arc;

use failover::NodeId;
use failover::cib::Cib;
use failover::cib::score::{Node, common_file};
use failover::cib::xml::{NodeStatus, Status};
use failover::core::{NodeState, NodeView, View};

use crate::cluster::Report;

/// What is known of the cluster.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Who is there and who owns what.
    pub report: Arc<Report>,
    /// How many hosts are pinged.
    pub ping_hosts: u32,
    /// Who is taken for dead, whatever is heard.
    pub without: Option<NodeId>,
}

impl Scene {
    /// What is seen.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.report.view
    }

    /// The document in force.
    #[must_use]
    pub fn committed(&self) -> &Cib {
        self.view().document.cib()
    }

    /// The same, if a node went.
    #[must_use]
    pub fn without(&self, node: NodeId) -> Self {
        Self { without: Some(node), ..self.clone() }
    }

    /// The nodes, by their ids.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (NodeId, &NodeView)> {
        (0..).map_while(NodeId::new).zip(&self.view().nodes)
    }

    /// How many voters there are, and how many have to agree.
    pub(super) fn votes(&self) -> (usize, usize) {
        let heard = self.nodes().filter(|(id, node)| self.state(*id, node).is_heard());
        (heard.count(), self.view().needed)
    }

    /// How a node is. Standby is not told: it is for a document to say.
    fn state(&self, id: NodeId, node: &NodeView) -> NodeState {
        match node.state {
            _ if self.without == Some(id) => NodeState::Dead,
            NodeState::Standby => NodeState::Online,
            state => state,
        }
    }

    /// A node, as the rules of a document look at it: whoever does not hear the DC is not there.
    pub(super) fn seen<'a>(&self, id: NodeId, node: &'a NodeView) -> Node<'a> {
        let leader = self.view().leader;
        let answers = leader.is_none_or(|leader| leader == id || node.hears.contains(leader));
        let state = if answers { self.state(id, node) } else { NodeState::Dead };
        let pings = (self.ping_hosts > 0 && state.is_heard()).then(|| node.reach.pings.into());
        Node {
            state,
            pings,
            realservers: node.reach.realservers,
            leads: leader == Some(id),
            barred: &node.barred,
        }
    }

    /// What is said of nodes beside the document.
    #[must_use]
    pub fn status(&self) -> Status {
        let (view, cib) = (self.view(), self.committed());
        let name = |id: NodeId| cib.declared.nodes.get(id.index()).map(|(name, _)| name.clone());
        let nodes = self.nodes().filter(|(_, node)| node.state != NodeState::Unknown);
        Status {
            dc: view.leader.and_then(name),
            quorate: view.quorate,
            nodes: nodes.filter_map(|(id, node)| Some((name(id)?, self.node_status(id, node)))).collect(),
        }
    }

    fn node_status(&self, id: NodeId, node: &NodeView) -> NodeStatus {
        let (view, cib) = (self.view(), self.committed());
        let pingd =
            self.seen(id, node).pings.map(|pings| u64::from(pings) * u64::from(cib.declared.multiplier));
        let owned = view.vips.iter().filter(|vip| vip.owner == Some(id));
        let name = |vip: &failover::core::VipView| {
            let declared = cib.declared.vips.iter().find(|known| failover::VipId::of(&known.name) == vip.id);
            declared.map(|known| known.name.clone())
        };
        NodeStatus {
            online: node.state.is_heard(),
            attributes: pingd.map(|pingd| ("pingd".to_owned(), pingd.to_string())).into_iter().collect(),
            vips: owned.filter_map(name).collect(),
        }
    }

    /// The file that counts, as the DC would say.
    pub(super) fn common_file(&self) -> Option<u64> {
        let heard = self.nodes().filter(|(id, node)| self.seen(*id, node).state.is_heard());
        let heard: Vec<u64> = heard.filter_map(|(_, node)| node.file).collect();
        let known: Vec<u64> = self.nodes().filter_map(|(_, node)| node.file).collect();
        let file_of = |node: NodeId| self.view().nodes.get(node.index()).and_then(|node| node.file);
        let dc = self.view().leader.filter(|dc| self.without != Some(*dc));
        common_file(&heard, &known, dc.and_then(file_of))
    }
}
