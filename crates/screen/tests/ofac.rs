//! The real OFAC files, whole: what another program extracted is what we extract.

mod common;

use std::collections::BTreeSet;

use common::{DATES, day, extracted, ofac_list};
use model::{
    CountryKind, Family, ListVersion, Listing, NameKind, NameQuality, PartKind, Party, PartyKind,
};
use screen::{ParsedList, Screen};

/// One reading of both files for every story below: they are large.
#[test]
fn the_published_files() {
    let lists: Vec<_> = DATES.iter().map(|date| ofac_list(date)).collect();
    for (date, list) in DATES.iter().zip(&lists) {
        assert_eq!(list.version.date, day(date));
        extraction_equals_the_other_programs(date, &list.listings);
    }
    let counts = |of: fn(&ParsedList) -> usize| lists.iter().map(of).collect::<Vec<_>>();
    assert_eq!(counts(|list| list.listings.len()), [716, 748]);
    assert_eq!(counts(|list| list.duplicates), [1, 1]);
    assert_eq!(counts(|list| list.claims), [1, 1]);

    for list in &lists {
        parties_are_whole(list);
    }
    who_the_parties_are(&lists[1]);

    let versions: Vec<ListVersion> = lists.iter().map(|list| list.version.clone()).collect();
    let listings: Vec<Listing> = lists.iter().flat_map(|list| list.listings.clone()).collect();
    label_is_not_chain(&listings);
    what_validates_nowhere_is_kept(&listings);
    parties_programmes_and_dates(&listings);

    let screen = Screen::new(&versions, listings);
    every_extracted_address_is_a_hit(&screen);
    delisting_takes_effect_and_history_survives(&screen);
    before_the_first_stored_list_nothing_is_covered(&screen);
    legacy_forms_share_an_encoding(&screen);
    let answer = screen.screen("0x098B716B8Aaf21512996dC57EB0615e2383E2f96", day("2025-11-20"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer).expect("an answer is JSON"));
}

fn extraction_equals_the_other_programs(date: &str, listings: &[Listing]) {
    let ours: BTreeSet<(String, String)> = listings
        .iter()
        .map(|listing| (listing.asset_label.clone().unwrap_or_default(), listing.written.clone()))
        .collect();
    let theirs: BTreeSet<(String, String)> = extracted(date).into_iter().collect();
    let differ: Vec<_> = ours.symmetric_difference(&theirs).collect();
    assert!(differ.is_empty(), "{date}: {differ:?}");
}

/// Trap 1: OFAC's USDT is Tron, EVM and Bitcoin.
fn label_is_not_chain(listings: &[Listing]) {
    let families: BTreeSet<Family> = listings
        .iter()
        .filter(|listing| listing.asset_label.as_deref() == Some("USDT"))
        .flat_map(|listing| listing.identifier.families.clone())
        .collect();
    for family in [Family::Tron, Family::Evm, Family::Bitcoin] {
        assert!(families.contains(&family), "{families:?}");
    }
}

/// Trap 5: one XMR entry looks like a transaction's hash.
fn what_validates_nowhere_is_kept(listings: &[Listing]) {
    let claims: BTreeSet<&str> = listings
        .iter()
        .filter(|listing| listing.identifier.families.is_empty())
        .map(|listing| listing.written.as_str())
        .collect();
    let hash = "5be5543ff73456ab9f2d207887e2af87322c651ea1a873c5b25b7ffae456c320";
    assert_eq!(claims, BTreeSet::from([hash]));
}

fn parties_programmes_and_dates(listings: &[Listing]) {
    for listing in listings {
        assert!(listing.party.is_some() && listing.listed_on.is_some(), "{listing:?}");
        assert!(!listing.programmes.is_empty(), "{listing:?}");
    }
    let lazarus =
        listings.iter().find(|l| l.written == "0x098B716B8Aaf21512996dC57EB0615e2383E2f96");
    let lazarus = lazarus.expect("the Ronin thief is listed");
    assert_eq!(lazarus.party.as_deref(), Some("Lazarus Group"));
    assert_eq!(lazarus.party_id.as_deref(), Some("27307"));
    let names: BTreeSet<&str> = listings.iter().filter_map(|l| l.party.as_deref()).collect();
    for name in ["YAN, Xiaobing", "LIFSHITS, Artem Mikhaylovich", "SUEX OTC, S.R.O."] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
}

/// What holds of every party of the published files.
fn parties_are_whole(list: &ParsedList) {
    let mut ids = BTreeSet::new();
    for party in &list.parties {
        assert!(ids.insert(&party.id), "{} comes twice", party.id);
        assert_eq!(party.version, list.version);
        assert!(!party.names.is_empty(), "{} has no name", party.id);
        assert_eq!(party.names[0].kind, NameKind::Primary, "{}", party.id);
        assert_ne!(party.kind, PartyKind::Unknown, "{}", party.id);
        assert!(party.listed_on.is_some() && !party.programmes.is_empty(), "{}", party.id);
        for birth in &party.births {
            assert!(birth.earliest <= birth.latest, "{} {birth:?}", party.id);
        }
    }
    for listing in &list.listings {
        assert!(listing.party_id.as_ref().is_some_and(|id| ids.contains(id)), "{listing:?}");
    }
}

