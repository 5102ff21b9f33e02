//! Everything that can be asked of IPVS.

use std::fmt;

use super::{control, destination, message, service};
use crate::{Op, Role, ServiceId, SyncDaemon, Timeouts};

/// A request; its text says what is attempted.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// Writes one object of the table.
    Change(&'a Op),
    /// Dumps the services.
    Services,
    /// Reads one service, without its destinations.
    Service(ServiceId),
    /// Dumps the destinations of a service; of one that does not exist there are none.
    Destinations(ServiceId),
    /// Dumps the synchronisation daemons.
    Daemons,
    /// Starts a synchronisation daemon.
    StartDaemon(&'a SyncDaemon),
    /// Stops a synchronisation daemon.
    StopDaemon(Role),
    /// Reads the timeouts.
    Timeouts,
    /// Sets the timeouts.
    SetTimeouts(Timeouts),
    /// Reads the version.
    Info,
    /// Zeroes the counters of one service or of all.
    Zero(Option<ServiceId>),
    /// Deletes all services.
    Flush,
}

impl Request<'_> {
    fn command(&self) -> u8 {
        match self {
            Self::Change(Op::AddService(..)) => 1,
            Self::Change(Op::EditService(..)) => 2,
            Self::Change(Op::DeleteService(..)) => 3,
            Self::Services | Self::Service(_) => 4,
            Self::Change(Op::AddDestination { .. }) => 5,
            Self::Change(Op::EditDestination { .. }) => 6,
            Self::Change(Op::DeleteDestination { .. }) => 7,
            Self::Destinations(_) => 8,
            Self::StartDaemon(_) => 9,
            Self::StopDaemon(_) => 10,
            Self::Daemons => 11,
            Self::SetTimeouts(_) => 12,
            Self::Timeouts => 13,
            Self::Info => 15,
            Self::Zero(_) => 16,
            Self::Flush => 17,
        }
    }

    /// Whether the answer is a dump, of which the kernel runs one at a time.
    #[must_use]
    pub fn is_dump(&self) -> bool {
        matches!(self, Self::Services | Self::Destinations(_) | Self::Daemons)
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn is_write(&self) -> bool {
        match self {
            Self::Services
            | Self::Service(_)
            | Self::Destinations(_)
            | Self::Daemons
            | Self::Timeouts
            | Self::Info => false,
            Self::Change(_)
            | Self::StartDaemon(_)
            | Self::StopDaemon(_)
            | Self::SetTimeouts(_)
            | Self::Zero(_)
            | Self::Flush => true,
        }
    }

    /// Appends the request to `buffer`, for the family of this id and under this number.
    pub fn encode(&self, buffer: &mut Vec<u8>, family: u16, number: u32) {
        message::write(buffer, family, number, self.command(), self.is_dump(), |writer| match self {
            Self::Change(Op::AddService(id, settings) | Op::EditService(id, settings)) => {
                service::write(writer, *id, settings);
            }
            Self::Change(
                Op::AddDestination { service, endpoint, destination }
                | Op::EditDestination { service, endpoint, destination },
            ) => {
                service::write_id(writer, *service);
                destination::write(writer, *endpoint, destination);
            }
            Self::Change(Op::DeleteDestination { service, endpoint }) => {
                service::write_id(writer, *service);
                destination::write_id(writer, *endpoint);
            }
            Self::Change(Op::DeleteService(id))
            | Self::Service(id)
            | Self::Destinations(id)
            | Self::Zero(Some(id)) => service::write_id(writer, *id),
            Self::StartDaemon(daemon) => control::write_daemon(writer, daemon),
            Self::StopDaemon(role) => control::write_role(writer, *role),
            Self::SetTimeouts(timeouts) => control::write_timeouts(writer, *timeouts),
            Self::Services | Self::Daemons | Self::Timeouts | Self::Info | Self::Zero(None) | Self::Flush => {
            }
        });
    }
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(op) => op.fmt(f),
            Self::Services => f.write_str("list the services"),
            Self::Service(id) => write!(f, "read service {id}"),
            Self::Destinations(id) => write!(f, "list the destinations of service {id}"),
            Self::Daemons => f.write_str("list the synchronisation daemons"),
            Self::StartDaemon(SyncDaemon { role, interface, .. }) => {
                write!(f, "start the {role} synchronisation daemon on {interface}")
            }
            Self::StopDaemon(role) => write!(f, "stop the {role} synchronisation daemon"),
            Self::Timeouts => f.write_str("read the timeouts"),
            Self::SetTimeouts(_) => f.write_str("set the timeouts"),
            Self::Info => f.write_str("read the version of IPVS"),
            Self::Zero(Some(id)) => write!(f, "zero the counters of service {id}"),
            Self::Zero(None) => f.write_str("zero all counters"),
            Self::Flush => f.write_str("flush the table"),
        }
    }
}
