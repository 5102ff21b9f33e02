//! Who is there: what is heard of the other nodes, and what is not.

use std::time::Duration;

use super::peer::Arrival;
use super::{Core, Notice, Output};
use crate::guard::Guard;
use crate::message::{Message, Page};
use crate::moment::Moment;
use crate::name::{LinkId, NodeId, NodeSet};

impl Core {
    /// Takes note of a message.
    pub(super) fn receive(
        &mut self,
        from: NodeId,
        link: LinkId,
        session: u64,
        sequence: u64,
        message: Message,
    ) {
        let (now, in_order) = (self.now, self.guards(Guard::Order));
        let warntime = self.settings.warntime;
        if from == self.settings.me {
            return;
        }
        let Some(peer) = self.peers.get_mut(from.index()) else { return };
        let silence = peer.heard.map(|heard| now.since(heard)).filter(|silence| *silence > warntime);
        let arrival = peer.arrive(now, link, session, sequence, in_order);
        // Neither a question nor a promise is worth less for having been overtaken.
        if message.urgent {
            peer.ask(now, sequence);
        }
        let before = peer.latest.as_ref().map(|latest| (latest.standing.leaves, latest.lease));
        if let Some(silence) = silence.filter(|_| peer.told_alive) {
            peer.late += 1;
            self.tell(Notice::Late(from, silence));
        }
        if let Some(ack) = &message.ack {
            self.acknowledged(from, &message, ack);
        }
        match arrival {
            Arrival::Old => return,
            Arrival::Restart => self.tell(Notice::Restarted(from)),
            Arrival::News => {}
        }
        self.note_standing(from, before, &message);
        self.note_old_term(from, &message);
        self.voter.hear(from, &message.claims);
        self.learn(from, &message);
        self.vote(from, &message);
        self.hear_of_document(from, &message);
        if let Some(peer) = self.peers.get_mut(from.index()) {
            peer.latest = Some(message);
        }
    }

    fn note_standing(&mut self, from: NodeId, before: Option<(bool, Duration)>, message: &Message) {
        let lease = message.lease;
        if message.standing.leaves && !before.is_some_and(|(left, _)| left) {
            self.tell(Notice::Left(from));
        }
        if lease != self.settings.deadtime && before.is_none_or(|(_, known)| known != lease) {
            self.tell(Notice::OtherLease(from, lease));
        }
    }

    /// Whoever claims what is this node's, or has another DC, in a term that is over: somebody may have believed it.
    fn note_old_term(&mut self, from: NodeId, message: &Message) {
        let other_dc = message.leader.is_some_and(|leader| Some(leader) != self.leader());
        let claims_ours = message.claims.iter().any(|vip| self.claims.contains_key(vip));
        let outdated = message.term < self.term() && (other_dc || claims_ours);
        if let Some(peer) = self.peers.get_mut(from.index()).filter(|_| outdated)
            && peer.outdated.replace(message.term) != Some(message.term)
        {
            self.outputs.push_back(Output::Announce);
        }
    }

    /// Takes note of a page. It says nothing of how its sender is.
    pub(super) fn turn_page(&mut self, from: NodeId, link: LinkId, session: u64, sequence: u64, page: Page) {
        let peer = self.peers.get_mut(from.index()).filter(|_| from != self.settings.me);
        if peer.is_some_and(|peer| peer.turn(link, session, sequence)) {
            self.receive_page(from, page);
        }
    }

    /// Tells what has been heard again, and what has not been heard for too long.
    pub(super) fn watch_peers(&mut self) {
        let (now, deadtime) = (self.now, self.settings.deadtime);
        let (mut notices, mut quiet) = (Vec::new(), Vec::new());
        for node in self.settings.others() {
            let Some(peer) = self.peers.get_mut(node.index()) else { continue };
            let is_quiet = peer.is_quiet(now, deadtime);
            if is_quiet && !peer.quiet {
                quiet.push(node);
            }
            peer.quiet = is_quiet;
            for (id, link) in (0..).map(LinkId).zip(&mut peer.links) {
                let up = link.heard.is_some_and(|heard| now < heard + deadtime);
                if up != link.told_up {
                    link.told_up = up;
                    notices.push(if up { Notice::LinkUp(node, id) } else { Notice::LinkDown(node, id) });
                }
            }
            let alive = peer.is_heard(now, deadtime);
            if alive != peer.told_alive {
                peer.told_alive = alive;
                let left = peer.latest.as_ref().is_some_and(|it| it.standing.leaves);
                match (alive, left) {
                    (true, _) => notices.push(Notice::Heard(node)),
                    (false, false) => notices.push(Notice::Dead(node)),
                    (false, true) => {}
                }
                self.news = true;
            }
        }
        for notice in notices {
            self.tell(notice);
        }
        let owned = |node: NodeId| self.table.grants.iter().filter(move |grant| grant.owner == Some(node));
        let owned = quiet.into_iter().flat_map(owned).map(|grant| Output::Inquire(grant.vip));
        self.outputs.extend(owned);
    }

    /// Whether a node has been heard lately; this one always is.
    pub(super) fn is_alive(&self, node: NodeId) -> bool {
        node == self.settings.me
            || self
                .peers
                .get(node.index())
                .is_some_and(|peer| peer.is_heard(self.now, self.settings.deadtime))
    }

    pub(super) fn alive(&self) -> NodeSet {
        self.settings.nodes().filter(|node| self.is_alive(*node)).collect()
    }

    /// The latest message of a node that is alive.
    pub(super) fn latest(&self, node: NodeId) -> Option<&Message> {
        self.peers.get(node.index()).filter(|_| self.is_alive(node))?.latest.as_ref()
    }

    /// When nodes and links will have been silent for too long.
    pub(super) fn silences(&self, consider: &mut impl FnMut(Moment)) {
        for peer in &self.peers {
            let heard = peer.links.iter().map(|link| link.heard).chain([peer.heard]);
            for heard in heard.flatten() {
                consider(heard + self.settings.deadtime);
            }
            peer.quiet_from(self.settings.deadtime).into_iter().for_each(&mut *consider);
        }
    }
}
