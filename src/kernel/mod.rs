//! What lvsd does to the kernel of this machine.

pub mod address;
pub mod sysctl;
#[cfg(test)]
mod tests;
