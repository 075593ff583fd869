//! One change of the catalog: all of it or nothing, seen by every process at once.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use model::headers::Placed;
use model::{AssetMeta, BlockFact, Chain, Oddity, TxHash};
use rusqlite::{Transaction, params};

use crate::catalog::blocks::Ranges;
use crate::catalog::state::{self, FileId, HotRow, MaskRow, SegmentId, SegmentRow};
use crate::catalog::{Catalog, Writer, assets, blocks, files, format};
use crate::code::{heights_in, split_time};
use crate::error::{Doing, In};
use crate::{FileRecord, StoreError};

/// A change being put together. Dropping it leaves everything as it was.
///
/// Files of segments are written and synced before they are added here, and
/// removed after [`Commit::finish`] that drops them.
pub struct Commit<'a> {
    pub(super) db: Transaction<'a>,
    pub(super) path: Option<PathBuf>,
    /// Held until the change is made.
    _writer: Arc<Writer>,
}

impl Catalog {
    /// Starts a change. Short: SQLite's lock is held until it is finished.
    pub fn commit(&self, writer: &Arc<Writer>) -> Result<Commit<'_>, StoreError> {
        let path = self.path.clone();
        let db = self.write("commit")?;
        Ok(Commit { db, path, _writer: writer.clone() })
    }

    /// Finishes a change that must be quick: what SQLite's log holds is moved into the database, where it is time
    /// for that, by the next change instead. The change lasts like any other.
    pub fn finish_quickly(&self, commit: Commit<'_>) -> Result<u64, StoreError> {
        let move_after = |pages: u32| {
            let set = self.db.pragma_update(None, "wal_autocheckpoint", pages);
            set.doing(|| "commit to the catalog").in_file(self.path.as_deref())
        };
        move_after(0)?;
        let finished = commit.finish();
        move_after(format::LOG_PAGES)?;
        finished
    }
}

