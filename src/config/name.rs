//! Names in the file: what an operator calls a thing.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A name: 1 to 64 of the characters `A-Za-z0-9._-`, or a realserver's address. Cheap to clone.
///
/// A realserver that the file gives no name is called by its address as it stands there, in canonical form:
/// `192.0.2.10`, `192.0.2.10:8080`, `2001:db8::10` or `[2001:db8::10]:8080`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The longest name, in bytes.
    pub const MAX_LENGTH: usize = 64;

    /// Checks a name.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_LENGTH).contains(&name.len());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (fits && name.bytes().all(plain)).then(|| Self(name.into()))
    }

    /// The name of a realserver that has none but its address, which `text` is.
    pub(super) fn of_realserver(text: &str, address: IpAddr, port: Option<u16>) -> Self {
        Self(match (address, port) {
            // Of IPv4 there is only the canonical form.
            (IpAddr::V4(_), None) => text.into(),
            (IpAddr::V6(address), None) => address.to_string().into(),
            (address, Some(port)) => SocketAddr::new(address, port).to_string().into(),
        })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The name of a network interface, as the kernel accepts it: 1 to 15 bytes, no `/`, no `:`, no blank, not `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface(Arc<str>);

impl Interface {
    /// The longest name, in bytes (`IFNAMSIZ` without the closing NUL).
    pub const MAX_LENGTH: usize = 15;

    /// Checks a name.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_LENGTH).contains(&name.len());
        let refused = |c: char| matches!(c, '/' | ':') || c.is_whitespace() || c.is_control();
        let valid = fits && name != "." && name != ".." && !name.contains(refused);
        valid.then(|| Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
