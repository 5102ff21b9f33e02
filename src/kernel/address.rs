//! The addresses and links of this machine, over rtnetlink.

mod notices;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::libc;

use super::netlink::Requests;
use crate::config::Interface;

pub use notices::{Changes, Notices};

/// An address on an interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assigned {
    /// The interface.
    pub interface: Interface,
    /// The address with the length of its prefix.
    pub net: IpNet,
    /// The network that is reached by the interface because of this address.
    pub connected: Option<IpNet>,
}

/// A network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it; another one if the interface is made anew.
    pub index: u32,
    /// Its MAC address, if it speaks Ethernet.
    pub mac: Option<[u8; 6]>,
    /// Whether it was switched on.
    pub up: bool,
    /// Whether it is up and there is somebody at the other end of its cable.
    pub carrier: bool,
    /// Whether it leads nowhere but to this machine.
    pub loopback: bool,
}

/// What was attempted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// To open a socket.
    Open,
    /// To listen for changes.
    Listen,
    /// To list the addresses.
    Addresses,
    /// To list the interfaces.
    Links,
    /// To look up the way to an address.
    Route(IpAddr),
    /// To look up the way to so many addresses.
    Routes(usize),
    /// To add an address.
    Add(IpNet, Interface),
    /// To remove an address.
    Remove(IpNet, Interface),
    /// To put back an address that went together with another one.
    Restore(IpNet, Interface),
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open a netlink socket"),
            Self::Listen => f.write_str("listen for changes of addresses and links"),
            Self::Addresses => f.write_str("list the addresses of this machine"),
            Self::Links => f.write_str("list the interfaces of this machine"),
            Self::Routes(count) => write!(f, "look up the routes to {count} addresses"),
            Self::Route(to) => write!(f, "look up the route to {to}"),
            Self::Add(address, interface) => write!(f, "add {address} to {interface}"),
            Self::Remove(address, interface) => write!(f, "remove {address} from {interface}"),
            Self::Restore(address, interface) => write!(f, "put {address} back on {interface}"),
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused, or could not be asked.
    #[error("{attempt}")]
    Failed {
        /// What was attempted.
        attempt: Attempt,
        /// What came instead.
        #[source]
        cause: io::Error,
    },
    /// This process may not do that.
    #[error("{attempt}: this needs CAP_NET_ADMIN")]
    NotPermitted {
        /// What was attempted.
        attempt: Attempt,
        /// What the kernel said.
        #[source]
        cause: io::Error,
    },
    /// The interface does not exist.
    #[error("{attempt}: there is no such interface; `ip link` shows those there are")]
    NoInterface {
        /// What was attempted.
        attempt: Attempt,
    },
    /// The interface takes no IPv6 addresses.
    #[error("{attempt}: IPv6 is disabled there; `net/ipv6/conf/{interface}/disable_ipv6` should be 0")]
    Ipv6Disabled {
        /// What was attempted.
        attempt: Attempt,
        /// The interface.
        interface: Interface,
        /// What the kernel said.
        #[source]
        cause: io::Error,
    },
}

impl Error {
    fn new(attempt: Attempt, cause: io::Error) -> Self {
        match (cause.raw_os_error(), &attempt) {
            (Some(libc::EPERM), _) => Self::NotPermitted { attempt, cause },
            (Some(libc::ENODEV), Attempt::Add(..) | Attempt::Restore(..)) => Self::NoInterface { attempt },
            (Some(libc::EACCES), Attempt::Add(IpNet::V6(_), interface)) => {
                Self::Ipv6Disabled { interface: interface.clone(), attempt, cause }
            }
            _ => Self::Failed { attempt, cause },
        }
    }
}

/// The addresses of the network namespace in which this was opened.
#[derive(Debug)]
pub struct Addresses {
    requests: Requests,
}

impl Addresses {
    /// Opens a socket, in the network namespace of the calling thread.
    pub fn open() -> Result<Self, Error> {
        let requests = Requests::open(NETLINK_ROUTE).map_err(|cause| Error::new(Attempt::Open, cause))?;
        Ok(Self { requests })
    }

    /// All addresses of both families.
    pub fn list(&mut self) -> Result<Vec<Assigned>, Error> {
        self.read().map(|(_, addresses)| addresses)
    }

