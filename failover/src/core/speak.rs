//! What this node says, to whom and when.

use std::time::Duration;

use super::holder::Stage;
use super::peer::Peer;
use super::{Core, Notice, Output};
use crate::guard::Guard;
use crate::message::{Ack, Ballot, Message};
use crate::moment::Moment;
use crate::name::NodeId;

impl Core {
    /// All that this node stands for.
    fn message(&self) -> Message {
        Message {
            term: self.term(),
            leader: self.leader(),
            lease: self.settings.deadtime,
            standing: self.standing(),
            table: self.table.clone(),
            claims: self.claims.keys().copied().collect(),
            ballot: None,
            document: self.mention(),
            failed: self.failed(),
            urgent: false,
            ack: None,
        }
    }

    /// Says something to one node.
    pub(super) fn send(&mut self, to: NodeId, ballot: Option<Ballot>, ack: Option<Ack>) {
        let message = Message { ballot, ack, ..self.message() };
        self.post(to, message);
    }

    fn post(&mut self, to: NodeId, message: Message) {
        self.serial += 1;
        if let Some(peer) = self.peers.get_mut(to.index()) {
            let sequence = peer.send(self.now, self.serial, message.lease);
            self.outputs.push_back(Output::Send { to, sequence, message: Box::new(message) });
        }
    }

    /// Says to all what they should know by now.
    pub(super) fn speak(&mut self) {
        let urgent = self.is_urgent();
        if self.news || self.next_speech().is_none_or(|at| at <= self.now) {
            let spared = if urgent || self.news { Duration::ZERO } else { self.settings.keepalive / 2 };
            self.news = false;
            self.spoke = Some(self.now);
            self.hear_myself();
            let message = Message { ballot: self.ballot(), urgent, ..self.message() };
            let waiting = self.settings.others().filter(|node| self.silence_to(*node) >= spared);
            for node in waiting.collect::<Vec<_>>() {
                self.post(node, message.clone());
            }
        }
    }

    /// How long nothing has been said to a node: one that was just answered knows that this node is there.
    fn silence_to(&self, node: NodeId) -> Duration {
        let told = self.peers.get(node.index()).and_then(Peer::last_sent);
        told.map_or(Duration::MAX, |told| self.now.since(told))
    }

    /// Whether this node depends on answers.
    fn is_urgent(&self) -> bool {
        !self.claims.is_empty() || self.is_in_race()
    }

    /// When all are told next. Whoever has a lease and no answer asks again before long.
    fn next_speech(&self) -> Option<Moment> {
        let spoke = self.spoke?;
        let lease = self.settings.deadtime;
        let answered =
            |until: Option<Moment>, length: Duration| until.is_some_and(|until| until >= spoke + length);
        let held =
            |stage: Stage| matches!(stage, Stage::Held { .. }) || self.quorate && stage == Stage::Asking;
        let waiting_vip = self
            .claims
            .values()
            .any(|claim| held(claim.stage) && !answered(claim.until(self.needed()), self.tenure(lease)));
        let waiting_office = self.leads() && !answered(self.office_until(), self.tenure_of_office(lease));
        let canvassing = self.is_in_race() && !self.leads();
        let pace = if waiting_vip || waiting_office || canvassing {
            self.settings.keepalive / 4
        } else {
            self.settings.keepalive
        };
        Some(spoke + pace)
    }

    pub(super) fn speeches(&self, consider: &mut impl FnMut(Moment)) {
        self.next_speech().into_iter().chain(self.quorum_lost()).for_each(consider);
    }

    /// Acknowledges what asked for it, and again when more can be promised than was.
    pub(super) fn acknowledge(&mut self) {
        self.promise_nothing_released();
        for node in self.settings.others() {
            let Some((ack, lease)) = self.promisable(node) else { continue };
            self.voter.promise(self.now, node, &ack.vips, lease);
            self.note_lease(lease);
            if let Some(peer) = self.peers.get_mut(node.index()) {
                peer.acknowledged = ack.clone();
            }
            self.send(node, None, Some(ack));
        }
    }

    /// The acknowledgement that a node waits for, and the length of the lease that it asks for.
    fn promisable(&self, node: NodeId) -> Option<(Ack, Duration)> {
        let peer = self.peers.get(node.index()).filter(|_| self.is_alive(node))?;
        let (sequence, message) = (peer.asked?, peer.latest.as_ref()?);
        let waits = self.guards(Guard::Promise);
        let lease = message.lease.max(self.settings.deadtime);
        let mut vips = self.voter.promisable(self.now, node, &message.claims, &self.table, waits);
        if !self.remembers(lease) {
            vips.clear();
        }
        let known = &peer.acknowledged;
        let told = known.sequence == sequence && vips.iter().all(|vip| known.vips.contains(vip));
        (!told).then_some((Ack { sequence, vips }, lease))
    }

    /// Tells when there is a majority with a DC, and when there has been none for longer than an election takes.
    pub(super) fn note_quorum(&mut self) {
        let led = self.leader().is_some();
        if led == self.leaderless.is_some() {
            self.leaderless = (!led).then_some(self.now);
            self.news = true;
        }
        let quorate = led || self.quorate && self.quorum_lost().is_none_or(|at| self.now < at);
        if quorate != self.quorate {
            self.quorate = quorate;
            self.tell(Notice::Quorum(quorate));
        }
    }

    /// When the lack of a DC counts as that of a majority.
    fn quorum_lost(&self) -> Option<Moment> {
        self.leaderless.map(|since| since + self.settings.deadtime)
    }
}
