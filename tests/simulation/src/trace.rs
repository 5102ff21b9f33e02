//! What happened, for whoever has to find out why.

use std::time::Duration;

/// Lines, if anybody wants them.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) wanted: bool,
    pub(crate) lines: Vec<String>,
}

impl Trace {
    pub(crate) fn add(&mut self, now: Duration, line: &str) {
        self.lines.push(format!("{:>12.6} {line}", now.as_secs_f64()));
    }
}

/// Adds a line to the trace of a world; it costs nothing if nobody wants it.
macro_rules! trace {
    ($world:expr, $($line:tt)*) => {
        if $world.trace.wanted {
            let line = format!($($line)*);
            $world.trace.add($world.now, &line);
        }
    };
}

pub(crate) use trace;
