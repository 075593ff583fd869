//! The life of a request in a database, its clocks, its figures, its packet.

use ed25519_dalek::SigningKey;
use model::{
    Account, Asset, Marking, Position, Prices, TimeSource, Timestamp, Transfer, TransferKind,
    TxHash, TxId, U256,
};
use proptest::prelude::*;

use super::packet::{self, Circumstances, PacketError, Requester};
use super::*;
use crate::db::{Db, Place};
use crate::{By, Part, Seen, alerts, holders, journal};

const THIEF: &str = "eip155:1:0x1111111111111111111111111111111111111111";
const MULE: &str = "eip155:1:0x2222222222222222222222222222222222222222";
const USDT: &str = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn by(actor: &str, hour: i64) -> By {
    By::new(
        actor,
        time("2026-01-01T00:00:00Z") + std::time::Duration::from_secs(hour.unsigned_abs() * 3600),
    )
}

fn units(number: u64) -> U256 {
    U256::from(number)
}

fn told(amounts: &[u64]) -> Told {
    Told { amounts: Some(amounts.iter().copied().map(units).collect()), ..Told::default() }
}

fn because(reason: &str) -> Told {
    Told { reason: Some(reason.into()), ..Told::default() }
}

fn a_draft() -> FreezeDraft {
    let ask =
        |account: &str, amount| (account.parse().unwrap(), USDT.parse().unwrap(), units(amount));
    FreezeDraft {
        case: None,
        title: "Theft from a wallet".into(),
        marking: Marking::Amber,
        holder: "Tether".into(),
        jurisdiction: "us".into(),
        reference: None,
        legal_basis: vec!["18 U.S.C. § 2703(f) (preservation of records)".into()],
        clocks: None,
        asks: vec![ask(THIEF, 1000), ask(MULE, 500)],
    }
}

fn casework() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join("casework.sqlite"));
    let db = crate::open(&place).unwrap();
    (folder, db)
}

/// Drafted by Ada at hour 0, approved by Bo at 1, sent at 2.
fn sent(db: &Db) -> FreezeId {
    let id = draft(db, &by("person:ada", 0), &a_draft()).unwrap();
    approve(db, &by("person:bo", 1), id, 1).unwrap();
    reach(db, &by("person:ada", 2), id, FreezeState::Sent, &Told::default()).unwrap();
    id
}

#[test]
fn a_request_goes_from_draft_to_its_return_and_the_journal_tells_each_step() {
    let (_folder, db) = casework();
    let id = sent(&db);
    let ada = |hour| by("person:ada", hour);
    reach(&db, &ada(3), id, FreezeState::Acknowledged, &Told::default()).unwrap();
    reach(&db, &ada(5), id, FreezeState::Frozen, &told(&[600, 0])).unwrap();
    record_frozen(&db, &ada(6), id, &[units(600), units(500)]).unwrap();
    extend(&db, &ada(7), id, time("2026-03-01T00:00:00Z")).unwrap();
    reach(&db, &ada(8), id, FreezeState::Seized, &Told::default()).unwrap();
    reach(&db, &ada(9), id, FreezeState::Returned, &told(&[600, 400])).unwrap();
    let request = get(&db, id).unwrap();
    assert_eq!(request.state, FreezeState::Returned);
    assert!(request.ended.is_some());
    let amounts: Vec<_> = request.items.iter().map(|i| (i.asked, i.frozen, i.recovered)).collect();
    assert_eq!(
        amounts,
        [(units(1000), units(600), units(600)), (units(500), units(500), units(400))]
    );
    let filter = journal::EntryFilter { subject: Some(format!("freeze:{id}")), actor: None };
    let entries = journal::list(&db, &filter, &crate::Part::default()).unwrap().items;
    let acts: Vec<&str> = entries.iter().rev().map(|entry| entry.act.as_str()).collect();
    assert_eq!(
        acts,
        [
            "freeze.drafted",
            "freeze.approved",
            "freeze.sent",
            "freeze.acknowledged",
            "freeze.frozen",
            "freeze.amounts",
            "freeze.extended",
            "freeze.seized",
            "freeze.returned",
        ]
    );
    assert!(journal::verify_stored(&db).unwrap().is_ok());
}

