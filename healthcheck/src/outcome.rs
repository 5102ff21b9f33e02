//! What came of one check, in HAProxy's codes.

use std::fmt;
use std::time::Duration;

/// What a check found, and on which layer.
///
/// Source: HAProxy's management guide, "check status".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// Connected, and nothing more was asked.
    L4Ok,
    /// No connection before the deadline.
    L4Timeout,
    /// The connection was refused, or there is no way to the realserver.
    L4Connection,
    /// The TLS handshake was completed, and nothing more was asked.
    L6Ok,
    /// The TLS handshake did not end before the deadline.
    L6Timeout,
    /// The TLS handshake failed: an alert, a certificate that is not valid, or no TLS at all.
    L6Response,
    /// The application answered as expected.
    L7Ok,
    /// The application's answer was not complete before the deadline.
    L7Timeout,
    /// The answer is not of the protocol, or ended too soon.
    L7Response,
    /// The answer is well-formed and not the one expected: another status, or another body.
    L7Status,
    /// The program ended with exit status 0.
    ExecOk,
    /// The program ended with another exit status or by a signal, did not end in time, or could not be started.
    ExecFail,
}

impl Code {
    /// Whether the check passed.
    #[must_use]
    pub const fn passed(self) -> bool {
        matches!(self, Self::L4Ok | Self::L6Ok | Self::L7Ok | Self::ExecOk)
    }

    /// The code as users see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::L4Ok => "L4OK",
            Self::L4Timeout => "L4TOUT",
            Self::L4Connection => "L4CON",
            Self::L6Ok => "L6OK",
            Self::L6Timeout => "L6TOUT",
            Self::L6Response => "L6RSP",
            Self::L7Ok => "L7OK",
            Self::L7Timeout => "L7TOUT",
            Self::L7Response => "L7RSP",
            Self::L7Status => "L7STS",
            Self::ExecOk => "EXEC_OK",
            Self::ExecFail => "EXEC_FAIL",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was found.
    pub code: Code,
    /// What was found in words, one line of printable text that is bounded in length: `200 OK`,
    /// `connection refused`, `certificate expired 3 days ago`.
    pub detail: String,
    /// How long the check took.
    pub took: Duration,
}

impl Outcome {
    /// How long a detail may be, in bytes.
    pub const MAX_DETAIL: usize = 200;

    /// An outcome; the detail may come from anywhere and is made fit to be shown.
    #[must_use]
    pub fn new(code: Code, detail: impl AsRef<str>, took: Duration) -> Self {
        Self { code, detail: printable(detail.as_ref()), took }
    }
}

/// The first line, without what a terminal or a page might obey, and cut at [`Outcome::MAX_DETAIL`].
fn printable(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let mut clean = line.replace(char::is_control, "\u{fffd}");
    if clean.len() > Outcome::MAX_DETAIL {
        let room = Outcome::MAX_DETAIL - 3;
        let end = (0..=room).rev().find(|&end| clean.is_char_boundary(end)).unwrap_or(0);
        clean.truncate(end);
        clean.push_str("...");
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_one_printable_line_of_bounded_length() {
        let cases = [
            ("plain", "200 OK", "200 OK".to_owned()),
            ("second line", " first\nsecond", "first".to_owned()),
            ("escape sequence", "a\u{1b}[31mb", "a\u{fffd}[31mb".to_owned()),
            ("too long", &"x".repeat(300), format!("{}...", "x".repeat(197))),
            ("cut inside a character", &"é".repeat(150), format!("{}...", "é".repeat(98))),
        ];
        for (name, text, expected) in cases {
            assert_eq!(Outcome::new(Code::L7Ok, text, Duration::ZERO).detail, expected, "{name}");
        }
    }
}
