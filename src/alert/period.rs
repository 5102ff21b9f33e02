//! When an alert is wanted: periods as mon writes them, `wd {Mon-Fri} hr {9am-5pm}`.
//!
//! Source: `Time::Period`(3pm). Scales side by side must all match, periods behind a comma are alternatives, ranges
//! include their last value whole, and those that end before they begin go round: `hr {10pm-6am}`.

use std::fmt;

use jiff::civil::{DateTime, Weekday};

/// A set of local times; the default is all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    /// One of these must match.
    alternatives: Vec<Alternative>,
}

/// Of each scale that is named, one of the ranges must match.
type Alternative = Vec<(Scale, Vec<Range>)>;

impl Period {
    /// Reads a period. A blank one is always, `none` is never.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim().to_lowercase();
        let alternatives = match text.as_str() {
            "" => vec![Alternative::new()],
            "none" => Vec::new(),
            text => text.split(',').map(alternative).collect::<Result<_, _>>()?,
        };
        Ok(Self { alternatives })
    }

    /// Whether a local time is in it.
    #[must_use]
    pub fn contains(&self, time: DateTime) -> bool {
        self.alternatives.iter().any(|scales| {
            scales.iter().all(|(scale, ranges)| {
                let value = scale.value(time);
                ranges.iter().any(|range| range.contains(*scale, value))
            })
        })
    }
}

impl Default for Period {
    fn default() -> Self {
        Self { alternatives: vec![Alternative::new()] }
    }
}

/// Why a text is no period: the part that is wrong, and what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The part as it was written, in lower case.
    pub part: String,
    /// What is wrong with it.
    pub what: String,
}

impl Malformed {
    fn new(part: &str, what: impl Into<String>) -> Self {
        Self { part: part.trim().to_owned(), what: what.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.part, self.what)
    }
}

impl std::error::Error for Malformed {}

/// From the first value to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Range {
    first: i16,
    last: i16,
}

