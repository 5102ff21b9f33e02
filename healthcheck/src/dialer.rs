//! Sockets to realservers, from a monitor's origin.

use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use crate::Origin;

/// Connects. Nothing stays of the connection when it is dropped, not even `TIME_WAIT`: it is reset.
pub(crate) async fn connect(target: SocketAddr, origin: &Origin) -> io::Result<TcpStream> {
    let socket = open(target.ip(), Type::STREAM, Protocol::TCP)?;
    socket.set_linger(Some(Duration::ZERO))?;
    bind(&socket, origin)?;
    TcpSocket::from_std_stream(socket.into()).connect(target).await
}

/// A socket for datagrams to one target and from it alone, which reports every ICMP error.
pub(crate) async fn datagrams(target: SocketAddr, origin: &Origin) -> io::Result<UdpSocket> {
    let socket = open(target.ip(), Type::DGRAM, Protocol::UDP)?;
    report_errors(&socket, target.ip())?;
    bind(&socket, origin)?;
    let socket = UdpSocket::from_std(socket.into())?;
    socket.connect(target).await?;
    Ok(socket)
}

/// A socket for ICMP messages.
pub(crate) struct Icmp {
    /// Connected, so that the kernel hands over only what comes from the target. Sending and receiving is the
    /// same on all sockets for messages, and this is the type that tokio has for them.
    pub(crate) socket: UdpSocket,
    /// Whether it is a raw one, which sends the identifier that it is given, and gets IPv4 headers.
    pub(crate) raw: bool,
}

/// A socket for ICMP echoes with one identifier to one target, and from it alone, which reports every ICMP error.
///
/// Without a privilege where `net.ipv4.ping_group_range` allows it, else with `CAP_NET_RAW`.
pub(crate) fn icmp(mut target: SocketAddr, origin: &Origin, identifier: u16) -> io::Result<Icmp> {
    target.set_port(0);
    let protocol = if target.is_ipv4() { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
    let (socket, raw) = match open(target.ip(), Type::DGRAM, protocol) {
        Ok(socket) => (socket, false),
        Err(_) => (open(target.ip(), Type::RAW, protocol)?, true),
    };
    if raw {
        socket.attach_filter(&only(identifier, target.ip()))?;
    }
    report_errors(&socket, target.ip())?;
    bind(&socket, origin)?;
    socket.connect(&target.into())?;
    Ok(Icmp { socket: UdpSocket::from_std(socket.into())?, raw })
}

/// A filter for messages with an identifier. Without it each raw socket would hold the answers to all, and lose
/// its own among them.
fn only(identifier: u16, target: IpAddr) -> [SockFilter; 5] {
    // Classic BPF, Documentation/networking/filter.rst. A packet over IPv6 begins behind its header.
    const LOAD_X: u16 = 0x01;
    const LOAD_X_HEADER_LENGTH: u16 = 0xb1;
    const LOAD_HALF_BEHIND_X: u16 = 0x48;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let start = match target {
        IpAddr::V4(_) => SockFilter::new(LOAD_X_HEADER_LENGTH, 0, 0, 0),
        IpAddr::V6(_) => SockFilter::new(LOAD_X, 0, 0, 0),
    };
    [
        start,
        SockFilter::new(LOAD_HALF_BEHIND_X, 0, 0, 4),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, identifier.into()),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

/// An error in words, without the number that the standard library adds.
pub(crate) fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => {
            let mut text = Errno::from_raw(number).desc().to_owned();
            if let Some(first) = text.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            text
        }
        None => error.to_string(),
    }
}

fn open(target: IpAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let domain = if target.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    local("open a socket", Socket::new(domain, kind.nonblocking(), Some(protocol)))
}

fn bind(socket: &Socket, origin: &Origin) -> io::Result<()> {
    if let Some(interface) = &origin.interface {
        let bound = socket.bind_device(Some(interface.as_bytes()));
        local(format_args!("use the interface {interface}"), bound)?;
    }
    if let Some(address) = origin.address {
        choose_port_late(socket)?;
        let bound = socket.bind(&SocketAddr::new(address, 0).into());
        local(format_args!("send from {address}"), bound)?;
    }
    Ok(())
}

/// Leaves the choice of the port to the connect, which knows where to, so that many connections share one.
///
/// Chosen with the source address, each would need its own, and the search becomes slow when few are free.
fn choose_port_late(socket: &Socket) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::IpBindAddressNoPort, &true)?)
}

/// Has the kernel report ICMP errors that it takes for passing, like an unreachable host.
fn report_errors(socket: &Socket, target: IpAddr) -> io::Result<()> {
    match target {
        IpAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true)?,
        IpAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true)?,
    }
    Ok(())
}

/// Says of a failure that it is ours and not the realserver's.
fn local<T>(attempt: impl Display, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("cannot {attempt}: {}", words(&error))))
}