#[test]
fn nobody_approves_what_they_wrote() {
    let (_folder, db) = casework();
    let id = draft(&db, &by("person:ada", 0), &a_draft()).unwrap();
    assert!(approve(&db, &by("person:ada", 1), id, 1).is_err());
    revise(&db, &by("person:bo", 1), id, &a_draft()).unwrap();
    assert!(approve(&db, &by("person:bo", 2), id, 2).is_err());
    assert!(approve(&db, &by("person:ada", 2), id, 2).is_err());
    // Who read an older draft did not read this one.
    assert!(approve(&db, &by("person:cy", 2), id, 1).is_err());
    assert_eq!(get(&db, id).unwrap().state, FreezeState::Drafted);
    approve(&db, &by("person:cy", 3), id, 2).unwrap();
    // Nor by the way of the table.
    reach(&db, &by("person:cy", 4), id, FreezeState::Drafted, &because("wrong sum")).unwrap();
    assert!(reach(&db, &by("person:cy", 5), id, FreezeState::Approved, &Told::default()).is_err());
    assert_eq!(get(&db, id).unwrap().approved_by, None);
}

#[test]
fn a_step_outside_the_table_changes_nothing() {
    let (_folder, db) = casework();
    let id = sent(&db);
    let before = (get(&db, id).unwrap(), journal::head(&db).unwrap());
    for to in FreezeState::ALL {
        if FreezeState::Sent.can_become(to) {
            continue;
        }
        let told = Told { until: Some(time("2027-01-01T00:00:00Z")), ..told(&[1, 1]) };
        assert!(reach(&db, &by("person:bo", 9), id, to, &told).is_err(), "{to}");
    }
    for amounts in [&[1001, 0][..], &[0, 0], &[1], &[1, 1, 1]] {
        assert!(reach(&db, &by("person:bo", 9), id, FreezeState::Frozen, &told(amounts)).is_err());
    }
    assert!(reach(&db, &by("person:bo", 9), id, FreezeState::Refused, &Told::default()).is_err());
    assert_eq!((get(&db, id).unwrap(), journal::head(&db).unwrap()), before);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let (_folder, db) = casework();
    let check = |change: fn(&mut FreezeDraft)| {
        let mut wrong = a_draft();
        change(&mut wrong);
        assert!(draft(&db, &by("person:ada", 0), &wrong).is_err(), "{wrong:?}");
    };
    check(|draft| draft.asks.clear());
    check(|draft| draft.asks[1] = draft.asks[0].clone());
    check(|draft| draft.asks[0].2 = U256::ZERO);
    check(|draft| draft.asks[0].1 = "eip155:10/slip44:60".parse().unwrap());
    check(|draft| draft.jurisdiction = "USA".into());
    check(|draft| draft.legal_basis.clear());
    check(|draft| draft.clocks = Some(Clocks { acknowledge_s: 0, freeze_s: 1 }));
}

#[test]
fn a_clock_reminds_then_escalates_and_tells_each_step_once() {
    let (_folder, db) = casework();
    let id = sent(&db);
    let at = |hour| {
        let told = remind(&db, &by("system", hour)).unwrap();
        assert!(remind(&db, &by("system", hour)).unwrap().is_empty(), "told twice at {hour}");
        told.into_iter().map(|due| (due.kind, due.level)).collect::<Vec<_>>()
    };
    assert_eq!(at(10), []);
    assert_eq!(at(2 + 19), [(DueKind::Acknowledge, 0)]);
    assert_eq!(at(2 + 24), [(DueKind::Acknowledge, 1)]);
    assert_eq!(at(2 + 49), [(DueKind::Acknowledge, 2)]);
    // Who never answered has not frozen either.
    assert_eq!(at(2 + 73), [(DueKind::Freeze, 1)]);
    reach(&db, &by("person:ada", 80), id, FreezeState::Frozen, &Told::default()).unwrap();
    assert_eq!(at(81), []);
}

#[test]
fn a_freeze_that_runs_out_is_said_before_it_does() {
    let (_folder, db) = casework();
    let id = sent(&db);
    let until = Some(by("x", 24 * 30).at);
    reach(&db, &by("person:ada", 3), id, FreezeState::Frozen, &Told { until, ..Told::default() })
        .unwrap();
    let levels = |days: i64| {
        let all = due(&live(&db, &Seen::All).unwrap(), by("x", 24 * days).at);
        all.iter().map(|due| (due.kind, due.level)).collect::<Vec<_>>()
    };
    assert_eq!(levels(20), []);
    assert_eq!(levels(24), [(DueKind::Expiry, 0)]);
    assert_eq!(levels(29), [(DueKind::Expiry, 1)]);
    assert_eq!(levels(31), [(DueKind::Expiry, 2)]);
}

