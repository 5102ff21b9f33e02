//! The listing of connections, from the kernel's `/proc/net/ip_vs_conn`:
//!
//! ```text
//! Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
//! TCP C000020A E45A C000020A 0050 7F000001 1F90 ESTABLISHED     897
//! UDP C000020A 0000 C000020A 13C4 7F000001 13C4 NONE             57 sip abc-123@host.example.org
//! ```

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr};

use super::address::listed;
use super::names::Names;
use crate::{Endpoint, Protocol};

/// A line of the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    kind: &'a str,
    source: Endpoint,
    virtual_: Endpoint,
    destination: Endpoint,
    state: &'a str,
    expires: u32,
    /// The name and the data of a persistence engine.
    engine: Option<(&'a str, &'a str)>,
}

impl<'a> Entry<'a> {
    /// Reads a line, if it is one.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        Some(Self {
            kind: words.next()?,
            source: endpoint(words.next()?, words.next()?)?,
            virtual_: endpoint(words.next()?, words.next()?)?,
            destination: endpoint(words.next()?, words.next()?)?,
            state: words.next()?,
            expires: words.next()?.parse().ok()?,
            engine: words.next().zip(words.next()),
        })
    }
}

fn endpoint(address: &str, port: &str) -> Option<Endpoint> {
    let address: IpAddr = match address.parse() {
        Ok(address) => address,
        Err(_) => Ipv4Addr::from_bits(u32::from_str_radix(address, 16).ok()?).into(),
    };
    Endpoint::new(address, u16::from_str_radix(port, 16).ok()?).ok()
}

/// What `-L -c` prints above the connections; `engines` is `--persistent-conn`.
#[must_use]
pub fn connections_title(engines: bool) -> &'static str {
    if engines {
        concat!(
            "IPVS connection entries\n",
            "pro expire state       source             virtual            destination        pe name          pe_data\n",
        )
    } else {
        concat!(
            "IPVS connection entries\n",
            "pro expire state       source             virtual            destination\n",
        )
    }
}

/// A connection as `-L -c` prints it.
#[derive(Clone, Copy)]
pub struct EntryText<'a> {
    /// The connection.
    pub entry: Entry<'a>,
    /// With the data of persistence engines: `--persistent-conn`.
    pub engines: bool,
    /// Names for addresses and ports.
    pub names: &'a dyn Names,
}

impl Display for EntryText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Entry { kind, source, virtual_, destination, state, expires, engine } = self.entry;
        let protocol = match kind {
            "TCP" => Some(Protocol::Tcp),
            "UDP" => Some(Protocol::Udp),
            "SCTP" => Some(Protocol::Sctp),
            _ => None,
        };
        let [source, virtual_, destination] =
            [source, virtual_, destination].map(|endpoint| listed(endpoint, protocol, self.names));
        let expire = format!("{:02}:{:02}", expires / 60, expires % 60);
        write!(f, "{kind:<3} {expire:<6} {state:<11} {source:<18} {virtual_:<18} ")?;
        match engine {
            Some((name, data)) if self.engines => {
                writeln!(f, "{destination:<16} {name:<18} {data}")
            }
            _ => writeln!(f, "{destination}"),
        }
    }
}
