//! Which of two documents is the later one.

use std::fmt;
use std::str::FromStr;

/// The version of a document, as Heartbeat writes it: `admin_epoch.epoch.num_updates`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Counted up by operators only.
    pub admin_epoch: u32,
    /// Counted up with each change of what is configured.
    pub epoch: u32,
    /// Counted up with each change of what happened, and from 0 with each epoch.
    pub num_updates: u32,
}

/// It is not of the form `admin_epoch.epoch.num_updates`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version: write it as \"0.3.1\" (admin_epoch.epoch.num_updates)")]
pub struct InvalidVersion(String);

impl Version {
    /// The version after it, of a document that says something else of what is configured.
    #[must_use]
    pub const fn configured(self) -> Self {
        Self { epoch: self.epoch.saturating_add(1), num_updates: 0, ..self }
    }

    /// The version after it, of a document that says something else of what happened.
    #[must_use]
    pub const fn updated(self) -> Self {
        Self { num_updates: self.num_updates.saturating_add(1), ..self }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { admin_epoch, epoch, num_updates } = self;
        write!(f, "{admin_epoch}.{epoch}.{num_updates}")
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let mut parts = text.split('.').map(|part| part.parse().ok().filter(|_| !part.starts_with('+')));
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Some(admin_epoch)), Some(Some(epoch)), Some(Some(num_updates)), None) => {
                Ok(Self { admin_epoch, epoch, num_updates })
            }
            _ => Err(InvalidVersion(text.to_owned())),
        }
    }
}
