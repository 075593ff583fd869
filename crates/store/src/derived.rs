//! Files of derived data beside the segments: what can be built anew from them at any time.
//!
//! One file a name in `derived/`, written under another name, synced and renamed, so that a reader sees the old
//! one or the new one whole. "INTDDRV" 0x01, the content, and the XXH3 of both (64 bits, little-endian). A file that
//! does not match its sum is refused: whoever derived it does so again. A backup leaves these files out.

use std::fs::{self, File, TryLockError};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use xxhash_rust::xxh3::Xxh3;

use crate::catalog::{make_file, make_folder};
use crate::error::Doing;
use crate::{Store, StoreError};

/// The folder within a home.
const FOLDER: &str = "derived";
const MAGIC: &[u8; 8] = b"INTDDRV\x01";
const SUM_BYTES: usize = 8;

/// The right to write one derived file. Dropping it gives it back.
pub struct DerivedLock {
    _file: File,
}

/// Takes the content piece by piece.
pub type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), StoreError> + 'a;

impl Store {
    fn derived_folder(&self) -> Result<PathBuf, StoreError> {
        let home = self.catalog.home();
        let home =
            home.ok_or_else(|| StoreError::value("keep derived data", "this store is in memory"))?;
        Ok(home.join(FOLDER))
    }

    /// One process at a time derives under a name; another is told so at once.
    pub fn lock_derived(&self, name: &str) -> Result<DerivedLock, StoreError> {
        let folder = self.derived_folder()?;
        make_folder(&folder)?;
        let path = folder.join(format!("{name}.lock"));
        let doing = || format!("lock {}", path.display());
        make_file(&path)?;
        let file = File::options().write(true).open(&path).doing(doing)?;
        match file.try_lock() {
            Ok(()) => Ok(DerivedLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::value(
                doing(),
                "another process is deriving it, try again when it is done",
            )),
            Err(TryLockError::Error(error)) => Err(error).doing(doing),
        }
    }

    /// Puts new content in the place of the old. How many bytes it has.
    pub fn put_derived(
        &self,
        name: &str,
        fill: impl FnOnce(&mut Sink<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let folder = self.derived_folder()?;
        make_folder(&folder)?;
        let (path, part) = (folder.join(name), folder.join(format!("{name}.part")));
        let doing = || format!("write {}", path.display());
        // Whoever is looked into is nobody else's to know.
        make_file(&part)?;
        let file = File::options().write(true).truncate(true).open(&part).doing(doing)?;
        let (mut file, mut sum, mut bytes) =
            (BufWriter::with_capacity(1 << 20, file), Xxh3::new(), 0);
        let mut put = |piece: &[u8]| {
            sum.update(piece);
            bytes += piece.len() as u64;
            file.write_all(piece).doing(doing)
        };
        let filled = put(MAGIC).and_then(|()| fill(&mut put));
        if let Err(error) = filled {
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        file.write_all(&sum.digest().to_le_bytes()).doing(doing)?;
        let file = file.into_inner().map_err(|error| error.into_error()).doing(doing)?;
        file.sync_all().doing(doing)?;
        fs::rename(&part, &path).doing(doing)?;
        File::open(&folder).and_then(|folder| folder.sync_all()).doing(doing)?;
        Ok(bytes)
    }

    /// The content, whole; none where nothing was derived.
    ///
    /// # Errors
    /// When the file is not as it was written.
    pub fn derived(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(home) = self.catalog.home() else { return Ok(None) };
        let path = home.join(FOLDER).join(name);
        let doing = || format!("read {}", path.display());
        let mut bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.doing(doing)?,
        };
        let damaged = || StoreError::value(doing(), "it is not as it was written; derive it anew");
        let end = bytes.len().checked_sub(SUM_BYTES).ok_or_else(damaged)?;
        let (content, sum) = bytes.split_at(end);
        let mut found = Xxh3::new();
        found.update(content);
        if !content.starts_with(MAGIC) || found.digest().to_le_bytes() != sum {
            return Err(damaged());
        }
        bytes.truncate(end);
        bytes.drain(..MAGIC.len());
        Ok(Some(bytes))
    }
}
