//! Israel's seizure orders: headings as rows, accounts beside addresses, orders that run out.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{day, open, shared};
use model::{Family, ListingKind, PartyKind};
use screen::Screen;
use screen::lists::{ParsedList, il};

const HEADING: &str = "שם מלא,תעודת זהות,דרכון,תאריך לידה,מספר זיהוי הארנק האלקטרוני/ יוזר,מטבע\n";
const ORDERS: &str = "File Type,Last Updated,Validity of Issue\n\
    Seizure order (ASO 18/26) of the Minister of Defense,01.02.2026,31.01.2028\n\
    Annex of the Seizure Order (ASO - 18/26) - Wallet Details,05.02.2026,-\n\
    Seizure order (ASO 5/24) of the Minister of Defense,28.03.2024,Forfeiture Order (FO 18/24)\n";
const TRON: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";

fn read(rows: &str, orders: Option<&str>) -> ParsedList {
    let table = format!("{HEADING}{rows}");
    il::read(table.as_bytes(), orders.map(str::as_bytes), day("2026-03-01"), "hash")
        .expect("a list")
}

#[test]
fn a_row_is_under_the_order_above_it() {
    let rows = format!(
        "צ.ת 18/26\n,,,,{TRON},\nצ.ת - 5/24,,,,,\n,,,,0x53b9B72DC6f96Eb4B54143B211B22e2548e4cf5c,USDT\n"
    );
    let list = read(&rows, Some(ORDERS));
    let told: Vec<_> = list
        .listings
        .iter()
        .map(|l| (l.programmes.join(","), l.listed_on, l.expires_on, l.asset_label.clone()))
        .collect();
    assert_eq!(
        told,
        [
            ("ASO 18/26".to_string(), Some(day("2026-02-01")), Some(day("2028-01-31")), None),
            ("ASO 5/24".to_string(), Some(day("2024-03-28")), None, Some("USDT".to_string())),
        ]
    );
    // Trap 7: nobody is known to hold them.
    assert!(list.parties.is_empty() && list.listings.iter().all(|l| l.party.is_none()));
}

#[test]
fn an_order_that_ran_out_is_history() {
    let list = read(&format!("צ.ת 18/26\n,,,,{TRON},\n"), Some(ORDERS));
    let screen = Screen::new(std::slice::from_ref(&list.version), list.listings);
    let on = screen.screen(TRON, day("2028-01-31"));
    assert_eq!((on.hits.len(), on.former.len()), (1, 0), "{on:?}");
    let after = screen.screen(TRON, day("2028-02-01"));
    assert_eq!((after.hits.len(), after.former.len()), (0, 1), "{after:?}");
    assert_eq!(after.former[0].delisted_on, Some(day("2028-02-01")));
}

/// Trap 7: holders known by a document only, customers' numbers instead of addresses.
#[test]
fn accounts_and_holders_without_names() {
    let rows = "צ.ת 18/26\n\
        MOHAMMAD KAMAL,,T1307262,03/08/1991,105750906,\n\
        -,AH4003286,,18/12/1984,9647507483639,\n\
        RAJIV,9.46108E+11,,01/01/2003,-,\n\
        ANOTHER,9.46108E+11,,02/01/2003,-,\n";
    let list = read(rows, None);
    let accounts: Vec<_> = list.listings.iter().map(|l| (l.kind, l.written.as_str())).collect();
    assert_eq!(
        accounts,
        [(ListingKind::Account, "105750906"), (ListingKind::Account, "9647507483639")]
    );
    assert_eq!(list.claims, 0, "a customer's number is not meant to be an address");
    let known: Vec<_> = list.parties.iter().map(|p| (p.id.as_str(), p.names.len())).collect();
    assert_eq!(known[..2], [("T1307262", 1), ("AH4003286", 0)]);
    assert_eq!(list.parties.len(), 4, "a rounded number is not one person's");
    assert!(list.parties.iter().all(|party| party.kind == PartyKind::Person));
    assert_eq!(list.parties[0].births[0].earliest, day("1991-08-03"));
    let screen = Screen::new(std::slice::from_ref(&list.version), list.listings);
    let answer = screen.screen("105750906", day("2026-03-02"));
    assert_eq!(answer.hits[0].listed_as, ListingKind::Account);
}

#[test]
fn a_table_without_its_heading_is_refused() {
    let read = |text: &str| il::read(text.as_bytes(), None, day("2026-03-01"), "");
    let error = read("name,passport\n").expect_err("none").to_string();
    assert!(error.contains("line 1") && error.contains("wallets"), "{error}");
    assert!(read("").is_err());
    assert!(read("Full name,ID,Passport,Date of birth,Wallet/user ID,Currency\n").is_ok());
}

/// Counted in the table by another program: 53 values have the shape of a Bitcoin address, two of them a
/// wrong checksum; one cell holds an EVM and a Tron address.
#[test]
fn the_published_table() {
    let Some(path) = shared("sanctions/il/wallets.csv") else { return };
    let list = il::read(open(&path), None, day("2026-03-01"), "hash").expect("it reads");
    let mut families: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for listing in &list.listings {
        let family = match listing.identifier.families.first() {
            Some(Family::Tron) => "tron",
            Some(Family::Bitcoin) => "bitcoin",
            Some(Family::Evm) => "evm",
            _ => "other",
        };
        families.entry(family).or_default().insert(&listing.identifier.text);
    }
    let counts: Vec<_> = families.iter().map(|(family, of)| (*family, of.len())).collect();
    assert_eq!(counts[..2], [("bitcoin", 51), ("evm", 15)]);
    assert_eq!(counts[3], ("tron", 401));
    assert!(list.listings.iter().all(|listing| listing.programmes.len() == 1));
}
