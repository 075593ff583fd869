//! Every write of a segment file goes through here, so that a test can pull the plug at any of them.
//!
//! A file is written under another name, synced, renamed, and its folder synced: a file with a
//! segment's name is whole, whatever happened before.

mod faulty;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

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
}

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
}
