//! How a service schedules: scheduler, flags, persistence, one-packet mode.

use std::net::Ipv4Addr;

use ipvs::{
    EngineName, Family, Flags, Netmask, Persistence, PersistenceTimeout, Protocol, Scheduler, Service,
    ServiceId,
};
use toml::de::DeValue;

use crate::config::report::{Reported, Span};
use crate::config::section::{
    At, Fault, Schema, Section, did_you_mean, listed, nearest, quoted, read, wrong_type,
};
use crate::config::value;

const PERSISTENT: Schema =
    Schema { title: "persistent", keys: &["timeout", "netmask", "engine"], later: &[] };

/// ipvsadm(8)'s default.
const DEFAULT_SCHEDULER: &str = "wlc";

/// A flag's name, the scheduler it belongs to if it is one's own, and what it sets.
const FLAGS: [(&str, Option<&str>, Flags); 7] = [
    ("sh-port", Some("sh"), Flags::PORT),
    ("sh-fallback", Some("sh"), Flags::FALLBACK),
    ("mh-port", Some("mh"), Flags::PORT),
    ("mh-fallback", Some("mh"), Flags::FALLBACK),
    ("flag-1", None, Flags::FALLBACK),
    ("flag-2", None, Flags::PORT),
    ("flag-3", None, Flags::THIRD),
];

/// Reads everything about scheduling. `ids` and `protocol` may be wrong already.
pub(super) fn definition(
    section: &Section<'_>,
    ids: Result<&[ServiceId], Reported>,
    protocol: Result<Protocol, Reported>,
) -> Result<Service, Reported> {
    let scheduler = scheduler(section);
    let flags = flags(section, scheduler.as_ref().map_err(|&reported| reported));
    let persistence = persistence(section, ids, protocol);
    let one_packet = one_packet(section, protocol);
    let (persistence, netmask) = persistence?;
    Ok(Service { scheduler: scheduler?, flags: flags?, persistence, netmask, one_packet: one_packet? })
}

fn scheduler(section: &Section<'_>) -> Result<Scheduler, Reported> {
    let name = section.optional("scheduler", |value| {
        let help = || format!("it is one of {}", listed(&Scheduler::KNOWN));
        let DeValue::String(name) = value else {
            return Err(Fault::new(wrong_type("a string", value), help()));
        };
        if Scheduler::KNOWN.contains(&name.as_ref()) {
            return Ok(name.as_ref());
        }
        let near = nearest(section.problems, name, Scheduler::KNOWN);
        Err(Fault::new(format!("{} is not a scheduler", quoted(name)), near.map_or_else(help, did_you_mean)))
    })?;
    let (name, span) = name.map_or((DEFAULT_SCHEDULER, section.span), |at| (at.value, at.span));
    Scheduler::new(name)
        .map_err(|invalid| section.problems.add(span, invalid.to_string(), "use another scheduler"))
}

fn flags(section: &Section<'_>, scheduler: Result<&Scheduler, Reported>) -> Result<Flags, Reported> {
    if section.get("flags").is_none() {
        return Ok(Flags::NONE);
    }
    let problems = section.problems;
    let words = FLAGS.map(|(name, owner, flag)| (name, (owner, flag)));
    let mut all = Ok(Flags::NONE);
    for value in section.list("flags", "write flags = [\"sh-port\"]")? {
        let flag = read(problems, value, |value| value::word(value, &words)).and_then(|at| {
            let (owner, flag) = at.value;
            match owner {
                Some(owner) if scheduler?.as_str() != owner => {
                    let what = format!("this flag belongs to the scheduler {owner}, not to {}", scheduler?);
                    Err(problems.add(at.span, what, format!("take it out, or use scheduler = \"{owner}\"")))
                }
                _ if all.is_ok_and(|all: Flags| all.contains(flag)) => {
                    Err(problems.add(at.span, "this flag is set already", "take it out"))
                }
                _ => Ok(flag),
            }
        });
        all = match (all, flag) {
            (Ok(all), Ok(flag)) => Ok(all | flag),
            (Err(reported), _) | (_, Err(reported)) => Err(reported),
        };
    }
    all
}

