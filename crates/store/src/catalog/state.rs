//! What a snapshot needs, read in one go.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Asset, AssetMeta, Chain, Timestamp, TxHash};
use roaring::RoaringBitmap;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior};

use crate::StoreError;
use crate::catalog::blocks::{block_hash, time};
use crate::catalog::{Catalog, assets, followed};
use crate::code::{join_time, read, read_all};
use crate::error::{Doing, In};
use crate::follow::FollowedRanges;

/// The number of a segment, hot ones included; never given twice in a home.
pub type SegmentId = i64;
/// The number of an imported file.
pub type FileId = i64;

/// One state of the catalog: what is live of the past.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Rises with every commit; equal generations are the same state.
    pub generation: u64,
    /// Base segments, by number: the later ones were written later.
    pub segments: Vec<SegmentRow>,
    /// On base segments and on hot ones.
    pub masks: Vec<MaskRow>,
    /// Followed blocks that are not final, by chain and height.
    pub hot: Vec<HotRow>,
    /// Which heights of a chain are held whole.
    pub followed: BTreeMap<Chain, FollowedRanges>,
    /// What files told of assets, beside what their families have in common.
    pub assets: Arc<BTreeMap<Asset, AssetMeta>>,
}

/// A segment as the catalog knows it: enough to say what is lost when its file is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentRow {
    pub id: SegmentId,
    pub chain: Chain,
    /// Its name in the folder of segments; none for a hot block's.
    pub file: Option<String>,
    pub entries: u64,
    /// Hidden rows included.
    pub rows: u64,
    /// Rows that are transfers.
    pub transfers: u64,
    pub addresses: u64,
    pub bytes: u64,
    pub time_first: Option<Timestamp>,
    pub time_last: Option<Timestamp>,
    pub height_first: Option<u64>,
    pub height_last: Option<u64>,
}

/// Entries of one segment that another replaces.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskRow {
    pub by: SegmentId,
    pub on: SegmentId,
    pub entries: RoaringBitmap,
    /// Transfers it hides.
    pub transfers: u64,
    /// Inputs it hides that spend what is not held.
    pub unresolved: u64,
}

/// A followed block that is not final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotRow {
    pub segment: SegmentRow,
    pub height: u64,
    pub hash: TxHash,
    pub parent: TxHash,
    pub time: Timestamp,
    /// What it tells of assets, encoded by whoever follows; none where it tells nothing.
    pub assets: Option<Vec<u8>>,
    /// Its segment, whole; empty where whoever asked has it.
    pub content: Vec<u8>,
}

impl Catalog {
    /// Everything a snapshot needs, as of one moment. A base segment's file may be
    /// gone by the time it is opened, merged away by another process: then ask again.
    pub fn state(&self) -> Result<State, StoreError> {
        self.state_beside(&|_| false)
    }

    /// The same without the content of followed blocks that are open already.
    pub fn state_beside(&self, is_open: &dyn Fn(SegmentId) -> bool) -> Result<State, StoreError> {
        let path = self.path.clone();
        let doing = || "read the state of the catalog";
        let load = || -> Result<State, StoreError> {
            let db =
                Transaction::new_unchecked(&self.db, TransactionBehavior::Deferred).doing(doing)?;
            Ok(State {
                generation: generation(&db)?,
                segments: segments(&db, "WHERE file IS NOT NULL")?,
                masks: masks(&db)?,
                hot: hot(&db, is_open)?,
                followed: followed::all(&db)?,
                assets: Arc::new(assets::all(&db)?),
            })
        };
        load().in_file(path.as_deref())
    }

    /// What the followed blocks of a chain told that are not final, encoded, as they rise.
    pub fn hot_facts(&self, chain: Chain) -> Result<Vec<(SegmentId, Vec<u8>)>, StoreError> {
        let sql = "SELECT h.segment, c.facts FROM hot_block h JOIN hot_content c USING (segment)
                   WHERE h.chain = ?1 ORDER BY h.height";
        let facts =
            read_all(&self.db, sql, [chain.to_string()], |row| Ok((read(row, 0)?, read(row, 1)?)));
        facts.in_file(self.path.as_deref())
    }

    /// Which state the catalog is in now: cheap, to see whether others committed.
    pub fn generation(&self) -> Result<u64, StoreError> {
        generation(&self.db).in_file(self.path.as_deref())
    }

    /// The highest number ever given to a segment that was committed.
    pub(super) fn last_segment(&self) -> Result<SegmentId, StoreError> {
        let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'segment'";
        let last = self.db.query_row(sql, [], |row| row.get(0));
        last.doing(|| "read the last segment's number").in_file(self.path.as_deref())
    }
}

