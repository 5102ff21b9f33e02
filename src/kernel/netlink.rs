//! Talk with the kernel over netlink: requests, and the whole of their answers.

use std::io;
use std::time::{Duration, Instant};

use netlink_packet_core::{
    Emitable as _, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_ALIGNTO, NLMSG_DONE,
    NLMSG_ERROR, NLMSG_NOOP, NetlinkBuffer, NetlinkHeader,
};
use netlink_sys::{Socket, SocketAddr};
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

/// How long the kernel may take: others can hold its one lock for network devices for seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many requests travel together: the answers to all must fit the socket's buffer at once.
const BATCH: usize = 64;

/// How often a list is read again because it changed meanwhile.
const ATTEMPTS: usize = 10;

/// Room for a datagram; the kernel's are 32 KiB at most when it lists things.
pub(super) const DATAGRAM: usize = 64 * 1024;

/// A socket for requests.
#[derive(Debug)]
pub(super) struct Requests {
    /// `NETLINK_*`.
    protocol: isize,
    /// None after a failure, since more of the failed request's answer may then be under way.
    socket: Option<Socket>,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Requests {
    pub(super) fn open(protocol: isize) -> io::Result<Self> {
        let socket = Some(connect(protocol)?);
        Ok(Self { protocol, socket, sequence: 0, buffer: Vec::with_capacity(DATAGRAM) })
    }

    /// Sends a request and waits for the kernel to have done it: the bodies of the messages it
    /// answers.
    pub(super) fn request(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        for _ in 0..ATTEMPTS {
            let mut bodies = Vec::new();
            if !self.exchange(kind, flags, body, &mut |body| bodies.push(body))? {
                return Ok(bodies);
            }
        }
        Err(io::Error::other("the list did not stay the same while it was read"))
    }

    /// Asks for a list that is too long to be kept, and may change while it is read: each body is handed over as it comes.
    pub(super) fn dump(
        &mut self,
        kind: u16,
        body: &[u8],
        hand_over: &mut impl FnMut(Vec<u8>),
    ) -> io::Result<()> {
        self.exchange(kind, NLM_F_DUMP, body, hand_over).map(drop)
    }

    /// Says whether the answer changed while the kernel wrote it.
    fn exchange(
        &mut self,
        kind: u16,
        flags: u16,
        body: &[u8],
        hand_over: &mut impl FnMut(Vec<u8>),
    ) -> io::Result<bool> {
        let socket = self.socket.take().map_or_else(|| connect(self.protocol), Ok)?;
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = Vec::new();
        write(&mut message, kind, flags | NLM_F_ACK, self.sequence, body)?;
        send(&socket, &message)?;
        let mut answer = Answer::new(kind, self.sequence);
        receive(&socket, &mut self.buffer, |datagram| {
            let complete = answer.take(datagram);
            answer.bodies.drain(..).for_each(&mut *hand_over);
            complete
        })?;
        self.socket = Some(socket);
        Ok(answer.torn)
    }

    /// Sends requests for one object each: the bodies of the messages that answer them, in the same order.
    pub(super) fn request_each(
        &mut self,
        kind: u16,
        bodies: &[Vec<u8>],
    ) -> io::Result<Vec<io::Result<Vec<u8>>>> {
        let mut outcomes = Vec::with_capacity(bodies.len());
        for batch in bodies.chunks(BATCH) {
            let socket = self.socket.take().map_or_else(|| connect(self.protocol), Ok)?;
            let first = self.sequence.wrapping_add(1);
            let mut messages = Vec::new();
            for body in batch {
                self.sequence = self.sequence.wrapping_add(1);
                write(&mut messages, kind, 0, self.sequence, body)?;
            }
            send(&socket, &messages)?;
            let mut answers = Answers::new(kind, first, batch.len());
            receive(&socket, &mut self.buffer, |datagram| answers.take(datagram))?;
            self.socket = Some(socket);
            outcomes.extend(answers.outcomes.into_iter().flatten());
        }
        Ok(outcomes)
    }
}

fn connect(protocol: isize) -> io::Result<Socket> {
    let socket = Socket::new(protocol)?;
    let seconds = PATIENCE.as_secs().try_into().unwrap_or(libc::time_t::MAX);
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(seconds, 0))?;
    Ok(socket)
}

/// Appends a request to a datagram.
fn write(datagram: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, body: &[u8]) -> io::Result<()> {
    let mut header = NetlinkHeader::default();
    let length = header.buffer_len() + body.len();
    header.length = length.try_into().map_err(io::Error::other)?;
    header.message_type = kind;
    header.flags = NLM_F_REQUEST | flags;
    header.sequence_number = sequence;

    let mut message = vec![0; header.buffer_len()];
    header.emit(&mut message);
    message.extend_from_slice(body);
    message.resize(length.next_multiple_of(NLMSG_ALIGNTO.into()), 0);
    datagram.append(&mut message);
    Ok(())
}

