//! The picture: a trace's report, written for people.
//!
//! In: a [`trace::Report`]. Out: text, and nothing else happens. [`html()`] is one file that
//! opens in any browser without a network, [`table()`] a tree for the terminal, [`csv()`] the
//! edges for a spreadsheet, [`dot()`] a graph for Graphviz. All four say the same in the same
//! [`words`]; [`flow`] is the report as places and streams. Every text that comes from outside
//! (labels, symbols, names of parties) passes through [`plain`] and the escaping of its format.

mod csv;
mod dot;
mod flow;
mod html;
mod table;
mod words;

pub use self::csv::csv;
pub use self::dot::dot;
pub use self::html::html;
pub use self::table::table;
pub use self::words::plain;

/// What stands above a trace, beside the report itself.
#[derive(Clone, Debug, Default)]
pub struct Heading {
    pub title: String,
    /// What a case file says of the case; may be empty.
    pub summary: String,
    /// Who may see it, where somebody said so.
    pub marking: Option<model::Marking>,
}

/// How a terminal wants its text.
pub struct Style {
    pub color: bool,
    /// No line is longer.
    pub width: usize,
}
