//! Why the kernel refuses a request.
//!
//! It gives nothing but an errno, which means different things for different requests; so a refusal is found
//! from the errno, the request and what was in it. Numbers are those of Linux's `asm-generic/errno.h`.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::wire::Request;
use crate::{EngineName, Family, Forward, Interface, Netmask, Op, Scheduler};

/// Why the kernel refuses a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The service to add is there.
    #[error("the service already exists")]
    ServiceExists,
    /// There is no such service.
    #[error("there is no such service")]
    NoService,
    /// The destination to add is there.
    #[error("the destination already exists")]
    DestinationExists,
    /// The service has no such destination.
    #[error("the service has no such destination")]
    NoDestination,
    /// The kernel has no such scheduler.
    #[error("the kernel has no scheduler {0} (module ip_vs_{0})")]
    NoScheduler(Scheduler),
    /// The kernel has no such persistence engine, or no such scheduler; it does not say which.
    #[error(
        "the kernel has no persistence engine {engine} (module ip_vs_pe_{engine}) \
         or no scheduler {scheduler} (module ip_vs_{scheduler})"
    )]
    NoEngine {
        /// The engine.
        engine: EngineName,
        /// The scheduler.
        scheduler: Scheduler,
    },
    /// A synchronisation daemon of this role runs.
    #[error("the synchronisation daemon already runs")]
    DaemonRuns,
    /// No synchronisation daemon of this role runs.
    #[error("the synchronisation daemon does not run")]
    NoDaemon,
    /// There is no such interface.
    #[error("there is no interface {0}")]
    NoInterface(Interface),
    /// The request makes no sense to the kernel; this is why, as far as we can tell.
    #[error("{0}")]
    Invalid(&'static str),
    /// The kernel does not do this address family.
    #[error("the kernel has no support for the address family")]
    NoFamily,
    /// `CAP_NET_ADMIN` is needed, in the first user namespace.
    #[error("permission denied; IPVS needs CAP_NET_ADMIN in the initial user namespace, even to read")]
    Permission,
    /// The kernel is out of memory.
    #[error("the kernel is out of memory")]
    NoMemory,
    /// Any other errno.
    #[error("errno {0}")]
    Other(i32),
}

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const ESRCH: i32 = 3;
const ENOMEM: i32 = 12;
const EEXIST: i32 = 17;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const ERANGE: i32 = 34;
const EAFNOSUPPORT: i32 = 97;

impl Refusal {
    /// What an errno means in answer to a request.
    #[must_use]
    pub fn new(request: &Request<'_>, errno: i32) -> Self {
        match (errno, request) {
            (EPERM, _) => Self::Permission,
            (ENOMEM, _) => Self::NoMemory,
            (EAFNOSUPPORT, _) => Self::NoFamily,
            (EEXIST, Request::Change(Op::AddService(..))) => Self::ServiceExists,
            (EEXIST, Request::Change(Op::AddDestination { .. })) => Self::DestinationExists,
            (EEXIST, Request::StartDaemon(_)) => Self::DaemonRuns,
            (ESRCH, Request::StopDaemon(_)) => Self::NoDaemon,
            (
                ESRCH,
                Request::Change(_) | Request::Service(_) | Request::Destinations(_) | Request::Zero(_),
            ) => Self::NoService,
            (ENOENT, Request::Change(Op::AddService(_, service) | Op::EditService(_, service))) => {
                let scheduler = service.scheduler.clone();
                match service.persistence.as_ref().and_then(|persistence| persistence.engine.clone()) {
                    Some(engine) => Self::NoEngine { engine, scheduler },
                    None => Self::NoScheduler(scheduler),
                }
            }
            (ENOENT, Request::Change(Op::EditDestination { .. } | Op::DeleteDestination { .. })) => {
                Self::NoDestination
            }
            (ENODEV, Request::StartDaemon(daemon)) => Self::NoInterface(daemon.interface.clone()),
            (EINVAL | ERANGE, request) => Self::Invalid(hint(request)),
            (errno, _) => Self::Other(errno),
        }
    }
}

impl Refusal {
    /// Whether the object was not as it had been seen: somebody else writes, too.
    #[must_use]
    pub fn is_race(&self) -> bool {
        matches!(self, Self::ServiceExists | Self::NoService | Self::DestinationExists | Self::NoDestination)
    }
}

/// The likely cause of EINVAL; the model rules out most.
fn hint(request: &Request<'_>) -> &'static str {
    const UNKNOWN: &str = "the kernel finds something in it invalid";
    match request {
        Request::Change(op) => objection(op).unwrap_or_else(|| match op {
            Op::AddDestination { service, endpoint, .. } if service.family() != endpoint.family() => {
                "a destination of another address family than its service excludes the synchronisation daemon"
            }
            Op::AddDestination { .. } => {
                "the destination's address is link-local, or loopback was never up in this network namespace"
            }
            _ => UNKNOWN,
        }),
        Request::StartDaemon(_) => {
            "the synchronisation daemon excludes destinations of another address family than their service, \
             and its interface needs an address of the multicast group's family"
        }
        Request::SetTimeouts(_) => "a timeout is too long for the kernel",
        _ => UNKNOWN,
    }
}

/// What the kernel always finds invalid in an operation that the model can express.
pub(crate) fn objection(op: &Op) -> Option<&'static str> {
    match op {
        Op::AddService(id, service) | Op::EditService(id, service) => match (service.netmask, id.family()) {
            (Netmask::V4(_), Family::V6) | (Netmask::V6(_), Family::V4) => {
                Some("the persistence netmask is of another address family than the service")
            }
            _ => None,
        },
        Op::AddDestination { service, endpoint, destination }
        | Op::EditDestination { service, endpoint, destination } => {
            if service.family() != endpoint.family() && !matches!(destination.forward, Forward::Tunnel(_)) {
                Some("a destination of another address family than its service needs a tunnel")
            } else if !is_unicast(endpoint.address()) {
                Some("the destination's address is not a unicast address")
            } else {
                None
            }
        }
        Op::DeleteService(_) | Op::DeleteDestination { .. } => None,
    }
}

/// Link-local IPv6 addresses are left to the kernel, which takes its own.
fn is_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || broadcast)
}
