//! Realservers, in a `[[pool]]` or in a service.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipvs::{Thresholds, Weight};
use toml::de::DeValue;

use super::Unique;
use super::forwarding::Forwarding;
use super::monitor::{Reader, Spec, monitors};
use super::vip::Vips;
use crate::config::report::{Problems, Reported, Span};
use crate::config::section::{At, Schema, Section, Value, did_you_mean, nearest, quoted, read, wrong_type};
use crate::config::{Name, value};

const POOL: Schema = Schema { title: "[[pool]]", keys: &["name", "realservers"], later: &[] };

const REALSERVER: Schema = Schema {
    title: "a realserver",
    keys: &[
        "name",
        "address",
        "port",
        "weight",
        "forward",
        "tunnel",
        "upper_threshold",
        "lower_threshold",
        "monitor",
    ],
    later: &[],
};

const LIST_HELP: &str = "add realservers = [\"192.0.2.10\"]";
const REALSERVER_HELP: &str = "write \"192.0.2.10\" or { address = \"192.0.2.10\", weight = 2 }";

/// A realserver as the file has it; what it does not say, the service decides.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) span: Span,
    pub(super) name: Name,
    pub(super) address: IpAddr,
    pub(super) port: Option<At<u16>>,
    pub(super) weight: Weight,
    pub(super) thresholds: Thresholds,
    pub(super) forwarding: Forwarding,
    /// How it is watched, if not as the service says.
    pub(super) monitors: Option<Vec<Spec>>,
}

/// A list of realservers.
#[derive(Clone, Debug)]
pub(super) struct Members {
    /// Those that are right.
    pub(super) list: Vec<Member>,
    /// Whether that is all of them.
    pub(super) complete: Result<(), Reported>,
}

/// The pools of the file.
pub(super) struct Pools<'a>(BTreeMap<&'a str, Result<Members, Reported>>);

impl Pools<'_> {
    /// The realservers of a pool.
    pub(super) fn members_of(
        &self,
        section: &Section<'_>,
        name: &str,
        span: Span,
    ) -> Result<&Members, Reported> {
        let Some(members) = self.0.get(name) else {
            let what = format!("there is no [[pool]] called {}", quoted(name));
            let near = nearest(section.problems, name, self.0.keys().copied());
            let help =
                near.map_or_else(|| "add it, or use the name of one in the file".to_owned(), did_you_mean);
            return Err(section.problems.add(span, what, help));
        };
        members.as_ref().map_err(|&reported| reported)
    }
}

/// Reads every `[[pool]]`.
pub(super) fn pools<'a>(root: &Section<'a>, vips: &Vips<'_>, reader: &Reader<'_>) -> Pools<'a> {
    let mut names = Unique::new();
    let mut pools = BTreeMap::new();
    for section in root.tables("pool", &POOL, "write [[pool]], with its keys on the lines below") {
        // A pool is only referred to: if its name is wrong, that is on record, and no value is built from it.
        let _ = names.name(&section, "add name = \"apache\"");
        let members = members(&section, vips, reader);
        if let Some(text) = section.get("name").and_then(|name| name.get_ref().as_str()) {
            pools.entry(text).or_insert(members);
        }
    }
    Pools(pools)
}

/// Reads the key `realservers` of a pool or a service.
pub(super) fn members(
    section: &Section<'_>,
    vips: &Vips<'_>,
    reader: &Reader<'_>,
) -> Result<Members, Reported> {
    let problems = section.problems;
    let values = section.list("realservers", LIST_HELP)?;
    if values.is_empty() {
        let span = section.get("realservers").map_or(section.span, |value| value.span().into());
        let help = "add at least one; weight = 0 keeps new connections away from it";
        return Err(problems.add(span, "there is no realserver here, so clients would be refused", help));
    }
    let mut complete = Ok(());
    let mut keep =
        |member: Result<Member, Reported>| member.map_err(|reported| complete = Err(reported)).ok();
    let list: Vec<Member> =
        values.iter().filter_map(|value| keep(member(value, problems, vips, reader))).collect();
    let mut names = Unique::new();
    for member in &list {
        let name = member.name.as_str();
        if let Err(earlier) = names.claim(name, member.span) {
            let what = format!("there is already a realserver called {}", quoted(name));
            let help = "take one out, or give it another name";
            complete = Err(problems.add_collision(member.span, earlier, what, help));
        }
    }
    Ok(Members { list, complete })
}

