//! Connections, and where they come from.

use std::io;
use std::net::{IpAddr, SocketAddr};

use healthcheck::{Check, Code, Monitor, Origin};
use socket2::{Domain, Socket, Type};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::server::{Deed, serve, serve_on};
use crate::{LONG, SHORT, closed_port, monitor, probe};

#[tokio::test]
async fn a_connection_is_all_that_is_asked_for() {
    // (name, target, code, detail)
    let cases = [
        ("accepts", serve(&[Deed::Hang]).await, Code::L4Ok, "connected"),
        ("accepts over IPv6", serve_on("[::1]:0", &[Deed::Hang]).await, Code::L4Ok, "connected"),
        ("resets at once", serve(&[Deed::Reset]).await, Code::L4Ok, "connected"),
        ("refuses", closed_port(), Code::L4Connection, "connection refused"),
        ("nowhere", "224.0.0.1:80".parse().unwrap(), Code::L4Connection, "network is unreachable"),
    ];
    for (name, target, code, detail) in cases {
        let outcome = crate::check(target, Check::Tcp, code).await;
        assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{name}");
    }
}

#[tokio::test]
async fn a_connection_that_does_not_come_is_late() {
    // The kernel drops what asks for a connection when as many as it may keep wait to be accepted.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let target = listener.local_addr().unwrap().as_socket().unwrap();
    let _first = TcpStream::connect(target).await.unwrap();

    let outcome = probe(target, &monitor(Check::Tcp, SHORT)).await;
    assert_eq!((outcome.code, outcome.detail.as_str()), (Code::L4Timeout, "no connection within 700ms"));
    assert!(outcome.took >= SHORT && outcome.took < LONG, "{outcome:?}");
}

/// A server that says from where it is connected to, and how each connection ends.
async fn witness() -> (SocketAddr, mpsc::Receiver<(IpAddr, io::Result<usize>)>) {
    let (seen, saw) = mpsc::channel(16);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut connection, from) = listener.accept().await.unwrap();
            let end = connection.read(&mut [0]).await;
            seen.send((from.ip(), end)).await.unwrap();
        }
    });
    (target, saw)
}

#[tokio::test]
async fn a_connection_ends_with_a_reset_and_so_leaves_nothing_behind() {
    let (target, mut saw) = witness().await;
    probe(target, &monitor(Check::Tcp, LONG)).await;
    let (_, end) = saw.recv().await.unwrap();
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_connection_comes_from_the_monitors_origin() {
    let local: IpAddr = [127, 0, 0, 1].into();
    let other: IpAddr = [127, 0, 0, 2].into();
    let foreign: IpAddr = [203, 0, 113, 1].into();
    // (address, interface, where from, or the detail)
    let cases = [
        (None, None, Ok(local)),
        (Some(other), None, Ok(other)),
        (None, Some("lo"), Ok(local)),
        (Some(other), Some("lo"), Ok(other)),
        (None, Some("nowhere"), Err("cannot use the interface nowhere: no such device")),
        (Some(foreign), None, Err("cannot send from 203.0.113.1: cannot assign requested address")),
    ];
    let (target, mut saw) = witness().await;
    for (address, interface, expected) in cases {
        let origin = Origin { address, interface: interface.map(str::to_owned) };
        let outcome = probe(target, &Monitor { origin, ..monitor(Check::Tcp, LONG) }).await;
        match expected {
            Ok(from) => assert_eq!(saw.recv().await.unwrap().0, from, "{outcome:?}"),
            Err(detail) => {
                assert_eq!((outcome.code, outcome.detail.as_str()), (Code::L4Connection, detail));
            }
        }
    }
}
