//! The values of the text: one reader for each kind.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use toml::de::DeValue;

use crate::core::{NoQuorum, Role};
use crate::score::Score;

use super::super::{Operation, Version};

/// Why a value was not taken.
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) help: String,
}

/// Reads a value.
pub(super) trait Reader<T>: Fn(&DeValue<'_>) -> Result<T, Fault> {}
impl<T, F: Fn(&DeValue<'_>) -> Result<T, Fault>> Reader<T> for F {}

fn fault<T>(what: impl Into<String>, help: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { what: what.into(), help: help.into() })
}

/// What another program wrote, for a message: in quotes, printable, and not too long.
pub(in crate::cib) fn quoted(word: &str) -> String {
    const SHOWN: usize = 60;
    match word.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}...", word.get(..end).unwrap_or_default()),
        None => format!("{word:?}"),
    }
}

fn text<'a>(value: &'a DeValue<'_>, help: &str) -> Result<&'a str, Fault> {
    match value {
        DeValue::String(text) => Ok(text),
        other => fault(format!("text is wanted here, not {}", kind(other)), help),
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Whether a node, a vip or a constraint can be called this.
pub(in crate::cib) fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}

/// What a node, a vip or a constraint is called.
pub(super) fn name(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "a name is 1 to 128 of the characters A-Z a-z 0-9 . _ : -";
    match text(value, HELP)? {
        text if is_name(text) => Ok(text.to_owned()),
        text => fault(format!("{} is not a name", quoted(text)), HELP),
    }
}

/// Whether an attribute of a node can be called this.
pub(in crate::cib) fn is_attribute(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The name of an attribute of a node.
pub(super) fn attribute(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "an attribute is called by 1 to 128 letters, digits and signs, for example \"pingd\"";
    match text(value, HELP)? {
        text if is_attribute(text) => Ok(text.to_owned()),
        text => fault(format!("{} is not the name of an attribute", quoted(text)), HELP),
    }
}

/// Whether an attribute can be compared with this.
pub(in crate::cib) fn is_comparand(text: &str) -> bool {
    (1..=256).contains(&text.len()) && !text.contains(char::is_control)
}

/// What an attribute is compared with.
pub(super) fn comparand(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "write 1 to 256 characters in quotes, for example \"100\"";
    match text(value, HELP)? {
        text if is_comparand(text) => Ok(text.to_owned()),
        text => fault(format!("{} cannot be compared with", quoted(text)), HELP),
    }
}

/// Whether a network interface can be called this.
pub(in crate::cib) fn is_interface(text: &str) -> bool {
    (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}

/// The name of a network interface.
pub(super) fn interface(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "name one that `ip link` shows, for example \"eth0\"";
    match text(value, HELP)? {
        text if is_interface(text) => Ok(text.to_owned()),
        text => fault(format!("{} is not the name of an interface", quoted(text)), HELP),
    }
}

/// Addresses with the length of their prefix; at least one.
pub(super) fn addresses(value: &DeValue<'_>) -> Result<Vec<String>, Fault> {
    const HELP: &str = "write addresses with the length of their prefix, for example [\"192.0.2.1/24\"]";
    let DeValue::Array(array) = value else {
        return fault(format!("a list is wanted here, not {}", kind(value)), HELP);
    };
    let address = |value: &DeValue<'_>| match text(value, HELP)? {
        text if is_network_address(text) => Ok(text.to_owned()),
        text => fault(format!("{} is not an address with a prefix", quoted(text)), HELP),
    };
    let addresses: Vec<String> =
        array.iter().map(|value| address(value.get_ref())).collect::<Result<_, _>>()?;
    if addresses.is_empty() { fault("there is no address", HELP) } else { Ok(addresses) }
}

/// Whether this is an address with the length of its prefix.
pub(in crate::cib) fn is_network_address(text: &str) -> bool {
    let parts = text.split_once('/').and_then(|(address, length)| {
        let digits = length.bytes().all(|byte| byte.is_ascii_digit());
        Some((address.parse::<IpAddr>().ok()?, length.parse::<u8>().ok().filter(|_| digits)?))
    });
    parts.is_some_and(|(address, length)| length <= if address.is_ipv4() { 32 } else { 128 })
}

/// A version.
pub(super) fn version(value: &DeValue<'_>) -> Result<Version, Fault> {
    const HELP: &str = "write it as \"0.3.1\": admin_epoch.epoch.num_updates";
    text(value, HELP)?.parse().or_else(|_| fault("this is not a version", HELP))
}

/// `true` or `false`.
pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Fault> {
    match value {
        DeValue::Boolean(value) => Ok(*value),
        other => {
            fault(format!("true or false is wanted here, not {}", kind(other)), "write it without quotes")
        }
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let DeValue::Integer(integer) = value else { return None };
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A number of things.
pub(super) fn count(value: &DeValue<'_>) -> Result<u32, Fault> {
    const HELP: &str = "use a number from 0 to 1000000, without quotes";
    match integer(value).and_then(|number| u32::try_from(number).ok()) {
        Some(number @ 0..=1_000_000) => Ok(number),
        _ => fault("this is not a count", HELP),
    }
}

/// A score.
pub(super) fn score(value: &DeValue<'_>) -> Result<Score, Fault> {
    const HELP: &str = "use a number from -1000000 to 1000000 without quotes, \"always\" or \"never\"";
    let (least, most) = (Score::NEG_INFINITY.get(), Score::INFINITY.get());
    let number = match value {
        DeValue::String(text) if text == "always" => return Ok(Score::INFINITY),
        DeValue::String(text) if text == "never" => return Ok(Score::NEG_INFINITY),
        other => integer(other).and_then(|number| i32::try_from(number).ok()),
    };
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(Score::new(number)),
        _ => fault("this is not a score", HELP),
    }
}

/// The units of times, the longest first, in milliseconds.
pub(super) const UNITS: [(&str, u64); 5] =
    [("d", 24 * 60 * 60 * 1000), ("h", 60 * 60 * 1000), ("m", 60 * 1000), ("s", 1000), ("ms", 1)];

/// A time: a whole number and a unit, a year at most.
pub(super) fn duration(value: &DeValue<'_>) -> Result<Duration, Fault> {
    const HELP: &str = "write a whole number and a unit (ms, s, m, h, d) in quotes, for example \"10m\"";
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let text = text(value, HELP)?;
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let time = text.split_at_checked(unit_at).and_then(|(digits, unit)| {
        let (_, milliseconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        Some(Duration::from_millis(digits.parse::<u64>().ok()?.checked_mul(milliseconds)?))
    });
    match time {
        Some(time) if time <= LONGEST => Ok(time),
        _ => fault(format!("{} is not a time", quoted(text)), HELP),
    }
}

/// Words that stand for something.
struct Words<T: 'static>(&'static [(&'static str, T)]);

impl<T: Copy> Words<T> {
    fn read(&self, value: &DeValue<'_>) -> Result<T, Fault> {
        let help = self.to_string();
        let text = text(value, &help)?;
        match self.0.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(*meaning),
            None => fault(format!("{} is not known here", quoted(text)), help),
        }
    }
}

impl<T> fmt::Display for Words<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|(word, _)| format!("{word:?}")).collect();
        write!(f, "it is one of {}", words.join(", "))
    }
}

/// What a node is for.
pub(super) fn role(value: &DeValue<'_>) -> Result<Role, Fault> {
    Words(&[("director", Role::Director), ("witness", Role::Witness)]).read(value)
}

/// What becomes of vips without a majority.
pub(super) fn policy(value: &DeValue<'_>) -> Result<NoQuorum, Fault> {
    Words(&[("stop", NoQuorum::Stop), ("freeze", NoQuorum::Freeze), ("ignore", NoQuorum::Ignore)]).read(value)
}

/// How an attribute is compared.
pub(super) fn operation(value: &DeValue<'_>) -> Result<Option<Operation>, Fault> {
    const HELP: &str = "it is one of lt, gt, lte, gte, eq, ne, defined, not_defined";
    let text = text(value, HELP)?;
    match Operation::ALL.into_iter().find(|operation| operation.name() == text) {
        None => fault(format!("{} is not known here", quoted(text)), HELP),
        operation => Ok(operation),
    }
}
