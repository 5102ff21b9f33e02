//! A snapshot as text: `lvsd status`, and the page for those who ask for text.

mod cluster;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::words::{Tone, age, duration, in_short, instant, rate, short_digest};
use super::{Realserver, Service, Snapshot};

/// What the reader's side can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether it has colours.
    pub colour: bool,
    /// How many columns it has; the lines of tables are broken there.
    pub width: Option<usize>,
}

/// How much of a text from outside is shown.
const SHOWN: usize = 500;
const GAP: &str = "  ";
/// How far what has no room in a line of a table is indented below it.
const BELOW: usize = 8;

/// Everything at a glance: the verdict, problems, the cluster, vips, and services with their realservers.
#[must_use]
pub fn text(snapshot: &Snapshot, now: Timestamp, style: Style) -> String {
    let mut paper = Paper { style, text: String::new() };
    paper.line(&verdict(snapshot, now));
    if let Some(error) = &snapshot.config.error {
        let error = format!("the file as it is now was refused: {error}");
        paper.line(&[Cell::toned(Tone::Warn, error)]);
    }
    if !snapshot.problems.is_empty() {
        paper.title("problems");
        for problem in &snapshot.problems {
            paper.line(&[
                Cell::new(""),
                Cell::toned(problem.severity.tone(), problem.severity.name()),
                Cell::new(&problem.object),
                Cell::new(format!("since {} ({})", instant(problem.since), age(now, problem.since))),
            ]);
            paper.line(&[Cell::new(""), Cell::new(""), Cell::new(&problem.what)]);
        }
    }
    if let Some(of) = &snapshot.cluster {
        paper.title("cluster");
        cluster::cluster(&mut paper, of, now);
    }
    if !snapshot.vips.is_empty() {
        paper.title("vips");
        cluster::vips(&mut paper, &snapshot.vips, now);
    }
    if !snapshot.services.is_empty() {
        paper.title("services");
        services(&mut paper, &snapshot.services_by_need(), now);
    }
    paper.text
}

fn verdict(snapshot: &Snapshot, now: Timestamp) -> [Cell; 4] {
    let config = &snapshot.config;
    let file = format!(
        "{} ({}, loaded {}, {} ago)",
        config.path,
        short_digest(&config.sha256),
        instant(config.loaded_at),
        age(now, config.loaded_at)
    );
    [
        Cell::toned(snapshot.health.tone(), snapshot.verdict()),
        Cell::new(&snapshot.node),
        Cell::new(format!("lvsd {}", snapshot.version)),
        Cell::new(file),
    ]
}

fn services(paper: &mut Paper, services: &[&Service], now: Timestamp) {
    let heads: Vec<_> = services.iter().map(|service| service_row(service, now)).collect();
    let titles = ["", "", "realserver", "address", "forward", "state", "since"].map(Cell::new).into_iter();
    let numbers = ["weight", "active", "inactive"].map(Cell::number).into_iter();
    let titles: Vec<_> = titles.chain(numbers).chain(["check", "reason"].map(Cell::new)).collect();
    let bodies: Vec<Vec<_>> = services
        .iter()
        .map(|it| it.realservers_by_need().into_iter().map(|it| realserver_row(it, now)).collect())
        .collect();
    let head_widths = widths(&heads);
    let body_widths = widths(bodies.iter().flatten().chain([&titles]));
    for (head, body) in heads.iter().zip(&bodies) {
        paper.row(head, &head_widths);
        if !body.is_empty() {
            paper.row(&titles, &body_widths);
        }
        for row in body {
            paper.row(row, &body_widths);
        }
    }
}

fn service_row(service: &Service, now: Timestamp) -> Vec<Cell> {
    let bound = match service.min_serving {
        0 => String::new(),
        bound => format!(" (least {bound})"),
    };
    vec![
        Cell::new(""),
        Cell::new(&service.name),
        Cell::new(format!("{} {}", service.protocol, service.address)),
        Cell::new(format!("{} {}", service.scheduler, service.forward)),
        Cell::toned(service.state.tone(), service.state.name()),
        Cell::new(age(now, service.since)),
        Cell::new(format!("{}/{} serving{bound}", service.serving, service.realservers.len())),
        Cell::new(format!("{} conn/s", rate(service.connections_per_second))),
        Cell::new(&service.reason),
    ]
}

fn realserver_row(realserver: &Realserver, now: Timestamp) -> Vec<Cell> {
    let check = realserver.check.as_ref().map_or_else(
        || "none".to_owned(),
        |it| format!("{} {} {}, {} ago", it.code, it.detail, duration(it.seconds), age(now, it.at)),
    );
    vec![
        Cell::new(""),
        Cell::new(""),
        Cell::new(&realserver.name),
        Cell::new(&realserver.address),
        Cell::new(&realserver.forward),
        Cell::toned(realserver.state.tone(), realserver.state.name()),
        Cell::new(age(now, realserver.since)),
        Cell::number(format!("{}/{}", realserver.effective_weight, realserver.weight)),
        Cell::number(realserver.active.to_string()),
        Cell::number(realserver.inactive.to_string()),
        Cell::new(check),
        Cell::new(&realserver.reason),
    ]
}

