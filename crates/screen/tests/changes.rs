//! What changed between two versions, and what newly listed addresses did before.

mod common;

use common::day;
use model::sketch::{self, Sketch};
use model::{Account, Chain, Key, Listing, TransferId, View};
use screen::change::{Change, added};
use screen::lists::own;
use screen::{Match, ParsedList, look_back};

fn list(date: &str, rows: &[&str]) -> ParsedList {
    let text = format!("id,name,alias,wallet,token,listed_on\n{}\n", rows.join("\n"));
    own::read(text.as_bytes(), "own", day(date), date).expect("a list")
}

const A: &str = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";
const B: &str = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT";

#[test]
fn parties_and_identifiers_come_go_and_change() {
    let old =
        list("2025-01-01", &[&format!("1,Jane,,{A},,"), "2,John,,,,", &format!("3,Gone,,{B},,")]);
    let new = list("2025-02-01", &[&format!("1,Jane,Janie,{A},,"), "2,John,,,,", "4,New,,x,,"]);
    let change = Change::between((&old.listings, &old.parties), (&new.listings, &new.parties));
    let ids = |named: &[screen::change::Named]| {
        named.iter().map(|one| one.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&change.parties.added), ["4"]);
    assert_eq!(ids(&change.parties.removed), ["3"]);
    let [jane] = change.parties.changed.as_slice() else { panic!("{change:?}") };
    assert_eq!((jane.party.id.as_str(), jane.fields[0].field), ("1", "names"));
    assert_eq!(jane.fields[0].added, ["Janie (alias, good)"]);
    let written = |all: &[screen::change::Identified]| {
        all.iter().map(|one| one.written.clone()).collect::<Vec<_>>()
    };
    assert_eq!(written(&change.identifiers.added), ["x"]);
    assert_eq!(written(&change.identifiers.removed), [B]);
    let same = Change::between((&old.listings, &old.parties), (&old.listings, &old.parties));
    assert!(same.is_empty());
    let new_ones: Vec<_> = added(&old.listings, &new.listings);
    assert_eq!(new_ones.len(), 1);
}

// -- look-back ---------------------------------------------------------------------------

const PAST: &str = "\
    chain ethereum\n\
    victim -> thief 100 ETH day 0\n\
    thief -> friend 40 ETH day 1\n\
    thief -> thief 1 ETH day 2\n\
    thief -> fee 0.01 ETH day 2\n\
    other -> another 7 ETH day 2\n\
    other -> friend 50 USDX day 3\n\
    token USDX decimals 6\n";

fn past(text: &str) -> Sketch {
    sketch::parse(text).expect("a sketch")
}

/// One row for each address, or token.
fn listed(rows: &[String]) -> Vec<Listing> {
    list("2025-02-01", &rows.iter().map(String::as_str).collect::<Vec<_>>()).listings
}

fn look(view: &impl View, listings: &[Listing]) -> Vec<look_back::Touched> {
    look_back::run(view, &listings.iter().collect::<Vec<_>>()).expect("it answers")
}

fn text(account: &Account) -> String {
    account.address.text(account.chain)
}

#[test]
fn every_past_transfer_of_a_newly_listed_address_is_touched_once() {
    let sketch = past(PAST);
    let memory = sketch.memory();
    let thief = sketch.account("thief");
    let listings = listed(&[format!("1,Thief,,{},,2025-01-02", text(&thief))]);
    let [touched] = look(&memory, &listings).try_into().expect("one finding");
    // What a run over everything finds, one by one.
    let mut expected: Vec<TransferId> = Vec::new();
    memory
        .scan(Chain::ETHEREUM, None, None, &mut |transfer| {
            let ends = [&transfer.from, &transfer.to];
            if ends.into_iter().flatten().any(|end| *end == thief.address) {
                expected.push(transfer.id());
            }
            std::ops::ControlFlow::Continue(())
        })
        .expect("it answers");
    assert_eq!(touched.transfers, expected);
    assert_eq!((touched.transfers.len(), touched.before), (4, 1));
    assert_eq!(touched.r#match, Match::Address);
    let why = touched.why();
    assert!(why.contains("is on own (Thief), listed on 2025-01-02: 4 stored transfers"), "{why}");
    assert!(why.ends_with("1 of them before that day"), "{why}");
}

#[test]
fn who_did_nothing_is_no_finding() {
    let sketch = past(PAST);
    let listings =
        listed(&[format!("1,A,,{A},,"), format!("2,B,,{B},,"), "3,C,,account 7,,".into()]);
    assert!(look(&sketch.memory(), &listings).is_empty());
    assert!(look(&past("").memory(), &listings).is_empty());
}

/// Trap 2: the key of a Tron address is an address of every EVM chain.
#[test]
fn the_same_key_on_another_chain_is_touched_and_told() {
    let sketch = past(PAST);
    let thief = sketch.account("thief");
    let tron = Key::of(&thief).accounts(Chain::TRON).remove(0);
    let listings = listed(&[format!("1,Thief,,{},,", text(&tron))]);
    let [touched] = look(&sketch.memory(), &listings).try_into().expect("one finding");
    assert_eq!((touched.account.clone(), touched.r#match), (thief, Match::Key));
    assert!(touched.why().contains("the key of the listed T"), "{}", touched.why());
}

#[test]
fn on_bitcoin_inputs_and_outputs_of_both_forms_are_touched() {
    let sketch = past(
        "chain bitcoin\n\
         t0: coinbase => miner 50 BTC day 0\n\
         t1: t0:0 => a 20 BTC, b 29.9 BTC day 1\n\
         t2: t1:0 => c 19.9 BTC day 2\n",
    );
    let memory = sketch.memory();
    let a = sketch.account("a");
    let forms = Key::of(&a).accounts(Chain::BITCOIN);
    for form in &forms {
        let listings = listed(&[format!("1,A,,{},,", text(form))]);
        let [touched] = look(&memory, &listings).try_into().expect("one finding");
        assert_eq!(touched.transfers.len(), 2, "the output and the input that spends it");
        let expected = if *form == a { Match::Address } else { Match::Key };
        assert_eq!(touched.r#match, expected);
    }
}

#[test]
fn every_transfer_of_a_listed_token_is_touched() {
    let sketch = past(PAST);
    let memory = sketch.memory();
    let mut contract = None;
    memory
        .scan(Chain::ETHEREUM, None, None, &mut |transfer| {
            contract = contract.take().or(transfer.asset.contract().cloned());
            std::ops::ControlFlow::Continue(())
        })
        .expect("it answers");
    let contract = contract.expect("USDX was moved").text(Chain::ETHEREUM);
    let listings = listed(&[format!("1,USDX,,,{contract},")]);
    let [touched] = look(&memory, &listings).try_into().expect("one finding");
    assert_eq!(touched.transfers.len(), 1);
    assert!(touched.why().starts_with("the token 0x"), "{}", touched.why());
}

#[test]
fn the_same_twice_is_the_same_finding_and_more_is_another() {
    let sketch = past(PAST);
    let listings = listed(&[format!("1,Thief,,{},,", text(&sketch.account("thief")))]);
    let subject = |text: &str| look(&past(text).memory(), &listings)[0].subject();
    assert_eq!(subject(PAST), subject(PAST));
    let more = format!("{PAST}victim -> thief 3 ETH day 9\n");
    assert_ne!(subject(PAST), subject(&more));
}
