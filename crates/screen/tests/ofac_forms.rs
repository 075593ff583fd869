//! OFAC's other forms: CSV with its split remarks, and the plain XML.

mod common;

use std::io::BufRead;

use common::{day, fixture, open, shared};
use model::{CountryKind, NameKind, NameQuality, PartyKind};
use screen::lists::ofac::{self, csv::Tables};
use screen::lists::{ListError, ParsedList};

const XBT: &str = "1MLPqwaFFUBZePTjpR3nxRoK19Cv9mPCc7";
const LTC: &str = "LNwgtMxcKUQ51dw7bQL1yPQjBVZh6QEqsd";

fn csv(parties: &str, comments: &str) -> Result<ParsedList, ListError> {
    let tables = Tables {
        parties: parties.as_bytes(),
        names: None,
        addresses: None,
        comments: Some(comments.as_bytes()),
    };
    ofac::csv::read(tables, day("2025-01-01"), "hash")
}

fn row(id: u32, remarks: &str) -> String {
    format!(
        "{id},\"DOE, John\",\"individual\",\"CYBER2] [DPRK3\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"{remarks}\"\r\n"
    )
}

/// Trap 3: the remarks go on in the other table, cut at any byte.
#[test]
fn an_address_cut_between_two_tables_is_whole() {
    let remarks = format!(
        "DOB 1970; Digital Currency Address - XBT {XBT}; alt. Digital Currency Address - LTC {LTC}; Gender Male."
    );
    for at in (0..remarks.len()).filter(|at| remarks.is_char_boundary(*at)) {
        let (first, rest) = remarks.split_at(at);
        let list = csv(&row(1, first), &format!("1,\"{rest}\"\r\n\u{1a}")).expect("a list");
        let found: Vec<_> =
            list.listings.iter().map(|l| (l.asset_label.as_deref(), l.written.as_str())).collect();
        assert_eq!(found, [(Some("XBT"), XBT), (Some("LTC"), LTC)], "cut at {at}");
        assert_eq!(list.parties[0].gender.as_deref(), Some("male"), "cut at {at}");
    }
}

#[test]
fn remarks_hold_what_has_no_column() {
    let list = csv(
        &row(7, "DOB 09 Mar 1987; alt. DOB circa 1988; POB Tehran, Iran; nationality Iran; Passport T14553558 (Iran) issued 28 Oct 2008; a.k.a. 'Ensaniyat'; f.k.a. OLD NAME; Linked To: SOMEBODY."),
        "",
    )
    .expect("a list");
    let party = &list.parties[0];
    assert_eq!((party.id.as_str(), party.kind), ("7", PartyKind::Person));
    assert_eq!(party.programmes, ["CYBER2", "DPRK3"]);
    let names: Vec<_> = party.names.iter().map(|n| (n.text.as_str(), n.kind, n.quality)).collect();
    assert_eq!(
        names,
        [
            ("DOE, John", NameKind::Primary, NameQuality::Good),
            ("Ensaniyat", NameKind::Alias, NameQuality::Low),
            ("OLD NAME", NameKind::Former, NameQuality::Good),
        ]
    );
    assert_eq!(party.births[0].earliest, day("1987-03-09"));
    assert!(party.births[1].is_about);
    let passport = &party.documents[0];
    assert_eq!((passport.kind.as_str(), passport.number.as_str()), ("Passport", "T14553558"));
    assert_eq!(passport.country.as_deref(), Some("IR"));
    let born = party.countries.iter().find(|country| country.kind == CountryKind::Birth);
    assert_eq!(born.map(|country| country.code.as_str()), Some("IR"));
    assert_eq!(party.remarks.as_deref(), Some("Linked To: SOMEBODY"));
}

#[test]
fn a_table_that_is_none_is_refused_with_its_line() {
    for (text, said) in [
        ("name,address\n", "line 1: expected the 12 columns"),
        (&row(1, "x").replace("1,", "one,"), "line 1: expected the number of a party"),
        (&(row(1, "x") + "2,\"cut"), "line 2: expected the 12 columns"),
    ] {
        let error = csv(text, "").expect_err("refused").to_string();
        assert!(error.starts_with(said), "{error}");
    }
}

fn tables(of: impl Fn(&str) -> Box<dyn BufRead>) -> ParsedList {
    let tables = Tables {
        parties: of("sdn.csv"),
        names: Some(of("alt.csv")),
        addresses: Some(of("add.csv")),
        comments: Some(of("sdn_comments.csv")),
    };
    ofac::csv::read(tables, day("2019-12-01"), "hash").expect("it reads")
}

