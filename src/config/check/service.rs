//! `[[service]]`: virtual services.

use std::borrow::Cow;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use healthcheck::{Monitor, Policy};
use ipvs::{Endpoint, Family, Protocol, ServiceId};
use toml::de::DeValue;

use super::Unique;
use super::depends::Depends;
use super::forwarding::{Forwarding, Method};
use super::monitor::{Adopter, Shared};
use super::realserver::{Members, Pools, members};
use super::serving::Context;
use super::vip::Vips;
use super::{fallback, monitor, policy, scheduling, source_nat};
use crate::config::report::{Reported, Span};
use crate::config::section::{At, Fault, Schema, Section, quoted, wrong_type};
use crate::config::{Fallback, Name, Realserver, VirtualService, value};

const SERVICE: Schema = Schema {
    title: "[[service]]",
    keys: &[
        "name",
        "vip",
        "address",
        "fwmark",
        "family",
        "port",
        "protocol",
        "scheduler",
        "flags",
        "forward",
        "tunnel",
        "pool",
        "realservers",
        "persistent",
        "netmask",
        "engine",
        "one_packet",
        "drain_timeout",
        "monitor",
        "on_failure",
        "min_serving",
        "slow_start",
        "fallback",
        "depends",
        "source_nat",
    ],
    later: &[],
};

const DEFAULT_DRAIN_TIMEOUT: Duration = Duration::from_secs(300);

/// What all services share while they are read.
struct Reader<'a, 'v> {
    vips: &'v Vips<'a>,
    pools: &'v Pools<'a>,
    names: Unique<Name>,
    ids: Unique<ServiceId>,
    depends: Depends<'a>,
    monitor: &'v monitor::Reader<'v>,
    monitors: Shared,
}

/// Who serves, and how they are watched.
struct Serving {
    realservers: Vec<Realserver>,
    monitors: Vec<Arc<Monitor>>,
    fallback: Option<Fallback>,
}

/// Reads every `[[service]]`.
pub(super) fn services<'a>(
    root: &Section<'a>,
    vips: &Vips<'a>,
    pools: &Pools<'a>,
    monitor: &monitor::Reader<'_>,
) -> Result<Vec<VirtualService>, Reported> {
    let sections = root.tables("service", &SERVICE, "write [[service]], with its keys on the lines below");
    let mut reader = Reader {
        vips,
        pools,
        names: Unique::new(),
        ids: Unique::new(),
        depends: Depends::new(&sections),
        monitor,
        monitors: Shared::default(),
    };
    let services: Vec<_> = sections.iter().map(|section| reader.service(section)).collect();
    reader.depends.are_acyclic(root.problems)?;
    services.into_iter().collect()
}

impl Reader<'_, '_> {
    fn service(&mut self, section: &Section<'_>) -> Result<VirtualService, Reported> {
        let name = self.names.name(section, "add name = \"http\"");
        let protocol = protocol(section);
        let ids = self.ids(section, protocol);
        let ids_so_far = ids.as_deref().map_err(|&reported| reported);
        let definition = scheduling::definition(section, ids_so_far, protocol);
        let scheduler = definition.as_ref().map(|definition| &definition.scheduler).map_err(|&it| it);
        let policy = policy::policy(section, protocol, scheduler);
        let depends = self.depends.read(section);
        let serving = self.serving(section, ids_so_far);
        let drain_timeout = section.optional("drain_timeout", value::duration);
        let Serving { realservers, monitors, fallback } = serving?;
        let source_nat = source_nat::source_nat(section, &realservers, fallback);
        let own = realservers.iter().filter_map(|realserver| realserver.monitors.as_ref()).flatten();
        let patience = policy::patience(monitors.iter().chain(own).map(AsRef::as_ref));
        let name = name?;
        let pool = section.get("pool").and_then(|pool| Name::new(pool.get_ref().as_str()?));
        Ok(VirtualService {
            group: pool.unwrap_or_else(|| name.clone()),
            name,
            definition: definition?,
            realservers,
            ids: ids?,
            drain_timeout: drain_timeout?.map_or(DEFAULT_DRAIN_TIMEOUT, |at| at.value),
            monitors,
            policy: Policy { patience, ..policy? },
            fallback,
            depends: depends?,
            source_nat: source_nat?,
        })
    }

