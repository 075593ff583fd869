//! The lists of the European Union and of the United Kingdom, told in small: no copy may be shipped.

mod common;

use common::day;
use model::{CountryKind, NameKind, NameQuality, PartKind, PartyKind};
use screen::lists::{eu, uk};

const EU: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<export xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="2025-11-18T15:48:08.917+01:00" globalFileId="1">
  <sanctionEntity designationDetails="" unitedNationId="QDi.001" euReferenceNumber="EU.27.28" logicalId="13">
    <remark>uses 0x098B716B8Aaf21512996dC57EB0615e2383E2f96</remark>
    <regulation regulationType="amendment" publicationDate="2003-07-08" entryIntoForceDate="2003-07-07" numberTitle="1210/2003 (OJ L169)" programme="IRQ"><publicationUrl>http://x</publicationUrl></regulation>
    <subjectType code="person" classificationCode="P"/>
    <nameAlias firstName="" middleName="" lastName="" wholeName="Abu Ali" function="" gender="M" title="" nameLanguage="" strong="false" logicalId="17"/>
    <nameAlias firstName="Saddam" middleName="" lastName="Hussein Al-Tikriti" wholeName="Saddam Hussein Al-Tikriti" function="" gender="M" title="" nameLanguage="EN" strong="true" logicalId="14"/>
    <nameAlias firstName="" middleName="" lastName="" wholeName="صدام حسين" function="" gender="M" title="" nameLanguage="AR" strong="true" logicalId="15"/>
    <citizenship region="" countryIso2Code="IQ" countryDescription="IRAQ"/>
    <birthdate circa="false" calendarType="GREGORIAN" city="al-Awja" zipCode="" birthdate="1937-04-28" day="28" month="4" year="1937" region="" place="near Tikrit" countryIso2Code="IQ" countryDescription="IRAQ"/>
    <birthdate circa="true" calendarType="GREGORIAN" city="" birthdate="" day="" month="" year="1940" countryIso2Code="00" countryDescription="UNKNOWN"/>
    <identification diplomatic="false" knownExpired="true" knownFalse="false" reportedLost="false" issuedBy="" number="M0003264" identificationTypeCode="passport" identificationTypeDescription="National passport" countryIso2Code="IQ" countryDescription="IRAQ"><remark>old</remark></identification>
    <address city="Baghdad" street="" poBox="" zipCode="" region="" place="" countryIso2Code="IQ" countryDescription="IRAQ"/>
  </sanctionEntity>
  <sanctionEntity euReferenceNumber="" logicalId="99">
    <subjectType code="enterprise" classificationCode="E"/>
    <nameAlias wholeName="A Company" nameLanguage="" strong="true"/>
  </sanctionEntity>
</export>"#;

#[test]
fn the_european_list() {
    let list = eu::read(EU.as_bytes(), "hash").expect("a list");
    assert_eq!((list.version.list.as_str(), list.version.date), ("eu", day("2025-11-18")));
    let [man, company] = list.parties.as_slice() else { panic!("{:?}", list.parties) };
    assert_eq!((man.id.as_str(), man.kind), ("EU.27.28", PartyKind::Person));
    let names: Vec<_> = man.names.iter().map(|n| (n.text.as_str(), n.kind, n.quality)).collect();
    assert_eq!(
        names,
        [
            ("Saddam Hussein Al-Tikriti", NameKind::Primary, NameQuality::Good),
            ("Abu Ali", NameKind::Alias, NameQuality::Low),
            ("صدام حسين", NameKind::Original, NameQuality::Good),
        ]
    );
    assert_eq!(man.names[0].parts[1].kind, PartKind::Family);
    assert_eq!(man.listed_on, Some(day("2003-07-07")));
    assert_eq!(man.births[0].earliest, day("1937-04-28"));
    let about = &man.births[1];
    assert_eq!(
        (about.earliest, about.latest, about.is_about),
        (day("1940-01-01"), day("1940-12-31"), true)
    );
    assert!(
        man.documents
            .iter()
            .any(|d| d.kind == "National passport (expired)" && d.number == "M0003264")
    );
    assert_eq!(man.programmes, ["IRQ"]);
    let countries: Vec<_> = man.countries.iter().map(|c| (c.kind, c.code.as_str())).collect();
    assert!(countries.contains(&(CountryKind::Nationality, "IQ")), "{countries:?}");
    assert!(!countries.iter().any(|(_, code)| code.is_empty()), "{countries:?}");
    assert_eq!((company.id.as_str(), company.kind), ("99", PartyKind::Organisation));
    assert_eq!(list.listings.len(), 1, "the wallet stands in a remark only");
    assert_eq!(list.listings[0].party_id.as_deref(), Some("EU.27.28"));
}

