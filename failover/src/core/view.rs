//! What a core shows of itself.

use std::time::Duration;

use super::holder::Stage;
use super::{Core, Role};
use crate::cib::Document;
use crate::cib::score::common_file;
use crate::message::{Bar, Cause, Mention, Reach, Standing, Term, Unfit};
use crate::moment::Moment;
use crate::name::{NodeId, NodeSet, VipId};

/// Who is there and who owns what, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// There is a majority with a DC.
    pub quorate: bool,
    /// The DC.
    pub leader: Option<NodeId>,
    /// The term.
    pub term: Term,
    /// How many nodes have to agree.
    pub needed: usize,
    /// The document that rules the cluster: the latest that is known here to be committed.
    pub document: Document,
    /// The nodes, by their ids.
    pub nodes: Vec<NodeView>,
    /// The vips, in the order of the file.
    pub vips: Vec<VipView>,
}

/// A node, as another sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// What it is for.
    pub role: Role,
    /// How it is.
    pub state: NodeState,
    /// How long ago it was last heard.
    pub silence: Option<Duration>,
    /// How often it was silent for longer than `warntime`.
    pub late: u64,
    /// Why it should not take over anything.
    pub unfit: Option<Unfit>,
    /// Its `deadtime`, once it is known.
    pub lease: Option<Duration>,
    /// The start of its file's SHA-256, once it is known.
    pub file: Option<u64>,
    /// The document that it has on disk, once it is known.
    pub document: Option<Mention>,
    /// Whom it hears.
    pub hears: NodeSet,
    /// What it reaches.
    pub reach: Reach,
    /// What it cannot carry.
    pub barred: Vec<(VipId, Bar)>,
    /// The links to it; none to oneself.
    pub links: Vec<LinkView>,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It takes part.
    Online,
    /// It votes and owns nothing.
    Standby,
    /// It is about to end.
    Leaving,
    /// It has been silent for longer than `warntime`.
    Suspect,
    /// It said that it ends, and did.
    Left,
    /// It has been silent for longer than `deadtime`.
    Dead,
    /// It has not been heard yet.
    Unknown,
}

/// A link to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// Whether the node was heard on it within `deadtime`.
    pub up: bool,
    /// How many messages came.
    pub received: u64,
    /// How many did not.
    pub lost: u64,
}

/// A vip, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VipView {
    /// Which one.
    pub id: VipId,
    /// Who is to own it.
    pub owner: Option<NodeId>,
    /// To whom an operator moved it.
    pub pin: Option<NodeId>,
    /// Why it is where it is.
    pub cause: Option<Cause>,
    /// What this node has of it.
    pub here: Ownership,
}

/// What a node has of a vip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Nothing.
    None,
    /// It is to own it and waits for a majority.
    Asking,
    /// It owns it.
    Held {
        /// Since when.
        since: Moment,
        /// Until when, if nobody acknowledges it again.
        until: Moment,
    },
    /// It is giving it up.
    Yielding,
}

impl View {
    /// The file that a node needs to take over what it does not own, as the DC sees it.
    #[must_use]
    pub fn common_file(&self) -> Option<u64> {
        let known: Vec<u64> = self.nodes.iter().filter_map(|node| node.file).collect();
        let heard = self.nodes.iter().filter(|node| node.state.is_heard());
        let heard: Vec<u64> = heard.filter_map(|node| node.file).collect();
        let dc = self.leader.and_then(|leader| self.nodes.get(leader.index()));
        common_file(&heard, &known, dc.and_then(|dc| dc.file))
    }
}

impl NodeState {
    /// Whether the node is heard.
    #[must_use]
    pub const fn is_heard(self) -> bool {
        matches!(self, Self::Online | Self::Standby | Self::Suspect | Self::Leaving)
    }
}

impl Core {
    /// What there is to see now.
    #[must_use]
    pub fn view(&self, now: Moment) -> View {
        View {
            quorate: self.quorate,
            leader: self.leader(),
            term: self.term(),
            needed: self.needed(),
            document: self.register.committed().clone(),
            nodes: self.settings.nodes().map(|node| self.node_view(node, now)).collect(),
            vips: self.settings.declared.vips.iter().map(|vip| self.vip_view(VipId::of(&vip.name))).collect(),
        }
    }

    fn node_view(&self, node: NodeId, now: Moment) -> NodeView {
        let role = self.settings.role(node);
        let mine = node == self.settings.me;
        let peer = self.peers.get(node.index()).filter(|_| !mine);
        let standing = match peer {
            None => Some(self.standing()),
            Some(peer) => peer.latest.as_ref().map(|message| message.standing.clone()),
        };
        let silence = peer.map_or(Some(Duration::ZERO), |peer| peer.heard.map(|heard| now.since(heard)));
        let links = peer.map(|peer| &peer.links[..]).unwrap_or_default().iter();
        let heard_lately = |heard: Option<Moment>| heard.is_some_and(|it| now < it + self.settings.deadtime);
        let links = links.map(|link| LinkView {
            up: heard_lately(link.heard),
            received: link.received,
            lost: link.lost,
        });
        NodeView {
            role,
            state: self.state_of(node, standing.as_ref(), silence),
            silence,
            late: peer.map_or(0, |peer| peer.late),
            unfit: standing.as_ref().and_then(|standing| standing.unfit),
            lease: peer.map_or(Some(self.settings.deadtime), |peer| Some(peer.latest.as_ref()?.lease)),
            file: standing.as_ref().map(|standing| standing.file),
            document: peer.map_or_else(|| Some(self.mention()), |peer| Some(peer.latest.as_ref()?.document)),
            hears: standing.as_ref().map(|standing| standing.hears).unwrap_or_default(),
            reach: standing.as_ref().map(|standing| standing.reach).unwrap_or_default(),
            barred: standing.map(|standing| standing.barred).unwrap_or_default(),
            links: links.collect(),
        }
    }

    fn state_of(&self, node: NodeId, standing: Option<&Standing>, silence: Option<Duration>) -> NodeState {
        let (Some(standing), Some(silence)) = (standing, silence) else { return NodeState::Unknown };
        let dead = silence >= self.settings.deadtime;
        match standing.leaves {
            true if dead => NodeState::Left,
            false if dead => NodeState::Dead,
            _ if silence > self.settings.warntime => NodeState::Suspect,
            true => NodeState::Leaving,
            false if self.chart.standby.contains(node) => NodeState::Standby,
            false => NodeState::Online,
        }
    }

    fn vip_view(&self, id: VipId) -> VipView {
        let grant = self.table.grant(id);
        let here = self.claims.get(&id).map_or(Ownership::None, |claim| match claim.stage {
            Stage::Asking => Ownership::Asking,
            Stage::Held { since } => Ownership::Held { since, until: self.end_of(claim).unwrap_or(self.now) },
            Stage::Yielding => Ownership::Yielding,
        });
        VipView {
            id,
            owner: grant.and_then(|grant| grant.owner),
            pin: self.chart.vip(id).and_then(|vip| vip.pin),
            cause: grant.map(|grant| grant.cause),
            here,
        }
    }
}
