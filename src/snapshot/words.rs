//! How a snapshot is put into words, the same on the page and in a terminal.

pub mod cluster;

use std::cmp::Reverse;

use jiff::Timestamp;

use super::{Health, Realserver, RealserverState, Service, ServiceState, Snapshot};

/// How much something wants to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Not serving, and meant so.
    Note,
    /// Wants an operator.
    Warn,
    /// Clients are not served.
    Bad,
}

impl Tone {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// A sign for those who cannot tell the colours apart.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Good => "\u{2713}",
            Self::Note => "\u{25cb}",
            Self::Warn => "\u{25b2}",
            Self::Bad => "\u{2717}",
        }
    }
}

impl Health {
    /// How much it wants to be looked at.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Ok => Tone::Good,
            Self::Degraded => Tone::Warn,
            Self::Critical => Tone::Bad,
        }
    }
}

impl ServiceState {
    /// How much it wants to be looked at.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Up => Tone::Good,
            Self::Degraded | Self::Panic | Self::Fallback => Tone::Warn,
            Self::Down => Tone::Bad,
        }
    }
}

impl RealserverState {
    /// How much it wants to be looked at.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Up => Tone::Good,
            Self::Probing | Self::Draining | Self::Disabled => Tone::Note,
            Self::Failing | Self::Held => Tone::Warn,
            Self::Down => Tone::Bad,
        }
    }
}

impl Snapshot {
    /// `OK`, `DEGRADED(2)`, `CRITICAL(1)`: the health, and how many problems are that bad.
    #[must_use]
    pub fn verdict(&self) -> String {
        let name = self.health.name().to_uppercase();
        if self.health == Health::Ok { name } else { format!("{name}({})", self.count(self.health)) }
    }

    /// How many problems are of this severity.
    #[must_use]
    pub fn count(&self, severity: Health) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    /// The services, those that want to be looked at first, otherwise as in the file.
    #[must_use]
    pub fn services_by_need(&self) -> Vec<&Service> {
        let mut services: Vec<&Service> = self.services.iter().collect();
        services.sort_by_key(|service| Reverse(service.state));
        services
    }
}

impl Service {
    /// The realservers, those that want to be looked at first, otherwise as in the file.
    #[must_use]
    pub fn realservers_by_need(&self) -> Vec<&Realserver> {
        let mut realservers: Vec<&Realserver> = self.realservers.iter().collect();
        realservers.sort_by_key(|realserver| Reverse(realserver.state.tone()));
        realservers
    }
}

/// Whether terminals or browsers obey a character instead of showing it: control characters, and those that change
/// the direction of what follows. Line breaks are none of them.
fn is_obeyed(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text from anywhere, in which nothing is obeyed.
#[must_use]
pub fn printable(text: &str) -> String {
    text.replace(is_obeyed, "\u{fffd}")
}

/// JSON that says the same, in which nothing is obeyed.
#[must_use]
pub fn printable_json(json: &str) -> String {
    // Outside of strings there are no such characters, and within they can be written as numbers.
    let escaped = |mut text: String, c: char| {
        if is_obeyed(c) {
            text + &format!("\\u{:04x}", u32::from(c))
        } else {
            text.push(c);
            text
        }
    };
    json.chars().fold(String::with_capacity(json.len()), escaped)
}

/// The same in one line, cut to `most` characters.
#[must_use]
pub fn in_short(text: &str, most: usize) -> String {
    let line = printable(text).replace('\n', " ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}\u{2026}", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// How long ago something was: its two largest units.
#[must_use]
pub fn age(now: Timestamp, at: Timestamp) -> String {
    span(now.duration_since(at).as_secs().max(0).unsigned_abs())
}

/// A number of seconds in its two largest units.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// A point in time to the second, in UTC.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// How long something took.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1}ms", seconds * 1e3) } else { format!("{seconds:.1}s") }
}

/// A rate with a decimal prefix where it is large.
#[must_use]
pub fn rate(per_second: f64) -> String {
    let prefixes = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    match prefixes.iter().find(|(unit, _)| per_second >= *unit) {
        Some((unit, prefix)) => format!("{:.1}{prefix}", per_second / unit),
        None => format!("{per_second:.0}"),
    }
}

/// The first digits of a digest, enough to tell two files apart.
#[must_use]
pub fn short_digest(sha256: &str) -> &str {
    sha256.get(..8).unwrap_or(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_obeyed_is_shown_instead() {
        let cases = [
            ("plain", "caf\u{e9} \u{2713}", "caf\u{e9} \u{2713}"),
            ("escape sequence", "a\u{1b}[2Jb", "a\u{fffd}[2Jb"),
            ("eight-bit control sequence", "a\u{9b}2J", "a\u{fffd}2J"),
            ("carriage return", "good\rbad", "good\u{fffd}bad"),
            ("tab", "a\tb", "a\u{fffd}b"),
            ("override of the direction", "a\u{202e}b", "a\u{fffd}b"),
            ("isolate", "a\u{2066}b", "a\u{fffd}b"),
            ("line separator", "a\u{2028}b", "a\u{fffd}b"),
            ("lines", "a\nb", "a\nb"),
        ];
        for (name, text, expected) in cases {
            assert_eq!(printable(text), expected, "{name}");
        }
    }

    #[test]
    fn json_says_the_same_without_being_obeyed() {
        let text = "a\u{9b}2J\u{202e}\u{1b}\"\\ \u{e9}";
        let json = printable_json(&serde_json::to_string(text).unwrap());
        assert!(!json.contains(is_obeyed), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn a_short_text_is_one_line() {
        let cases = [("fits", "a\nb", 3, "a b"), ("cut", "\u{e9}\u{e9}\u{e9}", 2, "\u{e9}\u{e9}\u{2026}")];
        for (name, text, most, expected) in cases {
            assert_eq!(in_short(text, most), expected, "{name}");
        }
    }

    #[test]
    fn ages_have_two_units() {
        let cases = [(-5, "0s"), (59, "59s"), (60, "1m 0s"), (3_671, "1h 1m"), (90_000, "1d 1h")];
        for (seconds, expected) in cases {
            let now = Timestamp::from_second(seconds).unwrap();
            assert_eq!(age(now, Timestamp::UNIX_EPOCH), expected, "{seconds}");
        }
    }

    #[test]
    fn quantities_have_the_unit_that_suits_them() {
        let cases = [
            (duration(0.0012), "1.2ms"),
            (duration(3.0), "3.0s"),
            (rate(0.0), "0"),
            (rate(999.0), "999"),
            (rate(1_234.0), "1.2k"),
            (rate(5.4e6), "5.4M"),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }
}
