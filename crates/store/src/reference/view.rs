//! The reference's answers about the past.
//!
//! One statement is prepared for a whole frontier and bound to each account in
//! turn: within one process that costs what a join would, and it stops at the
//! limit of each account. SQLite orders by time, height and place in the block;
//! what is equal in all three is ordered here, so that the order is `model`'s.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use model::{
    Account, Asset, AssetMeta, Chain, Coverage, Degree, Direction, Expansion, Limits, Outpoint,
    Reached, Seek, Spend, TimeSource, Timestamp, Transaction, Transfer, TxId, View, ViewError,
};
use rusqlite::{OptionalExtension, params};

use crate::StoreError;
use crate::code::{SplitTime, amount_in, join_time, read, split_time, time_source_in};
use crate::error::{Doing, In};
use crate::reference::Reference;
use crate::reference::batch::read_meta;
use crate::reference::names::{find_account, find_asset, find_chain, find_tx};
use crate::reference::rows::{self, transfers_of};

impl View for Reference {
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        self.answer("expand a frontier", || {
            let assets = self.asset_ids(limits)?;
            let reached =
                frontier.iter().map(|seek| self.reach(direction, seek, limits, assets.as_ref()));
            Ok(Expansion { reached: reached.collect::<Result<_, _>>()? })
        })
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        self.answer("look up who spent", || {
            outpoints.iter().map(|outpoint| self.spend(outpoint)).collect()
        })
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        self.answer(&format!("look up the transaction {id}"), || self.find_transaction(id))
    }

    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        self.answer("count transfers", || {
            accounts.iter().map(|account| self.degree_of(account)).collect()
        })
    }

    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        self.answer(&format!("scan {chain}"), || self.scan_chain(chain, since, until, visit))
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        self.answer("look up assets", || {
            assets.iter().map(|asset| self.asset_meta(asset)).collect()
        })
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        self.answer("say what is held", || self.covered())
    }
}

impl Reference {
    fn answer<T>(
        &self,
        doing: &str,
        ask: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, ViewError> {
        ask().in_file(self.path.as_deref()).map_err(|error| ViewError::because(doing, error))
    }

    fn reach(
        &self,
        direction: Direction,
        seek: &Seek,
        limits: &Limits,
        assets: Option<&HashSet<i64>>,
    ) -> Result<Reached, StoreError> {
        let mut transfers = match find_account(&self.db, &seek.account)? {
            Some(account) => self.transfers_at(direction, account, seek, limits, assets)?,
            None => Vec::new(),
        };
        transfers.sort_by(Transfer::cmp_time);
        let is_truncated = limits.cut(direction, &mut transfers);
        Ok(Reached { account: seek.account.clone(), transfers, is_truncated, is_complete: false })
    }

    /// At least as many as the limit keeps and one more, where there are.
    fn transfers_at(
        &self,
        direction: Direction,
        account: i64,
        seek: &Seek,
        limits: &Limits,
        assets: Option<&HashSet<i64>>,
    ) -> Result<Vec<Transfer>, StoreError> {
        let doing = || format!("read the transfers of {}", seek.account);
        let mut ask = self
            .db
            .prepare_cached(match direction {
                Direction::Forward => concat!(
                    transfers_of!("transfer"),
                    "WHERE t.source = ?1 AND (t.time, t.time_ns) >= (?2, ?3)
                     AND (t.time, t.time_ns) <= (?4, ?5) AND t.amount >= ?6
                     ORDER BY t.time, t.time_ns, t.height, t.tx_index"
                ),
                Direction::Backward => concat!(
                    transfers_of!("transfer"),
                    "WHERE t.target = ?1 AND (t.time, t.time_ns) >= (?2, ?3)
                     AND (t.time, t.time_ns) <= (?4, ?5) AND t.amount >= ?6
                     ORDER BY t.time DESC, t.time_ns DESC, t.height DESC, t.tx_index DESC"
                ),
            })
            .doing(doing)?;
        let (since, until) = match direction {
            Direction::Forward => (limits.since.max(seek.bound), limits.until),
            Direction::Backward => (limits.since, earlier(limits.until, seek.bound)),
        };
        let (since, until) = range(since, until);
        let least = amount_in(limits.min_base);
        let mut rows =
            ask.query(params![account, since.0, since.1, until.0, until.1, least]).doing(doing)?;
        let names = &mut *self.names.borrow_mut();
        let mut transfers: Vec<Transfer> = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            if let Some(assets) = assets
                && !assets.contains(&read(row, 11)?)
            {
                continue;
            }
            let transfer = rows::transfer(&self.db, names, row)?;
            let is_enough = transfers.len() > limits.per_account
                && transfers.last().is_some_and(|last| !is_tied(last, &transfer));
            if is_enough {
                break;
            }
            transfers.push(transfer);
        }
        Ok(transfers)
    }

