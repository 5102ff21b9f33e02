//! The flows that netfilter knows (ctnetlink, `linux/netfilter/nfnetlink_conntrack.h`): listed, and deleted one by one.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use netlink_packet_core::{NlasIterator, parse_ip, parse_u8};
use netlink_sys::protocols::NETLINK_NETFILTER;
use nix::libc;

use super::address::Addresses;
use super::error_text;
use super::netlink::{Requests, malformed};
use crate::config::Interface;
use crate::snat::{Flow, Stale, Tuple};

/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_*`
const GET: u16 = 1 << 8 | 1;
const DELETE: u16 = 1 << 8 | 2;

const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
const CTA_IP_V4_SRC: u16 = 1;
const CTA_IP_V4_DST: u16 = 2;
const CTA_IP_V6_SRC: u16 = 3;
const CTA_IP_V6_DST: u16 = 4;
const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_DST_PORT: u16 = 3;

/// `struct nfgenmsg`: the family, the version, and a number that nobody needs.
const HEADER: usize = 4;

/// `NLA_F_NESTED` of an attribute that holds others.
const NESTED: u16 = 1 << 15;

/// `struct nlattr`.
const NLA_HEADER: usize = 4;

/// Forgets the flows that are stale, and no others; says how many there were.
pub fn forget(stale: &Stale) -> Result<usize, String> {
    let failed = |what: &str, error: &dyn std::error::Error| format!("{what}: {}", error_text(error));
    let mut addresses = Addresses::open().map_err(|error| failed("find the flows", &error))?;
    let mut stale = stale.clone();
    let own = addresses.list().map_err(|error| failed("find the flows", &error))?;
    stale.local.extend(own.iter().map(|assigned| assigned.net.addr()));

    let mut requests = Requests::open(NETLINK_NETFILTER).map_err(|error| failed("open conntrack", &error))?;
    let outs = stale.interfaces();
    let could_be = |flow: &Flow| {
        stale.is(flow, |_| None) || outs.iter().any(|out| stale.is(flow, |_| Some(out.clone())))
    };
    let mut found: Vec<(Flow, Vec<u8>)> = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let header = header(family);
        let listed = requests.dump(GET, &header, &mut |body| match flow(&body) {
            Ok(Some(flow)) if could_be(&flow) => found.push((flow, body)),
            // What cannot be read is none of ours.
            Ok(_) | Err(_) => {}
        });
        listed.map_err(|error| failed("list the flows", &error))?;
    }
    let destinations: BTreeSet<IpAddr> = found.iter().map(|(flow, _)| flow.original.destination).collect();
    let destinations: Vec<IpAddr> = destinations.into_iter().collect();
    let ways = addresses.towards(&destinations).map_err(|error| failed("find the flows", &error))?;
    let leaves_by = |to: IpAddr| -> Option<Interface> { ways.get(&to).cloned() };
    let mut forgotten = 0;
    for (_, body) in found.iter().filter(|(flow, _)| stale.is(flow, leaves_by)) {
        let name = name(body).map_err(|error| failed("name a flow", &error))?;
        match requests.request(DELETE, 0, &name) {
            Ok(_) => forgotten += 1,
            // It ended by itself.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            Err(error) => return Err(failed("delete a flow", &error)),
        }
    }
    Ok(forgotten)
}

fn header(family: i32) -> [u8; HEADER] {
    [u8::try_from(family).unwrap_or_default(), 0, 0, 0]
}

/// Reads an entry; nothing for a protocol whose packets have no addresses that we know.
pub fn flow(body: &[u8]) -> io::Result<Option<Flow>> {
    let attributes = body.get(HEADER..).ok_or_else(|| malformed("a flow that is cut short"))?;
    let original = attribute(attributes, CTA_TUPLE_ORIG)?.map(tuple).transpose()?.flatten();
    let reply = attribute(attributes, CTA_TUPLE_REPLY)?.map(tuple).transpose()?.flatten();
    Ok(original.zip(reply).map(|((protocol, original), (_, reply))| Flow { protocol, original, reply }))
}

fn tuple(nested: &[u8]) -> io::Result<Option<(u8, Tuple)>> {
    let Some((ip, carried)) = attribute(nested, CTA_TUPLE_IP)?.zip(attribute(nested, CTA_TUPLE_PROTO)?)
    else {
        return Ok(None);
    };
    let address = |kinds: [u16; 2]| -> io::Result<Option<IpAddr>> {
        let [v4, v6] = kinds;
        let value = attribute(ip, v4)?.map_or_else(|| attribute(ip, v6), |value| Ok(Some(value)))?;
        value.map(parse_ip).transpose().map_err(malformed)
    };
    let source = address([CTA_IP_V4_SRC, CTA_IP_V6_SRC])?;
    let destination = address([CTA_IP_V4_DST, CTA_IP_V6_DST])?;
    let protocol = attribute(carried, CTA_PROTO_NUM)?.map(parse_u8).transpose().map_err(malformed)?;
    let port = match attribute(carried, CTA_PROTO_DST_PORT)? {
        None => 0,
        Some(value) => {
            let bytes = value.first_chunk().ok_or_else(|| malformed("a port that is cut short"))?;
            u16::from_be_bytes(*bytes)
        }
    };
    Ok(protocol
        .zip(source.zip(destination))
        .map(|(protocol, (source, destination))| (protocol, Tuple { source, destination, port })))
}

/// What names an entry, of what was said of it: its tuple, its number, and its zone.
pub fn name(body: &[u8]) -> io::Result<Vec<u8>> {
    let (header, attributes) =
        body.split_at_checked(HEADER).ok_or_else(|| malformed("a flow that is cut short"))?;
    let mut name = header.to_vec();
    for kind in [CTA_TUPLE_ORIG, CTA_ID, CTA_ZONE] {
        let Some(value) = attribute(attributes, kind)? else { continue };
        let nested = if kind == CTA_TUPLE_ORIG { NESTED } else { 0 };
        let length = u16::try_from(NLA_HEADER + value.len()).map_err(malformed)?;
        name.extend(length.to_ne_bytes());
        name.extend((kind | nested).to_ne_bytes());
        name.extend(value);
        name.resize(name.len().next_multiple_of(4), 0);
    }
    Ok(name)
}

/// The value of an attribute, if it is there.
fn attribute(attributes: &[u8], kind: u16) -> io::Result<Option<&[u8]>> {
    for nla in NlasIterator::new(attributes) {
        let nla = nla.map_err(malformed)?;
        let length = nla.length();
        if nla.kind() == kind {
            return Ok(nla.into_inner().get(NLA_HEADER..usize::from(length)));
        }
    }
    Ok(None)
}