fn send(socket: &Socket, datagram: &[u8]) -> io::Result<()> {
    match socket.send_to(datagram, &SocketAddr::new(0, 0), 0)? {
        sent if sent == datagram.len() => Ok(()),
        sent => Err(io::Error::other(format!("the kernel took {sent} of {} bytes", datagram.len()))),
    }
}

/// Hands over datagrams until one is said to complete the answer.
fn receive(
    socket: &Socket,
    buffer: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match datagram(socket, buffer) {
            Ok(Some(datagram)) if take(datagram)? => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    let text = format!("the kernel did not answer within {PATIENCE:?}");
    Err(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// Receives a datagram; none when it does not come from the kernel.
pub(super) fn datagram<'a>(socket: &Socket, buffer: &'a mut Vec<u8>) -> io::Result<Option<&'a [u8]>> {
    buffer.clear();
    let (length, sender) = socket.recv_from(buffer, libc::MSG_TRUNC)?;
    if length > buffer.len() {
        let room = buffer.len();
        return Err(malformed(format!("an answer of {length} bytes, where {room} have room")));
    }
    Ok((sender.port_number() == 0).then_some(buffer))
}

/// What the kernel has answered so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    kind: u16,
    sequence: u32,
    pub(super) bodies: Vec<Vec<u8>>,
    /// The list changed while the kernel wrote it.
    pub(super) torn: bool,
}

impl Answer {
    /// The answer to the request of this kind and sequence number.
    pub(super) fn new(request: u16, sequence: u32) -> Self {
        Self {
            // What can be done with an object is numbered in fours: new, delete, get, set in rtnetlink; new, get,
            // delete in ctnetlink. A get is answered by a new.
            kind: request & !3,
            sequence,
            bodies: Vec::new(),
            torn: false,
        }
    }

    /// Takes in a datagram, and says whether the answer is complete. Fails when the kernel refused the
    /// request.
    pub(super) fn take(&mut self, datagram: &[u8]) -> io::Result<bool> {
        for message in messages(datagram) {
            let message = message?;
            if message.sequence_number() != self.sequence {
                continue;
            }
            self.torn |= message.flags() & NLM_F_DUMP_INTR != 0;
            match (message.message_type(), message.payload()) {
                (NLMSG_DONE, []) => return Ok(true),
                (NLMSG_DONE | NLMSG_ERROR, status) => return verdict(status).map(|()| true),
                (NLMSG_NOOP, _) => {}
                (kind, body) if kind == self.kind => self.bodies.push(body.to_vec()),
                (kind, _) => return Err(malformed(format!("an answer of type {kind}"))),
            }
        }
        Ok(false)
    }
}

/// What the kernel has answered so far to requests that are numbered in a row.
#[derive(Debug)]
pub(super) struct Answers {
    kind: u16,
    first: u32,
    /// None where the answer is still to come.
    pub(super) outcomes: Vec<Option<io::Result<Vec<u8>>>>,
}

impl Answers {
    /// The answers to `count` requests of this kind, from a sequence number on.
    pub(super) fn new(request: u16, first: u32, count: usize) -> Self {
        Self { kind: request & !3, first, outcomes: std::iter::repeat_with(|| None).take(count).collect() }
    }

    /// Takes in a datagram, and says whether all requests are answered.
    pub(super) fn take(&mut self, datagram: &[u8]) -> io::Result<bool> {
        for message in messages(datagram) {
            let message = message?;
            let place = usize::try_from(message.sequence_number().wrapping_sub(self.first));
            let Some(outcome) = place.ok().and_then(|place| self.outcomes.get_mut(place)) else { continue };
            *outcome = Some(match (message.message_type(), message.payload()) {
                (NLMSG_ERROR, status) => Err(verdict(status)
                    .err()
                    .unwrap_or_else(|| malformed("a success where an object was asked for"))),
                (kind, body) if kind == self.kind => Ok(body.to_vec()),
                (kind, _) => return Err(malformed(format!("an answer of type {kind}"))),
            });
        }
        Ok(self.outcomes.iter().all(Option::is_some))
    }
}

fn verdict(status: &[u8]) -> io::Result<()> {
    let Some((code, _)) = status.split_first_chunk() else {
        return Err(malformed("a status that is cut short"));
    };
    match i32::from_ne_bytes(*code) {
        0 => Ok(()),
        code => match code.checked_neg() {
            Some(errno @ 1..) => Err(io::Error::from_raw_os_error(errno)),
            _ => Err(malformed(format!("status {code}"))),
        },
    }
}

/// The messages in a datagram; an error, once, where they are no longer well-formed.
pub(super) fn messages(mut datagram: &[u8]) -> impl Iterator<Item = io::Result<NetlinkBuffer<&[u8]>>> {
    std::iter::from_fn(move || {
        if datagram.is_empty() {
            return None;
        }
        let message = NetlinkBuffer::new_checked(datagram).map_err(malformed);
        let length = message.as_ref().map_or(datagram.len(), |message| message.length() as usize);
        let next = length.next_multiple_of(NLMSG_ALIGNTO.into());
        datagram = datagram.get(next..).unwrap_or_default();
        Some(message)
    })
}

pub(super) fn malformed(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
