//! OFAC's format told in small: new assets, odd entries, and files that are not
//! what they should be.

use std::io::{BufReader, Read, Write};

use model::{Family, Listing};
use screen::lists::{self, ListError, ParsedList, ofac};

const ETH: &str = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";

/// A whole file with one party: its features, and what stands before the root.
fn file(head: &str, features: &str) -> String {
    format!(
        r#"{head}<Sanctions xmlns="http://www.un.org/sanctions/1.0" Version="3">
  <DateOfIssue CalendarTypeID="1"><Year>2026</Year><Month>7</Month><Day>1</Day></DateOfIssue>
  <ReferenceValueSets>
    <FeatureTypeValues>
      <FeatureType ID="25" FeatureTypeGroupID="1">Location</FeatureType>
      <FeatureType ID="345" FeatureTypeGroupID="1">Digital Currency Address - ETH</FeatureType>
      <FeatureType ID="996" FeatureTypeGroupID="1">Digital Currency Address - DOGE</FeatureType>
    </FeatureTypeValues>
    <ListValues><List ID="1550">SDN List</List><List ID="9">Consolidated List</List></ListValues>
    <SanctionsTypeValues><SanctionsType ID="1">Program</SanctionsType><SanctionsType ID="2">Block</SanctionsType></SanctionsTypeValues>
  </ReferenceValueSets>
  <Locations><Location ID="1"/></Locations>
  <DistinctParties>
    <DistinctParty FixedRef="7"><Comment />
      <Profile ID="7" PartySubTypeID="3">
        <Identity ID="1" Primary="true">
          <Alias Primary="false"><DocumentedName><DocumentedNamePart><NamePartValue>Also</NamePartValue></DocumentedNamePart></DocumentedName></Alias>
          <Alias Primary="true"><DocumentedName><DocumentedNamePart><NamePartValue>Smith &amp; Sons</NamePartValue></DocumentedNamePart></DocumentedName></Alias>
        </Identity>
        {features}
      </Profile>
    </DistinctParty>
    <DistinctParty FixedRef="8"><Profile ID="8"><Feature ID="3" FeatureTypeID="25"><FeatureVersion/></Feature></Profile></DistinctParty>
  </DistinctParties>
  <SanctionsEntries>
    <SanctionsEntry ID="1" ProfileID="7" ListID="9">
      <EntryEvent><Date><Year>2014</Year><Month>1</Month><Day>2</Day></Date></EntryEvent>
    </SanctionsEntry>
    <SanctionsEntry ID="2" ProfileID="7" ListID="1550">
      <EntryEvent><Date><Year>2022</Year><Month>4</Month><Day>14</Day></Date></EntryEvent>
      <SanctionsMeasure SanctionsTypeID="2"><Comment>not this</Comment></SanctionsMeasure>
      <SanctionsMeasure SanctionsTypeID="1"><Comment>DPRK3</Comment></SanctionsMeasure>
      <SanctionsMeasure SanctionsTypeID="1"><Comment>CYBER2</Comment></SanctionsMeasure>
    </SanctionsEntry>
  </SanctionsEntries>
</Sanctions>
"#
    )
}

fn feature(kind: &str, detail: &str) -> String {
    format!(
        r#"<Feature FeatureTypeID="{kind}"><FeatureVersion><Comment/><VersionDetail>{detail}</VersionDetail></FeatureVersion></Feature>"#
    )
}

fn read(text: &str) -> Result<ParsedList, ListError> {
    ofac::read(text.as_bytes(), "hash")
}

fn only(list: &ParsedList) -> &Listing {
    assert_eq!(list.listings.len(), 1, "{list:?}");
    &list.listings[0]
}

#[track_caller]
fn refused(text: &[u8], expected: &str) {
    match ofac::read(text, "") {
        Ok(list) => panic!("read {list:?}"),
        Err(error) => assert!(error.to_string().contains(expected), "{error}"),
    }
}

#[test]
fn a_listing_carries_its_party_programmes_and_date() {
    let list = read(&file("", &feature("345", ETH))).expect("a whole file");
    let listing = only(&list);
    assert_eq!(listing.party.as_deref(), Some("Smith & Sons"));
    assert_eq!(listing.party_id.as_deref(), Some("7"));
    assert_eq!(listing.programmes, ["DPRK3", "CYBER2"]);
    assert_eq!(listing.listed_on.map(|date| date.to_string()).as_deref(), Some("2022-04-14"));
    assert_eq!(listing.version.file_hash, "hash");
    assert_eq!(list.version.date.to_string(), "2026-07-01");
}

/// Trap 4: a new asset appears without notice.
#[test]
fn an_asset_nobody_knew_is_found() {
    let doge = "D8VjzsC2PzNXdtHsGKVKP9nnj93R9ZzJ7t";
    let list = read(&file("", &feature("996", doge))).expect("a whole file");
    assert_eq!(only(&list).asset_label.as_deref(), Some("DOGE"));
}

/// Trap 5: what is no address of its asset is kept, and counted.
#[test]
fn an_address_that_validates_nowhere_is_a_claim() {
    let list = read(&file("", &feature("345", "0xnot-an-address"))).expect("a whole file");
    assert_eq!(list.claims, 1);
    assert_eq!(only(&list).written, "0xnot-an-address");
    assert!(only(&list).identifier.families.is_empty());
}

