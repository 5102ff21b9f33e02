//! The kernel's refusals in ipvsadm's words, which scripts look for.

use std::io;

use crate::{Op, Refusal};

/// A refusal in ipvsadm's words; `op` is the change that was refused, if it was one.
#[must_use]
pub fn wording(refusal: &Refusal, op: Option<&Op>) -> String {
    let words = match refusal {
        Refusal::ServiceExists => "Service already exists",
        Refusal::NoService => match op {
            Some(Op::AddDestination { .. } | Op::EditDestination { .. } | Op::DeleteDestination { .. }) => {
                "Service not defined"
            }
            _ => "No such service",
        },
        Refusal::DestinationExists => "Destination already exists",
        Refusal::NoDestination => "No such destination",
        Refusal::NoScheduler(_) | Refusal::NoEngine { .. } => "Scheduler or persistence engine not found",
        Refusal::DaemonRuns => "Daemon has already run",
        Refusal::NoDaemon => "No daemon is running",
        Refusal::NoInterface(_) => "No such device",
        Refusal::Invalid(_) => "Invalid operation.  Possibly wrong module version, address not unicast, ...",
        Refusal::NoFamily => "Operation not supported with specified address family",
        Refusal::Permission => "Permission denied (you must be root)",
        Refusal::NoMemory => "Memory allocation problem",
        Refusal::Other(errno) => return system_error(*errno),
    };
    words.to_owned()
}

/// The system's text for an errno, without the number that Rust adds.
fn system_error(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno).to_string();
    match text.rfind(" (os error") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}
