//! The command line: one module for each command.

pub mod check;
