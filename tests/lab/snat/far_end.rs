//! Who sends what, and from where it seems to come.

use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::network::Node;

/// How long a packet may be under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens at a UDP port, or for ICMP echoes, and sees who sends.
pub(super) struct FarEnd(Socket);

/// Sends from one port, or with one number, all the time.
pub(super) struct Sender(Socket, Vec<u8>);

impl FarEnd {
    /// At `ADDRESS:PORT` over UDP.
    pub(super) fn udp(node: &Node, at: &str) -> Self {
        Self(node.enter(|| bound(at)))
    }

    /// For echoes over IPv4 or IPv6.
    pub(super) fn echoes(node: &Node, domain: Domain) -> Self {
        Self(node.enter(|| raw(domain)))
    }

    /// From where the next packet comes.
    #[track_caller]
    pub(super) fn source(&self) -> IpAddr {
        self.sender().ip()
    }

    /// From which port.
    #[track_caller]
    pub(super) fn port(&self) -> u16 {
        self.sender().port()
    }

    #[track_caller]
    fn sender(&self) -> SocketAddr {
        self.0.set_read_timeout(Some(PATIENCE)).expect("an option of every socket");
        let mut buffer = [MaybeUninit::uninit(); 256];
        let (_, from) = self.0.recv_from(&mut buffer).expect("a packet");
        from.as_socket().expect("an address")
    }
}

impl Sender {
    /// Datagrams to `ADDRESS:PORT`.
    pub(super) fn udp(node: &Node, to: &str) -> Self {
        Self::udp_from(node, 0, to)
    }

    /// The same from this port.
    pub(super) fn udp_from(node: &Node, port: u16, to: &str) -> Self {
        let to: SocketAddr = to.parse().expect("an address");
        let any = if to.is_ipv4() { "0.0.0.0" } else { "[::]" };
        let socket = node.enter(|| bound(&format!("{any}:{port}")));
        socket.connect(&to.into()).expect("a way");
        Self(socket, b"hello".to_vec())
    }

    /// ICMP echoes to an IPv4 address.
    pub(super) fn echo(node: &Node, to: &str) -> Self {
        let socket = node.enter(|| raw(Domain::IPV4));
        socket.connect(&SocketAddr::new(to.parse().expect("an address"), 0).into()).expect("a way");
        // Type 8, number 1, sequence 1, and the checksum of that.
        Self(socket, vec![8, 0, 0xf7, 0xfd, 0, 1, 0, 1])
    }

    /// Sends once.
    pub(super) fn send(&self) {
        // An ICMP error of before is none of this one.
        if let Err(error) = self.0.send(&self.1) {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{error}");
            self.0.send(&self.1).expect("a way");
        }
    }
}

fn bound(at: &str) -> Socket {
    UdpSocket::bind(at).unwrap_or_else(|error| panic!("{at}: {error}")).into()
}

fn raw(domain: Domain) -> Socket {
    let protocol = if domain == Domain::IPV4 { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
    Socket::new(domain, Type::RAW, Some(protocol)).expect("a raw socket")
}
