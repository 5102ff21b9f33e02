//! What must hold for any input from outside: a module for each kind of input.

pub mod cib;
pub mod config;
pub mod conntrack;
pub mod directors;
pub mod netlink;
