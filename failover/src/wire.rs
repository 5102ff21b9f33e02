//! The datagrams of directors, encoded and decoded. Numbers are big endian.
//!
//! ```text
//!  0       4         5      6     7        8          9      10       12
//!  +-------+---------+------+-----+--------+----------+------+--------+
//!  | lvsd  | version | kind | key | sender | receiver | link | length |
//!  +-------+---------+------+-----+--------+----------+------+--------+
//!  12              20              28              36              44      44+length
//!  +---------------+---------------+---------------+---------------+-------+------------+
//!  | cluster       | session       | token         | sequence      | body  | MAC        |
//!  +---------------+---------------+---------------+---------------+-------+------------+
//! ```
//!
//! | field    | bytes    | value                                                                        |
//! |----------|----------|------------------------------------------------------------------------------|
//! | version  | 1        | 1                                                                            |
//! | kind     | 1        | 0 hello, 1 message, 2 page: what the body is, see `body`                     |
//! | key      | 1        | the number of the key that the MAC is made with                              |
//! | sender   | 1        | its place in the file's list of nodes                                        |
//! | receiver | 1        | the same                                                                     |
//! | link     | 1        | the sender's place in its list of links                                      |
//! | length   | 2        | of the body                                                                  |
//! | cluster  | 8        | the start of the SHA-256 of its name                                         |
//! | session  | 8        | of the sender: random, never 0, another one after each start                 |
//! | token    | 8        | what the receiver issued to that session; 0 in a hello                       |
//! | sequence | 8        | counts the messages and pages of the session, and its hellos on their own    |
//! | MAC      | 32 or 20 | HMAC-SHA-256 or HMAC-SHA-1 of all before it, by the key of this direction    |
//!
//! A receiver looks at nothing but the header before the MAC has been found right: [`Unverified`], [`Verified`].
//!
//! A new version is one that a release of version 1 would misread. What is of a later version is dropped, and
//! its sender counts as silent. So that no two directors of neighbouring releases are silent to each other, a
//! release learns to read a version before the next one writes it: directors are upgraded one by one, through
//! each release that changes the version.

mod body;
mod reader;
#[cfg(test)]
mod tests;

use crate::keys::Mac;
use crate::message::{Message, Page};
use crate::{ClusterId, LinkId, NodeId};
use reader::Reader;

/// The most bytes of a datagram: what every link carries in one piece, tunnels included.
pub const MAX_DATAGRAM: usize = 1400;

const HEADER: usize = 44;
const LONGEST_MAC: usize = 32;
const _: () = assert!(HEADER + body::LONGEST + LONGEST_MAC <= MAX_DATAGRAM);
const _: () = assert!(HEADER + body::LONGEST_PAGE + LONGEST_MAC <= MAX_DATAGRAM);

const MAGIC: [u8; 4] = *b"lvsd";
const VERSION: u8 = 1;
const HELLO: u8 = 0;
const MESSAGE: u8 = 1;
const PAGE: u8 = 2;

/// Who says something to whom, and in what order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The number of the key that the MAC is made with.
    pub key: u8,
    /// Who says it.
    pub sender: NodeId,
    /// To whom.
    pub receiver: NodeId,
    /// The link that it was sent on.
    pub link: LinkId,
    /// The cluster of both.
    pub cluster: ClusterId,
    /// The sender's session; never 0.
    pub session: u64,
    /// What the receiver issued to that session; 0 in a hello.
    pub token: u64,
    /// The number of this message of the session, or of this hello.
    pub sequence: u64,
}

/// What is said: messages and pages when they are read, borrowed ones when they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<M, P> {
    /// Of a sender to whom the receiver is not known yet, or no longer; or the answer to it.
    Hello(Hello),
    /// Of a sender that the receiver knows.
    Message(M),
    /// A part of a document, or what is said about that; of a sender that the receiver knows.
    Page(P),
}

/// How two sessions get to know each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// Who are you?
    Ask,
    /// I am the session in the header.
    Answer {
        /// The session that is answered; never 0.
        echo: u64,
        /// The token that it is to put into its messages; never 0.
        offer: u64,
    },
}

