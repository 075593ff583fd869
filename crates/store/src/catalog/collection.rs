//! Things that come by the file and are replaced by the file: the labels of a
//! pack, the actors of a pack.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::StoreError;
use crate::error::Doing;

/// What came of keeping a version of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    New,
    /// The same file was kept before: nothing changed.
    Same,
    /// Another file stood in its place and is gone.
    Replaced {
        file_hash: String,
    },
}

/// Makes room for a collection's rows: its number, unless the same file is kept.
pub(crate) fn replace(
    db: &Transaction<'_>,
    kind: &str,
    name: &str,
    file_hash: &str,
) -> Result<(Outcome, Option<i64>), StoreError> {
    let doing = || format!("keep the {kind} of {name}");
    let earlier: Option<(i64, String)> = db
        .query_row(
            "SELECT id, file_hash FROM collection WHERE kind = ?1 AND name = ?2",
            [kind, name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .doing(doing)?;
    let outcome = match earlier {
        Some((_, hash)) if hash == file_hash => return Ok((Outcome::Same, None)),
        Some((id, file_hash)) => {
            db.execute("DELETE FROM collection WHERE id = ?1", [id]).doing(doing)?;
            Outcome::Replaced { file_hash }
        }
        None => Outcome::New,
    };
    db.execute(
        "INSERT INTO collection (kind, name, file_hash) VALUES (?1, ?2, ?3)",
        params![kind, name, file_hash],
    )
    .doing(doing)?;
    Ok((outcome, Some(db.last_insert_rowid())))
}

/// A list of words as one text.
pub(crate) fn words_in<T: serde::Serialize>(words: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(words)
        .map_err(|error| StoreError::value("write a list of words", error.to_string()))
}

pub(crate) fn words_out<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::value("read a list of words", error.to_string()))
}
