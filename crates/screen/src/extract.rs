//! Addresses in free text: a notice, a report, a mail.
//!
//! In: text. Out: what validates as an address of a known format, in order, each once. Words
//! are told from addresses by their checksums. Solana has none: a word of its length must at
//! least mix small and capital letters with digits. An EVM address with a wrong checksum is
//! given too, since somebody meant one; [`Found::is_valid`] says so. Addresses that a line
//! break cuts in two are put together where only the whole validates.

use std::collections::HashSet;

use model::{Family, Identifier};

use crate::query::lookup_text;

/// An address that stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As it is written, without the line break in it.
    pub written: String,
    pub identifier: Identifier,
    /// Counted from 1.
    pub line: usize,
}

impl Found {
    /// False where a wrong checksum says that a character is mistyped.
    pub fn is_valid(&self) -> bool {
        !self.identifier.families.is_empty()
    }
}

/// The shortest address of a known format is of 25 characters, an abbreviated XRP one apart.
const LEN_MIN: usize = 25;
/// A CAIP-2 chain before the longest.
const LEN_MAX: usize = 160;

/// Every address of the text.
pub fn addresses(text: &str) -> Vec<Found> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let words = words(text);
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        let whole = read_word(word.text);
        let joined = words.get(at + 1).filter(|next| next.is_after_break && whole.is_empty());
        let joined = joined.and_then(|next| read_whole(&format!("{}{}", word.text, next.text)));
        at += 1 + usize::from(joined.is_some());
        for (written, identifier) in whole.into_iter().chain(joined) {
            if seen.insert(lookup_text(&identifier)) {
                found.push(Found { written, identifier, line: word.line });
            }
        }
    }
    found
}

struct Word<'a> {
    text: &'a str,
    line: usize,
    /// Is there nothing but a line break between it and the word before?
    is_after_break: bool,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let mut is_first = true;
        let mut start = None;
        // The end of the line ends the last word.
        let ends = content.char_indices().chain([(content.len(), ' ')]);
        for (at, c) in ends {
            if c.is_ascii_alphanumeric() || c == ':' {
                start.get_or_insert(at);
                continue;
            }
            if let Some(from) = start.take() {
                let is_last_of_before = words.last().is_some_and(|word: &Word<'_>| {
                    word.line + 1 == line && is_first && content[..from].trim().is_empty()
                });
                let text = content[from..at].trim_matches(':');
                words.push(Word { text, line, is_after_break: is_last_of_before });
                is_first = false;
            }
        }
    }
    words
}

fn read_word(word: &str) -> Vec<(String, Identifier)> {
    if let Some(found) = read_whole(word) {
        return vec![found];
    }
    // `address:0x…` is not one word to a reader.
    let parts: Vec<&str> = word.split(':').collect();
    if parts.len() < 2 {
        return Vec::new();
    }
    parts.into_iter().filter_map(read_whole).collect()
}

fn read_whole(word: &str) -> Option<(String, Identifier)> {
    if !(LEN_MIN..=LEN_MAX).contains(&word.len()) {
        return None;
    }
    let identifier = Identifier::parse(word);
    let is_address = match identifier.families.as_slice() {
        [] => is_evm_shape(word),
        [Family::Solana] => is_mixed(word),
        _ => true,
    };
    is_address.then(|| (word.to_string(), identifier))
}

fn is_evm_shape(word: &str) -> bool {
    let digits = word.strip_prefix("0x");
    digits.is_some_and(|d| d.len() == 40 && d.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_mixed(word: &str) -> bool {
    let has = |is: fn(&u8) -> bool| word.bytes().any(|b| is(&b));
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVM: &str = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";
    const BTC: &str = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT";
    const SEGWIT: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    const TRON: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found = addresses(text);
        let written: Vec<&str> = found.iter().map(|found| found.written.as_str()).collect();
        assert_eq!(written, expected, "{text}");
    }

    #[test]
    fn addresses_stand_between_words_marks_and_brackets() {
        check(&format!("sent to {EVM}, then to ({BTC})."), &[EVM, BTC]);
        check(&format!("XBT:{BTC};USDT \"{TRON}\"\t{SEGWIT}"), &[BTC, TRON, SEGWIT]);
        check(&format!("bitcoin:{BTC}?amount=1"), &[&format!("bitcoin:{BTC}")]);
        check(&format!("https://etherscan.io/address/{EVM}#code"), &[EVM]);
    }

    #[test]
    fn the_same_address_counts_once_however_it_is_written() {
        check(&format!("{EVM} and {}", EVM.to_lowercase()), &[EVM]);
    }

    #[test]
    fn words_hashes_and_numbers_are_no_addresses() {
        check("Responsibilities of the counterintelligence organisation", &[]);
        check("pneumonoultramicroscopicsilicovolcanoconiosis", &[]);
        let hash = "0x5be5543ff73456ab9f2d207887e2af87322c651ea1a873c5b25b7ffae456c320";
        check(hash, &[]);
        check("passport 012345678901234567890123456789", &[]);
        check("", &[]);
        check(&BTC.replace('B', "C"), &[]);
    }

    #[test]
    fn a_mistyped_checksum_is_given_and_told() {
        let mistyped = EVM.replace("098B", "098b");
        let found = addresses(&mistyped);
        assert_eq!(found.len(), 1);
        assert!(!found[0].is_valid());
    }

    #[test]
    fn a_line_break_does_not_cut_an_address() {
        let (first, second) = EVM.split_at(20);
        check(&format!("at {first}\n  {second} and"), &[EVM]);
        // Two whole ones on two lines stay two.
        check(&format!("{BTC}\n{TRON}"), &[BTC, TRON]);
        assert_eq!(addresses(&format!("a\nb\n{BTC}"))[0].line, 3);
    }

    proptest::proptest! {
        #[test]
        fn every_valid_address_is_found_between_other_text(
            before in "[ -~]{0,30}[ ,;(]", after in "[ ,;).][ -~]{0,30}",
        ) {
            for address in [EVM, BTC, SEGWIT, TRON] {
                let text = format!("{before}{address}{after}");
                let found = addresses(&text);
                proptest::prop_assert!(found.iter().any(|found| found.written == address), "{text}");
            }
        }

        #[test]
        fn any_text_is_read(text in ".*") {
            let _ = addresses(&text);
        }
    }
}
