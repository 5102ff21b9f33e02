//! What must never be, whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use failover::cib::{Digest, Document, Stamp, Version};
use failover::core::{Declined, NoQuorum, NodeState, Notice, Role, Settings, View};
use failover::message::{Ballot, Message, Table, Term};
use failover::{NodeId, VipId};

use crate::node::Node;
use crate::setup;
use crate::world::Datagram;

/// An invariant that does not hold, by its number in the study, and how.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) invariant: &'static str,
    pub(crate) what: String,
}

/// Ends with a violation unless something holds.
macro_rules! ensure {
    ($holds:expr, $invariant:literal, $($what:tt)*) => {{
        let holds: bool = $holds;
        if !holds {
            return Err($crate::checks::Violation { invariant: $invariant, what: format!($($what)*) });
        }
    }};
}

pub(crate) use ensure;

/// What was seen so far.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Checks {
    /// Two owners are possible by request.
    unsafe_policy: bool,
    needed: usize,
    lease: Duration,
    /// Who led a term.
    leaders: BTreeMap<Term, NodeId>,
    /// A disk was lost: what was voted is forgotten.
    pub(crate) amnesia: bool,
    /// What was committed.
    committed: BTreeMap<Stamp, Digest>,
    /// What was proposed, and from which versions: two can come to the same.
    proposed: BTreeMap<Digest, BTreeSet<Version>>,
    tickets: BTreeMap<u64, Digest>,
    pub(crate) answers: BTreeMap<&'static str, u64>,
    nodes: Vec<Seen>,
    accepted: BTreeSet<usize>,
    /// When a vip was last taken off an interface, and by whom.
    gone: BTreeMap<VipId, (NodeId, Duration)>,
    /// No vip may move now.
    pub(crate) frozen: bool,
    /// The longest that a vip may be nowhere while it moves.
    pub(crate) gap_limit: Option<Duration>,
    pub(crate) longest_gap: Duration,
    /// Nobody else may be elected now.
    pub(crate) reign: Option<(NodeId, Term)>,
    pub(crate) sent: u64,
    /// Who grants too early is told so (I8), and not only what comes of it (I1).
    pub(crate) hold_off: bool,
}

/// What was seen of a node.
#[derive(Clone, Debug, Default)]
struct Seen {
    started: Duration,
    /// So long after its start it grants nothing.
    silent: Duration,
    /// The latest term in this life.
    term: Term,
    /// The latest term that it stood for or voted in, in any life.
    engaged: Term,
    /// By sender: when the latest message was sent that it accepted.
    heard: Vec<Option<Duration>>,
    /// By sender: the latest life that it accepted something of.
    lives: Vec<u64>,
    /// What it said last of who owns what.
    table: Table,
}

impl Checks {
    pub(crate) fn new(config: &Settings) -> Self {
        let count = config.count();
        let seen = Seen { heard: vec![None; count], lives: vec![0; count], ..Seen::default() };
        Self {
            unsafe_policy: config.declared.policy != NoQuorum::Stop || config.tie_break,
            needed: count / 2 + 1,
            lease: config.deadtime,
            leaders: BTreeMap::new(),
            amnesia: false,
            committed: BTreeMap::new(),
            proposed: BTreeMap::new(),
            tickets: BTreeMap::new(),
            answers: BTreeMap::new(),
            nodes: vec![seen; count],
            accepted: BTreeSet::new(),
            gone: BTreeMap::new(),
            frozen: false,
            gap_limit: None,
            longest_gap: Duration::ZERO,
            reign: None,
            sent: 0,
            hold_off: true,
        }
    }

    /// The longest lease that anybody may have.
    pub(crate) fn lengthen(&mut self, lease: Duration) {
        self.lease = self.lease.max(lease);
    }

    fn seen(&mut self, id: NodeId) -> &mut Seen {
        self.nodes.get_mut(id.index()).expect("a node of the world")
    }

    pub(crate) fn starts(&mut self, id: NodeId, now: Duration, silent: Duration) {
        let seen = self.seen(id);
        seen.started = now;
        seen.silent = silent;
        seen.term = Term(0);
        seen.heard.fill(None);
        seen.lives.fill(0);
    }

    pub(crate) fn forgets(&mut self, id: NodeId) {
        self.amnesia = true;
        self.seen(id).engaged = Term(0);
    }