impl Range {
    fn contains(self, scale: Scale, value: i16) -> bool {
        let Self { first, last } = self;
        if scale == Scale::Year {
            // Years do not come round; two digits are of this century.
            let [first, last] =
                [first, last].map(|year| if year < 100 { value / 100 * 100 + year } else { year });
            return (first.min(last)..=first.max(last)).contains(&value);
        }
        if first <= last { (first..=last).contains(&value) } else { first <= value || value <= last }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scale {
    Year,
    Month,
    Week,
    YearDay,
    MonthDay,
    Weekday,
    Hour,
    Minute,
    Second,
}

impl Scale {
    fn value(self, time: DateTime) -> i16 {
        match self {
            Self::Year => time.year(),
            Self::Month => time.month().into(),
            // Weeks begin on Sunday; the first of the month is in its first week.
            Self::Week => {
                let begin = time.date().first_of_month().weekday().to_sunday_zero_offset();
                (i16::from(time.day()) - 1 + i16::from(begin)) / 7 + 1
            }
            Self::YearDay => time.day_of_year(),
            Self::MonthDay => time.day().into(),
            Self::Weekday => Weekday::to_sunday_one_offset(time.weekday()).into(),
            Self::Hour => time.hour().into(),
            Self::Minute => time.minute().into(),
            Self::Second => time.second().into(),
        }
    }
}

/// How a scale is written.
struct Grammar {
    scale: Scale,
    names: [&'static str; 2],
    range: std::ops::RangeInclusive<i16>,
    /// Words for the values from the range's first on, and how many letters of one are enough.
    words: &'static [&'static str],
    letters: usize,
    /// What the values are.
    values: &'static str,
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: &[&str] = &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

const SCALES: [Grammar; 9] = [
    Grammar::numbers(Scale::Year, ["yr", "year"], 0..=9999, "a year: 0 to 99, or from 1970 on"),
    Grammar {
        words: MONTHS,
        letters: 3,
        ..Grammar::numbers(Scale::Month, ["mo", "month"], 1..=12, "a month: 1 to 12, or Jan to Dec")
    },
    Grammar::numbers(Scale::Week, ["wk", "week"], 1..=6, "a week of the month: 1 to 6"),
    Grammar::numbers(Scale::YearDay, ["yd", "yday"], 1..=366, "a day of the year: 1 to 366"),
    Grammar::numbers(Scale::MonthDay, ["md", "mday"], 1..=31, "a day of the month: 1 to 31"),
    Grammar {
        words: WEEKDAYS,
        letters: 2,
        ..Grammar::numbers(
            Scale::Weekday,
            ["wd", "wday"],
            1..=7,
            "a day of the week: 1 (Sunday) to 7, or Su to Sa",
        )
    },
    Grammar::numbers(Scale::Hour, ["hr", "hour"], 0..=23, "an hour: 0 to 23, or 12am to 11pm"),
    Grammar::numbers(Scale::Minute, ["min", "minute"], 0..=59, "a minute: 0 to 59"),
    Grammar::numbers(Scale::Second, ["sec", "second"], 0..=59, "a second: 0 to 59"),
];

impl Grammar {
    const fn numbers(
        scale: Scale,
        names: [&'static str; 2],
        range: std::ops::RangeInclusive<i16>,
        values: &'static str,
    ) -> Self {
        Self { scale, names, range, words: &[], letters: 0, values }
    }

    fn ranges(&self, text: &str) -> Result<Vec<Range>, Malformed> {
        // Blanks separate ranges, except around the dash.
        let joined = text.split('-').map(str::trim).collect::<Vec<_>>().join("-");
        joined.split_whitespace().map(|range| self.range(range)).collect()
    }

    fn range(&self, text: &str) -> Result<Range, Malformed> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let value =
            |word| self.value(word).ok_or_else(|| Malformed::new(text, format!("is not {}", self.values)));
        Ok(Range { first: value(first)?, last: value(last)? })
    }

    fn value(&self, word: &str) -> Option<i16> {
        let is_meant = |name: &&str| word.len() >= self.letters && name.starts_with(word);
        if let Some(index) = self.words.iter().position(is_meant) {
            return Some(self.range.start() + i16::try_from(index).ok()?);
        }
        let (digits, unit) = word.split_at(word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len()));
        let number: i16 = digits.parse().ok()?;
        let number = match (self.scale, unit, number) {
            (_, "", number) => number,
            (Scale::Hour, "am", 12) => 0,
            (Scale::Hour, "pm" | "noon", 12) => 12,
            (Scale::Hour, "am", 1..=11) => number,
            (Scale::Hour, "pm", 1..=11) => number + 12,
            _ => return None,
        };
        let is_year = self.scale != Scale::Year || !(100..1970).contains(&number);
        (self.range.contains(&number) && is_year).then_some(number)
    }
}

fn alternative(text: &str) -> Result<Alternative, Malformed> {
    let mut scales = Alternative::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(Malformed::new(",", "has nothing on one of its sides"));
    }
    while !rest.is_empty() {
        let (name, behind) =
            rest.split_once('{').ok_or_else(|| Malformed::new(rest, "has no {values} behind it"))?;
        let (values, next) =
            behind.split_once('}').ok_or_else(|| Malformed::new(rest, "has no closing brace"))?;
        let grammar = SCALES
            .iter()
            .find(|grammar| grammar.names.contains(&name.trim()))
            .ok_or_else(|| Malformed::new(name, "is none of yr mo wk yd md wd hr min sec"))?;
        let ranges = grammar.ranges(values)?;
        if ranges.is_empty() {
            return Err(Malformed::new(name, "has no values"));
        }
        match scales.iter_mut().find(|(scale, _)| *scale == grammar.scale) {
            Some((_, earlier)) => earlier.extend(ranges),
            None => scales.push((grammar.scale, ranges)),
        }
        rest = next.trim_start();
    }
    Ok(scales)
}

#[cfg(test)]
mod tests;