    /// What IPVS is to know the service by; nobody else may have any of it.
    fn ids(
        &mut self,
        section: &Section<'_>,
        protocol: Result<Protocol, Reported>,
    ) -> Result<Vec<ServiceId>, Reported> {
        let target = self.target(section);
        let port = port(section);
        let At { value: target, span } = target?;
        let ids: Vec<ServiceId> = match target {
            Target::Mark { mark, family } => vec![ServiceId::Mark { mark, family }],
            Target::Addresses(addresses) => {
                let (port, protocol) = (port?, protocol?);
                let id = |address| {
                    let endpoint = Endpoint::new(address, port).map_err(|invalid| {
                        section.problems.add(span, invalid.to_string(), "use the IPv4 address")
                    })?;
                    Ok(ServiceId::Address { protocol, endpoint })
                };
                addresses.into_iter().map(id).collect::<Result<_, _>>()?
            }
        };
        let mut unique = Ok(());
        for &id in &ids {
            if let Err(earlier) = self.ids.claim(id, span) {
                let help = "use another address, port, protocol or mark, or make the two services one";
                let what = format!("there is already a service for {id}");
                unique = Err(section.problems.add_collision(span, earlier, what, help));
            }
        }
        unique.map(|()| ids)
    }

    fn target(&self, section: &Section<'_>) -> Result<At<Target>, Reported> {
        let mut given: Vec<Span> =
            ["vip", "address", "fwmark"].into_iter().filter_map(|key| section.key_span(key)).collect();
        given.sort_unstable();
        match *given.as_slice() {
            [] => {
                let what = "[[service]] has no address";
                let help = "add vip = \"NAME\" with the name of a [[vip]], or `address`, or `fwmark`";
                return Err(section.missing_one_of(&["vip", "address", "fwmark"], what, help));
            }
            [_] => {}
            [first, .., last] => {
                let what = "`vip`, `address` and `fwmark` exclude each other";
                return Err(section.problems.add_collision(last, first, what, "keep one of them"));
            }
        }
        let mark = section.optional("fwmark", mark);
        let family = section
            .optional("family", |value| value::word(value, &[("ipv4", Family::V4), ("ipv6", Family::V6)]));
        if let Some(At { value: mark, span }) = mark? {
            let family = family?.map_or(Family::V4, |at| at.value);
            let value = Target::Mark { mark, family };
            return Ok(At { value, span });
        }
        if let Some(family) = family? {
            let what = "only a service with `fwmark` needs a family";
            return Err(section.problems.add(family.span, what, "take it out: the address has one"));
        }
        if let Some(At { value: address, span }) = section.optional("address", value::address)? {
            let value = Target::Addresses(vec![address]);
            return Ok(At { value, span });
        }
        let vip = section.required("vip", "", |value| value::text(value, "write the name of a [[vip]]"))?;
        let addresses = self.vips.addresses_of(section, vip.value, vip.span)?;
        Ok(At { value: Target::Addresses(addresses), span: vip.span })
    }

    fn serving(
        &self,
        section: &Section<'_>,
        ids: Result<&[ServiceId], Reported>,
    ) -> Result<Serving, Reported> {
        let forwarding = forwarding(section);
        let monitors = monitor::required(section, self.monitor);
        let fallback = fallback::member(section, self.vips);
        let members = self.members(section)?;
        let name = |key| section.get(key).and_then(|name| name.get_ref().as_str());
        let service = name("name");
        let label =
            service.map_or_else(|| "the service".to_owned(), |name| format!("service {}", quoted(name)));
        let service = service.unwrap_or_default();
        let adopter = Adopter {
            problems: section.problems,
            label: &label,
            service,
            group: name("pool").unwrap_or(service),
            shared: &self.monitors,
        };
        let context = Context {
            problems: section.problems,
            label: &label,
            ids: ids?,
            forwarding: forwarding?,
            span: section.span,
            adopter,
        };
        let realservers = context.realservers(&members)?;
        let monitors = context.monitors(&monitors?, &realservers);
        let fallback = fallback?.map(|member| context.fallback(&member, &realservers)).transpose();
        Ok(Serving { monitors: monitors?, fallback: fallback?, realservers })
    }

