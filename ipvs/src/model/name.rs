//! Names that become kernel module names.

use std::fmt;

use super::Invalid;

/// Bytes in a scheduler's name without the closing NUL (`IP_VS_SCHEDNAME_MAXLEN`).
const MAX_LENGTH: usize = 15;

pub(super) fn checked(name: &str) -> Result<Box<str>, Invalid> {
    let fits = (1..=MAX_LENGTH).contains(&name.len());
    if fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        Ok(name.into())
    } else {
        Err(Invalid::Name(name.to_owned()))
    }
}

/// The name of a persistence engine (`ip_vs_pe_NAME`); kernels ship `sip`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EngineName(Box<str>);

impl EngineName {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        checked(name).map(Self)
    }

    /// The name as the kernel knows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
