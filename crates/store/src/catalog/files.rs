//! Imported files, and what was strange in them.

use model::transfer::Equal;
use model::{Address, Asset, Chain, Oddity, Position, TransferId, TxId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::catalog::{Catalog, FileId, SegmentId};
use crate::code::{amount_in, amount_out, read, read_all};
use crate::error::{Doing, In};
use crate::{FileRecord, FileRow, OddityRow, StoreError};

impl Catalog {
    /// Was a file of these bytes already read for this purpose?
    pub fn has_file(&self, sha256: &str, purpose: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM file WHERE sha256 = ?1 AND purpose = ?2 AND is_lost = 0";
        self.db
            .prepare_cached(sql)
            .and_then(|mut ask| ask.exists([sha256, purpose]))
            .doing(|| format!("look up the file {sha256}"))
            .in_file(self.path.as_deref())
    }

    /// Every imported file, the earliest first; what was followed is none.
    pub fn files(&self) -> Result<Vec<FileRow>, StoreError> {
        let sql = "SELECT name, sha256, purpose, bytes, is_lost FROM file
                   WHERE purpose != 'follow' ORDER BY id";
        self.read_all(sql, file_row)
    }

    /// The imported files that a segment holds something of.
    pub fn files_of(&self, segment: SegmentId) -> Result<Vec<FileRow>, StoreError> {
        let sql = "SELECT f.name, f.sha256, f.purpose, f.bytes, f.is_lost
             FROM segment_file s JOIN file f ON f.id = s.file WHERE s.segment = ?1 ORDER BY f.id";
        read_all(&self.db, sql, [segment], file_row).in_file(self.path.as_deref())
    }

    /// What was strange in the files, the latest files' first.
    pub fn oddities(&self, limit: usize) -> Result<Vec<OddityRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_all(
            &format!(
                "SELECT f.name, o.at, o.what, o.tx, o.position, o.asset, o.amount, o.source, o.target
                 FROM oddity o JOIN file f ON f.id = o.file
                 ORDER BY o.file DESC, o.id LIMIT {limit}"
            ),
            |row| Ok(OddityRow { file: read(row, 0)?, oddity: oddity(row)? }),
        )
    }
}

/// Notes a file, or finds it: the same bytes read again for the same purpose
/// stay one file.
pub(super) fn add_file(
    db: &Connection,
    file: &FileRecord,
    sha256: &str,
) -> Result<FileId, StoreError> {
    if let Some(known) = find_file(db, sha256, &file.purpose)? {
        db.execute("UPDATE file SET is_lost = 0 WHERE id = ?1", [known])
            .doing(|| format!("note the file {}", file.name))?;
        return Ok(known);
    }
    db.prepare_cached("INSERT INTO file (sha256, purpose, name, bytes) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut add| {
            add.insert(params![sha256, file.purpose, file.name, file.bytes.cast_signed()])
        })
        .doing(|| format!("note the file {}", file.name))
}

/// Keeps what was strange in a file, in place of what was found in it before.
pub(super) fn put_oddities(
    db: &Connection,
    file: FileId,
    oddities: &[Oddity],
) -> Result<(), StoreError> {
    db.execute("DELETE FROM oddity WHERE file = ?1", [file]).doing(|| "keep oddities")?;
    oddities.iter().try_for_each(|oddity| put_oddity(db, file, oddity, None))
}

pub(super) fn put_oddity(
    db: &Connection,
    file: FileId,
    oddity: &Oddity,
    height: Option<i64>,
) -> Result<(), StoreError> {
    let of = oddity.transfer.as_ref();
    let equal = of.and_then(|transfer| transfer.equal.as_deref());
    let bytes = |address: &Option<Address>| address.as_ref().map(|a| a.bytes().to_vec());
    db.prepare_cached(
        "INSERT INTO oddity (file, at, what, tx, position, source, target, asset, amount, height)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .and_then(|mut add| {
        add.execute(params![
            file,
            oddity.at,
            oddity.what,
            of.map(|transfer| transfer.tx.to_string()),
            of.map(|transfer| transfer.position.to_string()),
            equal.and_then(|equal| bytes(&equal.from)),
            equal.and_then(|equal| bytes(&equal.to)),
            equal.map(|equal| equal.asset.to_string()),
            equal.map(|equal| amount_in(equal.amount)),
            height,
        ])
    })
    .doing(|| format!("keep an oddity at {}", oddity.at))
    .map(drop)
}

fn find_file(db: &Connection, sha256: &str, purpose: &str) -> Result<Option<FileId>, StoreError> {
    db.prepare_cached("SELECT id FROM file WHERE sha256 = ?1 AND purpose = ?2")
        .and_then(|mut ask| ask.query_row([sha256, purpose], |row| row.get(0)).optional())
        .doing(|| format!("look up the file {sha256}"))
}

fn file_row(row: &Row<'_>) -> Result<FileRow, StoreError> {
    Ok(FileRow {
        name: read(row, 0)?,
        sha256: read(row, 1)?,
        purpose: read(row, 2)?,
        bytes: read::<i64>(row, 3)?.cast_unsigned(),
        is_lost: read(row, 4)?,
    })
}

fn oddity(row: &Row<'_>) -> Result<Oddity, StoreError> {
    let oddity = Oddity { at: read(row, 1)?, what: read(row, 2)?, transfer: None };
    let Some(tx) = read::<Option<String>>(row, 3)? else { return Ok(oddity) };
    let wrong = |what: &str| {
        StoreError::value(format!("read an oddity of {tx}"), format!("its {what} is none"))
    };
    let id: TxId = tx.parse().map_err(|_| wrong("transaction"))?;
    let position: Position = read::<String>(row, 4)?.parse().map_err(|_| wrong("position"))?;
    let equal = match (read::<Option<String>>(row, 5)?, read::<Option<Vec<u8>>>(row, 6)?) {
        (Some(asset), Some(amount)) => Some(Box::new(Equal {
            from: address(row, 7, id.chain)?,
            to: address(row, 8, id.chain)?,
            asset: asset.parse::<Asset>().map_err(|_| wrong("asset"))?,
            amount: amount_out(&amount).ok_or_else(|| wrong("amount"))?,
        })),
        _ => None,
    };
    Ok(Oddity { transfer: Some(TransferId { tx: id, position, equal }), ..oddity })
}

fn address(row: &Row<'_>, at: usize, chain: Chain) -> Result<Option<Address>, StoreError> {
    let Some(bytes) = read::<Option<Vec<u8>>>(row, at)? else { return Ok(None) };
    let address = Address::from_bytes(&bytes, chain);
    let why = || format!("{} bytes on {chain}", bytes.len());
    address.map(Some).ok_or_else(|| StoreError::value("read an address", why()))
}
