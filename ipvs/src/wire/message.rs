//! The two headers of every message.

use super::attribute::Writer;

const NETLINK_HEADER: usize = 16;
const GENERIC_HEADER: usize = 4;

/// The version of IPVS's interface; the kernel does not look at it.
const VERSION: u8 = 1;

const FLAG_REQUEST: u16 = 0x001;
const FLAG_ACK: u16 = 0x004;
const FLAG_DUMP_INTERRUPTED: u16 = 0x010;
const FLAG_DUMP: u16 = 0x300;

const TYPE_ERROR: u16 = 2;
const TYPE_DONE: u16 = 3;
const TYPE_OVERRUN: u16 = 4;

/// Appends a message to `buffer`.
pub(super) fn write(
    buffer: &mut Vec<u8>,
    family: u16,
    number: u32,
    command: u8,
    dump: bool,
    attributes: impl FnOnce(&mut Writer<'_>),
) {
    let start = buffer.len();
    let flags = if dump { FLAG_REQUEST | FLAG_DUMP } else { FLAG_REQUEST };
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&family.to_ne_bytes());
    buffer.extend_from_slice(&flags.to_ne_bytes());
    buffer.extend_from_slice(&number.to_ne_bytes());
    // The kernel knows the sender's port by itself.
    buffer.extend_from_slice(&0u32.to_ne_bytes());
    buffer.extend_from_slice(&[command, VERSION, 0, 0]);
    attributes(&mut Writer(buffer));
    let length = u32::try_from(buffer.len() - start).expect("a request of IPVS takes some 200 bytes");
    if let Some(field) = buffer.get_mut(start..start + 4) {
        field.copy_from_slice(&length.to_ne_bytes());
    }
}

/// Asks for an acknowledgement of the message that starts at `start`.
pub fn request_ack(buffer: &mut [u8], start: usize) {
    if let Some([low, high]) = buffer.get_mut(start + 6..start + 8) {
        let flags = u16::from_ne_bytes([*low, *high]) | FLAG_ACK;
        [*low, *high] = flags.to_ne_bytes();
    }
}

/// A received message, as far as netlink itself is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The number of the request that it answers.
    pub number: u32,
    /// The port of the socket that asked.
    pub port: u32,
    /// What it says.
    pub content: Content<'a>,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Attributes from a generic netlink family.
    Answer {
        /// The family's id.
        family: u16,
        /// What follows both headers.
        attributes: &'a [u8],
    },
    /// The end of a request: 0, or the errno that it failed with.
    Verdict(i32),
    /// The end of a dump.
    Done(i32),
    /// Messages were lost, or the table changed under the dump.
    Lost,
}

/// Splits a datagram into messages; ends with an error where the datagram makes no sense.
pub fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Result<Message<'_>, Garbled>> {
    std::iter::from_fn(move || {
        if datagram.is_empty() {
            return None;
        }
        let Some((message, rest)) = split(datagram) else {
            datagram = &[];
            return Some(Err(Garbled));
        };
        datagram = rest;
        Some(Ok(message))
    })
}

/// A datagram that is not made of netlink messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbled;

fn split(datagram: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let (header, _) = datagram.split_first_chunk::<NETLINK_HEADER>()?;
    let [l0, l1, l2, l3, t0, t1, f0, f1, n0, n1, n2, n3, p0, p1, p2, p3] = *header;
    let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).ok()?;
    let body = datagram.get(NETLINK_HEADER..length)?;
    let rest = datagram.get(length.checked_next_multiple_of(4)?..).unwrap_or_default();

    let content = if u16::from_ne_bytes([f0, f1]) & FLAG_DUMP_INTERRUPTED != 0 {
        Content::Lost
    } else {
        match u16::from_ne_bytes([t0, t1]) {
            TYPE_ERROR => Content::Verdict(errno(body)?),
            TYPE_DONE => Content::Done(errno(body)?),
            TYPE_OVERRUN => Content::Lost,
            family => Content::Answer { family, attributes: body.get(GENERIC_HEADER..)? },
        }
    };
    let message = Message {
        number: u32::from_ne_bytes([n0, n1, n2, n3]),
        port: u32::from_ne_bytes([p0, p1, p2, p3]),
        content,
    };
    Some((message, rest))
}

/// The kernel sends errno negated.
fn errno(body: &[u8]) -> Option<i32> {
    body.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes).saturating_neg())
}
