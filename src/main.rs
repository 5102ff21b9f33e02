//! lvsd: a director for Linux Virtual Server.

fn main() {}
