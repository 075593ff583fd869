//! Where lists come from: what a server said of the copy that is kept, and which versions were
//! taken although they had lost much.

use model::{ListVersion, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::code::{join_time, read};
use crate::error::{Doing, In};

/// What is known of the last copy that was fetched from somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSource {
    /// The address or path, as it may be shown.
    pub source: String,
    pub file_hash: String,
    /// Of HTTP: `ETag` and `Last-Modified`, as the server wrote them.
    pub etag: Option<String>,
    pub changed: Option<String>,
    pub checked_at: Timestamp,
}

/// A version that was taken although it had lost much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrink {
    pub list: String,
    pub date: model::Date,
    pub was: u64,
    pub became: u64,
    /// Why, as whoever allowed it said.
    pub reason: String,
}

impl Catalog {
    pub fn list_source(&self, source: &str) -> Result<Option<ListSource>, StoreError> {
        let sql = "SELECT file_hash, etag, changed, checked_at FROM list_source WHERE source = ?1";
        let found = self.db.query_row(sql, [source], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, i64>(3)?))
        });
        let found = found.optional().doing(|| format!("read what is known of {source}"));
        let found = found.in_file(self.path.as_deref())?;
        Ok(found.and_then(|(file_hash, etag, changed, at)| {
            let checked_at = join_time(at, 0)?;
            Some(ListSource { source: source.to_string(), file_hash, etag, changed, checked_at })
        }))
    }

    pub fn put_list_source(&self, source: &ListSource) -> Result<(), StoreError> {
        let sql =
            "INSERT OR REPLACE INTO list_source (source, file_hash, etag, changed, checked_at)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let at = source.checked_at.as_second();
        let with = params![source.source, source.file_hash, source.etag, source.changed, at];
        let put = self.db.execute(sql, with).map(drop);
        put.doing(|| format!("note {}", source.source)).in_file(self.path.as_deref())
    }

    /// Notes that a version was taken although it had lost much.
    pub fn put_shrink(
        &self,
        version: &ListVersion,
        (was, became): (u64, u64),
        reason: &str,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO list_shrink (version, was, became, reason)
                   SELECT id, ?3, ?4, ?5 FROM list_version WHERE list = ?1 AND date = ?2";
        let (date, was, became) =
            (version.date.to_string(), was.cast_signed(), became.cast_signed());
        let put = self.db.execute(sql, params![version.list, date, was, became, reason]).map(drop);
        put.doing(|| format!("note why {} may shrink", version.list)).in_file(self.path.as_deref())
    }

    /// In the order of lists and dates.
    pub fn shrinks(&self) -> Result<Vec<Shrink>, StoreError> {
        self.read_all(
            "SELECT v.list, v.date, s.was, s.became, s.reason FROM list_shrink s
             JOIN list_version v ON v.id = s.version ORDER BY v.list, v.date",
            |row| {
                Ok(Shrink {
                    list: read(row, 0)?,
                    date: super::lists::date(&read::<String>(row, 1)?)?,
                    was: read::<i64>(row, 2)?.cast_unsigned(),
                    became: read::<i64>(row, 3)?.cast_unsigned(),
                    reason: read(row, 4)?,
                })
            },
        )
    }
}
