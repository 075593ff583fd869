//! Chains that are followed: which heights are held whole, and what the follower notes.

use std::collections::BTreeMap;

use model::{Chain, Oddity, Timestamp, TxHash};
use rusqlite::{Connection, Row, params};

use crate::catalog::blocks::{block_hash, time};
use crate::catalog::{Catalog, Commit, FileId, files};
use crate::code::{height_in, read, read_all, split_time};
use crate::error::{Doing, In};
use crate::follow::{FollowedRange, FollowedRanges};
use crate::{FileRecord, StoreError};

/// What the followed blocks of a chain are imported for, as far as their file in the catalog says.
pub(crate) const PURPOSE: &str = "follow";

impl Catalog {
    /// What the follower of each chain noted, by chain and name.
    pub fn follow_notes(&self) -> Result<BTreeMap<Chain, BTreeMap<String, String>>, StoreError> {
        let sql = "SELECT chain, name, value FROM follow_note ORDER BY chain, name";
        let rows = self.read_all(sql, |row| {
            Ok((chain(row, 0)?, read::<String>(row, 1)?, read::<String>(row, 2)?))
        })?;
        let mut notes: BTreeMap<Chain, BTreeMap<String, String>> = BTreeMap::new();
        for (chain, name, value) in rows {
            notes.entry(chain).or_default().insert(name, value);
        }
        Ok(notes)
    }

    /// When the last followed block of each chain came.
    pub fn follow_times(&self) -> Result<BTreeMap<Chain, Timestamp>, StoreError> {
        let sql = "SELECT chain, time, time_ns FROM follow_time";
        let rows = self.read_all(sql, |row| Ok((chain(row, 0)?, time(row, 1)?)))?;
        Ok(rows.into_iter().collect())
    }

    /// Notes something of a chain's following, or forgets it. Needs no right to write, and changes no answer.
    pub fn note_followed(
        &self,
        chain: Chain,
        notes: &[(&str, Option<&str>)],
    ) -> Result<(), StoreError> {
        let doing = || format!("note how {chain} is followed");
        let change = self.write(&doing())?;
        let note = |name: &str, value: Option<&str>| {
            let chain = chain.to_string();
            match value {
                Some(value) => change
                    .prepare_cached("INSERT OR REPLACE INTO follow_note VALUES (?1, ?2, ?3)")?
                    .execute(params![chain, name, value]),
                None => change
                    .prepare_cached("DELETE FROM follow_note WHERE chain = ?1 AND name = ?2")?
                    .execute(params![chain, name]),
            }
        };
        let noted =
            || notes.iter().try_for_each(|(name, value)| note(name, *value).map(drop)).doing(doing);
        noted().in_file(self.path())?;
        change.commit().doing(doing).in_file(self.path())
    }
}

impl Commit<'_> {
    /// Which heights of a chain are held whole from now on.
    pub fn set_followed(
        &mut self,
        chain: Chain,
        ranges: &FollowedRanges,
    ) -> Result<(), StoreError> {
        let doing = || format!("note which blocks of {chain} are held");
        let set = || -> Result<(), StoreError> {
            let chain = chain.to_string();
            self.db
                .prepare_cached("DELETE FROM followed WHERE chain = ?1")
                .and_then(|mut clear| clear.execute([&chain]))
                .doing(doing)?;
            let sql = "INSERT INTO followed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let mut add = self.db.prepare_cached(sql).doing(doing)?;
            for range in ranges.iter() {
                let (first, last) = (height_in(range.first)?, height_in(range.last)?);
                let parent = range.parent.as_ref().map(TxHash::bytes);
                let hash = range.hash.as_ref().map(TxHash::bytes);
                let at = range.time.map(split_time);
                let (time, nanos) = (at.map(|at| at.0), at.map(|at| at.1));
                add.execute(params![chain, first, last, parent, hash, time, nanos, range.unseen])
                    .doing(doing)?;
            }
            Ok(())
        };
        set().in_file(self.path.as_deref())
    }

    /// Notes that a block of a chain came just now.
    pub fn set_follow_time(&mut self, chain: Chain, now: Timestamp) -> Result<(), StoreError> {
        let (time, nanos) = split_time(now);
        self.db
            .prepare_cached("INSERT OR REPLACE INTO follow_time VALUES (?1, ?2, ?3)")
            .and_then(|mut put| put.execute(params![chain.to_string(), time, nanos]))
            .doing(|| format!("note when the last block of {chain} came"))
            .in_file(self.path.as_deref())
            .map(drop)
    }

    /// The file that stands for all followed blocks of a chain.
    pub fn followed_file(&mut self, chain: Chain) -> Result<FileId, StoreError> {
        let name = format!("followed blocks of {chain}");
        let file = FileRecord { name, purpose: PURPOSE.into(), bytes: 0 };
        self.add_file(&file, &chain.to_string())
    }

    /// Keeps what was strange in a followed block.
    pub fn add_followed_oddity(
        &mut self,
        file: FileId,
        height: u64,
        oddity: &Oddity,
    ) -> Result<(), StoreError> {
        let height = height_in(height)?;
        files::put_oddity(&self.db, file, oddity, Some(height)).in_file(self.path.as_deref())
    }

    /// Forgets what was strange in blocks above a height, or in all of them.
    pub fn drop_followed_oddities(
        &mut self,
        file: FileId,
        above: Option<u64>,
    ) -> Result<(), StoreError> {
        let above = above.map(height_in).transpose()?.unwrap_or(-1);
        self.db
            .prepare_cached("DELETE FROM oddity WHERE file = ?1 AND height > ?2")
            .and_then(|mut drop| drop.execute([file, above]))
            .doing(|| "forget oddities")
            .in_file(self.path.as_deref())
            .map(drop)
    }
}

/// The heights that are held whole, by chain.
pub(super) fn all(db: &Connection) -> Result<BTreeMap<Chain, FollowedRanges>, StoreError> {
    let sql = "SELECT chain, first, last, parent, hash, time, time_ns, unseen FROM followed
               ORDER BY chain, first";
    let mut all: BTreeMap<Chain, Vec<FollowedRange>> = BTreeMap::new();
    for (chain, range) in read_all(db, sql, [], |row| Ok((chain(row, 0)?, range(row)?)))? {
        all.entry(chain).or_default().push(range);
    }
    Ok(all.into_iter().map(|(chain, ranges)| (chain, FollowedRanges::of_kept(ranges))).collect())
}

fn range(row: &Row<'_>) -> Result<FollowedRange, StoreError> {
    let hash = |at| {
        let bytes: Option<Vec<u8>> = read(row, at)?;
        bytes.as_deref().map(block_hash).transpose()
    };
    let is_timed = read::<Option<i64>>(row, 5)?.is_some();
    Ok(FollowedRange {
        first: read::<i64>(row, 1)?.cast_unsigned(),
        last: read::<i64>(row, 2)?.cast_unsigned(),
        parent: hash(3)?,
        hash: hash(4)?,
        time: is_timed.then(|| time(row, 5)).transpose()?,
        unseen: read(row, 7)?,
    })
}

fn chain(row: &Row<'_>, at: usize) -> Result<Chain, StoreError> {
    let text: String = read(row, at)?;
    text.parse().map_err(|_| StoreError::value("read a followed chain", format!("{text:?}")))
}
