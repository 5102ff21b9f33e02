//! One text of the document, and which one it is.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{Cib, Problems, Version};
use crate::message::Term;

/// Which document it is: of two, the one with the later stamp replaces the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The term of the DC that asked for it to be accepted.
    pub term: Term,
    /// The document's own version.
    pub version: Version,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of term {}", self.version, self.term.0)
    }
}

/// The start of the SHA-256 of a document's text: the same content, the same digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(u64);

impl Digest {
    /// The digest of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).first_chunk().map_or(0, |start| u64::from_be_bytes(*start)))
    }

    /// From the wire.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// For the wire.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A document as directors keep it and send it to each other. Its text can be read, whoever wrote it.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    stamp: Stamp,
    digest: Digest,
    text: Arc<str>,
    cib: Arc<Cib>,
}

impl Document {
    /// What there is before anybody wrote anything.
    #[must_use]
    pub fn empty() -> Self {
        let cib = Cib::default();
        let text: Arc<str> = cib.to_string().into();
        Self { stamp: Stamp::default(), digest: Digest::of(&text), text, cib: Arc::new(cib) }
    }

    /// Writes a document down. One that nobody could read is refused.
    pub fn write(cib: &Cib) -> Result<Self, Problems> {
        Self::read(Term(0), cib.to_string().as_bytes())
    }

    /// Reads a text that a DC of this term asked to be accepted.
    pub fn read(term: Term, text: &[u8]) -> Result<Self, Problems> {
        let cib = Cib::read(text)?;
        let text: Arc<str> = String::from_utf8_lossy(text).into();
        let stamp = Stamp { term, version: cib.version };
        Ok(Self { stamp, digest: Digest::of(&text), text, cib: Arc::new(cib) })
    }

    /// The same content, asked for by the DC of another term.
    #[must_use]
    pub fn restamped(&self, term: Term) -> Self {
        let stamp = Stamp { term, ..self.stamp };
        Self { stamp, ..self.clone() }
    }

    /// Which one it is.
    #[must_use]
    pub const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.stamp.version
    }

    /// What its content is told by.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    #[must_use]
    pub const fn cib(&self) -> &Arc<Cib> {
        &self.cib
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.stamp, self.digest)
    }
}
