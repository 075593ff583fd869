//! How alike two words are, and by what: the same, the same sound, written without vowels, an initial,
//! a typing error. 0 where none holds, so that whatever is not found by a key or within the edits
//! counted here adds nothing to a score.

use super::fold::{Class, Origin, Word};
use super::score::Similarity;
use super::sound;

/// Less alike than this is not alike.
pub const LEAST: f64 = 0.65;
/// For each edit, in shares of the longer word.
const EDIT: f64 = 1.0;
/// People seldom mistake the first letter.
const FIRST_LETTER: f64 = 0.05;
/// Short legal forms are near too many words.
const FORM_LETTERS_MIN: usize = 6;
/// Two words written as one, or one as two.
pub const JOINED: f64 = 0.97;

/// How many edits a word of so many letters may have.
pub fn edits_max(letters: usize) -> usize {
    match letters {
        0..=3 => 0,
        4..=6 => 1,
        7..=10 => 2,
        _ => 3,
    }
}

/// Symmetric, in [0, 1].
pub fn likeness(one: &Word, other: &Word) -> (f64, Similarity) {
    if one.text == other.text {
        return (1.0, Similarity::Same);
    }
    let none = (0.0, Similarity::None);
    let classes = [one.class, other.class];
    if classes.iter().all(|class| matches!(class, Class::Name | Class::Initial))
        && let Some(likeness) = initial(one, other)
    {
        return (likeness, Similarity::Initial);
    }
    if ![one, other].iter().all(|word| may_be_misspelled(word)) {
        return none;
    }
    let heard = |origin| if origin == Origin::Pinyin { Origin::Latin } else { origin };
    let by_script = match (heard(one.origin), heard(other.origin)) {
        (Origin::Sign, _) | (_, Origin::Sign) => return none,
        (Origin::Unvowelled, Origin::Latin) => unvowelled(one, other),
        (Origin::Latin, Origin::Unvowelled) => unvowelled(other, one),
        (Origin::Hangul, Origin::Latin) | (Origin::Latin, Origin::Hangul) => korean(one, other),
        (Origin::Latin, Origin::Latin) => same_sound(one, other),
        _ => None,
    };
    let typed = edited(one, other);
    match by_script {
        Some((likeness, similarity)) if likeness >= typed => (likeness, similarity),
        _ if typed >= LEAST => (typed, Similarity::Typo),
        _ => none,
    }
}

fn may_be_misspelled(word: &Word) -> bool {
    match word.class {
        Class::Name | Class::Generic | Class::Title => true,
        Class::Form => word.text.len() >= FORM_LETTERS_MIN,
        Class::Number | Class::Initial | Class::Particle => false,
    }
}

fn initial(one: &Word, other: &Word) -> Option<f64> {
    let is_initial = |word: &Word| word.class == Class::Initial;
    let is_either = is_initial(one) != is_initial(other);
    (is_either && one.text.as_bytes().first() == other.text.as_bytes().first()).then_some(0.8)
}

/// The vowels that differ count against it; few consonants must have the same ones.
fn same_sound(one: &Word, other: &Word) -> Option<(f64, Similarity)> {
    if one.sound.consonants < 2 || one.sound.key != other.sound.key {
        return None;
    }
    let runs = one.sound.vowels.iter().zip(&other.sound.vowels);
    let mut differing = runs.filter(|(own, their)| *own & *their == 0).count();
    let (ending, their_ending) = (one.sound.ending, other.sound.ending);
    let last = |word: &Word| word.sound.vowels.last().copied().unwrap_or_default();
    if ending & their_ending == 0 && ending != 0 && last(one) & last(other) != 0 {
        differing += 1;
    }
    let letters = one.text.len().min(other.text.len());
    match (one.sound.consonants, differing) {
        (2, 0) => Some((0.92, Similarity::Sound)),
        (2, 1) if one.sound.vowels.len() > 1 && letters >= 5 => Some((0.80, Similarity::Sound)),
        (3.., 0) => Some((0.96, Similarity::Sound)),
        (3.., 1) => Some((0.88, Similarity::Sound)),
        (3.., 2) => Some((0.78, Similarity::Sound)),
        _ => None,
    }
}

fn unvowelled(without: &Word, with: &Word) -> Option<(f64, Similarity)> {
    if without.bones.key.is_empty() || !sound::is_unvowelled(&without.bones, &with.bones) {
        return None;
    }
    let likeness = match without.bones.key.len() {
        1 => 0.80,
        2 => 0.86,
        _ => 0.92,
    };
    Some((likeness, Similarity::Unvowelled))
}

fn korean(one: &Word, other: &Word) -> Option<(f64, Similarity)> {
    let is_one = !one.korean.is_empty() && one.korean == other.korean;
    is_one.then_some((0.86, Similarity::Romanised))
}

fn edited(one: &Word, other: &Word) -> f64 {
    let (own, their) = (one.text.as_bytes(), other.text.as_bytes());
    let longer = own.len().max(their.len());
    let most = edits_max(longer);
    if own.len().abs_diff(their.len()) > most {
        return 0.0;
    }
    let edits = Pattern::of(own).distance(their);
    if edits > most {
        return 0.0;
    }
    similarity_of(edits, longer, own.first() == their.first())
}

#[allow(clippy::cast_precision_loss, reason = "a few letters")]
fn similarity_of(edits: usize, longer: usize, same_first: bool) -> f64 {
    let first = if same_first { 0.0 } else { FIRST_LETTER };
    1.0 - EDIT * edits as f64 / longer as f64 - first
}