    /// All interfaces, and all addresses of both families on them.
    pub fn read(&mut self) -> Result<(BTreeMap<Interface, Link>, Vec<Assigned>), Error> {
        let links = self.links()?;
        let by_index: BTreeMap<u32, _> =
            links.iter().map(|(name, link)| (link.index, (name, link))).collect();
        let entries = self.entries()?;
        let named = entries.iter().filter_map(|(entry, _)| {
            let &(interface, link) = by_index.get(&entry.interface)?;
            Some(Assigned {
                interface: interface.clone(),
                net: entry.net,
                connected: (entry.routed && link.up && !link.loopback).then_some(entry.network),
            })
        });
        let addresses = named.collect();
        Ok((links, addresses))
    }

    /// All interfaces.
    pub fn links(&mut self) -> Result<BTreeMap<Interface, Link>, Error> {
        let bodies = self.requests.request(libc::RTM_GETLINK, NLM_F_DUMP, &wire::links_body());
        let links = bodies.and_then(|bodies| {
            let links = bodies.iter().map(|body| wire::link(body));
            links.filter_map(Result::transpose).collect()
        });
        links.map_err(|cause| Error::new(Attempt::Links, cause))
    }

    /// Gives an interface an address. It is well if the interface has it already.
    ///
    /// An IPv6 address is usable at once: the kernel does not probe whether somebody else has it. Note that
    /// the kernel also takes it for the same address if only the length of the prefix differs.
    pub fn add(&mut self, interface: &Interface, address: IpNet) -> Result<(), Error> {
        let failed = |cause| Error::new(Attempt::Add(address, interface.clone()), cause);
        let index = self.index(interface).map_err(failed)?;
        self.create(&wire::address_body(index, address)).map_err(failed)
    }

    /// Takes an address from an interface. It is well if the interface does not have it, or is not there.
    ///
    /// When an IPv4 address goes that came first in its network, Linux removes the others of that network on
    /// the interface as well, unless `promote_secondaries` is set. They are put back as they were, but are
    /// missing for an instant.
    pub fn remove(&mut self, interface: &Interface, address: IpNet) -> Result<(), Error> {
        let before = self.entries();
        let removed = self.index(interface).and_then(|index| {
            let body = wire::address_body(index, address);
            self.requests.request(libc::RTM_DELADDR, 0, &body)?;
            Ok(index)
        });
        let index = match removed {
            Ok(index) => index,
            Err(error) if is(&error, &[libc::EADDRNOTAVAIL, libc::ENODEV]) => return Ok(()),
            Err(error) => return Err(Error::new(Attempt::Remove(address, interface.clone()), error)),
        };
        // Only now does it matter whether the list was to be had: an address must be given up in any case.
        let before = before?;
        let restored = dependents(&before, index, address).map(|(entry, body)| {
            let attempt = Attempt::Restore(entry.net, interface.clone());
            self.create(body).map_err(|cause| Error::new(attempt, cause))
        });
        // Every one is tried, whatever became of those before it.
        restored.fold(Ok(()), Result::and)
    }

    /// The interface by which each address is reached. Those that are not reached by any are absent, and so
    /// are this machine's own.
    pub fn towards(&mut self, addresses: &[IpAddr]) -> Result<BTreeMap<IpAddr, Interface>, Error> {
        let (links, assigned) = self.read()?;
        let own: BTreeSet<_> = assigned.iter().map(|assigned| assigned.net.addr()).collect();
        let connected = Connected::new(&assigned);
        let mut towards = BTreeMap::new();
        let mut asked = Vec::new();
        for &address in addresses.iter().filter(|address| !own.contains(address)) {
            match connected.towards(address) {
                Some(interface) => drop(towards.insert(address, interface.clone())),
                None => asked.push(address),
            }
        }
        let interfaces: BTreeMap<u32, &Interface> = links
            .iter()
            .filter(|(_, link)| !link.loopback)
            .map(|(interface, link)| (link.index, interface))
            .collect();
        for (address, index) in asked.iter().zip(self.routes(&asked)?) {
            let interface = index.and_then(|index| interfaces.get(&index));
            towards.extend(interface.map(|&interface| (*address, interface.clone())));
        }
        Ok(towards)
    }

