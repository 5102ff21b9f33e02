//! What goes wrong, and how it is over.

use std::time::Duration;

use failover::core::{Event, Role};
use failover::message::{Bar, Reach, Unfit};
use failover::{LinkId, NodeId, NodeSet, Score, VipId};

use crate::checks::Violation;
use crate::network::{Effect, Trouble};
use crate::setup;
use crate::story::{Kind, REACH};
use crate::world::{Happening, World};

/// Something that went wrong, and who or what is to be mended.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Kill(NodeId),
    PowerLoss(NodeId),
    Amnesia(NodeId),
    Stop(NodeId),
    Network(&'static str, u64),
    SlowDisk(NodeId),
    TornWrite(NodeId),
    FailedWrite,
    NoCarrier(NodeId),
    BrokenInterface(NodeId),
    Reach(NodeId),
    Unfit(NodeId),
    CommonLoss,
    Standby,
    Pin,
    Writers,
    Earlier(NodeId),
    Leave(NodeId),
    Configure,
    Reread,
    Isolation,
}

impl Fault {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::PowerLoss(_) => "power loss",
            Self::Amnesia(_) => "lost disk",
            Self::Stop(_) => "stopped process",
            Self::Network(name, _) => name,
            Self::SlowDisk(_) => "slow disk",
            Self::TornWrite(_) => "power loss while writing",
            Self::FailedWrite => "failed write",
            Self::NoCarrier(_) => "no carrier",
            Self::BrokenInterface(_) => "failed address",
            Self::Reach(_) => "reach of one",
            Self::Unfit(_) => "not ready",
            Self::CommonLoss => "reach of all",
            Self::Standby => "standby",
            Self::Pin => "moved vip",
            Self::Writers => "two writers",
            Self::Earlier(_) => "earlier release",
            Self::Leave(_) => "leave",
            Self::Configure => "new file",
            Self::Reread => "the same in a new file",
            Self::Isolation => "isolation",
        }
    }
}

/// Makes something go wrong, and tells for how long.
pub(crate) fn begin(world: &mut World, kind: Kind, id: u64) -> (Fault, Duration) {
    world.checks.frozen = false;
    let lasts = world.random.time(Duration::ZERO..world.config.deadtime * 4);
    let fault = match kind {
        Kind::Chaos => chaos(world, id),
        Kind::Outsider => outsider(world, id),
        Kind::Shuffle => shuffle(world, id),
        Kind::Election => election(world, id),
        Kind::Calm => return calm(world),
    };
    (fault, lasts)
}

fn shuffle(world: &mut World, id: u64) -> Fault {
    match world.random.below(8) {
        0 => network(world, id),
        1 | 2 => late(world, id),
        _ => {
            let to = NodeId::new(usize::try_from(id % 2).unwrap_or(0)).expect("a node of the world");
            let vip = world.config.declared.vips.first().expect("a vip").name.clone();
            pin_to(world, vip, Some(to))
        }
    }
}

fn any(world: &mut World) -> NodeId {
    let at = world.random.below(world.nodes.len());
    NodeId::new(at).expect("a node of the world")
}

fn any_of(world: &mut World) -> NodeSet {
    NodeSet::from_bits(u16::try_from(world.random.number() & 0x1f).unwrap_or(0))
}

fn any_vip(world: &mut World) -> VipId {
    VipId::of(&any_vip_name(world))
}

fn any_vip_name(world: &mut World) -> String {
    let at = world.random.below(world.config.declared.vips.len());
    world.config.declared.vips.get(at).expect("a vip of the world").name.clone()
}

