//! Is everything that is kept as it was written? And what to do where it is not.
//!
//! Every byte of every segment is read and compared with its checksum, the
//! structure inside is followed, and what the catalog says of each segment is
//! compared with what is there. Nothing is changed by looking.

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use model::Chain;

use crate::catalog::{Catalog, MaskRow, SegmentId, SegmentRow, State};
use crate::error::Doing;
use crate::layers::{Layer, Mask};
use crate::segment::Segment;
use crate::shelf::Shelf;
use crate::{FileRow, StoreError, hot, shelf};

/// What a look at everything found.
#[derive(Debug, Default)]
pub struct Checked {
    pub segments: u64,
    pub transfers: u64,
    pub bytes: u64,
    pub damages: Vec<Damage>,
    /// Files of which a repair dropped a part: they have to be imported again.
    pub lost: Vec<FileRow>,
}

/// Something that is not as it was written.
#[derive(Debug)]
pub struct Damage {
    /// What is wrong, with file, section and offset where that is known.
    pub what: String,
    /// The segment that cannot be trusted; none where the catalog itself is damaged.
    pub segment: Option<DamagedSegment>,
}

/// What is lost with a damaged segment.
#[derive(Debug)]
pub struct DamagedSegment {
    pub row: SegmentRow,
    pub path: Option<PathBuf>,
    /// The imported files it holds something of.
    pub files: Vec<FileRow>,
}

impl Checked {
    /// Nothing is damaged, and nothing was dropped that is not there again.
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty() && self.lost.is_empty()
    }
}

/// Reads everything a home keeps; `each` hears which segment comes next. The home
/// need not open as a store: this is for when it does not.
pub fn check(home: &Path, each: &mut dyn FnMut(&SegmentRow)) -> Result<Checked, StoreError> {
    look(&Catalog::open_existing(home)?, &Shelf::in_home(home), each)
}

/// Drops segments that cannot be read. What they held of their files is lost until
/// those are imported again, and until then `has_file` does not know them.
pub fn drop_damaged(home: &Path, segments: &[SegmentRow]) -> Result<(), StoreError> {
    let catalog = Catalog::open_existing(home)?;
    let writer = catalog.writer("repair")?;
    let mut followed = catalog.state()?.followed;
    for row in segments {
        if catalog.files_of(row.id)?.iter().any(FileRow::is_followed) {
            // They are followed again.
            let (Some(first), Some(last)) = (row.height_first, row.height_last) else { continue };
            followed.entry(row.chain).or_default().remove(first, last);
        }
    }
    let mut change = catalog.commit(&writer)?;
    segments.iter().try_for_each(|row| change.drop_damaged(row.id))?;
    followed.iter().try_for_each(|(chain, ranges)| change.set_followed(*chain, ranges))?;
    change.finish()?;
    segments.iter().try_for_each(|row| Shelf::in_home(home).remove(row))
}

/// Reads everything of a state.
pub(crate) fn look(
    catalog: &Catalog,
    shelf: &Shelf,
    each: &mut dyn FnMut(&SegmentRow),
) -> Result<Checked, StoreError> {
    let mut checked = Checked::default();
    let wrong = catalog.faults()?;
    checked.damages.extend(wrong.into_iter().map(|what| Damage { what, segment: None }));
    let state = catalog.state()?;
    for row in &state.segments {
        each(row);
        checked.segments += 1;
        checked.transfers += row.transfers;
        checked.bytes += row.bytes;
        if let Some(what) = fault_of(shelf, row, &state)? {
            let (path, files) = (shelf.path(row), catalog.files_of(row.id)?);
            let segment = DamagedSegment { row: row.clone(), path, files };
            checked.damages.push(Damage { what, segment: Some(segment) });
        }
    }
    for row in &state.hot {
        let name = format!("block {} of {}", row.height, row.segment.chain);
        let read = Segment::from_bytes(row.content.clone(), &name)
            .and_then(|segment| segment.check().map(|()| segment));
        let fault = match read {
            Ok(segment) => compare(&row.segment, &segment),
            Err(error) => Some(error.to_string()),
        };
        checked.damages.extend(fault.map(|what| Damage { what, segment: None }));
    }
    let followed: BTreeSet<Chain> = state.hot.iter().map(|row| row.segment.chain).collect();
    for chain in followed {
        let fault = hot::fault(catalog, chain)?;
        checked.damages.extend(fault.map(|what| Damage { what, segment: None }));
    }
    checked.lost = catalog.files()?.into_iter().filter(|file| file.is_lost).collect();
    Ok(checked)
}

