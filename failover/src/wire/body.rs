//! What a datagram carries between its header and its MAC. There is one way to write a thing, and a reader takes
//! no other.
//!
//! | hello | bytes | value                                                                       |
//! |-------|-------|-----------------------------------------------------------------------------|
//! | echo  | 8     | the receiver's session that this answers; 0 in a question                   |
//! | offer | 8     | the token that the sender issues to that session; 0 in a question           |
//!
//! | message       | bytes  | value                                                                |
//! |---------------|--------|----------------------------------------------------------------------|
//! | term          | 8      |                                                                      |
//! | leader        | 1      | a node, or 15: none                                                  |
//! | lease         | 8      | nanoseconds                                                          |
//! | leaves        | 1      | 0 or 1                                                               |
//! | unfit         | 1      | 0 fit, 1 by its table, 2 by its checks                               |
//! | file          | 8      |                                                                      |
//! | hears         | 2      | a bit for each node, the lowest for the first                        |
//! | pings         | 1      |                                                                      |
//! | realservers   | 1      | 0 to 2                                                               |
//! | barred        | 1+5n   | n, then of each: vip (4), bar (1)                                    |
//! | table         | 16     | term and number of its version                                       |
//! | grants        | 1+6n   | n, then of each: vip (4), owner or 15 (1), cause and its node (4 bits each); the vips ascend |
//! | claims        | 1+4n   | n, then the vips                                                     |
//! | ballot        | 1 to 10 | 0 none, 1 would you, 2 would, 3 ask, 4 vote; then its term (8); then of 2 and 4 the node |
//! | document      | 29     | term (8), version (12), digest (8), 1 if it is committed, or 0       |
//! | failed        | 1 or 7 | 0 none; 1, vip (4), count (2)                                        |
//! | urgent        | 1      | 0 or 1                                                               |
//! | ack           | 1 to 10+4n | 0 none; 1, sequence (8), n, the vips                             |
//!
//! | page   | bytes        | value                                                                 |
//! |--------|--------------|-----------------------------------------------------------------------|
//! | kind   | 1            | 0 offer, 1 pull, 2 part, 3 answer                                     |
//! | digest | 8            | of the document                                                       |
//! | offer  | 12           | the version that it was made from                                     |
//! | pull   | 4            | the offset                                                            |
//! | part   | 10 to 10+[`PART`] | the length of the document (4), the offset (4), the number of bytes (2), the bytes |
//! | answer | 1 or 13      | 0 committed, 1 conflict and the version that counts (12), 2 invalid   |
//!
//! | bar | of                        | cause  | of                                              |
//! |-----|---------------------------|--------|-------------------------------------------------|
//! | 0   | carrier                   | 0      | vacant                                          |
//! | 1   | foreign                   | 1 to 4 | dead, left, standby, reach: with a node         |
//! | 2   | failed                    | 5 to 7 | preferred, moved, nobody                        |
//! | 3   | unknown                   | 8 + b  | barred by the bar b: with a node                |
//!
//! All numbers of vips are at most [`MAX_VIPS`], so a message is at most [`LONGEST`] bytes long. A version is three
//! numbers of 4 bytes. A part lies within its document, which has at least one byte and at most
//! [`MAX_BYTES`].

use std::time::Duration;

use super::reader::Reader;
use super::{Hello, WireError};
use crate::cib::{Digest, MAX_BYTES, Stamp, Version as CibVersion};
use crate::message::{
    Ack, Ballot, Bar, Cause, Failed, Grant, Mention, Message, PART, Page, Reach, Standing, Table, Term,
    Unfit, Verdict, Version,
};
use crate::{MAX_VIPS, NodeId, VipId};

type Result<T> = std::result::Result<T, WireError>;

/// In place of a node: none.
const NO_NODE: u8 = 15;

/// The longest message.
pub(super) const LONGEST: usize = 107 + (5 + 6 + 4 + 4) * MAX_VIPS;
/// The longest page.
pub(super) const LONGEST_PAGE: usize = 19 + PART;

