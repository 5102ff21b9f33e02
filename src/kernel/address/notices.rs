//! Word from the kernel that addresses, links or routes have changed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::libc;

use super::super::netlink::{DATAGRAM, datagram, messages};
use super::{Attempt, Error};

/// How many datagrams are read in one go, so that a storm of changes cannot keep the caller from its work.
const AT_ONCE: usize = 1000;

/// linux/rtnetlink.h
const RTM_NEWNEXTHOP: u16 = 104;
/// linux/rtnetlink.h
const RTM_DELNEXTHOP: u16 = 105;
/// linux/rtnetlink.h; group n is bit n - 1.
const RTNLGRP_NEXTHOP: u32 = 32;

/// What may have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Addresses came or went.
    pub addresses: bool,
    /// Interfaces came, went, or changed their state.
    pub links: bool,
    /// The way to an IPv4 address may be another.
    pub routes: bool,
}

impl Changes {
    /// Whether anything may have changed.
    #[must_use]
    pub fn any(self) -> bool {
        self.addresses || self.links || self.routes
    }

    fn all() -> Self {
        Self { addresses: true, links: true, routes: true }
    }
}

/// A socket that becomes readable when an address or a link changes, of either family, or an IPv4 route.
#[derive(Debug)]
pub struct Notices {
    socket: Socket,
    buffer: Vec<u8>,
}

impl Notices {
    /// Starts to listen, in the network namespace of the calling thread.
    pub fn open() -> Result<Self, Error> {
        let socket = listen().map_err(|cause| Error::new(Attempt::Listen, cause))?;
        let buffer = Vec::with_capacity(DATAGRAM);
        Ok(Self { socket, buffer })
    }

    /// What has changed since the last call. Does not wait.
    pub fn drain(&mut self) -> Result<Changes, Error> {
        let mut changes = Changes::default();
        for _ in 0..AT_ONCE {
            match datagram(&self.socket, &mut self.buffer) {
                Ok(Some(datagram)) => changes.note(datagram),
                Ok(None) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => break,
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::InvalidData => changes = Changes::all(),
                    // The socket overflowed, and what was lost is not known.
                    _ if error.raw_os_error() == Some(libc::ENOBUFS) => changes = Changes::all(),
                    _ => return Err(Error::new(Attempt::Listen, error)),
                },
            }
        }
        Ok(changes)
    }
}

impl AsFd for Notices {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Changes {
    pub(super) fn note(&mut self, datagram: &[u8]) {
        for message in messages(datagram) {
            match message.map(|message| message.message_type()) {
                Ok(libc::RTM_NEWADDR | libc::RTM_DELADDR) => self.addresses = true,
                Ok(libc::RTM_NEWLINK | libc::RTM_DELLINK) => self.links = true,
                Ok(
                    libc::RTM_NEWROUTE
                    | libc::RTM_DELROUTE
                    | libc::RTM_NEWRULE
                    | libc::RTM_DELRULE
                    | RTM_NEWNEXTHOP
                    | RTM_DELNEXTHOP,
                ) => self.routes = true,
                Ok(_) => {}
                Err(_) => *self = Self::all(),
            }
        }
    }
}

#[expect(clippy::cast_sign_loss, reason = "the groups are bits")]
fn listen() -> io::Result<Socket> {
    let groups = libc::RTMGRP_LINK
        | libc::RTMGRP_IPV4_IFADDR
        | libc::RTMGRP_IPV6_IFADDR
        | libc::RTMGRP_IPV4_ROUTE
        | libc::RTMGRP_IPV4_RULE;
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.set_non_blocking(true)?;
    socket.bind(&SocketAddr::new(0, groups as u32 | 1 << (RTNLGRP_NEXTHOP - 1)))?;
    Ok(socket)
}
