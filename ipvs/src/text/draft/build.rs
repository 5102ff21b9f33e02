//! The command that a draft amounts to, with the checks that need all of it.

use super::{Draft, Target, read_seconds};
use crate::text::command::{Columns, Command, List, Subject};
use crate::text::options::{Class, Method, Verb};
use crate::text::rules::{Rule, Tunnel};
use crate::text::usage::Usage;
use crate::{
    Destination, Encapsulation, Endpoint, EngineName, Flags, Forward, GreChecksum, GueChecksum, Interface,
    Op, Persistence, Protocol, Scheduler, Service, ServiceId, SyncDaemon, Thresholds, Timeouts,
};

const DEFAULT_SCHEDULER: &str = "wlc";
const DEFAULT_INTERFACE: &str = "eth0";

impl<'a> Draft<'a> {
    /// The command, once all options are read; `plain` are the words that were none.
    pub(in crate::text) fn finish(self, plain: Vec<&str>) -> Result<Command, Usage> {
        let mut plain = plain.into_iter();
        let mut timeouts = Timeouts::default();
        if self.verb == Verb::Set {
            let (Some(tcp), Some(tcp_fin), Some(udp)) = (plain.next(), plain.next(), plain.next()) else {
                return Err(Usage::MissingTimeouts);
            };
            timeouts = Timeouts {
                tcp: read_seconds(tcp)?,
                tcp_fin: read_seconds(tcp_fin)?,
                udp: read_seconds(udp)?,
            };
        }
        if let Some(word) = plain.next() {
            return Err(Usage::UnexpectedArgument(word.to_owned()));
        }
        let flags = self.read_flags()?;
        Rule::command(self.verb).check(self.given)?;

        Ok(match self.verb {
            Verb::AddService => Command::Change(Op::AddService(self.id()?, self.service(flags)?)),
            Verb::EditService => Command::Change(Op::EditService(self.id()?, self.service(flags)?)),
            Verb::DeleteService => Command::Change(Op::DeleteService(self.id()?)),
            Verb::AddServer => {
                let (service, endpoint, destination) = self.destination()?;
                Command::Change(Op::AddDestination { service, endpoint, destination })
            }
            Verb::EditServer => {
                let (service, endpoint, destination) = self.destination()?;
                Command::Change(Op::EditDestination { service, endpoint, destination })
            }
            Verb::DeleteServer => {
                Command::Change(Op::DeleteDestination { service: self.id()?, endpoint: self.endpoint()? })
            }
            Verb::Clear => Command::Clear,
            Verb::List => Command::List(self.list()?),
            Verb::Set => Command::SetTimeouts(timeouts),
            Verb::StartDaemon => Command::StartDaemon(self.daemon()?),
            Verb::StopDaemon => Command::StopDaemon(self.role),
            Verb::Restore => Command::Restore,
            Verb::Save => Command::Save { numeric: self.given.contains(Class::Numeric) },
            Verb::Zero => Command::Zero(self.service.map(|_| self.id()).transpose()?),
        })
    }

    fn id(&self) -> Result<ServiceId, Usage> {
        Ok(match self.service.ok_or(Usage::ServiceAddress)? {
            Target::Address { protocol, at } => ServiceId::Address {
                protocol,
                endpoint: Endpoint::new(at.address, at.port.unwrap_or(0)).map_err(Usage::Address)?,
            },
            Target::Mark { mark, family } => ServiceId::Mark { mark, family },
        })
    }

    fn service(&self, flags: Flags) -> Result<Service, Usage> {
        let one_packet = self.given.contains(Class::OnePacket);
        if let Some(Target::Address { protocol, at }) = self.service {
            if at.port.unwrap_or(0) == 0 && self.persistence.is_none() {
                return Err(Usage::ZeroPort);
            }
            if one_packet && protocol != Protocol::Udp {
                return Err(Usage::OnePacket);
            }
        }
        let engine = match self.engine {
            "" => None,
            name => Some(EngineName::new(name).map_err(|_| Usage::UnknownModule)?),
        };
        if engine.is_some() && self.persistence.is_none() {
            return Err(Usage::EngineWithoutPersistence);
        }
        Ok(Service {
            scheduler: Scheduler::new(self.scheduler_name()).map_err(|_| Usage::UnknownModule)?,
            flags,
            persistence: self.persistence.map(|timeout| Persistence { timeout, engine }),
            netmask: self.netmask,
            one_packet,
        })
    }

