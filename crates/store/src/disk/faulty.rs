//! A disk in memory that fails when told to, and forgets what was not synced: for tests.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile};

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// From this call on, counted from 0, nothing works any more: the plug was pulled.
    pub dies_at: Option<u64>,
    /// How many bytes fit.
    pub room: Option<u64>,
    /// A write takes at most so many bytes.
    pub write_most: Option<usize>,
}

/// What a crash does to bytes that were written but not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Torn {
    /// None of them lasts.
    Lost,
    /// So many sectors of 512 bytes last, the rest of the file is not there.
    Cut(usize),
    /// Every other sector lasts, those between are zeros.
    Holes,
    /// All of them last.
    Kept,
}

#[derive(Debug, Default)]
pub struct FaultyDisk {
    fault: Fault,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    calls: u64,
    written: u64,
    files: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    /// Changes of names since their folder was last synced, in order: any first few may last.
    unsynced: Vec<Change>,
    lasting: BTreeMap<PathBuf, usize>,
}

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: usize,
}

#[derive(Clone, Debug)]
enum Change {
    Add(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Change::Add(path, file) => {
                names.insert(path.clone(), *file);
            }
            Change::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Change::Remove(path) => {
                names.remove(path);
            }
        }
    }
}

impl FaultyDisk {
    pub fn new(fault: Fault) -> FaultyDisk {
        FaultyDisk { fault, state: Mutex::default() }
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.held().calls
    }

    /// How many changes of names a crash may still undo.
    pub fn unsynced_names(&self) -> usize {
        self.held().unsynced.len()
    }

    /// What is there now.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.held();
        let content = |file: &usize| state.files[*file].bytes.clone();
        state.names.iter().map(|(path, file)| (path.clone(), content(file))).collect()
    }

    /// What a crash leaves: the first `names` of the changes not yet synced, and of unsynced bytes what
    /// `torn` says.
    pub fn after_crash(&self, torn: Torn, names: usize) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.held();
        let mut lasting = state.lasting.clone();
        state.unsynced.iter().take(names).for_each(|change| change.apply(&mut lasting));
        lasting.into_iter().map(|(path, file)| (path, tear(&state.files[file], torn))).collect()
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.held();
        let call = state.calls;
        state.calls += 1;
        match self.fault.dies_at {
            Some(at) if call >= at => Err(io::Error::other("the power is gone")),
            _ => Ok(state),
        }
    }
}

const SECTOR: usize = 512;

fn tear(content: &Content, torn: Torn) -> Vec<u8> {
    let Content { bytes, synced } = content;
    let mut kept = bytes.clone();
    match torn {
        Torn::Kept => {}
        Torn::Lost => kept.truncate(*synced),
        Torn::Cut(sectors) => kept.truncate((synced / SECTOR + sectors) * SECTOR),
        Torn::Holes => {
            for sector in kept[*synced..].chunks_mut(SECTOR).step_by(2) {
                sector.fill(0);
            }
        }
    }
    // What was synced lasts, however the rest was torn.
    if kept.len() < *synced { bytes[..*synced].to_vec() } else { kept }
}

struct FaultyFile<'a> {
    disk: &'a FaultyDisk,
    file: usize,
}

impl Write for FaultyFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Fault { room, write_most, .. } = self.disk.fault;
        let mut state = self.disk.call()?;
        let left = room.map_or(usize::MAX, |room| {
            usize::try_from(room.saturating_sub(state.written)).unwrap_or(usize::MAX)
        });
        if left == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(left).min(write_most.unwrap_or(usize::MAX));
        state.files[self.file].bytes.extend_from_slice(&bytes[..taken]);
        state.written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for FaultyFile<'_> {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.call()?;
        let content = &mut state.files[self.file];
        content.synced = content.bytes.len();
        Ok(())
    }
}

impl State {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.unsynced.push(change);
    }
}

impl Disk for FaultyDisk {
    fn create<'a>(&'a self, path: &Path) -> io::Result<Box<dyn DiskFile + 'a>> {
        let mut state = self.call()?;
        let file = state.files.len();
        state.files.push(Content::default());
        state.change(Change::Add(path.to_path_buf(), file));
        drop(state);
        Ok(Box::new(FaultyFile { disk: self, file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(Change::Rename(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(Change::Remove(path.to_path_buf()));
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        let file = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        let content = &mut state.files[file];
        content.synced = content.bytes.len();
        Ok(())
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let bytes = {
            let state = self.held();
            let file = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
            state.files[file].bytes.clone()
        };
        let mut file = self.create(to)?;
        file.write_all(&bytes)?;
        file.sync()
    }

    /// Names say where files lie.
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        self.call().map(drop)
    }

    fn remove_empty(&self, path: &Path) -> io::Result<()> {
        let state = self.call()?;
        let is_empty = !state.names.keys().any(|name| name.starts_with(path));
        is_empty.then_some(()).ok_or_else(|| io::ErrorKind::DirectoryNotEmpty.into())
    }

    fn remove_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        let inside = state.names.keys().filter(|name| name.starts_with(path));
        let inside: Vec<PathBuf> = inside.cloned().collect();
        inside.into_iter().for_each(|name| state.change(Change::Remove(name)));
        Ok(())
    }

    /// One disk, one folder: all names last.
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        state.unsynced.clear();
        state.lasting = state.names.clone();
        Ok(())
    }
}
