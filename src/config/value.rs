//! The values of the file: one reader for each kind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;
use toml::de::DeValue;

use super::name::{Interface, Name};
use super::section::{Fault, listed, quoted, wrong_type};

/// The longest time that the file can ask for: ipvsadm(8)'s limit.
pub(super) const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// A string; `help` shows one.
pub(super) fn text<'a>(value: &'a DeValue<'a>, help: &'static str) -> Result<&'a str, Fault> {
    match value {
        DeValue::String(text) => Ok(text),
        other => Err(Fault::new(wrong_type("a string", other), help)),
    }
}

/// `true` or `false`.
pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Fault> {
    match value {
        DeValue::Boolean(value) => Ok(*value),
        other => Err(Fault::new(wrong_type("true or false", other), "write true or false, without quotes")),
    }
}

/// An integer of a range.
pub(super) fn integer(value: &DeValue<'_>, range: RangeInclusive<u32>) -> Result<u32, Fault> {
    let help = || format!("use a number from {} to {}, without quotes", range.start(), range.end());
    let DeValue::Integer(integer) = value else {
        return Err(Fault::new(wrong_type("an integer", value), help()));
    };
    match u32::from_str_radix(integer.as_str(), integer.radix()) {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(Fault::new(format!("{} is out of range", shortened(&integer.to_string())), help())),
    }
}

/// A port; 0 where `lowest` is 0.
pub(super) fn port(value: &DeValue<'_>, lowest: u16) -> Result<u16, Fault> {
    let port = integer(value, u32::from(lowest)..=u32::from(u16::MAX))?;
    Ok(u16::try_from(port).unwrap_or_default())
}

/// One of several words.
pub(super) fn word<T: Copy>(value: &DeValue<'_>, words: &[(&'static str, T)]) -> Result<T, Fault> {
    let help = || {
        let names: Vec<&str> = words.iter().map(|&(name, _)| name).collect();
        match *names.as_slice() {
            [only] => format!("it can only be `{only}`"),
            _ => format!("it is one of {}", listed(&names)),
        }
    };
    let DeValue::String(text) = value else {
        return Err(Fault::new(wrong_type("a string", value), help()));
    };
    let known = words.iter().find(|(name, _)| name == text);
    match known {
        Some(&(_, meaning)) => Ok(meaning),
        None => Err(Fault::new(format!("{} is not known here", quoted(text)), help())),
    }
}

/// An argument for a program.
pub(super) fn argument(value: &DeValue<'_>) -> Result<String, Fault> {
    let text = text(value, "an argument is a string, for example \"--to\"")?;
    if text.contains('\0') {
        return Err(Fault::new("a program cannot get a NUL character", "take it out"));
    }
    Ok(text.to_owned())
}

/// A name for a thing.
pub(super) fn name(value: &DeValue<'_>) -> Result<Name, Fault> {
    const HELP: &str = "a name is 1 to 64 of the characters A-Z a-z 0-9 . _ -";
    let text = text(value, HELP)?;
    Name::new(text).ok_or_else(|| Fault::new(format!("{} is not a name", quoted(text)), HELP))
}

/// The name of a network interface.
pub(super) fn interface(value: &DeValue<'_>) -> Result<Interface, Fault> {
    const HELP: &str = "name one that `ip link` shows, for example \"eth0\"";
    let text = text(value, HELP)?;
    Interface::new(text).ok_or_else(|| {
        let what = format!("{} is not the name of an interface", quoted(text));
        match text.split_once(':').and_then(|(device, _)| Interface::new(device)) {
            Some(device) => Fault::new(what, format!("labels are not needed: write {:?}", device.as_str())),
            None => Fault::new(what, HELP),
        }
    })
}

/// A time: a whole number and a unit.
pub(super) fn duration(value: &DeValue<'_>) -> Result<Duration, Fault> {
    const HELP: &str = "write a whole number and a unit (ms, s, m, h, d) in quotes, for example \"300s\"";
    let text = text(value, HELP)?;
    let malformed = || Fault::new(format!("{} is not a time", quoted(text)), HELP);
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(malformed)?;
    let (digits, unit) = text.split_at_checked(unit_at).ok_or_else(malformed)?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(malformed()),
    };
    if digits.is_empty() {
        return Err(malformed());
    }
    // Too many digits for an integer are a long time, too.
    let count = digits.parse().unwrap_or(u64::MAX);
    let duration = Duration::from_millis(count.saturating_mul(milliseconds));
    if duration > LONGEST {
        return Err(Fault::new(format!("{} is too long", quoted(text)), "the longest time is \"31d\""));
    }
    Ok(duration)
}

/// A time of a range, whose ends are called as the file would.
pub(super) fn bounded(
    value: &DeValue<'_>,
    (shortest, from): (Duration, &str),
    (longest, to): (Duration, &str),
) -> Result<Duration, Fault> {
    match duration(value)? {
        time if (shortest..=longest).contains(&time) => Ok(time),
        time => {
            let what = if time < shortest { "this is too short" } else { "this is too long" };
            Err(Fault::new(what, format!("use \"{from}\" to \"{to}\"")))
        }
    }
}

