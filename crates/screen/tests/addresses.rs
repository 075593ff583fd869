//! A plain list of addresses, and what people put into one.

use model::Date;
use screen::lists::{ListError, ParsedList, addresses};

const A: &str = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";
const B: &str = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT";

fn read(bytes: &[u8]) -> Result<ParsedList, ListError> {
    let date: Date = "2025-02-26".parse().expect("a date");
    addresses::read(bytes, "fbi-psa250226", date, "hash")
}

#[track_caller]
fn check(text: &str, expected: &[(&str, Option<&str>)]) {
    let list = read(text.as_bytes()).expect("a list");
    let found: Vec<_> =
        list.listings.iter().map(|l| (l.written.as_str(), l.party.as_deref())).collect();
    assert_eq!(found, expected);
}

#[test]
fn lines_comments_and_blanks() {
    check(&format!("\u{feff}# FBI\n{A}\n\n  {B} # seen twice\r\n"), &[(A, None), (B, None)]);
    check("", &[]);
    check("\n\n#\n", &[]);
}

/// A query is freed of them, so a list that kept them would not be found.
#[test]
fn invisible_characters_are_no_part_of_an_address() {
    check(&format!("{A}\u{feff}\n\u{200b}\"{B}\u{2060}\"\n\u{200b}\n"), &[(A, None), (B, None)]);
}

#[test]
fn a_second_column_says_whose_it_is() {
    check(
        &format!("address,note\n{A},TraderTraitor\n\"{B}\",\"Smith, \"\"Joe\"\"\"\n"),
        &[(A, Some("TraderTraitor")), (B, Some("Smith, \"Joe\""))],
    );
}

#[test]
fn the_same_address_twice_is_one_listing() {
    let list = read(format!("{A}\n{}\n", A.to_lowercase()).as_bytes()).expect("a list");
    assert_eq!((list.listings.len(), list.duplicates), (1, 1));
}

#[test]
fn what_is_no_address_is_kept_as_a_claim() {
    let list = read(format!("{A}\naccount 4711\n").as_bytes()).expect("a list");
    assert_eq!((list.listings.len(), list.claims), (2, 1));
    assert_eq!(list.version.list, "fbi-psa250226");
}

#[test]
fn an_error_names_its_line() {
    for (bytes, expected) in [
        (b"ok\n\xff\xfe\n".as_slice(), "line 2: expected UTF-8 text"),
        (b"ok\nx\0y\n".as_slice(), "line 2: expected text, found a zero byte"),
        ([b'a'; 5000].as_slice(), "line 1: expected at most 4096 bytes"),
    ] {
        let error = read(bytes).expect_err("it is refused");
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