fn transfer(from: &str, to: &str, amount: u64, hour: i64) -> Transfer {
    let address = |text: &str| text.parse::<Account>().unwrap().address;
    let asset: Asset = USDT.parse().unwrap();
    Transfer {
        tx: TxId { chain: asset.chain, hash: TxHash::new(&[7; 32]) },
        position: Position::Log(1),
        height: None,
        tx_index: None,
        time: by("x", hour).at,
        time_source: TimeSource::Stated,
        from: Some(address(from)),
        to: Some(address(to)),
        asset,
        amount: units(amount),
        kind: TransferKind::Value,
    }
}

#[test]
fn an_account_that_runs_is_an_alert_and_its_twins_are_not() {
    let (_folder, db) = casework();
    let id = sent(&db);
    let quiet = [
        transfer(MULE, MULE, 9, 5),
        transfer(THIEF, MULE, 9, 0),
        transfer("eip155:1:0x3333333333333333333333333333333333333333", THIEF, 9, 5),
        transfer(THIEF, MULE, 0, 5),
        Transfer { asset: "eip155:1/slip44:60".parse().unwrap(), ..transfer(THIEF, MULE, 9, 5) },
    ];
    let quiet = quiet.into_iter().zip(0..);
    let quiet: Vec<_> =
        quiet.map(|(it, n)| Transfer { position: Position::Log(n), ..it }).collect();
    assert!(warn(&db, &by("system", 6), &quiet).unwrap().is_empty());
    let raised = warn(&db, &by("system", 6), &[transfer(THIEF, MULE, 9, 5)]).unwrap();
    assert_eq!(raised.len(), 1);
    let alert = alerts::get(&db, raised[0].id).unwrap();
    assert_eq!(alert.kind, alerts::AlertKind::Freeze);
    assert_eq!(alert.evidence["amount"], "9");
    reach(&db, &by("person:ada", 7), id, FreezeState::Withdrawn, &because("not theirs")).unwrap();
    assert!(warn(&db, &by("system", 8), &[transfer(THIEF, MULE, 9, 7)]).unwrap().is_empty());
}

#[test]
fn a_move_is_told_once_wherever_its_block_stands_and_is_taken_back_with_it() {
    let (_folder, db) = casework();
    let (one, two) = (sent(&db), sent(&db));
    let moved = |log, height| Transfer {
        position: Position::Log(log),
        height: Some(height),
        ..transfer(THIEF, MULE, 9, height.cast_signed())
    };
    // Twice the same in one transaction are two moves, of each of the two requests.
    let raised = warn(&db, &by("system", 6), &[moved(1, 5), moved(2, 5), moved(2, 5)]).unwrap();
    assert_eq!(raised.iter().filter(|raised| raised.is_new).count(), 2);
    assert_eq!(raised.len(), 4);
    let held = told_moves(&db).unwrap();
    assert_eq!(held.iter().filter(|told| told.request == one).count(), 2);
    assert_eq!(held.iter().filter(|told| told.request == two).count(), 2);

    // The block was replaced: they stand elsewhere in the next, an hour later.
    let again = [moved(71, 6), moved(70, 6)];
    assert!(warn(&db, &by("system", 7), &again).unwrap().is_empty());
    let held = told_moves(&db).unwrap();
    assert_eq!(held.iter().map(|told| told.height).collect::<Vec<_>>(), [Some(6); 4]);
    let found = |transfers: &[Transfer]| model::Transaction::Account {
        id: transfers[0].tx,
        transfers: transfers.to_vec(),
    };
    let whole = found(&again);
    assert!(held.iter().all(|told| stands(told, Some(&whole))));
    // In a block where the transaction did less, the second of two moves is gone.
    let less = found(&again[..1]);
    let gone: Vec<_> = held.iter().filter(|told| !stands(told, Some(&less))).cloned().collect();
    assert_eq!(gone.len(), 2);
    assert!(held.iter().all(|told| !stands(told, None)));

    settle_moves(&db, &by("system", 8), &gone, &[]).unwrap();
    settle_moves(&db, &by("system", 8), &gone, &[]).unwrap();
    let alert = alerts::get(&db, gone[0].alert).unwrap();
    assert_eq!((alert.times, alert.unwound.unwrap()["height"].clone()), (2, 6.into()));
    let filter = journal::EntryFilter { subject: Some(format!("alert:{}", alert.id)), actor: None };
    let acts = journal::list(&db, &filter, &Part::default()).unwrap().items;
    let acts: Vec<_> = acts.iter().rev().map(|entry| entry.act.as_str()).collect();
    assert_eq!(acts, ["alert.raised", "alert.seen_again", "alert.unwound"]);
    // What comes back is news; what is final is not asked for again, nor told.
    assert_eq!(warn(&db, &by("system", 9), &again).unwrap().len(), 2);
    settle_moves(&db, &by("system", 9), &[], &told_moves(&db).unwrap()).unwrap();
    assert_eq!(told_moves(&db).unwrap(), []);
    assert!(warn(&db, &by("system", 9), &again).unwrap().is_empty());
    settle_moves(&db, &by("system", 9), &held, &[]).unwrap();
    assert!(warn(&db, &by("system", 9), &again).unwrap().is_empty(), "final stays final");
    assert!(journal::verify_stored(&db).unwrap().is_ok());
}