fn member<'a>(
    value: &'a Value<'a>,
    problems: &'a Problems,
    vips: &Vips<'_>,
    reader: &Reader<'_>,
) -> Result<Member, Reported> {
    let member = match value.get_ref() {
        DeValue::String(text) => plain(value, text, problems)?,
        DeValue::Table(table) => {
            let span = value.span().into();
            described(&Section::new(&REALSERVER, span, table, problems), reader)?
        }
        other => {
            let what = wrong_type("an address or a table", other);
            return Err(problems.add(value.span().into(), what, REALSERVER_HELP));
        }
    };
    member.is_no_vip(problems, vips)?;
    Ok(member)
}

/// A realserver of which there is nothing but the address.
pub(super) fn plain(value: &Value<'_>, text: &str, problems: &Problems) -> Result<Member, Reported> {
    let At { value: (address, port), span } = read(problems, value, |_| value::endpoint(text))?;
    Ok(Member {
        span,
        name: Name::of_realserver(text, address, port),
        address,
        port: port.map(|value| At { value, span }),
        weight: Weight::ONE,
        thresholds: Thresholds::NONE,
        forwarding: Forwarding::UNSAID,
        monitors: None,
    })
}

impl Member {
    /// A packet to a vip would come back.
    pub(super) fn is_no_vip(&self, problems: &Problems, vips: &Vips<'_>) -> Result<(), Reported> {
        let Some(vip) = vips.place_of(self.address) else {
            return Ok(());
        };
        let what = format!("{} is the address of a vip", self.address);
        Err(problems.add_collision(self.span, vip, what, "use the realserver's own address"))
    }
}

fn described(section: &Section<'_>, reader: &Reader<'_>) -> Result<Member, Reported> {
    let name = section.optional("name", value::name);
    let address = section.required("address", "add address = \"192.0.2.10\"", value::address);
    let port = section.optional("port", |value| value::port(value, 0));
    let weight = section.optional("weight", |value| value::integer(value, 0..=Weight::MAX.get()));
    let thresholds = thresholds(section);
    let forwarding = Forwarding::read(section);
    let monitors = monitors(section, reader);
    let (address, port) = (address?.value, port?);
    let weight = weight?.map_or(Ok(Weight::ONE), |at| {
        Weight::new(at.value)
            .map_err(|invalid| section.problems.add(at.span, invalid.to_string(), "use a smaller one"))
    });
    Ok(Member {
        span: section.span,
        name: match name? {
            Some(name) => name.value,
            None => Name::of_realserver(&address.to_string(), address, port.map(|at| at.value)),
        },
        address,
        port,
        weight: weight?,
        thresholds: thresholds?,
        forwarding: forwarding?,
        monitors: monitors?,
    })
}

fn thresholds(section: &Section<'_>) -> Result<Thresholds, Reported> {
    let bound = |key| section.optional(key, |value| value::integer(value, 0..=Thresholds::MAX));
    let (upper, lower) = (bound("upper_threshold"), bound("lower_threshold"));
    let (upper, lower) = (upper?, lower?);
    let number = |bound: Option<At<u32>>| bound.map_or(0, |at| at.value);
    Thresholds::new(number(upper), number(lower)).map_err(|invalid| {
        let span = lower.map_or(section.span, |at| at.span);
        section.problems.add(span, invalid.to_string(), "set upper_threshold to more than lower_threshold")
    })
}
