//! lvsd: a director for Linux Virtual Server. The program is [`cli::main`]; the rest is here for its tests.

pub mod alert;
pub mod api;
pub mod cib;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod daemon;
pub mod desired;
pub mod director;
pub mod downtime;
pub mod events;
pub mod kernel;
pub mod reconcile;
pub mod serving;
pub mod snapshot;
pub mod snat;
pub mod state;
pub mod tls;
