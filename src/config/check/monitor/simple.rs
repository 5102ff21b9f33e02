//! Monitors of the types udp, dns and smtp.

use healthcheck::{Dns, Smtp, Udp};
use toml::de::DeValue;

use super::Reader;
use super::body::expected;
use crate::config::report::Reported;
use crate::config::section::{Fault, Section, quoted};
use crate::config::value;

/// What fits into a datagram of IPv4.
const LARGEST_PAYLOAD: usize = 65_507;

/// Types of records and their numbers.
///
/// Source: IANA, Domain Name System (DNS) Parameters.
const RECORDS: [(&str, u16); 7] =
    [("A", 1), ("NS", 2), ("CNAME", 5), ("SOA", 6), ("MX", 15), ("TXT", 16), ("AAAA", 28)];

pub(super) fn udp(section: &Section<'_>, reader: &Reader<'_>) -> Result<Udp, Reported> {
    let exclusive = section.exclusive("send", "send_hex");
    let text = section.optional("send", |value| {
        let text = value::text(value, "write send = \"ping\"")?;
        sendable(text.as_bytes().to_vec())
    });
    let bytes = section.optional("send_hex", |value| sendable(hexadecimal(value)?));
    let reply = expected(section, &reader.expressions);
    exclusive?;
    Ok(Udp { payload: text?.or(bytes?).map_or_else(Vec::new, |at| at.value), reply: reply? })
}

fn sendable(payload: Vec<u8>) -> Result<Vec<u8>, Fault> {
    if payload.len() > LARGEST_PAYLOAD {
        return Err(Fault::new("this does not fit into a datagram", "use at most 65507 bytes"));
    }
    Ok(payload)
}

/// Bytes as pairs of digits, which may stand apart.
fn hexadecimal(value: &DeValue<'_>) -> Result<Vec<u8>, Fault> {
    const HELP: &str = "write two hexadecimal digits for each byte, for example \"00 ff 1b\"";
    let text = value::text(value, HELP)?;
    let malformed = || Fault::new(format!("{} is not hexadecimal", quoted(text)), HELP);
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|&c| c != ' ')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0).ok_or_else(malformed)?;
    Ok(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

pub(super) fn dns(section: &Section<'_>) -> Result<Dns, Reported> {
    let name = section.required("name", "write monitor = { type = \"dns\", name = \"example.com\" }", domain);
    let records = RECORDS.map(|(name, number)| (name, (number, name)));
    let record = section.optional("record", |value| value::word(value, &records));
    let expect = section.optional("expect", value::address);
    let (record, expect) = (record?.map_or((1, "A"), |at| at.value), expect?);
    if let Some(at) = expect
        && record.1 != (if at.value.is_ipv4() { "A" } else { "AAAA" })
    {
        let what = format!("no {} record holds {}", record.1, at.value);
        let help = "an A record holds an IPv4 address, an AAAA record an IPv6 address";
        return Err(section.problems.add(at.span, what, help));
    }
    Ok(Dns { name: name?.value, record, address: expect.map(|at| at.value) })
}

/// A name that can be asked for; `.` is the root.
fn domain(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "write a name like \"example.com\"";
    let text = value::text(value, HELP)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed);
    let labels = text.strip_suffix('.').unwrap_or(text);
    if text == "." || labels.len() <= 253 && labels.split('.').all(label) {
        return Ok(text.to_owned());
    }
    Err(Fault::new(format!("{} is not a domain name", quoted(text)), HELP))
}

pub(super) fn smtp(section: &Section<'_>) -> Result<Smtp, Reported> {
    let hello = section.optional("hello", hello)?;
    Ok(Smtp { hello: hello.map_or_else(|| "lvsd".to_owned(), |at| at.value) })
}

fn hello(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "write this director's name, for example \"director.example.com\"";
    match value::text(value, HELP)? {
        text if (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(text.to_owned())
        }
        text => Err(Fault::new(format!("{} is not a name for HELO", quoted(text)), HELP)),
    }
}
