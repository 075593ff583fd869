//! Whatever somebody asks for by name: it is folded in bounded memory, a name finds itself, and no hit
//! is missed that scoring every name would find. Lines are names; the first is asked for.

#![no_main]

use model::{Date, ListVersion, NameKind, NameQuality, Party, PartyKind, PartyName};
use screen::names::{NameQuery, Names, THRESHOLD};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let lines: Vec<&str> = text.lines().take(16).collect();
    let Some(asked) = lines.first() else { return };
    let names = Names::new(lines.iter().enumerate().map(|(n, line)| party(n, line)).collect());
    let query = NameQuery::new(asked);
    for least in [THRESHOLD, 0.3] {
        let found = names.search(&query, &|_| Some(least));
        assert_eq!(found, names.exhaustive(&query, &|_| Some(least)), "{text:?}");
        assert!(found.iter().all(|found| (least..=1.0).contains(&found.score)));
    }
    if !query.folded.words.is_empty() {
        let found = names.search(&query, &|_| Some(THRESHOLD));
        assert!(found.iter().any(|found| found.party.id == "0"), "{asked:?} does not find itself");
    }
});

fn party(n: usize, name: &str) -> Party {
    let date = Date::constant(2025, 2, 26);
    Party {
        version: ListVersion { list: "list".to_string(), date, file_hash: "hash".to_string() },
        id: n.to_string(),
        kind: PartyKind::Unknown,
        names: vec![PartyName {
            text: name.to_string(),
            kind: NameKind::Primary,
            quality: NameQuality::Good,
            parts: Vec::new(),
            language: None,
        }],
        births: Vec::new(),
        birth_places: Vec::new(),
        countries: Vec::new(),
        documents: Vec::new(),
        gender: None,
        addresses: Vec::new(),
        programmes: Vec::new(),
        listed_on: None,
        expires_on: None,
        remarks: None,
    }
}
