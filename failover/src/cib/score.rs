//! How much each vip wants to be at each node, and why: Heartbeat's arithmetic, term by term.
//!
//! What a document says is worked out once, when it comes ([`Rules::of`]); what a node is worth to a vip is asked again and
//! again, with what is known of the nodes now. The order in which things are written down does not matter.

mod compile;
mod rule;
mod term;
#[cfg(test)]
mod tests;
mod turn;

pub use term::{Reason, Term};
pub use turn::{Choice, Rank, Turn, common_file};

use crate::core::{NodeState, Role};
use crate::message::Bar;
use crate::name::{NodeId, VipId};
use crate::score::{Score, Total};

use rule::Place;

/// What a document says of where vips are to be, with all names looked up.
#[derive(Clone, Debug)]
pub struct Rules {
    multiplier: u32,
    nodes: Vec<Member>,
    vips: Vec<Wishes>,
    /// The vips as places in the document, in the order in which they can be decided: those that others follow or need
    /// come first.
    sequence: Vec<usize>,
}

/// What is said of a node.
#[derive(Clone, Debug)]
struct Member {
    name: String,
    role: Role,
    standby: bool,
}

/// What is said of a vip.
#[derive(Clone, Debug)]
struct Wishes {
    id: VipId,
    name: String,
    stickiness: Score,
    /// To which node an operator moved it.
    moved: Option<NodeId>,
    /// For each node: how much it is preferred.
    prefer: Vec<Score>,
    /// For each node: how often the vip failed there.
    failures: Vec<u32>,
    /// So many failures bar it; 0 for none.
    threshold: u32,
    places: Vec<Place>,
    follows: Vec<Follow>,
    needs: Vec<Need>,
}

/// A vip that is followed, or kept away from.
#[derive(Clone, Debug)]
struct Follow {
    id: String,
    with: usize,
    score: Score,
}

/// A vip that must not be nowhere.
#[derive(Clone, Debug)]
struct Need {
    id: String,
    first: usize,
}

/// What is known of a node now.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// How it is.
    pub state: NodeState,
    /// How many ping hosts it reaches, if there are any and it said so.
    pub pings: Option<u32>,
    /// How many of the realservers it sees up, as [`Reach`](crate::message::Reach) counts them.
    pub realservers: u8,
    /// Whether it is the DC.
    pub leads: bool,
    /// The vips that it cannot carry.
    pub barred: &'a [(VipId, Bar)],
}

/// What is known now. Vips are in the order of the document, and so are nodes, by their ids.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The nodes.
    pub nodes: &'a [Node<'a>],
    /// Where each vip is.
    pub owners: &'a [Option<NodeId>],
    /// Where each vip is to be, as far as that is decided, and else where it is: vips follow others there.
    pub places: &'a [Option<NodeId>],
}

impl Rules {
    /// The place of a vip in the document.
    #[must_use]
    pub fn place_of(&self, vip: VipId) -> Option<usize> {
        self.vips.iter().position(|wishes| wishes.id == vip)
    }

