//! Notices, issuers' blacklists, OpenSanctions' entities, and a list of one's own.

mod common;

use common::{day, open};
use model::{
    Account, Asset, Chain, Freeze, FreezeAction, ListingKind, NameKind, NameQuality, PartyKind,
    Timestamp, TxHash, TxId, U256,
};
use screen::lists::{fbi, ftm, issuer, own};

const EVM: &str = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";
const BTC: &str = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT";

// -- notices -----------------------------------------------------------------------------

#[test]
fn a_notice_says_its_day_in_its_number() {
    let text = format!("Alert Number: I-022625-PSA\nFebruary 26, 2025\nblock: {EVM}, {BTC}.\n");
    let list = fbi::read(text.as_bytes(), "fbi-psa250226", None, "hash").expect("a notice");
    assert_eq!(list.version.date, day("2025-02-26"));
    let written: Vec<_> = list.listings.iter().map(|l| l.written.as_str()).collect();
    assert_eq!(written, [EVM, BTC]);
    let error = fbi::read(EVM.as_bytes(), "x", None, "").expect_err("no day").to_string();
    assert!(error.contains("I-022625-PSA"), "{error}");
}

/// The notice of 26 February 2025 on the Bybit theft: 51 addresses.
#[test]
fn the_notice_on_bybit() {
    let path = common::fixture("../bybit/fbi_psa250226_51.txt");
    let list = fbi::read(open(&path), "fbi-psa250226", Some(day("2025-02-26")), "").expect("it");
    assert_eq!((list.listings.len(), list.claims, list.duplicates), (51, 0, 0));
}

/// Trap 5: what is mistyped is kept and flagged, not dropped.
#[test]
fn a_mistyped_address_stays_as_a_claim() {
    let text = EVM.replace("098B", "098b");
    let list = fbi::read(text.as_bytes(), "x", Some(day("2025-02-26")), "").expect("a notice");
    assert_eq!((list.listings.len(), list.claims), (1, 1));
}

// -- issuers -----------------------------------------------------------------------------

fn usdt() -> Asset {
    "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7".parse().expect("an asset")
}

fn event(number: u8, date: &str, holder: &str, action: FreezeAction) -> Freeze {
    let time: Timestamp = format!("{date}T12:00:00Z").parse().expect("a moment");
    Freeze {
        tx: TxId { chain: Chain::ETHEREUM, hash: TxHash::new(&[number; 32]) },
        log_index: 0,
        height: Some(u64::from(number)),
        time,
        asset: usdt(),
        holder: Account::parse(holder, Chain::ETHEREUM).expect("an address").address,
        action,
    }
}

#[test]
fn whoever_is_frozen_is_listed_until_released() {
    let other = "0x1111111111111111111111111111111111111111";
    let mut events = vec![
        event(1, "2025-01-01", EVM, FreezeAction::Freeze),
        event(2, "2025-01-02", other, FreezeAction::Freeze),
        event(3, "2025-01-03", EVM, FreezeAction::Release),
        event(4, "2025-01-04", other, FreezeAction::Destroy(U256::from(7))),
    ];
    let held = |events: &[Freeze], as_of| {
        let lists = issuer::lists(events, as_of, "hash");
        let list = lists.into_iter().next().expect("one asset");
        let holders: Vec<_> = list.listings.iter().map(|l| l.written.to_lowercase()).collect();
        (list.version.date, holders)
    };
    let evm = EVM.to_lowercase();
    assert_eq!(held(&events, None), (day("2025-01-04"), vec![other.to_string()]));
    assert_eq!(held(&events, Some(day("2025-01-02"))).1, [evm.clone(), other.to_string()]);
    // The order in which they are told does not matter, nor that one is told twice.
    events.reverse();
    events.push(events[0].clone());
    assert_eq!(held(&events, None).1, [other]);
    let lists = issuer::lists(&events, Some(day("2025-01-02")), "hash");
    let listing = &lists[0].listings[0];
    assert_eq!(
        lists[0].version.list,
        "issuer-eip155-1-erc20-0xdac17f958d2ee523a2206206994597c13d831ec7"
    );
    assert_eq!((listing.written.as_str(), listing.listed_on), (EVM, Some(day("2025-01-01"))));
    assert!(issuer::lists(&[], None, "").is_empty());
}