    fn members(&self, section: &Section<'_>) -> Result<Cow<'_, Members>, Reported> {
        section.exclusive("pool", "realservers")?;
        if section.get("realservers").is_some() {
            return Ok(Cow::Owned(members(section, self.vips, self.monitor)?));
        }
        let help = "add pool = \"NAME\" with the name of a [[pool]], or realservers = [\"192.0.2.10\"]";
        let name = |value| value::text(value, "write the name of a [[pool]]");
        let pool = section.optional("pool", name)?;
        let pool = pool.ok_or_else(|| {
            section.missing_one_of(&["pool", "realservers"], "[[service]] has no realservers", help)
        })?;
        self.pools.members_of(section, pool.value, pool.span).map(Cow::Borrowed)
    }
}

/// Where packets to a service are addressed.
enum Target {
    Addresses(Vec<IpAddr>),
    Mark { mark: NonZeroU32, family: Family },
}

fn mark(value: &DeValue<'_>) -> Result<NonZeroU32, Fault> {
    const HELP: &str = "use a number from 1 to 4294967295, or one like 0x10";
    let number = match value {
        DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()),
        DeValue::String(text) => match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => text.parse(),
        },
        other => return Err(Fault::new(wrong_type("an integer", other), HELP)),
    };
    let mark = number.ok().and_then(NonZeroU32::new);
    mark.ok_or_else(|| Fault::new("this is not a firewall mark", HELP))
}

fn protocol(section: &Section<'_>) -> Result<Protocol, Reported> {
    let words = Protocol::ALL.map(|protocol| (protocol.name(), protocol));
    let protocol = section.optional("protocol", |value| value::word(value, &words))?;
    match (protocol, section.key_span("fwmark")) {
        (Some(protocol), Some(_)) => {
            let what = "a service with `fwmark` takes every protocol";
            Err(section.problems.add(protocol.span, what, "take `protocol` out"))
        }
        (protocol, _) => Ok(protocol.map_or(Protocol::Tcp, |at| at.value)),
    }
}

/// The service's port; 0 is every port, which only persistence makes sense of, or none if it has a mark.
fn port(section: &Section<'_>) -> Result<u16, Reported> {
    let port = section.optional("port", |value| value::port(value, 0))?;
    let by_mark = section.key_span("fwmark").is_some();
    let persistent = section.get("persistent").is_some();
    match port {
        Some(port) if by_mark && port.value != 0 => {
            let what = "a service with `fwmark` takes every port";
            Err(section.problems.add(port.span, what, "take `port` out"))
        }
        Some(port) if port.value != 0 => Ok(port.value),
        _ if by_mark || persistent => Ok(0),
        Some(port) => {
            let what = "only a persistent service can take every port";
            Err(section.problems.add(port.span, what, "name the port, or add persistent = \"300s\""))
        }
        None => Err(section.missing("port", "add port = 80; only a persistent service can take every port")),
    }
}

fn forwarding(section: &Section<'_>) -> Result<Forwarding, Reported> {
    let forwarding = Forwarding::read(section)?;
    match (forwarding.method(), forwarding.tunnel()) {
        (Some(Method::Nat | Method::Dr) | None, Some(tunnel)) => {
            let what = "`tunnel` means nothing without forward = \"tun\"";
            Err(section.problems.add(tunnel.span, what, "add forward = \"tun\", or take `tunnel` out"))
        }
        _ => Ok(forwarding),
    }
}
