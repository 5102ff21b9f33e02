//! What stands between the cluster and each way of going wrong.

/// A part of the protocol without which something goes wrong. The simulation proves it of each, by leaving it out
/// (cargo feature `sabotage`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A datagram is accepted once on each link.
    ReplayWindow,
    /// A datagram of an earlier life of its sender is not accepted.
    SessionToken,
    /// A message that was overtaken by a later one says nothing any more.
    Order,
    /// A holder counts its lease from the sending of what was acknowledged, not from the acknowledgement.
    SendTime,
    /// A holder's lease is shorter, and a voter's promise longer, by what their clocks may differ.
    ClockRate,
    /// A holder gives up when its lease ends.
    Expiry,
    /// A voter promises a vip to nobody else while an earlier promise runs.
    Promise,
    /// A node claims a vip until its addresses have been read back as gone.
    Release,
    /// An acknowledgement of a message from before a vip was released and claimed anew does not count.
    ClaimPeriod,
    /// A node that starts grants nothing until the promises of its earlier life have run out.
    HoldOff,
    /// A voter votes once in a term.
    OneVote,
    /// A vote is on disk before it is given.
    StoredVote,
    /// A node asks whether it would be elected before it raises the term.
    PreVote,
    /// A voter that hears a DC elects no other.
    Stickiness,
    /// What nodes reach counts after it has settled, for all of them at once.
    Dampening,
    /// A voter elects nobody whose document is older than its own.
    UpToDate,
    /// A document is on disk before it is said to be accepted.
    StoredDocument,
    /// A DC asks for its document anew under its own term, and commits nothing under an earlier one.
    OwnTerm,
    /// A proposal that was made from another document than the one that counts is refused.
    Base,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::ReplayWindow,
        Self::SessionToken,
        Self::Order,
        Self::SendTime,
        Self::ClockRate,
        Self::Expiry,
        Self::Promise,
        Self::Release,
        Self::ClaimPeriod,
        Self::HoldOff,
        Self::OneVote,
        Self::StoredVote,
        Self::PreVote,
        Self::Stickiness,
        Self::Dampening,
        Self::UpToDate,
        Self::StoredDocument,
        Self::OwnTerm,
        Self::Base,
    ];
}
