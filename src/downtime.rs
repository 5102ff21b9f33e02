//! The downtime log, in mon's form: one line for each outage that ended.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::alert::{Moment, Observation, Outage};

/// What the fields of a line are.
const HEADER: &str = "# timeup group service firstfail downtime interval summary\n";

/// An outage that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downtime {
    /// When it ended.
    pub ended: Timestamp,
    /// What mon would call the service's group.
    pub group: String,
    /// The service.
    pub service: String,
    /// When it began.
    pub began: Timestamp,
    /// How long it was, which clocks that were set meanwhile do not change.
    pub length: Duration,
    /// From one check to the next.
    pub interval: Duration,
    /// What failed last, in one line.
    pub summary: String,
}

impl Downtime {
    /// The downtime of a service.
    #[must_use]
    pub fn of(seen: &Observation, outage: &Outage, now: &Moment) -> Self {
        Self {
            ended: now.timestamp(),
            group: seen.group.to_string(),
            service: seen.service.to_string(),
            began: outage.began.timestamp(),
            length: outage.length(now),
            interval: seen.interval,
            summary: outage.words.summary.clone(),
        }
    }

    /// Appends its line to a log, which is made where there is none.
    pub fn append_to(&self, log: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(log)?;
        let header = if file.metadata()?.len() == 0 { HEADER } else { "" };
        // At once, so that lines of several writers do not mix.
        file.write_all(format!("{header}{self}\n").as_bytes())
    }
}

impl fmt::Display for Downtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ended, group, service, began, length, interval, summary } = self;
        let (ended, began) = (ended.as_second(), began.as_second());
        let (length, interval) = (length.as_secs(), interval.as_secs());
        write!(f, "{ended} {group} {service} {began} {length} {interval} {summary}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn downtime(summary: &str) -> Downtime {
        Downtime {
            ended: Timestamp::from_second(1_000_090).unwrap(),
            group: "web".to_owned(),
            service: "http".to_owned(),
            began: Timestamp::from_second(1_000_000).unwrap(),
            length: Duration::from_millis(90_400),
            interval: Duration::from_secs(6),
            summary: summary.to_owned(),
        }
    }

    #[test]
    fn a_log_begins_with_what_its_fields_are_and_grows_by_lines() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("dtlog");
        for summary in ["web1 web2", "web1"] {
            downtime(summary).append_to(&log).unwrap();
        }
        let lines = "1000090 web http 1000000 90 6 web1 web2\n1000090 web http 1000000 90 6 web1\n";
        assert_eq!(std::fs::read_to_string(&log).unwrap(), format!("{HEADER}{lines}"));
    }

    #[test]
    fn a_log_that_cannot_be_written_is_an_error_and_not_the_end() {
        let error = downtime("web1").append_to(Path::new("/proc/nowhere/dtlog")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
