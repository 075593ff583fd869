//! Parties made by hand.
#![allow(dead_code, reason = "each file of tests uses its part")]

use model::{Date, DateSpan, ListVersion, NameKind, NameQuality, Party, PartyKind, PartyName};

pub fn party(id: &str, names: &[&str]) -> Party {
    let date: Date = "2025-01-01".parse().expect("a date");
    Party {
        version: ListVersion { list: "l".into(), date, file_hash: "h".into() },
        id: id.to_string(),
        kind: PartyKind::Unknown,
        names: names.iter().map(|text| name(text)).collect(),
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

pub fn name(text: &str) -> PartyName {
    PartyName {
        text: text.to_string(),
        kind: NameKind::Alias,
        quality: NameQuality::Good,
        parts: Vec::new(),
        language: None,
    }
}

pub fn born(day: &str) -> DateSpan {
    let date: Date = day.parse().expect("a date");
    DateSpan { earliest: date, latest: date, is_about: false, written: day.to_string() }
}
