//! Other sources for packets: what the file asks for, as rules of an nftables table that is lvsd's alone.
//!
//! Pure are the [`Catalogue`] of a file's rules, their [text](script()), what [differs](changes()), and which flows are
//! [`Stale`]. A thread brings the rules into the kernel and keeps them there, and [`Rules`] is how others talk with it: it
//! is nobody else's time that `nft` takes.

mod board;
mod catalogue;
#[cfg(test)]
pub(crate) mod fake;
mod flow;
mod rule;
mod script;
#[cfg(test)]
mod tests;
mod thread;

pub use board::{Keeper, Outcome, Rules, Ticket, Told, Trouble};
pub use catalogue::Catalogue;
pub use flow::{Flow, Stale, Tuple};
pub use rule::{Act, Guard, Rule};
pub use script::{Change, Present, TABLE, changes, listed, script, summary};
pub use thread::{Table, Touched};
