//! Packets that leave with another source, as the far end sees them.

mod alone;
mod cluster;
mod far_end;

mod tcpdump;
