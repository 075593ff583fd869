//! How much a word tells: a rare name much, Muhammad and Trading little, an article next to nothing.
//!
//! The lists themselves say how rare a word is: by how many parties bear it, in any spelling that
//! sounds the same. Every weight has a floor, so that no name of common words weighs nothing.

use std::collections::HashMap;

use super::fold::{Class, Word};

/// A name that every party bears weighs this; one that nobody bears weighs 1.
const FLOOR: f64 = 0.50;
/// Small lists cannot tell what is rare: they count as one of so many parties.
const PARTIES_MIN: usize = 1000;

/// How many parties bear each word.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    parties: usize,
    bearers: HashMap<String, usize>,
}

impl Weights {
    /// One party's words, each counted once however many of its names hold it.
    pub fn count<'a>(&mut self, words: impl Iterator<Item = &'a Word>) {
        self.parties += 1;
        let mut groups: Vec<String> = words.map(group).collect();
        groups.sort_unstable();
        groups.dedup();
        for group in groups {
            *self.bearers.entry(group).or_default() += 1;
        }
    }

    /// In (0, 1].
    pub fn of(&self, word: &Word) -> f64 {
        match word.class {
            Class::Form => 0.06,
            Class::Particle => 0.10,
            Class::Title => 0.20,
            Class::Initial => 0.30,
            Class::Number => 0.80,
            Class::Generic => self.by_rarity(word).min(0.50),
            Class::Name => self.by_rarity(word),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of parties are far below 2^52")]
    fn by_rarity(&self, word: &Word) -> f64 {
        let bearers = self.bearers.get(&group(word)).copied().unwrap_or(0).max(1) as f64;
        let parties = self.parties.max(PARTIES_MIN) as f64;
        FLOOR + (1.0 - FLOOR) * (1.0 - bearers.ln() / parties.ln())
    }
}

/// Spellings of one name count together; a word too short for that stands for itself.
fn group(word: &Word) -> String {
    if word.sound.consonants >= 3 { format!("~{}", word.sound.key) } else { word.text.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::fold::fold;

    #[test]
    fn common_words_weigh_little_and_never_nothing() {
        let mut weights = Weights::default();
        for n in 0..2000 {
            let common = if n % 2 == 0 { "Muhammad" } else { "Mohamed" };
            let folded =
                fold(&format!("{common} {common} Trading al-{}", ["Rare", "Other"][n.min(1)]));
            weights.count(folded.words.iter());
        }
        let of = |text: &str| weights.of(&fold(text).words[0]);
        assert!(of("Mohammed") < FLOOR + 0.01 && of("Mohammed") >= FLOOR);
        assert!(of("Trading") >= FLOOR);
        assert!(of("Rare") > 0.9 && of("Unheard") > 0.9);
        assert!(weights.of(&fold("x al y").words[1]) <= 0.10);
    }

    #[test]
    fn a_small_list_does_not_make_common_words_rare() {
        let mut weights = Weights::default();
        weights.count(fold("Hassan General Trading").words.iter());
        assert!(weights.of(&fold("Trading").words[0]) <= 0.50);
    }
}
