//! Entries that claim to come from the kernel's table of flows.

use lvsd::kernel::conntrack::{flow, name};

/// Reads `entry`, and names it: a name is that of itself, and of a flow that can be read it is a part that can be. Says
/// whether it is a flow.
pub fn check(entry: &[u8]) -> bool {
    let read = flow(entry);
    if let Ok(named) = name(entry) {
        assert_eq!(name(&named).ok(), Some(named.clone()), "{entry:02x?}");
        assert!(read.is_err() || matches!(flow(&named), Ok(None)), "{entry:02x?}");
    }
    matches!(read, Ok(Some(_)))
}
