//! What a world is to go through: unrest, then peace, and then what must be true.

use std::time::Duration;

use failover::cib::Document;
use failover::core::NodeState;
use failover::message::{Reach, Term};
use failover::{NodeId, VipId};

use crate::checks::{Violation, ensure};
use crate::faults::{self, Fault};
use crate::world::{Happening, PUT, World};

/// What all nodes reach if nothing is wrong.
pub(crate) const REACH: Reach = Reach { pings: 2, realservers: 2 };

/// Which invariants a world is about, beside those that hold in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All faults.
    Chaos,
    /// One node is troubled that is not the DC (I16).
    Outsider,
    /// Operators move vips back and forth on a bad network.
    Shuffle,
    /// One node after the other is alone, and votes are lost before they are on disk.
    Election,
    /// Nothing is wrong: operators move vips, and all nodes lose what they ping (I11, I13).
    Calm,
}

/// A step of a story.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Looks at how things are.
    Look,
    /// Something goes wrong.
    Trouble,
    /// And is over.
    Over(Fault),
}

/// How far a story is.
#[derive(Clone, Debug)]
enum Phase {
    /// Whatever is wrong goes on until then.
    Unrest(Duration),
    /// It has to settle by then.
    Settling(Duration),
    /// It has settled, and what still has to move may do so until then.
    Resting(Duration),
    /// Nothing may change until then.
    Still(Duration, Settled, u64),
    Over,
}

/// What all agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) leader: NodeId,
    term: Term,
    owners: Vec<Option<NodeId>>,
    document: Document,
}

#[derive(Debug)]
pub(crate) struct Story {
    kind: Kind,
    phase: Phase,
    /// It has settled before.
    formed: bool,
    unrest: Duration,
    /// How often each kind of fault was.
    pub(crate) faults: Vec<&'static str>,
    /// How many messages a node sent in a keepalive to each other one, when nothing happened.
    pub(crate) pace: f64,
    next: u64,
}

