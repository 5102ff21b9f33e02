//! Numbers as C's `strtol`, `atoi` and `inet_aton` read them, which is how ipvsadm reads its arguments.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A whole decimal number within a range: leading blanks and a sign are fine, anything behind it is not.
pub(super) fn whole<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Option<T> {
    let text = skip_blanks(text);
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.starts_with('+') {
        return None;
    }
    digits.parse().ok().filter(|number| range.contains(number))
}

/// The number that a text begins with; 0 if there is none.
pub(super) fn leading(text: &str) -> u32 {
    let text = skip_blanks(text);
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// An IPv4 address of one to four parts, each decimal, octal (`0`) or hexadecimal (`0x`); the last part fills what
/// is left, and what follows a blank does not count.
pub(super) fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let text = text.split(is_blank).next().unwrap_or(text);
    let mut parts = Vec::with_capacity(4);
    for part in text.split('.') {
        parts.push(c_integer(part)?);
    }
    let (&last, leading) = parts.split_last()?;
    let free_bits = 32_u32.checked_sub(8 * u32::try_from(leading.len()).ok()?)?;
    if leading.len() > 3 || u64::from(last) >> free_bits != 0 {
        return None;
    }
    let mut address = last;
    for (&part, shift) in leading.iter().zip([24, 16, 8]) {
        address |= u32::from(u8::try_from(part).ok()?) << shift;
    }
    Some(address.into())
}

fn c_integer(text: &str) -> Option<u32> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (text.get(2..)?, 16),
        [b'0', _, ..] => (text, 8),
        _ => (text, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        let rows = [
            ("0", Some(0)),
            ("7", Some(7)),
            (" 7", Some(7)),
            ("\t+7", Some(7)),
            ("007", Some(7)),
            ("100", Some(100)),
            ("101", None),
            ("-1", None),
            ("++1", None),
            ("+-1", None),
            ("-", None),
            ("+", None),
            ("", None),
            (" ", None),
            ("7 ", None),
            ("0x7", None),
            ("seven", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in rows {
            assert_eq!(whole(text, 0..=100_u32), expected, "{text:?}");
        }
    }

    #[test]
    fn leading_numbers() {
        for (text, expected) in [("64", 64), ("64foo", 64), (" +9", 9), ("foo", 0), ("", 0), ("-1", 0)] {
            assert_eq!(leading(text), expected, "{text:?}");
        }
    }

    #[test]
    fn ipv4_addresses() {
        let rows = [
            ("1.2.3.4", Some([1, 2, 3, 4])),
            ("1.2", Some([1, 0, 0, 2])),
            ("1.2.65535", Some([1, 2, 255, 255])),
            ("80", Some([0, 0, 0, 80])),
            ("0x01020304", Some([1, 2, 3, 4])),
            ("010.0.0.1", Some([8, 0, 0, 1])),
            ("0x7f.1", Some([127, 0, 0, 1])),
            ("4294967295", Some([255; 4])),
            ("1.2.3.6 x", Some([1, 2, 3, 6])),
            ("0", Some([0; 4])),
            ("", None),
            (" 1.2.3.4", None),
            ("256.1.1.1", None),
            ("1.2.3.4.5", None),
            ("1.2.65536", None),
            ("4294967296", None),
            ("1..2", None),
            ("1.2.3.", None),
            ("08.1.1.1", None),
            ("0x", None),
            ("0x+1", None),
            ("0x.1", None),
            ("-1", None),
            ("+1", None),
            ("localhost", None),
        ];
        for (text, expected) in rows {
            assert_eq!(ipv4(text), expected.map(Ipv4Addr::from), "{text:?}");
        }
    }
}
