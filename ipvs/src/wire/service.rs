//! The SERVICE nest.
//!
//! | type | name | value |
//! |---|---|---|
//! | 1 | AF | u16: 2 or 10 |
//! | 2 | PROTOCOL | u16 |
//! | 3 | ADDR | 16 bytes; an IPv4 address in the first four |
//! | 4 | PORT | u16 be |
//! | 5 | FWMARK | u32; in place of 2, 3 and 4 |
//! | 6 | `SCHED_NAME` | text |
//! | 7 | FLAGS | u32 flags, u32 mask |
//! | 8 | TIMEOUT | u32 seconds |
//! | 9 | NETMASK | IPv4: the mask's bytes; IPv6: u32 prefix length |
//! | 10, 12 | STATS, STATS64 | nest, in answers only |
//! | 11 | `PE_NAME` | text |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use super::attribute::{Attributes, Writer};
use super::{Reason, SERVICE};
use crate::{
    Endpoint, EngineName, Family, Flags, Netmask, Observed, Persistence, PersistenceTimeout, Protocol,
    Scheduler, Service, ServiceId, Statistics, Unknown,
};

const FAMILY: u16 = 1;
const PROTOCOL: u16 = 2;
const ADDRESS: u16 = 3;
const PORT: u16 = 4;
const MARK: u16 = 5;
const SCHEDULER: u16 = 6;
const FLAGS: u16 = 7;
const TIMEOUT: u16 = 8;
const NETMASK: u16 = 9;
const STATS: u16 = 10;
const ENGINE: u16 = 11;
const STATS64: u16 = 12;

const PERSISTENT: u32 = 0x01;
const ONE_PACKET: u32 = 0x04;
const SCHEDULER_FLAGS: u32 = 3;

pub(super) fn family_number(family: Family) -> u16 {
    match family {
        Family::V4 => 2,
        Family::V6 => 10,
    }
}

pub(super) fn family_of(number: u16) -> Result<Family, Reason> {
    match number {
        2 => Ok(Family::V4),
        10 => Ok(Family::V6),
        number => Err(Reason::Value("address family", number.into())),
    }
}

/// Sixteen bytes, whatever the family.
pub(super) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(v6) => v6.octets(),
    }
}

pub(super) fn address_of(family: Family, bytes: [u8; 16]) -> IpAddr {
    match family {
        Family::V4 => {
            let [a, b, c, d, ..] = bytes;
            Ipv4Addr::new(a, b, c, d).into()
        }
        Family::V6 => Ipv6Addr::from(bytes).into(),
    }
}

/// The nest of a command about a service that exists.
pub(super) fn write_id(writer: &mut Writer<'_>, id: ServiceId) {
    writer.nest(SERVICE, |writer| write_identity(writer, id));
}

fn write_identity(writer: &mut Writer<'_>, id: ServiceId) {
    writer.bytes(FAMILY, &family_number(id.family()).to_ne_bytes());
    match id {
        ServiceId::Address { protocol, endpoint } => {
            writer.bytes(PROTOCOL, &protocol.number().to_ne_bytes());
            writer.bytes(ADDRESS, &address_bytes(endpoint.address()));
            writer.bytes(PORT, &endpoint.port().to_be_bytes());
        }
        ServiceId::Mark { mark, .. } => writer.bytes(MARK, &mark.get().to_ne_bytes()),
    }
}

/// The nest of a command that makes or replaces a service.
pub(super) fn write(writer: &mut Writer<'_>, id: ServiceId, service: &Service) {
    let timeout = service.persistence.as_ref().map_or(0, |persistence| persistence.timeout.as_seconds());
    let mut flags = u32::from(service.flags.bits()) << SCHEDULER_FLAGS;
    if service.persistence.is_some() {
        flags |= PERSISTENT;
    }
    if service.one_packet {
        flags |= ONE_PACKET;
    }
    let mask = u32::MAX;

    writer.nest(SERVICE, |writer| {
        write_identity(writer, id);
        writer.text(SCHEDULER, service.scheduler.as_str());
        writer.nest(FLAGS, |writer| {
            writer.0.extend_from_slice(&flags.to_ne_bytes());
            writer.0.extend_from_slice(&mask.to_ne_bytes());
        });
        writer.bytes(TIMEOUT, &timeout.to_ne_bytes());
        match (service.netmask, id.family()) {
            (Netmask::Host, Family::V4) => writer.bytes(NETMASK, &Ipv4Addr::BROADCAST.octets()),
            (Netmask::Host, Family::V6) => writer.bytes(NETMASK, &128u32.to_ne_bytes()),
            (Netmask::V4(mask), Family::V4) => writer.bytes(NETMASK, &mask.octets()),
            (Netmask::V6(prefix), Family::V6) => writer.bytes(NETMASK, &u32::from(prefix).to_ne_bytes()),
            // Without a mask the kernel refuses the service, which is what a mask of the wrong family
            // deserves.
            (Netmask::V4(_), Family::V6) | (Netmask::V6(_), Family::V4) => {}
        }
        if let Some(engine) = service.persistence.as_ref().and_then(|persistence| persistence.engine.as_ref())
        {
            writer.text(ENGINE, engine.as_str());
        }
    });
}