    fn scheduler_name(&self) -> &'a str {
        match self.scheduler {
            "" => DEFAULT_SCHEDULER,
            name => name,
        }
    }

    fn read_flags(&self) -> Result<Flags, Usage> {
        let mut flags = Flags::NONE;
        for name in self.flags.split(',').filter(|name| !name.is_empty()) {
            let (flag, owner) = match name {
                "flag-1" => (Flags::FALLBACK, None),
                "flag-2" => (Flags::PORT, None),
                "flag-3" => (Flags::THIRD, None),
                "sh-fallback" => (Flags::FALLBACK, Some("sh")),
                "sh-port" => (Flags::PORT, Some("sh")),
                "mh-fallback" => (Flags::FALLBACK, Some("mh")),
                "mh-port" => (Flags::PORT, Some("mh")),
                _ => return Err(Usage::Flag(name.to_owned())),
            };
            if owner.is_some_and(|owner| owner != self.scheduler_name()) {
                return Err(Usage::ForeignFlag(name.to_owned()));
            }
            flags = flags | flag;
        }
        Ok(flags)
    }

    fn endpoint(&self) -> Result<Endpoint, Usage> {
        let (address, port) = self.server.ok_or(Usage::ServerAddress)?;
        Endpoint::new(address, port).map_err(Usage::Address)
    }

    fn destination(&self) -> Result<(ServiceId, Endpoint, Destination), Usage> {
        let service = self.id()?;
        let mut endpoint = self.endpoint()?;
        // Only NAT can change the port.
        if let (ServiceId::Address { endpoint: virtual_, .. }, Method::Route | Method::Tunnel) =
            (service, self.method)
        {
            endpoint = Endpoint::new(endpoint.address(), virtual_.port()).map_err(Usage::Address)?;
        }
        if endpoint.family() != service.family() && self.method != Method::Tunnel {
            return Err(Usage::MixedFamilies);
        }
        let destination = Destination {
            forward: self.forward()?,
            weight: self.weight,
            thresholds: Thresholds::new(self.upper, self.lower).map_err(|_| Usage::Thresholds)?,
        };
        Ok((service, endpoint, destination))
    }

    fn forward(&self) -> Result<Forward, Usage> {
        const TUNNEL: [Class; 5] = [
            Class::TunnelType,
            Class::TunnelPort,
            Class::NoChecksum,
            Class::FullChecksum,
            Class::RemoteChecksum,
        ];
        match self.method {
            Method::Route | Method::Masquerade if self.given.intersects(&TUNNEL) => Err(Usage::NoTunnel),
            Method::Route => Ok(Forward::Route),
            Method::Masquerade => Ok(Forward::Masquerade),
            Method::Tunnel => {
                Rule::tunnel(self.tunnel).check(self.given)?;
                Ok(Forward::Tunnel(match (self.tunnel, self.tunnel_port) {
                    (Tunnel::Gue, Some(port)) => Encapsulation::Gue { port, checksum: self.checksum },
                    (Tunnel::Gre, _) => Encapsulation::Gre {
                        checksum: match self.checksum {
                            GueChecksum::Full => GreChecksum::Full,
                            GueChecksum::None | GueChecksum::Remote => GreChecksum::None,
                        },
                    },
                    (Tunnel::Ipip | Tunnel::Gue, _) => Encapsulation::Ipip,
                }))
            }
        }
    }

    fn list(&self) -> Result<List, Usage> {
        let given = |class| self.given.contains(class);
        let columns = [
            (Class::Stats, Columns::Stats),
            (Class::Rate, Columns::Rate),
            (Class::Thresholds, Columns::Thresholds),
            (Class::PersistentConn, Columns::PersistentConn),
            (Class::TunnelInfo, Columns::TunnelInfo),
        ]
        .into_iter()
        .find_map(|(class, columns)| given(class).then_some(columns))
        .unwrap_or(Columns::Plain);

        let subject = if given(Class::Connection) {
            Subject::Connections
        } else if given(Class::Timeout) {
            Subject::Timeouts
        } else if given(Class::Daemon) {
            Subject::Daemons
        } else if given(Class::ServiceAddress) {
            Subject::Service(self.id()?)
        } else {
            Subject::Table
        };
        let fits = match subject {
            Subject::Table | Subject::Service(_) => true,
            Subject::Connections => !self.given.intersects(&[Class::Stats, Class::Rate, Class::Thresholds]),
            Subject::Timeouts | Subject::Daemons => {
                matches!(columns, Columns::Plain | Columns::TunnelInfo)
            }
        };
        if !fits {
            return Err(Usage::ListConflict);
        }
        Ok(List {
            subject,
            columns,
            numeric: given(Class::Numeric),
            exact: given(Class::Exact),
            sorted: !given(Class::NoSort),
        })
    }

    fn daemon(&self) -> Result<SyncDaemon, Usage> {
        let interface = match self.interface {
            "" => DEFAULT_INTERFACE,
            name => name,
        };
        Ok(SyncDaemon {
            role: self.role,
            interface: Interface::new(interface).map_err(|_| Usage::Interface)?,
            sync_id: self.sync_id,
            max_length: self.max_length,
            group: self.group,
            port: self.port,
            ttl: self.ttl,
        })
    }
}