pub(super) fn write_hello(hello: Hello) -> Vec<u8> {
    let (echo, offer) = match hello {
        Hello::Ask => (0, 0),
        Hello::Answer { echo, offer } => (echo, offer),
    };
    [echo.to_be_bytes(), offer.to_be_bytes()].concat()
}

pub(super) fn read_hello(reader: &mut Reader<'_>) -> Result<Hello> {
    match (reader.u64()?, reader.u64()?) {
        (0, 0) => Ok(Hello::Ask),
        (0, _) | (_, 0) => Err(WireError::Malformed),
        (echo, offer) => Ok(Hello::Answer { echo, offer }),
    }
}

pub(super) fn write_message(message: &Message) -> Vec<u8> {
    let Message { term, leader, lease, standing, table, claims, ballot, document, failed, urgent, ack } =
        message;
    let mut out = Vec::with_capacity(LONGEST);
    out.extend(term.0.to_be_bytes());
    out.push(optional_node_byte(*leader));
    out.extend(u64::try_from(lease.as_nanos()).unwrap_or(u64::MAX).to_be_bytes());
    write_standing(&mut out, standing);
    out.extend(table.version.term.0.to_be_bytes());
    out.extend(table.version.number.to_be_bytes());
    write_list(&mut out, &table.grants, |out, grant| write_grant(out, *grant));
    write_list(&mut out, claims, |out, vip| write_vip(out, *vip));
    write_ballot(&mut out, *ballot);
    write_mention(&mut out, document);
    out.push(failed.is_some().into());
    if let Some(Failed { vip, count }) = failed {
        write_vip(&mut out, *vip);
        out.extend(count.to_be_bytes());
    }
    out.push((*urgent).into());
    out.push(ack.is_some().into());
    if let Some(ack) = ack {
        out.extend(ack.sequence.to_be_bytes());
        write_list(&mut out, &ack.vips, |out, vip| write_vip(out, *vip));
    }
    out
}

pub(super) fn read_message(reader: &mut Reader<'_>) -> Result<Message> {
    Ok(Message {
        term: Term(reader.u64()?),
        leader: optional_node(reader.u8()?)?,
        lease: Duration::from_nanos(reader.u64()?),
        standing: read_standing(reader)?,
        table: read_table(reader)?,
        claims: read_list(reader, Reader::vip)?,
        ballot: read_ballot(reader)?,
        document: read_mention(reader)?,
        failed: if reader.bool()? { Some(Failed { vip: reader.vip()?, count: reader.u16()? }) } else { None },
        urgent: reader.bool()?,
        ack: if reader.bool()? {
            Some(Ack { sequence: reader.u64()?, vips: read_list(reader, Reader::vip)? })
        } else {
            None
        },
    })
}

fn write_mention(out: &mut Vec<u8>, mention: &Mention) {
    out.extend(mention.stamp.term.0.to_be_bytes());
    write_version(out, mention.stamp.version);
    out.extend(mention.digest.bits().to_be_bytes());
    out.push(mention.committed.into());
}

fn read_mention(reader: &mut Reader<'_>) -> Result<Mention> {
    let stamp = Stamp { term: Term(reader.u64()?), version: read_version(reader)? };
    Ok(Mention { stamp, digest: read_digest(reader)?, committed: reader.bool()? })
}

pub(super) fn write_page(page: &Page) -> Vec<u8> {
    let mut out = Vec::with_capacity(LONGEST_PAGE);
    let (kind, digest) = match page {
        Page::Offer { digest, .. } => (0, digest),
        Page::Pull { digest, .. } => (1, digest),
        Page::Part { digest, .. } => (2, digest),
        Page::Answer { digest, .. } => (3, digest),
    };
    out.push(kind);
    out.extend(digest.bits().to_be_bytes());
    match page {
        Page::Offer { base, .. } => write_version(&mut out, *base),
        Page::Pull { offset, .. } => out.extend(offset.to_be_bytes()),
        Page::Part { length, offset, bytes, .. } => {
            out.extend(length.to_be_bytes());
            out.extend(offset.to_be_bytes());
            out.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
            out.extend(bytes);
        }
        Page::Answer { verdict: Verdict::Committed, .. } => out.push(0),
        Page::Answer { verdict: Verdict::Conflict(version), .. } => {
            out.push(1);
            write_version(&mut out, *version);
        }
        Page::Answer { verdict: Verdict::Invalid, .. } => out.push(2),
    }
    out
}

