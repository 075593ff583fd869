//! What miners wrote into reward transactions, and the texts that tell pools apart.

use model::{Chain, CoinbaseTag, TxId};
use rusqlite::{OptionalExtension, params};

use crate::StoreError;
use crate::catalog::collection::{Outcome, replace};
use crate::catalog::{Catalog, Commit};
use crate::code::read;
use crate::error::{Doing, In};

impl Catalog {
    /// Keeps the texts of a file whole, in place of what an earlier file of the same name held.
    pub fn put_coinbase_tags(
        &mut self,
        collection: &str,
        file_hash: &str,
        tags: &[CoinbaseTag],
    ) -> Result<Outcome, StoreError> {
        let path = self.path.clone();
        self.keep_coinbase_tags(collection, file_hash, tags).in_file(path.as_deref())
    }

    /// Every text, ordered by file and place in it.
    pub fn coinbase_tags(&self) -> Result<Vec<CoinbaseTag>, StoreError> {
        self.read_all(
            "SELECT t.text, t.pool, t.link FROM coinbase_tag t
             CROSS JOIN collection c ON c.id = t.collection ORDER BY c.name, t.n",
            |row| Ok(CoinbaseTag { text: read(row, 0)?, pool: read(row, 1)?, link: read(row, 2)? }),
        )
    }

    /// What the miner wrote into a reward transaction, where it is known.
    pub fn coinbase(&self, tx: &TxId) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT script FROM coinbase WHERE chain = ?1 AND tx = ?2";
        let with = params![tx.chain.to_string(), tx.hash.bytes()];
        self.db
            .prepare_cached(sql)
            .and_then(|mut ask| ask.query_row(with, |row| row.get(0)).optional())
            .doing(|| format!("read the coinbase of {tx}"))
            .in_file(self.path.as_deref())
    }

    /// How many are kept of a chain.
    pub fn coinbase_count(&self, chain: Chain) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM coinbase WHERE chain = ?1";
        let count: i64 = self
            .db
            .query_row(sql, [chain.to_string()], |row| row.get(0))
            .doing(|| format!("count the coinbases of {chain}"))
            .in_file(self.path.as_deref())?;
        Ok(count.cast_unsigned())
    }

    fn keep_coinbase_tags(
        &mut self,
        collection: &str,
        file_hash: &str,
        tags: &[CoinbaseTag],
    ) -> Result<Outcome, StoreError> {
        let doing = || format!("keep the coinbase tags of {collection}");
        let db = self.write(&doing())?;
        let (outcome, id) = replace(&db, "coinbase tags", collection, file_hash)?;
        let Some(id) = id else { return Ok(outcome) };
        for (n, tag) in (0i64..).zip(tags) {
            let sql = "INSERT INTO coinbase_tag (collection, n, text, pool, link)
                 VALUES (?1, ?2, ?3, ?4, ?5)";
            db.prepare_cached(sql)
                .and_then(|mut add| add.execute(params![id, n, tag.text, tag.pool, tag.link]))
                .doing(doing)?;
        }
        db.commit().doing(doing)?;
        Ok(outcome)
    }
}

impl Commit<'_> {
    /// Keeps what miners wrote. A transaction's never changes: what is kept stays.
    pub fn put_coinbases(&mut self, coinbases: &[(TxId, Box<[u8]>)]) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO coinbase (chain, tx, script) VALUES (?1, ?2, ?3)";
        for (tx, script) in coinbases {
            let with = params![tx.chain.to_string(), tx.hash.bytes(), &script[..]];
            self.db
                .prepare_cached(sql)
                .and_then(|mut add| add.execute(with))
                .doing(|| format!("keep the coinbase of {tx}"))
                .in_file(self.path.as_deref())?;
        }
        Ok(())
    }
}
