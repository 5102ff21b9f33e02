//! Monitors of the types http and https: the request and the answer that passes.

use std::ops::RangeInclusive;

use healthcheck::{Credentials, Http, HttpVersion, Statuses};
use toml::de::DeValue;

use super::Reader;
use super::body::expected;
use crate::config::report::Reported;
use crate::config::section::{Fault, Section, quoted, wrong_type};
use crate::config::value;

const VERSIONS: [(&str, HttpVersion); 2] = [("1.0", HttpVersion::Http10), ("1.1", HttpVersion::Http11)];

const STATUS_HELP: &str = "write status = 200, status = \"200-399\", or status = [200, \"300-399\"]";

/// How much of a body is read unless the file says otherwise, and at most.
const MAX_BODY: usize = 64 * 1024;
const LARGEST_BODY: u32 = 1024 * 1024;

/// Headers that the monitor writes, and what to do instead of giving them.
const OURS: [(&str, &str); 4] = [
    ("host", "write host = \"www.example.com\" beside `headers`"),
    ("connection", "take it out: every check has a connection of its own"),
    ("content-length", "take it out: the request has no body"),
    ("transfer-encoding", "take it out: the request has no body"),
];

/// Reads the request without TLS.
pub(super) fn http(section: &Section<'_>, reader: &Reader<'_>) -> Result<Http, Reported> {
    let version = section.optional("version", |value| value::word(value, &VERSIONS));
    let method = section.optional("method", method);
    let path = section.optional("path", path);
    let host = section.optional("host", host);
    let headers = section.pairs("headers", "write headers = { Accept = \"text/plain\" }", header);
    let credentials = credentials(section, reader);
    let statuses = statuses(section);
    let body = expected(section, &reader.expressions);
    let max_body = section.optional("max_body", size);
    let (method, body) = (method?, body?);
    if let Some(head) = method.as_ref().filter(|at| at.value == "HEAD" && body.is_some()) {
        let what = "the answer to HEAD has no body";
        return Err(section.problems.add(head.span, what, "use GET, or take `contains` or `matches` out"));
    }
    Ok(Http {
        tls: None,
        version: version?.map_or(HttpVersion::Http11, |at| at.value),
        method: method.map_or_else(|| "GET".to_owned(), |at| at.value),
        path: path?.map_or_else(|| "/".to_owned(), |at| at.value),
        host: host?.map(|at| at.value),
        headers: headers?,
        credentials: credentials?,
        statuses: statuses?,
        body,
        max_body: max_body?.map_or(MAX_BODY, |at| at.value),
    })
}

fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

fn method(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "write a method like \"GET\" or \"HEAD\"";
    match value::text(value, HELP)? {
        text if is_token(text) => Ok(text.to_owned()),
        text => Err(Fault::new(format!("{} is not a method", quoted(text)), HELP)),
    }
}

fn path(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "begin it with a slash, for example \"/health?full=1\", and write other characters than those \
                        of ASCII, and blanks, as %20";
    match value::text(value, HELP)? {
        text if text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') => {
            Ok(text.to_owned())
        }
        text => Err(Fault::new(format!("{} is not a path", quoted(text)), HELP)),
    }
}

fn host(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "write a host's name, with a port or without, for example \"www.example.com\"";
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%[]:".contains(&byte);
    match value::text(value, HELP)? {
        text if !text.is_empty() && text.bytes().all(allowed) => Ok(text.to_owned()),
        text => Err(Fault::new(format!("{} is not a host", quoted(text)), HELP)),
    }
}

fn header(name: &str, value: &str) -> Result<(), Fault> {
    if !is_token(name) {
        let help = "a header's name has letters, digits and hyphens";
        return Err(Fault::new(format!("{} is not the name of a header", quoted(name)), help));
    }
    if let Some((name, help)) = OURS.iter().find(|(ours, _)| name.eq_ignore_ascii_case(ours)) {
        return Err(Fault::new(format!("the monitor itself writes the header `{name}`"), *help));
    }
    if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        let help = "use printable ASCII without line breaks";
        return Err(Fault::new(format!("{} is not the value of a header", quoted(value)), help));
    }
    Ok(())
}

