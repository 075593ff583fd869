//! The life of a freeze request, on both databases.

// Outside of `#[test]` functions clippy does not see that this is a test.
#![allow(clippy::unwrap_used)]

use case::db::Db;
use case::freeze::{self, FreezeDraft, FreezeFilter, FreezeState, Told};
use case::{By, Part, Seen, journal};
use ed25519_dalek::SigningKey;
use model::{Marking, Timestamp, U256};

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

#[test]
fn a_request_lives_alike_in_both_databases() {
    case::trial::on_both(lives);
}