    fn asset_ids(&self, limits: &Limits) -> Result<Option<HashSet<i64>>, StoreError> {
        let Some(assets) = &limits.assets else { return Ok(None) };
        let mut ids = HashSet::new();
        for asset in assets {
            ids.extend(find_asset(&self.db, asset)?);
        }
        Ok(Some(ids))
    }

    fn spend(&self, outpoint: &Outpoint) -> Result<Option<Spend>, StoreError> {
        let doing = || format!("look up who spent {outpoint}");
        let Some(tx) = find_tx(&self.db, &outpoint.tx)? else { return Ok(None) };
        // Two that spend the same cannot both be true; one is taken by a rule.
        let found: Option<(i64, u32)> = self
            .db
            .prepare_cached(
                "SELECT c.tx, i.n FROM utxo_input i CROSS JOIN utxo_claim c ON c.id = i.claim
                 CROSS JOIN tx x ON x.id = c.tx
                 WHERE i.prev_tx = ?1 AND i.prev_n = ?2 AND c.is_chosen = 1
                 ORDER BY length(x.hash) DESC, x.hash DESC, i.n DESC LIMIT 1",
            )
            .and_then(|mut ask| {
                ask.query_row(params![tx, outpoint.index], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .doing(doing)?;
        let Some((tx, input)) = found else { return Ok(None) };
        let tx = self.names.borrow_mut().tx(&self.db, tx)?;
        Ok(Some(Spend { tx, input }))
    }

    fn find_transaction(&self, id: &TxId) -> Result<Option<Transaction>, StoreError> {
        let Some(tx) = find_tx(&self.db, id)? else { return Ok(None) };
        let names = &mut *self.names.borrow_mut();
        if let Some(chosen) = rows::utxo(&self.db, names, tx)? {
            let mut known = chosen.tx;
            rows::resolve(&self.db, names, &mut known)?;
            return Ok(Some(Transaction::Utxo(known)));
        }
        let doing = || format!("read the transfers of {id}");
        let mut ask = self
            .db
            .prepare_cached(concat!(transfers_of!("transfer"), "WHERE t.tx = ?1"))
            .doing(doing)?;
        let mut rows = ask.query([tx]).doing(doing)?;
        let mut transfers = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            transfers.push(rows::transfer(&self.db, names, row)?);
        }
        transfers.sort_by(|a, b| a.position.cmp(&b.position).then_with(|| a.cmp_time(b)));
        Ok((!transfers.is_empty()).then_some(Transaction::Account { id: *id, transfers }))
    }

    fn degree_of(&self, account: &Account) -> Result<Degree, StoreError> {
        let Some(id) = find_account(&self.db, account)? else { return Ok(Degree::default()) };
        let count = |sql: &str| -> Result<u64, StoreError> {
            let count: i64 = self
                .db
                .prepare_cached(sql)
                .and_then(|mut ask| ask.query_row([id], |row| row.get(0)))
                .doing(|| format!("count the transfers of {account}"))?;
            Ok(count.cast_unsigned())
        };
        Ok(Degree {
            sent: count("SELECT count(*) FROM transfer WHERE source = ?1")?,
            received: count("SELECT count(*) FROM transfer WHERE target = ?1")?,
        })
    }

    fn scan_chain(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let doing = || format!("read the transfers of {chain}");
        let Some(id) = find_chain(&self.db, chain)? else { return Ok(()) };
        let (since, until) = range(since, until);
        let mut ask = self
            .db
            .prepare_cached(concat!(
                transfers_of!("transfer"),
                "WHERE t.chain = ?1 AND (t.time, t.time_ns) >= (?2, ?3)
                 AND (t.time, t.time_ns) <= (?4, ?5)
                 ORDER BY t.time, t.time_ns, t.height, t.tx_index"
            ))
            .doing(doing)?;
        let mut rows = ask.query(params![id, since.0, since.1, until.0, until.1]).doing(doing)?;
        let mut tied: Vec<Transfer> = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            // Borrowed for one row only: the visitor may ask this store again.
            let transfer = rows::transfer(&self.db, &mut self.names.borrow_mut(), row)?;
            let is_next = tied.last().is_some_and(|last| !is_tied(last, &transfer));
            if is_next && visit_in_order(&mut tied, visit).is_break() {
                return Ok(());
            }
            tied.push(transfer);
        }
        // Whether the visitor had enough matters no more.
        let _ = visit_in_order(&mut tied, visit);
        Ok(())
    }

    fn asset_meta(&self, asset: &Asset) -> Result<AssetMeta, StoreError> {
        match find_asset(&self.db, asset)? {
            Some(id) => read_meta(&self.db, id, asset.clone()),
            None => Ok(AssetMeta::unknown(asset.clone())),
        }
    }

    fn covered(&self) -> Result<Vec<Coverage>, StoreError> {
        let doing = || "say what is held";
        let mut ask = self
            .db
            .prepare_cached(
                "SELECT chain, count(*), min(height), max(height) FROM transfer GROUP BY chain",
            )
            .doing(doing)?;
        let mut rows = ask.query([]).doing(doing)?;
        let mut chains: BTreeMap<Chain, Coverage> = BTreeMap::new();
        while let Some(row) = rows.next().doing(doing)? {
            let id = read(row, 0)?;
            let chain = self.names.borrow_mut().chain(&self.db, id)?;
            let coverage = Coverage {
                transfers: read::<i64>(row, 1)?.cast_unsigned(),
                height_first: read::<Option<i64>>(row, 2)?.map(i64::cast_unsigned),
                height_last: read::<Option<i64>>(row, 3)?.map(i64::cast_unsigned),
                time_first: self.time_at_end(id, "ORDER BY time, time_ns")?,
                time_last: self.time_at_end(id, "ORDER BY time DESC, time_ns DESC")?,
                ..Coverage::nothing(chain)
            };
            chains.insert(chain, coverage);
        }
        Ok(chains.into_values().collect())
    }

    fn time_at_end(&self, chain: i64, order: &str) -> Result<Option<Timestamp>, StoreError> {
        let sql = format!(
            "SELECT time, time_ns FROM transfer WHERE chain = ?1 AND time_source <> ?2 {order} LIMIT 1"
        );
        let found: Option<(i64, i64)> = self
            .db
            .prepare_cached(&sql)
            .and_then(|mut ask| {
                let unknown = time_source_in(TimeSource::Unknown);
                ask.query_row([chain, unknown], |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
            .doing(|| "say what is held")?;
        Ok(found.and_then(|(time, time_ns)| join_time(time, time_ns)))
    }
}

/// Equal in all that SQLite orders by.
fn is_tied(a: &Transfer, b: &Transfer) -> bool {
    (a.time, a.height, a.tx_index) == (b.time, b.height, b.tx_index)
}

fn visit_in_order(
    tied: &mut Vec<Transfer>,
    visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
) -> ControlFlow<()> {
    tied.sort_by(Transfer::cmp_time);
    for transfer in tied.drain(..) {
        visit(&transfer)?;
    }
    ControlFlow::Continue(())
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

/// An open end is the end of time.
fn range(since: Option<Timestamp>, until: Option<Timestamp>) -> (SplitTime, SplitTime) {
    (split_time(since.unwrap_or(Timestamp::MIN)), split_time(until.unwrap_or(Timestamp::MAX)))
}