#[test]
fn figures_count_what_was_sent_and_how_long_it_took() {
    let (_folder, db) = casework();
    draft(&db, &by("person:ada", 0), &a_draft()).unwrap();
    let (one, two) = (sent(&db), sent(&db));
    reach(&db, &by("person:ada", 4), one, FreezeState::Frozen, &told(&[600, 0])).unwrap();
    reach(&db, &by("person:ada", 4), two, FreezeState::Refused, &because("no order")).unwrap();
    let figures = figures(
        &list(&db, &FreezeFilter::default(), &Part::default()).unwrap().items,
        &Prices::default(),
        |_| Some(6),
    );
    assert_eq!((figures.requests, figures.refused), (2, 1));
    let sum = &figures.by_asset[0];
    assert_eq!((sum.asked, sum.frozen, sum.recovered), (units(3000), units(600), units(0)));
    assert_eq!((sum.frozen_share_e4, &sum.worth), (2000, &None));
    assert_eq!(figures.median_seconds_to_freeze, Some(2 * 3600));
    assert_eq!(figures.by_holder["Tether"].by_asset, figures.by_asset);
    assert_eq!(figures.by_jurisdiction["US"].requests, 2);
}

fn report() -> String {
    let source = "eip155:1:0x9999999999999999999999999999999999999999";
    let edge = |n: u8, from: &str, to: &str, asset: &str, depth: u32| {
        serde_json::json!({
            "chain": "eip155:1", "tx": format!("0x{n:064x}"), "position": "log:1", "height": 100 + u32::from(n),
            "time": format!("2026-01-01T00:0{n}:00Z"), "from": from, "to": to, "asset": asset,
            "amount": "1000", "tainted": "1000", "depth": depth,
        })
    };
    let (eth, hash) = ("eip155:1/slip44:60", "ab".repeat(32));
    serde_json::json!({
        "format": "interdict-trace", "version": 1, "policy": "haircut", "conserves": true,
        "direction": "forward", "sources": [source], "route": [],
        "nodes": [{
            "account": THIEF, "resting": { USDT: "1000" }, "tainted": { USDT: "1000" },
            "labels": [], "listings": [{ "list": "fbi", "list_date": "2026-01-02", "file_hash": hash }],
        }],
        "edges": [
            edge(2, MULE, THIEF, USDT, 2), edge(1, source, MULE, eth, 1),
            // It left the mule before anything came: no way for this money.
            edge(0, MULE, THIEF, USDT, 1),
        ],
        "crossings": [{ "account": MULE, "kind": "inferred", "confidence": 0.8, "why": "a venue was paid",
                        "received": { "asset": USDT } }],
        "assets": [{ "asset": USDT, "symbol": "USDT", "decimals": 6 }],
        "coverage": { "chains": [], "notes": ["Not found is not clean."] },
    })
    .to_string()
}

fn packet_of_request(db: &Db) -> packet::Packet {
    let id = draft(db, &by("person:ada", 0), &a_draft()).unwrap();
    packet_of_id(db, id)
}

