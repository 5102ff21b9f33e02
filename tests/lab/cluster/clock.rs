//! The time of day of the whole guest, which a test may step.

use std::process::Command;

/// Steps the clock, and back when dropped.
pub(crate) struct Step(i64);

impl Step {
    pub(crate) fn by(seconds: i64) -> Self {
        step(seconds);
        Self(seconds)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        step(-self.0);
    }
}

fn step(seconds: i64) {
    let sign = if seconds < 0 { "-" } else { "+" };
    let when = format!("now {sign} {} seconds", seconds.abs());
    let stepped = Command::new("date").args(["-s", &when]).output().expect("date can be started");
    assert!(stepped.status.success(), "{stepped:?}");
}
