//! A copy of a whole home, made while it is used.
//!
//! The catalog is copied as of one moment, then the segments that copy names:
//! they never change, so that they can be copied one by one. One that was merged
//! away meanwhile means that there is a newer catalog: the copy starts again.
//! Segments are copied rather than linked, since a link shares the damage.
//!
//! A backup is a home: every command can be pointed at it.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, DATABASE, make_folder};
use crate::check::{self, Checked};
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
        refuse_what_is_there(out)?;
        let part = beside(out, "part");
        remove(&part)?;
        let copied = loop {
            if let Some(copied) = copy(&self.catalog, &self.shelf, &part)? {
                break copied;
            }
            remove(&part)?;
        };
        for other in others {
            copy_folder(&home.join(other), &part.join(other))?;
        }
        place(&part, out)?;
        Ok(copied)
    }
}

/// Puts a backup in the place of a home that is not there, or is empty: copied first,
/// then looked through, and refused where anything is damaged.
pub fn restore(from: &Path, home: &Path) -> Result<Checked, StoreError> {
    let doing = || format!("restore {}", from.display());
    if !from.join(DATABASE).is_file() {
        let why = format!("it holds no {DATABASE}: expected the folder that `store backup` wrote");
        return Err(StoreError::value(doing(), why));
    }
    refuse_what_is_there(home)?;
    let part = beside(home, "restore");
    remove(&part)?;
    copy_folder(from, &part)?;
    let checked = check::check(&part, &mut |_| ())?;
    if let Some(damage) = checked.damages.first() {
        let why = format!("the backup is damaged, nothing was restored: {}", damage.what);
        remove(&part)?;
        return Err(StoreError::value(doing(), why));
    }
    place(&part, home)?;
    Ok(checked)
}

/// None where a segment was merged away meanwhile.
fn copy(catalog: &Catalog, from: &Shelf, part: &Path) -> Result<Option<Copied>, StoreError> {
    private_folder(part)?;
    catalog.copy_to(&part.join(DATABASE))?;
    let state = Catalog::open_existing(part)?.state()?;
    let segments = part.join(shelf::FOLDER);
    private_folder(&segments)?;
    let mut copied = Copied::default();
    for row in &state.segments {
        let (Some(path), Some(name)) = (from.path(row), &row.file) else { continue };
        match copy_file(&path, &segments.join(name)) {
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
    shelf::sync_folder(&segments)?;
    copied.bytes += fs::metadata(part.join(DATABASE)).doing(|| "measure the copy")?.len();
    Ok(Some(copied))
}

fn is_newer(catalog: &Catalog, generation: u64) -> Result<bool, StoreError> {
    Ok(catalog.generation()? != generation)
}

/// A folder and all that is in it, readable by its owner only.
fn copy_folder(from: &Path, to: &Path) -> Result<(), StoreError> {
    let doing = || format!("copy {}", from.display());
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).doing(doing),
    };
    private_folder(to)?;
    for entry in entries {
        let entry = entry.doing(doing)?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type().doing(doing)?;
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            copy_file(&entry.path(), &target)?;
        }
    }
    shelf::sync_folder(to)
}

fn copy_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    let doing = || format!("copy {} to {}", from.display(), to.display());
    // With the permissions of what is copied: 0600 of everything a home holds.
    fs::copy(from, to).doing(doing)?;
    File::open(to).and_then(|file| file.sync_all()).doing(doing)
}

fn private_folder(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or(Ok(()), make_folder)?;
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.doing(|| format!("make the folder {}", path.display())),
    }
}

fn refuse_what_is_there(path: &Path) -> Result<(), StoreError> {
    let is_free = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    let why = "something is there: expected a folder that does not exist yet, or is empty";
    is_free.then_some(()).ok_or_else(|| StoreError::value(format!("write {}", path.display()), why))
}

/// The finished copy takes its name.
fn place(part: &Path, out: &Path) -> Result<(), StoreError> {
    let doing = || format!("put {} in its place", out.display());
    match fs::remove_dir(out) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).doing(doing),
        _ => {}
    }
    fs::rename(part, out).doing(doing)?;
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    shelf::sync_folder(parent.unwrap_or(Path::new(".")))
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).doing(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