/// Reads the message of a service; its destinations come in messages of their own.
pub fn read_service(message: &[u8]) -> Result<Observed, Unknown> {
    let nest = Attributes::parse(message)
        .and_then(|message| message.nest(SERVICE)?.ok_or(Reason::Missing(SERVICE)))
        .map_err(|reason| reason.of(None, None))?;
    let id = read_identity(&nest).map_err(|reason| reason.of(None, None))?;
    let read = || {
        Ok(Observed {
            id,
            service: read_settings(&nest, id.family())?,
            statistics: read_statistics(&nest, STATS, STATS64)?,
            destinations: Vec::new(),
        })
    };
    read().map_err(|reason: Reason| reason.of(Some(id), None))
}

fn read_identity(nest: &Attributes<'_>) -> Result<ServiceId, Reason> {
    let family = family_of(u16::from_ne_bytes(nest.required(FAMILY)?))?;
    if let Some(mark) = nest.optional(MARK)?.map(u32::from_ne_bytes) {
        let mark = NonZeroU32::new(mark).ok_or(Reason::Value("firewall mark", 0))?;
        return Ok(ServiceId::Mark { mark, family });
    }
    let number = u16::from_ne_bytes(nest.required(PROTOCOL)?);
    let address = address_of(family, nest.required(ADDRESS)?);
    let port = u16::from_be_bytes(nest.required(PORT)?);
    Ok(ServiceId::Address {
        protocol: Protocol::from_number(number).ok_or_else(|| Reason::Value("protocol", number.into()))?,
        endpoint: Endpoint::new(address, port)?,
    })
}

fn read_settings(nest: &Attributes<'_>, family: Family) -> Result<Service, Reason> {
    let [f0, f1, f2, f3, ..]: [u8; 8] = nest.required(FLAGS)?;
    let flags = u32::from_ne_bytes([f0, f1, f2, f3]);
    let timeout = u32::from_ne_bytes(nest.required(TIMEOUT)?);
    let engine = match nest.text(ENGINE)? {
        None | Some("") => None,
        Some(name) => Some(EngineName::new(name)?),
    };
    let persistence = if flags & PERSISTENT != 0 {
        let timeout = PersistenceTimeout::from_seconds(timeout)?;
        Some(Persistence { timeout, engine })
    } else if engine.is_some() {
        return Err(Reason::Combination("it has a persistence engine without persistence"));
    } else {
        None
    };
    let mask = nest.required(NETMASK)?;
    let [low, ..] = (flags >> SCHEDULER_FLAGS).to_le_bytes();
    Ok(Service {
        scheduler: Scheduler::new(nest.text(SCHEDULER)?.ok_or(Reason::Missing(SCHEDULER))?)?,
        flags: Flags::from_bits(low),
        persistence,
        netmask: match family {
            Family::V4 => Netmask::v4(mask.into()),
            Family::V6 => Netmask::v6(u32::from_ne_bytes(mask))?,
        },
        one_packet: flags & ONE_PACKET != 0,
    })
}

/// Reads the counters of a service or destination; STATS64 has the same types as STATS, all of 64 bits.
pub(super) fn read_statistics(
    object: &Attributes<'_>,
    stats: u16,
    stats64: u16,
) -> Result<Statistics, Reason> {
    let wide = object.nest(stats64)?;
    let Some(nest) = wide.or(object.nest(stats)?) else {
        return Ok(Statistics::default());
    };
    let long = |kind| nest.required(kind).map(u64::from_ne_bytes);
    let short = |kind| match wide {
        Some(_) => nest.required(kind).map(u64::from_ne_bytes),
        None => nest.required(kind).map(|bytes| u32::from_ne_bytes(bytes).into()),
    };
    Ok(Statistics {
        connections: short(1)?,
        packets_in: short(2)?,
        packets_out: short(3)?,
        bytes_in: long(4)?,
        bytes_out: long(5)?,
        connection_rate: short(6)?,
        packet_rate_in: short(7)?,
        packet_rate_out: short(8)?,
        byte_rate_in: short(9)?,
        byte_rate_out: short(10)?,
    })
}
