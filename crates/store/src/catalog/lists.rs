//! Lists, each version whole: what stood on a list on a day stays known after
//! the list has changed.

use model::{ListVersion, Listing, ListingKind, Party};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::catalog::collection::{Outcome, words_in, words_out};
use crate::catalog::identifier::identifier;
use crate::catalog::parties;
use crate::code::{date_out, read, read_all};
use crate::error::{Doing, In};

/// One version of a list that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    pub version: ListVersion,
    /// What people call the list.
    pub name: String,
    pub entries: u64,
    pub parties: u64,
}

impl Catalog {
    /// Keeps a version of a list, all of it. The same file of the same day
    /// changes nothing; another file of the same day takes its place.
    pub fn put_list(
        &mut self,
        version: &ListVersion,
        name: &str,
        listings: &[Listing],
        parties: &[Party],
    ) -> Result<Outcome, StoreError> {
        let path = self.path.clone();
        self.keep_list(version, name, listings, parties).in_file(path.as_deref())
    }

    /// Every version kept, empty ones too, ordered by list and date.
    pub fn list_versions(&self) -> Result<Vec<ListRow>, StoreError> {
        self.read_all(
            "SELECT list, date, file_hash, name, (SELECT count(*) FROM listing WHERE version = v.id),
                    (SELECT count(*) FROM party_in WHERE version = v.id)
             FROM list_version v ORDER BY list, date",
            |row| {
                Ok(ListRow {
                    version: version(row)?,
                    name: read(row, 3)?,
                    entries: read::<i64>(row, 4)?.cast_unsigned(),
                    parties: read::<i64>(row, 5)?.cast_unsigned(),
                })
            },
        )
    }

    /// The entries of all versions, ordered by list, date and place in it.
    pub fn listings(&self) -> Result<Vec<Listing>, StoreError> {
        self.read_all(&format!("{LISTING} ORDER BY v.list, v.date, l.n"), listing)
    }

    /// The entries of one version, in its order.
    pub fn listings_of(&self, of: &ListVersion) -> Result<Vec<Listing>, StoreError> {
        let sql = format!(
            "{LISTING} WHERE v.list = ?1 AND v.date = ?2 AND v.file_hash = ?3 ORDER BY l.n"
        );
        let with = params![of.list, of.date.to_string(), of.file_hash];
        read_all(&self.db, &sql, with, listing).in_file(self.path.as_deref())
    }

    fn keep_list(
        &mut self,
        version: &ListVersion,
        name: &str,
        listings: &[Listing],
        parties: &[Party],
    ) -> Result<Outcome, StoreError> {
        let doing = || format!("keep the list {} of {}", version.list, version.date);
        if let Some(stray) = listings.iter().find(|listing| listing.version != *version) {
            let why = format!("{} belongs to another version", stray.written);
            return Err(StoreError::value(doing(), why));
        }
        if let Some(stray) = parties.iter().find(|party| party.version != *version) {
            let why = format!("the party {} belongs to another version", stray.id);
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
            keep_more(&db, id, n, listing)?;
        }
        parties::keep(&db, id, &version.list, parties)?;
        db.commit().doing(doing)?;
        Ok(outcome)
    }
}

const LISTING: &str = "SELECT v.list, v.date, v.file_hash, l.identifier, l.families, l.key,
        l.written, l.asset_label, l.party, l.party_id, l.programmes, l.listed_on,
        m.expires_on, m.kind
    FROM list_version v CROSS JOIN listing l ON l.version = v.id
    LEFT JOIN listing_more m ON m.version = l.version AND m.n = l.n";

fn listing(row: &Row<'_>) -> Result<Listing, StoreError> {
    let day = |at| read::<Option<String>>(row, at)?.as_deref().map(date).transpose();
    let kind: Option<String> = read(row, 13)?;
    let kind: Vec<ListingKind> = kind.map(|kind| words_out(&kind)).transpose()?.unwrap_or_default();
    Ok(Listing {
        version: version(row)?,
        identifier: identifier(row, 3)?,
        written: read(row, 6)?,
        asset_label: read(row, 7)?,
        party: read(row, 8)?,
        party_id: read(row, 9)?,
        programmes: words_out(&read::<String>(row, 10)?)?,
        listed_on: day(11)?,
        expires_on: day(12)?,
        kind: kind.first().copied().unwrap_or_default(),
    })
}

/// What most entries do not have.
fn keep_more(
    db: &Transaction<'_>,
    version: i64,
    n: i64,
    listing: &Listing,
) -> Result<(), StoreError> {
    if listing.expires_on.is_none() && listing.kind == ListingKind::Address {
        return Ok(());
    }
    let kind = words_in(&[listing.kind])?;
    let expires_on = listing.expires_on.map(|date| date.to_string());
    db.prepare_cached(
        "INSERT INTO listing_more (version, n, expires_on, kind) VALUES (?1, ?2, ?3, ?4)",
    )
    .and_then(|mut add| add.execute(params![version, n, expires_on, kind]))
    .doing(|| "keep an entry of a list")
    .map(drop)
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

pub(super) fn version(row: &rusqlite::Row<'_>) -> Result<ListVersion, StoreError> {
    Ok(ListVersion {
        list: read(row, 0)?,
        date: date(&read::<String>(row, 1)?)?,
        file_hash: read(row, 2)?,
    })
}

pub(crate) fn date(text: &str) -> Result<model::Date, StoreError> {
    date_out(text).ok_or_else(|| StoreError::value("read a date", format!("{text:?} is none")))
}
