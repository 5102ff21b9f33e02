//! Listings of services, timeouts and synchronisation daemons.

use std::fmt::{self, Display, Formatter};

use super::address::{cut, listed};
use super::command::{Columns, List};
use super::names::Names;
use super::order;
use crate::{
    Encapsulation, Endpoint, Family, Flags, Forward, GreChecksum, GueChecksum, Info, Netmask, Observed,
    ObservedDestination, Protocol, Role, Service, ServiceId, Statistics, SyncDaemon, Timeouts,
};

/// Columns that a service's name has in a listing; only IPv4 names are cut to them.
const SERVICE_COLUMNS: usize = 33;
/// Columns that a destination's name has.
const DESTINATION_COLUMNS: usize = 28;

/// A listing of services; its text is what ipvsadm prints.
#[derive(Clone, Copy)]
pub struct TableText<'a> {
    /// The services, in the kernel's order.
    pub services: &'a [Observed],
    /// For the first line, which only a listing of all services has.
    pub info: Option<Info>,
    /// How to list them.
    pub list: List,
    /// Names for addresses and ports.
    pub names: &'a dyn Names,
}

impl Display for TableText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(info) = self.info {
            let (major, minor, patch) = info.version;
            let size = info.connection_table_size;
            writeln!(f, "IP Virtual Server version {major}.{minor}.{patch} (size={size})")?;
        }
        f.write_str(title(self.list.columns))?;
        let services =
            if self.list.sorted { order::services(self.services) } else { self.services.iter().collect() };
        for service in services {
            self.service(f, service)?;
        }
        Ok(())
    }
}

impl TableText<'_> {
    fn service(&self, f: &mut Formatter<'_>, observed: &Observed) -> fmt::Result {
        let name = self.service_name(observed.id);
        match self.list.columns {
            Columns::Stats => {
                write!(f, "{name:<SERVICE_COLUMNS$}")?;
                self.numbers(f, totals(&observed.statistics))?;
            }
            Columns::Rate => {
                write!(f, "{name:<SERVICE_COLUMNS$}")?;
                self.numbers(f, rates(&observed.statistics))?;
            }
            _ => write!(f, "{name}{}", Scheduling(&observed.service))?,
        }
        writeln!(f)?;

        let destinations = if self.list.sorted {
            order::destinations(&observed.destinations)
        } else {
            observed.destinations.iter().collect()
        };
        for destination in destinations {
            self.destination(f, protocol(observed.id), destination)?;
        }
        Ok(())
    }

    fn service_name(&self, id: ServiceId) -> String {
        match id {
            ServiceId::Mark { mark, family } => match family {
                Family::V4 => format!("FWM  {mark}"),
                Family::V6 => format!("FWM  {mark} IPv6"),
            },
            ServiceId::Address { protocol, endpoint } => {
                let kind = match protocol {
                    Protocol::Tcp => "TCP",
                    Protocol::Udp => "UDP",
                    Protocol::Sctp => "SCTP",
                };
                let address = listed(endpoint, Some(protocol), self.names);
                let name = format!("{kind:<4} {address}");
                fitted(name, endpoint, SERVICE_COLUMNS)
            }
        }
    }

    fn destination(
        &self,
        f: &mut Formatter<'_>,
        protocol: Option<Protocol>,
        observed: &ObservedDestination,
    ) -> fmt::Result {
        let ObservedDestination { endpoint, destination, active, inactive, persistent, ref statistics } =
            *observed;
        let name = listed(endpoint, protocol, self.names);
        let name = fitted(name, endpoint, DESTINATION_COLUMNS);
        let weight = destination.weight.get();
        write!(f, "  -> {name:<DESTINATION_COLUMNS$}")?;
        match self.list.columns {
            Columns::Stats => self.numbers(f, totals(statistics))?,
            Columns::Rate => {
                let [connections, packets_in, packets_out, bytes @ ..] = rates(statistics);
                // ipvsadm never shortens these three.
                write!(f, " {connections:>8} {packets_in:>8} {packets_out:>8}")?;
                self.numbers(f, bytes)?;
            }
            Columns::Thresholds => {
                let (upper, lower) = (destination.thresholds.upper(), destination.thresholds.lower());
                write!(f, " {upper:<10} {lower:<10} {active:<10} {inactive:<10}")?;
            }
            Columns::PersistentConn => {
                write!(f, " {weight:<9} {persistent:<11} {active:<10} {inactive:<10}")?;
            }
            Columns::Plain => {
                let forward = forward_name(destination.forward);
                write!(f, " {forward:<7} {weight:<6} {active:<10} {inactive:<10}")?;
            }
            Columns::TunnelInfo => {
                let forward = forward_name(destination.forward);
                let tunnel = tunnel(destination.forward);
                write!(f, " {forward:<7} {tunnel:<13} {weight:<6} {active:<10} {inactive:<10}")?;
            }
        }
        writeln!(f)
    }

    fn numbers<const N: usize>(&self, f: &mut Formatter<'_>, numbers: [u64; N]) -> fmt::Result {
        for number in numbers {
            let (number, unit) = match number {
                _ if self.list.exact => {
                    write!(f, " {number:>8}")?;
                    continue;
                }
                0..100_000_000 => {
                    write!(f, "{number:>9}")?;
                    continue;
                }
                100_000_000..1_000_000_000 => (number / 1_000, 'K'),
                1_000_000_000..100_000_000_000 => (number / 1_000_000, 'M'),
                100_000_000_000..100_000_000_000_000 => (number / 1_000_000_000, 'G'),
                _ => (number / 1_000_000_000_000, 'T'),
            };
            write!(f, "{number:>8}{unit}")?;
        }
        Ok(())
    }
}

