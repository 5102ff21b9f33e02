//! Why a vip is where it is, and why nowhere else.

use std::fmt;

use failover::message::Reach;
use failover::{NodeId, Score};
use serde::{Deserialize, Serialize};

use super::forecast::{Chance, Prospect};
use super::scene::Scene;

/// What speaks for each node, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The vip.
    pub vip: String,
    /// Where it is now.
    pub at: Option<String>,
    /// Where the cluster would place it.
    pub best: Option<String>,
    /// The node that is taken for dead.
    pub without: Option<String>,
    /// What follows.
    pub sentence: String,
    /// The nodes, in the order of the file.
    pub nodes: Vec<Seat>,
}

/// What speaks for a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The node.
    pub node: String,
    /// How many ping hosts answer it, if that comes before all scores.
    pub pings: u8,
    /// Whether it sees none of the realservers up (0), fewer than half (1) or more (2).
    pub realservers: u8,
    /// The sum: a number, "always" or "never".
    pub score: String,
    /// What it is the sum of.
    pub terms: Vec<Weight>,
    /// Why it cannot have the vip.
    pub obstacle: Option<String>,
}

/// One of the things that count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weight {
    /// What it is.
    pub why: String,
    /// How much it counts.
    pub score: String,
}

impl Scene {
    /// Why each vip is where it is.
    #[must_use]
    pub fn explain(&self) -> Vec<Explanation> {
        self.forecast(self.committed()).iter().map(|prospect| self.explained(prospect)).collect()
    }

    fn explained(&self, prospect: &Prospect) -> Explanation {
        let name = |node| prospect.name(node).map(str::to_owned);
        let without = self.without.and_then(|gone| name(Some(gone)));
        let (heard, needed) = self.votes();
        let sentence = match &without {
            Some(gone) if heard < needed => format!(
                "without {gone}, {heard} of {needed} votes that are needed are left, so no majority places {}: \
                 no_quorum_policy is \"{}\"",
                prospect.vip,
                self.committed().declared.policy.name()
            ),
            Some(gone) => format!("without {gone}, {}", prospect.would()),
            None if !self.view().quorate => {
                format!("no majority with a DC is heard here; with one, {}", prospect.would())
            }
            None => prospect.sentence(),
        };
        Explanation {
            vip: prospect.vip.clone(),
            at: name(prospect.now),
            best: name(prospect.then),
            without,
            sentence,
            nodes: prospect.chances.iter().map(seat).collect(),
        }
    }
}

fn seat(chance: &Chance) -> Seat {
    let weight = |(why, score): &(String, Score)| Weight { why: why.clone(), score: worth(*score) };
    Seat {
        node: chance.name.clone(),
        pings: chance.rank.reach.pings,
        realservers: chance.rank.reach.realservers,
        score: worth(chance.rank.score),
        terms: chance.terms.iter().map(weight).collect(),
        obstacle: chance.obstacle.clone(),
    }
}

/// A score as the document writes it.
fn worth(score: Score) -> String {
    match score {
        Score::INFINITY => "always".to_owned(),
        Score::NEG_INFINITY => "never".to_owned(),
        score => score.get().to_string(),
    }
}

impl Prospect {
    /// Where it is and why; also where it is about to go.
    fn sentence(&self) -> String {
        if self.now == self.then { format!("{} is {}", self.vip, self.place()) } else { self.would() }
    }

    /// Where it would be and why.
    pub(super) fn would(&self) -> String {
        let vip = &self.vip;
        match (self.name(self.now), self.name(self.then)) {
            (now, then) if now == then => format!("{vip} stays {}", self.place()),
            (Some(now), Some(then)) => format!("{vip} moves from {now} to {then}, {}", self.because()),
            (Some(now), None) => format!("{vip} leaves {now} and is {}", self.place()),
            (None, _) => format!("{vip} goes to {}", self.place().trim_start_matches("at ")),
        }
    }

    fn place(&self) -> String {
        match self.name(self.then) {
            Some(name) => format!("at {name}, {}", self.because()),
            None => format!("nowhere, {}", self.because()),
        }
    }

    /// What decides.
    pub(super) fn because(&self) -> String {
        let obstacles = || {
            let those =
                self.chances.iter().filter_map(|it| Some(format!("{}: {}", it.name, it.obstacle.as_ref()?)));
            those.collect::<Vec<_>>().join("; ")
        };
        let Some(best) = self.then.and_then(|node: NodeId| self.chance(node)) else {
            return format!("because nobody can have it ({})", obstacles());
        };
        if self.blind {
            return "because nobody reaches anything, which is no reason to be elsewhere".to_owned();
        }
        match self.runner_up() {
            None if self.chances.len() == 1 => "because there is no other node".to_owned(),
            None => format!("because nobody else can have it ({})", obstacles()),
            Some(other) => format!("because {}", outdone(best, other)),
        }
    }
}

/// What puts a node before another.
fn outdone(best: &Chance, other: &Chance) -> String {
    let (mine, theirs) = (best.rank, other.rank);
    let (it, name) = (&best.name, &other.name);
    if mine.moved != theirs.moved {
        return "an operator moved it there".to_owned();
    }
    if mine.reach != theirs.reach {
        return format!("{it} reaches {}, and {name} {}", Reached(mine.reach), Reached(theirs.reach));
    }
    if mine.score != theirs.score {
        return format!("{it} is worth {}, and {name} {}", sum(best), sum(other));
    }
    let alike = format!("{name} is worth as much ({})", worth(theirs.score));
    match (mine.has_it, mine.vips == theirs.vips) {
        (true, _) => format!("it is there, and {alike}"),
        (false, false) => format!("{alike} and has more vips"),
        (false, true) => format!("{alike} and comes later in the file"),
    }
}

/// A score and what it comes from.
fn sum(chance: &Chance) -> String {
    let terms = chance.terms.iter().map(|(why, score)| format!("{why} {}", worth(*score)));
    match terms.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => worth(chance.rank.score),
        terms => format!("{} ({terms})", worth(chance.rank.score)),
    }
}

struct Reached(Reach);

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reach { pings, realservers } = self.0;
        write!(f, "{}", reached(pings, realservers))
    }
}

/// What a node reaches, in words.
#[must_use]
pub(super) fn reached(pings: u8, realservers: u8) -> String {
    let realservers = match realservers {
        0 => "no realservers",
        1 => "few realservers",
        _ => "most realservers",
    };
    match pings {
        0 => realservers.to_owned(),
        1 => format!("1 ping host and {realservers}"),
        pings => format!("{pings} ping hosts and {realservers}"),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.sentence)?;
        let rows = self.nodes.iter().map(|seat| {
            let terms = seat.terms.iter().map(|it| match it.score.as_str() {
                "0" => it.why.clone(),
                score => format!("{} {score}", it.why),
            });
            let mut why: Vec<String> = terms.collect();
            let vetoed = seat.terms.iter().any(|it| it.score == "never");
            why.extend(seat.obstacle.iter().filter(|_| !vetoed).map(|it| format!("cannot have it: {it}")));
            [seat.node.clone(), reached(seat.pings, seat.realservers), seat.score.clone(), why.join(", ")]
        });
        let head = ["node", "reaches", "score", "why"].map(str::to_owned);
        let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
        let width = |column: fn(&[String; 4]) -> &String| rows.iter().map(|row| column(row).len()).max();
        let [node, reach, score] =
            [width(|row| &row[0]), width(|row| &row[1]), width(|row| &row[2])].map(Option::unwrap_or_default);
        for [name, reaches, sum, why] in &rows {
            let line = format!("  {name:node$}  {reaches:reach$}  {sum:>score$}  {why}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