/// One field of a line. Its text is printable, whatever it was made of.
struct Cell {
    text: String,
    tone: Option<Tone>,
    right: bool,
}

impl Cell {
    fn new(text: impl AsRef<str>) -> Self {
        Self { text: in_short(text.as_ref(), SHOWN), tone: None, right: false }
    }

    fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { tone: Some(tone), ..Self::new(text) }
    }

    fn number(text: impl AsRef<str>) -> Self {
        Self { right: true, ..Self::new(text) }
    }
}

fn widths<'a>(rows: impl IntoIterator<Item = &'a Vec<Cell>>) -> Vec<usize> {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.text.width().max(*width);
        }
    }
    widths
}

struct Paper {
    style: Style,
    text: String,
}

impl Paper {
    fn title(&mut self, title: &str) {
        self.text.push('\n');
        self.text.push_str(&title.to_uppercase());
        self.text.push('\n');
    }

    /// Writes cells one after the other, however long that gets.
    fn line(&mut self, cells: &[Cell]) {
        for (at, cell) in cells.iter().enumerate() {
            self.text.push_str(if at == 0 { "" } else { GAP });
            self.write(&cell.text, cell.tone);
        }
        self.text.push('\n');
    }

    /// Writes a table.
    fn table(&mut self, rows: &[Vec<Cell>]) {
        let widths = widths(rows);
        for row in rows {
            self.row(row, &widths);
        }
    }

    /// Writes a line of a table, and below it what has no room.
    fn row(&mut self, cells: &[Cell], widths: &[usize]) {
        let end = self.style.width.unwrap_or(usize::MAX);
        let mut used = 0;
        let mut blanks = 0;
        for (cell, &width) in cells.iter().zip(widths) {
            let size = cell.text.width();
            let padding = width.saturating_sub(size);
            let (before, after) = if cell.right { (padding, 0) } else { (0, padding) };
            blanks += before;
            if size > 0 {
                if used > 0 && used + blanks + size > end {
                    self.text.push('\n');
                    (used, blanks) = (0, BELOW);
                }
                self.text.extend(std::iter::repeat_n(' ', blanks));
                self.write(&cell.text, cell.tone);
                used += blanks + size;
                blanks = 0;
            }
            blanks += after + GAP.len();
        }
        self.text.push('\n');
    }

    fn write(&mut self, text: &str, tone: Option<Tone>) {
        let Some(tone) = tone.filter(|_| self.style.colour) else {
            return self.text.push_str(text);
        };
        let colour = match tone {
            Tone::Good => "32",
            Tone::Note => "36",
            Tone::Warn => "33",
            Tone::Bad => "1;31",
        };
        self.text.extend(["\x1b[", colour, "m", text, "\x1b[0m"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::sample::{hostile, now, rich};

    /// After a change that is meant: `UPDATE=1 cargo test --lib`, and read the difference.
    #[test]
    fn everything_is_at_a_glance_in_the_file_beside() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/snapshot/sample.txt");
        let said = text(&rich(), now(), Style::default());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(golden, &said).unwrap();
        }
        let expected = std::fs::read_to_string(golden).unwrap_or_default();
        assert!(said == expected, "{said}\nnot:\n{expected}");
    }

    #[test]
    fn tables_are_broken_at_the_edge_and_lose_nothing() {
        let whole = text(&rich(), now(), Style::default());
        for width in [1, 40, 80, 120] {
            let said = text(&rich(), now(), Style { colour: false, width: Some(width) });
            assert!(said.split_whitespace().eq(whole.split_whitespace()), "{width}: {said}");
            let (_, tables) = said.split_once("\nVIPS\n").unwrap();
            let fits = |line: &str| line.width() <= width || !line.trim_start().contains(GAP);
            assert!(tables.lines().all(fits), "{width}: {tables}");
        }
    }

    #[test]
    fn colours_change_nothing_else() {
        let plain = text(&rich(), now(), Style::default());
        let mut coloured = text(&rich(), now(), Style { colour: true, width: None });
        assert!(coloured.contains("\x1b[1;31mdown\x1b[0m"));
        for code in ["\x1b[0m", "\x1b[32m", "\x1b[36m", "\x1b[33m", "\x1b[1;31m"] {
            coloured = coloured.replace(code, "");
        }
        assert_eq!(coloured, plain);
    }

    #[test]
    fn nothing_from_outside_is_obeyed_by_a_terminal() {
        let said = text(&hostile(), now(), Style::default());
        let lines = said.lines().count();
        assert_eq!(lines, text(&rich(), now(), Style::default()).lines().count() + 1, "the error has a line");
        assert!(!said.contains(|c: char| c != '\n' && c.is_control()), "{said:?}");
        assert!(!said.contains('\u{202e}'));
    }
}
