//! A command while its options are read.
//!
//! ipvsadm looks at options in the order in which they come, and some lean on earlier ones: a realserver takes the port of
//! the service before it, a netmask is read in the family of the service before it. So this is a state, not a struct
//! to be filled and then checked.

mod build;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32};

use super::address::{self, HostPort};
use super::names::Names;
use super::number;
use super::options::{Class, Given, Meaning, Method, Verb};
use super::rules::{Set, Tunnel};
use super::usage::Usage;
use crate::{Family, Group, GueChecksum, Netmask, PersistenceTimeout, Protocol, Role, Thresholds, Weight};

/// What `-p` means without a value; the manual's 300 is not what ipvsadm does.
const DEFAULT_PERSISTENCE: &str = "360";
/// The largest UDP payload over IPv4.
const MAX_DATAGRAM: u16 = u16::MAX - 20 - 8;

#[derive(Clone, Copy)]
enum Target {
    Address { protocol: Protocol, at: HostPort },
    Mark { mark: NonZeroU32, family: Family },
}

impl Target {
    fn family(self) -> Family {
        match self {
            Self::Address { at, .. } => at.address.into(),
            Self::Mark { family, .. } => family,
        }
    }

    /// The port that destinations take over; a mark has none.
    fn port(self) -> u16 {
        match self {
            Self::Address { at, .. } => at.port.unwrap_or(0),
            Self::Mark { .. } => 0,
        }
    }

    /// The protocol whose ports have names; ipvsadm takes TCP for a mark.
    fn protocol(self) -> Protocol {
        match self {
            Self::Address { protocol, .. } => protocol,
            Self::Mark { .. } => Protocol::Tcp,
        }
    }
}

/// The options so far.
pub(super) struct Draft<'a> {
    verb: Verb,
    role: Role,
    given: Set,
    service: Option<Target>,
    netmask: Netmask,
    scheduler: &'a str,
    persistence: Option<PersistenceTimeout>,
    engine: &'a str,
    flags: &'a str,
    server: Option<(IpAddr, u16)>,
    method: Method,
    weight: Weight,
    upper: u32,
    lower: u32,
    tunnel: Tunnel,
    tunnel_port: Option<NonZeroU16>,
    checksum: GueChecksum,
    interface: &'a str,
    sync_id: u8,
    group: Option<Group>,
    port: Option<u16>,
    ttl: Option<u8>,
    max_length: Option<u16>,
}

impl<'a> Draft<'a> {
    /// A command without options.
    pub(super) fn new(verb: Verb, argument: Option<&str>) -> Result<Self, Usage> {
        let role = match (verb, argument) {
            (Verb::StartDaemon | Verb::StopDaemon, Some("backup")) => Role::Backup,
            (Verb::StartDaemon | Verb::StopDaemon, Some("master")) => Role::Master,
            (Verb::StartDaemon, _) => return Err(Usage::Role("start-daemon parameter")),
            // The wrong name is ipvsadm's.
            (Verb::StopDaemon, _) => return Err(Usage::Role("start_daemon")),
            _ => Role::Master,
        };
        Ok(Self {
            verb,
            role,
            given: Set::default(),
            service: None,
            netmask: Netmask::Host,
            scheduler: "",
            persistence: None,
            engine: "",
            flags: "",
            server: None,
            method: Method::Route,
            weight: Weight::ONE,
            upper: 0,
            lower: 0,
            tunnel: Tunnel::Ipip,
            tunnel_port: None,
            checksum: GueChecksum::None,
            interface: "",
            sync_id: 0,
            group: None,
            port: None,
            ttl: None,
            max_length: None,
        })
    }

    /// Takes the next option.
    pub(super) fn add(&mut self, option: Given<'a>, names: &dyn Names) -> Result<(), Usage> {
        if let Some(class) = option.meaning.class() {
            self.given.add(class)?;
        }
        let argument = option.argument.unwrap_or_default();
        match option.meaning {
            Meaning::Verb(_) | Meaning::Help | Meaning::Version => {
                return Err(Usage::SecondCommand(option.word.to_owned()));
            }
            Meaning::Sort => {}
            Meaning::Address(protocol) => {
                let at = address::read(argument, Some(protocol), names).ok_or(Usage::ServiceAddress)?;
                self.aim(Target::Address { protocol, at });
            }
            Meaning::Mark => self.aim(Target::Mark { mark: read_mark(argument)?, family: Family::V4 }),
            Meaning::Ipv6 => match self.service {
                Some(Target::Mark { mark, .. }) => self.aim(Target::Mark { mark, family: Family::V6 }),
                _ => return Err(Usage::Ipv6BeforeMark),
            },
            Meaning::Forward(method) => self.method = method,
            Meaning::Checksum(checksum) => self.checksum = checksum,
            Meaning::Only(class) => self.set(class, argument, option.argument.is_none(), names)?,
        }
        Ok(())
    }