    /// I1, I11 and I13, when an interface changed.
    pub(crate) fn changes(
        &mut self,
        nodes: &[Node],
        now: Duration,
        id: NodeId,
        vip: VipId,
    ) -> Result<(), Violation> {
        let answering: Vec<NodeId> =
            nodes.iter().filter(|node| node.answers(vip, now)).map(|node| node.settings.me).collect();
        ensure!(answering.len() < 2 || self.unsafe_policy, "I1", "{vip:?} is at {answering:?}");
        ensure!(!self.frozen, "I13", "{id} moves {vip:?}");
        if answering.is_empty() {
            self.gone.entry(vip).or_insert((id, now));
        } else if let Some((from, since)) = self.gone.remove(&vip)
            && let Some(limit) = self.gap_limit
            && from != id
        {
            let gap = now.saturating_sub(since);
            self.longest_gap = self.longest_gap.max(gap);
            ensure!(gap <= limit, "I11", "{vip:?} was nowhere for {gap:?}, and not for {limit:?} at most");
        }
        Ok(())
    }

    /// I3 and I6: whoever answers for a vip has heard a majority within the lease.
    pub(crate) fn holds(&self, nodes: &[Node], now: Duration, id: NodeId) -> Result<(), Violation> {
        let Some((node, seen)) = nodes.get(id.index()).zip(self.nodes.get(id.index())) else { return Ok(()) };
        if self.unsafe_policy {
            return Ok(());
        }
        let lately = |sent: &&Duration| **sent + self.lease >= now;
        let others = seen.heard.iter().flatten().filter(lately).count();
        let held = node.interface.keys().find(|vip| node.answers(**vip, now));
        let Some(vip) = held.filter(|_| others + 1 < self.needed) else { return Ok(()) };
        ensure!(false, "I6", "{id} has {vip:?} and heard {others} others within a lease");
        Ok(())
    }

    /// I2 and I8, by what a node says.
    pub(crate) fn sends(&mut self, now: Duration, id: NodeId, message: &Message) -> Result<(), Violation> {
        self.sent += 1;
        let seen = self.seen(id);
        let term = message.term;
        ensure!(term >= seen.term, "I2", "{id} goes back from {:?} to {term:?}", seen.term);
        seen.term = term;
        seen.table.clone_from(&message.table);
        let engaged =
            message.leader == Some(id) || matches!(message.ballot, Some(Ballot::Ask(_) | Ballot::Vote(..)));
        if engaged {
            ensure!(term >= seen.engaged, "I2", "{id} forgot {:?} and is in {term:?}", seen.engaged);
            seen.engaged = term;
        }
        let (since, silent) = (now.saturating_sub(seen.started), seen.silent);
        let too_early = since < silent && self.hold_off;
        let promises = message.ack.as_ref().is_some_and(|ack| !ack.vips.is_empty());
        let elects = matches!(message.ballot, Some(Ballot::Would(..) | Ballot::Vote(..)));
        ensure!(!(promises || elects) || !too_early, "I8", "{id} grants something {since:?} after its start");
        if message.leader == Some(id) {
            self.leads(id, term)?;
        }
        Ok(())
    }

    fn leads(&mut self, id: NodeId, term: Term) -> Result<(), Violation> {
        let known = *self.leaders.entry(term).or_insert(id);
        if self.amnesia || self.unsafe_policy {
            self.leaders.insert(term, id);
            return Ok(());
        }
        ensure!(known == id, "I2", "{known} and {id} are both the DC of {term:?}");
        Ok(())
    }

    /// Whether a node says who owns what, and wrote that itself.
    pub(crate) fn writes(&self, id: NodeId, message: &Message) -> bool {
        let known = self.nodes.get(id.index()).map(|seen| seen.table.version);
        let own = message.leader == Some(id) && message.table.version.term == message.term;
        own && known != Some(message.table.version)
    }

    /// I10 and I15: the DC grants nothing to who cannot have it, and nothing new to who is not ready.
    pub(crate) fn grants(&self, id: NodeId, message: &Message, view: &View) -> Result<(), Violation> {
        for grant in &message.table.grants {
            let Some(owner) = grant.owner else { continue };
            let vip = grant.vip;
            let Some(node) = view.nodes.get(owner.index()) else { continue };
            let there = matches!(node.state, NodeState::Online | NodeState::Suspect);
            let barred = node.barred.iter().find(|(barred, _)| *barred == vip);
            let stands_by = view.document.cib().standby.contains(&setup::name(owner.index()));
            let can = there && node.role == Role::Director && barred.is_none() && !stands_by;
            ensure!(can, "I10", "{id} grants {vip:?} to {owner}: {:?}, {stands_by}, {barred:?}", node.state);
            let had = self.nodes.iter().any(|seen| seen.table.owner(vip) == Some(owner));
            ensure!(had || node.unfit.is_none(), "I15", "{id} grants {vip:?} to {owner}: {:?}", node.unfit);
        }
        Ok(())
    }

