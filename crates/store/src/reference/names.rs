//! Chains, accounts, transactions and assets by number.
//!
//! Each name is kept once. A [`Names`] remembers what it looked up; it must not
//! outlive a transaction that may roll back, since its numbers are then given anew.

use std::collections::HashMap;

use model::{Account, Address, Asset, Chain, TxHash, TxId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::StoreError;
use crate::code::hash_out;
use crate::error::Doing;

#[derive(Default)]
pub(crate) struct Names {
    chains: HashMap<Chain, i64>,
    chains_by_id: HashMap<i64, Chain>,
    accounts: HashMap<Account, i64>,
    txs: HashMap<TxId, i64>,
    assets: HashMap<Asset, i64>,
    assets_by_id: HashMap<i64, Asset>,
}

/// Remembered at most, so that a long import stays small.
const REMEMBERED: usize = 200_000;

impl Names {
    pub(crate) fn chain_id(&mut self, db: &Connection, chain: Chain) -> Result<i64, StoreError> {
        if let Some(id) = self.chains.get(&chain) {
            return Ok(*id);
        }
        let text = chain.to_string();
        let id = find_or_add(
            db,
            ["SELECT id FROM chain WHERE caip2 = ?1", "INSERT INTO chain (caip2) VALUES (?1)"],
            &[&text],
        )
        .doing(|| format!("name the chain {text}"))?;
        self.chains.insert(chain, id);
        self.chains_by_id.insert(id, chain);
        Ok(id)
    }

    pub(crate) fn account_id(
        &mut self,
        db: &Connection,
        chain: Chain,
        address: &Address,
    ) -> Result<i64, StoreError> {
        let account = Account { chain, address: address.clone() };
        if let Some(id) = self.accounts.get(&account) {
            return Ok(*id);
        }
        if Address::from_bytes(address.bytes(), chain).as_ref() != Some(address) {
            let why = format!("{address:?} is of another family than {chain}");
            return Err(StoreError::value("keep an address", why));
        }
        let chain = self.chain_id(db, chain)?;
        let id = find_or_add(
            db,
            [
                "SELECT id FROM account WHERE chain = ?1 AND address = ?2",
                "INSERT INTO account (chain, address) VALUES (?1, ?2)",
            ],
            &[&chain, &address.bytes()],
        )
        .doing(|| format!("name the account {account}"))?;
        make_room(&mut self.accounts);
        self.accounts.insert(account, id);
        Ok(id)
    }

    pub(crate) fn maybe_account_id(
        &mut self,
        db: &Connection,
        chain: Chain,
        address: Option<&Address>,
    ) -> Result<Option<i64>, StoreError> {
        address.map(|address| self.account_id(db, chain, address)).transpose()
    }

    pub(crate) fn tx_id(&mut self, db: &Connection, tx: &TxId) -> Result<i64, StoreError> {
        if let Some(id) = self.txs.get(tx) {
            return Ok(*id);
        }
        let chain = self.chain_id(db, tx.chain)?;
        let id = find_or_add(
            db,
            [
                "SELECT id FROM tx WHERE chain = ?1 AND hash = ?2",
                "INSERT INTO tx (chain, hash) VALUES (?1, ?2)",
            ],
            &[&chain, &tx.hash.bytes()],
        )
        .doing(|| format!("name the transaction {tx}"))?;
        make_room(&mut self.txs);
        self.txs.insert(*tx, id);
        Ok(id)
    }

    pub(crate) fn asset_id(&mut self, db: &Connection, asset: &Asset) -> Result<i64, StoreError> {
        if let Some(id) = self.assets.get(asset) {
            return Ok(*id);
        }
        let text = asset.to_string();
        if text.parse::<Asset>().as_ref() != Ok(asset) {
            return Err(StoreError::value("keep an asset", format!("{text} names another one")));
        }
        let id = find_or_add(
            db,
            ["SELECT id FROM asset WHERE caip19 = ?1", "INSERT INTO asset (caip19) VALUES (?1)"],
            &[&text],
        )
        .doing(|| format!("name the asset {text}"))?;
        make_room(&mut self.assets);
        self.assets.insert(asset.clone(), id);
        Ok(id)
    }

    pub(crate) fn chain(&mut self, db: &Connection, id: i64) -> Result<Chain, StoreError> {
        if let Some(chain) = self.chains_by_id.get(&id) {
            return Ok(*chain);
        }
        let text: String = db
            .prepare_cached("SELECT caip2 FROM chain WHERE id = ?1")
            .and_then(|mut ask| ask.query_row([id], |row| row.get(0)))
            .doing(|| format!("read chain {id}"))?;
        let chain: Chain =
            text.parse().map_err(|_| StoreError::value(format!("read chain {id}"), text))?;
        self.chains_by_id.insert(id, chain);
        Ok(chain)
    }

    pub(crate) fn tx(&mut self, db: &Connection, id: i64) -> Result<TxId, StoreError> {
        let (chain, hash): (i64, Vec<u8>) = db
            .prepare_cached("SELECT chain, hash FROM tx WHERE id = ?1")
            .and_then(|mut ask| ask.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))))
            .doing(|| format!("read transaction {id}"))?;
        Ok(TxId { chain: self.chain(db, chain)?, hash: tx_hash(id, &hash)? })
    }

    pub(crate) fn asset(&mut self, db: &Connection, id: i64) -> Result<Asset, StoreError> {
        if let Some(asset) = self.assets_by_id.get(&id) {
            return Ok(asset.clone());
        }
        let text: String = db
            .prepare_cached("SELECT caip19 FROM asset WHERE id = ?1")
            .and_then(|mut ask| ask.query_row([id], |row| row.get(0)))
            .doing(|| format!("read asset {id}"))?;
        let asset: Asset =
            text.parse().map_err(|_| StoreError::value(format!("read asset {id}"), text))?;
        make_room(&mut self.assets_by_id);
        self.assets_by_id.insert(id, asset.clone());
        Ok(asset)
    }
}