fn chaos(world: &mut World, id: u64) -> Fault {
    let node = any(world);
    match world.random.below(32) {
        0 | 1 => {
            world.crash(node, false);
            Fault::Kill(node)
        }
        2 => {
            world.crash(node, true);
            Fault::PowerLoss(node)
        }
        3 if world.random.once_in(2) => {
            world.crash(node, true);
            let what = world.random.below(3);
            let disk = &mut world.node_mut(node).disk;
            match what {
                0 => disk.durable = None,
                1 => disk.kept.accepted = None,
                _ => disk.kept.accepted = disk.stale.take(),
            }
            world.checks.forgets(node);
            Fault::Amnesia(node)
        }
        4 | 5 => {
            world.stop(node);
            Fault::Stop(node)
        }
        6 => {
            world.node_mut(node).disk.latency = world.config.deadtime;
            Fault::SlowDisk(node)
        }
        7 => {
            world.node_mut(node).disk.fails = true;
            Fault::FailedWrite
        }
        16 | 17 => {
            let latency = world.config.deadtime / 4;
            let disk = &mut world.node_mut(node).disk;
            (disk.trap, disk.latency) = (true, latency);
            Fault::TornWrite(node)
        }
        8 => {
            let vip = any_vip(world);
            world.node_mut(node).able.barred.insert(vip, Bar::Carrier);
            tell_able(world, node, Duration::ZERO);
            Fault::NoCarrier(node)
        }
        9 => {
            let doubtful = world.ids().find(|id| world.node(*id).doubtful).unwrap_or(node);
            let doubtful = world.node_mut(doubtful);
            (doubtful.doubtful, doubtful.broken) = (true, true);
            Fault::BrokenInterface(doubtful.settings.me)
        }
        10 => {
            let reach =
                Reach { pings: world.random.pick(&[0, 1]), realservers: world.random.pick(&[0, 1, 2]) };
            world.node_mut(node).able.reach = reach;
            tell_able(world, node, Duration::ZERO);
            Fault::Reach(node)
        }
        21 | 22 => {
            world.node_mut(node).able.unfit = Some(Unfit::Table);
            tell_able(world, node, Duration::ZERO);
            Fault::Unfit(node)
        }
        11 => common_loss(world),
        12 => standby(world, node),
        13 => pin(world, node),
        14 => leave(world, node),
        15 => configure(world),
        18 | 19 => writers(world),
        20 => {
            world.node_mut(node).earlier = true;
            Fault::Earlier(node)
        }
        _ => network(world, id),
    }
}

/// The node next to the DC has all the trouble.
fn outsider(world: &mut World, id: u64) -> Fault {
    let count = world.nodes.len();
    let leader = world.checks.reign.map_or(0, |(leader, _)| leader.index());
    let victim = NodeId::new((leader + 1) % count).expect("a node of the world");
    let other = NodeId::new((leader + world.random.below(count)) % count).expect("a node of the world");
    match world.random.below(10) {
        0 => {
            world.stop(victim);
            return Fault::Stop(victim);
        }
        1 => {
            world.crash(victim, true);
            return Fault::PowerLoss(victim);
        }
        _ => {}
    }
    let all = world.ids().collect::<NodeSet>();
    let only = [victim].into_iter().collect::<NodeSet>();
    let from_victim = |node: NodeId, whom: NodeSet| if node == victim { whom } else { NodeSet::default() };
    let (name, hurt): (_, Vec<NodeSet>) = match world.random.below(4) {
        0 => ("deaf", world.ids().map(|_| only).collect()),
        1 => ("mute", world.ids().map(|node| from_victim(node, all)).collect()),
        2 => {
            let ear = |node: NodeId| if node == other { only } else { NodeSet::default() };
            ("deaf to one", world.ids().map(ear).collect())
        }
        _ => ("partition", world.ids().map(|node| if node == victim { all } else { only }).collect()),
    };
    hurt_network(world, id, name, hurt)
}

/// By turns, another node is alone until the next is, and one of the rest forgets what it is writing.
fn election(world: &mut World, id: u64) -> Fault {
    let count = world.nodes.len();
    let turn = usize::try_from(id / 2).unwrap_or(0);
    let node_at = |at: usize| NodeId::new(at % count).expect("a node of the world");
    if world.random.once_in(2) {
        let (from, whom) = (any(world), any(world));
        change_standby(world, from, whom);
    }
    if id.is_multiple_of(2) {
        let latency = world.config.deadtime / 4;
        let node = node_at(turn + world.random.below(count - 1));
        let disk = &mut world.node_mut(node).disk;
        (disk.trap, disk.latency) = (true, latency);
        return Fault::TornWrite(node);
    }
    world.network.heal();
    let all = world.ids().collect::<NodeSet>();
    let alone = node_at(turn);
    let only = [alone].into_iter().collect::<NodeSet>();
    let hurt = world.ids().map(|id| if id == alone { all } else { only }).collect();
    world.network.hurt(id, Trouble { hurt, link: None, effect: Effect::Loss(256), flaps: None });
    Fault::Isolation
}

fn calm(world: &mut World) -> (Fault, Duration) {
    let lasts = world.config.dampen * 2 + world.config.deadtime * 2;
    let node = any(world);
    let others_serve = world
        .ids()
        .all(|id| id == node || world.node(id).runs() && !stands_by(world, id) && !is_leaving(world, id));
    let fault = match world.random.below(5) {
        0 => common_loss(world),
        4 => reread(world),
        1 if others_serve => standby(world, node),
        2 if others_serve && world.nodes.len() > 2 => leave(world, node),
        _ => pin(world, node),
    };
    world.checks.frozen = matches!(fault, Fault::CommonLoss | Fault::Reread);
    (fault, lasts)
}

