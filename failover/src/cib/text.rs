//! A document as TOML: what is on disk, between directors, and in an operator's editor.
//!
//! The text is canonical: documents that are equal have equal texts, byte for byte, so that one digest tells them
//! apart everywhere. What is read may be written in any other way that TOML has.
//!
//! ```toml
//! version = "0.3.1"                 # admin_epoch.epoch.num_updates
//!
//! [properties]
//! no_quorum_policy = "stop"         # or "freeze", "ignore"
//! ping_multiplier = 100
//!
//! [[node]]
//! name = "litsha21"
//! role = "director"                 # or "witness"
//! standby = false
//!
//! [[vip]]
//! name = "web"
//! addresses = ["192.0.2.205/24"]
//! interface = "eth0"
//! prefer = { litsha21 = 200 }       # numbers, "always", "never"
//! stickiness = 0
//! migration_threshold = 3
//! failure_timeout = "10m"
//!
//! [[location]]
//! id = "web-connected"
//! vip = "web"
//! score_attribute = "pingd"         # or `score`
//! all = [{ attribute = "pingd", operation = "defined" }]    # or `any`
//!
//! [[colocation]]
//! id = "apart"
//! vip = "mail"
//! with = "web"
//! score = "never"
//!
//! [[order]]
//! id = "web-first"
//! first = "web"
//! then = "mail"
//!
//! [[move]]
//! vip = "web"
//! node = "litsha22"
//!
//! [[failure]]
//! vip = "web"
//! node = "litsha21"
//! count = 2
//! ```

mod read;
mod section;
#[cfg(test)]
mod tests;
pub(in crate::cib) mod value;
mod write;

use sha2::{Digest, Sha256};

use super::{Cib, Problems};

pub use write::Time;

/// The most bytes that a document's text has.
pub const MAX_BYTES: usize = 65_536;

impl Cib {
    /// Reads a text, which may come from anybody. All that is wrong with it is told at once.
    pub fn read(bytes: &[u8]) -> Result<Self, Problems> {
        read::read(bytes)
    }

    /// SHA-256 of the text that the document is written as. That text is its [`Display`](std::fmt::Display).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_string()).into()
    }
}
