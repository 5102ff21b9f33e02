//! Names as the system knows them: hosts from its resolver, ports from `/etc/services`.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};

use ipvs::Protocol;
use ipvs::text::Names;

/// The system's names; every host is asked for once.
#[derive(Default)]
pub(super) struct SystemNames {
    hosts: RefCell<HashMap<IpAddr, Option<String>>>,
    services: OnceCell<Services>,
}

impl SystemNames {
    fn services(&self) -> &Services {
        self.services.get_or_init(|| {
            let file = fs::read("/etc/services").unwrap_or_default();
            Services::parse(&String::from_utf8_lossy(&file))
        })
    }
}

impl Names for SystemNames {
    fn address(&self, host: &str) -> Option<Ipv4Addr> {
        let addresses = (host, 0).to_socket_addrs().ok()?;
        addresses.into_iter().find_map(|address| match address.ip() {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        })
    }

    fn port(&self, service: &str, protocol: Protocol) -> Option<u16> {
        self.services().port(service, protocol)
    }

    fn host(&self, address: IpAddr) -> Option<String> {
        self.hosts
            .borrow_mut()
            .entry(address)
            .or_insert_with(|| dns_lookup::lookup_addr(&address).ok())
            .clone()
    }

    fn service(&self, port: u16, protocol: Protocol) -> Option<String> {
        self.services().name(port, protocol).map(str::to_owned)
    }
}

/// The lines of a services(5) file: a name, a port, a protocol, other names.
struct Services(Vec<Service>);

struct Service {
    names: Vec<String>,
    port: u16,
    protocol: Protocol,
}

impl Services {
    fn parse(file: &str) -> Self {
        let service = |line: &str| {
            let mut words = line.split('#').next()?.split_ascii_whitespace();
            let name = words.next()?;
            let (port, protocol) = words.next()?.split_once('/')?;
            Some(Service {
                names: std::iter::once(name).chain(words).map(str::to_owned).collect(),
                port: port.parse().ok()?,
                protocol: Protocol::ALL.into_iter().find(|known| known.name() == protocol)?,
            })
        };
        Self(file.lines().filter_map(service).collect())
    }

    fn port(&self, name: &str, protocol: Protocol) -> Option<u16> {
        let found = |service: &&Service| {
            service.protocol == protocol && service.names.iter().any(|known| known == name)
        };
        self.0.iter().find(found).map(|service| service.port)
    }

    fn name(&self, port: u16, protocol: Protocol) -> Option<&str> {
        let found = |service: &&Service| service.protocol == protocol && service.port == port;
        let service = self.0.iter().find(found)?;
        service.names.first().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# comment
http\t\t80/tcp\t\twww\t\t# WorldWideWeb
domain 53/tcp
domain 53/udp
alternative 80/tcp

nonsense
bad port/tcp
datagram 7/ddp
sctp-only 9899/sctp
";

    #[test]
    fn services_are_found_by_name_and_by_port() {
        let services = Services::parse(FILE);
        let by_name = [
            ("http", Protocol::Tcp, Some(80)),
            ("www", Protocol::Tcp, Some(80)),
            ("www", Protocol::Udp, None),
            ("domain", Protocol::Udp, Some(53)),
            ("sctp-only", Protocol::Sctp, Some(9899)),
            ("comment", Protocol::Tcp, None),
            ("WorldWideWeb", Protocol::Tcp, None),
            ("", Protocol::Tcp, None),
        ];
        for (name, protocol, port) in by_name {
            assert_eq!(services.port(name, protocol), port, "{name}/{protocol}");
        }
        assert_eq!(services.name(80, Protocol::Tcp), Some("http"), "the first line wins");
        assert_eq!(services.name(80, Protocol::Udp), None);
        assert_eq!(services.name(0, Protocol::Tcp), None);
    }
}
