//! Gathered blocks, where they stand, and ranges of heights.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use model::headers::Placed;
use model::{BlockFact, Chain, Timestamp, TxHash};
use rusqlite::{Connection, Row, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::code::{hash_out, height_in, heights_in, join_time, read, read_all, split_time};
use crate::error::{Doing, In};

/// Heights in ranges that neither touch nor overlap, ascending.
pub type Heights = Vec<RangeInclusive<u64>>;

/// Tables of ranges of heights.
#[derive(Clone, Copy)]
pub(super) enum Ranges {
    TracesCover,
    BlockHeight,
}

impl Catalog {
    /// Every block with a hash that files told of a chain, each way it was told.
    pub fn blocks(&self, chain: Chain) -> Result<Vec<BlockFact>, StoreError> {
        let sql = "SELECT hash, parent, height, time, time_ns, work FROM block WHERE chain = ?1";
        read_all(&self.db, sql, [chain.to_string()], |row| block(row, chain))
            .in_file(self.path.as_deref())
    }

    /// Where the blocks of a chain stood at the last commit.
    pub fn placed(&self, chain: Chain) -> Result<BTreeMap<TxHash, Placed>, StoreError> {
        let sql = "SELECT hash, height, stands FROM placed WHERE chain = ?1";
        let placed = read_all(&self.db, sql, [chain.to_string()], |row| {
            let height: Option<i64> = read(row, 1)?;
            let place = Placed { height: height.map(i64::cast_unsigned), stands: read(row, 2)? };
            Ok((block_hash(&read::<Vec<u8>>(row, 0)?)?, place))
        });
        Ok(placed.in_file(self.path.as_deref())?.into_iter().collect())
    }

    /// How many blocks files and nodes told of: on chains where headers decide, each
    /// hash once, on others each height.
    pub fn block_count(&self) -> Result<u64, StoreError> {
        // Bitcoin's chains are those of CAIP-2's namespace bip122.
        let sql = "SELECT
            (SELECT count(*) FROM (SELECT chain, hash FROM block
                UNION SELECT chain, hash FROM hot_block WHERE chain LIKE 'bip122:%'))
            + (SELECT coalesce(sum(last - first + 1), 0) FROM block_height
                WHERE chain NOT LIKE 'bip122:%')
            + (SELECT count(DISTINCT h.chain || ' ' || h.height) FROM hot_block h
                WHERE h.chain NOT LIKE 'bip122:%' AND NOT EXISTS (SELECT 1 FROM block_height b
                    WHERE b.chain = h.chain AND b.first <= h.height AND h.height <= b.last))
            + (SELECT coalesce(sum(last - first + 1), 0) FROM block_height
                WHERE chain LIKE 'bip122:%' AND chain NOT IN (SELECT chain FROM block))";
        let count: Result<i64, _> = self.db.query_row(sql, [], |row| row.get(0));
        let count = count.doing(|| "count blocks").in_file(self.path.as_deref())?;
        Ok(count.cast_unsigned())
    }

    /// The heights whose value is given by traces.
    pub fn traces_cover(&self, chain: Chain) -> Result<Heights, StoreError> {
        ranges(&self.db, Ranges::TracesCover, chain).in_file(self.path.as_deref())
    }
}

/// Keeps a block as a file told it. False: it was told just so before.
pub(super) fn add_block(db: &Connection, block: &BlockFact) -> Result<bool, StoreError> {
    let doing = || format!("keep a block of {}", block.chain);
    let Some(hash) = &block.hash else {
        return Err(StoreError::value(doing(), "it has no hash to place it by"));
    };
    let parent = block.parent.as_ref().map(|hash| hash.bytes());
    let height = heights_in(block.height)?;
    let (time, time_ns) = split_time(block.time);
    let added = db
        .prepare_cached(
            "INSERT INTO block (chain, hash, parent, height, time, time_ns, work)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
             WHERE NOT EXISTS (
                SELECT 1 FROM block WHERE chain = ?1 AND hash = ?2 AND parent IS ?3
                AND height IS ?4 AND time = ?5 AND time_ns = ?6 AND work IS ?7)",
        )
        .and_then(|mut add| {
            let chain = block.chain.to_string();
            add.execute(params![chain, hash.bytes(), parent, height, time, time_ns, block.work])
        })
        .doing(doing)?;
    Ok(added > 0)
}

pub(super) fn place(
    db: &Connection,
    chain: Chain,
    hash: &TxHash,
    placed: &Placed,
) -> Result<(), StoreError> {
    let height = placed.height.map(u64::cast_signed);
    db.prepare_cached(
        "INSERT OR REPLACE INTO placed (chain, hash, height, stands) VALUES (?1, ?2, ?3, ?4)",
    )
    .and_then(|mut put| {
        put.execute(params![chain.to_string(), hash.bytes(), height, placed.stands])
    })
    .doing(|| format!("place a block of {chain}"))
    .map(drop)
}

pub(super) fn ranges(db: &Connection, table: Ranges, chain: Chain) -> Result<Heights, StoreError> {
    let sql = format!("SELECT first, last FROM {} WHERE chain = ?1 ORDER BY first", table.name());
    read_all(db, &sql, [chain.to_string()], |row| {
        Ok(read::<i64>(row, 0)?.cast_unsigned()..=read::<i64>(row, 1)?.cast_unsigned())
    })
}

/// Joins a range with those it touches.
pub(super) fn add_range(
    db: &Connection,
    table: Ranges,
    chain: Chain,
    heights: &RangeInclusive<u64>,
) -> Result<(), StoreError> {
    let doing = || format!("note heights {} to {} of {chain}", heights.start(), heights.end());
    let name = table.name();
    let text = chain.to_string();
    let (first, last) = (height_in(*heights.start())?, height_in(*heights.end())?);
    let (low, high): (Option<i64>, Option<i64>) = db
        .prepare_cached(&format!(
            "SELECT min(first), max(last) FROM {name}
             WHERE chain = ?1 AND first <= ?3 + 1 AND last >= ?2 - 1"
        ))
        .and_then(|mut ask| {
            ask.query_row(params![text, first, last], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .doing(doing)?;
    db.prepare_cached(&format!(
        "DELETE FROM {name} WHERE chain = ?1 AND first <= ?3 + 1 AND last >= ?2 - 1"
    ))
    .and_then(|mut drop| drop.execute(params![text, first, last]))
    .doing(doing)?;
    let (first, last) = (first.min(low.unwrap_or(first)), last.max(high.unwrap_or(last)));
    db.prepare_cached(&format!("INSERT INTO {name} (chain, first, last) VALUES (?1, ?2, ?3)"))
        .and_then(|mut add| add.execute(params![text, first, last]))
        .doing(doing)
        .map(drop)
}

impl Ranges {
    fn name(self) -> &'static str {
        match self {
            Ranges::TracesCover => "traces_cover",
            Ranges::BlockHeight => "block_height",
        }
    }
}

fn block(row: &Row<'_>, chain: Chain) -> Result<BlockFact, StoreError> {
    let parent: Option<Vec<u8>> = read(row, 1)?;
    Ok(BlockFact {
        chain,
        hash: Some(block_hash(&read::<Vec<u8>>(row, 0)?)?),
        parent: parent.as_deref().map(block_hash).transpose()?,
        height: read::<Option<i64>>(row, 2)?.map(i64::cast_unsigned),
        time: time(row, 3)?,
        work: read(row, 5)?,
    })
}

pub(super) fn time(row: &Row<'_>, at: usize) -> Result<Timestamp, StoreError> {
    join_time(read(row, at)?, read(row, at + 1)?)
        .ok_or_else(|| StoreError::value("read a time", "it is none"))
}

pub(super) fn block_hash(bytes: &[u8]) -> Result<TxHash, StoreError> {
    hash_out(bytes).ok_or_else(|| {
        StoreError::value("read a block", format!("its hash has {} bytes", bytes.len()))
    })
}
