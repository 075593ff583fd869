//! Lines that fit: coloured or not, none is longer than the terminal is wide.

use super::super::Style;
use super::super::words::Class;

pub struct Page<'a> {
    style: &'a Style,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Plain,
    Bold,
    Faint,
    Of(Class),
}

/// Text in one ink.
pub type Span = (Ink, String);

impl<'a> Page<'a> {
    pub fn new(style: &'a Style) -> Page<'a> {
        Page { style, text: String::new() }
    }

    pub fn width(&self) -> usize {
        self.style.width
    }

    /// One line; what does not fit is left out, and an ellipsis says so.
    pub fn line(&mut self, spans: &[Span]) {
        let width: usize = spans.iter().map(|(_, text)| columns(text)).sum();
        let mut room = if width > self.style.width {
            self.style.width.saturating_sub(1)
        } else {
            self.style.width
        };
        let mut line = String::new();
        for (ink, text) in spans {
            let kept = fitting(text, room);
            room = if kept.len() == text.len() { room - columns(kept) } else { 0 };
            line += &self.painted(*ink, kept);
        }
        if width > self.style.width {
            line.push('…');
        }
        self.text += line.trim_end();
        self.text.push('\n');
    }

    pub fn plain(&mut self, text: &str) {
        self.line(&[(Ink::Plain, text.to_string())]);
    }

    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    pub fn heading(&mut self, text: &str) {
        self.blank();
        self.line(&[(Ink::Bold, text.to_string())]);
    }

    /// A paragraph, broken between words; later lines are set in by `indent` more.
    pub fn wrap(&mut self, ink: Ink, first: &str, text: &str, indent: usize) {
        let mut line = first.to_string();
        let mut is_empty = true;
        let room = self.style.width.saturating_sub(indent.max(columns(first))).max(1);
        for word in text.split(' ').flat_map(|word| pieces(word, room)) {
            if !is_empty && columns(&line) + 1 + columns(word) > self.style.width {
                self.line(&[(ink, line)]);
                line = " ".repeat(indent);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            // Spaces within a term have done their work.
            line += &word.replace('\u{a0}', " ");
            is_empty = false;
        }
        self.line(&[(ink, line)]);
    }

    /// Columns that line up, the first to the left and the others to the right. False, and
    /// nothing written, where they do not fit.
    pub fn columns(&mut self, head: &[String], rows: &[Vec<String>]) -> bool {
        let width_of = |at: usize| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.chain(head.get(at)).map(|cell| columns(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..head.len()).map(width_of).collect();
        if 2 + widths.iter().sum::<usize>() + 2 * widths.len() > self.style.width + 2 {
            return false;
        }
        self.line(&[(Ink::Faint, set(head, &widths))]);
        for row in rows {
            self.plain(&set(row, &widths));
        }
        true
    }

    pub fn finish(self) -> String {
        self.text
    }

    fn painted(&self, ink: Ink, text: &str) -> String {
        match code(ink) {
            Some(code) if self.style.color && !text.is_empty() => {
                format!("\u{1b}[{code}m{text}\u{1b}[0m")
            }
            _ => text.to_string(),
        }
    }
}

fn set(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::from("  ");
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let pad = " ".repeat(width.saturating_sub(columns(cell)));
        line += &if at == 0 { format!("{cell}{pad}") } else { format!("  {pad}{cell}") };
    }
    line
}

fn code(ink: Ink) -> Option<&'static str> {
    match ink {
        Ink::Plain | Ink::Of(Class::Passed | Class::Transaction | Class::Group) => None,
        Ink::Bold | Ink::Of(Class::Source) => Some("1"),
        Ink::Faint | Ink::Of(Class::Cut) => Some("2"),
        Ink::Of(Class::Listed) => Some("1;31"),
        Ink::Of(Class::Mixer) => Some("35"),
        Ink::Of(Class::Bridge) => Some("32"),
        Ink::Of(Class::Swap) => Some("36"),
        Ink::Of(Class::Service) => Some("34"),
        Ink::Of(Class::Resting) => Some("33"),
    }
}

/// Columns a text takes in a terminal.
pub fn columns(text: &str) -> usize {
    text.chars().map(wide).sum()
}

/// Two columns for East Asian and pictographic characters, one for all others; that is
/// never too few.
fn wide(c: char) -> usize {
    let is_wide = matches!(u32::from(c),
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xa960..=0xa97f | 0xac00..=0xd7a3
        | 0xf900..=0xfaff | 0xfe10..=0xfe19 | 0xfe30..=0xfe6f | 0xff00..=0xff60
        | 0xffe0..=0xffe6 | 0x1f000..=0x1faff | 0x20000..=0x3fffd);
    if is_wide { 2 } else { 1 }
}

/// A word as it is, or in parts where no line is long enough for it.
fn pieces(mut word: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    while columns(word) > room {
        let piece = fitting(word, room);
        if piece.is_empty() {
            break;
        }
        pieces.push(piece);
        word = &word[piece.len()..];
    }
    pieces.push(word);
    pieces
}

/// The text, its end an ellipsis where it is too long.
pub fn shortened(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_string();
    }
    format!("{}…", fitting(text, room.saturating_sub(1)).trim_end())
}

/// As much of the beginning as fits.
pub fn fitting(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += wide(c);
        if used > room {
            return &text[..at];
        }
    }
    text
}