impl Story {
    pub(crate) fn new(kind: Kind, unrest: Duration) -> Self {
        let phase = match kind {
            Kind::Chaos | Kind::Shuffle | Kind::Election => Phase::Unrest(unrest),
            Kind::Outsider | Kind::Calm => Phase::Settling(Duration::ZERO),
        };
        Self {
            kind,
            phase,
            formed: matches!(kind, Kind::Chaos | Kind::Shuffle | Kind::Election),
            unrest,
            faults: Vec::new(),
            pace: 0.0,
            next: 0,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub(crate) fn begin(&mut self, world: &mut World) {
        if matches!(self.phase, Phase::Settling(_)) {
            self.phase = Phase::Settling(patience(world));
        }
        for id in world.ids() {
            let delay = world.random.time(Duration::ZERO..world.config.deadtime);
            world.after(delay, Happening::Start(id));
        }
        if self.formed {
            step(world, Duration::ZERO, Step::Trouble);
        }
        step(world, world.config.keepalive, Step::Look);
    }

    pub(crate) fn go_on(&mut self, world: &mut World, what: Step) -> Result<(), Violation> {
        match what {
            Step::Look => {
                self.look(world)?;
                step(world, world.config.keepalive, Step::Look);
                world.ids().try_for_each(|id| world.checks.holds(&world.nodes, world.now, id))
            }
            Step::Trouble if !matches!(self.phase, Phase::Unrest(_)) => Ok(()),
            Step::Trouble => {
                self.next += 1;
                let (fault, lasts) = faults::begin(world, self.kind, self.next);
                self.faults.push(fault.name());
                step(world, lasts, Step::Over(fault));
                let pause = match self.kind {
                    Kind::Chaos | Kind::Outsider => {
                        world.random.time(Duration::ZERO..world.config.deadtime * 2)
                    }
                    Kind::Shuffle => world.random.time(Duration::ZERO..world.config.deadtime / 2),
                    Kind::Election if self.next.is_multiple_of(2) => {
                        world.random.time(world.config.deadtime * 2..world.config.deadtime * 4)
                    }
                    Kind::Election => Duration::ZERO,
                    Kind::Calm => lasts + world.config.dampen * 2 + world.config.deadtime,
                };
                step(world, pause, Step::Trouble);
                Ok(())
            }
            Step::Over(fault) => faults::end(world, &fault),
        }
    }

    fn look(&mut self, world: &mut World) -> Result<(), Violation> {
        match self.phase.clone() {
            Phase::Unrest(until) if until <= world.now => {
                faults::heal(world)?;
                self.phase = Phase::Settling(world.now + patience(world));
            }
            Phase::Settling(until) => match settled(world) {
                Ok(_) => {
                    let rest = world.config.dampen * 2 + world.config.deadtime * 2;
                    self.phase = Phase::Resting(world.now + rest);
                }
                Err(why) => ensure!(world.now < until, "I12", "{why}"),
            },
            Phase::Resting(until) if until <= world.now => {
                let still = world.now + world.config.deadtime * 2;
                match settled(world) {
                    Ok(settled) => self.phase = Phase::Still(still, settled, world.checks.sent),
                    Err(why) => ensure!(false, "I12", "it had settled, but now {why}"),
                }
            }
            Phase::Still(until, before, sent) => {
                let now = settled(world);
                ensure!(now.as_ref() == Ok(&before), "I12", "{before:?} became {now:?} for no reason");
                if until <= world.now {
                    self.peace(world, &before, sent)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Nothing has happened for a while.
    fn peace(&mut self, world: &mut World, settled: &Settled, sent: u64) -> Result<(), Violation> {
        let pairs = number(world.nodes.len() * (world.nodes.len() - 1));
        let beats = (world.config.deadtime * 2).div_duration_f64(world.config.keepalive);
        self.pace = number(world.checks.sent - sent) / pairs / beats;
        ensure!(self.pace < 3.0, "pace", "{} messages in a keepalive from each to each", self.pace);
        if self.formed {
            self.phase = Phase::Over;
            return Ok(());
        }
        self.formed = true;
        self.phase = Phase::Unrest(world.now + self.unrest);
        match self.kind {
            Kind::Chaos | Kind::Shuffle | Kind::Election => {}
            Kind::Outsider => world.checks.reign = Some((settled.leader, settled.term)),
            Kind::Calm => {
                let (_, slowest) = world.network.delay;
                world.checks.gap_limit = Some(PUT + slowest * 6 + Duration::from_millis(2));
            }
        }
        step(world, Duration::ZERO, Step::Trouble);
        Ok(())
    }
}

/// A count that is small enough to be divided.
pub(crate) fn number(count: impl TryInto<u32>) -> f64 {
    count.try_into().map_or(f64::INFINITY, f64::from)
}

pub(crate) fn step(world: &mut World, delay: Duration, step: Step) {
    world.after(delay, Happening::Story(Box::new(step)));
}

/// So long it may take until all is well.
fn patience(world: &World) -> Duration {
    world.config.initdead * 3 + world.config.dampen + world.config.keepalive * 10
}

/// What all nodes agree on, or why they do not.
pub(crate) fn settled(world: &World) -> Result<Settled, String> {
    let mut common: Option<(NodeId, Term, Vec<Option<NodeId>>, Document)> = None;
    for node in &world.nodes {
        let me = node.settings.me;
        let process =
            node.process.as_ref().filter(|_| node.runs()).ok_or_else(|| format!("{me} does not run"))?;
        let view = process.core.view(node.now(world.now));
        let leader = view.leader.filter(|_| view.quorate).ok_or_else(|| format!("{me} has no DC"))?;
        if let Some(silent) = view
            .nodes
            .iter()
            .find(|node| !matches!(node.state, NodeState::Online | NodeState::Standby | NodeState::Suspect))
        {
            return Err(format!("{me} sees {:?}", silent.state));
        }
        let owners = view.vips.iter().map(|vip| vip.owner).collect();
        let mine = (leader, view.term, owners, view.document);
        if let Some(theirs) = common.replace(mine.clone())
            && theirs != mine
        {
            return Err(format!("some have {theirs:?}, {me} has {mine:?}"));
        }
    }
    let (leader, term, owners, document) = common.ok_or("there is nobody")?;
    world.checks.keeps(document.stamp())?;
    if document.cib().declared != world.config.declared {
        return Err(format!("{document:?} says something else than the file"));
    }
    for (vip, owner) in world.vips().into_iter().zip(&owners) {
        check_owner(world, vip, *owner)?;
    }
    Ok(Settled { leader, term, owners, document })
}

fn check_owner(world: &World, vip: VipId, owner: Option<NodeId>) -> Result<(), String> {
    let held: Vec<NodeId> = world.ids().filter(|id| world.node(*id).answers(vip, world.now)).collect();
    if held.as_slice() != owner.as_slice() {
        return Err(format!("{vip:?} is {owner:?}'s, and at {held:?}"));
    }
    let sure: Vec<NodeId> = world.ids().filter(|id| faults::may_own(world, *id, vip)).collect();
    if owner.is_none() && !sure.is_empty() {
        return Err(format!("{vip:?} is nobody's, and could be at {sure:?}"));
    }
    match owner {
        Some(node) if faults::stands_by(world, node) => Err(format!("{vip:?} is at {owner:?}, a standby")),
        _ => Ok(()),
    }
}