fn persistence(
    section: &Section<'_>,
    ids: Result<&[ServiceId], Reported>,
    protocol: Result<Protocol, Reported>,
) -> Result<(Option<Persistence>, Netmask), Reported> {
    let Some(value) = section.get("persistent") else {
        if let Some(reported) = section.misspelt("persistent") {
            return Err(reported);
        }
        let mut none = Ok((None, Netmask::Host));
        for span in ["netmask", "engine"].into_iter().filter_map(|key| section.key_span(key)) {
            let help = "add persistent = \"300s\", or take it out";
            none = Err(section.problems.add(span, "this means nothing without `persistent`", help));
        }
        return none;
    };
    let table = Section::of(&PERSISTENT, value, section.problems);
    let timeout = match &table {
        Some(table) => table.required("timeout", "add timeout = \"300s\"", value::seconds),
        None => read(section.problems, value, value::seconds),
    };
    let holder = |key| match &table {
        Some(table) if table.get(key).is_some() => {
            if let (Some(beside), Some(inside)) = (section.key_span(key), table.key_span(key)) {
                let what = format!("`{key}` stands here and in `persistent`");
                section.problems.add_collision(beside, inside, what, "take one of the two out");
            }
            table
        }
        _ => section,
    };
    let netmask = netmask(holder("netmask"), ids);
    let engine = engine(holder("engine"), protocol);
    let timeout = timeout?;
    let timeout = PersistenceTimeout::from_seconds(timeout.value)
        .map_err(|invalid| section.problems.add(timeout.span, invalid.to_string(), "use \"1s\" to \"31d\""));
    let persistence = Persistence { timeout: timeout?, engine: engine? };
    Ok((Some(persistence), netmask?))
}

fn netmask(holder: &Section<'_>, ids: Result<&[ServiceId], Reported>) -> Result<Netmask, Reported> {
    let Some(value) = holder.get("netmask") else {
        return Ok(Netmask::Host);
    };
    let of = |family| move |id: &ServiceId| id.family() == family;
    let ids = ids?;
    if ids.iter().all(of(Family::V4)) {
        return Ok(read(holder.problems, value, v4_mask)?.value);
    }
    if ids.iter().all(of(Family::V6)) {
        return Ok(read(holder.problems, value, v6_mask)?.value);
    }
    let what = "the service has IPv4 and IPv6 addresses, and a netmask is of one family";
    let help = "make it two services, each with an `address` of one family";
    Err(holder.problems.add(value.span().into(), what, help))
}

fn v4_mask(value: &DeValue<'_>) -> Result<Netmask, Fault> {
    const HELP: &str = "write a mask like \"255.255.255.0\" or the length of a prefix, 1 to 32, like 24";
    let mask = match value {
        DeValue::String(text) => text.parse().ok().filter(|mask: &Ipv4Addr| {
            let bits = mask.to_bits();
            bits != 0 && bits.leading_ones() + bits.trailing_zeros() == u32::BITS
        }),
        DeValue::Integer(_) => {
            let length = value::integer(value, 1..=32)?;
            Some(Ipv4Addr::from_bits(u32::MAX << (32 - length)))
        }
        other => return Err(Fault::new(wrong_type("a string or an integer", other), HELP)),
    };
    mask.map(Netmask::v4).ok_or_else(|| Fault::new("this is not a netmask", HELP))
}

fn v6_mask(value: &DeValue<'_>) -> Result<Netmask, Fault> {
    let length = value::integer(value, 1..=128)?;
    Netmask::v6(length).map_err(|invalid| Fault::new(invalid.to_string(), "use a number from 1 to 128"))
}

fn engine(
    holder: &Section<'_>,
    protocol: Result<Protocol, Reported>,
) -> Result<Option<EngineName>, Reported> {
    let engine = holder.optional("engine", |value| value::word(value, &[("sip", "sip")]))?;
    let Some(At { value: name, span }) = engine else {
        return Ok(None);
    };
    if protocol? != Protocol::Udp {
        let what = "the engine `sip` reads the call's identifier from UDP";
        return Err(holder.problems.add(span, what, "add protocol = \"udp\" to the service, or take it out"));
    }
    EngineName::new(name)
        .map(Some)
        .map_err(|invalid| holder.problems.add(span, invalid.to_string(), "take it out"))
}

fn one_packet(section: &Section<'_>, protocol: Result<Protocol, Reported>) -> Result<bool, Reported> {
    let Some(at) = section.optional("one_packet", value::boolean)? else {
        return Ok(false);
    };
    let by_mark = section.key_span("fwmark").is_some();
    if at.value && !by_mark && protocol? != Protocol::Udp {
        return Err(refuse_one_packet(section, at.span));
    }
    Ok(at.value)
}

fn refuse_one_packet(section: &Section<'_>, span: Span) -> Reported {
    let what = "only datagrams can be scheduled one by one";
    section.problems.add(span, what, "add protocol = \"udp\", or take it out")
}
