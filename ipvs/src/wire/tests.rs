//! The codec against bytes that a kernel took, and against answers that no kernel should give.

mod answers;
mod requests;

use std::num::NonZeroU16;

use super::Request;
use crate::window::Window;
use crate::{
    Destination, Encapsulation, Endpoint, Forward, GueChecksum, Op, Protocol, Scheduler, Service, ServiceId,
};

fn endpoint(text: &str, port: u16) -> Endpoint {
    Endpoint::new(text.parse().unwrap(), port).unwrap()
}

fn tcp(text: &str, port: u16) -> ServiceId {
    ServiceId::Address { protocol: Protocol::Tcp, endpoint: endpoint(text, port) }
}

fn scheduled(name: &str) -> Service {
    Service::new(Scheduler::new(name).unwrap())
}

fn gue(port: u16, checksum: GueChecksum) -> Forward {
    let port = NonZeroU16::new(port).unwrap();
    Forward::Tunnel(Encapsulation::Gue { port, checksum })
}

fn add(destination: Destination, to: ServiceId, at: Endpoint) -> Op {
    Op::AddDestination { service: to, endpoint: at, destination }
}

/// The request as it is sent to family 0x20, numbered 1, with an acknowledgement asked for.
fn sent(request: &Request<'_>) -> Vec<u8> {
    let mut window = Window::new(0x20, 0);
    window.open();
    assert!(window.push(request));
    window.close().to_vec()
}

/// What follows the two headers.
fn attributes(request: &Request<'_>) -> Vec<u8> {
    sent(request)[20..].to_vec()
}