pub(crate) fn tx_hash(id: i64, bytes: &[u8]) -> Result<TxHash, StoreError> {
    hash_out(bytes).ok_or_else(|| {
        StoreError::value(
            format!("read transaction {id}"),
            format!("its hash has {} bytes", bytes.len()),
        )
    })
}

/// The number of a name that is already kept.
pub(crate) fn find_account(db: &Connection, account: &Account) -> Result<Option<i64>, StoreError> {
    db.prepare_cached(
        "SELECT account.id FROM account JOIN chain ON chain.id = account.chain
         WHERE chain.caip2 = ?1 AND address = ?2",
    )
    .and_then(|mut ask| {
        ask.query_row(params![account.chain.to_string(), account.address.bytes()], |row| row.get(0))
            .optional()
    })
    .doing(|| format!("look up the account {account}"))
}

pub(crate) fn find_tx(db: &Connection, tx: &TxId) -> Result<Option<i64>, StoreError> {
    db.prepare_cached(
        "SELECT tx.id FROM tx JOIN chain ON chain.id = tx.chain WHERE chain.caip2 = ?1 AND hash = ?2",
    )
    .and_then(|mut ask| {
        ask.query_row(params![tx.chain.to_string(), tx.hash.bytes()], |row| row.get(0)).optional()
    })
    .doing(|| format!("look up the transaction {tx}"))
}

pub(crate) fn find_chain(db: &Connection, chain: Chain) -> Result<Option<i64>, StoreError> {
    db.prepare_cached("SELECT id FROM chain WHERE caip2 = ?1")
        .and_then(|mut ask| ask.query_row([chain.to_string()], |row| row.get(0)).optional())
        .doing(|| format!("look up the chain {chain}"))
}

pub(crate) fn find_asset(db: &Connection, asset: &Asset) -> Result<Option<i64>, StoreError> {
    db.prepare_cached("SELECT id FROM asset WHERE caip19 = ?1")
        .and_then(|mut ask| ask.query_row([asset.to_string()], |row| row.get(0)).optional())
        .doing(|| format!("look up the asset {asset}"))
}

fn find_or_add(
    db: &Connection,
    [find, add]: [&str; 2],
    name: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<i64> {
    let found = db.prepare_cached(find)?.query_row(name, |row| row.get(0)).optional()?;
    match found {
        Some(id) => Ok(id),
        None => db.prepare_cached(add)?.insert(name),
    }
}

fn make_room<K, V>(remembered: &mut HashMap<K, V>) {
    if remembered.len() >= REMEMBERED {
        remembered.clear();
    }
}
