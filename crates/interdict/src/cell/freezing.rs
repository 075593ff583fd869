//! P28, the race: looks whether accounts of live freeze requests move what is asked of them.
//!
//! It asks the store what left those accounts since each request was approved, whenever a block or a
//! request is new. What it finds again says nothing new: `case::freeze::warn` tells each move once. First
//! it asks whether what was told still stands: where a block was unwound, its alert says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use case::db::Db;
use case::freeze::{self, FreezeRequest, ToldMove};
use case::{By, Seen};
use model::{
    Account, Chain, Direction, Limits, Seek, Timestamp, Transaction, Transfer, TxHash, TxId, View,
};
use serve::App;
use serve::drivers::Failed;
use store::snapshot::Snapshot;
use store::{Followed, Store};

use super::Cell;
use crate::commands::transfers::Finality;

/// Of one account: an exchange's hot wallet sends more in an hour.
const TRANSFERS_MAX: usize = 1000;
const ACTOR: &str = "system";

/// What was looked at last, so that nothing is asked while nothing is new.
#[derive(Default)]
pub struct Looked(Mutex<String>);

/// Warns of what moves now; of how many accounts it raised an alert.
pub fn look(cell: &Cell, db: &Db, looked: &Looked, at: Timestamp) -> Result<usize> {
    let mut live = freeze::live(db, &Seen::All)?;
    live.retain(|request| request.state.is_live());
    let told = freeze::told_moves(db)?;
    if live.is_empty() && told.is_empty() {
        return Ok(0);
    }
    let mut last = looked.0.lock().unwrap_or_else(PoisonError::into_inner);
    cell.with_store(|store| {
        let past = store.snapshot();
        let seen = format!("{:?} {:?} {:?}", past.coverage()?, tips(store)?, of_requests(&live));
        if *last == seen {
            return Ok(0);
        }
        settle(store, &past, db, &told, at)?;
        let transfers = left(&past, &live)?;
        let raised = freeze::warn(db, &By::new(ACTOR, at), &transfers)?.len();
        *last = seen;
        Ok(raised)
    })
}

/// Another block at the same height is another past.
fn tips(store: &Store) -> Result<Vec<(Chain, Option<TxHash>)>> {
    let tip = |chain: &Followed| (chain.chain, chain.tip.as_ref().map(|tip| tip.hash));
    Ok(store.followed()?.iter().map(tip).collect())
}

/// Takes back what was told of blocks that are gone, and forgets what no block can take back.
fn settle(store: &Store, past: &Snapshot, db: &Db, told: &[ToldMove], at: Timestamp) -> Result<()> {
    let finality = Finality::of_all(store)?;
    let ids: Vec<TxId> = told.iter().map(|told| told.tx).collect();
    let found = past.transactions(&ids)?;
    let (mut gone, mut finals) = (Vec::new(), Vec::new());
    for (told, found) in told.iter().zip(&found) {
        if !freeze::stands(told, found.as_ref()) {
            gone.push(told.clone());
        } else if finality.covers(told.tx.chain, height_of(found.as_ref())) {
            finals.push(told.clone());
        }
    }
    Ok(freeze::settle_moves(db, &By::new(ACTOR, at), &gone, &finals)?)
}

fn height_of(found: Option<&Transaction>) -> Option<u64> {
    match found? {
        Transaction::Account { transfers, .. } => transfers.first()?.height,
        Transaction::Utxo(tx) => tx.height,
    }
}

fn of_requests(live: &[FreezeRequest]) -> Vec<(i64, i64, &str)> {
    live.iter().map(|request| (request.id.0, request.revision, request.state.text())).collect()
}

/// Transfers out of the accounts that are asked for, since they were.
fn left(past: &dyn View, live: &[FreezeRequest]) -> Result<Vec<Transfer>> {
    let mut since: BTreeMap<&Account, Option<Timestamp>> = BTreeMap::new();
    for request in live {
        for item in &request.items {
            let from = since.entry(&item.account).or_insert(request.approved);
            *from = (*from).min(request.approved);
        }
    }
    let seeks: Vec<Seek> = since
        .into_iter()
        .map(|(account, bound)| Seek { account: account.clone(), bound })
        .collect();
    let limits = Limits { per_account: TRANSFERS_MAX, ..Limits::NONE };
    let reached = past.expand(Direction::Forward, &seeks, &limits)?.reached;
    Ok(reached.into_iter().flat_map(|one| one.transfers).collect())
}

