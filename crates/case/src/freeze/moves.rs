//! Warns of who runs: each move of each request once, wherever its block stands.
//!
//! A chain's newest blocks can be unwound. The same transaction in another block tells nothing new; one
//! that is in no block any more makes its alert say so ([`settle_moves`]), and is news again when it
//! comes back. What is final is not looked at again.

use model::{Chain, Severity, Transaction, Transfer, TxId};
use serde_json::json;

use super::motion::Moves;
use super::store::{live, live_in};
use super::{FreezeId, Moved, moving};
use crate::alerts::{self, AlertKind, AlertSubject, NewAlert, Raised};
use crate::db::{Db, Row, Tx, Value};
use crate::ids::AlertId;
use crate::seen::Seen;
use crate::{By, CaseError};

/// A move that was told of, in a block that could still be unwound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldMove {
    pub request: FreezeId,
    pub tx: TxId,
    /// Which of its transaction's moves it is.
    pub which: String,
    pub height: Option<u64>,
    pub alert: AlertId,
}

/// Of those in blocks that can be unwound.
const TOLD_MAX: i64 = 100_000;

/// Raises an alert for each account that moves what is asked of it. A transfer that was told of before
/// says nothing new, in whichever block it is: whoever looks may look again at the same ones.
pub fn warn(db: &Db, by: &By, transfers: &[Transfer]) -> Result<Vec<Raised>, CaseError> {
    // Most of the time nothing moves, and a write is not worth asking.
    if moving(&live(db, &Seen::All)?, transfers).is_empty() {
        return Ok(Vec::new());
    }
    db.write(|tx| {
        let requests = live_in(tx, &Seen::All)?;
        let mut raised = Vec::new();
        for moved in moving(&requests, transfers) {
            if is_told(tx, &moved)? {
                continue;
            }
            let case = requests.iter().find(|r| r.id == moved.request).and_then(|r| r.case);
            let alert = alerts::raise_in(tx, by, &NewAlert { case, ..alert_of(&moved) })?;
            keep(tx, &moved, alert.id)?;
            raised.push(alert);
        }
        Ok(raised)
    })
}

/// Whether it was told before; where it stands now is kept.
fn is_told(tx: &mut Tx<'_>, moved: &Moved) -> Result<bool, CaseError> {
    let key = key(moved.request, &moved.tx, &moved.which);
    let row = tx.row(&format!("SELECT height FROM freeze_moved {OF}"), &key)?;
    if let Some(row) = row {
        if row.int_if(0)? != height(moved.height) {
            let values = [&key[..], &[height(moved.height).into()]].concat();
            tx.run(&format!("UPDATE freeze_moved SET height = $5 {OF}"), &values)?;
        }
        return Ok(true);
    }
    // As it was told before moves were kept by what they do.
    let kind = format!("moved:{}:{}", moved.tx.hash_text(), moved.position);
    let sql = "SELECT 1 FROM freeze_told WHERE request = $1 AND kind = $2 LIMIT 1";
    Ok(tx.row(sql, &[moved.request.into(), kind.into()])?.is_some())
}

const OF: &str = "WHERE request = $1 AND chain = $2 AND tx = $3 AND move = $4";

fn key(request: FreezeId, tx: &TxId, which: &str) -> [Value; 4] {
    [request.into(), tx.chain.to_string().into(), tx.hash_text().into(), which.into()]
}

fn height(height: Option<u64>) -> Option<i64> {
    height.map(|height| i64::try_from(height).unwrap_or(i64::MAX))
}

fn keep(tx: &mut Tx<'_>, moved: &Moved, alert: AlertId) -> Result<(), CaseError> {
    let more = [height(moved.height).into(), alert.into()];
    let values = [&key(moved.request, &moved.tx, &moved.which)[..], &more].concat();
    let sql = "INSERT INTO freeze_moved (request, chain, tx, move, height, is_final, alert) \
               VALUES ($1, $2, $3, $4, $5, 0, $6)";
    tx.run(sql, &values)?;
    Ok(())
}

/// What was told and is not known to be final: whoever knows the chains asks whether it still stands.
pub fn told_moves(db: &Db) -> Result<Vec<ToldMove>, CaseError> {
    let sql = "SELECT request, chain, tx, move, height, alert FROM freeze_moved WHERE is_final = 0 \
               ORDER BY request, chain, tx, move LIMIT $1";
    db.read(|tx| tx.rows(sql, &[TOLD_MAX.into()]))?.iter().map(told).collect()
}

fn told(row: &Row) -> Result<ToldMove, CaseError> {
    let wrong = |what: &str| CaseError::Damaged(format!("a freeze request was told of {what}"));
    let chain: Chain = row.text(1)?.parse().map_err(|_| wrong("a move on no chain"))?;
    let height = row.int_if(4)?.map(u64::try_from).transpose();
    Ok(ToldMove {
        request: FreezeId(row.int(0)?),
        tx: TxId::parse(row.text(2)?, chain).ok_or_else(|| wrong("a move by no transaction"))?,
        which: row.text(3)?.to_string(),
        height: height.map_err(|_| wrong("a move at no height"))?,
        alert: AlertId(row.int(5)?),
    })
}

/// Whether a transaction, as it stands now, still makes a move. Pure.
pub fn stands(told: &ToldMove, found: Option<&Transaction>) -> bool {
    match found {
        None => false,
        // The same inputs and outputs, wherever it stands.
        Some(Transaction::Utxo(tx)) => tx.height.is_some(),
        Some(Transaction::Account { transfers, .. }) => {
            let mut moves = Moves::default();
            let mut names = transfers.iter().filter_map(|transfer| moves.name(transfer));
            names.any(|name| name == told.which)
        }
    }
}

/// Takes back what was told of moves that stand in no block any more: their alerts say so. Those that
/// are final are not asked for again. All or nothing.
pub fn settle_moves(
    db: &Db,
    by: &By,
    gone: &[ToldMove],
    finals: &[ToldMove],
) -> Result<(), CaseError> {
    if gone.is_empty() && finals.is_empty() {
        return Ok(());
    }
    db.write(|tx| {
        for told in gone {
            let key = key(told.request, &told.tx, &told.which);
            // Who looked at the same time may have said so already.
            if tx.run(&format!("DELETE FROM freeze_moved {OF} AND is_final = 0"), &key)? == 0 {
                continue;
            }
            let what = json!({
                "request": told.request, "chain": told.tx.chain, "tx": told.tx.hash_text(),
                "height": told.height,
            });
            alerts::unwind_in(tx, by, told.alert, &what)?;
        }
        for told in finals {
            let key = key(told.request, &told.tx, &told.which);
            tx.run(&format!("UPDATE freeze_moved SET is_final = 1 {OF}"), &key)?;
        }
        Ok(())
    })
}

fn alert_of(moved: &Moved) -> NewAlert {
    let held = if moved.state.is_held() { "is said to be frozen" } else { "is asked to be frozen" };
    NewAlert {
        kind: AlertKind::Freeze,
        severity: Severity::High,
        subject: AlertSubject::Account(moved.account.clone()),
        group: format!("freeze:{}:moved", moved.request),
        title: format!("It moves what {held} (freeze request {})", moved.request),
        evidence: json!({
            "request": moved.request, "state": moved.state, "account": moved.account,
            "to": moved.to, "asset": moved.asset, "amount": moved.amount.to_string(),
            "asked": moved.asked.to_string(), "tx": moved.tx.hash_text(),
            "position": moved.position, "time": moved.time, "rule": "freeze-race/1",
        }),
        team: None,
        case: None,
    }
}
