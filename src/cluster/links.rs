//! The way of datagrams between directors: a socket for each peer on each link.
//!
//! Each is connected, so that the kernel itself drops what comes from elsewhere: a flood from a stranger fills another
//! queue than that of heartbeats, and is only counted.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use failover::{LinkId, Moment, NodeId};
use socket2::{Domain, Protocol, Socket, Type};

/// The longest datagram that is read; a longer one is none of ours.
const LONGEST: usize = 2048;
/// Expedited by routers and by the queue of the interface: RFC 4594 section 3.1, class selector 6.
const NETWORK_CONTROL: u32 = 0xc0;
/// Room for heartbeats that wait while the thread cannot run.
const WAITING: usize = 1 << 20;
/// How many datagrams of strangers are counted in one go.
const STRANGERS: usize = 64;
/// How often a socket that could not be had is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// All sockets of a node.
#[derive(Debug)]
pub(super) struct Links {
    all: Vec<Link>,
    port: u16,
    next_try: Moment,
    pub(super) strangers: u64,
}

#[derive(Debug)]
struct Link {
    own: IpAddr,
    stranger: Option<Socket>,
    peers: Vec<Peer>,
}

#[derive(Debug)]
struct Peer {
    node: NodeId,
    address: IpAddr,
    socket: Option<Socket>,
}

impl Links {
    /// The sockets for `own` addresses, link by link, to those of each peer.
    pub(super) fn open(now: Moment, port: u16, own: &[IpAddr], peers: &[(NodeId, Vec<IpAddr>)]) -> Self {
        let links = own.iter().enumerate().map(|(at, own)| Link {
            own: *own,
            stranger: None,
            peers: peers
                .iter()
                .filter_map(|(node, addresses)| {
                    Some(Peer { node: *node, address: *addresses.get(at)?, socket: None })
                })
                .collect(),
        });
        let mut links = Self { all: links.collect(), port, next_try: now, strangers: 0 };
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
            if link.stranger.is_none() {
                link.stranger = bound(own).ok();
            }
            for peer in link.peers.iter_mut().filter(|peer| peer.socket.is_none()) {
                let connected = bound(own).and_then(|socket| {
                    socket.connect(&SocketAddr::new(peer.address, port).into())?;
                    Ok(socket)
                });
                peer.socket = connected
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
        let socket = peers.iter().find(|peer| peer.node == to).and_then(|peer| peer.socket.as_ref());
        if let Some(socket) = socket {
            // An error here can be that of an earlier datagram, so once more.
            if socket.send(datagram).is_err() {
                drop(socket.send(datagram));
            }
        }
    }

    /// Reads what has come, at most `limit` datagrams of each peer on each link.
    pub(super) fn receive(&mut self, limit: usize, mut each: impl FnMut(&[u8])) {
        let mut buffer = Vec::with_capacity(LONGEST);
        for link in &mut self.all {
            for socket in link.peers.iter().filter_map(|peer| peer.socket.as_ref()) {
                for _ in 0..limit {
                    match read(socket, &mut buffer) {
                        Ok(()) => each(&buffer),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                        // What an ICMP message said of an earlier datagram.
                        Err(_) => {}
                    }
                }
            }
            for _ in 0..STRANGERS {
                match link.stranger.as_ref().map(|socket| read(socket, &mut buffer)) {
                    Some(Ok(())) => self.strangers += 1,
                    _ => break,
                }
            }
        }
    }

    /// What becomes readable when something comes.
    pub(super) fn fds(&self) -> impl Iterator<Item = &dyn AsFd> {
        self.all.iter().flat_map(|link| {
            let peers = link.peers.iter().filter_map(|peer| peer.socket.as_ref());
            peers.chain(&link.stranger).map(|socket| socket as &dyn AsFd)
        })
    }
}

fn read(socket: &Socket, buffer: &mut Vec<u8>) -> io::Result<()> {
    use std::io::Read as _;
    buffer.resize(LONGEST, 0);
    let length = (&*socket).read(buffer)?;
    buffer.truncate(length);
    Ok(())
}

fn bound(own: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(own), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    // More than the system grants others; without the right to it, what it grants has to do.
    drop(socket.set_recv_buffer_size(WAITING));
    match own {
        SocketAddr::V4(_) => drop(socket.set_tos_v4(NETWORK_CONTROL)),
        SocketAddr::V6(_) => {
            socket.set_only_v6(true)?;
            drop(socket.set_tclass_v6(NETWORK_CONTROL));
        }
    }
    socket.bind(&own.into())?;
    Ok(socket)
}