#[test]
fn a_table_of_events() {
    let tx = format!("0x{}", "ab".repeat(32));
    let text = format!(
        "asset,holder,action,time,tx,log_index,height,amount\n{0},{EVM},freeze,2025-01-01T00:00:00Z,{tx},3,100,\n{0},{EVM},destroy,2025-01-02,{tx},4,101,12\n",
        usdt()
    );
    let events = issuer::read(text.as_bytes()).expect("events");
    assert_eq!((events.len(), events[0].log_index), (2, 3));
    assert_eq!(events[1].action, FreezeAction::Destroy(U256::from(12)));
    for (from, to, said) in [
        ("freeze", "thaw", "line 2: expected action"),
        (EVM, "0x12", "line 2: expected holder"),
        ("2025-01-01T00:00:00Z", "soon", "line 2: expected time"),
        ("holder,", "who,", "line 1: expected a heading with the column holder"),
    ] {
        let error =
            issuer::read(text.replace(from, to).as_bytes()).expect_err("refused").to_string();
        assert!(error.starts_with(said), "{error}");
    }
}

// -- OpenSanctions -----------------------------------------------------------------------

fn entities(lines: &[&str]) -> screen::ParsedList {
    ftm::read(lines.join("\n").as_bytes(), "opensanctions", None, "hash").expect("a list")
}

const PERSON: &str = r#"{"id":"Q1","caption":"Jane Doe","schema":"Person","last_seen":"2025-11-19T06:00:00","properties":{"name":["Джейн Доу","Jane Doe"],"alias":["J. Doe"],"weakAlias":["Jay"],"birthDate":["1970"],"nationality":["ru"],"topics":["sanction"],"passportNumber":["P1"]}}"#;

#[test]
fn entities_name_each_other_in_any_order() {
    let wallet = format!(
        r#"{{"id":"w1","schema":"CryptoWallet","properties":{{"publicKey":["{EVM}"],"currency":["ETH"],"holder":["Q1"]}}}}"#
    );
    let account = r#"{"id":"w2","schema":"CryptoWallet","properties":{"accountId":["77"],"topics":["sanction"]}}"#;
    let of_nobody = format!(
        r#"{{"id":"w3","schema":"CryptoWallet","target":false,"properties":{{"publicKey":["{BTC}"],"holder":["Q9"]}}}}"#
    );
    let sanction = r#"{"id":"s1","schema":"Sanction","properties":{"entity":["Q1"],"program":["CYBER2"],"startDate":["2022-04-14"]}}"#;
    let list = entities(&[&wallet, account, &of_nobody, sanction, PERSON]);
    assert_eq!(list.version.date, day("2025-11-19"));
    let [jane] = list.parties.as_slice() else { panic!("{:?}", list.parties) };
    let names: Vec<_> = jane.names.iter().map(|n| (n.text.as_str(), n.kind, n.quality)).collect();
    assert_eq!(
        names,
        [
            ("Jane Doe", NameKind::Primary, NameQuality::Good),
            ("Джейн Доу", NameKind::Original, NameQuality::Good),
            ("J. Doe", NameKind::Alias, NameQuality::Unsaid),
            ("Jay", NameKind::Alias, NameQuality::Low),
        ]
    );
    assert_eq!(jane.countries[0].code, "RU");
    assert!(jane.programmes.contains(&"CYBER2".to_string()));
    let listed: Vec<_> = list
        .listings
        .iter()
        .map(|l| (l.written.as_str(), l.kind, l.party.as_deref(), l.listed_on))
        .collect();
    assert_eq!(
        listed,
        [
            (EVM, ListingKind::Address, Some("Jane Doe"), Some(day("2022-04-14"))),
            ("77", ListingKind::Account, None, None),
        ]
    );
}

