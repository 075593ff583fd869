//! An identifier from its columns: text, families, key.

use model::{Identifier, Key};
use rusqlite::Row;

use crate::StoreError;
use crate::catalog::collection::words_out;
use crate::code::read;

pub(crate) fn identifier(row: &Row<'_>, at: usize) -> Result<Identifier, StoreError> {
    let written: String = read(row, at + 2)?;
    let key: Key = written
        .parse()
        .map_err(|_| StoreError::value("read an identifier", format!("{written:?} is no key")))?;
    Ok(Identifier {
        text: read(row, at)?,
        families: words_out(&read::<String>(row, at + 1)?)?,
        key,
    })
}