/// As the server does it by its clock.
pub fn drive(
    cell: &Arc<Cell>,
) -> impl Fn(&App, Timestamp) -> Result<usize, Failed> + Send + Sync + 'static {
    let (cell, looked) = (cell.clone(), Looked::default());
    move |app, at| Ok(look(&cell, &app.db, &looked, at)?)
}

#[cfg(test)]
mod tests {
    use case::alerts::{self, AlertFilter, AlertKind};
    use case::db::Place;
    use case::freeze::{FreezeDraft, FreezeState, Told};
    use case::{Part, freeze};
    use model::{Chain, U256};

    use super::*;
    use crate::cli::Color;
    use crate::commands::import::import_all;
    use crate::home::Home;
    use crate::out::Out;

    const THIEF: &str = "0x1111111111111111111111111111111111111111";
    const OTHER: &str = "0x2222222222222222222222222222222222222222";

    fn imported(home: &Home, folder: &std::path::Path, name: &str, day: u8) {
        let file = folder.join(name);
        let row = format!("{THIEF},{OTHER},0x{day:064x},2026-01-{day:02}T00:00:00Z,5");
        std::fs::write(&file, format!("from,to,tx_hash,time,amount\n{row}\n")).unwrap();
        let format = "transfers-csv".parse().unwrap();
        let out = Out::new(true, Color::Never);
        import_all(&mut home.open().unwrap(), format, &[file], Some(Chain::ETHEREUM), &out)
            .unwrap();
    }

    fn at(day: u8) -> Timestamp {
        format!("2026-01-{day:02}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn an_account_that_runs_is_told_of_once_and_what_ran_before_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::choose(Some(folder.path().join("home")));
        imported(&home, folder.path(), "before.csv", 2);
        let cell = Cell::open(home.path()).unwrap();
        let db = case::open(&Place::Sqlite(folder.path().join("casework.sqlite"))).unwrap();
        let draft = FreezeDraft {
            case: None,
            title: "Theft".into(),
            marking: model::Marking::Amber,
            holder: "somebody".into(),
            jurisdiction: "US".into(),
            reference: None,
            legal_basis: vec!["a law".into()],
            clocks: None,
            asks: vec![(
                format!("eip155:1:{THIEF}").parse().unwrap(),
                "eip155:1/slip44:60".parse().unwrap(),
                U256::from(7),
            )],
        };
        let looked = Looked::default();
        let look = |day| look(&cell, &db, &looked, at(day)).unwrap();
        let id = freeze::draft(&db, &By::new("person:ada", at(3)), &draft).unwrap();
        assert_eq!(look(3), 0, "nobody asked yet");
        freeze::approve(&db, &By::new("person:bo", at(4)), id, 1).unwrap();
        let sent = Told::default();
        freeze::reach(&db, &By::new("person:ada", at(4)), id, FreezeState::Sent, &sent).unwrap();
        assert_eq!(look(4), 0, "what left before is the trace's affair");
        imported(&home, folder.path(), "after.csv", 5);
        assert_eq!((look(5), look(6)), (1, 0));
        // Another server that looks at the same says nothing new.
        assert_eq!(super::look(&cell, &db, &Looked::default(), at(6)).unwrap(), 0);
        let page = alerts::list(&db, &AlertFilter::default(), &Part::default()).unwrap();
        let kinds: Vec<_> = page.items.iter().map(|alert| (alert.kind, alert.times)).collect();
        assert_eq!(kinds, [(AlertKind::Freeze, 1)]);
        // What a file told is final: once that was seen, nothing is asked of it any more.
        super::look(&cell, &db, &Looked::default(), at(6)).unwrap();
        assert_eq!(freeze::told_moves(&db).unwrap(), []);
    }
}
