//! The line of a file that a problem is in, cut to a terminal's width, with carets below.

use unicode_width::UnicodeWidthChar;

use super::Span;

/// The widest excerpt, in columns.
const WIDTH: usize = 100;
/// In a longer line: the columns before the carets, and from there on.
const BEFORE: usize = 40;
const AFTER: usize = WIDTH - BEFORE;

/// A file's text, with the starts of its lines.
pub(super) struct Source<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

/// A line and what stands below it.
pub(super) struct Excerpt {
    pub(super) line: String,
    pub(super) indent: String,
    pub(super) carets: String,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let after_newlines = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let lines = std::iter::once(0).chain(after_newlines.map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    /// Line and column, from 1; columns are characters.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let (number, start) = self.line_start(offset);
        let before = self.text.get(start..self.floor(offset)).unwrap_or_default();
        (number, before.chars().count() + 1)
    }

    pub(super) fn excerpt(&self, span: Span) -> Excerpt {
        let start = self.floor(span.start);
        let (_, line_start) = self.line_start(start);
        let before = self.text.get(line_start..start).unwrap_or_default();
        let rest = self.text.get(start..).unwrap_or_default();
        let rest = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let marked = self.floor(span.end).saturating_sub(start).min(rest.len());
        let (marked, after) = rest.split_at_checked(marked).unwrap_or((rest, ""));

        let short = before.len() + rest.len() <= WIDTH;
        let (room_before, room_after) = if short { (WIDTH, WIDTH) } else { (BEFORE, AFTER) };
        let before = Visible::last(before, room_before);
        let marked = Visible::first(marked, room_after);
        let after = if marked.cut {
            Visible::default()
        } else {
            Visible::first(after, room_after.saturating_sub(marked.width))
        };
        Excerpt {
            line: format!("{}{}{}", before.text, marked.text, after.text),
            indent: " ".repeat(before.width),
            carets: "^".repeat(marked.width.max(1)),
        }
    }

    /// The number of the line at `offset`, and where it starts.
    fn line_start(&self, offset: usize) -> (usize, usize) {
        let number = self.lines.partition_point(|&start| start <= offset);
        let start = self.lines.get(number.saturating_sub(1)).copied();
        (number, start.unwrap_or_default())
    }

    /// The nearest start of a character at or before `offset`.
    fn floor(&self, offset: usize) -> usize {
        let mut at = offset.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// Text as it looks on a terminal: nothing in it moves the cursor.
#[derive(Default)]
struct Visible {
    text: String,
    width: usize,
    cut: bool,
}

impl Visible {
    /// The start of `text`, up to `room` columns.
    fn first(text: &str, room: usize) -> Self {
        let mut visible = Self::default();
        for c in text.chars() {
            let (shown, width) = look(c);
            if visible.width + width > room {
                visible.text.push('…');
                visible.cut = true;
                break;
            }
            visible.text.push_str(shown.encode_utf8(&mut [0; 4]));
            visible.width += width;
        }
        visible
    }

    /// The end of `text`, up to `room` columns.
    fn last(text: &str, room: usize) -> Self {
        let mut width = 0;
        let fits = |&c: &char| {
            width += look(c).1;
            width <= room
        };
        let kept: usize = text.chars().rev().take_while(fits).map(char::len_utf8).sum();
        let start = text.len() - kept;
        let mut visible = Self::first(text.get(start..).unwrap_or_default(), room);
        if start > 0 {
            visible.text.insert(0, '…');
            visible.width += 1;
        }
        visible
    }
}

/// What to show for a character, and how many columns it takes.
fn look(c: char) -> (char, usize) {
    let reorders = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match c.width() {
        _ if c == '\t' => (' ', 1),
        Some(width) if !reorders => (c, width),
        _ => (char::REPLACEMENT_CHARACTER, 1),
    }
}
