//! The DEST nest.
//!
//! | type | name | value |
//! |---|---|---|
//! | 1 | ADDR | 16 bytes; an IPv4 address in the first four |
//! | 2 | PORT | u16 be |
//! | 3 | `FWD_METHOD` | u32; the low three bits: 0 masquerade, 1 local, 2 tunnel, 3 route, 4 bypass |
//! | 4 | WEIGHT | u32, at most 2^31 - 1 |
//! | 5, 6 | `U_THRESH`, `L_THRESH` | u32 |
//! | 7, 8, 9 | `ACTIVE_CONNS`, `INACT_CONNS`, `PERSIST_CONNS` | u32, in answers only |
//! | 10, 12 | STATS, STATS64 | nest, in answers only |
//! | 11 | `ADDR_FAMILY` | u16; before 3.18 absent: the service's |
//! | 13 | `TUN_TYPE` | u8: 0 ipip, 1 gue, 2 gre |
//! | 14 | `TUN_PORT` | u16 be |
//! | 15 | `TUN_FLAGS` | u16: 1 checksum, 2 remote checksum |

use std::num::NonZeroU16;

use super::attribute::{Attributes, Writer};
use super::service::{address_bytes, address_of, family_number, family_of, read_statistics};
use super::{DESTINATION, Reason};
use crate::{
    Destination, Encapsulation, Endpoint, Forward, GreChecksum, GueChecksum, ObservedDestination, ServiceId,
    Thresholds, Unknown, Weight,
};

const ADDRESS: u16 = 1;
const PORT: u16 = 2;
const FORWARD: u16 = 3;
const WEIGHT: u16 = 4;
const UPPER: u16 = 5;
const LOWER: u16 = 6;
const ACTIVE: u16 = 7;
const INACTIVE: u16 = 8;
const PERSISTENT: u16 = 9;
const STATS: u16 = 10;
const FAMILY: u16 = 11;
const STATS64: u16 = 12;
const TUNNEL: u16 = 13;
const TUNNEL_PORT: u16 = 14;
const TUNNEL_FLAGS: u16 = 15;

const FORWARD_MASK: u32 = 0b111;

/// The nest of a command that makes or replaces a destination.
pub(super) fn write(writer: &mut Writer<'_>, endpoint: Endpoint, destination: &Destination) {
    writer.nest(DESTINATION, |writer| {
        write_endpoint(writer, endpoint);
        let Destination { forward, weight, thresholds } = destination;
        writer.bytes(FORWARD, &forward_number(*forward).to_ne_bytes());
        writer.bytes(WEIGHT, &weight.get().to_ne_bytes());
        writer.bytes(UPPER, &thresholds.upper().to_ne_bytes());
        writer.bytes(LOWER, &thresholds.lower().to_ne_bytes());
        write_family(writer, endpoint);
        if let Forward::Tunnel(encapsulation) = *forward {
            write_encapsulation(writer, encapsulation);
        }
    });
}

/// The nest of a command that deletes a destination.
pub(super) fn write_id(writer: &mut Writer<'_>, endpoint: Endpoint) {
    writer.nest(DESTINATION, |writer| {
        write_endpoint(writer, endpoint);
        write_family(writer, endpoint);
    });
}

fn write_endpoint(writer: &mut Writer<'_>, endpoint: Endpoint) {
    writer.bytes(ADDRESS, &address_bytes(endpoint.address()));
    writer.bytes(PORT, &endpoint.port().to_be_bytes());
}

fn write_family(writer: &mut Writer<'_>, endpoint: Endpoint) {
    writer.bytes(FAMILY, &family_number(endpoint.family()).to_ne_bytes());
}

fn forward_number(forward: Forward) -> u32 {
    match forward {
        Forward::Masquerade => 0,
        Forward::Local => 1,
        Forward::Tunnel(_) => 2,
        Forward::Route => 3,
        Forward::Bypass => 4,
    }
}

