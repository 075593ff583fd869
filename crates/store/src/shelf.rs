//! The folder of segments in a home: written, opened, taken away.
//!
//! A segment is written under another name, synced and renamed, so that a file
//! with a segment's name is whole. It counts only once the catalog names it:
//! what it does not name is left over from a crash, and a writer removes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::Chain;

use crate::StoreError;
use crate::catalog::{HotRow, MaskRow, SegmentId, SegmentRow, State};
use crate::disk::{Disk, RealDisk, write_segment};
use crate::error::Doing;
use crate::layers::{HotBlock, Layer, Layers, Mask, Masked};
use crate::segment::{Head, Segment, Sink};

/// The folder of segments within a home.
pub const FOLDER: &str = "segments";

/// Where segments lie, and those of them that are open. Cheap to clone; clones share.
#[derive(Clone)]
pub struct Shelf {
    place: Arc<Place>,
    disk: Arc<dyn Disk + Send + Sync>,
    open: Arc<Mutex<BTreeMap<SegmentId, Arc<Segment>>>>,
}

enum Place {
    Disk(PathBuf),
    /// By name; for stores that are gone when dropped.
    Memory(Mutex<BTreeMap<String, Vec<u8>>>),
}

/// A segment that is on disk but not yet in the catalog.
pub struct Written {
    pub row: SegmentRow,
    pub segment: Arc<Segment>,
}

impl Shelf {
    pub fn in_home(home: &Path) -> Shelf {
        Shelf::of(Place::Disk(home.join(FOLDER)))
    }

    pub fn in_memory() -> Shelf {
        Shelf::of(Place::Memory(Mutex::default()))
    }

    fn of(place: Place) -> Shelf {
        Shelf { place: Arc::new(place), disk: Arc::new(RealDisk), open: Arc::default() }
    }

    /// Writes through another disk: for tests, where writing fails.
    #[must_use]
    pub fn through(self, disk: Arc<dyn Disk + Send + Sync>) -> Shelf {
        Shelf { disk, ..self }
    }

    pub(crate) fn disk(&self) -> &(dyn Disk + Send + Sync) {
        &*self.disk
    }

    /// Writes a segment and opens it. It lasts through a power cut only after
    /// [`Shelf::sync`], and counts only once the catalog names it.
    pub fn write(
        &self,
        id: SegmentId,
        chain: Chain,
        fill: impl FnOnce(&mut dyn Sink) -> Result<Head, StoreError>,
    ) -> Result<Written, StoreError> {
        let name = name(chain, id);
        let (head, bytes) = match &*self.place {
            Place::Disk(folder) => {
                self.make_folder(folder)?;
                write_segment(&*self.disk, folder, &name, fill)?
            }
            Place::Memory(files) => {
                let mut bytes = Vec::new();
                let head = fill(&mut bytes)?;
                let len = bytes.len() as u64;
                held(files).insert(name.clone(), bytes);
                (head, len)
            }
        };
        let row = row_of(id, &head, Some(name), bytes);
        let segment = self.segment(&row)?;
        Ok(Written { row, segment })
    }

    /// Its own name lasts before anything that lies in it is named.
    fn make_folder(&self, folder: &Path) -> Result<(), StoreError> {
        if folder.is_dir() {
            return Ok(());
        }
        let home = folder.parent().filter(|home| !home.as_os_str().is_empty());
        let home = home.unwrap_or(Path::new("."));
        let made = self.disk.make_folder(folder).and_then(|()| self.disk.sync_folder(home));
        made.doing(|| format!("make the folder {}", folder.display()))
    }

    /// Makes the names of new files last. Once before the commit that names them.
    pub fn sync(&self) -> Result<(), StoreError> {
        match &*self.place {
            Place::Disk(folder) if folder.exists() => {
                self.disk.sync_folder(folder).doing(|| format!("sync {}", folder.display()))
            }
            Place::Disk(_) => Ok(()),
            Place::Memory(_) => Ok(()),
        }
    }

