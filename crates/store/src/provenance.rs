//! Where balances came from, kept beside the catalog: what `interdict exposure update` worked out.
//!
//! It is derived, so it lies in files of its own, one a chain, which may be thrown away at any time.
//! What an entry means is the business of whoever works it out; here it is bytes by address. A
//! whole sweep makes a new file ([`Maker`]), which takes the old one's place when it is whole; a
//! block changes the one there is ([`Provenance::append`]), and can be taken back.
//!
//! ```text
//! provenance/eip155-1-7.sqlite    entries, outputs, names; blocks since the sweep and what they changed
//! ```

mod change;
mod make;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use model::{Chain, Timestamp, TxHash};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::StoreError;
use crate::catalog::format::WAIT;
use crate::code::{join_time, read, read_all, split_time};
use crate::error::{Doing, In};
pub use change::BlockChange;
pub use make::Maker;

/// The folder within a home.
pub const FOLDER: &str = "provenance";

const SCHEMA: &str = include_str!("provenance/schema.sql");

/// What is kept of one chain.
pub struct Provenance {
    db: Connection,
    /// None in memory.
    path: Option<PathBuf>,
    chain: Chain,
}

/// Up to where it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// None where the chain's rows name no heights.
    pub height: Option<u64>,
    pub hash: Option<TxHash>,
    pub time: Option<Timestamp>,
    /// Transfers that were read.
    pub transfers: u64,
}

/// An unspent output: of which transaction, the how-manieth, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutputKey {
    pub tx: TxHash,
    pub index: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRow {
    pub address: Vec<u8>,
    pub parts: Vec<u8>,
}

/// What an origin's number stands for, as whoever works it out writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    pub origin: u64,
    pub key: String,
    pub phase: String,
}