/// IP in IP is what the kernel takes when nothing is said, so kernels before 5.2 understand it too.
fn write_encapsulation(writer: &mut Writer<'_>, encapsulation: Encapsulation) {
    let (kind, port, flags): (u8, _, u16) = match encapsulation {
        Encapsulation::Ipip => return,
        Encapsulation::Gue { port, checksum } => {
            let flags = match checksum {
                GueChecksum::None => 0,
                GueChecksum::Full => 1,
                GueChecksum::Remote => 2,
            };
            (1, Some(port), flags)
        }
        Encapsulation::Gre { checksum } => {
            let flags = match checksum {
                GreChecksum::None => 0,
                GreChecksum::Full => 1,
            };
            (2, None, flags)
        }
    };
    writer.bytes(TUNNEL, &[kind]);
    if let Some(port) = port {
        writer.bytes(TUNNEL_PORT, &port.get().to_be_bytes());
    }
    writer.bytes(TUNNEL_FLAGS, &flags.to_ne_bytes());
}

/// Reads the message of a destination of `service`.
pub fn read_destination(service: ServiceId, message: &[u8]) -> Result<ObservedDestination, Unknown> {
    let nest = Attributes::parse(message)
        .and_then(|message| message.nest(DESTINATION)?.ok_or(Reason::Missing(DESTINATION)))
        .map_err(|reason| reason.of(Some(service), None))?;
    let endpoint = read_endpoint(&nest, service).map_err(|reason| reason.of(Some(service), None))?;
    let read = || {
        let number = |kind| nest.required(kind).map(u32::from_ne_bytes);
        let count = |kind| Ok::<_, Reason>(nest.optional(kind)?.map_or(0, u32::from_ne_bytes));
        Ok(ObservedDestination {
            endpoint,
            destination: Destination {
                forward: read_forward(&nest)?,
                weight: Weight::new(number(WEIGHT)?)?,
                thresholds: Thresholds::new(number(UPPER)?, number(LOWER)?)?,
            },
            active: count(ACTIVE)?,
            inactive: count(INACTIVE)?,
            persistent: count(PERSISTENT)?,
            statistics: read_statistics(&nest, STATS, STATS64)?,
        })
    };
    read().map_err(|reason: Reason| reason.of(Some(service), Some(endpoint)))
}

fn read_endpoint(nest: &Attributes<'_>, service: ServiceId) -> Result<Endpoint, Reason> {
    let family = match nest.optional(FAMILY)? {
        Some(number) => family_of(u16::from_ne_bytes(number))?,
        None => service.family(),
    };
    let address = address_of(family, nest.required(ADDRESS)?);
    Ok(Endpoint::new(address, u16::from_be_bytes(nest.required(PORT)?))?)
}

fn read_forward(nest: &Attributes<'_>) -> Result<Forward, Reason> {
    match u32::from_ne_bytes(nest.required(FORWARD)?) & FORWARD_MASK {
        0 => Ok(Forward::Masquerade),
        1 => Ok(Forward::Local),
        2 => read_encapsulation(nest).map(Forward::Tunnel),
        3 => Ok(Forward::Route),
        4 => Ok(Forward::Bypass),
        number => Err(Reason::Value("forwarding method", number.into())),
    }
}

fn read_encapsulation(nest: &Attributes<'_>) -> Result<Encapsulation, Reason> {
    let flags = nest.optional(TUNNEL_FLAGS)?.map_or(0, u16::from_ne_bytes);
    let unknown_flags = Reason::Value("tunnel checksum", flags.into());
    match nest.optional(TUNNEL)?.map_or(0, u8::from_ne_bytes) {
        0 => Ok(Encapsulation::Ipip),
        1 => {
            let port = u16::from_be_bytes(nest.required(TUNNEL_PORT)?);
            Ok(Encapsulation::Gue {
                port: NonZeroU16::new(port).ok_or(Reason::Value("tunnel port", 0))?,
                checksum: match flags {
                    0 => GueChecksum::None,
                    1 => GueChecksum::Full,
                    2 => GueChecksum::Remote,
                    _ => return Err(unknown_flags),
                },
            })
        }
        2 => Ok(Encapsulation::Gre {
            checksum: match flags {
                0 => GreChecksum::None,
                1 => GreChecksum::Full,
                _ => return Err(unknown_flags),
            },
        }),
        number => Err(Reason::Value("tunnel type", number.into())),
    }
}
