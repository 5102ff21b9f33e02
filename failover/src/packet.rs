//! The way of a frame to the wire: a packet socket.
//!
//! This is the one module of lvsd with `unsafe` code, since no library makes a `sockaddr_ll` safely.

#![expect(unsafe_code, reason = "a link-layer socket address can be made in no other way")]

use std::io;

use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};

/// Why a frame was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// There is no packet socket to be had.
    #[error("open a packet socket (this needs CAP_NET_RAW)")]
    Open(#[source] io::Error),
    /// The kernel did not take the frame.
    #[error("send a frame of {length} bytes on interface {interface}")]
    Send {
        /// The index of the interface.
        interface: u32,
        /// The length of the frame.
        length: usize,
        /// What the kernel said.
        #[source]
        cause: io::Error,
    },
    /// The frame has no whole Ethernet header.
    #[error("a frame of {0} bytes is shorter than its header of 14")]
    TooShort(usize),
}

/// A socket that sends frames and receives none.
#[derive(Debug)]
pub struct PacketSocket(Socket);

impl PacketSocket {
    /// Opens the socket, in the network namespace of the calling thread.
    pub fn open() -> Result<Self, PacketError> {
        // Protocol 0 receives nothing, so that no traffic piles up in a socket nobody reads.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None).map_err(PacketError::Open)?;
        socket.set_nonblocking(true).map_err(PacketError::Open)?;
        Ok(Self(socket))
    }

    /// Sends an Ethernet frame on the interface of this index. It does not wait for room in the interface's
    /// queue.
    pub fn send(&self, interface: u32, frame: &[u8]) -> Result<(), PacketError> {
        let length = frame.len();
        let failed = |cause| PacketError::Send { interface, length, cause };
        let Some((&[t0, t1, t2, t3, t4, t5, .., p0, p1], _)) = frame.split_first_chunk::<14>() else {
            return Err(PacketError::TooShort(length));
        };
        let index = i32::try_from(interface).map_err(|_| failed(io::ErrorKind::InvalidInput.into()))?;
        let to = link_address(index, [t0, t1, t2, t3, t4, t5], [p0, p1]);
        match self.0.send_to(frame, &to).map_err(failed)? {
            sent if sent == length => Ok(()),
            _ => Err(failed(io::ErrorKind::WriteZero.into())),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a family and a length that fit in a byte")]
fn link_address(interface: i32, mac: [u8; 6], ethertype: [u8; 2]) -> SockAddr {
    let [m0, m1, m2, m3, m4, m5] = mac;
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: u16::from_ne_bytes(ethertype),
        sll_ifindex: interface,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [m0, m1, m2, m3, m4, m5, 0, 0],
    };
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is one of the platform's socket addresses.
    *unsafe { storage.view_as() } = address;
    // SAFETY: the storage holds a `sockaddr_ll`, with its family, and the length is that of a `sockaddr_ll`.
    unsafe { SockAddr::new(storage, size_of_val(&address) as libc::socklen_t) }
}
