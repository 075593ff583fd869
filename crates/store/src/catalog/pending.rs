//! Transfers that are in no block yet: what nodes told of them, and what became of them.

use model::{Address, Asset, Chain, Position, Timestamp, TxId, U256};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::StoreError;
use crate::catalog::blocks::{block_hash, time};
use crate::catalog::{Catalog, Commit};
use crate::code::{amount_in, amount_out, height_in, read, read_all, split_time};
use crate::error::{Doing, In};

/// Of each chain so many transfers are kept, the latest seen for the first time.
pub const PENDING_MAX: u32 = 10_000;

/// One transfer of a transaction that was seen before it was in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub tx: TxId,
    pub transfer: Expected,
    /// Is everything the transaction will move known?
    pub is_whole: bool,
    pub first_seen: Timestamp,
    /// When a node last said that it waits.
    pub last_seen: Timestamp,
    pub state: PendingState,
}

/// What the transfer will be, as far as that is known before it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// None where it is known only once it is in a block.
    pub position: Option<Position>,
    pub from: Option<Address>,
    pub to: Option<Address>,
    pub asset: Asset,
    pub amount: U256,
}

/// What became of it, and since when that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingState {
    Waiting,
    Confirmed {
        height: u64,
        at: Timestamp,
    },
    /// Another transaction spent what it spends; which is not always known.
    Replaced {
        by: Option<TxId>,
        at: Timestamp,
    },
    /// No node holds it any more.
    Dropped {
        at: Timestamp,
    },
}

/// What a node says of a transaction that waits, or waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingNews {
    /// It waits. One that was known waits again, whatever had become of it.
    Seen { moves: Vec<Expected>, is_whole: bool },
    /// It is in a block: also where it had been given up. The same again changes nothing.
    Confirmed { height: u64 },
    /// Says nothing of one that does not wait.
    Replaced { by: Option<TxId> },
    /// Says nothing of one that does not wait.
    Dropped,
    /// It neither waits nor is in any block, also where it was said to be in one.
    Gone,
}

const WAITING: i64 = 0;
const CONFIRMED: i64 = 1;
const REPLACED: i64 = 2;
const DROPPED: i64 = 3;

impl Catalog {
    /// Takes in what a node said of transactions, in this order and at this time, all of it or nothing.
    /// Needs no right to write, and changes no answer of a view.
    pub fn tell_pending(
        &self,
        news: &[(TxId, PendingNews)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let doing = || "note what waits for a block";
        let tell = || {
            let change = self.write(doing())?;
            for (tx, news) in news {
                tell(&change, tx, news, now)?;
            }
            let mut chains: Vec<Chain> = news.iter().map(|(tx, _)| tx.chain).collect();
            chains.sort();
            chains.dedup();
            chains.into_iter().try_for_each(|chain| forget_old(&change, chain))?;
            change.commit().doing(doing)
        };
        tell().in_file(self.path.as_deref())
    }

    /// What is known of a chain, the first seen first.
    pub fn pending(&self, chain: Chain) -> Result<Vec<Pending>, StoreError> {
        let sql = "SELECT tx, position, source, target, asset, amount, first_seen, first_seen_ns,
                    last_seen, last_seen_ns, state, since, since_ns, height, by_tx, is_whole
             FROM pending WHERE chain = ?1 ORDER BY first_seen, first_seen_ns, tx, n";
        let take = |row: &Row<'_>| pending(row, chain);
        read_all(&self.db, sql, [chain.to_string()], take).in_file(self.path.as_deref())
    }
}

impl Commit<'_> {
    /// What was confirmed in blocks above a height waits again: they are taken back.
    pub fn unconfirm_pending(
        &mut self,
        chain: Chain,
        above: Option<u64>,
    ) -> Result<(), StoreError> {
        let above = above.map(height_in).transpose()?.unwrap_or(-1);
        let sql = "UPDATE pending SET state = 0, since = NULL, since_ns = NULL, height = NULL
                   WHERE chain = ?1 AND height > ?2";
        self.db
            .prepare_cached(sql)
            .and_then(|mut run| run.execute(params![chain.to_string(), above]))
            .doing(|| "take confirmations back")
            .in_file(self.path.as_deref())
            .map(drop)
    }
}

fn tell(db: &Connection, tx: &TxId, news: &PendingNews, now: Timestamp) -> Result<(), StoreError> {
    match news {
        PendingNews::Seen { moves, is_whole } => seen(db, tx, moves, *is_whole, now),
        PendingNews::Confirmed { height } => {
            let height = height_in(*height)?;
            set(db, tx, "height IS NOT ?6", (CONFIRMED, Some(height), None), now)
        }
        PendingNews::Replaced { by } => {
            set(db, tx, "state = 0", (REPLACED, None, by.as_ref()), now)
        }
        PendingNews::Dropped => set(db, tx, "state = 0", (DROPPED, None, None), now),
        PendingNews::Gone => set(db, tx, "state IN (0, 1)", (DROPPED, None, None), now),
    }
}

