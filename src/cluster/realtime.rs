//! A heartbeat that is late is a heartbeat lost: the thread goes before others, and its memory stays in memory.

use nix::libc;
use nix::sys::mman::{MlockAllFlags, mlockall};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

/// The least of the real-time priorities, 1 of 99: before all that is ordinary, and behind what the kernel runs itself.
const MODEST: u8 = 1;

/// Gives the calling thread a real-time priority, and keeps what the process touches in memory; as far as that is
/// allowed. Says what is not.
pub(super) fn hurry() -> Vec<String> {
    let mut refused = Vec::new();
    if let Err(why) = go_first() {
        refused.push(format!("no real-time priority for heartbeats (CAP_SYS_NICE): {why}"));
    }
    // What is not touched need not be there.
    let flags = MlockAllFlags::MCL_CURRENT
        | MlockAllFlags::MCL_FUTURE
        | MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    if let Err(why) = mlockall(flags) {
        refused.push(format!("memory can be swapped out (CAP_IPC_LOCK): {why}"));
    }
    refused
}

/// Gives the calling thread a real-time priority, if that is allowed.
pub(super) fn go_first() -> Result<(), String> {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    let priority = MODEST.try_into().map(ThreadPriority::Crossplatform)?;
    set_thread_priority_and_policy(thread_native_id(), priority, policy).map_err(|error| format!("{error:?}"))
}