impl Commit<'_> {
    /// Makes the change last, and everything in it visible. Gives the new generation.
    pub fn finish(self) -> Result<u64, StoreError> {
        let Commit { db, path, .. } = self;
        let doing = || "commit to the catalog";
        let finish = || -> Result<u64, StoreError> {
            db.execute("UPDATE state SET generation = generation + 1", []).doing(doing)?;
            let generation = state::generation(&db)?;
            db.commit().doing(doing)?;
            Ok(generation)
        };
        finish().in_file(path.as_deref())
    }

    /// Notes a file. The same bytes for the same purpose stay one file.
    pub fn add_file(&mut self, file: &FileRecord, sha256: &str) -> Result<FileId, StoreError> {
        files::add_file(&self.db, file, sha256).in_file(self.path.as_deref())
    }

    /// What was strange in a file, in place of what was found in it before.
    pub fn put_oddities(&mut self, file: FileId, oddities: &[Oddity]) -> Result<(), StoreError> {
        files::put_oddities(&self.db, file, oddities).in_file(self.path.as_deref())
    }

    pub fn merge_asset(&mut self, told: &AssetMeta) -> Result<(), StoreError> {
        assets::merge(&self.db, told).in_file(self.path.as_deref())
    }

    /// Keeps a block with a hash as a file told it. False: it was told just so before.
    pub fn add_block(&mut self, block: &BlockFact) -> Result<bool, StoreError> {
        blocks::add_block(&self.db, block).in_file(self.path.as_deref())
    }

    /// Notes that blocks of these heights were told, to count them.
    pub fn add_block_heights(
        &mut self,
        chain: Chain,
        heights: &RangeInclusive<u64>,
    ) -> Result<(), StoreError> {
        blocks::add_range(&self.db, Ranges::BlockHeight, chain, heights)
            .in_file(self.path.as_deref())
    }

    /// Notes where a block stands.
    pub fn place(
        &mut self,
        chain: Chain,
        hash: &TxHash,
        placed: &Placed,
    ) -> Result<(), StoreError> {
        blocks::place(&self.db, chain, hash, placed).in_file(self.path.as_deref())
    }

    /// Notes that traces give the value of these heights.
    pub fn cover(&mut self, chain: Chain, heights: &RangeInclusive<u64>) -> Result<(), StoreError> {
        blocks::add_range(&self.db, Ranges::TracesCover, chain, heights)
            .in_file(self.path.as_deref())
    }

    /// Adds a segment, whose number the writer gave, and the files it holds something of.
    pub fn add_segment(
        &mut self,
        segment: &SegmentRow,
        files: &[FileId],
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.insert_segment(segment)
            .and_then(|()| files.iter().try_for_each(|file| self.add_lineage(segment.id, *file)))
            .in_file(path.as_deref())
    }

    /// Takes a segment away, with the masks on it. Its own masks on others must be
    /// given to another segment or taken away first: else what they hide would show.
    pub fn remove_segment(&mut self, id: SegmentId) -> Result<(), StoreError> {
        self.run("DELETE FROM mask WHERE on_segment = ?1", [id], "unmask", id)?;
        self.run("DELETE FROM segment WHERE id = ?1", [id], "take away", id)
    }

    /// Gives one segment the files that another holds something of: before a merge
    /// takes the other away.
    pub fn inherit_files(&mut self, to: SegmentId, from: SegmentId) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO segment_file (segment, file)
                   SELECT ?1, file FROM segment_file WHERE segment = ?2";
        self.run(sql, [to, from], "note the files of", to)
    }

    /// Takes away a segment that cannot be read, and all its masks. What it replaced
    /// shows again, and the files it held something of have to be read again.
    pub fn drop_damaged(&mut self, id: SegmentId) -> Result<(), StoreError> {
        let lost = "UPDATE file SET is_lost = 1 WHERE purpose != 'follow'
                    AND id IN (SELECT file FROM segment_file WHERE segment = ?1)";
        self.run(lost, [id], "note the files of", id)?;
        self.run("DELETE FROM mask WHERE by_segment = ?1", [id], "drop the masks of", id)?;
        self.remove_segment(id)
    }

    /// Sets what one segment hides of another, in place of what it hid before. Since
    /// it tells again what the other told, it holds something of the same files.
    pub fn set_mask(&mut self, mask: &MaskRow) -> Result<(), StoreError> {
        let mut entries = Vec::with_capacity(mask.entries.serialized_size());
        mask.entries
            .serialize_into(&mut entries)
            .map_err(|error| StoreError::value("write a mask", error.to_string()))?;
        let (transfers, unresolved) = (mask.transfers.cast_signed(), mask.unresolved.cast_signed());
        self.run(
            "INSERT OR REPLACE INTO mask (by_segment, on_segment, entries, transfers, unresolved)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![mask.by, mask.on, entries, transfers, unresolved],
            "mask",
            mask.on,
        )?;
        self.inherit_files(mask.by, mask.on)
    }

    /// Takes away what one segment hides of another.
    pub fn remove_mask(&mut self, by: SegmentId, on: SegmentId) -> Result<(), StoreError> {
        let sql = "DELETE FROM mask WHERE by_segment = ?1 AND on_segment = ?2";
        self.run(sql, [by, on], "unmask", on)
    }

    /// The masks on a segment as they are now: a merge that read them earlier sees
    /// here what was hidden since.
    pub fn masks_on(&self, segment: SegmentId) -> Result<Vec<MaskRow>, StoreError> {
        state::masks_on(&self.db, segment).in_file(self.path.as_deref())
    }

    /// Is this segment still there?
    pub fn has_segment(&self, id: SegmentId) -> Result<bool, StoreError> {
        self.db
            .prepare_cached("SELECT 1 FROM segment WHERE id = ?1")
            .and_then(|mut ask| ask.exists([id]))
            .doing(|| format!("look for segment {id}"))
            .in_file(self.path.as_deref())
    }

    /// Adds a followed block with its segment and what it told. Its masks are set like any segment's.
    pub fn add_hot_block(&mut self, block: &HotRow, facts: &[u8]) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.insert_segment(&block.segment).in_file(path.as_deref())?;
        let (time, time_ns) = split_time(block.time);
        let height = heights_in(Some(block.height))?;
        let (id, chain) = (block.segment.id, block.segment.chain.to_string());
        let (hash, parent) = (block.hash.bytes(), block.parent.bytes());
        self.run(
            "INSERT INTO hot_block (segment, chain, height, hash, parent, time, time_ns, assets)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![id, chain, height, hash, parent, time, time_ns, block.assets],
            "keep the block of",
            id,
        )?;
        self.run(
            "INSERT INTO hot_content (segment, facts, content) VALUES (?1, ?2, ?3)",
            params![id, facts, block.content],
            "keep the block of",
            id,
        )
    }

    /// Drops a followed block, with its masks: what they hid shows again.
    pub fn remove_hot_block(&mut self, id: SegmentId) -> Result<(), StoreError> {
        self.run("DELETE FROM hot_block WHERE segment = ?1", [id], "drop the block of", id)?;
        self.run("DELETE FROM mask WHERE by_segment = ?1", [id], "drop the masks of", id)?;
        self.remove_segment(id)
    }

    /// Drops the topmost followed blocks of a chain, from this one's segment on: all of them at once.
    pub fn remove_hot_from(&mut self, chain: Chain, id: SegmentId) -> Result<(), StoreError> {
        // Numbers of a chain's followed blocks rise with their heights, and only they mask each other.
        let chain = chain.to_string();
        let each = [
            "DELETE FROM mask WHERE by_segment IN
                (SELECT segment FROM hot_block WHERE chain = ?1 AND segment >= ?2)",
            "DELETE FROM hot_block WHERE chain = ?1 AND segment >= ?2",
            "DELETE FROM segment WHERE chain = ?1 AND id >= ?2 AND file IS NULL",
        ];
        each.into_iter()
            .try_for_each(|sql| self.run(sql, params![chain, id], "drop blocks from", id))
    }

    /// Clears what dropped blocks left.
    pub fn clear_dropped(&mut self) -> Result<(), StoreError> {
        let sql = "DELETE FROM hot_content WHERE segment IN
            (SELECT segment FROM hot_content EXCEPT SELECT segment FROM hot_block)";
        let cleared = self.db.prepare_cached(sql).and_then(|mut run| run.execute([]));
        cleared.doing(|| "clear dropped blocks").in_file(self.path.as_deref()).map(drop)
    }

    /// Forgets which files there are: an upgrade names the true ones instead.
    pub(crate) fn forget_files(&mut self) -> Result<(), StoreError> {
        let sql = "DELETE FROM segment_file; DELETE FROM file;";
        self.db.execute_batch(sql).doing(|| "forget files").in_file(self.path.as_deref())
    }

    /// Says of every segment that it holds something of every file.
    pub(crate) fn name_every_file(&mut self) -> Result<(), StoreError> {
        let sql = "INSERT INTO segment_file SELECT s.id, f.id FROM segment s CROSS JOIN file f";
        self.db.execute_batch(sql).doing(|| "name files").in_file(self.path.as_deref())
    }

    fn insert_segment(&mut self, segment: &SegmentRow) -> Result<(), StoreError> {
        let first = segment.time_first.map(split_time);
        let last = segment.time_last.map(split_time);
        self.run(
            "INSERT INTO segment (id, chain, file, entries, rows, transfers, addresses, bytes,
                time_first, time_first_ns, time_last, time_last_ns, height_first, height_last)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                segment.id,
                segment.chain.to_string(),
                segment.file,
                segment.entries.cast_signed(),
                segment.rows.cast_signed(),
                segment.transfers.cast_signed(),
                segment.addresses.cast_signed(),
                segment.bytes.cast_signed(),
                first.map(|time| time.0),
                first.map(|time| time.1),
                last.map(|time| time.0),
                last.map(|time| time.1),
                heights_in(segment.height_first)?,
                heights_in(segment.height_last)?,
            ],
            "add",
            segment.id,
        )
    }

    fn add_lineage(&mut self, segment: SegmentId, file: FileId) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO segment_file (segment, file) VALUES (?1, ?2)";
        self.run(sql, [segment, file], "note the files of", segment)
    }

    fn run(
        &mut self,
        sql: &str,
        with: impl rusqlite::Params,
        doing: &str,
        segment: SegmentId,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut run| run.execute(with))
            .doing(|| format!("{doing} segment {segment}"))
            .in_file(self.path.as_deref())
            .map(drop)
    }
}
