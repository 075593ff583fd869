//! OFAC's enhanced XML: the same parties as in the Advanced XML, and what is no whole list.

mod common;

use std::fmt::Write;

use common::{day, ofac_list};
use model::{CountryKind, Listing, NameKind, NameQuality, PartKind, Party, PartyKind};
use screen::lists::{ListError, ParsedList, ofac};

const NAMESPACE: &str =
    "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/ENHANCED_XML";

/// Shaped as the published file is: this party's ids, names and dates are those OFAC publishes.
const ABU_TEIR: &str = r#"<entity id="9640">
  <generalInfo><identityId>1979</identityId><entityType refId="600">Individual</entityType><title>Member</title></generalInfo>
  <sanctionsLists>
    <sanctionsList refId="91243" id="11849" datePublished="2006-04-12">Non-SDN Palestinian Legislative Council List</sanctionsList>
    <sanctionsList refId="91512" id="14433" datePublished="2014-10-10">Consolidated List</sanctionsList>
  </sanctionsLists>
  <sanctionsPrograms><sanctionsProgram refId="91055" id="6215">NS-PLC</sanctionsProgram></sanctionsPrograms>
  <sanctionsTypes><sanctionsType refId="1706" id="40">Reject</sanctionsType></sanctionsTypes>
  <names>
    <name id="9152"><isPrimary>false</isPrimary><aliasType refId="1400">A.K.A.</aliasType><isLowQuality>true</isLowQuality>
      <translations><translation id="10144"><isPrimary>true</isPrimary><script refId="20122">Latin</script>
        <formattedFirstName>Mohammed Mahmud</formattedFirstName><formattedLastName>ABU TAIR</formattedLastName>
        <formattedFullName>ABU TAIR, Mohammed Mahmud</formattedFullName></translation></translations></name>
    <name id="17178"><isPrimary>true</isPrimary><isLowQuality>false</isLowQuality>
      <translations>
        <translation id="2"><isPrimary>false</isPrimary><script refId="20107">Arabic</script><formattedFullName>محمد أبو طير</formattedFullName></translation>
        <translation id="1979"><isPrimary>true</isPrimary><script refId="20122">Latin</script>
          <formattedFullName>ABU TEIR, Mohammed</formattedFullName>
          <nameParts>
            <namePart id="38178"><type refId="1520">Last Name</type><value>ABU TEIR</value></namePart>
            <namePart id="38179"><type refId="1521">First Name</type><value>Mohammed</value></namePart>
          </nameParts></translation>
      </translations></name>
    <name id="9154"><isPrimary>false</isPrimary><aliasType refId="1401">F.K.A.</aliasType>
      <translations><translation id="3"><formattedLastName>OLD</formattedLastName><formattedFirstName>Name</formattedFirstName></translation></translations></name>
  </names>
  <addresses>
    <address id="12128"><country refId="91021">Palestinian</country></address>
    <address id="1"><country refId="11213">Jordan</country><translations><translation id="4"><isPrimary>true</isPrimary>
      <addressParts><addressPart id="5"><type refId="1451">ADDRESS1</type><value>1 Street</value></addressPart>
        <addressPart id="6"><type refId="1454">CITY</type><value>Amman</value></addressPart></addressParts></translation></translations></address>
  </addresses>
  <features>
    <feature id="4698"><type featureTypeId="8">Birthdate</type><versionId>1612</versionId><value>circa 1951</value>
      <valueDate id="757"><fromDateBegin>1951-01-01</fromDateBegin><fromDateEnd>1951-01-01</fromDateEnd>
        <toDateBegin>1951-12-31</toDateBegin><toDateEnd>1951-12-31</toDateEnd>
        <isApproximate>true</isApproximate><isDateRange>false</isDateRange></valueDate><isPrimary>true</isPrimary></feature>
    <feature id="1"><type featureTypeId="8">Birthdate</type><value>12 Mar 1952</value></feature>
    <feature id="4699"><type featureTypeId="9">Place of Birth</type><value>Umm Tuba, Jordan</value></feature>
    <feature id="2"><type featureTypeId="10">Nationality Country</type><value>Jordan</value></feature>
    <feature id="3"><type featureTypeId="224">Gender</type><value>Male</value></feature>
    <feature id="4"><type featureTypeId="344">Digital Currency Address - XBT</type><value>149w62rY42aZBox8fGcmqNsXUzSStKeq8C</value></feature>
    <feature id="5"><type featureTypeId="345">Digital Currency Address - ETH</type><value> </value></feature>
    <feature id="6"><type featureTypeId="1167">Digital Currency Address - SOL</type><value>5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d</value></feature>
  </features>
  <identityDocuments>
    <identityDocument id="7"><type refId="1571">Passport</type><name nameId="17178">ABU TEIR, Mohammed</name>
      <documentNumber>ABC123</documentNumber><isValid>true</isValid><issuingCountry refId="11065">Jordan</issuingCountry></identityDocument>
  </identityDocuments>
  <relationships><relationship id="8"><type refId="1">Linked To</type><relatedEntity entityId="7">HAMAS</relatedEntity></relationship></relationships>
