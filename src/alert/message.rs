//! What somebody is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::course::{Finding, History, Words};
use crate::config::{Alert, Name, Occasion};

/// What somebody is told of one service, or of many at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is about.
    pub occasion: Occasion,
    /// The service; of several, how many.
    pub service: String,
    /// What mon would call the service's group; of several, `lvsd`.
    pub group: String,
    /// How many services it is about.
    pub services: usize,
    /// The service's realservers; of several services, nobody.
    pub realservers: Vec<Name>,
    /// Those that fail now; of several services, nobody.
    pub failing: BTreeMap<Name, Finding>,
    /// What fails; after an outage, what failed last.
    pub words: Words,
    /// When it was decided.
    pub at: Timestamp,
    /// What the service went through.
    pub history: History,
}

/// A message and whom it goes to.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Whom it goes to.
    pub alert: Arc<Alert>,
    /// What is told.
    pub message: Arc<Message>,
}

/// How many messages one alert gives out at once, at most.
pub const AT_ONCE: usize = 10;

/// How many services the summary of many messages names.
const NAMED: usize = 10;

/// Keeps messages that became due together within [`AT_ONCE`]: what is beyond is told in one.
#[must_use]
pub fn bounded(mut due: Vec<Message>) -> Vec<Message> {
    if due.len() <= AT_ONCE {
        return due;
    }
    // What fails first.
    due.sort_by_key(|message| message.occasion);
    let rest = due.split_off(AT_ONCE - 1);
    due.extend(digest(&rest));
    due
}

/// Many messages in one.
fn digest(rest: &[Message]) -> Option<Message> {
    let first = rest.first()?;
    let count = |occasion| rest.iter().filter(|message| message.occasion == occasion).count();
    let occasions: Vec<String> = [Occasion::Down, Occasion::Up, Occasion::Startup]
        .into_iter()
        .map(|occasion| (count(occasion), occasion.name()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let failing: usize = rest.iter().map(|message| message.failing.len()).sum();
    let mut names: Vec<&str> = rest.iter().take(NAMED).map(|message| message.service.as_str()).collect();
    if rest.len() > NAMED {
        names.push("...");
    }
    let line = |message: &Message| {
        let Message { group, service, words, .. } = message;
        format!("{} {group}/{service}: {}\n", message.occasion.name(), words.summary)
    };
    let summary = format!(
        "{} more services ({}) with {failing} failing realservers: {}",
        rest.len(),
        occasions.join(", "),
        names.join(" "),
    );
    Some(Message {
        occasion: first.occasion,
        service: format!("{} services", rest.len()),
        group: "lvsd".to_owned(),
        services: rest.len(),
        realservers: Vec::new(),
        failing: BTreeMap::new(),
        words: Words { summary, detail: rest.iter().map(line).collect() },
        at: first.at,
        history: History::default(),
    })
}
