//! Parties of lists, each kept once for all versions that say the same of it: a list of
//! twenty thousand changes by ten a week, and every version is kept.

use std::collections::HashMap;

use model::{Date, ListVersion, Party};
use rusqlite::{Transaction, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::catalog::lists::version;
use crate::code::{read, read_all};
use crate::error::{Doing, In};

impl Catalog {
    /// Who is on the latest version of each list, ordered by list and place in it.
    pub fn parties(&self) -> Result<Vec<Party>, StoreError> {
        self.parties_in_force(None)
    }

    /// Who is on the version of each list that was in force on a day.
    pub fn parties_as_of(&self, day: Date) -> Result<Vec<Party>, StoreError> {
        self.parties_in_force(Some(day))
    }

    /// Who is on one version of a list, in its order.
    pub fn parties_of(&self, of: &ListVersion) -> Result<Vec<Party>, StoreError> {
        let sql =
            format!("{SELECT} WHERE v.list = ?1 AND v.date = ?2 AND v.file_hash = ?3 ORDER BY i.n");
        let with = params![of.list, of.date.to_string(), of.file_hash];
        read_all(&self.db, &sql, with, party).in_file(self.path.as_deref())
    }

    fn parties_in_force(&self, day: Option<Date>) -> Result<Vec<Party>, StoreError> {
        // Dates are written so that they sort as text.
        let day = day.map_or_else(|| "9999-12-31".to_string(), |day| day.to_string());
        let sql = format!(
            "{SELECT} WHERE v.date = (SELECT max(date) FROM list_version
                WHERE list = v.list AND date <= ?1) ORDER BY v.list, i.n"
        );
        read_all(&self.db, &sql, params![day], party).in_file(self.path.as_deref())
    }
}

const SELECT: &str = "SELECT v.list, v.date, v.file_hash, p.body
    FROM list_version v CROSS JOIN party_in i ON i.version = v.id JOIN party p ON p.id = i.party";

fn party(row: &rusqlite::Row<'_>) -> Result<Party, StoreError> {
    let version = version(row)?;
    let body: String = read(row, 3)?;
    let party: Party = serde_json::from_str(&body).map_err(|error| {
        StoreError::value(format!("read a party of {}", version.list), error.to_string())
    })?;
    Ok(Party { version, ..party })
}

/// Keeps the parties of a version that was made for them just now.
pub(super) fn keep(
    db: &Transaction<'_>,
    version: i64,
    list: &str,
    parties: &[Party],
) -> Result<(), StoreError> {
    let doing = || format!("keep the parties of {list}");
    let mut known = known(db, list)?;
    for (n, party) in (0i64..).zip(parties) {
        let body = body(party)?;
        let of_name = known.entry(party.id.clone()).or_default();
        let same = of_name.iter().find(|(_, earlier)| *earlier == hash(&body)).map(|(id, _)| *id);
        let same = same.filter(|id| {
            let sql = "SELECT body = ?2 FROM party WHERE id = ?1";
            let is_same = db
                .prepare_cached(sql)
                .and_then(|mut ask| ask.query_row(params![id, body], |row| row.get::<_, bool>(0)));
            is_same.unwrap_or(false)
        });
        let id = match same {
            Some(id) => id,
            None => {
                let sql = "INSERT INTO party (list, name, body) VALUES (?1, ?2, ?3)";
                db.prepare_cached(sql)
                    .and_then(|mut add| add.execute(params![list, party.id, body]))
                    .doing(doing)?;
                let id = db.last_insert_rowid();
                of_name.push((id, hash(&body)));
                id
            }
        };
        db.prepare_cached("INSERT INTO party_in (version, n, party) VALUES (?1, ?2, ?3)")
            .and_then(|mut add| add.execute(params![version, n, id]))
            .doing(doing)?;
    }
    Ok(())
}

/// What was ever said of each party of a list: the number of its row and the hash of its text.
/// The hash only saves reading; the texts themselves are compared before one is taken for another.
fn known(db: &Transaction<'_>, list: &str) -> Result<HashMap<String, Vec<(i64, u64)>>, StoreError> {
    let mut known: HashMap<String, Vec<(i64, u64)>> = HashMap::new();
    let rows = read_all(db, "SELECT id, name, body FROM party WHERE list = ?1", [list], |row| {
        Ok((read::<i64>(row, 0)?, read::<String>(row, 1)?, hash(&read::<String>(row, 2)?)))
    })?;
    for (id, name, hash) in rows {
        known.entry(name).or_default().push((id, hash));
    }
    Ok(known)
}

fn hash(body: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(body.as_bytes())
}

/// Without its version, which the row beside it tells.
fn body(party: &Party) -> Result<String, StoreError> {
    let version = ListVersion { list: String::new(), date: Date::ZERO, file_hash: String::new() };
    let bare = Party { version, ..party.clone() };
    serde_json::to_string(&bare).map_err(|error| {
        StoreError::value(format!("write the party {}", party.id), error.to_string())
    })
}