fn network(world: &mut World, id: u64) -> Fault {
    let node = any(world);
    let all = world.ids().collect::<NodeSet>();
    let side = any_of(world);
    let other_side = NodeSet::from_bits(all.bits() & !side.bits());
    let only = [node].into_iter().collect::<NodeSet>();
    let count = world.nodes.len();
    let nobody = NodeSet::default();
    let across = |id: NodeId| if side.contains(id) { other_side } else { side };
    let (name, hurt): (_, Vec<NodeSet>) = match world.random.below(7) {
        0 | 1 => ("partition", world.ids().map(across).collect()),
        2 => (
            "one-way cut",
            world.ids().map(|id| if side.contains(id) { other_side } else { nobody }).collect(),
        ),
        3 => {
            let without = |set: NodeSet| NodeSet::from_bits(set.bits() & !only.bits());
            ("bridge", world.ids().map(|id| if id == node { nobody } else { without(across(id)) }).collect())
        }
        4 => {
            let near = |id: NodeId, other: NodeId| (id.index() + 1) % count == other.index();
            let far = |id: NodeId| world.ids().filter(|it| !near(id, *it) && !near(*it, id)).collect();
            ("ring", world.ids().map(far).collect())
        }
        5 => ("deaf", world.ids().map(|_| only).collect()),
        _ => ("mute", world.ids().map(|id| if id == node { all } else { nobody }).collect()),
    };
    hurt_network(world, id, name, hurt)
}

/// What is said to one comes late.
fn late(world: &mut World, id: u64) -> Fault {
    let only: NodeSet = [any(world)].into_iter().collect();
    let hurt = world.ids().map(|_| only).collect();
    let effect = Effect::Delay(world.config.deadtime / 2);
    world.network.hurt(id, Trouble { hurt, link: None, effect, flaps: None });
    Fault::Network("late", id)
}

/// Between those nodes everything is lost, or some of it, or it comes late; on all links or one; always or now and then.
fn hurt_network(world: &mut World, id: u64, name: &'static str, hurt: Vec<NodeSet>) -> Fault {
    let deadtime = world.config.deadtime;
    let (name, effect) = match world.random.below(8) {
        0 => ("loss", Effect::Loss(world.random.number() % 256)),
        1 => ("delay", Effect::Delay(world.random.time(Duration::ZERO..deadtime * 2))),
        _ => (name, Effect::Loss(256)),
    };
    let flaps = world.random.once_in(4).then(|| world.random.time(world.config.keepalive / 4..deadtime * 2));
    let name = if flaps.is_some() { "flapping" } else { name };
    let link = world.random.once_in(6).then_some(LinkId(0));
    world.network.hurt(id, Trouble { hurt, link, effect, flaps });
    Fault::Network(name, id)
}

fn common_loss(world: &mut World) -> Fault {
    let reach = world.random.pick(&[
        Reach { pings: 0, ..REACH },
        Reach { realservers: 0, ..REACH },
        Reach { pings: 0, realservers: 0 },
    ]);
    reach_all(world, reach);
    Fault::CommonLoss
}

/// All nodes see the same, each in its time.
fn reach_all(world: &mut World, reach: Reach) {
    let window = world.config.dampen * 3 / 4;
    for id in world.ids() {
        let delay = world.random.time(Duration::ZERO..window);
        world.node_mut(id).able.reach = reach;
        tell_able(world, id, delay);
    }
}

fn standby(world: &mut World, node: NodeId) -> Fault {
    let from = any(world);
    change_standby(world, from, node);
    Fault::Standby
}

fn change_standby(world: &mut World, from: NodeId, node: NodeId) {
    let name = setup::name(node.index());
    world.edit(from, |cib| {
        if !cib.standby.remove(&name) {
            cib.standby.insert(name);
        }
    });
}

fn pin(world: &mut World, node: NodeId) -> Fault {
    let vip = any_vip_name(world);
    let to = (!world.random.once_in(3)).then_some(node);
    pin_to(world, vip, to)
}

fn pin_to(world: &mut World, vip: String, to: Option<NodeId>) -> Fault {
    let (from, pin) = (any(world), to.map(|node| setup::name(node.index())));
    world.edit(from, |cib| {
        cib.moves.remove(&vip);
        cib.moves.extend(pin.map(|pin| (vip, pin)));
    });
    Fault::Pin
}

/// Everybody changes something at once.
fn writers(world: &mut World) -> Fault {
    for from in world.ids() {
        let node = any(world);
        change_standby(world, from, node);
    }
    Fault::Writers
}

fn leave(world: &mut World, node: NodeId) -> Fault {
    if let Some(process) = &mut world.node_mut(node).process {
        process.leaving = true;
    }
    tell(world, node, Duration::ZERO, Event::Leave);
    Fault::Leave(node)
}