fn packet_of_id(db: &Db, id: FreezeId) -> packet::Packet {
    let asset: Asset = USDT.parse().unwrap();
    let holder = &holders::of(&asset, &[]).holders[0];
    let requester = Requester {
        name: "Ada".into(),
        organisation: "Cell".into(),
        authority: "Officer".into(),
        jurisdiction: "US".into(),
        contact: vec!["ada@example.org".into()],
    };
    let said = Circumstances {
        requester: &requester,
        holder,
        summary: "Money was stolen.",
        made_by: "interdict test",
        now: by("x", 2).at,
        evidence: &[],
    };
    packet::of(&get(db, id).unwrap(), &report(), &said).unwrap()
}

#[test]
fn a_packet_tells_the_way_of_the_money_and_nothing_that_ran_before_it() {
    let (_folder, db) = casework();
    let packet = packet_of_request(&db);
    let hops: Vec<&str> = packet.paths[0].hops.iter().map(|hop| &hop.tx[64..]).collect();
    assert_eq!(hops, ["01", "02"]);
    let crossing = packet.paths[0].hops[1].crossing.as_ref().unwrap();
    assert_eq!((crossing.kind.as_str(), crossing.confidence.as_str()), ("inferred", "0.8"));
    assert_eq!(packet.evidence[0].sha256, "ab".repeat(32));
    assert_eq!(
        packet.legal_basis[0].source.as_deref(),
        Some("https://www.law.cornell.edu/uscode/text/18/2703")
    );
    // The mule was asked for as well, and nothing rests there by this report.
    assert!(packet.remarks.iter().any(|remark| remark.contains(MULE)));
    assert_eq!(packet.deadline.freeze_by, by("x", 2 + 72).at);
}

#[test]
fn a_signed_packet_is_read_back_and_any_change_is_found() {
    let (_folder, db) = casework();
    let packet = packet_of_request(&db);
    let file = packet::seal(packet.clone(), &SigningKey::from_bytes(&[5; 32])).unwrap();
    assert_eq!(file, packet::seal(packet.clone(), &SigningKey::from_bytes(&[5; 32])).unwrap());
    let verified = packet::verify(&file).unwrap();
    assert_eq!(verified.packet, packet);
    for (from, to) in [
        ("\"1000\"", "\"9000\""),
        ("Ada", "Eve"),
        ("\"version\":1", "\"version\": 1"),
        ("{\"format\"", "{\"x\":1,\"format\""),
    ] {
        let changed = file.replacen(from, to, 1);
        assert_ne!(changed, file);
        assert!(packet::verify(&changed).is_err(), "{from}");
    }
    // Signed anew by another is whole, and says another key.
    let other = packet::seal(packet, &SigningKey::from_bytes(&[6; 32])).unwrap();
    assert_ne!(packet::verify(&other).unwrap().public_key, verified.public_key);
}

#[test]
fn who_approves_approves_the_packet_and_only_then_is_it_signed() {
    let (_folder, db) = casework();
    let key = SigningKey::from_bytes(&[5; 32]);
    let id = draft(&db, &by("person:ada", 0), &a_draft()).unwrap();
    let packet = packet_of_id(&db, id);
    let sha256 = keep_packet(&db, &by("person:bo", 1), &packet).unwrap();
    let kept = packet_of(&db, id).unwrap().unwrap();
    assert_eq!((kept.revision, kept.signed, kept.sha256.as_str()), (2, None, sha256.as_str()));
    assert!(matches!(packet::verify(&kept.content), Err(PacketError::Draft)));
    assert!(sign_packet(&db, &by("person:bo", 1), id, &key).is_err(), "nobody approved it");
    // Made of what is no longer the newest revision.
    assert!(keep_packet(&db, &by("person:bo", 1), &packet).is_err());
    // What was read is not what would go out; and who made the packet wrote what goes out.
    assert!(approve(&db, &by("person:eve", 2), id, 1).is_err());
    assert!(approve(&db, &by("person:bo", 2), id, 2).is_err());
    approve(&db, &by("person:eve", 2), id, 2).unwrap();
    let signed = sign_packet(&db, &by("person:bo", 3), id, &key).unwrap().unwrap();
    let verified = packet::verify(&signed.content).unwrap();
    assert_eq!((&verified.packet, &signed.sha256), (&packet, &sha256));
    assert_eq!(packet::hash_of(&verified.packet).unwrap(), sha256);
    // Once: another key changes nothing.
    let other = SigningKey::from_bytes(&[6; 32]);
    let again = sign_packet(&db, &by("person:bo", 4), id, &other).unwrap().unwrap();
    assert_eq!(again, signed);
    // Approved, it can no longer be made; back in the draft it is of another revision.
    assert!(matches!(
        packet::of(&get(&db, id).unwrap(), &report(), &said_of(&packet)),
        Err(PacketError::NotDrafted { .. })
    ));
    reach(&db, &by("person:ada", 5), id, FreezeState::Drafted, &because("wrong amount")).unwrap();
    assert_eq!(packet_of(&db, id).unwrap(), None);
}