/// Trap 1, the other way round: a Bitcoin address under the label ETH.
#[test]
fn a_label_does_not_decide_the_family() {
    let list = read(&file("", &feature("345", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT")))
        .expect("a whole file");
    assert_eq!(only(&list).asset_label.as_deref(), Some("ETH"));
    assert!(only(&list).identifier.families.contains(&Family::Bitcoin));
}

/// Traps 7 and 8: no known holder, and empty elements.
#[test]
fn a_party_without_a_name_and_an_empty_detail() {
    let text = file("", &(feature("345", "") + &feature("345", &format!(" {ETH}\n"))));
    let text = text.replace("<NamePartValue>Smith &amp; Sons</NamePartValue>", "<NamePartValue/>");
    let list = read(&text).expect("a whole file");
    assert_eq!(only(&list).party.as_deref(), Some("Also"), "an alias is better than nobody");
    let text = text.replace("<NamePartValue>Also</NamePartValue>", "<NamePartValue/>");
    let list = read(&text).expect("a whole file");
    assert_eq!(only(&list).party, None);
    assert_eq!(only(&list).written, ETH);
    assert!(list.parties[0].names.is_empty());
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    let whole = file("", &feature("345", ETH));
    for end in 0..whole.trim_end().len() {
        assert!(read(&whole[..end]).is_err(), "{}", &whole[..end]);
    }
    refused(&whole.as_bytes()[..1500], "in Sanctions/");
}

#[test]
fn what_is_missing_is_named() {
    let whole = file("", &feature("345", ETH));
    for part in ["DateOfIssue", "DistinctParties", "SanctionsEntries"] {
        let renamed = whole.replace(part, "Other");
        refused(renamed.as_bytes(), part);
    }
    refused(
        whole
            .replace("DistinctParties", "A")
            .replace("ReferenceValueSets", "DistinctParties")
            .as_bytes(),
        "ReferenceValueSets",
    );
    refused(
        whole.replace("<Month>7<", "<Month>13<").as_bytes(),
        "a day of the calendar, found 2026-13-1",
    );
    refused(
        b"<html><body>503</body></html>",
        "the root element Sanctions or sdnList or sanctionsData, found html",
    );
    refused(b"", "the root element Sanctions or sdnList or sanctionsData, found no element");
    refused(whole.replace("</Sanctions>", "</Sanctions><more/>").as_bytes(), "the end of the file");
}

#[test]
fn entity_bombs_are_refused() {
    let bomb = r#"<!DOCTYPE Sanctions [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>"#;
    refused(file(bomb, &feature("345", "&b;")).as_bytes(), "a DOCTYPE with declarations");
    refused(file("", &feature("345", "&b;")).as_bytes(), "a predefined entity, found &b;");
}

#[test]
fn other_encodings_are_refused() {
    let utf16: Vec<u8> = file("\u{feff}", "").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(ofac::read(utf16.as_slice(), "").is_err());
    refused(
        file(r#"<?xml version="1.0" encoding="windows-1252"?>"#, "").as_bytes(),
        "UTF-8, found windows-1252",
    );
    let mut latin = file("", &feature("345", "x")).into_bytes();
    let at = latin.windows(3).position(|bytes| bytes == b">x<").expect("it is there");
    latin[at + 1] = 0xe9;
    assert!(ofac::read(latin.as_slice(), "").is_err());
}

#[test]
fn depth_and_length_are_bounded() {
    refused(file("", &"<a>".repeat(1000)).as_bytes(), "elements inside each other");
    refused(file("", &feature("345", &"x".repeat(100_000))).as_bytes(), "bytes of text");
    // Ten gigabytes that never end a text: a few thousand bytes of memory.
    let start = b"<Sanctions><Comment>".as_slice();
    let endless = BufReader::new(start.chain(std::io::repeat(b' ').take(10 << 30)));
    let error = ofac::read(endless, "").expect_err("it is endless");
    assert!(error.cause.is_some_and(|cause| cause.to_string().contains("longer than")));
}

#[test]
fn bzip2_is_unpacked_and_its_truncation_noticed() {
    let whole = file("", &feature("345", ETH));
    let packed = pack(whole.as_bytes());
    let list = ofac::read(lists::open(packed.as_slice()).expect("it has a head"), "")
        .expect("a whole file");
    assert_eq!(list, read(&whole).expect("a whole file").with_file_hash(""));
    for end in [4, packed.len() / 2, packed.len() - 1] {
        let cut = lists::open(&packed[..end]).expect("it has a head");
        assert!(ofac::read(cut, "").is_err(), "cut at {end}");
    }
}

/// Zeros behind bzip2 pack by a factor of a million.
#[test]
fn a_bzip2_bomb_is_refused() {
    let packed = pack(&vec![0; 32 << 20]);
    assert!(packed.len() < 1000);
    assert!(ofac::read(lists::open(packed.as_slice()).expect("it has a head"), "").is_err());
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

proptest::proptest! {
    /// Whatever a stranger changes, an answer or an error comes back.
    #[test]
    fn changed_bytes_never_panic(at in 0usize..2500, byte: u8) {
        let mut text = file("", &feature("345", ETH)).into_bytes();
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        let _ = ofac::read(text.as_slice(), "");
    }
}
