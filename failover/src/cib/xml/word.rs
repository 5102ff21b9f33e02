//! Values as Heartbeat writes them: one reader for each kind.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::cib::Operation;
use crate::core::NoQuorum;
use crate::score::Score;

pub(super) use crate::cib::text::value::{
    is_attribute, is_comparand, is_interface, is_name, is_network_address, quoted,
};

/// Why a value was not taken.
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) help: String,
}

fn fault<T>(what: impl Into<String>, help: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { what: what.into(), help: help.into() })
}

/// A number within bounds; what is beyond is as if it were at the bound.
fn clamped(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let most = Score::INFINITY.get();
    valid.then(|| match text.parse::<i32>() {
        Ok(number) => number.clamp(-most, most),
        Err(_) if text.starts_with('-') => -most,
        Err(_) => most,
    })
}

/// A score.
pub(super) fn score(text: &str) -> Result<Score, Fault> {
    match text {
        "INFINITY" | "+INFINITY" => Ok(Score::INFINITY),
        "-INFINITY" => Ok(Score::NEG_INFINITY),
        other => match clamped(other) {
            Some(number) => Ok(Score::new(number)),
            None => {
                fault(format!("{} is not a score", quoted(text)), "use a whole number, INFINITY or -INFINITY")
            }
        },
    }
}

/// A number of things; `INFINITY` is as many as there can be.
pub(super) fn count(text: &str) -> Result<u32, Fault> {
    match score(text).map(|score| u32::try_from(score.get())) {
        Ok(Ok(count)) => Ok(count),
        _ => fault(format!("{} is not a count", quoted(text)), "use a number from 0 on, or INFINITY"),
    }
}

/// A part of a version.
pub(super) fn version(text: &str) -> Result<u32, Fault> {
    const HELP: &str = "use a number from 0 to 4294967295";
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => fault(format!("{} is not part of a version", quoted(text)), HELP),
    }
}

/// Yes or no.
pub(super) fn boolean(text: &str) -> Result<bool, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" | "1" => Ok(true),
        "false" | "off" | "no" | "n" | "0" => Ok(false),
        _ => fault(format!("{} is neither true nor false", quoted(text)), "use true or false"),
    }
}

/// What becomes of vips without a majority.
pub(super) fn policy(text: &str) -> Result<NoQuorum, Fault> {
    let known = [NoQuorum::Stop, NoQuorum::Freeze, NoQuorum::Ignore];
    match known.into_iter().find(|policy| policy.name() == text) {
        Some(policy) => Ok(policy),
        None => fault(format!("there is no policy {}", quoted(text)), "use stop, freeze or ignore"),
    }
}

/// How an attribute is compared.
pub(super) fn operation(text: &str) -> Result<Operation, Fault> {
    match Operation::ALL.into_iter().find(|operation| operation.name() == text) {
        Some(operation) => Ok(operation),
        None => fault(
            format!("there is no operation {}", quoted(text)),
            "use one of lt, gt, lte, gte, eq, ne, defined, not_defined",
        ),
    }
}

/// The units of times, in milliseconds.
const UNITS: [(&str, u64); 11] = [
    ("", 1000),
    ("s", 1000),
    ("sec", 1000),
    ("ms", 1),
    ("msec", 1),
    ("m", 60_000),
    ("min", 60_000),
    ("h", 3_600_000),
    ("hr", 3_600_000),
    ("d", 86_400_000),
    ("day", 86_400_000),
];

/// A time, a year at most; without a unit it is in seconds.
pub(super) fn time(text: &str) -> Result<Duration, Fault> {
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let time = text.split_at_checked(unit_at).and_then(|(digits, unit)| {
        let (_, milliseconds) = UNITS.into_iter().find(|(name, _)| *name == unit.trim())?;
        Some(Duration::from_millis(digits.parse::<u64>().ok()?.checked_mul(milliseconds)?))
    });
    match time {
        Some(time) if time <= LONGEST => Ok(time),
        _ => fault(format!("{} is not a time", quoted(text)), "write a whole number and a unit: 90s, 10min"),
    }
}

/// The length of a prefix: a number, or else a mask with dots.
pub(super) enum Mask {
    Length(String),
    Dotted(u32),
}

/// A mask of either kind.
pub(super) fn mask(text: &str) -> Result<Mask, Fault> {
    if text.parse::<u8>().is_ok_and(|length| length <= 128) && !text.starts_with('+') {
        return Ok(Mask::Length(text.to_owned()));
    }
    let bits = text.parse::<Ipv4Addr>().ok().map(u32::from);
    match bits.filter(|bits| bits.leading_ones() + bits.trailing_zeros() == 32) {
        Some(bits) => Ok(Mask::Dotted(bits.leading_ones())),
        None => {
            fault(format!("{} is not a mask", quoted(text)), "use the length of the prefix, for example 24")
        }
    }
}

/// An address.
pub(super) fn address(text: &str) -> Result<IpAddr, Fault> {
    match text.parse() {
        Ok(address) => Ok(address),
        Err(_) => {
            fault(format!("{} is not an address", quoted(text)), "write it as 192.0.2.1 or 2001:db8::1")
        }
    }
}

/// A name as lvsd has them: other characters become `_`.
pub(super) fn respelled(text: &str) -> String {
    let valid = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    text.chars().take(128).map(|c| if valid(c) { c } else { '_' }).collect()
}
