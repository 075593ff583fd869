//! The United Nations' list: the published one whole, and what it does in small.

mod common;

use common::{day, fixture, open};
use model::{CountryKind, NameKind, NameQuality, Party, PartyKind};
use screen::lists::{ListError, ParsedList, un};

fn published() -> ParsedList {
    un::read(open(&fixture("un/UN_consolidated.xml.bz2")), "hash").expect("it reads")
}

#[test]
fn the_published_list() {
    let list = published();
    assert_eq!((list.version.list.as_str(), list.version.date), ("un", day("2026-02-27")));
    let of_kind = |kind| list.parties.iter().filter(|party| party.kind == kind).count();
    assert_eq!((of_kind(PartyKind::Person), of_kind(PartyKind::Organisation)), (730, 273));
    for party in &list.parties {
        assert_eq!(party.names[0].kind, NameKind::Primary, "{party:?}");
        assert!(party.names.iter().all(|name| !name.text.is_empty()), "{party:?}");
        assert!(party.listed_on.is_some(), "{party:?}");
        for birth in &party.births {
            assert!(birth.earliest <= birth.latest, "{party:?}");
        }
    }
    let names = || list.parties.iter().flat_map(|party| &party.names);
    let of_quality = |quality| names().filter(|name| name.quality == quality).count();
    assert!(of_quality(NameQuality::Low) > 500 && of_quality(NameQuality::Unsaid) > 500);
    let originals = names().filter(|name| name.kind == NameKind::Original).count();
    assert!((370..=378).contains(&originals), "{originals}");
    assert!(names().any(|name| name.kind == NameKind::Former));
    // No digital currency is on it, and no word of its comments may look like one.
    assert!(list.listings.is_empty(), "{:?}", list.listings);
}

#[test]
fn one_of_them_in_full() {
    let list = published();
    let of = |id: &str| list.parties.iter().find(|party| party.id == id).expect("is listed");
    let badege = of("CDi.001");
    assert_eq!(badege.names[0].text, "ERIC BADEGE");
    assert_eq!(badege.programmes, ["DRC"]);
    assert_eq!(badege.listed_on, Some(day("2012-12-31")));
    assert_eq!(badege.gender.as_deref(), Some("male"));
    assert_eq!(badege.births[0].earliest, day("1971-01-01"));
    assert_eq!(badege.births[0].latest, day("1971-12-31"));
    assert_eq!(badege.addresses, ["Rwanda, as of early 2016"]);
    let code = |party: &Party, kind| {
        let of_kind = party.countries.iter().find(|country| country.kind == kind);
        of_kind.map(|country| country.code.clone())
    };
    assert_eq!(code(badege, CountryKind::Nationality).as_deref(), Some("CD"));
    assert_eq!(code(badege, CountryKind::Residence).as_deref(), Some("RW"));
    // `Nov. 1973` stands where others have a date.
    let kaina = of("CDi.004");
    assert_eq!(kaina.births[0].latest, day("1973-11-30"));
}

/// Of nearly every country that is named the code is known.
#[test]
fn countries_have_codes() {
    let list = published();
    let countries: Vec<_> = list.parties.iter().flat_map(|party| &party.countries).collect();
    let unknown: Vec<_> = countries.iter().filter(|country| country.code.is_empty()).collect();
    assert!(unknown.len() * 100 < countries.len(), "{unknown:?}");
}

fn small(party: &str) -> Result<ParsedList, ListError> {
    let text = format!(
        "<CONSOLIDATED_LIST dateGenerated=\"2026-02-27T00:00:09.554Z\"><INDIVIDUALS><INDIVIDUAL>\
         <DATAID>7</DATAID><REFERENCE_NUMBER>QDi.001</REFERENCE_NUMBER>{party}\
         </INDIVIDUAL></INDIVIDUALS><ENTITIES/></CONSOLIDATED_LIST>"
    );
    un::read(text.as_bytes(), "hash")
}

#[track_caller]
fn one(party: &str) -> Party {
    let list = small(party).expect("a list");
    assert_eq!(list.parties.len(), 1);
    list.parties.into_iter().next().expect("one")
}

/// Trap 8: what is there and empty says nothing.
#[test]
fn empty_elements_say_nothing() {
    let party = one("<FIRST_NAME>ANNA</FIRST_NAME><SECOND_NAME/><GENDER/><INDIVIDUAL_ALIAS>\
         <QUALITY/><ALIAS_NAME/></INDIVIDUAL_ALIAS><INDIVIDUAL_ADDRESS><COUNTRY/></INDIVIDUAL_ADDRESS>\
         <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE/></INDIVIDUAL_DATE_OF_BIRTH><INDIVIDUAL_DOCUMENT/>");
    assert_eq!(party.names.len(), 1);
    assert_eq!(party.gender, None);
    assert!(party.addresses.is_empty() && party.births.is_empty() && party.documents.is_empty());
}

#[test]
fn dates_between_about_and_in_words() {
    let birth = |told: &str| {
        let party = one(&format!(
            "<FIRST_NAME>A</FIRST_NAME><INDIVIDUAL_DATE_OF_BIRTH>{told}</INDIVIDUAL_DATE_OF_BIRTH>"
        ));
        let birth = party.births.into_iter().next().expect("a birthday");
        (birth.earliest.to_string(), birth.latest.to_string(), birth.is_about)
    };
    let of = |from: &str, to: &str, about| (from.to_string(), to.to_string(), about);
    assert_eq!(
        birth(
            "<TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1961</FROM_YEAR><TO_YEAR>1958</TO_YEAR>"
        ),
        of("1958-01-01", "1961-12-31", false)
    );
    assert_eq!(
        birth("<TYPE_OF_DATE>APPROXIMATELY</TYPE_OF_DATE><YEAR>1965</YEAR>"),
        of("1965-01-01", "1965-12-31", true)
    );
    assert_eq!(
        birth("<TYPE_OF_DATE>EXACT</TYPE_OF_DATE><NOTE>Nov. 1973 </NOTE>"),
        of("1973-11-01", "1973-11-30", false)
    );
}

#[test]
fn an_address_in_the_comments_is_listed() {
    let eth = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";
    let list = small(&format!(
        "<FIRST_NAME>ANNA</FIRST_NAME><COMMENTS1>uses the wallet {eth}.</COMMENTS1>"
    ))
    .expect("a list");
    assert_eq!(list.listings.len(), 1);
    assert_eq!(list.listings[0].written, eth);
    assert_eq!(list.listings[0].party_id.as_deref(), Some("QDi.001"));
}

#[test]
fn a_cut_file_and_one_of_another_kind_are_refused() {
    let text = "<CONSOLIDATED_LIST dateGenerated=\"2026-02-27\"><INDIVIDUALS>\
        <INDIVIDUAL><DATAID>7</DATAID><FIRST_NAME>A</FIRST_NAME></INDIVIDUAL></INDIVIDUALS></CONSOLIDATED_LIST>";
    assert_eq!(un::read(text.as_bytes(), "").expect("whole").parties.len(), 1);
    for end in 0..text.len() {
        assert!(un::read(&text.as_bytes()[..end], "").is_err(), "cut at {end}");
    }
    for (text, said) in [
        ("<html/>", "the root element CONSOLIDATED_LIST"),
        ("<CONSOLIDATED_LIST/>", "dateGenerated"),
        ("<CONSOLIDATED_LIST dateGenerated=\"soon\"/>", "dateGenerated"),
    ] {
        let error = un::read(text.as_bytes(), "").expect_err("refused").to_string();
        assert!(error.contains(said), "{error}");
    }
}