const UK: &str = r#"<?xml version="1.0"?>
<Designations><DateGenerated>30/10/2025</DateGenerated>
  <Designation>
    <LastUpdated>01/02/2024</LastUpdated><DateDesignated>31/12/2020</DateDesignated>
    <UniqueID>CYB0001</UniqueID><OFSIGroupID>13903</OFSIGroupID><UNReferenceNumber/>
    <Names>
      <Name><Name1>Evgeniy</Name1><Name2>Mikhaylovich</Name2><Name6>SEREBRIAKOV</Name6><NameType>Primary Name</NameType></Name>
      <Name><Name1>Zhenya</Name1><NameType>Alias</NameType><AliasStrength>Low quality a.k.a</AliasStrength></Name>
    </Names>
    <NonLatinNames><NonLatinName><NameNonLatinScript>Евгений Серебряков</NameNonLatinScript></NonLatinName></NonLatinNames>
    <RegimeName>The Cyber (Sanctions) (EU Exit) Regulations 2020</RegimeName>
    <IndividualEntityShip>Individual</IndividualEntityShip>
    <SanctionsImposed>Asset freeze|Travel Ban</SanctionsImposed>
    <Addresses><Address><AddressLine1>1 Street</AddressLine1><AddressLine6>Moscow</AddressLine6><AddressCountry>Russia</AddressCountry></Address></Addresses>
    <OtherInformation>wallet bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4</OtherInformation>
    <IndividualDetails><Individual>
      <DOBs><DOB>dd/mm/1981</DOB><DOB>26/07/1981</DOB></DOBs>
      <Nationalities><Nationality>Russia</Nationality></Nationalities>
      <PassportDetails><Passport><PassportNumber>100135556</PassportNumber></Passport></PassportDetails>
      <BirthDetails><Location><TownOfBirth>Kursk</TownOfBirth><CountryOfBirth>Russia</CountryOfBirth></Location></BirthDetails>
      <Genders><Gender>Male</Gender></Genders>
    </Individual></IndividualDetails>
  </Designation>
  <Designation>
    <UniqueID>DPR0001</UniqueID><IndividualEntityShip>Ship</IndividualEntityShip><DateDesignated>01/01/2018</DateDesignated>
    <Names><Name><Name6>CHON MYONG 1</Name6><NameType>Primary Name</NameType></Name></Names>
    <ShipDetails><Ship><IMONumbers><IMONumber>8712362</IMONumber></IMONumbers></Ship></ShipDetails>
  </Designation>
</Designations>"#;

#[test]
fn the_british_list() {
    let list = uk::read(UK.as_bytes(), None, "hash").expect("a list");
    assert_eq!((list.version.list.as_str(), list.version.date), ("uk", day("2025-10-30")));
    let [man, ship] = list.parties.as_slice() else { panic!("{:?}", list.parties) };
    let names: Vec<_> = man.names.iter().map(|n| (n.text.as_str(), n.kind, n.quality)).collect();
    assert_eq!(
        names,
        [
            ("Evgeniy Mikhaylovich SEREBRIAKOV", NameKind::Primary, NameQuality::Good),
            ("Zhenya", NameKind::Alias, NameQuality::Low),
            ("Евгений Серебряков", NameKind::Original, NameQuality::Good),
        ]
    );
    assert_eq!(man.births[0].earliest, day("1981-01-01"));
    assert_eq!(man.births[1].earliest, day("1981-07-26"));
    assert_eq!(man.listed_on, Some(day("2020-12-31")));
    assert_eq!(man.addresses, ["1 Street, Moscow, Russia"]);
    assert_eq!(man.gender.as_deref(), Some("male"));
    assert_eq!((ship.kind, ship.documents[0].number.as_str()), (PartyKind::Vessel, "8712362"));
    assert_eq!(list.listings.len(), 1);
    // A day by hand goes before the file's.
    let list = uk::read(UK.as_bytes(), Some(day("2025-11-01")), "hash").expect("a list");
    assert_eq!(list.version.date, day("2025-11-01"));
}

const CONLIST: &str = "Last Updated,28/01/2026\n\
Name 6,Name 1,Name 2,Name 3,Name 4,Name 5,Title,Name Non-Latin Script,DOB,Town of Birth,Country of Birth,Nationality,Passport Number,Address 1,Country,Other Information,Group Type,Alias Type,Alias Quality,Regime,Listed On,Group ID\n\
SEREBRIAKOV,Evgeniy,,,,,,,00/00/1981,Kursk,Russia,(1) Russia (2) Ukraine,(1) 1001 (2) 1002,1 Street,Russia,,Individual,Primary name,,Cyber,31/07/2020,13903\n\
ZHENYA,,,,,,,,00/00/1981,,,,,,,,Individual,AKA,Low quality,Cyber,31/07/2020,13903\n\
ACME LTD,,,,,,,,,,,,,,,,Entity,Primary name,,Cyber,31/07/2020,2\n";

#[test]
fn the_frozen_british_list() {
    let list = uk::conlist::read(CONLIST.as_bytes(), None, "hash").expect("a list");
    assert_eq!((list.version.list.as_str(), list.version.date), ("uk-ofsi", day("2026-01-28")));
    assert_eq!(list.parties.len(), 2, "rows of one group are one party");
    let man = &list.parties[0];
    assert_eq!((man.id.as_str(), man.names.len(), man.births.len()), ("13903", 2, 1));
    assert_eq!(man.names[1].quality, NameQuality::Low);
    assert_eq!(man.births[0].latest, day("1981-12-31"));
    let of_kind = |kind| man.countries.iter().filter(|c| c.kind == kind).count();
    assert_eq!((of_kind(CountryKind::Nationality), man.documents.len()), (2, 2));
    let error = uk::conlist::read("a,b\n".as_bytes(), None, "").expect_err("none").to_string();
    assert!(error.contains("a heading with Name 6"), "{error}");
}

#[test]
fn cut_anywhere_the_xml_is_refused() {
    for end in 0..EU.len() {
        let Some(cut) = EU.get(..end) else { continue };
        assert!(eu::read(cut.as_bytes(), "").is_err(), "cut at {end}");
    }
    for end in 0..UK.len() {
        let Some(cut) = UK.get(..end) else { continue };
        assert!(uk::read(cut.as_bytes(), None, "").is_err(), "cut at {end}");
    }
}
