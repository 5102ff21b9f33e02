//! Word from the kernel that somebody changed lvsd's table (nfnetlink, `linux/netfilter/nf_tables.h`).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::NlasIterator;
use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};
use nix::libc;

use super::super::netlink::{DATAGRAM, datagram, messages};
use crate::snat::{TABLE, Touched};

/// How many datagrams are read in one go.
const AT_ONCE: usize = 1000;
/// `NFNLGRP_NFTABLES`; group n is bit n - 1.
const GROUP: u32 = 7;
/// `struct nfgenmsg`.
const HEADER: usize = 4;
/// The table's name is attribute 1 of the messages of tables, chains, rules and sets alike.
const NAME: u16 = 1;
/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE`
const DELETED: u16 = 10 << 8 | 2;

/// A socket that becomes readable when somebody changes nftables.
#[derive(Debug)]
pub(super) struct Notices {
    socket: Socket,
    buffer: Vec<u8>,
}

impl Notices {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.set_non_blocking(true)?;
        socket.bind(&SocketAddr::new(0, 1 << (GROUP - 1)))?;
        Ok(Self { socket, buffer: Vec::with_capacity(DATAGRAM) })
    }

    /// What became of lvsd's table since the last call. Does not wait.
    pub(super) fn drain(&mut self) -> io::Result<Touched> {
        let mut touched = Touched::No;
        for _ in 0..AT_ONCE {
            match datagram(&self.socket, &mut self.buffer) {
                Ok(Some(datagram)) => note(&mut touched, datagram),
                Ok(None) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => break,
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::InvalidData => touched = Touched::Changed,
                    // The socket overflowed, and what was lost is not known.
                    _ if error.raw_os_error() == Some(libc::ENOBUFS) => touched = Touched::Changed,
                    _ => return Err(error),
                },
            }
        }
        Ok(touched)
    }
}

impl AsFd for Notices {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Takes note of what a datagram says of lvsd's table. What cannot be read may say anything.
pub(super) fn note(touched: &mut Touched, datagram: &[u8]) {
    for message in messages(datagram) {
        match message {
            Ok(message) if concerns_us(message.payload()) => {
                let gone = message.message_type() == DELETED;
                *touched = if gone { Touched::Gone } else { Touched::Changed };
            }
            Ok(_) => {}
            Err(_) => *touched = Touched::Changed,
        }
    }
}

fn concerns_us(body: &[u8]) -> bool {
    let ours = TABLE.rsplit(' ').next().unwrap_or_default();
    NlasIterator::new(body.get(HEADER..).unwrap_or_default()).any(|attribute| match attribute {
        Ok(attribute) => {
            attribute.kind() == NAME && attribute.value().strip_suffix(b"\0") == Some(ours.as_bytes())
        }
        Err(_) => true,
    })
}
