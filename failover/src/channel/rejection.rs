//! Why datagrams are not taken, and how often.

use crate::wire::WireError;

/// Why a datagram is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is cut short.
    Short,
    /// It is longer than any of ours.
    Oversized,
    /// It is not of a director.
    Magic,
    /// It is of a later release.
    FutureVersion,
    /// It is of another cluster.
    Cluster,
    /// It is for another node, or says that this node sent it.
    NotForMe,
    /// Its sender or receiver is no node of the cluster.
    UnknownNode,
    /// Its link is none of the cluster's.
    UnknownLink,
    /// It is signed with a key that this node does not have.
    UnknownKey,
    /// It was not signed with that key, or was changed since.
    BadMac,
    /// It is signed, and says what no director of this version says.
    Malformed,
    /// It is of a session that is over, or answers one that is.
    Stale,
    /// Its link brought it before.
    Replayed,
}

impl Rejection {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Short,
        Self::Oversized,
        Self::Magic,
        Self::FutureVersion,
        Self::Cluster,
        Self::NotForMe,
        Self::UnknownNode,
        Self::UnknownLink,
        Self::UnknownKey,
        Self::BadMac,
        Self::Malformed,
        Self::Stale,
        Self::Replayed,
    ];

    /// What it is called in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Oversized => "oversized",
            Self::Magic => "magic",
            Self::FutureVersion => "future_version",
            Self::Cluster => "cluster",
            Self::NotForMe => "not_for_me",
            Self::UnknownNode => "unknown_node",
            Self::UnknownLink => "unknown_link",
            Self::UnknownKey => "unknown_key",
            Self::BadMac => "bad_mac",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Replayed => "replayed",
        }
    }
}

impl From<WireError> for Rejection {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Short => Self::Short,
            WireError::Oversized => Self::Oversized,
            WireError::Magic => Self::Magic,
            WireError::FutureVersion(_) => Self::FutureVersion,
            WireError::UnknownNode => Self::UnknownNode,
            WireError::BadMac => Self::BadMac,
            WireError::Malformed => Self::Malformed,
        }
    }
}

/// How many datagrams were rejected, in the order of [`Rejection::ALL`].
#[derive(Debug, Default)]
pub(super) struct Counters([u64; Rejection::ALL.len()]);

impl Counters {
    pub(super) fn count(&mut self, rejection: Rejection) {
        if let Some(count) = self.0.get_mut(rejection as usize) {
            *count += 1;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Rejection, u64)> {
        Rejection::ALL.into_iter().zip(self.0)
    }
}