    /// Takes a segment's file away. Whoever has it open reads on.
    pub fn remove(&self, row: &SegmentRow) -> Result<(), StoreError> {
        held(&self.open).remove(&row.id);
        let Some(name) = &row.file else { return Ok(()) };
        match &*self.place {
            Place::Disk(folder) => remove_file(&*self.disk, &folder.join(name)),
            Place::Memory(files) => {
                held(files).remove(name);
                Ok(())
            }
        }
    }

    /// Removes what a crash left: files that the catalog does not name. For whoever
    /// has the right to write, before writing anything. Gives how many there were.
    pub fn remove_orphans(&self, state: &State) -> Result<usize, StoreError> {
        let orphans = self.orphans(state)?;
        orphans.iter().try_for_each(|path| remove_file(&*self.disk, path))?;
        Ok(orphans.len())
    }

    /// The files that the catalog does not name.
    pub(crate) fn orphans(&self, state: &State) -> Result<Vec<PathBuf>, StoreError> {
        let Place::Disk(folder) = &*self.place else { return Ok(Vec::new()) };
        let live: BTreeSet<&str> =
            state.segments.iter().filter_map(|row| row.file.as_deref()).collect();
        let doing = || format!("look through {}", folder.display());
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).doing(doing),
        };
        let mut orphans = Vec::new();
        for entry in entries {
            let entry = entry.doing(doing)?;
            let is_live = entry.file_name().to_str().is_some_and(|name| live.contains(name));
            if !is_live {
                orphans.push(entry.path());
            }
        }
        Ok(orphans)
    }

    /// The layers of a state, each segment opened once. None where a file is gone,
    /// merged away since the state was read: then there is a newer one. A chain of
    /// which a segment is damaged cannot be read; the others can.
    pub fn layers(&self, state: &State) -> Result<Option<Layers>, StoreError> {
        self.layers_where(state, false)
    }

    /// The same where there is no newer state: a file that is not there is a damage too.
    pub(crate) fn layers_of_newest(&self, state: &State) -> Result<Layers, StoreError> {
        let layers = self.layers_where(state, true)?;
        Ok(layers.expect("a file that is gone is a damage here"))
    }

    fn layers_where(&self, state: &State, is_newest: bool) -> Result<Option<Layers>, StoreError> {
        let mut unreadable: BTreeMap<Chain, String> = BTreeMap::new();
        let mut base: BTreeMap<Chain, Vec<Layer>> = BTreeMap::new();
        let hot_ids: BTreeSet<SegmentId> = state.hot.iter().map(|row| row.segment.id).collect();
        for row in &state.segments {
            let segment = match self.segment(row) {
                Ok(segment) => segment,
                Err(StoreError::Folder { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    if !is_newest {
                        return Ok(None);
                    }
                    unreadable.entry(row.chain).or_insert_with(|| self.missing(row));
                    continue;
                }
                Err(error @ StoreError::Damaged { .. }) => {
                    unreadable.entry(row.chain).or_insert_with(|| error.to_string());
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut layer = Layer::whole(row.id, segment);
            let by_base =
                state.masks.iter().filter(|mask| mask.on == row.id && !hot_ids.contains(&mask.by));
            by_base.for_each(|row| layer.hide(&mask(row)));
            base.entry(row.chain).or_default().push(layer);
        }
        let mut hot: BTreeMap<Chain, Vec<HotBlock>> = BTreeMap::new();
        for row in &state.hot {
            let block = self.hot_block(row, &state.masks)?;
            hot.entry(row.segment.chain).or_default().push(block);
        }
        self.forget_all_but(state);
        let layers = Layers::new(base, hot);
        let is_whole = unreadable.is_empty();
        Ok(Some(if is_whole { layers } else { layers.without(unreadable) }))
    }

    /// What is said of a file that is not there.
    fn missing(&self, row: &SegmentRow) -> String {
        let path = self.path(row).unwrap_or_default();
        format!(
            "open {}: it is named by the catalog and not there: \
             `interdict store check` says what it held",
            path.display()
        )
    }

    /// The path of a segment's file; none in memory.
    pub fn path(&self, row: &SegmentRow) -> Option<PathBuf> {
        match (&*self.place, &row.file) {
            (Place::Disk(folder), Some(name)) => Some(folder.join(name)),
            _ => None,
        }
    }

    /// A segment as it is on disk now, whatever this process has open.
    pub(crate) fn open_anew(&self, row: &SegmentRow) -> Result<Segment, StoreError> {
        let name = row.file.as_deref().unwrap_or_default();
        match &*self.place {
            Place::Disk(folder) => Segment::open(&folder.join(name)),
            Place::Memory(files) => {
                let bytes = held(files).get(name).cloned().unwrap_or_default();
                Segment::from_bytes(bytes, name)
            }
        }
    }

    fn segment(&self, row: &SegmentRow) -> Result<Arc<Segment>, StoreError> {
        if let Some(segment) = held(&self.open).get(&row.id) {
            return Ok(segment.clone());
        }
        Ok(self.keep(row.id, self.open_anew(row)?))
    }

    fn hot_block(&self, row: &HotRow, masks: &[MaskRow]) -> Result<HotBlock, StoreError> {
        let id = row.segment.id;
        let known = held(&self.open).get(&id).cloned();
        let segment = match known {
            Some(segment) => segment,
            None => {
                let name = format!("block {} of {}", row.height, row.segment.chain);
                self.keep(id, Segment::from_bytes(row.content.clone(), &name)?)
            }
        };
        Ok(HotBlock {
            height: row.height,
            hash: row.hash,
            parent: row.parent,
            time: row.time,
            layer: Layer::whole(id, segment),
            masks: masks.iter().filter(|mask| mask.by == id).map(mask).collect(),
        })
    }

    /// Is this segment open, so that nobody need read it again?
    pub(crate) fn is_open(&self, id: SegmentId) -> bool {
        held(&self.open).contains_key(&id)
    }

    fn keep(&self, id: SegmentId, segment: Segment) -> Arc<Segment> {
        held(&self.open).entry(id).or_insert_with(|| Arc::new(segment)).clone()
    }

    /// What a state no longer names is closed once nobody reads it. What is newer
    /// than the state is a batch's that is not committed yet.
    fn forget_all_but(&self, state: &State) {
        let hot = state.hot.iter().map(|row| row.segment.id);
        let live: BTreeSet<SegmentId> =
            state.segments.iter().map(|row| row.id).chain(hot).collect();
        let newest = live.last().copied().unwrap_or_default();
        held(&self.open).retain(|id, _| live.contains(id) || *id > newest);
    }
}

/// The catalog's row for any segment.
pub fn row_of(id: SegmentId, head: &Head, file: Option<String>, bytes: u64) -> SegmentRow {
    SegmentRow {
        id,
        chain: head.chain,
        file,
        entries: head.entries.into(),
        rows: head.rows.into(),
        transfers: head.transfers.into(),
        addresses: head.addresses.into(),
        bytes,
        time_first: head.time_first,
        time_last: head.time_last,
        height_first: head.heights.map(|heights| heights.0),
        height_last: head.heights.map(|heights| heights.1),
    }
}

/// `eip155-1-42.seg`: the chain is only for people who look into the folder.
fn name(chain: Chain, id: SegmentId) -> String {
    format!("{}-{id}.seg", slug(chain))
}

/// A chain as part of a file's name: `eip155-1`.
pub(crate) fn slug(chain: Chain) -> String {
    chain.to_string().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

pub(crate) fn mask(row: &MaskRow) -> Mask {
    let counts = Masked { transfers: row.transfers, unresolved: row.unresolved };
    Mask { by: row.by, on: row.on, entries: row.entries.clone(), counts }
}

fn remove_file(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    match disk.remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).doing(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// What is behind the lock is whole after a panic too: it is only ever added to.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