/// A word prepared for counting edits: insertions, deletions, substitutions and swaps of neighbours
/// (optimal string alignment), a bit for each of its letters.
/// Source: H. Hyyrö, A bit-vector algorithm for computing Levenshtein and Damerau edit distances, 2003.
#[derive(Clone, Debug)]
pub struct Pattern {
    places: [u64; PLACES],
    letters: usize,
}

impl Pattern {
    pub fn of(text: &[u8]) -> Pattern {
        let mut places = [0; PLACES];
        for (at, &letter) in text.iter().take(64).enumerate() {
            places[slot(letter)] |= 1 << at;
        }
        Pattern { places, letters: text.len().min(64) }
    }

    pub fn distance(&self, text: &[u8]) -> usize {
        if self.letters == 0 {
            return text.len();
        }
        let last = 1u64 << (self.letters - 1);
        let (mut positive, mut negative, mut diagonal, mut before) = (u64::MAX, 0u64, 0u64, 0u64);
        let mut distance = self.letters;
        for &letter in text {
            let places = self.places[slot(letter)];
            let swapped = ((!diagonal & places) << 1) & before;
            diagonal = ((places & positive).wrapping_add(positive) ^ positive)
                | places
                | negative
                | swapped;
            let up = negative | !(diagonal | positive);
            let down = diagonal & positive;
            distance += usize::from(up & last != 0);
            distance -= usize::from(down & last != 0);
            let up = (up << 1) | 1;
            positive = (down << 1) | !(diagonal | up);
            negative = up & diagonal;
            before = places;
        }
        distance
    }
}

const PLACES: usize = 37;

/// Letters and digits have a place each; folded text holds nothing else.
pub(crate) fn slot(letter: u8) -> usize {
    match letter {
        b'a'..=b'z' => usize::from(letter - b'a'),
        b'0'..=b'9' => usize::from(letter - b'0') + 26,
        _ => 36,
    }
}

/// Which letters it holds, and above those, which of a to z twice. Making it longer or shorter by one
/// letter changes one of these bits at most, any other edit two.
pub(crate) fn letters_of(text: &[u8]) -> u64 {
    text.iter().fold(0, |bits, &letter| {
        let once = 1 << slot(letter);
        let is_again = bits & once != 0 && letter.is_ascii_lowercase();
        bits | once | u64::from(is_again) << (PLACES + slot(letter) % 26)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::fold::fold;

    fn word(text: &str) -> Word {
        fold(text).words.remove(0)
    }

    fn check(one: &str, other: &str, expected: Similarity) {
        let (likeness, similarity) = likeness(&word(one), &word(other));
        assert_eq!(similarity, expected, "{one} {other} {likeness}");
    }

    #[test]
    fn words_are_alike_by_what_fits_best() {
        check("Putin", "PUTIN", Similarity::Same);
        check("Mohammed", "Muhammad", Similarity::Sound);
        check("محمد", "Muhammad", Similarity::Unvowelled);
        check("علي", "Ali", Similarity::Unvowelled);
        check("김", "Kim", Similarity::Romanised);
        check("V.", "Vladimir", Similarity::Initial);
        check("Ghamari", "Ghamrai", Similarity::Typo);
        check("Trading", "Tradng", Similarity::Typo);
        check("Limited", "Limitde", Similarity::Typo);
    }

    #[test]
    fn other_words_are_not_alike() {
        for (one, other) in [
            ("Lee", "Li"),
            ("Ali", "Eli"),
            ("Hassan", "Khan"),
            ("Smith", "Schmidt"),
            ("12", "13"),
            ("Ltd", "Lta"),
            ("الحسين", "Hasan"),
        ] {
            let own = fold(one).words;
            let (likeness, similarity) = likeness(&own[own.len() - 1], &word(other));
            assert_eq!((likeness, similarity), (0.0, Similarity::None), "{one} {other}");
        }
    }

    /// The plain table that the bits stand for.
    fn slow(one: &[u8], other: &[u8]) -> usize {
        let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
        for i in 0..=one.len() {
            for j in 0..=other.len() {
                rows[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let cost = usize::from(one[i - 1] != other[j - 1]);
                    let plain =
                        (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
                    let is_swap =
                        i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
                    if is_swap { plain.min(rows[i - 2][j - 2] + 1) } else { plain }
                };
            }
        }
        rows[one.len()][other.len()]
    }

    proptest! {
        #[test]
        fn edits_by_bits_are_edits_by_the_table(one in "[abc]{0,12}", other in "[abc]{0,12}") {
            let fast = Pattern::of(one.as_bytes()).distance(other.as_bytes());
            prop_assert_eq!(fast, slow(one.as_bytes(), other.as_bytes()));
        }

        #[test]
        fn likeness_is_symmetric_and_bounded(one in "[a-e]{1,9}", other in "[a-e]{1,9}") {
            let (one, other) = (fold(&one), fold(&other));
            for (own, their) in one.words.iter().zip(&other.words) {
                let forth = likeness(own, their);
                prop_assert_eq!(forth, likeness(their, own));
                prop_assert!((0.0..=1.0).contains(&forth.0));
            }
        }

        /// What the filter by letters leaves out has too many edits.
        #[test]
        fn one_edit_changes_at_most_two_letters(one in "[a-d01]{1,9}", other in "[a-d01]{1,9}") {
            let changed = (letters_of(one.as_bytes()) ^ letters_of(other.as_bytes())).count_ones();
            let edits = Pattern::of(one.as_bytes()).distance(other.as_bytes());
            prop_assert!(changed as usize + one.len().abs_diff(other.len()) <= 2 * edits);
        }
    }
}
