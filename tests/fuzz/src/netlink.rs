//! Datagrams that claim to come from the kernel's IPVS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipvs::window::Window;
use ipvs::wire::{self, Content, Request};
use ipvs::{Endpoint, Op, Protocol, ServiceId, Unknown};

/// Reads `datagram` in every way; what can be read must be the same after it has been written and read again.
pub fn check(datagram: &[u8]) {
    for message in wire::messages(datagram).flatten() {
        if let Content::Answer { attributes, .. } = message.content {
            check_object(attributes);
        }
    }
    check_object(datagram);

    let mut window = Window::new(0x20, 0x7d);
    window.open();
    window.push(&Request::Services);
    let _ = window.receive(datagram, |reply| assert_eq!(reply.index, 0));
}

fn check_object(attributes: &[u8]) {
    if let Ok(observed) = wire::read_service(attributes) {
        let op = Op::AddService(observed.id, observed.service.clone());
        let again = written(&Request::Change(&op), wire::read_service);
        assert_eq!((again.id, again.service), (observed.id, observed.service));
    }
    for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        let service = ServiceId::Address {
            protocol: Protocol::Tcp,
            endpoint: Endpoint::new(address, 80).expect("it is not a mapped address"),
        };
        let read = |attributes: &[u8]| wire::read_destination(service, attributes);
        if let Ok(observed) = read(attributes) {
            let op = Op::AddDestination {
                service,
                endpoint: observed.endpoint,
                destination: observed.destination,
            };
            let again = written(&Request::Change(&op), read);
            assert_eq!((again.endpoint, again.destination), (observed.endpoint, observed.destination));
        }
    }
    if let Ok(daemon) = wire::read_daemon(attributes) {
        assert_eq!(written(&Request::StartDaemon(&daemon), wire::read_daemon), daemon);
    }
    if let Ok(timeouts) = wire::read_timeouts(attributes) {
        assert_eq!(written(&Request::SetTimeouts(timeouts), wire::read_timeouts), timeouts);
    }
    let _ = wire::read_info(attributes);
}

/// What a request says about its object, read as if it were an answer.
fn written<T>(request: &Request<'_>, read: impl Fn(&[u8]) -> Result<T, Unknown>) -> T {
    let mut bytes = Vec::new();
    request.encode(&mut bytes, 0x20, 1);
    let mut messages = wire::messages(&bytes).map(|message| message.map(|message| message.content));
    let Some(Ok(Content::Answer { attributes, .. })) = messages.next() else {
        panic!("{request} is no message of its family: {bytes:02x?}");
    };
    read(attributes).unwrap_or_else(|unknown| panic!("{request} cannot be read again: {unknown}"))
}
