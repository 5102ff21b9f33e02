//! Three directors that share a vip, six realservers, a client behind a router, and a station that watches who answers
//! for the vip.

mod addresses;
mod cib;
mod clients;
mod clock;
mod document;
mod end;
mod failures;
pub(crate) mod farm;
mod flood;
mod full_disks;
mod hostile;
mod members;
mod orders;
mod pair;
mod policy;
mod preference;
mod reach;
mod readiness;
mod visitor;
mod watcher;
mod writers;
