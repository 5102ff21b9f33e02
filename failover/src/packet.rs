//! The way of frames to the wire and of ARP from it: packet sockets.
//!
//! This is the one module of lvsd with `unsafe` code, since no library makes a `sockaddr_ll` safely.

#![expect(unsafe_code, reason = "a link-layer socket address can be made in no other way")]

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, SockAddr, SockAddrStorage, SockFilter, Socket, Type};

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
    /// The interface cannot be listened to.
    #[error("listen for ARP on interface {interface}")]
    Listen {
        /// The index of the interface.
        interface: u32,
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
        deaf().map(Self).map_err(PacketError::Open)
    }

    /// Sends an Ethernet frame on the interface of this index. It does not wait for room in the interface's
    /// queue.
    pub fn send(&self, interface: u32, frame: &[u8]) -> Result<(), PacketError> {
        let length = frame.len();
        let failed = |cause| PacketError::Send { interface, length, cause };
        let Some((&[t0, t1, t2, t3, t4, t5, .., p0, p1], _)) = frame.split_first_chunk::<14>() else {
            return Err(PacketError::TooShort(length));
        };
        let to = link_address(interface, [t0, t1, t2, t3, t4, t5], [p0, p1]).map_err(failed)?;
        match self.0.send_to(frame, &to).map_err(failed)? {
            sent if sent == length => Ok(()),
            _ => Err(failed(io::ErrorKind::WriteZero.into())),
        }
    }
}

/// A socket that receives the ARP frames for this machine that come in by one interface, and sends none.
#[derive(Debug)]
pub struct PacketListener(Socket);

impl PacketListener {
    /// Starts to listen to the interface of this index, in the network namespace of the calling thread. When
    /// the interface is gone, nothing comes any more.
    pub fn open(interface: u32) -> Result<Self, PacketError> {
        let failed = |cause| PacketError::Listen { interface, cause };
        let socket = deaf().map_err(PacketError::Open)?;
        socket.attach_filter(&FOR_THIS_MACHINE).map_err(failed)?;
        let from = link_address(interface, [0; 6], ARP).map_err(failed)?;
        socket.bind(&from).map_err(failed)?;
        Ok(Self(socket))
    }

    /// Takes the next frame, as much of it as the buffer holds, and says how much that is; nothing if there is
    /// none yet.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match (&self.0).read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for PacketListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

const ARP: [u8; 2] = [0x08, 0x06];

/// Refuses what passes this machine by: frames of a VLAN that it is not in, or those of others while somebody
/// watches the wire. The types of packets are those of `linux/if_packet.h`. What this machine itself sends is
/// not received at all by a socket of one protocol.
#[expect(clippy::cast_sign_loss, reason = "as the kernel's headers have it")]
const FOR_THIS_MACHINE: [SockFilter; 4] = {
    let (load, if_at_least, ret) = (0x30, 0x35, 0x06);
    let packet_type = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE) as u32;
    let other_host = 3;
    [
        SockFilter::new(load, 0, 0, packet_type),
        SockFilter::new(if_at_least, 0, 1, other_host),
        SockFilter::new(ret, 0, 0, 0),
        SockFilter::new(ret, 0, 0, u32::MAX),
    ]
};

/// A socket of protocol 0, which receives nothing, so that no traffic piles up where nobody reads.
fn deaf() -> io::Result<Socket> {
    let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[expect(clippy::cast_possible_truncation, reason = "a family and a length that fit in a byte")]
fn link_address(interface: u32, mac: [u8; 6], ethertype: [u8; 2]) -> io::Result<SockAddr> {
    let sll_ifindex = i32::try_from(interface).map_err(|_| io::ErrorKind::InvalidInput)?;
    let [m0, m1, m2, m3, m4, m5] = mac;
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: u16::from_ne_bytes(ethertype),
        sll_ifindex,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [m0, m1, m2, m3, m4, m5, 0, 0],
    };
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is one of the platform's socket addresses.
    *unsafe { storage.view_as() } = address;
    // SAFETY: the storage holds a `sockaddr_ll`, with its family, and the length is that of a `sockaddr_ll`.
    Ok(unsafe { SockAddr::new(storage, size_of_val(&address) as libc::socklen_t) })
}
