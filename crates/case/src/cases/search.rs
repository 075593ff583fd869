//! Words of cases, in a table that both databases read alike.
//!
//! Text is brought to one form (NFKC, lower case) and cut at what is neither letter nor digit. Scripts
//! that put no spaces between words give every rest of a run, so that a word is found inside it. Terms
//! are bytes: PostgreSQL sorts text by language, and a prefix is a range only where bytes are sorted.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use crate::db::{Tx, Value};
use crate::error::CaseError;
use crate::ids::CaseId;

/// Longer ones are cut: an address of any chain is shorter.
const TERM_CHARS_MAX: usize = 128;
const REST_CHARS_MAX: usize = 12;
/// Per case, so that one long text does not fill the table.
const TERMS_MAX: usize = 20_000;
const WORDS_MAX: usize = 10;

/// Every word must begin some term of the case.
pub fn narrow(
    words: &str,
    wheres: &mut Vec<String>,
    values: &mut Vec<Value>,
) -> Result<(), CaseError> {
    let words: Vec<String> = runs(words).collect();
    if words.is_empty() || words.len() > WORDS_MAX {
        let found = format!("{} words", words.len());
        return Err(CaseError::field("search", found, format!("1 to {WORDS_MAX}")));
    }
    for word in words {
        let limit = if is_unspaced(&word) { REST_CHARS_MAX } else { TERM_CHARS_MAX };
        let from: String = word.chars().take(limit).collect();
        // No byte of UTF-8 is 255, so this is behind everything that begins so.
        let mut until = from.clone().into_bytes();
        until.push(u8::MAX);
        values.push(from.into_bytes().into());
        values.push(until.into());
        wheres.push(format!(
            "EXISTS (SELECT 1 FROM case_term t WHERE t.case_id = case_file.id AND t.term >= ${} AND t.term < ${})",
            values.len() - 1,
            values.len()
        ));
    }
    Ok(())
}

/// Writes the terms of a case anew where they changed.
pub fn index(tx: &mut Tx<'_>, id: CaseId) -> Result<(), CaseError> {
    let mut wanted = BTreeSet::new();
    let texts = "SELECT number, title, summary FROM case_file WHERE id = $1 \
        UNION ALL SELECT text, '', '' FROM case_note WHERE case_id = $1 \
        UNION ALL SELECT target, note, '' FROM case_link WHERE case_id = $1 \
        UNION ALL SELECT name, '', '' FROM case_evidence WHERE case_id = $1 \
        UNION ALL SELECT title, '', '' FROM case_task WHERE case_id = $1 \
        UNION ALL SELECT title, '', '' FROM case_incident WHERE case_id = $1";
    for row in tx.rows(texts, &[id.into()])? {
        for column in 0..3 {
            wanted.extend(terms(row.text(column)?));
        }
    }
    let wanted: BTreeSet<Vec<u8>> =
        wanted.into_iter().take(TERMS_MAX).map(String::into_bytes).collect();
    let mut held = BTreeSet::new();
    for row in tx.rows("SELECT term FROM case_term WHERE case_id = $1", &[id.into()])? {
        held.insert(row.bytes(0)?.to_vec());
    }
    for term in held.difference(&wanted) {
        let values = [id.into(), term.as_slice().into()];
        tx.run("DELETE FROM case_term WHERE case_id = $1 AND term = $2", &values)?;
    }
    for term in wanted.difference(&held) {
        let values = [id.into(), term.as_slice().into()];
        tx.run("INSERT INTO case_term (case_id, term) VALUES ($1, $2)", &values)?;
    }
    Ok(())
}

fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for run in runs(text) {
        if is_unspaced(&run) {
            let chars: Vec<char> = run.chars().collect();
            terms.extend(
                (0..chars.len()).map(|at| chars[at..].iter().take(REST_CHARS_MAX).collect()),
            );
        } else {
            terms.push(run.chars().take(TERM_CHARS_MAX).collect());
        }
    }
    terms
}

fn runs(text: &str) -> impl Iterator<Item = String> {
    let text: String = text.nfkc().collect::<String>().to_lowercase();
    let runs: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric() && !is_mark(c))
        .filter(|run| !run.is_empty())
        .map(str::to_string)
        .collect();
    runs.into_iter()
}

/// Vowel signs of Indic and other scripts are no letters, but no word ends at them.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Thai, Lao, Khmer, Burmese, Chinese and Japanese put no spaces between words.
fn is_unspaced(run: &str) -> bool {
    let unspaced = |c: char| {
        matches!(u32::from(c), 0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff
            | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
    };
    run.chars().any(unspaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_any_script_are_lower_cased_and_cut() {
        assert_eq!(terms("Straße, ÉTÉ ＡＢＣ-12"), ["straße", "été", "abc", "12"]);
        assert_eq!(terms("Лазарь Λάζαρος"), ["лазарь", "λάζαρος"]);
    }

    #[test]
    fn a_word_inside_a_run_without_spaces_is_a_term() {
        assert_eq!(terms("北京市"), ["北京市", "京市", "市"]);
    }
}
