//! The DAEMON nest, the timeouts and the version.
//!
//! | type | name | value |
//! |---|---|---|
//! | 1 | STATE | u32: 1 master, 2 backup |
//! | 2 | `MCAST_IFN` | text |
//! | 3 | `SYNC_ID` | u32 |
//! | 4 | `SYNC_MAXLEN` | u16 |
//! | 5 | `MCAST_GROUP` | 4 bytes |
//! | 6 | `MCAST_GROUP6` | 16 bytes |
//! | 7 | `MCAST_PORT` | u16, in the host's order unlike every other port |
//! | 8 | `MCAST_TTL` | u8 |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::attribute::{Attributes, Writer};
use super::{DAEMON, Reason, TIMEOUT_TCP, TIMEOUT_TCP_FIN, TIMEOUT_UDP};
use crate::{Group, Info, Interface, Role, SyncDaemon, Timeouts, Unknown};

const STATE: u16 = 1;
const INTERFACE: u16 = 2;
const SYNC_ID: u16 = 3;
const MAX_LENGTH: u16 = 4;
const GROUP: u16 = 5;
const GROUP6: u16 = 6;
const PORT: u16 = 7;
const TTL: u16 = 8;

/// Attributes of the answer to `GET_INFO`.
const VERSION: u16 = 1;
const CONNECTION_TABLE_SIZE: u16 = 2;

fn state(role: Role) -> u32 {
    match role {
        Role::Master => 1,
        Role::Backup => 2,
    }
}

pub(super) fn write_role(writer: &mut Writer<'_>, role: Role) {
    writer.nest(DAEMON, |writer| writer.bytes(STATE, &state(role).to_ne_bytes()));
}

pub(super) fn write_daemon(writer: &mut Writer<'_>, daemon: &SyncDaemon) {
    writer.nest(DAEMON, |writer| {
        writer.bytes(STATE, &state(daemon.role).to_ne_bytes());
        writer.text(INTERFACE, daemon.interface.as_str());
        writer.bytes(SYNC_ID, &u32::from(daemon.sync_id).to_ne_bytes());
        if let Some(length) = daemon.max_length {
            writer.bytes(MAX_LENGTH, &length.to_ne_bytes());
        }
        match daemon.group.map(Group::address) {
            Some(IpAddr::V4(v4)) => writer.bytes(GROUP, &v4.octets()),
            Some(IpAddr::V6(v6)) => writer.bytes(GROUP6, &v6.octets()),
            None => {}
        }
        if let Some(port) = daemon.port {
            writer.bytes(PORT, &port.to_ne_bytes());
        }
        if let Some(ttl) = daemon.ttl {
            writer.bytes(TTL, &[ttl]);
        }
    });
}

/// Reads the message of a synchronisation daemon.
pub fn read_daemon(message: &[u8]) -> Result<SyncDaemon, Unknown> {
    let read = || {
        let nest = Attributes::parse(message)?.nest(DAEMON)?.ok_or(Reason::Missing(DAEMON))?;
        let role = match u32::from_ne_bytes(nest.required(STATE)?) {
            1 => Role::Master,
            2 => Role::Backup,
            number => return Err(Reason::Value("daemon's state", number.into())),
        };
        let sync_id = u32::from_ne_bytes(nest.required(SYNC_ID)?);
        let group4 = nest.optional::<4>(GROUP)?.map(|bytes| Ipv4Addr::from(bytes).into());
        let group6 = nest.optional::<16>(GROUP6)?.map(|bytes| Ipv6Addr::from(bytes).into());
        Ok(SyncDaemon {
            role,
            interface: Interface::new(nest.text(INTERFACE)?.ok_or(Reason::Missing(INTERFACE))?)?,
            sync_id: u8::try_from(sync_id).map_err(|_| Reason::Value("sync id", sync_id.into()))?,
            max_length: nest.optional(MAX_LENGTH)?.map(u16::from_ne_bytes),
            group: group4.or(group6).map(Group::new).transpose()?,
            port: nest.optional(PORT)?.map(u16::from_ne_bytes),
            ttl: nest.optional(TTL)?.map(u8::from_ne_bytes),
        })
    };
    read().map_err(|reason: Reason| reason.of(None, None))
}

pub(super) fn write_timeouts(writer: &mut Writer<'_>, timeouts: Timeouts) {
    let Timeouts { tcp, tcp_fin, udp } = timeouts;
    for (kind, seconds) in [(TIMEOUT_TCP, tcp), (TIMEOUT_TCP_FIN, tcp_fin), (TIMEOUT_UDP, udp)] {
        writer.bytes(kind, &seconds.to_ne_bytes());
    }
}

/// Reads the message of the timeouts; a kernel without TCP or UDP support leaves theirs out.
pub fn read_timeouts(message: &[u8]) -> Result<Timeouts, Unknown> {
    let read = || {
        let message = Attributes::parse(message)?;
        let seconds = |kind| Ok::<_, Reason>(message.optional(kind)?.map_or(0, u32::from_ne_bytes));
        Ok(Timeouts {
            tcp: seconds(TIMEOUT_TCP)?,
            tcp_fin: seconds(TIMEOUT_TCP_FIN)?,
            udp: seconds(TIMEOUT_UDP)?,
        })
    };
    read().map_err(|reason: Reason| reason.of(None, None))
}

/// Reads the message of the version.
pub fn read_info(message: &[u8]) -> Result<Info, Unknown> {
    let read = || {
        let message = Attributes::parse(message)?;
        let [_, major, minor, patch] = u32::from_ne_bytes(message.required(VERSION)?).to_be_bytes();
        Ok(Info {
            version: (major, minor, patch),
            connection_table_size: u32::from_ne_bytes(message.required(CONNECTION_TABLE_SIZE)?),
        })
    };
    read().map_err(|reason: Reason| reason.of(None, None))
}