fn title(columns: Columns) -> &'static str {
    match columns {
        Columns::Plain => concat!(
            "Prot LocalAddress:Port Scheduler Flags\n",
            "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
        ),
        Columns::TunnelInfo => concat!(
            "Prot LocalAddress:Port Scheduler Flags\n",
            "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n",
        ),
        Columns::Stats => concat!(
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n",
            "  -> RemoteAddress:Port\n",
        ),
        Columns::Rate => concat!(
            "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n",
            "  -> RemoteAddress:Port\n",
        ),
        Columns::Thresholds => concat!(
            "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n",
            "  -> RemoteAddress:Port\n",
        ),
        Columns::PersistentConn => concat!(
            "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n",
            "  -> RemoteAddress:Port\n",
        ),
    }
}

fn fitted(mut name: String, endpoint: Endpoint, columns: usize) -> String {
    if endpoint.family() == Family::V4 {
        cut(&mut name, columns);
    }
    name
}

/// The protocol whose ports have names; destinations of a mark have none.
pub(super) fn protocol(id: ServiceId) -> Option<Protocol> {
    match id {
        ServiceId::Address { protocol, .. } => Some(protocol),
        ServiceId::Mark { .. } => None,
    }
}

fn totals(statistics: &Statistics) -> [u64; 5] {
    [
        statistics.connections,
        statistics.packets_in,
        statistics.packets_out,
        statistics.bytes_in,
        statistics.bytes_out,
    ]
}

fn rates(statistics: &Statistics) -> [u64; 5] {
    [
        statistics.connection_rate,
        statistics.packet_rate_in,
        statistics.packet_rate_out,
        statistics.byte_rate_in,
        statistics.byte_rate_out,
    ]
}

fn forward_name(forward: Forward) -> &'static str {
    match forward {
        Forward::Masquerade => "Masq",
        Forward::Local => "Local",
        Forward::Tunnel(_) => "Tunnel",
        Forward::Route => "Route",
        Forward::Bypass => "Bypass",
    }
}

fn tunnel(forward: Forward) -> String {
    match forward {
        Forward::Tunnel(Encapsulation::Ipip) => "ipip".to_owned(),
        Forward::Tunnel(Encapsulation::Gue { port, checksum }) => {
            let checksum = match checksum {
                GueChecksum::None => "-c",
                GueChecksum::Full => "+c",
                GueChecksum::Remote => "r+c",
            };
            format!("gue:{port}:{checksum}")
        }
        Forward::Tunnel(Encapsulation::Gre { checksum }) => match checksum {
            GreChecksum::None => "gre:-c".to_owned(),
            GreChecksum::Full => "gre:+c".to_owned(),
        },
        _ => "n/a".to_owned(),
    }
}

/// The names of a service's flags; only `sh` and `mh` have their own.
pub(super) fn flag_names(service: &Service) -> Vec<&'static str> {
    let names = match service.scheduler.as_str() {
        "sh" => ["sh-fallback", "sh-port", "flag-3"],
        "mh" => ["mh-fallback", "mh-port", "flag-3"],
        _ => ["flag-1", "flag-2", "flag-3"],
    };
    [Flags::FALLBACK, Flags::PORT, Flags::THIRD]
        .into_iter()
        .zip(names)
        .filter_map(|(flag, name)| service.flags.contains(flag).then_some(name))
        .collect()
}

/// A persistence netmask, unless it is the whole address.
pub(super) fn netmask(netmask: Netmask) -> Option<String> {
    match netmask {
        Netmask::Host => None,
        Netmask::V4(mask) => Some(mask.to_string()),
        Netmask::V6(prefix) => Some(prefix.to_string()),
    }
}

/// What stands behind a service's name.
struct Scheduling<'a>(&'a Service);

impl Display for Scheduling<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let service = self.0;
        write!(f, " {}", service.scheduler)?;
        let flags = flag_names(service);
        if !flags.is_empty() {
            write!(f, " ({})", flags.join(","))?;
        }
        if let Some(persistence) = &service.persistence {
            write!(f, " persistent {}", persistence.timeout.as_seconds())?;
            if let Some(mask) = netmask(service.netmask) {
                write!(f, " mask {mask}")?;
            }
            if let Some(engine) = &persistence.engine {
                write!(f, " pe {engine}")?;
            }
        }
        if service.one_packet {
            f.write_str(" ops")?;
        }
        Ok(())
    }
}

/// What `-L --timeout` prints.
#[derive(Clone, Copy, Debug)]
pub struct TimeoutsText(pub Timeouts);

impl Display for TimeoutsText {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Timeouts { tcp, tcp_fin, udp } = self.0;
        writeln!(f, "Timeout (tcp tcpfin udp): {tcp} {tcp_fin} {udp}")
    }
}

/// What `-L --daemon` prints.
#[derive(Clone, Copy, Debug)]
pub struct DaemonsText<'a>(pub &'a [SyncDaemon]);

impl Display for DaemonsText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for role in [Role::Master, Role::Backup] {
            for daemon in self.0.iter().filter(|daemon| daemon.role == role) {
                write!(f, "{role} sync daemon (mcast={}, syncid={}", daemon.interface, daemon.sync_id)?;
                if let Some(length) = daemon.max_length {
                    write!(f, ", maxlen={length}")?;
                }
                if let Some(group) = daemon.group {
                    write!(f, ", group={}", group.address())?;
                }
                if let Some(port) = daemon.port {
                    write!(f, ", port={port}")?;
                }
                if let Some(ttl) = daemon.ttl {
                    write!(f, ", ttl={ttl}")?;
                }
                writeln!(f, ")")?;
            }
        }
        Ok(())
    }
}
