//! A copy of a whole home, made while it is used.
//!
//! The catalog is copied as of one moment, then the segments that copy names:
//! they never change, so that they can be copied one by one. One that was merged
//! away meanwhile means that there is a newer catalog: the copy starts again.
//! Segments are copied rather than linked, since a link shares the damage.
//!
//! A backup is a home: every command can be pointed at it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, DATABASE};
use crate::check::{self, Checked};
use crate::disk::{Disk, RealDisk};
use crate::error::Doing;
use crate::shelf::{self, Shelf};
use crate::{Store, StoreError};

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Copied {
    pub segments: u64,
    pub bytes: u64,
}

impl Store {
    /// Copies the home to a folder that is not there yet, with these other folders
    /// of it. It takes its name once it is whole.
    pub fn backup(&self, out: &Path, others: &[&str]) -> Result<Copied, StoreError> {
        let doing = || format!("back up to {}", out.display());
        let Some(home) = self.catalog.home() else {
            return Err(StoreError::value(doing(), "a store in memory has no home"));
        };
        let disk = self.shelf.disk();
        refuse_what_is_there(out)?;
        let part = beside(out, "part");
        remove(disk, &part)?;
        let copied = loop {
            if let Some(copied) = copy(disk, &self.catalog, &self.shelf, &part)? {
                break copied;
            }
            remove(disk, &part)?;
        };
        for other in others {
            copy_folder(disk, &home.join(other), &part.join(other))?;
        }
        place(disk, &part, out)?;
        Ok(copied)
    }
}

/// Puts a backup in the place of a home that is not there, or is empty: copied first,
/// then looked through, and refused where anything is damaged.
pub fn restore(from: &Path, home: &Path) -> Result<Checked, StoreError> {
    restore_through(&RealDisk, from, home)
}

/// The same through another disk: for tests, where writing fails.
#[doc(hidden)]
pub fn restore_through(disk: &dyn Disk, from: &Path, home: &Path) -> Result<Checked, StoreError> {
    let doing = || format!("restore {}", from.display());
    if !from.join(DATABASE).is_file() {
        let why = format!("it holds no {DATABASE}: expected the folder that `store backup` wrote");
        return Err(StoreError::value(doing(), why));
    }
    refuse_what_is_there(home)?;
    let part = beside(home, "restore");
    remove(disk, &part)?;
    copy_folder(disk, from, &part)?;
    let checked = check::check(&part, &mut |_| ())?;
    if let Some(damage) = checked.damages.first() {
        let why = format!("the backup is damaged, nothing was restored: {}", damage.what);
        remove(disk, &part)?;
        return Err(StoreError::value(doing(), why));
    }
    place(disk, &part, home)?;
    Ok(checked)
}

/// None where a segment was merged away meanwhile.
fn copy(
    disk: &dyn Disk,
    catalog: &Catalog,
    from: &Shelf,
    part: &Path,
) -> Result<Option<Copied>, StoreError> {
    make_folder(disk, part)?;
    let database = part.join(DATABASE);
    catalog.copy_to(&database)?;
    let state = Catalog::open_existing(part)?.state()?;
    disk.sync_file(&database).doing(|| format!("sync {}", database.display()))?;
    let segments = part.join(shelf::FOLDER);
    make_folder(disk, &segments)?;
    let mut copied = Copied::default();
    for row in &state.segments {
        let (Some(path), Some(name)) = (from.path(row), &row.file) else { continue };
        match copy_file(disk, &path, &segments.join(name)) {
            Err(StoreError::Folder { source, .. })
                if source.kind() == ErrorKind::NotFound && is_newer(catalog, state.generation)? =>
            {
                return Ok(None);
            }
            copied => copied?,
        }
        copied.segments += 1;
        copied.bytes += row.bytes;
    }
    sync(disk, &segments)?;
    copied.bytes += fs::metadata(&database).doing(|| "measure the copy")?.len();
    Ok(Some(copied))
}

fn is_newer(catalog: &Catalog, generation: u64) -> Result<bool, StoreError> {
    Ok(catalog.generation()? != generation)
}

/// A folder and all that is in it, readable by its owner only.
fn copy_folder(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), StoreError> {
    let doing = || format!("copy {}", from.display());
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).doing(doing),
    };
    make_folder(disk, to)?;
    for entry in entries {
        let entry = entry.doing(doing)?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type().doing(doing)?;
        if kind.is_dir() {
            copy_folder(disk, &entry.path(), &target)?;
        } else if kind.is_file() {
            copy_file(disk, &entry.path(), &target)?;
        }
    }
    sync(disk, to)
}

/// With the permissions of what is copied: 0600 of everything a home holds.
fn copy_file(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), StoreError> {
    disk.copy(from, to).doing(|| format!("copy {} to {}", from.display(), to.display()))
}

fn make_folder(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    disk.make_folder(path).doing(|| format!("make the folder {}", path.display()))
}

fn sync(disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
    disk.sync_folder(folder).doing(|| format!("sync {}", folder.display()))
}

fn refuse_what_is_there(path: &Path) -> Result<(), StoreError> {
    let is_free = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    let why = "something is there: expected a folder that does not exist yet, or is empty";
    is_free.then_some(()).ok_or_else(|| StoreError::value(format!("write {}", path.display()), why))
}

/// The finished copy takes its name. Everything in it lasts before it does.
fn place(disk: &dyn Disk, part: &Path, out: &Path) -> Result<(), StoreError> {
    let doing = || format!("put {} in its place", out.display());
    sync(disk, part)?;
    match disk.remove_empty(out) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).doing(doing),
        _ => {}
    }
    disk.rename(part, out).doing(doing)?;
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync(disk, parent.unwrap_or(Path::new(".")))
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    match disk.remove_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).doing(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