fn seen(
    db: &Connection,
    tx: &TxId,
    moves: &[Expected],
    is_whole: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let doing = || format!("note that {tx} waits for a block");
    let (chain, hash) = (tx.chain.to_string(), tx.hash.bytes());
    let (time, nanos) = split_time(now);
    let known = db
        .prepare_cached(
            "UPDATE pending SET state = 0, since = NULL, since_ns = NULL, height = NULL, by_tx = NULL,
                last_seen = ?3, last_seen_ns = ?4 WHERE chain = ?1 AND tx = ?2",
        )
        .and_then(|mut run| run.execute(params![chain, hash, time, nanos]))
        .doing(doing)?;
    if known > 0 {
        return Ok(());
    }
    for (n, Expected { position, from, to, asset, amount }) in (0i64..).zip(moves) {
        if asset.chain != tx.chain {
            let why = format!("expected an asset of {}, not {asset}", tx.chain);
            return Err(StoreError::value(doing(), why));
        }
        db.prepare_cached(
            "INSERT INTO pending (chain, tx, n, position, source, target, asset, amount, first_seen,
                first_seen_ns, last_seen, last_seen_ns, is_whole, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?9, ?10, ?11, 0)",
        )
        .and_then(|mut add| {
            add.execute(params![
                chain,
                hash,
                n,
                position.as_ref().map(ToString::to_string),
                from.as_ref().map(|address| address.bytes()),
                to.as_ref().map(|address| address.bytes()),
                asset.to_string(),
                amount_in(*amount),
                time,
                nanos,
                is_whole,
            ])
        })
        .doing(doing)?;
    }
    Ok(())
}

/// State, height and what replaced it, of those rows of the transaction where `which` holds.
fn set(
    db: &Connection,
    tx: &TxId,
    which: &str,
    (state, height, by): (i64, Option<i64>, Option<&TxId>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let (time, nanos) = split_time(now);
    db.prepare_cached(&format!(
        "UPDATE pending SET state = ?3, since = ?4, since_ns = ?5, height = ?6, by_tx = ?7
         WHERE chain = ?1 AND tx = ?2 AND {which}",
    ))
    .and_then(|mut run| {
        let (chain, hash) = (tx.chain.to_string(), tx.hash.bytes());
        let by = by.map(|by| by.hash.bytes());
        run.execute(params![chain, hash, state, time, nanos, height, by])
    })
    .doing(|| format!("note what became of {tx}"))
    .map(drop)
}

/// Those seen first. Some more are kept where many were seen at one moment.
fn forget_old(db: &Connection, chain: Chain) -> Result<(), StoreError> {
    let doing = || "forget what waited long ago";
    let oldest: Option<(i64, i64)> = db
        .prepare_cached(
            "SELECT first_seen, first_seen_ns FROM pending WHERE chain = ?1
             ORDER BY first_seen DESC, first_seen_ns DESC LIMIT 1 OFFSET ?2",
        )
        .and_then(|mut ask| {
            let take = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            ask.query_row(params![chain.to_string(), PENDING_MAX - 1], take).optional()
        })
        .doing(doing)?;
    let Some((time, nanos)) = oldest else { return Ok(()) };
    db.prepare_cached(
        "DELETE FROM pending WHERE chain = ?1 AND (first_seen, first_seen_ns) < (?2, ?3)",
    )
    .and_then(|mut run| run.execute(params![chain.to_string(), time, nanos]))
    .doing(doing)
    .map(drop)
}

fn pending(row: &Row<'_>, chain: Chain) -> Result<Pending, StoreError> {
    let wrong = |what: &str| {
        StoreError::value("read what waits for a block", format!("its {what} is none"))
    };
    let tx = |bytes: &[u8]| Ok::<_, StoreError>(TxId { chain, hash: block_hash(bytes)? });
    let end = |at| -> Result<Option<Address>, StoreError> {
        let bytes: Option<Vec<u8>> = read(row, at)?;
        let address = |bytes: Vec<u8>| Address::from_bytes(&bytes, chain);
        bytes.map(|bytes| address(bytes).ok_or_else(|| wrong("address"))).transpose()
    };
    let position: Option<String> = read(row, 1)?;
    let transfer = Expected {
        position: position.map(|p| p.parse().map_err(|_| wrong("position"))).transpose()?,
        from: end(2)?,
        to: end(3)?,
        asset: read::<String>(row, 4)?.parse().map_err(|_| wrong("asset"))?,
        amount: amount_out(&read::<Vec<u8>>(row, 5)?).ok_or_else(|| wrong("amount"))?,
    };
    let by: Option<Vec<u8>> = read(row, 14)?;
    let height = || u64::try_from(read::<i64>(row, 13)?).map_err(|_| wrong("height"));
    let state = match read::<i64>(row, 10)? {
        WAITING => PendingState::Waiting,
        CONFIRMED => PendingState::Confirmed { height: height()?, at: time(row, 11)? },
        REPLACED => {
            PendingState::Replaced { by: by.as_deref().map(tx).transpose()?, at: time(row, 11)? }
        }
        DROPPED => PendingState::Dropped { at: time(row, 11)? },
        _ => return Err(wrong("state")),
    };
    let (tx, is_whole) = (tx(&read::<Vec<u8>>(row, 0)?)?, read(row, 15)?);
    let (first_seen, last_seen) = (time(row, 6)?, time(row, 8)?);
    Ok(Pending { tx, transfer, is_whole, first_seen, last_seen, state })
}
