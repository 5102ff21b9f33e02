//! `prefer`, `stickiness` and what failures count: where a vip wants to be.

use std::collections::BTreeMap;
use std::time::Duration;

use failover::Score;
use toml::de::DeValue;

use super::Peers;
use crate::config::report::Reported;
use crate::config::section::{Fault, Section, quoted, read, wrong_type};
use crate::config::{Name, value};

const PREFER_HELP: &str = "write prefer = { litsha21 = 200 }";

/// The keys that only matter where there are several directors.
const KEYS: [&str; 4] = ["prefer", "stickiness", "migration_threshold", "failure_timeout"];

const MIGRATION_THRESHOLD: u32 = 3;
const FAILURE_TIMEOUT: Duration = Duration::from_secs(600);
const SHORTEST_TIMEOUT: (Duration, &str) = (Duration::from_secs(1), "1s");

/// Where a vip wants to be.
pub(super) struct Wishes {
    pub(super) prefer: BTreeMap<Name, Score>,
    pub(super) stickiness: Score,
    pub(super) migration_threshold: u32,
    pub(super) failure_timeout: Duration,
}

/// Reads all of them.
pub(super) fn wishes(section: &Section<'_>, peers: &Peers) -> Result<Wishes, Reported> {
    has_a_choice(section, peers)?;
    let prefer = prefer(section, peers);
    let stickiness = section.optional("stickiness", stickiness);
    let threshold = section.optional("migration_threshold", |it| value::integer(it, 1..=1000));
    let timeout = |it: &_| value::bounded(it, SHORTEST_TIMEOUT, (value::LONGEST, "31d"));
    let timeout = section.optional("failure_timeout", timeout);
    Ok(Wishes {
        prefer: prefer?,
        stickiness: stickiness?.map_or_else(Score::default, |at| at.value),
        migration_threshold: threshold?.map_or(MIGRATION_THRESHOLD, |at| at.value),
        failure_timeout: timeout?.map_or(FAILURE_TIMEOUT, |at| at.value),
    })
}

/// Refuses wishes of a vip that has only one director.
fn has_a_choice(section: &Section<'_>, peers: &Peers) -> Result<(), Reported> {
    let mut choice = Ok(());
    for (key, span) in KEYS.map(|key| (key, section.key_span(key))) {
        let Some(span) = span else { continue };
        if !peers.are_there()? {
            let what = format!("without a [cluster] there is nothing to choose by `{key}`");
            choice = Err(section.problems.add(span, what, "take it out, or add [cluster]"));
        }
    }
    choice
}

fn prefer(section: &Section<'_>, peers: &Peers) -> Result<BTreeMap<Name, Score>, Reported> {
    let wishes = section.entries("prefer", PREFER_HELP)?.map(|(name, value)| {
        let node = peers.director(section.problems, name.get_ref(), name.span().into());
        let score = read(section.problems, value, score);
        Ok((node?, score?.value))
    });
    let wishes: Vec<_> = wishes.collect();
    wishes.into_iter().collect()
}

fn score(value: &DeValue<'_>) -> Result<Score, Fault> {
    const HELP: &str = "use a number from -1000000 to 1000000 without quotes, \"always\" or \"never\"";
    let (least, most) = (Score::NEG_INFINITY.get(), Score::INFINITY.get());
    match value {
        DeValue::Integer(integer) => match i32::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if (least..=most).contains(&number) => Ok(Score::new(number)),
            _ => Err(Fault::new("this is out of range", HELP)),
        },
        DeValue::String(text) => match text.as_ref() {
            "always" => Ok(Score::INFINITY),
            "never" => Ok(Score::NEG_INFINITY),
            other => Err(Fault::new(format!("{} is not known here", quoted(other)), HELP)),
        },
        other => Err(Fault::new(wrong_type("a score", other), HELP)),
    }
}

/// A score that keeps, or does nothing: one that drove a vip away would drive it round and round.
fn stickiness(value: &DeValue<'_>) -> Result<Score, Fault> {
    const HELP: &str = "use 0 to fail back, up to 1000000 or \"always\" to stay";
    match score(value) {
        Ok(score) if score < Score::default() => {
            Err(Fault::new("the vip would leave each director that it comes to", HELP))
        }
        Ok(score) => Ok(score),
        Err(fault) => Err(Fault::new(fault.what, HELP)),
    }
}
