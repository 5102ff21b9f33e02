//! lvsd: a director for Linux Virtual Server.

pub mod config;
pub mod kernel;
