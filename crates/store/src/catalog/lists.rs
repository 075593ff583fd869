//! Lists, each version whole: what stood on a list on a day stays known after
//! the list has changed.

use model::{ListVersion, Listing};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::catalog::collection::{Outcome, words_in, words_out};
use crate::catalog::identifier::identifier;
use crate::code::{date_out, read};
use crate::error::{Doing, In};

/// One version of a list that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    pub version: ListVersion,
    /// What people call the list.
    pub name: String,
    pub entries: u64,
}

impl Catalog {
    /// Keeps a version of a list, all of it. The same file of the same day
    /// changes nothing; another file of the same day takes its place.
    pub fn put_list(
        &mut self,
        version: &ListVersion,
        name: &str,
        listings: &[Listing],
    ) -> Result<Outcome, StoreError> {
        let path = self.path.clone();
        self.keep_list(version, name, listings).in_file(path.as_deref())
    }

    /// Every version kept, empty ones too, ordered by list and date.
    pub fn list_versions(&self) -> Result<Vec<ListRow>, StoreError> {
        self.read_all(
            "SELECT list, date, file_hash, name, (SELECT count(*) FROM listing WHERE version = v.id)
             FROM list_version v ORDER BY list, date",
            |row| {
                Ok(ListRow {
                    version: version(row)?,
                    name: read(row, 3)?,
                    entries: read::<i64>(row, 4)?.cast_unsigned(),
                })
            },
        )
    }

    /// The entries of all versions, ordered by list, date and place in it.
    pub fn listings(&self) -> Result<Vec<Listing>, StoreError> {
        self.read_all(
            "SELECT v.list, v.date, v.file_hash, l.identifier, l.families, l.key, l.written,
                    l.asset_label, l.party, l.party_id, l.programmes, l.listed_on
             FROM list_version v CROSS JOIN listing l ON l.version = v.id
             ORDER BY v.list, v.date, l.n",
            |row| {
                let listed_on: Option<String> = read(row, 11)?;
                Ok(Listing {
                    version: version(row)?,
                    identifier: identifier(row, 3)?,
                    written: read(row, 6)?,
                    asset_label: read(row, 7)?,
                    party: read(row, 8)?,
                    party_id: read(row, 9)?,
                    programmes: words_out(&read::<String>(row, 10)?)?,
                    listed_on: listed_on.as_deref().map(date).transpose()?,
                })
            },
        )
    }

    fn keep_list(
        &mut self,
        version: &ListVersion,
        name: &str,
        listings: &[Listing],
    ) -> Result<Outcome, StoreError> {
        let doing = || format!("keep the list {} of {}", version.list, version.date);
        if let Some(stray) = listings.iter().find(|listing| listing.version != *version) {
            let why = format!("{} belongs to another version", stray.written);
            return Err(StoreError::value(doing(), why));
        }
        let db = self.write(&doing())?;
        let (outcome, id) = replace_version(&db, version, name)?;
        let Some(id) = id else { return Ok(outcome) };
        for (n, listing) in (0i64..).zip(listings) {
            let (families, programmes) =
                (words_in(&listing.identifier.families)?, words_in(&listing.programmes)?);
            db.prepare_cached(
                "INSERT INTO listing (version, n, identifier, families, key, written, asset_label,
                    party, party_id, programmes, listed_on)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )
            .and_then(|mut add| {
                add.execute(params![
                    id,
                    n,
                    listing.identifier.text,
                    families,
                    listing.identifier.key.to_string(),
                    listing.written,
                    listing.asset_label,
                    listing.party,
                    listing.party_id,
                    programmes,
                    listing.listed_on.map(|date| date.to_string()),
                ])
            })
            .doing(doing)?;
        }
        db.commit().doing(doing)?;
        Ok(outcome)
    }
}

fn replace_version(
    db: &Transaction<'_>,
    version: &ListVersion,
    name: &str,
) -> Result<(Outcome, Option<i64>), StoreError> {
    let doing = || format!("keep the list {} of {}", version.list, version.date);
    let date = version.date.to_string();
    let earlier: Option<(i64, String)> = db
        .query_row(
            "SELECT id, file_hash FROM list_version WHERE list = ?1 AND date = ?2",
            [&version.list, &date],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .doing(doing)?;
    let outcome = match earlier {
        Some((_, hash)) if hash == version.file_hash => return Ok((Outcome::Same, None)),
        Some((id, file_hash)) => {
            db.execute("DELETE FROM list_version WHERE id = ?1", [id]).doing(doing)?;
            Outcome::Replaced { file_hash }
        }
        None => Outcome::New,
    };
    db.execute(
        "INSERT INTO list_version (list, date, name, file_hash) VALUES (?1, ?2, ?3, ?4)",
        [&version.list, &date, name, &version.file_hash],
    )
    .doing(doing)?;
    Ok((outcome, Some(db.last_insert_rowid())))
}

fn version(row: &rusqlite::Row<'_>) -> Result<ListVersion, StoreError> {
    Ok(ListVersion {
        list: read(row, 0)?,
        date: date(&read::<String>(row, 1)?)?,
        file_hash: read(row, 2)?,
    })
}

pub(crate) fn date(text: &str) -> Result<model::Date, StoreError> {
    date_out(text).ok_or_else(|| StoreError::value("read a date", format!("{text:?} is none")))
}
