//! Names: people, companies, vessels, compared with the parties of the lists.
//!
//! In: the [`model::Party`]s of the versions in force, and a [`NameQuery`]. Out: the parties that
//! score at least a threshold, each with the name that matched and the [`Piece`]s its score is made of.
//!
//! [`fold`] turns a text into words that can be compared, whatever its script. [`likeness`] says how
//! alike two words are, [`weight`] how much a word tells, [`score`] puts them together, [`facts`] adds
//! births, countries and documents. [`index`] finds every party the score would find, without scoring
//! them all: what it leaves out cannot reach the threshold.

mod facts;
pub mod fold;
mod index;
pub mod likeness;
mod score;
mod sound;
mod weight;
mod words;

use std::collections::BTreeMap;

pub use facts::{Birth, NameQuery, imo_number};
pub use index::{Found, Names};
pub use score::{Piece, Similarity};

/// What a name must score, list by list.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    pub general: f64,
    /// Lists with another one.
    pub by_list: BTreeMap<String, f64>,
    /// Only these lists; none means all.
    pub only: Option<Vec<String>>,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { general: THRESHOLD, by_list: BTreeMap::new(), only: None }
    }
}

impl Thresholds {
    /// Nothing for a list that is left out.
    pub fn of(&self, list: &str) -> Option<f64> {
        let is_wanted = self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == list));
        is_wanted.then(|| self.by_list.get(list).copied().unwrap_or(self.general))
    }
}

/// From this score on, a name is a hit, where nobody asks for another.
pub const THRESHOLD: f64 = 0.80;
