//! A request as it is sent (RFC 9112, section 3).

use std::borrow::Cow;
use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::{Credentials, Http, HttpVersion};

/// Room for most requests.
const USUAL: usize = 256;

/// The bytes of a request, or what in it would make another request of it.
pub(super) fn write(http: &Http, target: SocketAddr) -> Result<Vec<u8>, String> {
    let version = match http.version {
        HttpVersion::Http10 => "1.0",
        HttpVersion::Http11 => "1.1",
    };
    if !is_token(&http.method) {
        return Err(format!("{:?} is no method", http.method));
    }
    if !(http.path.starts_with('/') && http.path.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(format!("{:?} is no path", http.path));
    }
    let mut text = String::with_capacity(USUAL);
    text.extend([http.method.as_str(), " ", &http.path, " HTTP/", version, "\r\n"]);
    let host = match &http.host {
        Some(host) => Cow::from(host),
        None => authority(target, if http.tls.is_some() { 443 } else { 80 }).into(),
    };
    let credentials = http.credentials.as_ref().map(|Credentials { user, password }| {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
    });
    let ours = [
        ("Host", Some(&*host)),
        ("User-Agent", Some("lvsd")),
        ("Connection", Some("close")),
        ("Authorization", credentials.as_deref()),
    ];
    // Those of the monitor replace ours.
    let replaced = |name: &str| http.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let ours = ours.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let own = http.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in ours.filter(|(name, _)| !replaced(name)).chain(own) {
        if !is_token(name) {
            return Err(format!("{name:?} is no header's name"));
        }
        if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(format!("{value:?} is no header's value"));
        }
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    Ok(text.into_bytes())
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// An address as a Host header has it.
fn authority(target: SocketAddr, usual: u16) -> String {
    match target {
        _ if target.port() != usual => target.to_string(),
        SocketAddr::V4(target) => target.ip().to_string(),
        SocketAddr::V6(target) => format!("[{}]", target.ip()),
    }
}
