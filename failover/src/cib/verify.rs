//! What is well-formed and still wrong: a document that says what cannot be, or what nobody means.

mod circle;
mod reference;
#[cfg(test)]
mod tests;
mod timing;
mod weight;

use std::fmt;

use super::Cib;
use crate::core::{NoQuorum, Role};

pub use timing::Times;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// No such document is committed.
    Error,
    /// It can be so, and hardly anybody wants it.
    Warning,
}

/// Something that should be mended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of thing that it is, by which it can be looked up.
    pub code: &'static str,
    /// Where in the document, for example `location web-connected`.
    pub place: String,
    /// What it is.
    pub what: String,
    /// What mends it.
    pub help: String,
}

impl Finding {
    fn new(
        severity: Severity,
        code: &'static str,
        place: impl Into<String>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { severity, code, place: place.into(), what: what.into(), help: help.into() }
    }

    fn error(
        code: &'static str,
        place: impl Into<String>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Error, code, place, what, help)
    }

    fn warning(
        code: &'static str,
        place: impl Into<String>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Warning, code, place, what, help)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, code, place, what, help } = self;
        let severity = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{code}] {place}: {what}; {help}")
    }
}

impl Cib {
    /// What is wrong with it, errors first. `ping_hosts` says how many hosts are pinged, where that is known.
    #[must_use]
    pub fn verify(&self, ping_hosts: Option<u32>) -> Vec<Finding> {
        let mut findings = reference::unknown(self);
        findings.extend(circle::circles(self));
        findings.extend(weight::weighed(self, ping_hosts));
        findings.extend(self.voters());
        findings.extend(self.policy());
        findings.extend(self.idle());
        findings.sort();
        findings
    }

    fn voters(&self) -> Option<Finding> {
        let voters = self.declared.nodes.len();
        (voters > 0 && voters.is_multiple_of(2)).then(|| {
            let what = format!("{voters} voters: split in halves, neither has a majority");
            Finding::warning("even-voters", "nodes", what, "add a node with role = \"witness\" to the file")
        })
    }

    fn policy(&self) -> Option<Finding> {
        let what = match self.declared.policy {
            NoQuorum::Stop => return None,
            NoQuorum::Freeze => "without a majority vips stay, and a majority elsewhere takes them as well",
            NoQuorum::Ignore => "without a majority every director takes all vips",
        };
        let help = "use no_quorum_policy = \"stop\" in the file, and a witness";
        Some(Finding::warning("unsafe-policy", "properties", what, help))
    }

    fn idle(&self) -> Option<Finding> {
        let directors = self.declared.nodes.iter().filter(|(_, role)| *role == Role::Director);
        let mut directors = directors.map(|(name, _)| name).peekable();
        (directors.peek().is_some() && directors.all(|name| self.standby.contains(name))).then(|| {
            let what = "all directors are in standby: no vip is anywhere";
            Finding::warning("all-standby", "nodes", what, "use `lvsd node online NODE`")
        })
    }
}