pub(super) fn read_page(reader: &mut Reader<'_>) -> Result<Page> {
    let (kind, digest) = (reader.u8()?, read_digest(reader)?);
    Ok(match kind {
        0 => Page::Offer { base: read_version(reader)?, digest },
        1 => Page::Pull { digest, offset: reader.u32()? },
        2 => read_part(digest, reader)?,
        3 => {
            let verdict = match reader.u8()? {
                0 => Verdict::Committed,
                1 => Verdict::Conflict(read_version(reader)?),
                2 => Verdict::Invalid,
                _ => return Err(WireError::Malformed),
            };
            Page::Answer { digest, verdict }
        }
        _ => return Err(WireError::Malformed),
    })
}

fn read_part(digest: Digest, reader: &mut Reader<'_>) -> Result<Page> {
    let (length, offset, count) = (reader.u32()?, reader.u32()?, reader.u16()?);
    let (whole, begin, count) = (usize_of(length), usize_of(offset), usize::from(count));
    if !(1..=MAX_BYTES).contains(&whole) || !(1..=PART).contains(&count) || begin > whole - count.min(whole) {
        return Err(WireError::Malformed);
    }
    let bytes = reader.bytes(count)?.to_vec();
    Ok(Page::Part { digest, length, offset, bytes })
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn write_version(out: &mut Vec<u8>, version: CibVersion) {
    let CibVersion { admin_epoch, epoch, num_updates } = version;
    for number in [admin_epoch, epoch, num_updates] {
        out.extend(number.to_be_bytes());
    }
}

fn read_version(reader: &mut Reader<'_>) -> Result<CibVersion> {
    Ok(CibVersion { admin_epoch: reader.u32()?, epoch: reader.u32()?, num_updates: reader.u32()? })
}

fn read_digest(reader: &mut Reader<'_>) -> Result<Digest> {
    reader.u64().map(Digest::from_bits)
}

fn write_standing(out: &mut Vec<u8>, standing: &Standing) {
    out.push(standing.leaves.into());
    out.push(match standing.unfit {
        None => 0,
        Some(Unfit::Table) => 1,
        Some(Unfit::Checks) => 2,
    });
    out.extend(standing.file.to_be_bytes());
    out.extend(standing.hears.bits().to_be_bytes());
    out.extend([standing.reach.pings, standing.reach.realservers]);
    write_list(out, &standing.barred, |out, (vip, bar)| {
        write_vip(out, *vip);
        out.push(bar_bits(*bar));
    });
}

fn read_standing(reader: &mut Reader<'_>) -> Result<Standing> {
    Ok(Standing {
        leaves: reader.bool()?,
        unfit: match reader.u8()? {
            0 => None,
            1 => Some(Unfit::Table),
            2 => Some(Unfit::Checks),
            _ => return Err(WireError::Malformed),
        },
        file: reader.u64()?,
        hears: reader.nodes()?,
        reach: match (reader.u8()?, reader.u8()?) {
            (pings, realservers @ 0..=2) => Reach { pings, realservers },
            _ => return Err(WireError::Malformed),
        },
        barred: read_list(reader, |reader| Ok((reader.vip()?, bar(reader.u8()?)?)))?,
    })
}

fn read_table(reader: &mut Reader<'_>) -> Result<Table> {
    let version = Version { term: Term(reader.u64()?), number: reader.u64()? };
    let grants = read_list(reader, read_grant)?;
    let ascending = grants.is_sorted_by(|one, next| one.vip < next.vip);
    if ascending { Ok(Table { version, grants }) } else { Err(WireError::Malformed) }
}

fn write_grant(out: &mut Vec<u8>, grant: Grant) {
    write_vip(out, grant.vip);
    out.push(optional_node_byte(grant.owner));
    let (cause, node) = match grant.cause {
        Cause::Vacant => (0, None),
        Cause::Dead(node) => (1, Some(node)),
        Cause::Left(node) => (2, Some(node)),
        Cause::Standby(node) => (3, Some(node)),
        Cause::Reach(node) => (4, Some(node)),
        Cause::Preferred => (5, None),
        Cause::Moved => (6, None),
        Cause::Nobody => (7, None),
        Cause::Barred(node, bar) => (8 + bar_bits(bar), Some(node)),
    };
    out.push(nibbles(cause, optional_node_byte(node)));
}

fn read_grant(reader: &mut Reader<'_>) -> Result<Grant> {
    let vip = reader.vip()?;
    let owner = optional_node(reader.u8()?)?;
    let [cause, node] = halves(reader.u8()?);
    let cause = match (cause, optional_node(node)?) {
        (0, None) => Cause::Vacant,
        (1, Some(node)) => Cause::Dead(node),
        (2, Some(node)) => Cause::Left(node),
        (3, Some(node)) => Cause::Standby(node),
        (4, Some(node)) => Cause::Reach(node),
        (5, None) => Cause::Preferred,
        (6, None) => Cause::Moved,
        (7, None) => Cause::Nobody,
        (8.., Some(node)) => Cause::Barred(node, bar(cause - 8)?),
        _ => return Err(WireError::Malformed),
    };
    Ok(Grant { vip, owner, cause })
}

fn write_ballot(out: &mut Vec<u8>, ballot: Option<Ballot>) {
    let (kind, term, node) = match ballot {
        None => return out.push(0),
        Some(Ballot::WouldYou(term)) => (1, term, None),
        Some(Ballot::Would(term, node)) => (2, term, Some(node)),
        Some(Ballot::Ask(term)) => (3, term, None),
        Some(Ballot::Vote(term, node)) => (4, term, Some(node)),
    };
    out.push(kind);
    out.extend(term.0.to_be_bytes());
    out.extend(node.map(NodeId::byte));
}

fn read_ballot(reader: &mut Reader<'_>) -> Result<Option<Ballot>> {
    Ok(Some(match reader.u8()? {
        0 => return Ok(None),
        1 => Ballot::WouldYou(Term(reader.u64()?)),
        2 => Ballot::Would(Term(reader.u64()?), reader.node()?),
        3 => Ballot::Ask(Term(reader.u64()?)),
        4 => Ballot::Vote(Term(reader.u64()?), reader.node()?),
        _ => return Err(WireError::Malformed),
    }))
}

fn write_list<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(u8::try_from(items.len()).unwrap_or(u8::MAX));
    for item in items {
        write(out, item);
    }
}

