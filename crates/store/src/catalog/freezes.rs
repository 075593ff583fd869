//! What issuers did to holders of their tokens: kept as it was told, and by whom.

use model::{Account, Address, Asset, Chain, Freeze, FreezeAction, Freezes, TxId, U256};
use rusqlite::{Connection, Row, params};

use crate::StoreError;
use crate::catalog::blocks::{block_hash, time};
use crate::catalog::{Catalog, Commit, FileId};
use crate::code::{amount_in, amount_out, height_in, read, read_all, split_time};
use crate::error::{Doing, In};

/// Stands for a height that was not said, and for no followed block.
const NONE: i64 = -1;

impl Catalog {
    /// What was done to an account by any issuer, in time order.
    pub fn freezes(&self, account: &Account) -> Result<Vec<Freeze>, StoreError> {
        let sql = format!("{SELECT} WHERE chain = ?1 AND holder = ?2");
        let with = params![account.chain.to_string(), account.address.bytes()];
        self.read_freezes(&sql, with)
    }

    /// What was done to any account, on one chain or on all, in time order.
    pub fn freezes_all(&self, chain: Option<Chain>) -> Result<Vec<Freeze>, StoreError> {
        let sql = format!("{SELECT} WHERE ?1 IS NULL OR chain = ?1");
        self.read_freezes(&sql, params![chain.map(|chain| chain.to_string())])
    }

    /// What the issuer of an asset did to any account, in time order.
    pub fn freezes_of(&self, asset: &Asset) -> Result<Vec<Freeze>, StoreError> {
        let sql = format!("{SELECT} WHERE chain = ?1 AND asset = ?2");
        self.read_freezes(&sql, params![asset.chain.to_string(), asset.to_string()])
    }

    fn read_freezes(
        &self,
        sql: &str,
        with: impl rusqlite::Params,
    ) -> Result<Vec<Freeze>, StoreError> {
        let told = read_all(&self.db, sql, with, freeze).in_file(self.path.as_deref())?;
        let mut freezes = Freezes::default();
        told.into_iter().for_each(|told| freezes.add(told));
        Ok(freezes.into_vec())
    }
}

impl Commit<'_> {
    /// Keeps what a file told. Told again by it, it changes nothing.
    pub fn add_freeze(&mut self, file: FileId, freeze: &Freeze) -> Result<(), StoreError> {
        add(&self.db, file, NONE, freeze).in_file(self.path.as_deref())
    }

    /// Keeps what a followed block at a height told.
    pub fn add_followed_freeze(
        &mut self,
        file: FileId,
        height: u64,
        freeze: &Freeze,
    ) -> Result<(), StoreError> {
        add(&self.db, file, height_in(height)?, freeze).in_file(self.path.as_deref())
    }

    /// Forgets what followed blocks above a height told, or all of them.
    pub fn drop_followed_freezes(
        &mut self,
        file: FileId,
        above: Option<u64>,
    ) -> Result<(), StoreError> {
        let above = above.map(height_in).transpose()?.unwrap_or(NONE);
        self.db
            .prepare_cached("DELETE FROM freeze WHERE file = ?1 AND block > ?2")
            .and_then(|mut drop| drop.execute([file, above]))
            .doing(|| "forget freezes")
            .in_file(self.path.as_deref())
            .map(drop)
    }
}

fn add(db: &Connection, file: FileId, block: i64, freeze: &Freeze) -> Result<(), StoreError> {
    let Freeze { tx, log_index, height, time, asset, holder, action } = freeze;
    let doing = || format!("keep what {tx}, log {log_index} says of a holder");
    if asset.chain != tx.chain || asset.to_string().parse().as_ref() != Ok(asset) {
        let why = format!("expected an asset of {}, not {asset}", tx.chain);
        return Err(StoreError::value(doing(), why));
    }
    let (action, amount) = match action {
        FreezeAction::Freeze => (0, Vec::new()),
        FreezeAction::Release => (1, Vec::new()),
        FreezeAction::Destroy(amount) => (2, amount_in(*amount).to_vec()),
    };
    let height = height.map(height_in).transpose()?.unwrap_or(NONE);
    let (time, time_ns) = split_time(*time);
    db.prepare_cached(
        "INSERT OR IGNORE INTO freeze (chain, holder, asset, tx, log_index, action, amount, height,
            time, time_ns, file, block)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )
    .and_then(|mut add| {
        add.execute(params![
            tx.chain.to_string(),
            holder.bytes(),
            asset.to_string(),
            tx.hash.bytes(),
            log_index,
            action,
            amount,
            height,
            time,
            time_ns,
            file,
            block,
        ])
    })
    .doing(doing)
    .map(drop)
}

const SELECT: &str =
    "SELECT chain, holder, asset, tx, log_index, action, amount, height, time, time_ns FROM freeze";

fn freeze(row: &Row<'_>) -> Result<Freeze, StoreError> {
    let wrong = |what: &str| StoreError::value("read a freeze", format!("its {what} is none"));
    let chain: Chain = read::<String>(row, 0)?.parse().map_err(|_| wrong("chain"))?;
    let (holder, tx): (Vec<u8>, Vec<u8>) = (read(row, 1)?, read(row, 3)?);
    let amount = || -> Result<U256, StoreError> {
        amount_out(&read::<Vec<u8>>(row, 6)?).ok_or_else(|| wrong("amount"))
    };
    Ok(Freeze {
        tx: TxId { chain, hash: block_hash(&tx)? },
        log_index: read(row, 4)?,
        height: u64::try_from(read::<i64>(row, 7)?).ok(),
        time: time(row, 8)?,
        asset: read::<String>(row, 2)?.parse().map_err(|_| wrong("asset"))?,
        holder: Address::from_bytes(&holder, chain).ok_or_else(|| wrong("holder"))?,
        action: match read::<i64>(row, 5)? {
            0 => FreezeAction::Freeze,
            1 => FreezeAction::Release,
            2 => FreezeAction::Destroy(amount()?),
            _ => return Err(wrong("action")),
        },
    })
}
