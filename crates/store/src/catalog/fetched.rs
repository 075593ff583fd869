//! What providers were asked: of which addresses what is known, and who may be asked.

use model::{Date, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::catalog::lists::date;
use crate::code::{height_in, join_time, read, read_all, split_time};
use crate::error::{Doing, In};

/// What a provider told of one address or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// An account in CAIP-10, or an outpoint.
    pub subject: String,
    pub provider: String,
    /// Known up to this block.
    pub height: u64,
    /// That block's time.
    pub time: Timestamp,
    /// What it told, in its own rows.
    pub rows: u64,
    /// Why not everything up to there; none: everything.
    pub cut: Option<String>,
    pub asked_at: Timestamp,
}

impl Catalog {
    /// What each provider told of these, in the order they are named.
    pub fn fetched(&self, subjects: &[String]) -> Result<Vec<Fetched>, StoreError> {
        let sql = "SELECT subject, provider, height, time, time_ns, rows, cut, asked_at
                   FROM fetched WHERE subject = ?1 ORDER BY provider";
        let mut found = Vec::new();
        for subject in subjects {
            let rows = read_all(&self.db, sql, [subject], fetched_row);
            found.extend(rows.in_file(self.path.as_deref())?);
        }
        Ok(found)
    }

    /// Keeps what was told, in place of what the same provider told before.
    pub fn put_fetched(&self, fetched: &[Fetched]) -> Result<(), StoreError> {
        let doing = || "note what a provider told";
        let put = || {
            let db = self.write(doing())?;
            for one in fetched {
                let (time, time_ns) = split_time(one.time);
                db.prepare_cached(
                    "INSERT OR REPLACE INTO fetched
                        (subject, provider, height, time, time_ns, rows, cut, asked_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )
                .and_then(|mut add| {
                    add.execute(params![
                        one.subject,
                        one.provider,
                        height_in(one.height).unwrap_or(i64::MAX),
                        time,
                        time_ns,
                        one.rows.cast_signed(),
                        one.cut,
                        one.asked_at.as_second(),
                    ])
                })
                .doing(doing)?;
            }
            db.commit().doing(doing)
        };
        put().in_file(self.path.as_deref())
    }

    /// Since when a provider may be told which addresses are looked at.
    pub fn consent(&self, provider: &str) -> Result<Option<Date>, StoreError> {
        let sql = "SELECT date FROM consent WHERE provider = ?1";
        let text: Option<String> = self
            .db
            .query_row(sql, [provider], |row| row.get(0))
            .optional()
            .doing(|| "look up consent")
            .in_file(self.path.as_deref())?;
        text.as_deref().map(date).transpose()
    }

    pub fn put_consent(&self, provider: &str, date: Date) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO consent (provider, date) VALUES (?1, ?2)";
        self.db
            .execute(sql, params![provider, date.to_string()])
            .doing(|| "note consent")
            .in_file(self.path.as_deref())
            .map(drop)
    }
}

fn fetched_row(row: &Row<'_>) -> Result<Fetched, StoreError> {
    let wrong = || StoreError::value("read what a provider told", "its time is none");
    Ok(Fetched {
        subject: read(row, 0)?,
        provider: read(row, 1)?,
        height: read::<i64>(row, 2)?.cast_unsigned(),
        time: join_time(read(row, 3)?, read(row, 4)?).ok_or_else(wrong)?,
        rows: read::<i64>(row, 5)?.cast_unsigned(),
        cut: read(row, 6)?,
        asked_at: Timestamp::from_second(read(row, 7)?).map_err(|_| wrong())?,
    })
}
