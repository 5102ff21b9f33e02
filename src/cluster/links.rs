//! The way of datagrams between directors: a socket for each peer on each link.
//!
//! Each is connected, so that a flood in the name of one peer fills no queue but that peer's on that link. What comes from
//! elsewhere the kernel drops as it comes. It also counts what it drops, and is asked for that now and then.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use failover::{LinkId, Moment, NodeId};
use nix::sys::socket::sockopt::RcvBufForce;
use nix::sys::socket::{MsgFlags, MultiHeaders, getsockopt, recvmmsg, setsockopt};
use nix::{getsockopt_impl, libc};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// The longest datagram that is read; a longer one is none of ours.
const LONGEST: usize = 2048;
/// How many datagrams of each peer on each link are read in one go.
const BATCH: usize = 16;
/// Expedited by routers and by the queue of the interface: RFC 4594 section 3.1, class selector 6.
const NETWORK_CONTROL: u32 = 0xc0;
/// Room for heartbeats that wait while the thread cannot run.
const WAITING: usize = 1 << 20;
/// Takes no byte of any datagram: `BPF_RET | BPF_K` of `linux/bpf_common.h`.
const NOTHING: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];
/// How often a socket that could not be had is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// All sockets of a node.
#[derive(Debug)]
pub(super) struct Links {
    all: Vec<Link>,
    port: u16,
    next_try: Moment,
    dropped: Dropped,
    buffer: Vec<u8>,
}

/// How many datagrams the kernel dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    /// From a peer's address: they found its queue full, or were damaged.
    pub(super) overrun: u64,
    /// From any other.
    pub(super) strangers: u64,
}

#[derive(Debug)]
struct Link {
    own: IpAddr,
    strangers: Option<Inbox>,
    peers: Vec<Peer>,
}

#[derive(Debug)]
struct Peer {
    node: NodeId,
    address: IpAddr,
    inbox: Option<Inbox>,
}

#[derive(Debug)]
struct Inbox {
    socket: Socket,
    /// As the kernel said last.
    dropped: u32,
}

impl Links {
    /// The sockets for `own` addresses, link by link, to those of each peer.
    pub(super) fn open(now: Moment, port: u16, own: &[IpAddr], peers: &[(NodeId, Vec<IpAddr>)]) -> Self {
        let links = own.iter().enumerate().map(|(at, own)| Link {
            own: *own,
            strangers: None,
            peers: peers
                .iter()
                .filter_map(|(node, addresses)| {
                    Some(Peer { node: *node, address: *addresses.get(at)?, inbox: None })
                })
                .collect(),
        });
        let mut links = Self {
            all: links.collect(),
            port,
            next_try: now,
            dropped: Dropped::default(),
            buffer: vec![0; BATCH * LONGEST],
        };
        links.connect(now);
        links
    }

    /// Tries again what could not be had: an interface may have come up.
    pub(super) fn connect(&mut self, now: Moment) {
        if now < self.next_try {
            return;
        }
        self.next_try = now + RETRY;
        let port = self.port;
        for link in &mut self.all {
            let own = SocketAddr::new(link.own, port);
            if link.strangers.is_none() {
                link.strangers = Inbox::of_strangers(own).ok();
            }
            for peer in link.peers.iter_mut().filter(|peer| peer.inbox.is_none()) {
                let inbox = Inbox::of_peer(own, SocketAddr::new(peer.address, port));
                peer.inbox = inbox
                    .inspect_err(
                        |error| tracing::debug!(%error, own = %link.own, peer = %peer.address, "no link"),
                    )
                    .ok();
            }
        }
    }

    /// Sends a datagram to a peer on a link, or loses it as a network would.
    pub(super) fn send(&self, to: NodeId, link: LinkId, datagram: &[u8]) {
        let peers = self.all.get(usize::from(link.0)).map(|link| &link.peers[..]).unwrap_or_default();
        let inbox = peers.iter().find(|peer| peer.node == to).and_then(|peer| peer.inbox.as_ref());
        if let Some(Inbox { socket, .. }) = inbox {
            // An error here can be that of an earlier datagram, so once more.
            if socket.send(datagram).is_err() {
                drop(socket.send(datagram));
            }
        }
    }

