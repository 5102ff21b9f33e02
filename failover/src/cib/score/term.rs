//! Why a node is worth what it is to a vip.

use std::fmt;

use crate::message::Bar;
use crate::score::Score;

/// One of the things that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term<'a> {
    /// What it is.
    pub reason: Reason<'a>,
    /// How much it counts.
    pub score: Score,
}

/// What counts. Its [`Display`](fmt::Display) is for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason<'a> {
    /// The node votes only.
    Witness,
    /// An operator lets the node own nothing.
    Standby,
    /// The node is about to end, or has ended.
    Left,
    /// The node is not heard.
    NotHeard,
    /// The node says that it cannot carry the vip.
    Barred(Bar),
    /// The vip failed there so often.
    Failed(u32),
    /// The file prefers the node, or not.
    Preferred {
        /// The node.
        node: &'a str,
    },
    /// The vip is there.
    Sticky,
    /// An operator moved it there.
    Moved,
    /// A location holds there.
    Location {
        /// Its id.
        id: &'a str,
        /// The attribute that it counts, and what that is if it is known.
        counted: Option<(&'a str, Option<Score>)>,
    },
    /// Another vip, which this one follows or avoids, is there or is elsewhere.
    Follows {
        /// The id of the colocation.
        id: &'a str,
        /// The other vip.
        with: &'a str,
        /// Whether the two would be together.
        together: bool,
    },
    /// Another vip, which this one needs, is nowhere.
    Waits {
        /// The id of the order.
        id: &'a str,
        /// The other vip.
        first: &'a str,
    },
}

impl fmt::Display for Term<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unwanted = self.score < Score::default();
        match self.reason {
            Reason::Witness => f.write_str("is a witness"),
            Reason::Standby => f.write_str("is in standby"),
            Reason::Left => f.write_str("has left"),
            Reason::NotHeard => f.write_str("is not heard"),
            Reason::Barred(Bar::Carrier) => f.write_str("its interface has no carrier"),
            Reason::Barred(Bar::Foreign) => f.write_str("somebody else answers for it there"),
            Reason::Barred(Bar::Failed) => f.write_str("failed there too often"),
            Reason::Barred(Bar::Unknown) => f.write_str("its file does not have it"),
            Reason::Failed(1) => f.write_str("failed once"),
            Reason::Failed(count) => write!(f, "failed {count} times"),
            Reason::Preferred { node } if unwanted => write!(f, "avoids {node}"),
            Reason::Preferred { node } => write!(f, "prefers {node}"),
            Reason::Sticky => f.write_str("stickiness"),
            Reason::Moved => f.write_str("moved there"),
            Reason::Location { id, counted: None } => write!(f, "location {id}"),
            Reason::Location { id, counted: Some((attribute, None)) } => {
                write!(f, "location {id}: {attribute} is not known")
            }
            Reason::Location { id, counted: Some((attribute, Some(value))) } => {
                write!(f, "location {id}: {attribute} = {}", value.get())
            }
            Reason::Follows { id, with, together: true } if unwanted => write!(f, "apart from {with} ({id})"),
            Reason::Follows { id, with, together: true } => write!(f, "together with {with} ({id})"),
            Reason::Follows { id, with, together: false } => write!(f, "{with} is not there ({id})"),
            Reason::Waits { id, first } => write!(f, "{first} is nowhere ({id})"),
        }
    }
}
