//! The life of a freeze request, on both databases.

// Outside of `#[test]` functions clippy does not see that this is a test.
#![allow(clippy::unwrap_used)]

use case::db::Db;
use case::freeze::{self, FreezeDraft, FreezeFilter, FreezeState, Told};
use case::{By, Part, Seen, journal};
use ed25519_dalek::SigningKey;
use model::{Marking, Position, TimeSource, Timestamp, Transfer, TransferKind, TxHash, TxId, U256};

fn by(actor: &str, hour: i64) -> By {
    By::new(actor, Timestamp::from_second(1_767_225_600 + hour * 3600).unwrap())
}

fn ask() -> FreezeDraft {
    FreezeDraft {
        case: None,
        title: "Theft".into(),
        marking: Marking::Amber,
        holder: "Tether".into(),
        jurisdiction: "NZ".into(),
        reference: Some("R 1".into()),
        legal_basis: vec!["Criminal Proceeds (Recovery) Act 2009: restraining orders".into()],
        clocks: None,
        asks: vec![(
            "eip155:1:0x1111111111111111111111111111111111111111".parse().unwrap(),
            "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7".parse().unwrap(),
            U256::MAX,
        )],
    }
}

fn lives(db: &Db) {
    let id = freeze::draft(db, &by("person:ada", 0), &ask()).unwrap();
    assert!(freeze::approve(db, &by("person:ada", 1), id, 1).is_err());
    let packet = case::trial::packet(&freeze::get(db, id).unwrap());
    let sha256 = freeze::keep_packet(db, &by("person:ada", 1), &packet).unwrap();
    assert!(freeze::keep_packet(db, &by("person:ada", 1), &packet).is_err());
    freeze::approve(db, &by("person:bo", 1), id, 2).unwrap();
    let key = SigningKey::from_bytes(&[7; 32]);
    let signed = freeze::sign_packet(db, &by("person:bo", 1), id, &key).unwrap().unwrap();
    assert_eq!((signed.sha256.as_str(), signed.signed.is_some()), (sha256.as_str(), true));
    assert_eq!(freeze::packet_of(db, id).unwrap(), Some(signed));
    let step = |hour, to, told: Told| freeze::reach(db, &by("person:ada", hour), id, to, &told);
    step(2, FreezeState::Sent, Told::default()).unwrap();
    let told = freeze::remind(db, &by("system", 40)).unwrap();
    assert_eq!((told.len(), told[0].level), (1, 1));
    assert!(freeze::remind(db, &by("system", 40)).unwrap().is_empty());
    step(41, FreezeState::Frozen, Told::default()).unwrap();
    step(42, FreezeState::Seized, Told::default()).unwrap();
    let amounts = Some(vec![U256::MAX]);
    step(43, FreezeState::Returned, Told { amounts, ..Told::default() }).unwrap();
    let request = freeze::get(db, id).unwrap();
    assert_eq!((request.state, request.items[0].recovered), (FreezeState::Returned, U256::MAX));
    let page = freeze::list(db, &FreezeFilter::default(), &Part::default()).unwrap();
    assert_eq!(page.items, [request]);
    assert!(freeze::live(db, &Seen::All).unwrap().is_empty());
    assert!(journal::verify_stored(db).unwrap().is_ok());
}

fn runs(db: &Db) {
    let id = freeze::draft(db, &by("person:ada", 0), &ask()).unwrap();
    freeze::approve(db, &by("person:bo", 1), id, 1).unwrap();
    let (account, asset, _) = ask().asks.remove(0);
    let moved = |log, height| Transfer {
        tx: TxId { chain: asset.chain, hash: TxHash::new(&[7; 32]) },
        position: Position::Log(log),
        height: Some(height),
        tx_index: None,
        time: by("", 2).at,
        time_source: TimeSource::Stated,
        from: Some(account.address.clone()),
        to: None,
        asset: asset.clone(),
        amount: U256::from(9),
        kind: TransferKind::Value,
    };
    let raised = freeze::warn(db, &by("system", 3), &[moved(1, 5)]).unwrap();
    assert_eq!(raised.len(), 1);
    assert!(freeze::warn(db, &by("system", 4), &[moved(2, 6)]).unwrap().is_empty());
    let told = freeze::told_moves(db).unwrap();
    assert_eq!((told.len(), told[0].height, told[0].alert), (1, Some(6), raised[0].id));
    freeze::settle_moves(db, &by("system", 5), &told, &[]).unwrap();
    assert!(case::alerts::get(db, raised[0].id).unwrap().unwound.is_some());
    assert_eq!(freeze::warn(db, &by("system", 6), &[moved(2, 6)]).unwrap().len(), 1);
    let told = freeze::told_moves(db).unwrap();
    freeze::settle_moves(db, &by("system", 7), &[], &told).unwrap();
    assert_eq!(freeze::told_moves(db).unwrap(), []);
    assert!(freeze::warn(db, &by("system", 8), &[moved(2, 6)]).unwrap().is_empty());
    assert!(journal::verify_stored(db).unwrap().is_ok());
}

#[test]
fn who_runs_is_told_once_in_both_databases() {
    case::trial::on_both(runs);
}

#[test]
fn a_request_lives_alike_in_both_databases() {
    case::trial::on_both(lives);
}
