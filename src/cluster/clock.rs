//! The clock that goes on while the machine sleeps, and that nobody sets.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use failover::Moment;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::{ClockId as Clock, clock_gettime};

/// The present, by `CLOCK_BOOTTIME`.
#[must_use]
pub fn now() -> Moment {
    // Every kernel that has the IPVS we need has the clock.
    let now = clock_gettime(Clock::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
    Moment::from_origin(now)
}

/// Becomes readable at a moment of that clock.
pub(super) struct Alarm {
    timer: TimerFd,
    at: Option<Moment>,
}

impl Alarm {
    pub(super) fn new() -> nix::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?;
        Ok(Self { timer, at: None })
    }

    pub(super) fn set(&mut self, at: Moment) -> nix::Result<()> {
        if self.at == Some(at) {
            return Ok(());
        }
        // A zero would stop it.
        let time = TimeSpec::from_duration(at.since_origin().max(Duration::from_nanos(1)));
        self.timer.set(Expiration::OneShot(time), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
        self.at = Some(at);
        Ok(())
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}
