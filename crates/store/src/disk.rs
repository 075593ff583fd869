//! Every write of a segment file, and of a whole home that is copied or moved, goes through here, so that a test
//! can pull the plug at any of them. SQLite writes by itself.
//!
//! A file is written under another name, synced, renamed, and its folder synced: a file with a
//! segment's name is whole, whatever happened before.

mod faulty;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

pub use faulty::{Fault, FaultyDisk, Torn};

use crate::StoreError;
use crate::error::Doing;
use crate::segment::{Head, Sink};

/// What is done to a disk, no more.
pub trait Disk {
    /// A new file, empty even where there was one.
    fn create<'a>(&'a self, path: &Path) -> io::Result<Box<dyn DiskFile + 'a>>;
    /// Replaces what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder last.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes what others wrote into a file last.
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    /// A new file with the bytes and permissions of another, which last.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// A folder that only its owner reads, with those it lies in; one that is there stays as it is.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder that is empty.
    fn remove_empty(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it.
    fn remove_all(&self, path: &Path) -> io::Result<()>;
}

/// A disk that threads share.
pub type AnyDisk = Arc<dyn Disk + Send + Sync>;

pub trait DiskFile: Write {
    /// Makes what was written last.
    fn sync(&mut self) -> io::Result<()>;
}

/// Writes a segment into a folder, and says how many bytes it has. It lasts through a power cut once
/// the folder is synced too.
pub fn write_segment(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    fill: impl FnOnce(&mut dyn Sink) -> Result<Head, StoreError>,
) -> Result<(Head, u64), StoreError> {
    let path = folder.join(name);
    let part = folder.join(format!("{name}.part"));
    let written = write_part(disk, &part, &path, fill);
    if written.is_err() {
        // It is no segment, and may be what fills the disk. A writer removes what stays behind.
        let _ = disk.remove(&part);
    }
    written
}

fn write_part(
    disk: &dyn Disk,
    part: &Path,
    path: &Path,
    fill: impl FnOnce(&mut dyn Sink) -> Result<Head, StoreError>,
) -> Result<(Head, u64), StoreError> {
    let doing = || format!("write {}", path.display());
    let mut file = disk.create(part).doing(doing)?;
    let mut sink = FileSink { file: &mut file, path, bytes: 0 };
    let head = fill(&mut sink)?;
    let bytes = sink.bytes;
    file.sync().doing(doing)?;
    drop(file);
    disk.rename(part, path).doing(doing)?;
    Ok((head, bytes))
}

/// What fills it gathers large pieces itself.
struct FileSink<'a, W: Write> {
    file: W,
    path: &'a Path,
    bytes: u64,
}

impl<W: Write> Sink for FileSink<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).doing(|| format!("write {}", self.path.display()))
    }
}

/// The disk there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl DiskFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Disk for RealDisk {
    fn create<'a>(&'a self, path: &Path) -> io::Result<Box<dyn DiskFile + 'a>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[cfg(unix)]
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    /// Where folders cannot be opened, the rename itself has to do.
    #[cfg(not(unix))]
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        // Where a file has to be writable to be synced.
        File::options().write(true).open(path)?.sync_all()
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::copy(from, to)?;
        self.sync_file(to)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn remove_empty(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }
}
