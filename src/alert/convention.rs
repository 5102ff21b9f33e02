//! A message as an alert of mon gets it, and as a webhook gets it.
//!
//! Source: mon(8) 1.3.6, `call_alert`. Beyond what that does, `-l` is given, as mon's manual promises.

use jiff::Timestamp;
use serde::Serialize;

use super::course::History;
use super::message::Message;
use crate::config::{Alert, Name, Occasion};

/// How long a single argument or variable may be, in bytes. The kernel refuses to start a program with one of 128 KiB
/// or more (`MAX_ARG_STRLEN`), and an alert that is not sent is worse than one whose list is cut.
const LONGEST: usize = 64 * 1024;

/// The arguments: those of mon, then the alert's own.
#[must_use]
pub fn arguments(alert: &Alert, message: &Message, own: &[String]) -> Vec<String> {
    let hosts: Vec<&str> = message.realservers.iter().map(Name::as_str).collect();
    let hosts = hosts.join(" ");
    let at = message.at.as_second().to_string();
    let mut arguments: Vec<String> =
        ["-s", &message.service, "-g", &message.group, "-h", cut(&hosts), "-t", &at]
            .map(str::to_owned)
            .into();
    if let Some(every) = alert.every {
        arguments.extend(["-l".to_owned(), every.as_secs().to_string()]);
    }
    arguments.extend((message.occasion == Occasion::Up).then(|| "-u".to_owned()));
    arguments.extend_from_slice(own);
    arguments
}

/// The environment.
#[must_use]
pub fn environment(message: &Message) -> Vec<(String, String)> {
    let Message { group, service, words, history, .. } = message;
    let input = input(message);
    // The type, mon's operational status (0 failed, 1 good, 7 untested), the monitor's exit status.
    let (kind, status, exit) = match message.occasion {
        Occasion::Down => ("failure", "0", "1"),
        Occasion::Up => ("up", "1", "0"),
        Occasion::Startup => ("startup", "7", "0"),
    };
    let time = |at: Option<Timestamp>| at.map(|at| at.as_second().to_string());
    let variables = [
        ("MON_GROUP", Some(group.clone())),
        ("MON_SERVICE", Some(service.clone())),
        ("MON_ALERTTYPE", Some(kind.to_owned())),
        ("MON_OPSTATUS", Some(status.to_owned())),
        ("MON_RETVAL", Some(exit.to_owned())),
        ("MON_DESCRIPTION", Some(format!("{group} {service}"))),
        ("MON_LAST_SUMMARY", Some(cut(&words.summary).to_owned())),
        ("MON_LAST_OUTPUT", Some(cut(&input).to_owned())),
        ("MON_FIRST_FAILURE", time(history.first_failure)),
        ("MON_LAST_FAILURE", time(history.last_failure)),
        ("MON_FIRST_SUCCESS", time(history.first_success)),
        ("MON_LAST_SUCCESS", time(history.last_success)),
    ];
    variables.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Standard input: the summary, then the details; nothing where nothing failed.
#[must_use]
pub fn input(message: &Message) -> String {
    let words = &message.words;
    if words.summary.is_empty() { String::new() } else { format!("{}\n{}", words.summary, words.detail) }
}

fn cut(text: &str) -> &str {
    let end = (0..=LONGEST.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// What a webhook gets, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payload<'a> {
    /// The director that sends it.
    pub node: &'a str,
    /// `down`, `up` or `startup`.
    pub occasion: &'static str,
    /// The service; of several, how many.
    pub service: &'a str,
    /// What mon would call the service's group.
    pub group: &'a str,
    /// How many services it is about.
    pub services: usize,
    /// When it was decided.
    pub at: Timestamp,
    /// In one line what fails, or failed last.
    pub summary: &'a str,
    /// The same in several lines.
    pub detail: &'a str,
    /// The service's realservers.
    pub realservers: Vec<&'a str>,
    /// Those that fail now.
    pub failing: Vec<Failing<'a>>,
    /// What the service went through.
    #[serde(flatten)]
    pub history: History,
}

/// A realserver that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failing<'a> {
    /// Its name.
    pub name: &'a str,
    /// What the check found, as HAProxy says it.
    pub code: &'static str,
    /// In words.
    pub detail: &'a str,
}

impl<'a> Payload<'a> {
    /// A director's message.
    #[must_use]
    pub fn new(node: &'a str, message: &'a Message) -> Self {
        let failing = message.failing.iter().map(|(name, finding)| Failing {
            name: name.as_str(),
            code: finding.code.name(),
            detail: &finding.detail,
        });
        Self {
            node,
            occasion: message.occasion.name(),
            service: &message.service,
            group: &message.group,
            services: message.services,
            at: message.at,
            summary: &message.words.summary,
            detail: &message.words.detail,
            realservers: message.realservers.iter().map(Name::as_str).collect(),
            failing: failing.collect(),
            history: message.history,
        }
    }
}