fn said_of(packet: &packet::Packet) -> Circumstances<'_> {
    let holder: &'static holders::Holder = Box::leak(Box::new(holders::named("Tether")));
    Circumstances {
        requester: &packet.requester,
        holder,
        summary: "x",
        made_by: "x",
        now: by("x", 2).at,
        evidence: &[],
    }
}

#[test]
fn a_person_and_their_key_are_one_pair_of_eyes() {
    let (_folder, db) = casework();
    let key = || by("key:bot", 0).behind(["person:ada".into()]);
    let id = draft(&db, &key(), &a_draft()).unwrap();
    assert!(approve(&db, &by("person:ada", 1), id, 1).is_err());
    let by_name = draft(&db, &by("person:ada", 0), &a_draft()).unwrap();
    assert!(approve(&db, &key(), by_name, 1).is_err());
    approve(&db, &by("person:bo", 1), id, 1).unwrap();
}

#[test]
fn a_key_with_nobody_behind_it_is_no_pair_of_eyes() {
    let (_folder, db) = casework();
    let said = |done: Result<(), crate::CaseError>| done.unwrap_err().to_string();
    // It does not approve.
    let id = draft(&db, &by("person:ada", 0), &a_draft()).unwrap();
    let error = said(approve(&db, &by("key:bot", 1), id, 1));
    assert!(error.contains("a person, or a key with a person behind it"), "{error}");
    approve(&db, &by("key:bot", 1).behind(["person:bo".into()]), id, 1).unwrap();
    // What it wrote is nobody's: whoever approves could be the one who made it.
    let id = draft(&db, &by("key:bot", 0), &a_draft()).unwrap();
    let error = said(approve(&db, &by("person:ada", 1), id, 1));
    assert!(error.contains("a key with nobody behind it"), "{error}");
    assert_eq!(get(&db, id).unwrap().state, FreezeState::Drafted);
    // A person who takes it over is a pair of eyes; another approves.
    revise(&db, &by("person:ada", 2), id, &a_draft()).unwrap();
    assert!(approve(&db, &by("person:ada", 3), id, 2).is_err());
    // Nor is what such a key writes over a person's draft the person's.
    revise(&db, &by("key:bot", 3), id, &a_draft()).unwrap();
    let error = said(approve(&db, &by("person:bo", 4), id, 3));
    assert!(error.contains("a key with nobody behind it"), "{error}");
    revise(&db, &by("person:ada", 5), id, &a_draft()).unwrap();
    approve(&db, &by("person:bo", 6), id, 4).unwrap();
    // All who answer for a key are its people: none of them is the second pair.
    let both = || by("key:both", 0).behind(["person:ada".into(), "person:bo".into()]);
    let id = draft(&db, &both(), &a_draft()).unwrap();
    assert!(approve(&db, &by("person:ada", 1), id, 1).is_err());
    assert!(approve(&db, &by("person:bo", 1), id, 1).is_err());
    approve(&db, &by("person:cy", 1), id, 1).unwrap();
}

#[test]
fn a_packet_says_what_it_lacks() {
    let (_folder, db) = casework();
    let packet = packet_of_request(&db);
    let fields: Vec<String> =
        packet::missing(&packet).into_iter().map(|missing| missing.field).collect();
    for field in ["/addressee/contact", "/reference", "/asks/1"] {
        assert!(fields.iter().any(|found| found == field), "{field}: {fields:?}");
    }
    assert!(!fields.iter().any(|field| field == "/requester/contact" || field == "/asks/0"));
    let mut whole = packet;
    whole.reference = Some("R 1".into());
    whole.requester.contact.clear();
    let fields: Vec<String> =
        packet::missing(&whole).into_iter().map(|missing| missing.field).collect();
    assert!(fields.contains(&"/requester/contact".to_string()), "{fields:?}");
    assert!(!fields.contains(&"/reference".to_string()));
}

