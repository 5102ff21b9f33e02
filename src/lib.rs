//! lvsd: a director for Linux Virtual Server.

pub mod cli;
pub mod config;
