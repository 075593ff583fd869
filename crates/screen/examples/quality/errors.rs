//! Errors people make in names, made up from a seed: a typing error, two letters swapped, parts in
//! another order, a part left out, two parts written as one.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Error {
    Typed,
    Swapped,
    Reordered,
    Dropped,
    Joined,
}

pub const ALL: [Error; 5] =
    [Error::Typed, Error::Swapped, Error::Reordered, Error::Dropped, Error::Joined];

pub struct Errors(ChaCha8Rng);

impl Errors {
    pub fn new(seed: u64) -> Errors {
        Errors(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The name with one such error, or nothing where it has no room for it: a part is left out of
    /// three or more, and only longer words are mistyped.
    pub fn make(&mut self, error: Error, name: &str) -> Option<String> {
        let mut parts: Vec<String> = name
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|part| !part.is_empty())
            .map(str::to_string)
            .collect();
        match error {
            Error::Typed => self.mistype(&mut parts)?,
            Error::Swapped => {
                let (part, mut letters) = self.letters(&parts, 4)?;
                let at = 1 + self.below(letters.len() - 2);
                if letters[at] == letters[at + 1] {
                    return None;
                }
                letters.swap(at, at + 1);
                parts[part] = letters.into_iter().collect();
            }
            Error::Reordered => {
                if parts.len() < 2 {
                    return None;
                }
                let turns = 1 + self.below(parts.len() - 1);
                parts.rotate_left(turns);
            }
            Error::Dropped => {
                if parts.len() < 3 {
                    return None;
                }
                parts.remove(self.below(parts.len()));
            }
            Error::Joined => {
                if parts.len() < 2 {
                    return None;
                }
                let at = self.below(parts.len() - 1);
                let next = parts.remove(at + 1);
                parts[at].push_str(&next);
            }
        }
        Some(parts.join(" "))
    }

    /// One letter left out, doubled, put in or put in another's place.
    fn mistype(&mut self, parts: &mut [String]) -> Option<()> {
        let (part, mut letters) = self.letters(parts, 5)?;
        let at = 1 + self.below(letters.len() - 1);
        let other = char::from(b'a' + u8::try_from(self.below(26)).unwrap_or(0));
        match self.below(4) {
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, letters[at]),
            2 => letters.insert(at, other),
            _ => letters[at] = other,
        }
        parts[part] = letters.into_iter().collect();
        Some(())
    }

    /// Any part of so many letters, in pieces.
    fn letters(&mut self, parts: &[String], least: usize) -> Option<(usize, Vec<char>)> {
        let is_long = |part: &&usize| {
            parts[**part].chars().filter(|c| c.is_alphabetic()).count() >= least
                && parts[**part].chars().all(char::is_alphabetic)
        };
        let places: Vec<usize> = (0..parts.len()).collect();
        let long: Vec<usize> = places.iter().filter(is_long).copied().collect();
        if long.is_empty() {
            return None;
        }
        let part = long[self.below(long.len())];
        Some((part, parts[part].chars().collect()))
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.0.next_u64() % bound.max(1) as u64).unwrap_or(0)
    }
}
