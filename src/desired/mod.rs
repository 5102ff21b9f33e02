//! What this director's kernel should hold: a pure function of everything that has a say in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use healthcheck::{Decision, Place};
use ipvs::{Bound, Destination, Endpoint, Family, Forward, ServiceId, Table, Weight};

use crate::config::{Config, Interface, Name, Realserver};
use crate::kernel::{Assignment, Sysctl};
use crate::serving::Decisions;

/// The state that the kernel is brought to and kept in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// The virtual services with their realservers.
    pub table: Table,
    /// What is to be known about each service beyond the table.
    pub services: BTreeMap<ServiceId, About>,
    /// The addresses to hold.
    pub addresses: BTreeSet<Assignment>,
    /// The sysctls that have to have a certain value.
    pub sysctls: BTreeMap<Sysctl, bool>,
}

/// What the file says of a service that IPVS does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The service's name.
    pub name: Name,
    /// How long connections may go on when their realserver, or the service, leaves.
    pub drain_timeout: Duration,
    /// Its realservers and its fallback, whether they serve now or not.
    pub members: BTreeSet<Endpoint>,
}

/// The addresses of all IPv4 realservers: which interfaces lead to them is the kernel's to say.
pub fn realserver_addresses(config: &Config) -> BTreeSet<IpAddr> {
    let realservers = config.services.iter().flat_map(|service| &service.realservers);
    realservers.map(|realserver| realserver.endpoint.address()).filter(IpAddr::is_ipv4).collect()
}

/// What `config` asks for, where `towards` names the interfaces that lead to its realservers, and `decisions` say
/// who serves.
#[must_use]
pub fn desired(config: &Config, towards: &BTreeSet<Interface>, decisions: &Decisions) -> Desired {
    let mut desired = Desired::default();
    for service in &config.services {
        let decision = decisions.get(&service.name);
        for &id in &service.ids {
            let mut bound = Bound::new(service.definition.clone());
            bound.destinations = service
                .realservers_of(id)
                .filter_map(|realserver| Some((realserver.endpoint, placed(realserver, decision)?)))
                .collect();
            let fallback = service.fallback.filter(|fallback| fallback.serves(id));
            if decision.is_some_and(|decision| decision.fallback)
                && let Some(fallback) = fallback
            {
                bound.destinations.insert(fallback.endpoint, fallback.destination);
            }
            desired.table.insert(id, bound);

            let realservers = service.realservers_of(id).map(|realserver| realserver.endpoint);
            let about = About {
                name: service.name.clone(),
                drain_timeout: service.drain_timeout,
                members: realservers.chain(fallback.map(|fallback| fallback.endpoint)).collect(),
            };
            desired.services.insert(id, about);
        }
    }
    // In a cluster, vips have a life of their own: `cluster` alone puts them on interfaces.
    for vip in config.vips.iter().filter(|_| config.cluster.is_none()) {
        let interface = &vip.interface;
        let assignments = vip.addresses.iter().map(|&net| Assignment { interface: interface.clone(), net });
        desired.addresses.extend(assignments);
    }
    desired.sysctls = sysctls(config, towards);
    desired
}

/// A realserver as the kernel is to have it, if at all.
fn placed(realserver: &Realserver, decision: Option<&Decision<Name>>) -> Option<Destination> {
    let mut destination = realserver.destination;
    let Some(decision) = decision else { return Some(destination) };
    destination.weight = match decision.seats.get(&realserver.name)?.place {
        Place::Serving { weight } => Weight::new(weight).unwrap_or(destination.weight),
        Place::Quiesced => Weight::QUIESCED,
        Place::Out => return None,
    };
    Some(destination)
}

/// NAT needs the kernel to forward, and a director that forwards out of the interface a packet came in by must
/// not tell the sender to go the short way: its replies would bypass the director.
fn sysctls(config: &Config, towards: &BTreeSet<Interface>) -> BTreeMap<Sysctl, bool> {
    let forwards_by_nat = |family| {
        config
            .services
            .iter()
            .filter(|service| service.ids.iter().any(|id| id.family() == family))
            .flat_map(|service| &service.realservers)
            .any(|realserver| realserver.destination.forward == Forward::Masquerade)
    };
    let (nat4, nat6) = (forwards_by_nat(Family::V4), forwards_by_nat(Family::V6));

    let mut sysctls = BTreeMap::new();
    let masquerades = |v4| {
        let nets = config.host.masquerade.iter().filter_map(|traffic| traffic.source);
        nets.map(|net| net.addr().is_ipv4()).any(|it| it == v4)
    };
    if config.services.iter().any(|service| service.source_nat) {
        sysctls.insert(Sysctl::IpvsConntrack, true);
    }
    if config.host.ip_forward.unwrap_or_else(|| nat4 || masquerades(true)) {
        sysctls.insert(Sysctl::Ipv4Forward, true);
    }
    if (nat6 || masquerades(false)) && config.host.ip_forward != Some(false) {
        sysctls.insert(Sysctl::Ipv6Forward, true);
    }
    if !config.host.send_redirects.unwrap_or(!nat4) {
        let used = towards.iter().chain(config.vips.iter().map(|vip| &vip.interface));
        sysctls.extend(used.map(|interface| (Sysctl::SendRedirects(interface.clone()), false)));
    }
    sysctls
}