</entity>"#;

fn file(filters: &str, entities: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<sanctionsData xmlns=\"{NAMESPACE}\">\
         <publicationInfo><dataAsOf>2026-07-27T00:00:00</dataAsOf><filters>{filters}</filters></publicationInfo>\
         <referenceValues><referenceValue refId=\"600\"><type>Entity Type</type><value>Individual</value></referenceValue></referenceValues>\
         <featureTypes/><entities>{entities}</entities></sanctionsData>\n"
    )
}

fn on(list: &str) -> String {
    format!("<sanctionsLists><sanctionsList refId=\"1\">{list}</sanctionsList></sanctionsLists>")
}

fn read(text: &str) -> Result<ParsedList, ListError> {
    ofac::read(text.as_bytes(), "hash")
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = read(text).expect_err("it is refused").to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_party_is_told_whole() {
    let list = read(&file(&on("Consolidated List"), ABU_TEIR)).expect("a list");
    assert_eq!((list.version.list.as_str(), list.version.date), ("ofac-cons", day("2026-07-27")));
    let [party] = list.parties.as_slice() else { panic!("{list:?}") };
    assert_eq!((party.id.as_str(), party.kind), ("9640", PartyKind::Person));
    assert_eq!(party.listed_on, Some(day("2006-04-12")));
    assert_eq!(party.programmes, ["NS-PLC"]);
    let names: Vec<_> = party.names.iter().map(|n| (n.text.as_str(), n.kind, n.quality)).collect();
    assert_eq!(
        names,
        [
            ("ABU TEIR, Mohammed", NameKind::Primary, NameQuality::Good),
            ("ABU TAIR, Mohammed Mahmud", NameKind::Alias, NameQuality::Low),
            ("محمد أبو طير", NameKind::Original, NameQuality::Good),
            ("OLD, Name", NameKind::Former, NameQuality::Good),
        ]
    );
    let parts: Vec<_> = party.names[0].parts.iter().map(|p| (p.kind, p.text.as_str())).collect();
    assert_eq!(parts, [(PartKind::Family, "ABU TEIR"), (PartKind::Given, "Mohammed")]);
    assert_eq!(party.names[2].language.as_deref(), Some("und-Arab"));
    assert_eq!(party.addresses, ["Palestinian", "1 Street, Amman, Jordan"]);
    let [about, exact] = party.births.as_slice() else { panic!("{:?}", party.births) };
    assert_eq!((about.earliest, about.latest), (day("1951-01-01"), day("1951-12-31")));
    assert_eq!((about.is_about, about.written.as_str()), (true, "circa 1951"));
    assert_eq!((exact.earliest, exact.is_about), (day("1952-03-12"), false));
    let of = |kind| party.countries.iter().find(|c| c.kind == kind).map(|c| c.code.as_str());
    assert_eq!(of(CountryKind::Nationality), Some("JO"));
    assert_eq!(of(CountryKind::Birth), Some("JO"));
    assert_eq!(party.gender.as_deref(), Some("male"));
    let passport = &party.documents[0];
    assert_eq!((passport.kind.as_str(), passport.number.as_str()), ("Passport", "ABC123"));
    assert_eq!(passport.country.as_deref(), Some("JO"));
    assert_eq!(party.remarks.as_deref(), Some("Title: Member"));
    let addresses: Vec<_> =
        list.listings.iter().map(|l| (l.asset_label.as_deref(), l.written.as_str())).collect();
    assert_eq!(
        addresses,
        [
            (Some("XBT"), "149w62rY42aZBox8fGcmqNsXUzSStKeq8C"),
            (Some("SOL"), "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"),
        ]
    );
    assert_eq!(list.listings[0].party.as_deref(), Some("ABU TEIR, Mohammed"));
    assert_eq!(list.listings[0].listed_on, Some(day("2006-04-12")));
}

/// The SDN list's own date goes before an earlier one of another list.
#[test]
fn the_list_is_told_by_the_file_or_by_its_parties() {
    let sdn = ABU_TEIR.replace("2014-10-10\">Consolidated List", "2014-10-10\">SDN List");
    let by_file = read(&file(&on("SDN List"), &sdn)).expect("a list");
    assert_eq!(by_file.version.list, "ofac-sdn");
    assert_eq!(by_file.parties[0].listed_on, Some(day("2014-10-10")));
    assert_eq!(read(&file("", &sdn)).expect("a list").version.list, "ofac-sdn");
    let cons = read(&file("", ABU_TEIR)).expect("a list");
    assert_eq!(cons.version.list, "ofac-cons");
    assert_eq!(cons.listings[0].version.list, "ofac-cons");
    let both = format!("{}{sdn}", ABU_TEIR.replace("id=\"9640\"", "id=\"9641\""));
    refused(&file("", &both), "parties of both");
}

#[test]
fn what_is_no_whole_list_is_refused() {
    let sdn = on("SDN List");
    let part = "<sanctionsPrograms><sanctionsProgram>SDGT</sanctionsProgram></sanctionsPrograms>";
    refused(&file(&format!("{sdn}{part}"), ABU_TEIR), "the part of it under SDGT");
    refused(&file(&on("Non-SDN Menu-Based Sanctions List"), ABU_TEIR), "Non-SDN Menu-Based");
    let both = "<sanctionsLists><sanctionsList>SDN List</sanctionsList><sanctionsList>Consolidated List</sanctionsList></sanctionsLists>";
    refused(&file(both, ABU_TEIR), "either of SDN List and Consolidated List");
    let whole = file(&sdn, ABU_TEIR);
    refused(&whole.replace("<entity id=", "<entity action=\"add\" id="), "the action \"add\"");
    refused(&whole.replace(NAMESPACE, ofac::delta::NAMESPACE), "a delta file");
    refused(&whole.replace("2026-07-27T", "soon "), "a day in dataAsOf");
    refused(&whole.replace("entities", "things"), "none in the whole file");
    refused(&whole.replace(" id=\"9640\"", ""), "the attribute id");
    refused(&whole.replace(" id=\"9640\"", " id=\" \""), "the id of an entity");
    let order = "<sanctionsData><entities/><publicationInfo/></sanctionsData>";
    refused(order, "publicationInfo before entities");
    for cut in (0..whole.len()).step_by(97).filter(|at| whole.is_char_boundary(*at)) {
        assert!(read(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

/// One party that never ends is refused, and so is one whose attributes fill the memory.
#[test]
fn an_endless_party_is_refused() {
    let alias = "<name><translations><translation/></translations></name>";
    refused(&file("", &format!("<entity id=\"1\"><names>{}", alias.repeat(30_000))), "at most");
    let long = format!("<name id=\"{}\"/>", "x".repeat(1 << 19));
    refused(&file("", &format!("<entity id=\"1\"><names>{}", long.repeat(10))), "at most");
}

// -- the published list, written in this form and read again -------------------------------

/// What the Advanced XML holds comes through the enhanced XML unchanged, for all 18,000 parties: no field
/// that both forms carry is read otherwise.
#[test]
fn the_published_list_in_this_form_is_the_same_list() {
    let published = ofac_list("2025-11-19");
    let entities: String = published.parties.iter().map(|p| entity(p, &published)).collect();
    let text = file(&on("SDN List"), &entities).replace("2026-07-27", "2025-11-19");
    let read = read(&text).expect("a list");
    assert_eq!(read.version, published.version);
    assert_eq!(read.listings.len(), published.listings.len());
    for (found, expected) in read.parties.iter().zip(&published.parties) {
        assert_eq!(comparable(found), comparable(expected));
    }
    assert_eq!(read.parties.len(), published.parties.len());
    let sorted = |list: &ParsedList| {
        let mut all = list.listings.clone();
        let key = |l: &Listing| (l.party_id.clone(), l.written.clone(), l.asset_label.clone());
        all.sort_by_key(key);
        all
    };
    assert_eq!(sorted(&read), sorted(&published));
}

/// Without the order of what has none, and without countries of birth: this form tells them by the place.
fn comparable(party: &Party) -> Party {
    let mut party = party.clone();
    party.countries.retain(|country| country.kind != CountryKind::Birth);
    party.countries.sort_by_key(|country| (country.kind, country.written.clone()));
    party.addresses.sort();
    party
}

/// Writes one party as the enhanced XML does.
fn entity(party: &Party, list: &ParsedList) -> String {
    let mut out = format!("<entity id=\"{}\"><generalInfo>", party.id);
    let kind = match party.kind {
        PartyKind::Person => "Individual",
        PartyKind::Vessel => "Vessel",
        PartyKind::Aircraft => "Aircraft",
        PartyKind::Organisation => "Entity",
        _ => "Other",
    };
    tag(&mut out, "entityType", kind);
    tag(&mut out, "remarks", party.remarks.as_deref().unwrap_or_default());
    out += "</generalInfo><sanctionsLists>";
    if let Some(day) = party.listed_on {
        let _ = write!(out, "<sanctionsList datePublished=\"{day}\">SDN List</sanctionsList>");
    }
    out += "</sanctionsLists><sanctionsPrograms>";
    party.programmes.iter().for_each(|text| tag(&mut out, "sanctionsProgram", text));
    out += "</sanctionsPrograms><names>";
    party.names.iter().for_each(|name| write_name(&mut out, name));
    out += "</names><addresses>";
    let of = |kind: CountryKind| party.countries.iter().filter(move |country| country.kind == kind);
    let mut features = Vec::new();
    for address in &party.addresses {
        let ends = |country: &&model::PartyCountry| {
            let street = address.strip_suffix(country.written.as_str());
            street.is_some_and(|street| street.is_empty() || street.ends_with(", "))
        };
        match of(CountryKind::Residence).find(ends) {
            Some(country) => write_address(&mut out, address, &country.written),
            None => features.push(("Location".to_string(), address.as_str())),
        }
    }
    out += "</addresses><features>";
    for listing in list.listings.iter().filter(|l| l.party_id.as_ref() == Some(&party.id)) {
        let label = listing.asset_label.as_deref().unwrap_or_default();
        features.push((format!("Digital Currency Address - {label}"), listing.written.as_str()));
    }
    for (kind, label) in [
        (CountryKind::Nationality, "Nationality Country"),
        (CountryKind::Registration, "Registration Country"),
        (CountryKind::Flag, "Vessel Flag"),
    ] {
        features.extend(of(kind).map(|country| (label.to_string(), country.written.as_str())));
    }
    let places = party.birth_places.iter();
    features.extend(places.map(|place| ("Place of Birth".to_string(), place.as_str())));
    features.extend(party.gender.iter().map(|t| ("Gender".to_string(), t.as_str())));
    for (label, value) in features {
        write_feature(&mut out, &label, value, "");
    }
    for birth in &party.births {
        let dates = format!(
            "<valueDate><fromDateBegin>{}</fromDateBegin><toDateEnd>{}</toDateEnd><isApproximate>{}</isApproximate></valueDate>",
            birth.earliest, birth.latest, birth.is_about
        );
        write_feature(&mut out, "Birthdate", &birth.written, &dates);
    }
    out += "</features><identityDocuments>";
    for document in &party.documents {
        out += "<identityDocument>";
        tag(&mut out, "type", &document.kind);
        tag(&mut out, "documentNumber", &document.number);
        tag(&mut out, "issuingCountry", document.country.as_deref().unwrap_or_default());
        out += "</identityDocument>";
    }
    out += "</identityDocuments></entity>";
    out
}

fn write_name(out: &mut String, name: &model::PartyName) {
    out.push_str("<name>");
    tag(out, "isPrimary", if name.kind == NameKind::Primary { "true" } else { "false" });
    tag(out, "aliasType", if name.kind == NameKind::Former { "F.K.A." } else { "A.K.A." });
    tag(out, "isLowQuality", if name.quality == NameQuality::Low { "true" } else { "false" });
    out.push_str("<translations><translation>");
    let script = match name.language.as_deref() {
        None => "Latin",
        Some("und-Arab") => "Arabic",
        Some("und-Armn") => "Armenian",
        Some("und-Hans") => "Chinese Simplified",
        Some("und-Hant") => "Chinese Traditional",
        Some("und-Cyrl") => "Cyrillic",
        Some("und-Geor") => "Georgian",
        Some("und-Grek") => "Greek",
        Some("und-Hang") => "Hangul",
        Some(other) => other,
    };
    tag(out, "script", script);
    tag(out, "formattedFullName", &name.text);
    out.push_str("<nameParts>");
    for part in &name.parts {
        let kind = match part.kind {
            PartKind::Family => "Last Name",
            PartKind::Given => "First Name",
            PartKind::Patronymic => "Middle Name",
            PartKind::Other => "Nickname",
            PartKind::Title => panic!("OFAC has no titles in names"),
        };
        out.push_str("<namePart>");
        tag(out, "type", kind);
        tag(out, "value", &part.text);
        out.push_str("</namePart>");
    }
    out.push_str("</nameParts></translation></translations></name>");
}

fn write_address(out: &mut String, whole: &str, country: &str) {
    let part = whole[..whole.len() - country.len()].trim_end_matches(", ");
    out.push_str("<address>");
    tag(out, "country", country);
    out.push_str("<translations><translation><addressParts><addressPart>");
    tag(out, "value", part);
    out.push_str("</addressPart></addressParts></translation></translations></address>");
}

fn write_feature(out: &mut String, label: &str, value: &str, more: &str) {
    out.push_str("<feature>");
    tag(out, "type", label);
    tag(out, "value", value);
    out.push_str(more);
    out.push_str("</feature>");
}

fn tag(out: &mut String, name: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(out, "<{name}>{text}</{name}>");
}
