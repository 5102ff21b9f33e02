//! Talks to a real kernel, so it runs where that has IPVS: see `Cargo.toml`.
//!
//! Every test has a network namespace, and with it an IPVS table, of its own.

#![expect(clippy::unwrap_used, reason = "a test")]

mod control;
mod objects;
mod refusals;
mod scale;

use std::net::Ipv4Addr;
use std::num::{NonZeroU16, NonZeroU32};
use std::process::Command;

use ipvs::{
    Connection, Destination, Encapsulation, Endpoint, EngineName, Error, Family, Forward, GueChecksum, Op,
    Persistence, PersistenceTimeout, Protocol, Role, Scheduler, Service, ServiceId, Table, plan,
};
use nix::sched::{CloneFlags, unshare};

/// Moves this thread to a new network namespace. Loopback must have been up once: before that the kernel knows no
/// address type but broadcast, and takes no destination.
fn connect() -> Connection {
    unshare(CloneFlags::CLONE_NEWNET).expect("this needs root");
    run("ip", &["link", "set", "lo", "up"]);
    Connection::open().expect("this needs a kernel with IPVS")
}

/// A program's output, in this thread's network namespace.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn endpoint(address: &str, port: u16) -> Endpoint {
    Endpoint::new(address.parse().unwrap(), port).unwrap()
}

/// The `number`th address of 10.0.0.0/8, port 80.
fn numbered(number: u32) -> Endpoint {
    Endpoint::new(Ipv4Addr::from(0x0a00_0000 + number).into(), 80).unwrap()
}

fn service_at(protocol: Protocol, endpoint: Endpoint) -> ServiceId {
    ServiceId::Address { protocol, endpoint }
}

fn tcp(address: &str, port: u16) -> ServiceId {
    service_at(Protocol::Tcp, endpoint(address, port))
}

fn mark(number: u32, family: Family) -> ServiceId {
    let mark = NonZeroU32::new(number).unwrap();
    ServiceId::Mark { mark, family }
}

fn scheduled(name: &str) -> Service {
    Service::new(Scheduler::new(name).unwrap())
}

fn persistent(seconds: u32, engine: Option<&str>) -> Persistence {
    Persistence {
        timeout: PersistenceTimeout::from_seconds(seconds).unwrap(),
        engine: engine.map(|name| EngineName::new(name).unwrap()),
    }
}

fn gue(port: u16, checksum: GueChecksum) -> Forward {
    let port = NonZeroU16::new(port).unwrap();
    Forward::Tunnel(Encapsulation::Gue { port, checksum })
}

const IPIP: Forward = Forward::Tunnel(Encapsulation::Ipip);

fn add(service: ServiceId, endpoint: Endpoint, forward: Forward) -> Op {
    Op::AddDestination { service, endpoint, destination: Destination::new(forward) }
}

/// Brings the kernel's table to `wanted` and checks that it is there.
fn converge(connection: &mut Connection, wanted: &Table) {
    let actual = connection.list().unwrap().table();
    assert_eq!(connection.apply(&plan(&actual, wanted)).unwrap(), []);
    let listing = connection.list().unwrap();
    assert_eq!(listing.unknown, []);
    assert_eq!(&listing.table(), wanted);
}

/// Stops a synchronisation daemon, and sees that it is gone.
fn stop_daemon(connection: &mut Connection, role: Role) {
    match connection.stop_daemon(role) {
        // A thread that has not run yet is stopped with EINTR, to which netlink gives no answer at all.
        Ok(()) | Err(Error::Overrun) => {}
        Err(error) => panic!("{error:?}"),
    }
    assert!(connection.daemons().unwrap().iter().all(|daemon| daemon.role != role));
}