impl Provenance {
    /// The newest that is whole; none where nothing was worked out.
    pub fn open(home: &Path, chain: Chain) -> Result<Option<Provenance>, StoreError> {
        let Some(path) = newest(home, chain)? else { return Ok(None) };
        let doing = || format!("open {}", path.display());
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&path, flags).doing(doing)?;
        let kept = Provenance::on(db, Some(path.clone()), chain)?;
        Ok(Some(kept))
    }

    /// Empty, and gone when dropped: for tests.
    pub fn in_memory(chain: Chain) -> Result<Provenance, StoreError> {
        let db = Connection::open_in_memory().doing(|| "open provenance in memory")?;
        db.execute_batch(SCHEMA).doing(|| "make provenance in memory")?;
        Provenance::on(db, None, chain)
    }

    fn on(db: Connection, path: Option<PathBuf>, chain: Chain) -> Result<Provenance, StoreError> {
        let doing = || "open what is kept of where value came from";
        db.busy_timeout(WAIT).doing(doing)?;
        db.set_prepared_statement_cache_capacity(32);
        Ok(Provenance { db, path, chain })
    }

    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// What whoever worked it out noted beside it.
    pub fn notes(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let rows = self.all("SELECT name, value FROM note", [], |row| {
            Ok((read::<String>(row, 0)?, read::<String>(row, 1)?))
        })?;
        Ok(rows.into_iter().collect())
    }

    pub fn put_note(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.db
            .execute("INSERT OR REPLACE INTO note VALUES (?1, ?2)", [name, value])
            .doing(|| format!("note {name}"))
            .in_file(self.path.as_deref())
            .map(drop)
    }

    /// Up to the last block, or what the sweep read.
    pub fn reach(&self) -> Result<Reach, StoreError> {
        let sql = "SELECT height, hash, time, time_ns, transfers FROM reach
                   UNION ALL SELECT height, hash, time, time_ns, transfers FROM block
                   ORDER BY 1 DESC NULLS LAST LIMIT 1";
        let reach = self.all(sql, [], |row| {
            let hash: Option<Vec<u8>> = read(row, 1)?;
            let (seconds, nanos): (Option<i64>, Option<i64>) = (read(row, 2)?, read(row, 3)?);
            Ok(Reach {
                height: read::<Option<i64>>(row, 0)?.map(i64::cast_unsigned),
                hash: hash.as_deref().and_then(crate::code::hash_out),
                time: seconds.zip(nanos).and_then(|(seconds, nanos)| join_time(seconds, nanos)),
                transfers: read::<i64>(row, 4)?.cast_unsigned(),
            })
        })?;
        Ok(reach.into_iter().next().unwrap_or_default())
    }

    /// Heights and hashes of the blocks that can be taken back, ascending.
    pub fn blocks(&self) -> Result<Vec<(u64, TxHash)>, StoreError> {
        let sql = "SELECT height, hash FROM block ORDER BY height";
        self.all(sql, [], |row| {
            let hash: Vec<u8> = read(row, 1)?;
            let hash = crate::code::hash_out(&hash);
            let hash = hash.ok_or_else(|| StoreError::value("read a block", "its hash is none"))?;
            Ok((read::<i64>(row, 0)?.cast_unsigned(), hash))
        })
    }

    pub fn entry(&self, address: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db
            .prepare_cached("SELECT content FROM entry WHERE address = ?1")
            .and_then(|mut find| find.query_row([address], |row| row.get(0)).optional())
            .doing(|| "look an address up")
            .in_file(self.path.as_deref())
    }

    pub fn output(&self, key: &OutputKey) -> Result<Option<OutputRow>, StoreError> {
        self.db
            .prepare_cached("SELECT address, parts FROM output WHERE tx = ?1 AND place = ?2")
            .and_then(|mut find| {
                let with = rusqlite::params![key.tx.bytes(), key.index];
                let row = find.query_row(with, |row| {
                    Ok(OutputRow { address: row.get(0)?, parts: row.get(1)? })
                });
                row.optional()
            })
            .doing(|| "look an output up")
            .in_file(self.path.as_deref())
    }

    /// The unspent outputs of an address, at most so many. True where there are more.
    pub fn outputs_of(
        &self,
        address: &[u8],
        most: usize,
    ) -> Result<(Vec<Vec<u8>>, bool), StoreError> {
        let sql = "SELECT parts FROM output WHERE address = ?1 ORDER BY tx, place LIMIT ?2";
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let with = rusqlite::params![address, limit];
        let mut parts = self.all(sql, with, |row| read(row, 0))?;
        let is_more = parts.len() > most;
        parts.truncate(most);
        Ok((parts, is_more))
    }

    pub fn names(&self) -> Result<Vec<NameRow>, StoreError> {
        self.all("SELECT origin, key, phase FROM name ORDER BY origin", [], |row| {
            Ok(NameRow {
                origin: read::<i64>(row, 0)?.cast_unsigned(),
                key: read(row, 1)?,
                phase: read(row, 2)?,
            })
        })
    }

    /// Every address that something is kept of, ascending.
    pub fn addresses(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.all("SELECT address FROM entry ORDER BY address", [], |row| read(row, 0))
    }

    /// Marked addresses that were met, with what was said of them.
    pub fn marks(&self) -> Result<Vec<(Vec<u8>, String)>, StoreError> {
        let sql = "SELECT address, said FROM mark ORDER BY address";
        self.all(sql, [], |row| Ok((read(row, 0)?, read(row, 1)?)))
    }

    /// Every entry and output, as text: what tests compare.
    pub fn shown(&self) -> Result<Vec<String>, StoreError> {
        let mut shown = self.all("SELECT address, content FROM entry ORDER BY 1", [], |row| {
            Ok(format!("{:?} {:?}", read::<Vec<u8>>(row, 0)?, read::<Vec<u8>>(row, 1)?))
        })?;
        let sql = "SELECT tx, place, address, parts FROM output ORDER BY 1, 2";
        shown.extend(self.all(sql, [], |row| {
            let key = (read::<Vec<u8>>(row, 0)?, read::<i64>(row, 1)?);
            Ok(format!("{key:?} {:?} {:?}", read::<Vec<u8>>(row, 2)?, read::<Vec<u8>>(row, 3)?))
        })?);
        Ok(shown)
    }

    fn all<T>(
        &self,
        sql: &str,
        with: impl rusqlite::Params,
        take: impl FnMut(&rusqlite::Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        read_all(&self.db, sql, with, take).in_file(self.path.as_deref())
    }
}

/// `eip155-1-`: what the names of a chain's files begin with.
fn stem(chain: Chain) -> String {
    format!("{}-", chain.to_string().replace(':', "-"))
}

/// The numbers of a chain's whole files.
fn numbers(home: &Path, chain: Chain) -> Result<Vec<u64>, StoreError> {
    let folder = home.join(FOLDER);
    let doing = || format!("read {}", folder.display());
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).doing(doing),
    };
    let stem = stem(chain);
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.doing(doing)?.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix(&stem)?.strip_suffix(".sqlite")?.parse::<u64>().ok()
        });
        numbers.extend(number);
    }
    Ok(numbers)
}

fn file(home: &Path, chain: Chain, number: u64) -> PathBuf {
    home.join(FOLDER).join(format!("{}{number}.sqlite", stem(chain)))
}

fn newest(home: &Path, chain: Chain) -> Result<Option<PathBuf>, StoreError> {
    Ok(numbers(home, chain)?.into_iter().max().map(|number| file(home, chain, number)))
}

fn put_reach(db: &Connection, table: &str, reach: &Reach) -> rusqlite::Result<()> {
    let at = reach.time.map(split_time);
    let sql = format!("INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5)");
    db.prepare_cached(&sql)?
        .execute(rusqlite::params![
            reach.height.map(u64::cast_signed),
            reach.hash.as_ref().map(TxHash::bytes),
            at.map(|at| at.0),
            at.map(|at| at.1),
            reach.transfers.cast_signed(),
        ])
        .map(drop)
}
