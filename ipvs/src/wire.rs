//! The messages of IPVS, encoded and decoded.
//!
//! ```text
//!  0        4      6       8        12     16        17        18    20
//!  +--------+------+-------+--------+------+---------+---------+-----+---------------
//!  | length | type | flags | number | port | command | version |  0  | attributes ...
//!  +--------+------+-------+--------+------+---------+---------+-----+---------------
//!  netlink header (nlmsghdr) --------------> generic (genlmsghdr) -->
//!
//!  0        2      4
//!  +--------+------+----------+-----------------+
//!  | length | type | value .. | padding to 4    |     length: without the padding
//!  +--------+------+----------+-----------------+
//!  attribute (nlattr); a nest is an attribute whose value is attributes
//! ```
//!
//! Numbers are in the host's order unless marked `be`. A whole message has these attributes:
//!
//! | type | name | value | in commands about |
//! |---|---|---|---|
//! | 1 | SERVICE | nest, see `service` | services and destinations |
//! | 2 | DEST | nest, see `destination` | destinations |
//! | 3 | DAEMON | nest, see `control` | synchronisation daemons |
//! | 4, 5, 6 | `TIMEOUT_TCP`, `TIMEOUT_TCP_FIN`, `TIMEOUT_UDP` | u32 seconds | timeouts |
//!
//! and, in the answer to `GET_INFO` only, 1 VERSION and 2 `CONN_TAB_SIZE`, u32 both.
//!
//! Writes replace the whole object: the kernel takes an absent attribute for zero, so every write carries all
//! of it. Nothing is said about attributes that a kernel does not know, so only reading back tells what it
//! made of a write.
//!
//! Source: `include/uapi/linux/ip_vs.h` and `net/netfilter/ipvs/ip_vs_ctl.c` of Linux.

mod attribute;
mod control;
mod destination;
mod message;
mod request;
mod service;
#[cfg(test)]
mod tests;

pub use control::{read_daemon, read_info, read_timeouts};
pub use destination::read_destination;
pub use message::{Content, Garbled, Message, messages, request_ack};
pub use request::Request;
pub use service::read_service;

use crate::{Endpoint, Invalid, ServiceId, Unknown};

/// Attributes of a whole message.
const SERVICE: u16 = 1;
const DESTINATION: u16 = 2;
const DAEMON: u16 = 3;
const TIMEOUT_TCP: u16 = 4;
const TIMEOUT_TCP_FIN: u16 = 5;
const TIMEOUT_UDP: u16 = 6;

/// Why an object cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("its description is cut short")]
    CutShort,
    #[error("attribute {0} is missing")]
    Missing(u16),
    #[error("attribute {0} has {1} bytes")]
    Length(u16, usize),
    #[error("attribute {0} is not text")]
    NotText(u16),
    #[error("{0} is {1}, which is not known")]
    Value(&'static str, u64),
    #[error("{0}")]
    Combination(&'static str),
    #[error("{0}")]
    Invalid(#[from] Invalid),
}

impl Reason {
    fn of(self, service: Option<ServiceId>, endpoint: Option<Endpoint>) -> Unknown {
        Unknown { service, endpoint, description: self.to_string() }
    }
}
