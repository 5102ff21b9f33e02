//! What the kernel's table holds, with what it counts.

use std::fmt;

use crate::{Bound, Destination, Endpoint, Service, ServiceId, Table};

/// Totals since the object was made or zeroed, and rates over the last seconds.
///
/// The kernel brings them up to date every two seconds. A destination that comes back within two minutes of
/// its deletion may bring its old totals along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub packets_in: u64,
    /// Packets to clients; only NAT's are seen.
    pub packets_out: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients; only NAT's are seen.
    pub bytes_out: u64,
    /// Connections per second.
    pub connection_rate: u64,
    /// Packets from clients per second.
    pub packet_rate_in: u64,
    /// Packets to clients per second.
    pub packet_rate_out: u64,
    /// Bytes from clients per second.
    pub byte_rate_in: u64,
    /// Bytes to clients per second.
    pub byte_rate_out: u64,
}

/// A destination as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedDestination {
    /// Its address and port.
    pub endpoint: Endpoint,
    /// How it is served.
    pub destination: Destination,
    /// Connections in an active state (TCP: established).
    pub active: u32,
    /// Connections in any other state.
    pub inactive: u32,
    /// Persistence templates.
    pub persistent: u32,
    /// What it carried.
    pub statistics: Statistics,
}

/// A virtual service as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What identifies it.
    pub id: ServiceId,
    /// How it schedules.
    pub service: Service,
    /// What it carried.
    pub statistics: Statistics,
    /// Its destinations, in the kernel's order: the youngest first.
    pub destinations: Vec<ObservedDestination>,
}

impl Observed {
    /// What is configured, without what is counted.
    #[must_use]
    pub fn bound(&self) -> Bound {
        let destinations = self.destinations.iter().map(|it| (it.endpoint, it.destination)).collect();
        Bound { service: self.service.clone(), destinations }
    }
}

/// Something in the kernel's table that the model has no value for.
///
/// Its identity is there as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unknown {
    /// The service, or the service of the destination.
    pub service: Option<ServiceId>,
    /// The destination, when it is one.
    pub endpoint: Option<Endpoint>,
    /// What is wrong with it, in one line.
    pub description: String,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.endpoint, self.service) {
            (Some(endpoint), Some(service)) => write!(f, "destination {endpoint} of {service}: ")?,
            (Some(endpoint), None) => write!(f, "destination {endpoint}: ")?,
            (None, Some(service)) => write!(f, "service {service}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.description)
    }
}

/// A whole table.
///
/// The kernel answers one service at a time and without a snapshot: while somebody else writes, an object may
/// be missing or old. Two listings that agree tell the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The services, in the kernel's order.
    pub services: Vec<Observed>,
    /// What could not be read.
    pub unknown: Vec<Unknown>,
}

impl Listing {
    /// What is configured, without what is counted.
    #[must_use]
    pub fn table(&self) -> Table {
        self.services.iter().map(|observed| (observed.id, observed.bound())).collect()
    }
}
