//! Countries as lists write them, to their ISO 3166-1 alpha-2 code.
//!
//! Codes and English names are those of the public-domain `iso3166.tab` of the time zone
//! database, with the forms that lists use beside them. A country of the past (Yugoslavia)
//! and a name that is none have no code.

use std::collections::HashMap;
use std::sync::LazyLock;

static TABLE: &str = include_str!("countries.tsv");

static CODES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut codes = HashMap::new();
    for line in TABLE.lines() {
        let mut fields = line.split('\t').filter(|field| !field.is_empty());
        let Some(code) = fields.next() else { continue };
        codes.insert(plain(code), code);
        for name in fields {
            codes.entry(plain(name)).or_insert(code);
        }
    }
    codes
});

/// The code of a country by its code of two or three letters, or its name.
pub fn code(written: &str) -> Option<&'static str> {
    CODES.get(&plain(written)).copied()
}

/// Letters and digits in lower case, words apart by one blank, without a leading `the`.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_lowercase).collect();
    match words.split_first() {
        Some((first, rest)) if first == "the" && !rest.is_empty() => rest.join(" "),
        _ => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn codes_and_names_as_lists_write_them() {
        for (written, expected) in [
            ("KP", Some("KP")),
            ("prk", Some("KP")),
            ("Democratic People's Republic of Korea", Some("KP")),
            ("Korea, North", Some("KP")),
            ("Iran (Islamic Republic of)", Some("IR")),
            ("  The Gambia ", Some("GM")),
            ("Türkiye", Some("TR")),
            ("former Soviet Union", None),
            ("", None),
        ] {
            assert_eq!(code(written), expected, "{written:?}");
        }
    }
}
