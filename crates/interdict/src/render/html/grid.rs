//! Tables: numbers to the right, addresses whole and ready to copy.

use model::{Account, Asset, U256};

use super::super::words::{Words, cut_to, plain};
use super::escape::html;
use super::svg::badge;

/// Rows of one table at most; the csv and json formats have them all.
pub const ROWS_MAX: usize = 2000;

pub enum Cell {
    Text(String),
    /// Rounded, and exact when pointed at.
    Number(String, String),
    /// Whole, with the badge of what it is and its label.
    Account(String),
    Code(String),
}

pub fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

pub fn count(n: usize) -> Cell {
    let n = n.to_string();
    Cell::Number(n.clone(), n)
}

pub fn number(words: &Words, asset: &Asset, base: U256) -> Cell {
    Cell::Number(words.number_aligned(asset, base), words.exact(asset, base))
}

/// A number and its unit.
pub fn amount(words: &Words, asset: &Asset, base: U256) -> Cell {
    let shown = format!("{} {}", words.number_aligned(asset, base), words.symbol(asset));
    Cell::Number(shown, words.exact(asset, base))
}

pub fn account(words: &Words, account: &Account) -> Cell {
    let class = words.class(account);
    let address = html(&account.address_text());
    let label = words
        .label(account)
        .map(|label| format!(" <span class=\"label\">{}</span>", html(&cut_to(&label, 40))));
    Cell::Account(format!(
        "<svg class=\"key c-{}\" width=\"18\" height=\"18\" viewBox=\"-9 -9 18 18\" aria-label=\"{}\">{}</svg><code data-copy=\"{address}\">{address}</code>{}",
        class.slug(),
        words.meaning(class),
        badge(class, 0.0, 0.0),
        label.unwrap_or_default(),
    ))
}

pub fn code(text: &str) -> Cell {
    Cell::Code(plain(text))
}

pub fn table(head: &[&str], rows: &[Vec<Cell>]) -> String {
    let is_number = |at: usize| {
        rows.first()
            .and_then(|row| row.get(at))
            .is_some_and(|cell| matches!(cell, Cell::Number(..)))
    };
    let mut out = String::from("<div class=\"scroll\"><table><thead><tr>");
    for (at, name) in head.iter().enumerate() {
        let class = if is_number(at) { " class=\"num\"" } else { "" };
        out += &format!("<th scope=\"col\"{class}>{}</th>", html(name));
    }
    out += "</tr></thead><tbody>\n";
    for row in rows.iter().take(ROWS_MAX) {
        let cells: String = row.iter().map(cell).collect();
        out += &format!("<tr>{cells}</tr>\n");
    }
    out += "</tbody></table></div>\n";
    if rows.len() > ROWS_MAX {
        let more = rows.len() - ROWS_MAX;
        out += &format!(
            "<p class=\"note\">… {more} more rows: the csv and json formats have them all.</p>\n"
        );
    }
    out
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) if text.chars().count() > 44 => {
            format!("<td class=\"wrap\">{}</td>", html(text))
        }
        Cell::Text(text) => format!("<td>{}</td>", html(text)),
        Cell::Number(shown, exact) if shown == exact => {
            format!("<td class=\"num\">{}</td>", html(shown))
        }
        Cell::Number(shown, exact) => {
            format!("<td class=\"num\" title=\"{}\">{}</td>", html(exact), html(shown))
        }
        Cell::Account(made) => format!("<td class=\"account\">{made}</td>"),
        Cell::Code(text) => {
            let text = html(text);
            format!("<td><code class=\"long\" data-copy=\"{text}\">{text}</code></td>")
        }
    }
}
