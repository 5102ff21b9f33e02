//! The text before it is parsed: what makes it dangerous is refused, and what keeps it from being XML is mended.
//!
//! Lines stay where they are.

use super::MAX_BYTES;
use super::ledger::{Ledger, Repair};
use crate::cib::{Problem, Problems};

/// So deep elements may be within each other; those of a document are at 9.
const MAX_DEPTH: usize = 32;

/// So many attributes an element may have; those of a `<cib>` are 15 or so.
const MAX_ATTRIBUTES: usize = 64;

/// The element around what is mended: a text may have several elements side by side.
pub(super) const AROUND: &str = "around";

/// Typographic quotes, of whatever language.
const CURLY: [char; 8] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛'];

/// What is left of the text when nothing keeps it from being XML, with one element around it.
pub(super) fn mend(bytes: &[u8], ledger: &Ledger) -> Result<String, Problems> {
    if bytes.len() > MAX_BYTES {
        let what = format!("{} bytes are too many", bytes.len());
        return Err(Problems::whole(what, format!("{MAX_BYTES} are read at most; is it the right file?")));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Problems::whole("this is not UTF-8", "save it as UTF-8, or is it the right file?"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut mender = Mender { ledger, rest: text, line: 1, open: Vec::new(), out: format!("<{AROUND}>") };
    while !mender.rest.is_empty() {
        mender.step().map_err(|problem| Problems::new(vec![problem]))?;
    }
    Ok(mender.out + "</" + AROUND + ">")
}

struct Mender<'a> {
    ledger: &'a Ledger,
    rest: &'a str,
    /// Where the rest starts.
    line: usize,
    /// The elements that are open, the innermost last.
    open: Vec<&'a str>,
    out: String,
}

impl<'a> Mender<'a> {
    /// Mends what is before the next `<`, or from there on to its `>`.
    fn step(&mut self) -> Result<(), Problem> {
        match self.rest.find('<').unwrap_or(self.rest.len()) {
            0 => self.markup(),
            gap => {
                let gap = self.take(gap);
                self.text(gap);
                Ok(())
            }
        }
    }

    /// Takes so many bytes off the rest.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line += taken.matches('\n').count();
        taken
    }

    /// Takes what ends with this; all, if nothing does.
    fn take_through(&mut self, end: &str) -> &'a str {
        self.take(self.rest.find(end).map_or(self.rest.len(), |at| at + end.len()))
    }

    fn blank(&mut self, text: &str) {
        self.out.extend(text.matches('\n'));
    }

    fn text(&mut self, text: &str) {
        if !self.open.is_empty() {
            self.out.push_str(text);
            return;
        }
        let first = self.line - text.matches('\n').count();
        for (line, _) in (first..).zip(text.split('\n')).filter(|(_, text)| !text.trim().is_empty()) {
            self.ledger.repair(Repair::Prose, line);
        }
        self.blank(text);
    }

    fn markup(&mut self) -> Result<(), Problem> {
        let line = self.line;
        if self.rest.starts_with("<!--") {
            let comment = self.take_through("-->");
            self.out.push_str(comment);
        } else if self.rest.starts_with("<![CDATA[") {
            let data = self.take_through("]]>");
            self.out.push_str(data);
        } else if self.rest.starts_with("<!") {
            let what = "this is a DTD, or part of one".to_owned();
            return Err(Problem { line, what, help: "take it out: nothing of it is needed".to_owned() });
        } else if self.rest.starts_with("<?") {
            let instruction = self.take_through("?>");
            self.blank(instruction);
        } else {
            if self.tag(line) > MAX_ATTRIBUTES {
                let what = format!("an element has more than {MAX_ATTRIBUTES} attributes");
                return Err(Problem { line, what, help: "is it the right file?".to_owned() });
            }
            if self.open.len() > MAX_DEPTH {
                let what = format!("more than {MAX_DEPTH} elements are within each other");
                return Err(Problem { line, what, help: "is it the right file?".to_owned() });
            }
        }
        Ok(())
    }

    /// Mends a tag, and says how many values it has.
    fn tag(&mut self, line: usize) -> usize {
        let Some(tag) = Tag::of(self.rest) else {
            let angle = self.take(1);
            self.out.push_str(angle);
            return 0;
        };
        self.take(tag.length);
        if let Some(name) = tag.name.strip_prefix('/') {
            if self.open.last() == Some(&name) {
                self.open.pop();
            }
        } else if !tag.empty {
            if tag.bare && self.open.last() == Some(&tag.name) {
                self.ledger.repair(Repair::LostSlash, line);
                self.open.pop();
                self.out.extend(["</", tag.name, ">"]);
                self.blank(&tag.text);
                return 0;
            }
            self.open.push(tag.name);
        }
        (0..tag.curly).for_each(|_| {
            self.ledger.repair(Repair::CurlyQuotes, line);
        });
        self.out.push_str(&tag.text);
        tag.values
    }
}

/// What is between `<` and `>`.
struct Tag<'a> {
    /// With the slash of a closing tag.
    name: &'a str,
    /// Whether it has no attributes.
    bare: bool,
    /// Whether it closes itself.
    empty: bool,
    /// How many values it has.
    values: usize,
    /// How many of its values have typographic quotes.
    curly: usize,
    /// It, with straight quotes.
    text: String,
    /// How long it was.
    length: usize,
}

impl<'a> Tag<'a> {
    /// The tag that a text starts with.
    fn of(text: &'a str) -> Option<Self> {
        let mut mended = String::new();
        let [mut values, mut curly] = [0, 0];
        // The quote that is open.
        let mut quote = None;
        for (at, c) in text.char_indices() {
            match quote {
                Some('"' | '\'') if Some(c) == quote => {
                    mended.push(c);
                    quote = None;
                }
                Some('"' | '\'') => mended.push(c),
                Some(_) if CURLY.contains(&c) => {
                    mended.push('"');
                    quote = None;
                }
                Some(_) if c == '"' => mended.push_str("&quot;"),
                Some(_) => mended.push(c),
                None if CURLY.contains(&c) => {
                    mended.push('"');
                    (values, curly, quote) = (values + 1, curly + 1, Some(c));
                }
                None if c == '<' && at > 0 => return None,
                None => {
                    mended.push(c);
                    quote = matches!(c, '"' | '\'').then_some(c);
                    values += usize::from(quote.is_some());
                }
            }
            if quote.is_none() && c == '>' {
                let inside = text.get(1..at)?;
                let empty = inside.ends_with('/');
                let inside = inside.strip_suffix('/').unwrap_or(inside);
                let name = inside.split(char::is_whitespace).next().filter(|name| !name.is_empty())?;
                let bare = inside.trim_end() == name;
                return Some(Self { name, bare, empty, values, curly, text: mended, length: at + 1 });
            }
        }
        None
    }
}