#[test]
fn places_are_asked_of_who_can_stop_them_and_of_nobody_else() {
    let eth = "eip155:1/slip44:60";
    let node = |account: &str, resting: serde_json::Value, labels: serde_json::Value| {
        serde_json::json!({ "account": account, "depth": 1, "resting": resting, "labels": labels,
                            "listings": [] })
    };
    let exchange = serde_json::json!([{ "name": "Binance 14", "concepts": ["exchange"] }]);
    let report = serde_json::json!({
        "format": "interdict-trace", "version": 1, "direction": "forward",
        "assets": [{ "asset": USDT, "symbol": "USDT", "decimals": 6 }],
        "nodes": [
            node(THIEF, serde_json::json!({ eth: "7", USDT: "1000" }), serde_json::json!([])),
            node(MULE, serde_json::json!({ eth: "5", USDT: "2000" }), exchange),
        ],
    })
    .to_string();
    let places = places(&report).unwrap();
    let shown: Vec<_> = places
        .iter()
        .map(|place| {
            let names: Vec<&str> =
                place.holders.iter().map(|stopper| stopper.holder.name.as_str()).collect();
            (place.account.to_string(), place.amount, names)
        })
        .collect();
    let (thief, mule) = (THIEF.to_string(), MULE.to_string());
    assert_eq!(
        shown,
        [
            (mule.clone(), units(2000), vec!["Tether", "Binance"]),
            (thief.clone(), units(1000), vec!["Tether"]),
            (mule.clone(), units(5), vec!["Binance"]),
            (thief, units(7), vec![]),
        ]
    );
    assert!(places[3].remarks[0].contains("nobody can stop it"));
    let plan = |holders: &[&str]| Plan {
        case: None,
        title: "Theft".into(),
        marking: Marking::Amber,
        jurisdiction: "US".into(),
        reference: None,
        legal_basis: vec!["18 U.S.C. 981".into()],
        holders: holders.iter().map(ToString::to_string).collect(),
    };
    let all = drafts(&places, &plan(&[])).unwrap();
    let shown: Vec<_> = all.iter().map(|draft| (draft.holder.as_str(), draft.asks.len())).collect();
    assert_eq!(shown, [("Tether", 2), ("Binance", 1)]);
    let binance = drafts(&places, &plan(&["binance"])).unwrap();
    assert_eq!((binance.len(), binance[0].asks.len()), (1, 2));
    assert!(drafts(&places, &plan(&["Kraken"])).is_err());
    assert!(drafts(&places[3..], &plan(&[])).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is tried, in any order, by anyone: only steps of the table happen, nobody approves what
    /// they wrote, and amounts stay within each other.
    #[test]
    fn no_order_of_acts_breaks_the_laws(acts in proptest::collection::vec((0_usize..11, 0_u64..1200, 0_u64..600, 0_usize..3), 1..25)) {
        let (_folder, db) = casework();
        let id = draft(&db, &by("person:0", 0), &a_draft()).unwrap();
        let mut before = get(&db, id).unwrap();
        for (hour, (to, one, two, who)) in (1_i64..).zip(acts) {
            let who = by(&format!("person:{who}"), hour);
            let to = FreezeState::ALL[to];
            let told = Told {
                reason: Some("a reason".into()),
                until: Some(by("x", hour + 100).at),
                ..told(&[one, two])
            };
            let answer = match to {
                FreezeState::Approved => approve(&db, &who, id, before.revision),
                to => reach(&db, &who, id, to, &told),
            };
            let now = get(&db, id).unwrap();
            if answer.is_err() {
                prop_assert_eq!(&now, &before);
            } else {
                prop_assert!(before.state.can_become(now.state));
            }
            if let Some(approver) = &now.approved_by {
                prop_assert_ne!(approver, &now.drafted_by);
            }
            for item in &now.items {
                prop_assert!(item.recovered <= item.frozen && item.frozen <= item.asked);
            }
            before = now;
        }
        prop_assert!(journal::verify_stored(&db).unwrap().is_ok());
    }
}
