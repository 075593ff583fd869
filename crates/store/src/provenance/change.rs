//! A block, put on top of what is kept; and taken back.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{NameRow, OutputKey, OutputRow, Provenance, Reach, put_reach};
use crate::StoreError;
use crate::error::{Doing, In};

/// What a block makes of entries and outputs; none: it is gone.
#[derive(Clone, Debug, Default)]
pub struct BlockChange {
    pub reach: Reach,
    pub entries: BTreeMap<Vec<u8>, Vec<u8>>,
    pub outputs: BTreeMap<OutputKey, Option<OutputRow>>,
    pub names: Vec<NameRow>,
    /// Marked addresses it meets. They stay when it is taken back, which changes no answer.
    pub marks: BTreeMap<Vec<u8>, String>,
}

impl Provenance {
    /// Puts blocks on top, each above the one before, all or none. What they change can be taken
    /// back until [`Provenance::settle`].
    ///
    /// # Errors
    /// When a block is not above what is kept.
    pub fn append(&mut self, blocks: &[BlockChange]) -> Result<(), StoreError> {
        let doing = || format!("keep where value of {} came from", self.chain);
        let mut above = self.reach()?.height;
        let db = begin(&self.db).doing(doing)?;
        for block in blocks {
            let height = block.reach.height;
            let hash = block.reach.hash.as_ref();
            let (Some(height), Some(_)) =
                (height.filter(|height| above.is_none_or(|top| *height > top)), hash)
            else {
                let why = format!("expected a block with its hash above {above:?}");
                return Err(StoreError::value(doing(), why));
            };
            put_block(&db, height, block).doing(doing).in_file(self.path.as_deref())?;
            above = Some(height);
        }
        db.commit().doing(doing).in_file(self.path.as_deref())
    }

    /// Takes back every block above a height, or all since the sweep.
    pub fn take_back(&mut self, to: Option<u64>) -> Result<(), StoreError> {
        let doing = || format!("take back where value of {} came from", self.chain);
        let undo = || -> rusqlite::Result<()> {
            let db = begin(&self.db)?;
            let lowest = to.map_or(-1, u64::cast_signed);
            for height in heights_above(&db, lowest)? {
                restore(&db, height)?;
            }
            db.commit()
        };
        undo().doing(doing).in_file(self.path.as_deref())
    }

    /// Blocks up to a height are final: what they changed is not kept any longer. The last of
    /// them stays as where the sweep reached.
    pub fn settle(&mut self, up_to: u64) -> Result<(), StoreError> {
        let doing = || format!("settle where value of {} came from", self.chain);
        let sql = [
            "DELETE FROM old_entry WHERE height <= ?1",
            "DELETE FROM old_output WHERE height <= ?1",
            "DELETE FROM block WHERE height <= ?1",
        ];
        let settle = || -> rusqlite::Result<()> {
            let db = begin(&self.db)?;
            let last = "SELECT max(height) FROM block WHERE height <= ?1";
            let last: Option<i64> =
                db.query_row(last, [i64::try_from(up_to).unwrap_or(i64::MAX)], |row| row.get(0))?;
            let Some(last) = last else { return Ok(()) };
            let all = "SELECT height, hash, time, time_ns, transfers FROM block WHERE height = ?1";
            db.execute("DELETE FROM reach", [])?;
            db.execute(&format!("INSERT INTO reach {all}"), [last])?;
            sql.iter().try_for_each(|sql| db.execute(sql, [last]).map(drop))?;
            db.commit()
        };
        settle().doing(doing).in_file(self.path.as_deref())
    }
}

fn begin(db: &Connection) -> rusqlite::Result<Transaction<'_>> {
    Transaction::new_unchecked(db, TransactionBehavior::Immediate)
}

pub(super) fn put_names(db: &Connection, names: &[NameRow]) -> rusqlite::Result<()> {
    let mut put = db.prepare_cached("INSERT OR IGNORE INTO name VALUES (?1, ?2, ?3)")?;
    names.iter().try_for_each(|name| {
        put.execute(params![name.origin.cast_signed(), name.key, name.phase]).map(drop)
    })
}

pub(super) fn put_mark(db: &Connection, address: &[u8], said: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO mark VALUES (?1, ?2)")?
        .execute(params![address, said])
        .map(drop)
}

fn put_block(db: &Connection, height: u64, block: &BlockChange) -> rusqlite::Result<()> {
    let height = height.cast_signed();
    put_reach(db, "block", &block.reach)?;
    put_names(db, &block.names)?;
    for (address, said) in &block.marks {
        put_mark(db, address, said)?;
    }
    for (address, content) in &block.entries {
        let old: Option<Vec<u8>> = db
            .prepare_cached("SELECT content FROM entry WHERE address = ?1")?
            .query_row([address], |row| row.get(0))
            .optional()?;
        db.prepare_cached("INSERT INTO old_entry VALUES (?1, ?2, ?3)")?
            .execute(params![height, address, old])?;
        db.prepare_cached("INSERT OR REPLACE INTO entry VALUES (?1, ?2)")?
            .execute(params![address, content])?;
    }
    for (key, row) in &block.outputs {
        let (tx, place) = (key.tx.bytes(), key.index);
        let old: Option<(Vec<u8>, Vec<u8>)> = db
            .prepare_cached("SELECT address, parts FROM output WHERE tx = ?1 AND place = ?2")?
            .query_row(params![tx, place], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (address, parts) = old.unzip();
        db.prepare_cached("INSERT INTO old_output VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![height, tx, place, address, parts])?;
        db.prepare_cached("DELETE FROM output WHERE tx = ?1 AND place = ?2")?
            .execute(params![tx, place])?;
        if let Some(row) = row {
            db.prepare_cached("INSERT INTO output VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                tx,
                place,
                row.address,
                row.parts
            ])?;
        }
    }
    Ok(())
}

/// The highest first.
fn heights_above(db: &Connection, lowest: i64) -> rusqlite::Result<Vec<i64>> {
    let mut find = db.prepare("SELECT height FROM block WHERE height > ?1 ORDER BY 1 DESC")?;
    let heights = find.query_map([lowest], |row| row.get(0))?;
    heights.collect()
}

/// What was before a block is again.
fn restore(db: &Connection, height: i64) -> rusqlite::Result<()> {
    let all = [
        "DELETE FROM entry WHERE address IN (SELECT address FROM old_entry WHERE height = ?1)",
        "INSERT INTO entry SELECT address, content FROM old_entry
         WHERE height = ?1 AND content IS NOT NULL",
        "DELETE FROM old_entry WHERE height = ?1",
        "DELETE FROM output WHERE (tx, place) IN
         (SELECT tx, place FROM old_output WHERE height = ?1)",
        "INSERT INTO output SELECT tx, place, address, parts FROM old_output
         WHERE height = ?1 AND parts IS NOT NULL",
        "DELETE FROM old_output WHERE height = ?1",
        "DELETE FROM block WHERE height = ?1",
    ];
    all.iter().try_for_each(|sql| db.execute(sql, [height]).map(drop))
}