/// Why a datagram cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// It ends before it is complete.
    #[error("it is cut short")]
    Short,
    /// It is longer than any.
    #[error("it is longer than {MAX_DATAGRAM} bytes")]
    Oversized,
    /// It is not of a director.
    #[error("it does not come from lvsd")]
    Magic,
    /// It is of a later release.
    #[error("it is of version {0}, which only a later release reads")]
    FutureVersion(u8),
    /// It names a node that no cluster has.
    #[error("it names a node that is not there")]
    UnknownNode,
    /// It was not made with this key, or was changed since.
    #[error("its MAC is wrong")]
    BadMac,
    /// It says what no director of this version says.
    #[error("it is malformed")]
    Malformed,
}

/// The datagram that says this. A message with a list of more than [`MAX_VIPS`](crate::MAX_VIPS), or a part that is
/// empty or longer than [`PART`](crate::message::PART), is refused by every receiver.
#[must_use]
pub fn encode(header: &Header, body: &Body<&Message, &Page>, mac: &Mac) -> Vec<u8> {
    let (kind, body) = match body {
        Body::Hello(hello) => (HELLO, body::write_hello(*hello)),
        Body::Message(message) => (MESSAGE, body::write_message(message)),
        Body::Page(page) => (PAGE, body::write_page(page)),
    };
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    let mut bytes = Vec::with_capacity(MAX_DATAGRAM);
    bytes.extend(MAGIC);
    bytes.extend([VERSION, kind, header.key]);
    bytes.extend([header.sender, header.receiver].map(NodeId::byte));
    bytes.push(header.link.0);
    bytes.extend(length.to_be_bytes());
    for number in [header.cluster.bits(), header.session, header.token, header.sequence] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(body);
    let code = mac.sign(&bytes);
    bytes.extend(code);
    bytes
}

/// A datagram of whom it may be; only its header is read.
#[derive(Clone, Copy, Debug)]
pub struct Unverified<'a> {
    signed: &'a [u8],
    code: &'a [u8],
    content: Verified<'a>,
}

impl<'a> Unverified<'a> {
    /// Reads the header.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, WireError> {
        if datagram.len() > MAX_DATAGRAM {
            return Err(WireError::Oversized);
        }
        let mut reader = Reader(datagram);
        if reader.take()? != MAGIC {
            return Err(WireError::Magic);
        }
        match reader.u8()? {
            VERSION => {}
            0 => return Err(WireError::Malformed),
            later => return Err(WireError::FutureVersion(later)),
        }
        let kind = reader.u8()?;
        let key = reader.u8()?;
        let (sender, receiver) = (reader.node()?, reader.node()?);
        let link = LinkId(reader.u8()?);
        let length = usize::from(reader.u16()?);
        let cluster = ClusterId::from_bits(reader.u64()?);
        let (session, token, sequence) = (reader.u64()?, reader.u64()?, reader.u64()?);
        if kind > PAGE || session == 0 {
            return Err(WireError::Malformed);
        }
        let (body, code) = reader.0.split_at_checked(length).ok_or(WireError::Short)?;
        let (signed, _) = datagram.split_at(datagram.len() - code.len());
        let header = Header { key, sender, receiver, link, cluster, session, token, sequence };
        Ok(Self { signed, code, content: Verified { header, kind, body } })
    }

    /// Who says that it is from whom.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.content.header
    }

    /// Checks the MAC.
    pub fn verify(self, mac: &Mac) -> Result<Verified<'a>, WireError> {
        if mac.verify(self.signed, self.code) { Ok(self.content) } else { Err(WireError::BadMac) }
    }
}

/// A datagram that its sender wrote.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    header: Header,
    kind: u8,
    body: &'a [u8],
}

impl Verified<'_> {
    /// Who says it to whom.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What it says.
    pub fn body(&self) -> Result<Body<Message, Page>, WireError> {
        let mut reader = Reader(self.body);
        let body = match self.kind {
            HELLO => Body::Hello(body::read_hello(&mut reader)?),
            MESSAGE => Body::Message(body::read_message(&mut reader)?),
            _ => Body::Page(body::read_page(&mut reader)?),
        };
        if reader.0.is_empty() { Ok(body) } else { Err(WireError::Malformed) }
    }
}
