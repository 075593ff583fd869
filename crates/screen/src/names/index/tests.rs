//! What is found is what scoring every name would find, and why.

use model::{
    CountryKind, Date, DateSpan, ListVersion, NameKind, NameQuality, Party, PartyCountry,
    PartyDocument, PartyKind, PartyName,
};
use proptest::prelude::*;

use super::*;
use crate::names::{Birth, Similarity, THRESHOLD};

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

fn party(id: &str, names: &[&str]) -> Party {
    let name = |text: &&str| PartyName {
        text: (*text).to_string(),
        kind: NameKind::Alias,
        quality: NameQuality::Good,
        parts: Vec::new(),
        language: None,
    };
    Party {
        version: ListVersion { list: "l".into(), date: day("2025-01-01"), file_hash: "h".into() },
        id: id.to_string(),
        kind: PartyKind::Unknown,
        names: names.iter().map(name).collect(),
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

fn sample() -> Names {
    let parties = [
        &["PUTIN, Vladimir Vladimirovich"][..],
        &["KIM, Jong Un", "김정은"],
        &["ABD AL-RAHMAN, Muhammad", "محمد عبد الرحمن"],
        &["Hassan General Trading Company LLC"],
        &["AL-GHAMARI, Muhammad Abd al-Karim"],
        &["中国电子进出口有限公司", "China Electronics Import & Export"],
        &["GARCIA LOPEZ, Maria"],
        &["L.X.C. Aviation"],
        &["5th Battalion"],
        &["Khattab"],
        &["NUR AL-DIN, Yusuf"],
        &["王明"],
    ];
    Names::new(
        parties.iter().enumerate().map(|(n, names)| party(&format!("{n:02}"), names)).collect(),
    )
}

fn ids(names: &Names, query: &NameQuery, least: f64) -> Vec<String> {
    names.search(query, &|_| Some(least)).iter().map(|found| found.party.id.clone()).collect()
}

fn check(query: &str, expected: &[&str]) {
    let names = sample();
    assert_eq!(ids(&names, &NameQuery::new(query), THRESHOLD), expected, "{query}");
}

#[test]
fn a_name_is_found_in_other_spellings_orders_and_scripts() {
    for query in [
        "Vladimir Vladimirovich Putin",
        "Putin Vladimir",
        "Wladimir Wladimirowitsch Putin",
        "Владимир Владимирович Путин",
        "Vladimir Vladimirovich Poutine",
        "فلاديمير فلاديميروفيتش بوتين",
    ] {
        check(query, &["00"]);
    }
    check("Kim Jong-un", &["01"]);
    check("Kim Jongun", &["01"]);
    check("김정은", &["01"]);
    check("Mohamed Abdurrahman", &["02"]);
    check("عبد الرحمن محمد", &["02"]);
    check("Mohammed Abdulkarim Alghamari", &["04"]);
    check("Youssef Nuraddin", &["10"]);
    check("LXC Aviation", &["07"]);
    check("5. Battalion", &["08"]);
    check("Hasan General Tradng Co", &["03"]);
}

#[test]
fn what_is_named_otherwise_is_not_found() {
    for query in [
        "General Trading Company LLC",
        "Corp",
        "Anas Hasan Khattab",
        "Maria Fernandez",
        "6th Battalion",
        "Vladimir Ivanov",
        "Kim",
        "al",
        "",
        "...",
    ] {
        check(query, &[]);
    }
}

#[test]
fn signs_of_one_sound_are_other_names() {
    check("王明", &["11"]);
    check("汪鸣", &[]);
    check("Wang Ming", &["11"]);
    check("中国电子进出口公司", &["05"]);
}

#[test]
fn births_countries_and_documents_confirm_or_speak_against() {
    let mut listed = party("1", &["Ali Hassan"]);
    let span = DateSpan {
        earliest: day("1965-01-01"),
        latest: day("1967-12-31"),
        is_about: false,
        written: "1965 to 1967".into(),
    };
    listed.births.push(span);
    let country =
        PartyCountry { kind: CountryKind::Nationality, code: "EG".into(), written: "Egypt".into() };
    listed.countries.push(country);
    let document =
        PartyDocument { kind: "Passport".into(), number: "A 123-456".into(), country: None };
    listed.documents.push(document);
    let names = Names::new(vec![listed]);
    let score = |query: NameQuery| {
        let found = names.search(&query, &|_| Some(0.5));
        found.first().map_or(0.0, |found| found.score)
    };
    let query = || NameQuery::new("Ali Hassan");
    let birth = |text: &str| Birth::parse(text).expect("a date");
    let plain = score(query());
    assert!(plain < 1.0 && plain > 0.95);
    assert!(score(query().with_birth(birth("1966-02-03"))) > plain);
    assert!(score(query().with_birth(birth("1968"))) == plain, "a year beside it says nothing");
    assert!(score(query().with_birth(birth("1990"))) < plain - 0.1);
    assert!(score(query().with_country("eg")) > plain);
    assert!(score(query().with_country("FR")) < plain);
    assert_eq!(
        score(query().with_birth(birth("1966")).with_country("EG").with_document("a123456")),
        1.0
    );
    assert!(score(NameQuery::new("Somebody Else").with_document("A123456")) >= 0.95);
    assert!(score(NameQuery::new("").with_document("A123456")) >= 0.95);
    assert_eq!(score(NameQuery::new("Somebody Else").with_document("A123457")), 0.0);
}

#[test]
fn a_score_is_the_sum_of_its_pieces() {
    let names = sample();
    for query in ["Putin V. V.", "Muhammad Abdul Rahman Ahmed", "Hassan Tradng", "Jong Kim Un"] {
        for found in names.search(&NameQuery::new(query), &|_| Some(0.3)) {
            let sum: f64 = found.pieces.iter().map(|piece| piece.contribution).sum();
            assert!((sum - found.score).abs() < 0.001, "{query}: {sum} {found:?}");
            assert!(found.pieces.iter().any(|piece| piece.contribution > 0.0));
        }
    }
    let found = names.search(&NameQuery::new("Wladimir Putin"), &|_| Some(0.3));
    let of = |query: Option<&str>| {
        let is = |piece: &&Piece| piece.query.as_deref() == query;
        found[0].pieces.iter().find(is).expect("a piece").similarity
    };
    assert_eq!(of(Some("wladimir")), Similarity::Sound);
    assert_eq!(of(Some("putin")), Similarity::Same);
    assert_eq!(of(None), Similarity::None);
}

#[test]
fn a_list_has_its_own_threshold_or_is_left_out() {
    let mut other = party("other", &["Ali Hassan"]);
    other.version.list = "m".into();
    let names = Names::new(vec![party("one", &["Ali Hasan"]), other]);
    let query = NameQuery::new("Ali Hassan");
    let found = |l: Option<f64>, m: Option<f64>| -> Vec<String> {
        let threshold = |list: &str| if list == "l" { l } else { m };
        names.search(&query, &threshold).iter().map(|found| found.party.id.clone()).collect()
    };
    assert_eq!(found(Some(0.8), Some(0.8)), ["other", "one"], "the better one first");
    assert_eq!(found(Some(0.96), Some(0.8)), ["other"]);
    assert_eq!(found(Some(0.8), None), ["one"]);
}

/// Words that are like one another in every way that counts.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("Muhammad"),
        Just("Mohamed"),
        Just("محمد"),
        Just("Yusuf"),
        Just("يوسف"),
        Just("al-"),
        Just("Abdul"),
        Just("Rahman"),
        Just("Abdurrahman"),
        Just("Trading"),
        Just("Tradnig"),
        Just("Co Ltd"),
        Just("GmbH"),
        Just("L.X.C."),
        Just("LXC"),
        Just("J."),
        Just("Jamal"),
        Just("Djamel"),
        Just("Kim"),
        Just("김"),
        Just("정은"),
        Just("Jong"),
        Just("Un"),
        Just("Jongun"),
        Just("王"),
        Just("明"),
        Just("Wang"),
        Just("Ming"),
        Just("5th"),
        Just("Hassan"),
        Just("Hasssn"),
        Just("Hussein"),
        Just("bin"),
        Just("Haji"),
        Just("Nur"),
        Just("Din"),
        Just("Nuruddin"),
        Just("Putin"),
        Just("Путин"),
        Just("Puting"),
        Just("De"),
        Just("La"),
    ];
    let made = "[a-d]{1,8}";
    let any = prop_oneof![4 => word.prop_map(str::to_string), 1 => made.prop_map(|word| word)];
    prop::collection::vec(any, 1..6).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Candidates and scores agree: nothing that scores enough is missed, whatever the threshold.
    #[test]
    fn what_is_found_is_what_scoring_everything_finds(
        listed in prop::collection::vec(prop::collection::vec(text(), 1..3), 1..30),
        query in text(),
        least in 0.05f64..1.0,
        birth in prop::option::of(1960i16..1990),
    ) {
        let party = |(n, names): (usize, &Vec<String>)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut party = party(&n.to_string(), &names);
            if n % 3 == 0 {
                let day = Date::new(1970 + i16::try_from(n).unwrap_or(0), 1, 1).expect("a date");
                let written = day.to_string();
                party.births.push(DateSpan { earliest: day, latest: day, is_about: false, written });
            }
            if n % 4 == 1 {
                party.names[0].quality = NameQuality::Low;
            }
            party
        };
        let names = Names::new(listed.iter().enumerate().map(party).collect());
        let mut query = NameQuery::new(&query);
        if let Some(year) = birth {
            query = query.with_birth(Birth::parse(&year.to_string()).expect("a year"));
        }
        let threshold = |_: &str| Some(least);
        prop_assert_eq!(names.search(&query, &threshold), names.exhaustive(&query, &threshold));
    }

    #[test]
    fn a_listed_name_finds_its_party(listed in prop::collection::vec(text(), 1..20)) {
        let party = |(n, name): (usize, &String)| party(&n.to_string(), &[name]);
        let names = Names::new(listed.iter().enumerate().map(party).collect());
        for (n, name) in listed.iter().enumerate() {
            let query = NameQuery::new(name);
            let found = ids(&names, &query, THRESHOLD);
            prop_assert!(found.contains(&n.to_string()), "{}", name);
        }
    }
}
