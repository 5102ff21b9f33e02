//! `host[:port]`, read and written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::names::Names;
use super::number;
use crate::{Endpoint, Protocol};

/// Bytes of an address and its port that a listing has room for; ipvsadm cuts longer names.
const ROOM: usize = 59;

/// An address, and a port if there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HostPort {
    pub(super) address: IpAddr,
    pub(super) port: Option<u16>,
}

/// Reads an address.
///
/// IPv6 with a port needs brackets, in brackets it needs a port. A port's name needs the protocol.
pub(super) fn read(text: &str, protocol: Option<Protocol>, names: &dyn Names) -> Option<HostPort> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, Some(rest.strip_prefix(':')?))
        }
        None => (text, None),
    };
    let (address, port) = if let Ok(v6) = host.parse::<Ipv6Addr>() {
        (v6.into(), port)
    } else {
        // The port of a bracketed IPv4 address is not looked at: that is ipvsadm's.
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host, None),
        };
        (ipv4(host, names)?.into(), port)
    };
    let port = match port {
        Some(text) => Some(read_port(text, protocol, names)?),
        None => None,
    };
    Some(HostPort { address, port })
}

/// Reads an IPv4 address or the name of a host that has one.
pub(super) fn ipv4(text: &str, names: &dyn Names) -> Option<Ipv4Addr> {
    number::ipv4(text).or_else(|| names.address(text))
}

fn read_port(text: &str, protocol: Option<Protocol>, names: &dyn Names) -> Option<u16> {
    number::whole(text, 0..=u16::MAX).or_else(|| names.port(text, protocol?))
}

/// Writes an endpoint as ipvsadm lists it, no longer than it has room for.
pub(super) fn listed(endpoint: Endpoint, protocol: Option<Protocol>, names: &dyn Names) -> String {
    let mut text = written(endpoint, protocol, names);
    cut(&mut text, ROOM);
    text
}

/// Writes an endpoint in full.
pub(super) fn written(endpoint: Endpoint, protocol: Option<Protocol>, names: &dyn Names) -> String {
    let address = endpoint.address();
    let host = names.host(address).unwrap_or_else(|| numeric(address));
    let port = protocol
        .and_then(|protocol| names.service(endpoint.port(), protocol))
        .unwrap_or_else(|| endpoint.port().to_string());
    match address {
        IpAddr::V4(_) => format!("{host}:{port}"),
        IpAddr::V6(_) => format!("[{host}]:{port}"),
    }
}

/// Cuts a text to a number of bytes.
pub(super) fn cut(text: &mut String, bytes: usize) {
    let end =
        text.char_indices().map(|(start, c)| start + c.len_utf8()).take_while(|&end| end <= bytes).last();
    text.truncate(end.unwrap_or(0));
}

/// An address as `inet_ntop` writes it: other than Rust it still knows IPv4-compatible IPv6 addresses.
fn numeric(address: IpAddr) -> String {
    match address {
        IpAddr::V6(v6) if matches!(v6.segments(), [0, 0, 0, 0, 0, 0, high, _] if high != 0) => {
            let [.., a, b, c, d] = v6.octets();
            format!("::{}", Ipv4Addr::new(a, b, c, d))
        }
        address => address.to_string(),
    }
}