pub(super) fn generation(db: &Connection) -> Result<u64, StoreError> {
    let generation: i64 = db
        .prepare_cached("SELECT generation FROM state")
        .and_then(|mut ask| ask.query_row([], |row| row.get(0)))
        .doing(|| "read the state of the catalog")?;
    Ok(generation.cast_unsigned())
}

pub(super) fn segments(db: &Connection, which: &str) -> Result<Vec<SegmentRow>, StoreError> {
    read_all(db, &format!("SELECT {COLUMNS} FROM segment s {which} ORDER BY s.id"), [], segment)
}

pub(super) fn masks_on(db: &Connection, on: SegmentId) -> Result<Vec<MaskRow>, StoreError> {
    let sql = "SELECT by_segment, on_segment, entries, transfers, unresolved FROM mask
               WHERE on_segment = ?1 ORDER BY by_segment";
    read_all(db, sql, [on], mask)
}

fn masks(db: &Connection) -> Result<Vec<MaskRow>, StoreError> {
    let sql = "SELECT by_segment, on_segment, entries, transfers, unresolved FROM mask
               ORDER BY on_segment, by_segment";
    read_all(db, sql, [], mask)
}

fn hot(db: &Connection, is_open: &dyn Fn(SegmentId) -> bool) -> Result<Vec<HotRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, h.height, h.hash, h.parent, h.time, h.time_ns, h.assets
         FROM hot_block h JOIN segment s ON s.id = h.segment ORDER BY h.chain, h.height, s.id"
    );
    let mut hot = read_all(db, &sql, [], |row| {
        Ok(HotRow {
            segment: segment(row)?,
            height: read::<i64>(row, 14)?.cast_unsigned(),
            hash: block_hash(&read::<Vec<u8>>(row, 15)?)?,
            parent: block_hash(&read::<Vec<u8>>(row, 16)?)?,
            time: time(row, 17)?,
            assets: read(row, 19)?,
            content: Vec::new(),
        })
    })?;
    let sql = "SELECT content FROM hot_content WHERE segment = ?1";
    let mut ask = db.prepare_cached(sql).doing(|| "read followed blocks")?;
    for row in hot.iter_mut().filter(|row| !is_open(row.segment.id)) {
        let content = ask.query_row([row.segment.id], |row| row.get(0));
        row.content =
            content.doing(|| format!("read block {} of {}", row.height, row.segment.chain))?;
    }
    Ok(hot)
}

const COLUMNS: &str = "s.id, s.chain, s.file, s.entries, s.rows, s.transfers, s.addresses, s.bytes,
    s.time_first, s.time_first_ns, s.time_last, s.time_last_ns, s.height_first, s.height_last";

fn segment(row: &Row<'_>) -> Result<SegmentRow, StoreError> {
    let id: SegmentId = read(row, 0)?;
    let wrong = |what: &str| StoreError::value(format!("read segment {id}"), what);
    let number = |at| read::<i64>(row, at).map(i64::cast_unsigned);
    let height = |at| read::<Option<i64>>(row, at).map(|height| height.map(i64::cast_unsigned));
    let time = |at| match (read::<Option<i64>>(row, at)?, read::<Option<i64>>(row, at + 1)?) {
        (Some(time), Some(nanos)) => {
            join_time(time, nanos).map(Some).ok_or_else(|| wrong("its time is none"))
        }
        _ => Ok(None),
    };
    Ok(SegmentRow {
        id,
        chain: read::<String>(row, 1)?.parse().map_err(|_| wrong("its chain is none"))?,
        file: read(row, 2)?,
        entries: number(3)?,
        rows: number(4)?,
        transfers: number(5)?,
        addresses: number(6)?,
        bytes: number(7)?,
        time_first: time(8)?,
        time_last: time(10)?,
        height_first: height(12)?,
        height_last: height(13)?,
    })
}

fn mask(row: &Row<'_>) -> Result<MaskRow, StoreError> {
    let (by, on) = (read(row, 0)?, read(row, 1)?);
    let entries: Vec<u8> = read(row, 2)?;
    let entries = RoaringBitmap::deserialize_from(entries.as_slice()).map_err(|error| {
        StoreError::value(format!("read the mask of {by} on {on}"), error.to_string())
    })?;
    Ok(MaskRow {
        by,
        on,
        entries,
        transfers: read::<i64>(row, 3)?.cast_unsigned(),
        unresolved: read::<i64>(row, 4)?.cast_unsigned(),
    })
}
