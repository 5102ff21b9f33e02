//! Destinations: the realservers behind a virtual service.

use std::fmt;
use std::num::NonZeroU16;

use super::Invalid;

/// The share of new connections that a destination gets; 0 is quiesced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u32);

impl Weight {
    /// No new connections; established ones go on.
    pub const QUIESCED: Self = Self(0);
    /// One share.
    pub const ONE: Self = Self(1);
    /// The largest weight, 2^31 - 1: the kernel keeps it in a signed integer.
    pub const MAX: Self = Self(i32::MAX.unsigned_abs());

    /// Checks a weight.
    pub fn new(weight: u32) -> Result<Self, Invalid> {
        if weight <= Self::MAX.0 { Ok(Self(weight)) } else { Err(Invalid::Weight(weight)) }
    }

    /// The weight as a number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Bounds on a destination's connections, active and inactive together; 0 is no bound.
///
/// At the upper bound the destination gets nothing new until it is below the lower one (or below three
/// quarters of the upper one when the lower is 0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Thresholds {
    upper: u32,
    lower: u32,
}

impl Thresholds {
    /// No bounds.
    pub const NONE: Self = Self { upper: 0, lower: 0 };

    /// The largest bound, 2^31 - 1: the kernel takes no larger one.
    pub const MAX: u32 = i32::MAX.unsigned_abs();

    /// Checks that neither bound is too large, nor the lower one above the upper one.
    pub fn new(upper: u32, lower: u32) -> Result<Self, Invalid> {
        if upper > Self::MAX || lower > Self::MAX {
            Err(Invalid::Threshold(upper.max(lower)))
        } else if lower > upper {
            Err(Invalid::Thresholds { upper, lower })
        } else {
            Ok(Self { upper, lower })
        }
    }

    /// The upper bound.
    #[must_use]
    pub fn upper(self) -> u32 {
        self.upper
    }

    /// The lower bound.
    #[must_use]
    pub fn lower(self) -> u32 {
        self.lower
    }
}

/// The checksum of a GUE tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GueChecksum {
    /// None.
    None,
    /// UDP's own.
    Full,
    /// Remote checksum offload.
    Remote,
}

/// The checksum of a GRE tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GreChecksum {
    /// None.
    None,
    /// GRE's own.
    Full,
}

/// How a packet is wrapped on its way through a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encapsulation {
    /// IP in IP (RFC 2003).
    Ipip,
    /// Generic UDP encapsulation.
    Gue {
        /// The UDP port of the realserver's end.
        port: NonZeroU16,
        /// The checksum.
        checksum: GueChecksum,
    },
    /// Generic routing encapsulation (RFC 2784).
    Gre {
        /// The checksum.
        checksum: GreChecksum,
    },
}

/// How packets reach a destination (`IP_VS_CONN_F_FWD_MASK`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Forward {
    /// NAT: the destination address is rewritten, replies come back through the director.
    Masquerade,
    /// To the director itself.
    Local,
    /// Through a tunnel; replies go straight to the client.
    Tunnel(Encapsulation),
    /// Direct routing: only the link-layer address changes, replies go straight to the client.
    Route,
    /// Past the scheduler (transparent caches).
    Bypass,
}

/// How a destination is served; its identity is an [`Endpoint`](super::Endpoint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// How packets reach it.
    pub forward: Forward,
    /// Its share.
    pub weight: Weight,
    /// Its bounds.
    pub thresholds: Thresholds,
}

impl Destination {
    /// A destination of weight 1 without bounds.
    #[must_use]
    pub fn new(forward: Forward) -> Self {
        Self { forward, weight: Weight::ONE, thresholds: Thresholds::NONE }
    }
}
