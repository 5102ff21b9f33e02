//! `monitor`: how realservers are watched.

mod adopt;
mod body;
mod exec;
mod http;
mod keys;
mod pace;
mod simple;
mod tls;

use std::net::IpAddr;

use healthcheck::{Check, Monitor, Origin};
use toml::de::{DeTable, DeValue};

use super::file::Directory;
use crate::config::report::{Reported, Span};
use crate::config::section::{At, Section, Value, read, wrong_type};
use crate::config::{Interface, value};

pub(super) use adopt::{Adopter, Shared};
use body::Expressions;
use keys::{KINDS, Kind, MONITOR};

const HELP: &str = "write monitor = \"tcp\", or monitor = { type = \"http\", path = \"/\" }; \"none\" watches nothing, \
                    which has to be said";

/// What monitors are read with.
pub(super) struct Reader<'c> {
    directory: Directory<'c>,
    expressions: Expressions,
}

impl<'c> Reader<'c> {
    pub(super) fn new(directory: Directory<'c>) -> Self {
        Self { directory, expressions: Expressions::default() }
    }
}

/// A monitor as the file has it, before it is known whom it watches.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    monitor: Monitor,
    span: Span,
    /// The addresses in it, which realservers must share the family of.
    addresses: Vec<At<IpAddr>>,
}

/// Reads the key `monitor` of a service or a realserver.
pub(super) fn monitors(section: &Section<'_>, reader: &Reader<'_>) -> Result<Option<Vec<Spec>>, Reported> {
    let problems = section.problems;
    let Some(value) = section.get("monitor") else {
        return Ok(None);
    };
    let DeValue::Array(list) = value.get_ref() else {
        return Ok(Some(monitor(section, value, reader)?.into_iter().collect()));
    };
    if list.is_empty() {
        return Err(problems.add(value.span().into(), "no monitor is in this list", HELP));
    }
    let element = |value: &Value<'_>| {
        monitor(section, value, reader)?.ok_or_else(|| {
            let help = "take it out, or write monitor = \"none\" without a list";
            problems.add(value.span().into(), "\"none\" stands alone", help)
        })
    };
    let monitors: Vec<_> = list.iter().map(element).collect();
    monitors.into_iter().collect::<Result<_, _>>().map(Some)
}

/// Reads the key `monitor` where it must be.
pub(super) fn required(section: &Section<'_>, reader: &Reader<'_>) -> Result<Vec<Spec>, Reported> {
    monitors(section, reader)?.ok_or_else(|| section.missing("monitor", HELP))
}

/// Reads one monitor, a word or a table; the type `none` is none.
fn monitor(parent: &Section<'_>, value: &Value<'_>, reader: &Reader<'_>) -> Result<Option<Spec>, Reported> {
    let problems = parent.problems;
    let span = value.span().into();
    let of = |value| value::word(value, &KINDS);
    match value.get_ref() {
        DeValue::Table(table) => {
            let section = Section::new(&MONITOR, span, table, problems);
            let kind = section.required("type", "add type = \"http\"", of)?.value;
            let placed = keys::none_out_of_place(&section, kind);
            let spec = spec(&section, kind, reader);
            placed.and(spec)
        }
        DeValue::String(_) => {
            let kind = read(problems, value, of)?.value;
            spec(&Section::new(&MONITOR, span, &DeTable::new(), problems), kind, reader)
        }
        other => Err(problems.add(span, wrong_type("a string or a table", other), HELP)),
    }
}

fn spec(section: &Section<'_>, kind: Kind, reader: &Reader<'_>) -> Result<Option<Spec>, Reported> {
    if kind == Kind::None {
        return Ok(None);
    }
    let address = section.optional("address", value::address);
    let port = section.optional("port", |value| value::port(value, 1));
    let source = section.optional("source", value::address);
    let interface = section.optional("interface", value::interface);
    let pace = pace::pace(section, kind);
    let check = check(section, kind, reader);
    let (address, source, pace) = (address?, source?, pace?);
    if let (Some(address), Some(source)) = (address, source)
        && address.value.is_ipv4() != source.value.is_ipv4()
    {
        let what = "`address` and `source` are of different families";
        let help = "use two IPv4 or two IPv6 addresses";
        return Err(section.problems.add_collision(source.span, address.span, what, help));
    }
    let monitor = Monitor {
        check: check?,
        address: address.map(|at| at.value),
        port: port?.map(|at| at.value),
        origin: Origin {
            address: source.map(|at| at.value),
            interface: interface?.map(|at: At<Interface>| at.value.as_str().to_owned()),
        },
        timeout: pace.timeout,
        pace: pace.pace,
    };
    let addresses = [address, source].into_iter().flatten().collect();
    Ok(Some(Spec { monitor, span: section.span, addresses }))
}

fn check(section: &Section<'_>, kind: Kind, reader: &Reader<'_>) -> Result<Check, Reported> {
    Ok(match kind {
        Kind::None | Kind::Tcp => Check::Tcp,
        Kind::Tls => Check::Tls(tls::tls(section, reader)?),
        Kind::Http => Check::Http(Box::new(http::http(section, reader)?)),
        Kind::Https => {
            let tls = tls::tls(section, reader);
            let http = http::http(section, reader)?;
            Check::Http(Box::new(healthcheck::Http { tls: Some(tls?), ..http }))
        }
        Kind::Udp => Check::Udp(simple::udp(section, reader)?),
        Kind::Ping => Check::Ping,
        Kind::Dns => Check::Dns(simple::dns(section)?),
        Kind::Smtp => Check::Smtp(simple::smtp(section)?),
        Kind::Exec => Check::Exec(exec::exec(section, reader)?),
        Kind::Idle => Check::Idle,
    })
}
