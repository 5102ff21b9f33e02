//! The status page: one document without scripts and without anything from elsewhere.

use std::sync::LazyLock;

use askama::Template;
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::events::Event;
use crate::snapshot::words::cluster::heard;
use crate::snapshot::words::{Tone, age, duration, in_short, instant, printable, rate, short_digest};
use crate::snapshot::{Problem, Realserver, RealserverState, Service, ServiceState, Snapshot};

// Together they keep the page under 300 KB with texts as long as they get, if these are plain ones.
/// How many problems are shown.
const PROBLEMS: usize = 50;
/// How many vips are shown.
const VIPS: usize = 100;
/// How many services are shown.
const SERVICES: usize = 100;
/// How many realservers are shown, of all services.
const REALSERVERS: usize = 200;
/// How much of a text is shown, in characters.
const TEXT: usize = 200;

const STYLE: &str = include_str!("page.css");

/// Allows the page its own style, and nothing else.
pub(super) fn policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    });
    &POLICY
}

/// The page at `now`; of one service only, if it is named.
pub(super) fn render(
    snapshot: &Snapshot,
    events: &[Event],
    only: Option<&str>,
    now: Timestamp,
) -> askama::Result<String> {
    let wanted = |service: &&Service| only.is_none_or(|name| service.name == name);
    let wanted: Vec<&Service> = snapshot.services_by_need().into_iter().filter(wanted).collect();
    let mut room = REALSERVERS;
    let page = Page {
        style: STYLE,
        snapshot,
        problems: Shown::of(snapshot.problems.iter().collect(), PROBLEMS),
        more_services: wanted.len().saturating_sub(SERVICES),
        services: wanted
            .into_iter()
            .take(SERVICES)
            .map(|service| {
                let realservers = Shown::of(service.realservers_by_need(), room);
                room -= realservers.list.len();
                Group { service, realservers, open: only.is_some() || service.state.tone() != Tone::Good }
            })
            .collect(),
        only,
        events,
        tallies: tallies(snapshot),
        most_vips: VIPS,
        now,
    };
    // The template has no control characters but line breaks: all others came from outside.
    Ok(printable(&page.render()?))
}

#[derive(Template)]
#[template(path = "api/page.html")]
struct Page<'a> {
    style: &'static str,
    snapshot: &'a Snapshot,
    problems: Shown<'a, Problem>,
    services: Vec<Group<'a>>,
    more_services: usize,
    only: Option<&'a str>,
    events: &'a [Event],
    tallies: [(&'static str, Vec<Count>); 2],
    most_vips: usize,
    now: Timestamp,
}

/// How much it wants to be looked at, what it is, and how often it is.
type Count = (Tone, &'static str, usize);

/// The beginning of a list, and how many more there are.
struct Shown<'a, T> {
    list: Vec<&'a T>,
    more: usize,
}

impl<'a, T> Shown<'a, T> {
    fn of(mut list: Vec<&'a T>, most: usize) -> Self {
        let more = list.len().saturating_sub(most);
        list.truncate(most);
        Self { list, more }
    }
}

/// A service with those of its realservers that are shown.
struct Group<'a> {
    service: &'a Service,
    realservers: Shown<'a, Realserver>,
    open: bool,
}

fn tallies(snapshot: &Snapshot) -> [(&'static str, Vec<Count>); 2] {
    let services = || snapshot.services.iter();
    let states = ServiceState::ALL
        .map(|state| (state.tone(), state.name(), services().filter(|it| it.state == state).count()));
    let realservers = || services().flat_map(|service| &service.realservers);
    let realserver_states = RealserverState::ALL
        .map(|state| (state.tone(), state.name(), realservers().filter(|it| it.state == state).count()));
    let present = |counts: &[Count]| counts.iter().copied().filter(|&(.., count)| count > 0).collect();
    [("services", present(&states)), ("realservers", present(&realserver_states))]
}

fn short(text: &str) -> String {
    in_short(text, TEXT)
}
