//! The bytes of a segment, mapped or owned, and the checksums over them.
//!
//! Every block of [`BLOCK`] bytes has a checksum in a table. A block is checked the first time anybody
//! touches it; a bitmap remembers. Nothing above this file sees a byte that was not checked, nor one
//! outside of the part it asked for.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::Mmap;
use xxhash_rust::xxh3::xxh3_64;

use crate::StoreError;

pub(super) const BLOCK: usize = 4096;

/// What is wrong with a segment, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    file: String,
    section: &'static str,
    offset: usize,
    why: String,
}

pub(super) type Checked<T> = Result<T, Box<Damage>>;

impl From<Box<Damage>> for StoreError {
    fn from(damage: Box<Damage>) -> StoreError {
        let Damage { file, section, offset, why } = *damage;
        StoreError::Damaged { file, section, offset: offset as u64, why }
    }
}

/// A stretch of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub start: usize,
    pub len: usize,
}

pub(super) struct Region {
    data: Data,
    name: String,
    /// The blocks before this are checked by the table, which lies after it.
    covered: usize,
    sums: Part,
    checked: Box<[AtomicU64]>,
    sections: Vec<(&'static str, Part)>,
}

enum Data {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

/// The checksum of one block: the lower half of its XXH3.
pub(super) fn block_sum(block: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = xxh3_64(block).to_le_bytes();
    [a, b, c, d]
}

impl Region {
    pub(super) fn map(path: &Path) -> Result<Region, StoreError> {
        let name = path.display().to_string();
        let failed = |source| StoreError::Folder { doing: format!("open {name}"), source };
        let file = File::open(path).map_err(failed)?;
        // SAFETY: a segment is written once, under another name, and then never changed: whoever
        // removes it unlinks it, which leaves the mapping whole. That nobody else writes to the file
        // is what the folder's owner has to see to, as with any database; the bytes are read as
        // plain integers only, and a block that changed before it was first read fails its checksum.
        #[allow(unsafe_code, reason = "mapping a file is the one thing that cannot be said safely")]
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        Ok(Region::new(Data::Mapped(map), name))
    }

    pub(super) fn owned(bytes: Vec<u8>, name: &str) -> Region {
        Region::new(Data::Owned(bytes), name.to_string())
    }

    fn new(data: Data, name: String) -> Region {
        let nothing = Part::default();
        Region { data, name, covered: 0, sums: nothing, checked: [].into(), sections: Vec::new() }
    }

    /// From here on blocks of `covered` bytes are read, each checked by the table at `sums`.
    pub(super) fn cover(&mut self, covered: usize, sums: Part) {
        self.covered = covered;
        self.sums = sums;
        let words = covered.div_ceil(BLOCK).div_ceil(64);
        self.checked = (0..words).map(|_| AtomicU64::new(0)).collect();
    }

    /// So that damage can say what it hit.
    pub(super) fn name_sections(&mut self, sections: Vec<(&'static str, Part)>) {
        self.sections = sections;
    }

    pub(super) fn sections(&self) -> impl Iterator<Item = (&'static str, Part)> + '_ {
        self.sections.iter().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.all().len()
    }

    /// Everything, unchecked: for the tables that come before checksums.
    pub(super) fn all(&self) -> &[u8] {
        match &self.data {
            Data::Mapped(map) => map,
            Data::Owned(bytes) => bytes,
        }
    }

    /// `len` bytes of a part, their blocks checked.
    #[inline]
    pub(super) fn read(&self, part: Part, at: usize, len: usize) -> Checked<&[u8]> {
        match at.checked_add(len) {
            Some(end) if end <= part.len => self.read_at(part.start + at, len),
            _ => Err(self.damage(part.start, "it points outside of its section")),
        }
    }

    #[inline]
    pub(super) fn read_at(&self, start: usize, len: usize) -> Checked<&[u8]> {
        let end = start.saturating_add(len);
        if end > self.covered {
            return Err(self.damage(start, "it points beyond the end"));
        }
        if len > 0 {
            self.check(start / BLOCK, (end - 1) / BLOCK)?;
        }
        Ok(&self.all()[start..end])
    }

    /// `len` checked bytes and all that follow, which are not: so that eight can be loaded where fewer
    /// are meant. There always are eight more, of the checksums and the footer.
    #[inline]
    pub(super) fn read_on(&self, start: usize, len: usize) -> Checked<&[u8]> {
        self.read_at(start, len)?;
        Ok(&self.all()[start..])
    }

    /// The eight bytes from `start` as a number, of which only the first `len` are checked: what the
    /// caller does not mask away.
    #[inline]
    pub(super) fn word(&self, start: usize, len: usize) -> Checked<u64> {
        let bytes = self.read_at(start, len)?;
        // Behind what blocks cover lie the checksums and the footer: there always are eight bytes.
        let word = self.all().get(start..).and_then(|rest| rest.first_chunk::<8>());
        Ok(word.map_or_else(|| padded(bytes), |word| u64::from_le_bytes(*word)))
    }

    #[inline]
    fn check(&self, first: usize, last: usize) -> Checked<()> {
        for block in first..=last {
            let word = self.checked[block / 64].load(Ordering::Relaxed);
            if word >> (block % 64) & 1 == 0 {
                self.check_block(block)?;
            }
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn check_block(&self, block: usize) -> Checked<()> {
        let start = block * BLOCK;
        let bytes = &self.all()[start..self.covered.min(start + BLOCK)];
        let told = self.sums.start + block * 4;
        if self.all().get(told..told + 4) != Some(&block_sum(bytes)[..]) {
            return Err(self.damage(start, "these bytes are not those that were written"));
        }
        // Relaxed is enough: the bytes never change, so whoever sees the bit may read them.
        self.checked[block / 64].fetch_or(1 << (block % 64), Ordering::Relaxed);
        Ok(())
    }

    /// Checks every block, whether or not it was touched.
    pub(super) fn check_all(&self) -> Checked<()> {
        (0..self.covered.div_ceil(BLOCK)).try_for_each(|block| self.check_block(block))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn damage(&self, offset: usize, why: impl Into<String>) -> Box<Damage> {
        let holds = |part: &Part| (part.start..part.start + part.len).contains(&offset);
        let section = self.sections.iter().find(|(_, part)| holds(part));
        Box::new(Damage {
            file: self.name.clone(),
            section: section.map_or("the tables", |(name, _)| name),
            offset,
            why: why.into(),
        })
    }

    /// Was every block of these bytes read before, by this process?
    pub(super) fn is_checked(&self, range: &Range<usize>) -> bool {
        let last = range.end.saturating_sub(1).max(range.start) / BLOCK;
        (range.start / BLOCK..=last).all(|block| {
            let word = self.checked.get(block / 64);
            word.is_none_or(|word| word.load(Ordering::Relaxed) >> (block % 64) & 1 == 1)
        })
    }

    /// Has the cache fetch the byte at this place. Only a hint.
    #[inline]
    pub(super) fn prefetch(&self, at: usize) {
        prefetch_index::prefetch_index(self.all(), at);
    }

    /// Asks the system to read these bytes soon. Only a hint: whatever goes wrong is no matter.
    pub(super) fn will_need(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Data::Mapped(map) = &self.data
            && range.start < range.end
            && range.end <= map.len()
        {
            let _ = map.advise_range(memmap2::Advice::WillNeed, range.start, range.len());
        }
        #[cfg(not(unix))]
        let _ = range;
    }
}

#[cold]
fn padded(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    let some = bytes.len().min(8);
    word[..some].copy_from_slice(&bytes[..some]);
    u64::from_le_bytes(word)
}
