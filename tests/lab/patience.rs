//! Waiting for what comes about on its own.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// Long: an emulated guest may share its processors with much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Panics when it has not come about in time.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(10));
    }
}
