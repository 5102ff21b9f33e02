//! What `-S` writes and `-R` reads.
//!
//! Other than ipvsadm's this loses nothing that `-R` can bring back, and nothing in it makes `-R` stop: thresholds are
//! written, names are never cut, and IPv6 addresses stay numbers because `-R` looks for IPv4 only.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr};

use super::address::written;
use super::names::{Names, Numeric};
use super::order;
use super::table::{flag_names, netmask, protocol};
use crate::{
    Destination, Encapsulation, Endpoint, Family, Forward, GreChecksum, GueChecksum, Observed, Protocol,
    ServiceId,
};

/// A table as the commands that make it.
#[derive(Clone, Copy)]
pub struct SaveText<'a> {
    /// The services, in the kernel's order.
    pub services: &'a [Observed],
    /// Names for addresses and ports.
    pub names: &'a dyn Names,
}

impl Display for SaveText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for observed in order::services(self.services) {
            if needs_persistence(observed) {
                continue;
            }
            let service = self.service(observed.id);
            writeln!(f, "-A {service}{}", Scheduling(observed))?;
            for destination in order::destinations(&observed.destinations) {
                let Some(method) = method(destination.destination.forward) else {
                    continue;
                };
                let server = self.endpoint(destination.endpoint, protocol(observed.id));
                let serving = Serving(&destination.destination);
                writeln!(f, "-a {service} -r {server} {method}{serving}")?;
            }
        }
        Ok(())
    }
}

/// Whether a service takes every port without persistence, which the kernel allows and ipvsadm does not.
fn needs_persistence(observed: &Observed) -> bool {
    match observed.id {
        ServiceId::Address { endpoint, .. } => endpoint.port() == 0 && observed.service.persistence.is_none(),
        ServiceId::Mark { .. } => false,
    }
}

impl SaveText<'_> {
    /// What the commands cannot say, in words.
    pub fn left_out(&self) -> impl Iterator<Item = String> + '_ {
        let (services, rest): (Vec<_>, Vec<_>) =
            self.services.iter().partition(|observed| needs_persistence(observed));
        let services = services
            .into_iter()
            .map(|observed| format!("service {}: every port needs persistence", observed.id));
        let destinations = rest.into_iter().flat_map(|observed| {
            let bypassed = observed
                .destinations
                .iter()
                .filter(|destination| method(destination.destination.forward).is_none());
            bypassed.map(|destination| {
                format!("destination {} of {}: no option says bypass", destination.endpoint, observed.id)
            })
        });
        services.chain(destinations)
    }

    fn service(&self, id: ServiceId) -> String {
        match id {
            ServiceId::Mark { mark, family } => match family {
                Family::V4 => format!("-f {mark}"),
                Family::V6 => format!("-f {mark} -6"),
            },
            ServiceId::Address { protocol, endpoint } => {
                let option = match protocol {
                    Protocol::Tcp => "-t",
                    Protocol::Udp => "-u",
                    Protocol::Sctp => "--sctp-service",
                };
                format!("{option} {}", self.endpoint(endpoint, Some(protocol)))
            }
        }
    }

    fn endpoint(&self, endpoint: Endpoint, protocol: Option<Protocol>) -> String {
        match endpoint.address() {
            IpAddr::V4(_) => written(endpoint, protocol, self.names),
            IpAddr::V6(_) => written(endpoint, protocol, &NumericHosts(self.names)),
        }
    }
}

/// Names for ports only.
struct NumericHosts<'a>(&'a dyn Names);

impl Names for NumericHosts<'_> {
    fn address(&self, host: &str) -> Option<Ipv4Addr> {
        Numeric.address(host)
    }

    fn port(&self, service: &str, protocol: Protocol) -> Option<u16> {
        self.0.port(service, protocol)
    }

    fn host(&self, address: IpAddr) -> Option<String> {
        Numeric.host(address)
    }

    fn service(&self, port: u16, protocol: Protocol) -> Option<String> {
        self.0.service(port, protocol)
    }
}

/// What stands behind a service's address.
struct Scheduling<'a>(&'a Observed);

impl Display for Scheduling<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Observed { id, service, .. } = self.0;
        write!(f, " -s {}", service.scheduler)?;
        if let Some(persistence) = &service.persistence {
            write!(f, " -p {}", persistence.timeout.as_seconds())?;
            if let Some(mask) = netmask(service.netmask) {
                write!(f, " -M {mask}")?;
            }
            if let Some(engine) = &persistence.engine {
                write!(f, " --pe {engine}")?;
            }
        }
        // To TCP and SCTP it means nothing, and `-R` refuses it.
        if service.one_packet && matches!(protocol(*id), None | Some(Protocol::Udp)) {
            f.write_str(" -o")?;
        }
        let flags = flag_names(service);
        if !flags.is_empty() {
            write!(f, " -b {}", flags.join(","))?;
        }
        Ok(())
    }
}

fn method(forward: Forward) -> Option<&'static str> {
    match forward {
        Forward::Masquerade => Some("-m"),
        Forward::Tunnel(_) => Some("-i"),
        Forward::Local | Forward::Route => Some("-g"),
        Forward::Bypass => None,
    }
}

/// What stands behind a destination's forwarding method.
struct Serving<'a>(&'a Destination);

impl Display for Serving<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let destination = self.0;
        write!(f, " -w {}", destination.weight)?;
        if let Forward::Tunnel(encapsulation) = destination.forward {
            match encapsulation {
                Encapsulation::Ipip => f.write_str(" --tun-type ipip")?,
                Encapsulation::Gue { port, checksum } => {
                    let checksum = match checksum {
                        GueChecksum::None => "--tun-nocsum",
                        GueChecksum::Full => "--tun-csum",
                        GueChecksum::Remote => "--tun-remcsum",
                    };
                    write!(f, " --tun-type gue --tun-port {port} {checksum}")?;
                }
                Encapsulation::Gre { checksum } => {
                    let checksum = match checksum {
                        GreChecksum::None => "--tun-nocsum",
                        GreChecksum::Full => "--tun-csum",
                    };
                    write!(f, " --tun-type gre {checksum}")?;
                }
            }
        }
        let thresholds = destination.thresholds;
        if thresholds.upper() != 0 {
            write!(f, " -x {}", thresholds.upper())?;
        }
        if thresholds.lower() != 0 {
            write!(f, " -y {}", thresholds.lower())?;
        }
        Ok(())
    }
}
