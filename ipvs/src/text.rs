//! The language of ipvsadm 1.31: its command line, its listings, its save format.
//!
//! Pure: names of hosts and ports come through [`Names`], the kernel's answers come as arguments. Where ipvsadm
//! would lose data or hide a failure, this differs; `docs/ipvsadm.md` has the list.

mod address;
mod command;
mod connections;
mod draft;
mod help;
mod names;
mod number;
mod options;
mod order;
mod restore;
mod rules;
mod save;
mod table;
mod usage;
mod wording;

#[cfg(test)]
mod tests;

pub use command::{Columns, Command, List, Subject, parse};
pub use connections::{Entry, EntryText, connections_title};
pub use help::{VERSION, help};
pub use names::{Names, Numeric};
pub use restore::{BadLine, restore};
pub use save::SaveText;
pub use table::{DaemonsText, TableText, TimeoutsText};
pub use usage::Usage;
pub use wording::wording;