fn who_the_parties_are(list: &ParsedList) {
    // As many as the file has profiles.
    assert_eq!(list.parties.len(), 18_348);
    let of = |id: &str| list.parties.iter().find(|party| party.id == id).expect("is listed");

    let lazarus = of("27307");
    assert_eq!(lazarus.kind, PartyKind::Organisation);
    assert_eq!(lazarus.names[0].text, "Lazarus Group");
    let weak = lazarus.names.iter().find(|name| name.text == "Hidden Cobra").expect("an alias");
    assert_eq!((weak.kind, weak.quality), (NameKind::Alias, NameQuality::Low));

    let wang = of("45404");
    assert_eq!(wang.kind, PartyKind::Person);
    assert_eq!(wang.names[0].text, "WANG, Mingming");
    let parts: Vec<_> = wang.names[0].parts.iter().map(|p| (p.kind, p.text.as_str())).collect();
    assert_eq!(parts, [(PartKind::Family, "Wang"), (PartKind::Given, "Mingming")]);
    let own = wang.names.iter().find(|name| name.kind == NameKind::Original).expect("his own");
    assert_eq!((own.text.as_str(), own.language.as_deref()), ("王 明明", Some("und-Hans")));
    assert_eq!(wang.births[0].earliest, day("1989-03-12"));
    assert_eq!(wang.birth_places, ["Hebei, China"]);
    assert_eq!(wang.gender.as_deref(), Some("male"));
    let nationality = wang.countries.iter().find(|c| c.kind == CountryKind::Nationality);
    assert_eq!(nationality.map(|country| country.code.as_str()), Some("CN"));

    let ship = of("4238");
    assert_eq!((ship.kind, ship.names[0].text.as_str()), (PartyKind::Vessel, "MAR AZUL"));
    let flag = ship.countries.iter().find(|country| country.kind == CountryKind::Flag);
    assert_eq!(flag.map(|country| country.code.as_str()), Some("CU"));
    assert!(ship.documents.iter().any(|d| d.kind == "Vessel Call Sign" && d.number == "CL2192"));
    assert!(list.parties.iter().any(|party| party.kind == PartyKind::Aircraft));
    assert!(list.parties.iter().flat_map(|party| &party.births).any(|birth| birth.is_about));
    let imo = |p: &&Party| p.documents.iter().any(|d| d.number.starts_with("IMO "));
    assert!(list.parties.iter().filter(imo).count() > 500);
}

fn every_extracted_address_is_a_hit(screen: &Screen) {
    for date in DATES {
        for (label, address) in extracted(date) {
            let answer = screen.screen(&address, day(date));
            assert!(
                answer.hits.iter().any(|hit| hit.asset_label.as_deref() == Some(label.as_str())),
                "{date}: {label} {address}: {answer:?}"
            );
        }
    }
}

/// Trap 6: Tornado Cash left the list on 21 March 2025.
fn delisting_takes_effect_and_history_survives(screen: &Screen) {
    let tornado = "0x8589427373D6D84E98730D7795D8f6f8731FDA16";
    let before = screen.screen(tornado, day("2025-03-05"));
    assert_eq!(before.hits.len(), 1, "{before:?}");
    assert_eq!(before.hits[0].absent_since, Some(day("2025-11-19")));
    let after = screen.screen(tornado, day("2025-11-20"));
    assert!(after.hits.is_empty(), "{after:?}");
    assert_eq!(after.former.len(), 1);
    assert_eq!(after.former[0].last_seen, day("2025-03-04"));
    assert_eq!(after.former[0].list_date, day("2025-11-19"));
}

fn before_the_first_stored_list_nothing_is_covered(screen: &Screen) {
    let answer = screen.screen("0x098B716B8Aaf21512996dC57EB0615e2383E2f96", day("2024-01-01"));
    assert!(answer.hits.is_empty() && !answer.covered, "{answer:?}");
    assert_eq!(answer.searched.len(), 1);
    assert_eq!((answer.searched[0].covered, answer.searched[0].list_date), (false, None));
}

/// Trap 2: a BCH or BSV legacy form is a Bitcoin address too, and is found as both.
fn legacy_forms_share_an_encoding(screen: &Screen) {
    let bsv = &extracted("2025-11-19")
        .into_iter()
        .find(|(label, _)| label == "BSV")
        .expect("one BSV address")
        .1;
    let answer = screen.screen(bsv, day("2025-11-19"));
    assert!(answer.identifier.families.contains(&Family::Bitcoin), "{answer:?}");
    assert!(answer.identifier.families.contains(&Family::BitcoinSv), "{answer:?}");
}
