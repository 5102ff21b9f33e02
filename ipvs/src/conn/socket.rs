//! A netlink socket that notices when it loses something.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::socket::synchronous::NlSocketHandle;
use neli::utils::Groups;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

/// Twice what the kernel puts into one datagram of a dump.
const BUFFER: usize = 64 * 1024;

/// What the socket holds until it is read: the answers to a whole batch, many times over.
const RECEIVE_BUFFER: usize = 1024 * 1024;

/// The kernel answers before `send` returns, so an answer that takes this long is lost.
const TIMEOUT: TimeVal = TimeVal::new(2, 0);

/// Opens a generic netlink socket.
pub(super) fn connect() -> io::Result<NlSocketHandle> {
    let handle =
        NlSocketHandle::connect(NlFamily::Generic, None, Groups::empty()).map_err(io::Error::other)?;
    let fd = borrow(&handle);
    setsockopt(&fd, sockopt::ReceiveTimeout, &TIMEOUT)?;
    // Forcing needs CAP_NET_ADMIN. Without it nothing else works either, and the first request says so.
    let _ = setsockopt(&fd, sockopt::RcvBufForce, &RECEIVE_BUFFER);
    Ok(handle)
}

#[expect(unsafe_code, reason = "neli lends its descriptor only as a number")]
fn borrow(socket: &impl AsRawFd) -> BorrowedFd<'_> {
    // SAFETY: neli's sockets own their descriptor and close it when they are dropped, which the borrow
    // outlaws.
    unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) }
}

pub(super) struct Socket {
    inner: NlSocket,
    port: u32,
    buffer: Box<[u8]>,
}

impl Socket {
    pub(super) fn new(handle: NlSocketHandle) -> Self {
        Self { port: handle.pid(), inner: handle.into(), buffer: vec![0; BUFFER].into() }
    }

    /// The socket's address, which answers carry.
    pub(super) fn port(&self) -> u32 {
        self.port
    }

    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        loop {
            match self.inner.send(bytes, Msg::empty()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map(drop),
            }
        }
    }

    /// The next datagram, or nothing when one was lost.
    pub(super) fn receive(&mut self) -> io::Result<Option<&[u8]>> {
        let length = loop {
            match self.read(Msg::empty()) {
                Ok(length) => break length,
                Err(Errno::EINTR) => {}
                Err(Errno::ENOBUFS | Errno::EAGAIN) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
        };
        // A length above the buffer's is that of a datagram that did not fit.
        Ok(self.buffer.get(..length))
    }

    /// Throws away what is there. After an overrun the kernel drops every answer until the socket has been
    /// emptied.
    pub(super) fn drain(&mut self) {
        while matches!(self.read(Msg::DONTWAIT), Ok(_) | Err(Errno::EINTR | Errno::ENOBUFS)) {}
    }

    /// Reads a datagram and gives its full length.
    fn read(&mut self, flags: Msg) -> Result<usize, Errno> {
        match self.inner.recv(&mut *self.buffer, flags | Msg::TRUNC) {
            Ok((length, _)) => Ok(length),
            Err(error) => Err(Errno::try_from(error).unwrap_or(Errno::EIO)),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        borrow(&self.inner)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("port", &self.port).finish_non_exhaustive()
    }
}
