//! What can go wrong between us and the kernel.

use std::io;

use crate::{Op, Refusal, Unknown};

/// Why a request to the kernel failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel has no IPVS, or its module cannot be loaded.
    #[error("the kernel has no IPVS; load it with `modprobe ip_vs` (in a container: on the host)")]
    NoFamily,
    /// The socket failed.
    #[error("cannot {attempt}")]
    Socket {
        /// What was attempted.
        attempt: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The kernel refused a request.
    #[error("cannot {attempt}")]
    Refused {
        /// What was attempted.
        attempt: String,
        /// Why it was refused.
        #[source]
        refusal: Refusal,
    },
    /// Answers were lost: how much of what was asked has been done is not known. Read the table again.
    #[error("answers of the kernel were lost; the table has to be read again")]
    Overrun,
    /// The answer is there, but makes no sense.
    #[error("cannot {attempt}: the kernel's answer: {unknown}")]
    Unreadable {
        /// What was attempted.
        attempt: String,
        /// What cannot be read.
        unknown: Unknown,
    },
}

/// An operation that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {op}")]
pub struct Failure {
    /// Its place among the operations that were to be applied.
    pub index: usize,
    /// The operation.
    pub op: Op,
    /// Why it was refused.
    #[source]
    pub refusal: Refusal,
}
