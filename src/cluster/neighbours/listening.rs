//! ARP as it comes in by one interface.

use std::os::fd::{AsFd, BorrowedFd};

use failover::arp::Arp;
use failover::packet::{PacketError, PacketListener};

/// How many frames are taken in one go: more than wait in the kernel by default, so that what waited is all
/// heard before there is a verdict, and a flood does not hold up the caller.
const BATCH: usize = 512;
/// The part of a frame that is read; the rest is padding.
const FRAME: usize = 42;

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) index: u32,
    socket: PacketListener,
}

impl Listener {
    pub(super) fn open(index: u32) -> Result<Self, PacketError> {
        Ok(Self { index, socket: PacketListener::open(index)? })
    }

    /// What has come. If the interface was switched off, nothing has.
    pub(super) fn receive(&self) -> impl Iterator<Item = Arp> {
        let mut buffer = [0; FRAME];
        let frames = std::iter::from_fn(move || {
            let length = self.socket.receive(&mut buffer).ok().flatten()?;
            Some(buffer.get(..length).and_then(Arp::parse))
        });
        frames.take(BATCH).flatten()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
