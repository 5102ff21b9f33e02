//! Which answer belongs to which request, and when answers are lost.
//!
//! Several requests travel in one datagram and are numbered in a row. The kernel works on them one after the
//! other and goes on after one that fails; it reports every failure, but a success only where that is asked
//! for: for the last one, whose verdict therefore ends the batch. A dump, which ends by itself, can only be
//! the last of its batch.

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use crate::wire::{self, Content, Message, Request};

/// Answers were lost: how far the kernel got is not known, and its state has to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// An answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The request's place in its batch.
    pub index: usize,
    /// The attributes of an object that was asked for, or the errno that the request failed with.
    pub outcome: Result<&'a [u8], i32>,
}

/// The batch that is under way.
#[derive(Debug)]
pub struct Window {
    family: u16,
    port: u32,
    first: u32,
    count: u32,
    /// Where the last request starts in `bytes`.
    last: usize,
    full: bool,
    bytes: Vec<u8>,
}

impl Window {
    /// Requests in a batch. More gain nothing; these fit a socket's send buffer many times, and so do their
    /// answers its receive buffer, even when all of them fail: by default that holds 256.
    pub const MAX_REQUESTS: u32 = 200;

    /// A window for the generic netlink family of an id, over the socket with a port.
    #[must_use]
    pub fn new(family: u16, port: u32) -> Self {
        Self { family, port, first: 1, count: 0, last: 0, full: false, bytes: Vec::new() }
    }

    /// Starts a batch. Answers to the one before are late from now on.
    pub fn open(&mut self) {
        self.first = self.first.wrapping_add(self.count);
        self.count = 0;
        self.full = false;
        self.bytes.clear();
    }

    /// Takes a request into the batch, unless the batch is full.
    pub fn push(&mut self, request: &Request<'_>) -> bool {
        if self.full {
            return false;
        }
        self.last = self.bytes.len();
        request.encode(&mut self.bytes, self.family, self.first.wrapping_add(self.count));
        self.count += 1;
        self.full = request.is_dump() || self.count == Self::MAX_REQUESTS;
        true
    }

    /// Ends the batch and gives what is to be sent.
    pub fn close(&mut self) -> &[u8] {
        wire::request_ack(&mut self.bytes, self.last);
        &self.bytes
    }

    /// Reads a datagram and hands over the replies in it; breaks when the batch has ended.
    pub fn receive(&self, datagram: &[u8], mut each: impl FnMut(Reply<'_>)) -> Result<ControlFlow<()>, Lost> {
        for message in wire::messages(datagram) {
            let Message { number, port, content } = message.map_err(|_| Lost)?;
            let offset = number.wrapping_sub(self.first);
            if port != self.port || offset >= self.count {
                continue;
            }
            let index = usize::try_from(offset).map_err(|_| Lost)?;
            match content {
                Content::Answer { family, attributes } if family == self.family => {
                    each(Reply { index, outcome: Ok(attributes) });
                }
                Content::Answer { .. } => {}
                Content::Verdict(errno) | Content::Done(errno) => {
                    if errno != 0 {
                        each(Reply { index, outcome: Err(errno) });
                    }
                    if offset + 1 == self.count {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Content::Lost => return Err(Lost),
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