/// A time in whole seconds, at least one.
pub(super) fn seconds(value: &DeValue<'_>) -> Result<u32, Fault> {
    let duration = duration(value)?;
    match u32::try_from(duration.as_secs()) {
        Ok(seconds @ 1..) if duration.subsec_nanos() == 0 => Ok(seconds),
        _ => {
            Err(Fault::new("the kernel counts this in whole seconds, at least one", "use \"1s\" to \"31d\""))
        }
    }
}

const ADDRESS_HELP: &str = "write \"192.0.2.10\" or \"2001:db8::10\"; host names are not looked up";

/// An address that one machine can have.
pub(super) fn address(value: &DeValue<'_>) -> Result<IpAddr, Fault> {
    parse_address(text(value, ADDRESS_HELP)?)
}

/// The same, of a part of a string.
pub(super) fn parse_address(text: &str) -> Result<IpAddr, Fault> {
    let help = match socket_address(text) {
        Some((address, None)) => return unicast(address),
        Some((_, Some(_))) => "write the address here and the port as `port`",
        None => ADDRESS_HELP,
    };
    Err(Fault::new(format!("{} is not an address", quoted(text)), help))
}

/// An address with or without a port: `A`, `A:PORT`, `[A]:PORT`.
pub(super) fn endpoint(text: &str) -> Result<(IpAddr, Option<u16>), Fault> {
    const HELP: &str = "write \"192.0.2.10\", \"192.0.2.10:80\", \"2001:db8::10\" or \"[2001:db8::10]:80\"; \
                        host names are not looked up";
    match socket_address(text) {
        Some((address, port)) => Ok((unicast(address)?, port)),
        None => Err(Fault::new(format!("{} is not an address", quoted(text)), HELP)),
    }
}

fn socket_address(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(address) = text.parse() {
        return Some((address, None));
    }
    let (host, port) = text.rsplit_once(':')?;
    let address = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => IpAddr::V6(v6.parse().ok()?),
        None => IpAddr::V4(host.parse().ok()?),
    };
    // `parse` alone would take "+80".
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    Some((address, Some(port.parse().ok().filter(|_| digits)?)))
}

/// An address with its prefix, as a machine carries it.
pub(super) fn network_address(value: &DeValue<'_>) -> Result<IpNet, Fault> {
    const HELP: &str = "write the address with the length of its prefix, for example \"192.0.2.1/24\"";
    let text = text(value, HELP)?;
    if let Ok(address) = text.parse::<IpAddr>() {
        let example = if address.is_ipv4() { "24" } else { "64" };
        return Err(Fault::new(
            format!("{address} has no prefix length"),
            format!("add that of its network, for example \"{address}/{example}\""),
        ));
    }
    let net: IpNet = text
        .parse()
        .map_err(|_| Fault::new(format!("{} is not an address with a prefix", quoted(text)), HELP))?;
    let address = unicast(net.addr())?;
    if address.is_loopback() {
        return Err(Fault::new(
            format!("{address} never leaves this machine"),
            "use an address that clients can reach",
        ));
    }
    // In /31 and /127 (RFC 3021, RFC 6164) and in host prefixes every address is a host's.
    if net.max_prefix_len() - net.prefix_len() >= 2 {
        if address == net.network() {
            return Err(Fault::new(
                format!("{address} is the network {} itself, not a machine in it", net.trunc()),
                "use one of the network's other addresses",
            ));
        }
        if address.is_ipv4() && address == net.broadcast() {
            return Err(Fault::new(
                format!("{address} is the broadcast address of {}", net.trunc()),
                "use one of the network's other addresses",
            ));
        }
    }
    Ok(net)
}

/// Refuses what the kernel refuses as a destination, and what no service can answer at.
fn unicast(address: IpAddr) -> Result<IpAddr, Fault> {
    let kind = match address {
        // All of 0.0.0.0/8: see the kernel's `ipv4_is_zeronet`.
        IpAddr::V4(v4) if v4.octets().starts_with(&[0]) => "stands for no machine",
        IpAddr::V4(Ipv4Addr::BROADCAST) => "is the broadcast address",
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => "stands for no machine",
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            return Err(Fault::new(
                format!("{address} is a link-local address, which is nobody's without an interface"),
                "use a global or a unique local (fd00::/8) address",
            ));
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => {
                return Err(Fault::new(
                    format!("{address} is an IPv4 address in IPv6 form"),
                    format!("write \"{v4}\""),
                ));
            }
            None if address.is_multicast() => "is a multicast address",
            None => return Ok(address),
        },
        IpAddr::V4(_) if address.is_multicast() => "is a multicast address",
        IpAddr::V4(_) => return Ok(address),
    };
    Err(Fault::new(format!("{address} {kind}"), "use the address of one machine"))
}

/// Keeps a number's digits within a line.
fn shortened(number: &str) -> &str {
    number.get(..40).unwrap_or(number)
}