/// What is wrong with a segment, if anything. A file that cannot be read for another
/// reason (no permission, say) is an error of its own: it may be whole.
fn fault_of(shelf: &Shelf, row: &SegmentRow, state: &State) -> Result<Option<String>, StoreError> {
    let looked = look_at(shelf, row, state);
    match looked {
        Err(StoreError::Folder { doing, source }) if source.kind() != ErrorKind::NotFound => {
            Err(source).doing(|| doing)
        }
        Err(error) => Ok(Some(words(&error))),
        Ok(fault) => Ok(fault),
    }
}

fn look_at(shelf: &Shelf, row: &SegmentRow, state: &State) -> Result<Option<String>, StoreError> {
    // Opened anew: what this process read before says nothing of the disk now.
    let segment = shelf.open_anew(row)?;
    segment.check()?;
    if let Some(fault) = compare(row, &segment) {
        return Ok(Some(fault));
    }
    let layer = Layer::whole(row.id, std::sync::Arc::new(segment));
    for mask in state.masks.iter().filter(|mask| mask.on == row.id) {
        if let Some(fault) = mask_fault(&layer, mask)? {
            return Ok(Some(fault));
        }
    }
    Ok(None)
}

/// The catalog and the segment say the same of it.
fn compare(row: &SegmentRow, segment: &Segment) -> Option<String> {
    let found = shelf::row_of(row.id, segment.head(), row.file.clone(), segment.bytes_len());
    let shown = |row: &SegmentRow| {
        format!(
            "{} with {} entries, {} rows, {} transfers, {} addresses, {} bytes",
            row.chain, row.entries, row.rows, row.transfers, row.addresses, row.bytes
        )
    };
    let name = row.file.clone().unwrap_or_else(|| format!("segment {}", row.id));
    (found != *row).then(|| {
        format!("{name}: the catalog says {}, the file holds {}", shown(row), shown(&found))
    })
}

/// A mask hides entries that are there, as many as it says.
fn mask_fault(layer: &Layer, row: &MaskRow) -> Result<Option<String>, StoreError> {
    let entries = layer.segment.head().entries;
    let name = |id: SegmentId| format!("the mask of segment {} on segment {id}", row.by);
    if row.entries.max().is_some_and(|last| last >= entries) {
        return Ok(Some(format!("{} hides an entry beyond its {entries}", name(row.on))));
    }
    let hidden: Vec<u32> = row.entries.iter().collect();
    let counts = layer.counts(&hidden)?;
    let told: Mask = shelf::mask(row);
    let is_same =
        (counts.transfers, counts.unresolved) == (told.counts.transfers, told.counts.unresolved);
    Ok((!is_same).then(|| {
        format!(
            "{} says it hides {} transfers, and hides {}",
            name(row.on),
            row.transfers,
            counts.transfers
        )
    }))
}

/// An error with its causes, in one line.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl fmt::Display for DamagedSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = &self.row;
        write!(f, "segment {} of {}, {} transfers", row.id, row.chain.name(), row.transfers)?;
        match (row.time_first, row.time_last) {
            (Some(first), Some(last)) => write!(f, " from {first} to {last}"),
            _ => Ok(()),
        }
    }
}
