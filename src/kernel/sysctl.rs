//! The settings under `/proc/sys` that a director depends on.

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::NotRead;
use crate::config::Interface;

/// A setting that is on or off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sysctl {
    /// Whether IPv4 is forwarded, which forwarding by NAT needs.
    Ipv4Forward,
    /// Whether IPv6 is forwarded. While it is, an interface heeds router advertisements only if its
    /// `accept_ra` is 2.
    Ipv6Forward,
    /// Whether an interface sends ICMP redirects, which would lead clients past a director with one leg.
    SendRedirects(Interface),
    /// Whether every interface sends ICMP redirects, whatever its own setting says.
    SendRedirectsAll,
    /// Whether netfilter keeps track of the packets of IPVS, so that rules can give them another source.
    IpvsConntrack,
}

impl Sysctl {
    /// The file, below `/proc/sys`.
    fn path(&self) -> PathBuf {
        let conf = Path::new("net/ipv4/conf");
        match self {
            Self::Ipv4Forward => "net/ipv4/ip_forward".into(),
            Self::Ipv6Forward => "net/ipv6/conf/all/forwarding".into(),
            Self::SendRedirects(interface) => conf.join(interface.as_str()).join("send_redirects"),
            Self::SendRedirectsAll => conf.join("all/send_redirects"),
            Self::IpvsConntrack => "net/ipv4/vs/conntrack".into(),
        }
    }

    /// The setting that keeps this one, at this value, from having effect while it has the other value.
    ///
    /// The kernel sends redirects when the interface's value *or* that of `all` is set (`IN_DEV_TX_REDIRECTS`
    /// in its `include/linux/inetdevice.h`), and both are set by default. The other settings stand alone.
    #[must_use]
    pub fn overridden_by(&self, value: bool) -> Option<Self> {
        match self {
            Self::SendRedirects(_) if !value => Some(Self::SendRedirectsAll),
            Self::SendRedirects(_)
            | Self::SendRedirectsAll
            | Self::Ipv4Forward
            | Self::Ipv6Forward
            | Self::IpvsConntrack => None,
        }
    }
}

/// As sysctl(8) spells it: a dot within an interface's name becomes a slash.
impl fmt::Display for Sysctl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4Forward => f.write_str("net.ipv4.ip_forward"),
            Self::Ipv6Forward => f.write_str("net.ipv6.conf.all.forwarding"),
            Self::SendRedirects(interface) => {
                let interface = interface.as_str().replace('.', "/");
                write!(f, "net.ipv4.conf.{interface}.send_redirects")
            }
            Self::SendRedirectsAll => f.write_str("net.ipv4.conf.all.send_redirects"),
            Self::IpvsConntrack => f.write_str("net.ipv4.vs.conntrack"),
        }
    }
}

impl FromStr for Sysctl {
    type Err = NotRead;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, NotRead> {
        let alone = [Self::Ipv4Forward, Self::Ipv6Forward, Self::SendRedirectsAll, Self::IpvsConntrack];
        if let Some(sysctl) = alone.into_iter().find(|sysctl| sysctl.to_string() == text) {
            return Ok(sysctl);
        }
        let name = text.strip_prefix("net.ipv4.conf.").and_then(|rest| rest.strip_suffix(".send_redirects"));
        let interface = name.and_then(|name| Interface::new(&name.replace('/', ".")));
        interface.map(Self::SendRedirects).ok_or_else(|| NotRead(text.to_owned()))
    }
}

/// Why a setting could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is there but cannot be read.
    #[error("read {0}")]
    Read(Sysctl, #[source] io::Error),
    /// The file holds something else than a number.
    #[error("{0} is {1:?}, not a number")]
    NotANumber(Sysctl, String),
    /// There is nothing to write to.
    #[error("{0} does not exist: {remedy}", remedy = absent(.0))]
    Absent(Sysctl),
    /// This process may not write.
    #[error(
        "write {0}: this needs CAP_NET_ADMIN and a writable /proc/sys (systemd: ProtectKernelTunables=no)"
    )]
    NotPermitted(Sysctl, #[source] io::Error),
    /// The kernel did not take the value.
    #[error("write {0}")]
    Write(Sysctl, #[source] io::Error),
    /// The kernel took the value and has another one nevertheless.
    #[error("{0} is still {value} after writing it", value = u8::from(*.1))]
    NotKept(Sysctl, bool),
}

fn absent(sysctl: &Sysctl) -> String {
    match sysctl {
        Sysctl::SendRedirects(interface) => format!("there is no interface {interface}, or it has no IPv4"),
        Sysctl::Ipv6Forward => "this kernel has no IPv6, or it is disabled".into(),
        Sysctl::IpvsConntrack => "this kernel's IPVS was built without netfilter's conntrack".into(),
        Sysctl::Ipv4Forward | Sysctl::SendRedirectsAll => "is /proc mounted?".into(),
    }
}

/// The settings of the network namespace of the thread that uses it.
#[derive(Clone, Debug)]
pub struct Sysctls {
    root: PathBuf,
}

impl Default for Sysctls {
    fn default() -> Self {
        Self::under("/proc/sys")
    }
}

impl Sysctls {
    /// The settings that are kept below this directory.
    #[must_use]
    pub fn under(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A setting's value; none where it does not exist, as on a machine without IPv6.
    pub fn read(&self, sysctl: &Sysctl) -> Result<Option<bool>, Error> {
        let bytes = match fs::read(self.root.join(sysctl.path())) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::Read(sysctl.clone(), error)),
        };
        let text = String::from_utf8_lossy(&bytes);
        match text.trim().parse::<i32>() {
            Ok(value) => Ok(Some(value != 0)),
            Err(_) => Err(Error::NotANumber(sysctl.clone(), text.trim().into())),
        }
    }

    /// Makes a setting have this value, and says which it had. What has the value already is not written.
    pub fn write(&self, sysctl: &Sysctl, value: bool) -> Result<bool, Error> {
        let before = self.read_existing(sysctl)?;
        if before == value {
            return Ok(before);
        }
        self.put(sysctl, value).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Error::NotPermitted(sysctl.clone(), error)
            }
            _ => Error::Write(sysctl.clone(), error),
        })?;
        match self.read_existing(sysctl)? {
            after if after == value => Ok(before),
            after => Err(Error::NotKept(sysctl.clone(), after)),
        }
    }

    /// The setting that keeps `sysctl` from having effect at this value now.
    pub fn overriding(&self, sysctl: &Sysctl, value: bool) -> Result<Option<Sysctl>, Error> {
        let Some(other) = sysctl.overridden_by(value) else {
            return Ok(None);
        };
        let overrides = self.read(&other)?.is_some_and(|other| other != value);
        Ok(overrides.then_some(other))
    }

    fn read_existing(&self, sysctl: &Sysctl) -> Result<bool, Error> {
        self.read(sysctl)?.ok_or_else(|| Error::Absent(sysctl.clone()))
    }

    fn put(&self, sysctl: &Sysctl, value: bool) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(self.root.join(sysctl.path()))?;
        file.write_all(if value { b"1\n" } else { b"0\n" })
    }
}