    /// The id of a node of the document.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|member| member.name == name).and_then(NodeId::new)
    }

    /// To which node an operator moved a vip.
    #[must_use]
    pub fn moved(&self, vip: usize) -> Option<NodeId> {
        self.vips.get(vip)?.moved
    }

    /// Whether rules of the document count what nodes ping for this vip. Then that is one term among others; else what a
    /// node reaches comes before all scores.
    #[must_use]
    pub fn counts_pings(&self, vip: usize) -> bool {
        self.vips.get(vip).is_some_and(|wishes| wishes.places.iter().any(Place::counts_pings))
    }

    /// Whether a location can hold at any node, however many of so many hosts it pings.
    pub(super) fn can_hold(&self, location: &str, ping_hosts: u32) -> bool {
        let mut places =
            self.vips.iter().flat_map(|wishes| &wishes.places).filter(|place| place.id == location);
        let pings: Vec<Option<u32>> = std::iter::once(None).chain((0..=ping_hosts).map(Some)).collect();
        places.all(|place| {
            self.nodes.iter().any(|member| {
                let asked = |(pings, leads): (&Option<u32>, bool)| rule::Asked {
                    name: &member.name,
                    pingd: self.pingd(*pings),
                    leads,
                };
                let all = pings.iter().flat_map(|pings| [(pings, false), (pings, true)]);
                all.map(asked).any(|asked| place.holds(&asked))
            })
        })
    }

    fn pingd(&self, pings: Option<u32>) -> Option<i64> {
        Some(i64::from(pings?) * i64::from(self.multiplier))
    }

    /// What a node is worth to a vip.
    #[must_use]
    pub fn score(&self, vip: usize, node: NodeId, now: &Situation<'_>) -> Score {
        let mut total = Total::default();
        self.each_term(vip, node, now, |term| total.add(term.score));
        total.score()
    }

    /// The same, term by term. Their sum, in any order, is the score.
    #[must_use]
    pub fn terms<'a>(&'a self, vip: usize, node: NodeId, now: &Situation<'_>) -> Vec<Term<'a>> {
        let mut terms = Vec::new();
        self.each_term(vip, node, now, |term| terms.push(term));
        terms
    }

    fn each_term<'a>(
        &'a self,
        vip: usize,
        node: NodeId,
        now: &Situation<'_>,
        mut each: impl FnMut(Term<'a>),
    ) {
        let at = node.index();
        let (Some(wishes), Some(member)) = (self.vips.get(vip), self.nodes.get(at)) else { return };
        let mut tell = |reason, score| each(Term { reason, score });
        let never = Score::NEG_INFINITY;
        let known = now.nodes.get(at);

        if member.role == Role::Witness {
            tell(Reason::Witness, never);
        }
        let state = known.map_or(NodeState::Unknown, |known| known.state);
        match state {
            NodeState::Online | NodeState::Suspect if member.standby => tell(Reason::Standby, never),
            NodeState::Online | NodeState::Suspect => {}
            NodeState::Standby => tell(Reason::Standby, never),
            NodeState::Leaving | NodeState::Left => tell(Reason::Left, never),
            NodeState::Dead | NodeState::Unknown => tell(Reason::NotHeard, never),
        }
        let barred = known.map_or(&[][..], |known| known.barred).iter();
        barred
            .filter(|(barred, _)| *barred == wishes.id)
            .for_each(|(_, bar)| tell(Reason::Barred(*bar), never));
        match wishes.failures.get(at).copied().unwrap_or_default() {
            0 => {}
            count if wishes.threshold > 0 && count >= wishes.threshold => tell(Reason::Failed(count), never),
            count => tell(Reason::Failed(count), Score::default()),
        }

        match wishes.prefer.get(at).copied().unwrap_or_default() {
            score if score == Score::default() => {}
            score => tell(Reason::Preferred { node: &member.name }, score),
        }
        if now.owners.get(vip) == Some(&Some(node)) && wishes.stickiness != Score::default() {
            tell(Reason::Sticky, wishes.stickiness);
        }
        if wishes.moved == Some(node) {
            tell(Reason::Moved, Score::INFINITY);
        }

        let asked = rule::Asked {
            name: &member.name,
            pingd: self.pingd(known.and_then(|known| known.pings)),
            leads: known.is_some_and(|known| known.leads),
        };
        for place in wishes.places.iter().filter(|place| place.holds(&asked)) {
            let (counted, score) = place.worth(&asked);
            tell(Reason::Location { id: &place.id, counted }, score);
        }
        for follow in &wishes.follows {
            let place = now.places.get(follow.with).copied().flatten();
            if let Some((together, score)) = follow.worth(place == Some(node)) {
                let with = self.name(follow.with);
                tell(Reason::Follows { id: &follow.id, with, together }, score);
            }
        }
        for need in &wishes.needs {
            if now.places.get(need.first).copied().flatten().is_none() {
                tell(Reason::Waits { id: &need.id, first: self.name(need.first) }, never);
            }
        }
    }

    fn name(&self, vip: usize) -> &str {
        self.vips.get(vip).map_or("", |wishes| &wishes.name)
    }
}

impl Follow {
    /// What it means for a node, at which the other vip is or is not: whether they are or would be together, and what
    /// that is worth.
    fn worth(&self, there: bool) -> Option<(bool, Score)> {
        match (self.score, there) {
            (Score::INFINITY, true) => Some((true, Score::default())),
            (Score::INFINITY, false) => Some((false, Score::NEG_INFINITY)),
            (score, true) => Some((true, score)),
            (_, false) => None,
        }
    }
}