#[test]
fn rows_of_the_published_tables() {
    let list = tables(|name| open(&fixture("ofac/csv").join(name)));
    let addresses: Vec<_> = list
        .listings
        .iter()
        .map(|l| (l.written.as_str(), l.party.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        addresses,
        [
            ("149w62rY42aZBox8fGcmqNsXUzSStKeq8C", "KHORASHADIZADEH, Ali"),
            ("1AjZPMsnmpdK2Rv9KQNfMurTXinscVro9V", "GHORBANIYAN, Mohammad"),
        ]
    );
    let of = |id: &str| list.parties.iter().find(|party| party.id == id).expect("is listed");
    let aero = of("36");
    assert_eq!(aero.names[0].text, "AEROCARIBBEAN AIRLINES");
    assert_eq!(aero.names[1].text, "AERO-CARIBBEAN");
    assert_eq!(aero.addresses, ["Havana, Cuba"]);
    assert!(list.parties.iter().any(|party| party.kind == PartyKind::Vessel));
}

#[test]
fn the_whole_published_tables() {
    let Some(folder) = shared("sanctions/ofac/csv") else { return };
    let list = tables(|name| open(&folder.join(name)));
    assert_eq!(list.parties.len(), 7379);
    assert_eq!(list.listings.len(), 2);
    assert!(list.parties.iter().all(|party| !party.names.is_empty()));
}

const XML: &str = r#"<?xml version="1.0" standalone="yes"?>
<sdnList xmlns="https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML">
  <publshInformation><Publish_Date>11/19/2025</Publish_Date><Record_Count>2</Record_Count></publshInformation>
  <sdnEntry>
    <uid>45404</uid><firstName>Mingming</firstName><lastName>WANG</lastName><sdnType>Individual</sdnType>
    <programList><program>ILLICIT-DRUGS-EO14059</program></programList>
    <idList>
      <id><uid>1</uid><idType>Digital Currency Address - TRX</idType><idNumber>TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq</idNumber></id>
      <id><uid>2</uid><idType>Gender</idType><idNumber>Male</idNumber></id>
      <id><uid>3</uid><idType>Passport</idType><idNumber>E1</idNumber><idCountry>China</idCountry></id>
      <id><uid>4</uid><idType>Digital Currency Address - XBT</idType><idNumber> </idNumber></id>
    </idList>
    <akaList>
      <aka><uid>5</uid><type>a.k.a.</type><category>weak</category><lastName>MING</lastName></aka>
      <aka><uid>6</uid><type>f.k.a.</type><category>strong</category><lastName>LI</lastName><firstName>M</firstName></aka>
    </akaList>
    <nationalityList><nationality><uid>7</uid><country>China</country><mainEntry>true</mainEntry></nationality></nationalityList>
    <dateOfBirthList><dateOfBirthItem><uid>8</uid><dateOfBirth>12 Mar 1989</dateOfBirth></dateOfBirthItem></dateOfBirthList>
  </sdnEntry>
  <sdnEntry>
    <uid>4238</uid><lastName>MAR AZUL</lastName><sdnType>Vessel</sdnType>
    <programList><program>CUBA</program></programList>
    <vesselInfo><callSign>CL2192</callSign><vesselType>Tug</vesselType><vesselFlag>Cuba</vesselFlag></vesselInfo>
  </sdnEntry>
</sdnList>"#;

#[test]
fn the_plain_xml_says_the_same_in_less() {
    let list = ofac::read(XML.as_bytes(), "hash").expect("a list");
    assert_eq!((list.version.list.as_str(), list.version.date), ("ofac-sdn", day("2025-11-19")));
    let [wang, ship] = list.parties.as_slice() else { panic!("{:?}", list.parties) };
    let names: Vec<_> = wang.names.iter().map(|n| (n.text.as_str(), n.kind, n.quality)).collect();
    assert_eq!(
        names,
        [
            ("WANG, Mingming", NameKind::Primary, NameQuality::Good),
            ("MING", NameKind::Alias, NameQuality::Low),
            ("LI, M", NameKind::Former, NameQuality::Good),
        ]
    );
    assert_eq!(wang.births[0].earliest, day("1989-03-12"));
    assert_eq!((wang.gender.as_deref(), wang.documents.len()), (Some("male"), 1));
    assert_eq!((ship.kind, ship.documents[0].number.as_str()), (PartyKind::Vessel, "CL2192"));
    assert_eq!(list.listings.len(), 1);
    assert_eq!(list.listings[0].asset_label.as_deref(), Some("TRX"));
    assert_eq!(list.listings[0].party_id.as_deref(), Some("45404"));
}

#[test]
fn the_plain_xml_cut_anywhere_is_refused() {
    for end in 0..XML.len() {
        assert!(ofac::read(&XML.as_bytes()[..end], "").is_err(), "cut at {end}");
    }
}