    /// Reads what has come where something can be read by this, in the order of [`fds`](Self::fds). Says whether there
    /// may be more.
    pub(super) fn receive(&mut self, readable: &[bool], mut each: impl FnMut(&[u8])) -> bool {
        let Self { all, buffer, .. } = self;
        let mut more = false;
        for (socket, _) in sockets(all).zip(readable).filter(|(_, readable)| **readable) {
            more |= read(socket, buffer, &mut each) == BATCH;
        }
        more
    }

    /// What becomes readable when something comes from a peer.
    pub(super) fn fds(&self) -> impl Iterator<Item = &dyn AsFd> {
        sockets(&self.all).map(|socket| socket as &dyn AsFd)
    }

    /// What the kernel dropped until now. To be asked at least once in the 2^32 datagrams that it can count.
    pub(super) fn dropped(&mut self) -> Dropped {
        for link in &mut self.all {
            let peers = link.peers.iter_mut().filter_map(|peer| peer.inbox.as_mut());
            self.dropped.overrun += peers.map(Inbox::newly_dropped).sum::<u64>();
            self.dropped.strangers += link.strangers.as_mut().map_or(0, Inbox::newly_dropped);
        }
        self.dropped
    }
}

/// Those of peers that are there.
fn sockets(links: &[Link]) -> impl Iterator<Item = &Socket> {
    let peers = links.iter().flat_map(|link| &link.peers);
    peers.filter_map(|peer| peer.inbox.as_ref()).map(|inbox| &inbox.socket)
}

impl Inbox {
    /// What comes from a peer's address.
    fn of_peer(own: SocketAddr, peer: SocketAddr) -> io::Result<Self> {
        let socket = socket(own)?;
        // More than the system grants others; without the right to it, what it grants has to do.
        if setsockopt(&socket, RcvBufForce, &WAITING).is_err() {
            drop(socket.set_recv_buffer_size(WAITING));
        }
        socket.bind(&own.into())?;
        socket.connect(&peer.into())?;
        Ok(Self { socket, dropped: 0 })
    }

    /// What comes from all other addresses, and goes nowhere.
    fn of_strangers(own: SocketAddr) -> io::Result<Self> {
        let socket = socket(own)?;
        socket.attach_filter(&NOTHING)?;
        socket.bind(&own.into())?;
        Ok(Self { socket, dropped: 0 })
    }

    /// How many datagrams the kernel dropped since this was asked last.
    fn newly_dropped(&mut self) -> u64 {
        let dropped = getsockopt(&self.socket, MemInfo).map_or(self.dropped, |[.., dropped]| dropped);
        let before = std::mem::replace(&mut self.dropped, dropped);
        dropped.wrapping_sub(before).into()
    }
}

/// What a socket holds, by `linux/sock_diag.h`; the last of these words, `SK_MEMINFO_DROPS`, says how many packets the kernel
/// dropped.
#[derive(Clone, Copy)]
struct MemInfo;
getsockopt_impl!(
    MemInfo,
    libc::SOL_SOCKET,
    libc::SO_MEMINFO,
    [u32; 9],
    nix::sys::socket::sockopt::GetStruct<[u32; 9]>
);

/// Reads a batch of datagrams; says how many. An error is what an ICMP message said of an earlier one.
fn read(socket: &Socket, buffer: &mut [u8], each: &mut impl FnMut(&[u8])) -> usize {
    let mut headers = MultiHeaders::<()>::preallocate(BATCH, None);
    let mut slices: Vec<_> = buffer.chunks_mut(LONGEST).map(|chunk| [IoSliceMut::new(chunk)]).collect();
    let received = recvmmsg(socket.as_raw_fd(), &mut headers, &mut slices, MsgFlags::MSG_DONTWAIT, None);
    received.map_or(0, |received| {
        received.map(|datagram| each(datagram.iovs().next().unwrap_or_default())).count()
    })
}

fn socket(own: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(own), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    match own {
        SocketAddr::V4(_) => drop(socket.set_tos_v4(NETWORK_CONTROL)),
        SocketAddr::V6(_) => {
            socket.set_only_v6(true)?;
            drop(socket.set_tclass_v6(NETWORK_CONTROL));
        }
    }
    Ok(socket)
}

#[cfg(test)]
mod tests;