#[test]
fn what_stands_inside_is_of_whom_it_stands_in() {
    let nested = format!(
        r#"{{"id":"Q1","schema":"Person","last_seen":"2025-11-19","properties":{{"name":["Jane Doe"],"topics":["sanction"],"cryptoWallets":[{{"id":"w","schema":"CryptoWallet","properties":{{"publicKey":["{EVM}"]}}}}]}}}}"#
    );
    let list = entities(&[&nested]);
    assert_eq!(list.listings[0].party.as_deref(), Some("Jane Doe"));
}

#[test]
fn a_politician_is_not_listed_by_being_one() {
    let politician = PERSON.replace("\"sanction\"", "\"role.pep\"");
    assert!(entities(&[&politician]).parties.is_empty());
    for (line, said) in
        [("{", "line 1: expected one JSON object"), ("{}", "line 1: expected an entity")]
    {
        let error = ftm::read(line.as_bytes(), "x", None, "").expect_err("refused").to_string();
        assert!(error.starts_with(said), "{error}");
    }
}

// -- one's own ---------------------------------------------------------------------------

#[test]
fn rows_of_one_id_are_one_party() {
    let text = format!(
        "id,kind,name,alias,wallet,asset,programme,listed_on,expires_on\n\
         1,person,Jane Doe,J. Doe;Janie,{EVM},ETH,fraud,2025-01-01,2026-01-01\n\
         1,,,,{BTC},XBT,,,\n,,,,{},,,,\n",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    );
    let list = own::read(text.as_bytes(), "own", day("2025-02-01"), "hash").expect("a list");
    let [jane] = list.parties.as_slice() else { panic!("{:?}", list.parties) };
    assert_eq!((jane.kind, jane.names.len()), (PartyKind::Person, 3));
    assert_eq!(list.listings.len(), 3);
    assert_eq!(list.listings[0].expires_on, Some(day("2026-01-01")));
    assert_eq!(list.listings[1].party_id.as_deref(), Some("1"));
    assert_eq!(list.listings[2].party_id, None);
}

/// The European Union bans whole assets: Annex LIII to Regulation 833/2014.
#[test]
fn a_banned_asset_is_a_party_and_its_contract_a_token() {
    let text = "kind,name,token,currency,programme,listed_on\n\
        asset,A7A5,eip155:1/erc20:0x6fa0be17e4bea2fcfa22ef89bf8ac9aab0ab0fc9,A7A5,EU 833/2014 Annex LIII,2025-11-25\n";
    let list = own::read(text.as_bytes(), "eu-assets", day("2025-11-25"), "hash").expect("a list");
    assert_eq!(list.parties[0].kind, PartyKind::Asset);
    let token = &list.listings[0];
    assert_eq!(token.kind, ListingKind::Token);
    assert_eq!(token.written, "0x6fa0be17e4bea2fcfa22ef89bf8ac9aab0ab0fc9");
    assert!(!token.identifier.families.is_empty());
}

#[test]
fn a_day_that_is_none_is_refused_where_it_would_list_or_delist() {
    let text = "name,expires_on\nA,soon\n";
    let error = own::read(text.as_bytes(), "own", day("2025-02-01"), "").expect_err("refused");
    assert!(error.to_string().starts_with("line 2: expected expires_on"), "{error}");
    let error = own::read("a,b\n".as_bytes(), "own", day("2025-02-01"), "").expect_err("refused");
    assert!(error.to_string().contains("a heading"), "{error}");
}

/// Regulation 2017/1509, annexes on North Korea, as somebody made a table of them.
#[test]
fn a_table_made_by_others() {
    let Some(path) = common::shared("sanctions/eu/32017R1509.csv") else { return };
    let list = own::read(open(&path), "eu-dprk", day("2025-01-01"), "hash").expect("it reads");
    assert!(list.parties.len() > 250, "{}", list.parties.len());
    assert!(list.parties.iter().any(|party| party.kind == PartyKind::Vessel));
}