    fn aim(&mut self, target: Target) {
        self.service = Some(target);
        if target.family() == Family::V6 {
            self.netmask = Netmask::Host;
        }
    }

    fn set(&mut self, class: Class, argument: &'a str, bare: bool, names: &dyn Names) -> Result<(), Usage> {
        match class {
            Class::Scheduler => self.scheduler = argument,
            Class::Engine => self.engine = argument,
            Class::Flags => self.flags = argument,
            Class::Interface => self.interface = argument,
            Class::Persistent => {
                let argument = if bare { DEFAULT_PERSISTENCE } else { argument };
                self.persistence = PersistenceTimeout::from_seconds(read_seconds(argument)?)
                    .map(Some)
                    .map_err(|_| Usage::Timeout(argument.to_owned()))?;
            }
            Class::Netmask => self.netmask = self.read_netmask(argument, names)?,
            Class::RealServer => self.server = Some(self.read_server(argument, names)?),
            Class::Weight => {
                let weight = number::whole(argument, 0..=Weight::MAX.get());
                self.weight =
                    weight.and_then(|weight| Weight::new(weight).ok()).ok_or(Usage::Number("weight"))?;
            }
            Class::Upper => self.upper = read_threshold(argument, "u_threshold")?,
            Class::Lower => self.lower = read_threshold(argument, "l_threshold")?,
            Class::TunnelType => {
                self.tunnel = match argument {
                    "ipip" => Tunnel::Ipip,
                    "gue" => Tunnel::Gue,
                    "gre" => Tunnel::Gre,
                    _ => return Err(Usage::TunnelType),
                };
            }
            Class::TunnelPort => {
                let port = number::whole(argument, 1..=u16::MAX).and_then(NonZeroU16::new);
                self.tunnel_port = Some(port.ok_or(Usage::Number("tunnel port"))?);
            }
            Class::SyncId => {
                self.sync_id = number::whole(argument, 0..=u8::MAX).ok_or(Usage::Number("syncid"))?;
            }
            Class::Group => self.group = Some(read_group(argument)?),
            Class::Port => {
                let port = number::whole(argument, 1..=u16::MAX);
                self.port = Some(port.ok_or(Usage::Number("mcast-port"))?);
            }
            Class::Ttl => {
                let ttl = number::whole(argument, 1..=u8::MAX);
                self.ttl = Some(ttl.ok_or(Usage::Number("mcast-ttl"))?);
            }
            Class::MaxLength => {
                let length = number::whole(argument, 1..=MAX_DATAGRAM);
                self.max_length = Some(length.ok_or(Usage::Number("sync-maxlen"))?);
            }
            // That it was given says it all.
            _ => {}
        }
        Ok(())
    }

    fn read_netmask(&self, argument: &str, names: &dyn Names) -> Result<Netmask, Usage> {
        match self.service.map(Target::family) {
            Some(Family::V6) => Netmask::v6(number::leading(argument)).map_err(|_| Usage::Ipv6Netmask),
            _ => address::ipv4(argument, names).map(Netmask::v4).ok_or(Usage::Netmask),
        }
    }

    fn read_server(&self, argument: &str, names: &dyn Names) -> Result<(IpAddr, u16), Usage> {
        let protocol = self.service.map(Target::protocol);
        let at = address::read(argument, protocol, names).ok_or(Usage::ServerAddress)?;
        let service_port = self.service.map_or(0, Target::port);
        Ok((at.address, at.port.unwrap_or(service_port)))
    }
}

fn read_mark(argument: &str) -> Result<NonZeroU32, Usage> {
    number::whole(argument, 1..=u32::MAX)
        .and_then(NonZeroU32::new)
        .ok_or_else(|| Usage::Mark(argument.to_owned()))
}

fn read_seconds(argument: &str) -> Result<u32, Usage> {
    number::whole(argument, 0..=PersistenceTimeout::MAX_SECONDS)
        .ok_or_else(|| Usage::Timeout(argument.to_owned()))
}

fn read_threshold(argument: &str, name: &'static str) -> Result<u32, Usage> {
    number::whole(argument, 0..=Thresholds::MAX).ok_or(Usage::Number(name))
}

fn read_group(argument: &str) -> Result<Group, Usage> {
    let (family, address) = if argument.contains(':') {
        ("IPv6", argument.parse::<Ipv6Addr>().map(IpAddr::from).ok())
    } else {
        ("IPv4", argument.parse::<Ipv4Addr>().map(IpAddr::from).ok())
    };
    address
        .and_then(|address| Group::new(address).ok())
        .ok_or_else(|| Usage::Group { family, group: argument.to_owned() })
}