fn credentials(section: &Section<'_>, reader: &Reader<'_>) -> Result<Option<Credentials>, Reported> {
    const PASSWORD_HELP: &str = "name a file that holds the password and that only its owner may read; a relative \
                                 path begins where this file is";
    let user = section.optional("user", user);
    let password = section.optional("password_file", |value| {
        reader.directory.secret(value::text(value, PASSWORD_HELP)?, PASSWORD_HELP)
    });
    match (user?, password?) {
        (None, None) => Ok(None),
        (Some(user), Some(password)) => Ok(Some(Credentials { user: user.value, password: password.value })),
        (Some(user), None) => Err(section.misspelt("password_file").unwrap_or_else(|| {
            let help = "add password_file = \"password\"";
            section.problems.add(user.span, "`user` has no password", help)
        })),
        (None, Some(password)) => Err(section.misspelt("user").unwrap_or_else(|| {
            let help = "add user = \"monitor\"";
            section.problems.add(password.span, "`password_file` has no `user`", help)
        })),
    }
}

fn user(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "write a name without a colon, for example \"monitor\"";
    match value::text(value, HELP)? {
        text if text.contains(|c: char| c == ':' || c.is_control()) => {
            Err(Fault::new(format!("{} is not a user", quoted(text)), HELP))
        }
        text => Ok(text.to_owned()),
    }
}

fn statuses(section: &Section<'_>) -> Result<Statuses, Reported> {
    let Some(value) = section.get("status") else {
        return Ok(Statuses::default());
    };
    if value.get_ref().as_array().is_none() {
        let single = section.optional("status", status)?;
        return Ok(Statuses(single.into_iter().map(|at| at.value).collect()));
    }
    match section.each("status", STATUS_HELP, status)? {
        Some(ranges) if !ranges.is_empty() => Ok(Statuses(ranges)),
        _ => Err(section.problems.add(value.span().into(), "no status would pass", STATUS_HELP)),
    }
}

fn status(value: &DeValue<'_>) -> Result<RangeInclusive<u16>, Fault> {
    let text = match value {
        DeValue::Integer(_) => {
            let status = u16::try_from(value::integer(value, 100..=599)?).unwrap_or_default();
            return Ok(status..=status);
        }
        DeValue::String(text) => text,
        other => return Err(Fault::new(wrong_type("a number or a range", other), STATUS_HELP)),
    };
    let number = |text: &str| {
        let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|status| digits && (100..=599).contains(status))
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(Fault::new(format!("{} is not a range of statuses", quoted(text)), STATUS_HELP)),
    }
}

/// A number of bytes, or one of KiB or MiB.
fn size(value: &DeValue<'_>) -> Result<usize, Fault> {
    const HELP: &str = "write 1 to 1048576, or \"1KiB\" to \"1024KiB\", or \"1MiB\"";
    let bytes = match value {
        DeValue::Integer(_) => Some(value::integer(value, 1..=LARGEST_BODY)?),
        DeValue::String(text) => {
            let (digits, unit) = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
                (Some(digits), _) => (digits, 1024),
                (_, Some(digits)) => (digits, 1024 * 1024),
                (None, None) => ("", 0),
            };
            let number = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
            number.and_then(|digits| digits.parse::<u32>().ok()?.checked_mul(unit))
        }
        other => return Err(Fault::new(wrong_type("a number or a string", other), HELP)),
    };
    match bytes.filter(|bytes| (1..=LARGEST_BODY).contains(bytes)) {
        Some(bytes) => Ok(usize::try_from(bytes).unwrap_or(MAX_BODY)),
        None => Err(Fault::new("this is not a size that is read", HELP)),
    }
}