    /// I2 and I16, by what a node notices.
    pub(crate) fn notes(&mut self, id: NodeId, notice: &Notice) -> Result<(), Violation> {
        if let Notice::Elected(leader, term) = *notice {
            if leader == id {
                self.leads(id, term)?;
            }
            if let Some(reign) = self.reign {
                ensure!(
                    reign == (leader, term),
                    "I16",
                    "{id} takes {leader} for the DC of {term:?}, not {reign:?}"
                );
            }
        }
        Ok(())
    }

    pub(crate) fn proposes(&mut self, ticket: u64, base: Version, document: &Document) {
        self.proposed.entry(document.digest()).or_default().insert(base);
        self.tickets.insert(ticket, document.digest());
    }

    /// I5: one content for each stamp, never back, and nothing of what was written before is overwritten unread; and a
    /// minority commits nothing.
    pub(crate) fn commits(
        &mut self,
        nodes: &[Node],
        id: NodeId,
        document: &Document,
    ) -> Result<(), Violation> {
        let (stamp, digest) = (document.stamp(), document.digest());
        let known = self.committed.insert(stamp, digest);
        if self.amnesia || self.unsafe_policy {
            return Ok(());
        }
        ensure!(known.is_none_or(|it| it == digest), "I5", "{id} commits {stamp}, which was something else");
        if known.is_some() {
            return Ok(());
        }
        let fits = |earlier: (&Stamp, &Digest), later: (&Stamp, &Digest)| {
            let (before, after) = (earlier.0.version, later.0.version);
            before < after || before == after && earlier.1 == later.1
        };
        let before = self.committed.range(..stamp).next_back();
        let after = self.committed.range(stamp..).nth(1);
        let new = (&stamp, &digest);
        ensure!(before.is_none_or(|it| fits(it, new)), "I5", "{id} commits {document:?} after {before:?}");
        ensure!(after.is_none_or(|it| fits(new, it)), "I5", "{id} commits {document:?} before {after:?}");
        let replaced = self.committed.keys().rev().find(|it| **it < stamp && it.version < stamp.version);
        let replaced = replaced.map(|it| it.version).unwrap_or_default();
        let bases = self.proposed.get(&digest);
        ensure!(
            bases.is_none_or(|bases| bases.contains(&replaced)),
            "I5",
            "{id} commits {document:?}, made from {bases:?}, in place of {replaced}"
        );
        let has = |node: &&Node| node.disk.kept.accepted.as_ref().is_some_and(|it| it.stamp() >= stamp);
        let count = nodes.iter().filter(has).count();
        ensure!(count >= self.needed, "I5", "{id} commits {document:?}, which is on {count} disks");
        Ok(())
    }

    /// Who is told that it is committed is told the truth.
    pub(crate) fn answers(
        &mut self,
        ticket: u64,
        outcome: &Result<Version, Declined>,
    ) -> Result<(), Violation> {
        let name = match outcome {
            Ok(_) => "committed",
            Err(Declined::Conflict(_)) => "conflict",
            Err(Declined::NoQuorum) => "no quorum",
            Err(Declined::Unknown) => "unknown",
            Err(Declined::Invalid) => "invalid",
            Err(Declined::Busy) => "busy",
        };
        *self.answers.entry(name).or_default() += 1;
        let digest = self.tickets.get(&ticket);
        let true_word = outcome.is_err() || self.committed.values().any(|it| Some(it) == digest);
        ensure!(true_word, "I5", "somebody is told that {ticket} is committed: {outcome:?}");
        Ok(())
    }

    /// I5: what all have in the end is no older than anything that was committed.
    pub(crate) fn keeps(&self, stamp: Stamp) -> Result<(), String> {
        let latest = self.committed.keys().next_back().copied().unwrap_or_default();
        let kept = stamp >= latest || self.amnesia || self.unsafe_policy;
        if kept { Ok(()) } else { Err(format!("{latest} was committed, and all have {stamp}")) }
    }

    /// I14: once, and from the sessions of now.
    pub(crate) fn accepts(&mut self, id: NodeId, datagram: &Datagram) -> Result<(), Violation> {
        let path = datagram.path;
        ensure!(path.to == id && path.from != id, "I14", "{id} accepts {datagram:?}");
        ensure!(self.accepted.insert(datagram.id), "I14", "{id} accepts {datagram:?} twice");
        let life = datagram.life;
        let seen = self.seen(id);
        ensure!(datagram.sent >= seen.started, "I14", "{id} accepts {datagram:?} from before its start");
        if let Some(known) = seen.lives.get_mut(path.from.index()) {
            ensure!(life >= *known, "I14", "{id} accepts {datagram:?} of an earlier session");
            *known = life;
        }
        if let Some(heard) = seen.heard.get_mut(path.from.index()) {
            *heard = (*heard).max(Some(datagram.sent));
        }
        Ok(())
    }
}