    /// The indices of the interfaces by which packets to each address leave, if they do.
    fn routes(&mut self, to: &[IpAddr]) -> Result<Vec<Option<u32>>, Error> {
        let bodies: Vec<_> = to.iter().copied().map(wire::route_body).collect();
        let answers = self.requests.request_each(libc::RTM_GETROUTE, &bodies);
        let answers = answers.map_err(|cause| Error::new(Attempt::Routes(to.len()), cause))?;
        let routes = to.iter().zip(answers).map(|(&to, answer)| match answer {
            Err(error) if is(&error, &UNROUTABLE) => Ok(None),
            answer => answer
                .and_then(|body| wire::route(&body))
                .map_err(|cause| Error::new(Attempt::Route(to), cause)),
        });
        routes.collect()
    }

    /// The addresses, and the messages that described them.
    fn entries(&mut self) -> Result<Vec<(wire::Entry, Vec<u8>)>, Error> {
        let bodies = self.requests.request(libc::RTM_GETADDR, NLM_F_DUMP, &wire::addresses_body());
        let entries = bodies.and_then(|bodies| {
            let entries = bodies.into_iter().map(|body| Ok(wire::address(&body)?.map(|entry| (entry, body))));
            entries.filter_map(Result::transpose).collect()
        });
        entries.map_err(|cause| Error::new(Attempt::Addresses, cause))
    }

    fn create(&mut self, body: &[u8]) -> io::Result<()> {
        match self.requests.request(libc::RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body) {
            Err(error) if is(&error, &[libc::EEXIST]) => Ok(()),
            other => other.map(drop),
        }
    }

    fn index(&mut self, interface: &Interface) -> io::Result<u32> {
        let bodies = self.requests.request(libc::RTM_GETLINK, 0, &wire::link_body(interface))?;
        match bodies.first().map(|body| wire::link(body)).transpose()?.flatten() {
            Some((name, link)) if name == *interface => Ok(link.index),
            // The kernel also finds an interface by another name than the one it lists.
            _ => Err(io::Error::from_raw_os_error(libc::ENODEV)),
        }
    }
}

/// What Linux removes together with an address: `__inet_del_ifa` in its `net/ipv4/devinet.c`.
fn dependents(
    entries: &[(wire::Entry, Vec<u8>)],
    interface: u32,
    address: IpNet,
) -> impl Iterator<Item = (&wire::Entry, &Vec<u8>)> {
    let here = entries.iter().filter(move |(entry, _)| entry.interface == interface);
    let goes = here.clone().find(|(entry, _)| entry.net == address && !entry.secondary);
    let network = goes.map(|(entry, _)| entry.network);
    here.filter(move |(entry, _)| entry.secondary && Some(entry.network) == network)
        .map(|(entry, body)| (entry, body))
}

/// What the kernel says of an address to which there is no route, or one that discards what it gets.
const UNROUTABLE: [i32; 6] =
    [libc::ENETUNREACH, libc::EHOSTUNREACH, libc::EACCES, libc::EINVAL, libc::EAFNOSUPPORT, libc::EOPNOTSUPP];

fn is(error: &io::Error, expected: &[i32]) -> bool {
    error.raw_os_error().is_some_and(|errno| expected.contains(&errno))
}

/// The networks that are reached without a gateway.
struct Connected<'a>(BTreeSet<(IpNet, &'a Interface)>);

impl<'a> Connected<'a> {
    fn new(assigned: &'a [Assigned]) -> Self {
        let networks =
            assigned.iter().filter_map(|assigned| Some((assigned.connected?, &assigned.interface)));
        Self(networks.collect())
    }

    /// The interface of the smallest network around an address; none if there are several, between which only
    /// the kernel can decide.
    fn towards(&self, address: IpAddr) -> Option<&'a Interface> {
        let around = self.0.iter().filter(|(network, _)| network.contains(&address));
        let smallest = around.clone().map(|(network, _)| network.prefix_len()).max()?;
        let mut nearest = around.filter(|(network, _)| network.prefix_len() == smallest);
        match (nearest.next(), nearest.next()) {
            (Some((_, interface)), None) => Some(interface),
            _ => None,
        }
    }
}