/// The file changes, and nodes read it one after the other.
fn configure(world: &mut World) -> Fault {
    world.config.declared.vips = setup::vips(&mut world.random, world.nodes.len(), true);
    if world.random.once_in(2) {
        world.config.deadtime = world.config.warntime * 2 * world.random.pick(&[3, 4, 5]) / 4;
        let longest = world.config.deadtime;
        world.checks.lengthen(longest);
    }
    another_file(world);
    Fault::Configure
}

/// The file changes, and none of what vips depend on.
fn reread(world: &mut World) -> Fault {
    another_file(world);
    Fault::Reread
}

fn another_file(world: &mut World) {
    let file = world.random.number();
    for id in world.ids() {
        let delay = world.random.time(Duration::ZERO..world.config.deadtime);
        world.node_mut(id).able.file = file;
        world.after(delay, Happening::Read(id));
        tell_able(world, id, delay);
    }
}

fn tell(world: &mut World, node: NodeId, delay: Duration, event: Event) {
    let life = world.node(node).life;
    world.after(delay, Happening::Tell { node, life, event: Box::new(event) });
}

fn tell_able(world: &mut World, node: NodeId, delay: Duration) {
    world.after(delay, Happening::Look(node));
}

fn is_leaving(world: &World, node: NodeId) -> bool {
    world.node(node).process.as_ref().is_some_and(|process| process.leaving)
}

/// A fault is over.
pub(crate) fn end(world: &mut World, fault: &Fault) -> Result<(), Violation> {
    match *fault {
        Fault::Kill(node) | Fault::PowerLoss(node) | Fault::Amnesia(node) => {
            world.after(Duration::ZERO, Happening::Start(node));
        }
        Fault::Leave(node) => {
            if is_leaving(world, node) {
                world.crash(node, false);
            }
            world.after(Duration::ZERO, Happening::Start(node));
        }
        Fault::Stop(node) => world.resume(node)?,
        Fault::Network(_, id) => world.network.mend(id),
        Fault::TornWrite(node) => {
            world.node_mut(node).disk.trap = false;
            world.node_mut(node).disk.latency = world.config.keepalive / 10;
            world.after(Duration::ZERO, Happening::Start(node));
        }
        Fault::SlowDisk(node) => world.node_mut(node).disk.latency = world.config.keepalive / 10,
        Fault::NoCarrier(node) => {
            world.node_mut(node).able.barred.clear();
            tell_able(world, node, Duration::ZERO);
        }
        Fault::Earlier(node) => world.node_mut(node).earlier = false,
        Fault::BrokenInterface(node) => world.node_mut(node).broken = false,
        Fault::Reach(node) => {
            world.node_mut(node).able.reach = REACH;
            tell_able(world, node, Duration::ZERO);
        }
        Fault::Unfit(node) => {
            world.node_mut(node).able.unfit = None;
            tell_able(world, node, Duration::ZERO);
        }
        Fault::CommonLoss => reach_all(world, REACH),
        Fault::FailedWrite
        | Fault::Standby
        | Fault::Pin
        | Fault::Writers
        | Fault::Configure
        | Fault::Reread
        | Fault::Isolation => {}
    }
    Ok(())
}

/// All faults are over. What operators wanted stays.
pub(crate) fn heal(world: &mut World) -> Result<(), Violation> {
    world.checks.frozen = false;
    world.checks.gap_limit = None;
    world.network.heal();
    world.network.delay = (Duration::from_micros(50), world.config.keepalive / 8);
    world.attacker.eager = None;
    for node in world.ids() {
        end(world, &Fault::Stop(node))?;
        end(world, &Fault::Leave(node))?;
        end(world, &Fault::TornWrite(node))?;
        end(world, &Fault::BrokenInterface(node))?;
        end(world, &Fault::Earlier(node))?;
        world.after(Duration::ZERO, Happening::Read(node));
        end(world, &Fault::NoCarrier(node))?;
        end(world, &Fault::Reach(node))?;
        end(world, &Fault::Unfit(node))?;
    }
    Ok(())
}

/// Whether a node is in standby, as it or another reads it.
pub(crate) fn stands_by(world: &World, id: NodeId) -> bool {
    let document = world.document(id).or_else(|| world.ids().find_map(|id| world.document(id)));
    document.is_some_and(|document| document.cib().standby.contains(&setup::name(id.index())))
}

/// Whether a node surely could own a vip.
pub(crate) fn may_own(world: &World, id: NodeId, vip: VipId) -> bool {
    let node = world.node(id);
    let vip = world.config.declared.vips.iter().find(|known| VipId::of(&known.name) == vip);
    let name = setup::name(id.index());
    let preference = vip.and_then(|vip| vip.prefer.get(&name)).copied().unwrap_or_default();
    let director = world.config.role(id) == Role::Director;
    director && !stands_by(world, id) && !node.doubtful && preference > Score::NEG_INFINITY
}
