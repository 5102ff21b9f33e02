//! Which packets get another source: `snat` and `masquerade`.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use ipvs::Family;
use toml::de::DeValue;

use crate::config::report::Reported;
use crate::config::section::{Fault, Section, quoted, read, wrong_type};
use crate::config::traffic::{Carried, Traffic};
use crate::config::{Interface, value};

/// The keys by which traffic is described.
pub(super) const KEYS: [&str; 5] = ["out", "source", "destination", "protocol", "port"];

const PORT_HELP: &str = "use a number from 1 to 65535, a range like \"6000-6010\", or a list of both";

/// Reads what a rule says of its packets, and of which family they are, if it says.
pub(super) fn traffic(section: &Section<'_>) -> Result<(Traffic, Option<Family>), Reported> {
    let out = section.optional("out", outgoing);
    let source = section.optional("source", network);
    let destination = section.optional("destination", network);
    let words = Carried::ALL.map(|carried| (carried.name(), carried));
    let protocol = section.optional("protocol", |it| value::word(it, &words));
    let ports = ports(section);
    let (out, source, destination, protocol) = (out?, source?, destination?, protocol?);
    let ports = ports?;

    if KEYS.iter().all(|key| section.get(key).is_none()) {
        let what = "this is for every packet of every connection";
        let help = "say which: add out, source, destination, protocol or port";
        return Err(section.missing_one_of(&KEYS, what, help));
    }
    if let (Some(span), false) =
        (section.key_span("port"), protocol.is_some_and(|protocol| protocol.value.has_ports()))
    {
        let (what, help) = match protocol {
            None => ("a port is one of a protocol, which is missing", "add protocol = \"udp\" or \"tcp\""),
            Some(_) => ("ICMP has no ports", "take `port` out"),
        };
        return Err(section.problems.add(span, what, help));
    }
    let said = [
        source.map(|at| (family(at.value), at.span)),
        destination.map(|at| (family(at.value), at.span)),
        protocol.and_then(|at| Some((at.value.family()?, at.span))),
    ];
    let mut said = said.into_iter().flatten();
    let first = said.next();
    if let Some((one, place)) = first
        && let Some((_, other)) = said.find(|(family, _)| *family != one)
    {
        let what = "one of these is of IPv4 and one of IPv6: no packet is both";
        let (earlier, later) = if place < other { (place, other) } else { (other, place) };
        return Err(section.problems.add_collision(later, earlier, what, "make it two rules"));
    }
    let traffic = Traffic {
        out: out.map(|at| at.value),
        source: source.map(|at| at.value),
        destination: destination.map(|at| at.value),
        protocol: protocol.map(|at| at.value),
        ports,
    };
    Ok((traffic, first.map(|(family, _)| family)))
}

/// The family of a network.
pub(super) fn family(net: IpNet) -> Family {
    match net {
        IpNet::V4(_) => Family::V4,
        IpNet::V6(_) => Family::V6,
    }
}

/// An interface, in characters that mean themselves to nft.
fn outgoing(value: &DeValue<'_>) -> Result<Interface, Fault> {
    let interface = value::interface(value)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
    if !interface.as_str().bytes().all(plain) {
        let what = format!("{} is not the name of one interface", quoted(interface.as_str()));
        return Err(Fault::new(what, "name one that `ip link` shows; there are no wildcards here"));
    }
    if interface.as_str() == "lo" {
        return Err(Fault::new(
            "what goes by lo never leaves this machine",
            "name the interface that leads to the destination",
        ));
    }
    Ok(interface)
}

/// A network, or one address.
fn network(value: &DeValue<'_>) -> Result<IpNet, Fault> {
    const HELP: &str = "write an address or a network: \"192.0.2.0/24\", \"192.0.2.10\" or \"2001:db8::/64\"";
    let text = value::text(value, HELP)?;
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let net = net.map_err(|_| Fault::new(format!("{} is not a network", quoted(text)), HELP))?;
    if net != net.trunc() {
        let what = format!("{net} is an address in a network");
        let help =
            format!("write \"{}\" for the network, or \"{}\" for the address", net.trunc(), net.addr());
        return Err(Fault::new(what, help));
    }
    Ok(net)
}

/// Ports, ascending, with those that touch each other made one.
fn ports(section: &Section<'_>) -> Result<Vec<RangeInclusive<u16>>, Reported> {
    let Some(value) = section.get("port") else { return Ok(Vec::new()) };
    let each: Vec<_> = match value.get_ref() {
        DeValue::Array(list) if list.is_empty() => {
            return Err(section.problems.add(value.span().into(), "this is no port", PORT_HELP));
        }
        DeValue::Array(list) => {
            list.iter().map(|value| Ok(read(section.problems, value, ports_of)?.value)).collect()
        }
        _ => vec![read(section.problems, value, ports_of).map(|at| at.value)],
    };
    let mut each: Vec<RangeInclusive<u16>> = each.into_iter().collect::<Result<_, _>>()?;
    each.sort_by_key(|ports| *ports.start());
    let mut merged: Vec<RangeInclusive<u16>> = Vec::new();
    for ports in each {
        match merged.last_mut().filter(|last| *ports.start() <= last.end().saturating_add(1)) {
            Some(last) => *last = *last.start()..=*last.end().max(ports.end()),
            None => merged.push(ports),
        }
    }
    Ok(merged)
}

fn ports_of(value: &DeValue<'_>) -> Result<RangeInclusive<u16>, Fault> {
    let DeValue::String(text) = value else {
        return match value {
            DeValue::Integer(_) => {
                let port = value::port(value, 1)?;
                Ok(port..=port)
            }
            other => Err(Fault::new(wrong_type("a port", other), PORT_HELP)),
        };
    };
    let port = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|port| digits && *port > 0)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        (Some(_), Some(_)) => {
            Err(Fault::new(format!("{} ends before it begins", quoted(text)), "write the lower port first"))
        }
        _ => Err(Fault::new(format!("{} is not a port", quoted(text)), PORT_HELP)),
    }
}