fn read_list<'a, T>(
    reader: &mut Reader<'a>,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = usize::from(reader.u8()?);
    if count > MAX_VIPS {
        return Err(WireError::Malformed);
    }
    (0..count).map(|_| read(reader)).collect()
}

fn write_vip(out: &mut Vec<u8>, vip: VipId) {
    out.extend(vip.bits().to_be_bytes());
}

fn optional_node_byte(node: Option<NodeId>) -> u8 {
    node.map_or(NO_NODE, NodeId::byte)
}

fn optional_node(byte: u8) -> Result<Option<NodeId>> {
    match byte {
        NO_NODE => Ok(None),
        index => NodeId::new(index.into()).map(Some).ok_or(WireError::UnknownNode),
    }
}

const fn bar_bits(bar: Bar) -> u8 {
    match bar {
        Bar::Carrier => 0,
        Bar::Foreign => 1,
        Bar::Failed => 2,
        Bar::Unknown => 3,
    }
}

const fn bar(bits: u8) -> Result<Bar> {
    match bits {
        0 => Ok(Bar::Carrier),
        1 => Ok(Bar::Foreign),
        2 => Ok(Bar::Failed),
        3 => Ok(Bar::Unknown),
        _ => Err(WireError::Malformed),
    }
}

const fn nibbles(high: u8, low: u8) -> u8 {
    high << 4 | low
}

const fn halves(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15]
}
