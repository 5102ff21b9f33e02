//! One check under way: where it goes, until when, and what it found.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::{Code, Monitor, Origin, Outcome, dialer};

/// Longer than any check, and short enough to be added to any time and to be told to the kernel.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What a check found.
#[derive(Debug)]
pub(super) struct Finding {
    code: Code,
    detail: Cow<'static, str>,
}

impl Finding {
    pub(super) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// What an error says about a layer.
    pub(super) fn error(code: Code, error: &io::Error) -> Self {
        Self::new(code, dialer::words(error))
    }
}

/// How a check, or a step of it, ends: the error is a finding as well, and ends the check early.
pub(super) type Found<T = Finding> = Result<T, Finding>;

/// One check under way.
pub(super) struct Attempt<'a> {
    pub(super) target: SocketAddr,
    pub(super) origin: &'a Origin,
    pub(super) timeout: Duration,
    start: Instant,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(target: SocketAddr, monitor: &'a Monitor) -> Self {
        let timeout = monitor.timeout.min(LONGEST);
        Self { target, origin: &monitor.origin, timeout, start: Instant::now() }
    }

    /// Awaits a step. Every step of a check has the same deadline, so that a server cannot win time with each
    /// byte; the code says which step it was that did not end.
    pub(super) async fn limit<T>(
        &self,
        late: Code,
        missing: &str,
        step: impl Future<Output = Found<T>>,
    ) -> Found<T> {
        match timeout_at(self.start + self.timeout, step).await {
            Ok(found) => found,
            Err(_) => Err(Finding::new(late, format!("{missing} within {:?}", self.timeout))),
        }
    }

    /// The step that connects.
    pub(super) async fn connect(&self) -> Found<TcpStream> {
        self.limit(Code::L4Timeout, "no connection", async {
            let connection = dialer::connect(self.target, self.origin).await;
            connection.map_err(|error| Finding::error(Code::L4Connection, &error))
        })
        .await
    }

    /// What has come of it by now.
    pub(super) fn outcome(&self, finding: &Finding) -> Outcome {
        Outcome::new(finding.code, &finding.detail, self.start.elapsed())
    }
}
