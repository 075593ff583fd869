//! Which keys are surely not here: binary fuse filters of eight bits a key, cut by the upper bits of
//! the key so that a look-up needs only some of the file, and building one only some memory.
//!
//! The section is the shards, each a descriptor of 20 bytes and its fingerprints (or nothing, where no
//! filter could be built: then every key may be there), then where each starts and the last ends.

use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter as _, FilterRef as _};

use super::bytes::{Checked, Part, Region};
use super::layout::{Section, SectionId};
use super::out::Out;
use crate::StoreError;

/// About so many keys share a shard.
const SHARD: u64 = 1 << 17;
const DESCRIPTOR: usize = BinaryFuse8::DESCRIPTOR_LEN;

fn shard_bits(keys: u64) -> u32 {
    keys.div_ceil(SHARD).max(1).next_power_of_two().trailing_zeros()
}

#[inline]
fn shard_of(key: u64, bits: u32) -> usize {
    key.checked_shr(64 - bits).map_or(0, |shard| usize::try_from(shard).expect("few shards"))
}

/// Takes ascending keys; equal ones are taken once.
pub(super) struct FilterWriter {
    bits: u32,
    keys: u64,
    shard: usize,
    pending: Vec<u64>,
    bytes: Vec<u8>,
    starts: Vec<u64>,
}

impl FilterWriter {
    /// For about so many keys.
    pub(super) fn new(keys: u64) -> FilterWriter {
        FilterWriter {
            bits: shard_bits(keys),
            keys,
            shard: 0,
            pending: Vec::new(),
            bytes: Vec::new(),
            starts: vec![0],
        }
    }

    pub(super) fn push(&mut self, key: u64) {
        while shard_of(key, self.bits) != self.shard {
            self.end_shard();
        }
        if self.pending.last() != Some(&key) {
            self.pending.push(key);
        }
    }

    fn end_shard(&mut self) {
        if let Some(filter) = build(&self.pending) {
            let mut descriptor = [0; DESCRIPTOR];
            filter.dma_copy_descriptor_to(&mut descriptor);
            self.bytes.extend_from_slice(&descriptor);
            self.bytes.extend_from_slice(filter.dma_fingerprints());
        }
        self.pending.clear();
        self.starts.push(self.bytes.len() as u64);
        self.shard += 1;
    }

    pub(super) fn finish(mut self, id: SectionId, out: &mut Out) -> Result<(), StoreError> {
        while self.shard < 1 << self.bits {
            self.end_shard();
        }
        out.put(&self.bytes)?;
        for start in &self.starts {
            out.put(&start.to_le_bytes())?;
        }
        out.end_section(id, self.keys)
    }
}

/// A filter that lost one of its keys would hide a transaction, so none is taken on trust.
fn build(keys: &[u64]) -> Option<BinaryFuse8> {
    let filter = BinaryFuse8::try_from(keys).ok()?;
    keys.iter().all(|key| filter.contains(key)).then_some(filter)
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    data: Part,
    starts: Part,
    bits: u32,
}

impl Filter {
    pub(super) fn open(region: &Region, section: Section) -> Checked<Filter> {
        let Section { part, items } = section;
        if items == 0 {
            return Ok(Filter::default());
        }
        let bits = shard_bits(items);
        let starts = if bits < 32 { ((1 << bits) + 1) * 8 } else { usize::MAX };
        if starts > part.len {
            return Err(region.damage(part.start, "it has fewer shards than its keys need"));
        }
        let len = part.len - starts;
        let data = Part { start: part.start, len };
        Ok(Filter { data, starts: Part { start: part.start + len, len: starts }, bits })
    }

    /// False: no such key. A filter without keys says so of every key.
    pub(super) fn may_hold(&self, region: &Region, key: u64) -> Checked<bool> {
        if self.starts.len == 0 {
            return Ok(false);
        }
        let shard = self.shard(region, shard_of(key, self.bits))?;
        Ok(shard.is_none_or(|shard| shard.contains(&key)))
    }

    /// Calls back with each of these things that may be here. They are in the order of their keys,
    /// of which `cut` makes what was written: so each shard is looked up once.
    pub(super) fn sift(
        &self,
        region: &Region,
        things: &[(u64, u32)],
        cut: impl Fn(u64) -> u64,
        mut visit: impl FnMut(u32),
    ) -> Checked<()> {
        if self.starts.len == 0 {
            return Ok(());
        }
        let shard_of = |thing: &(u64, u32)| shard_of(cut(thing.0), self.bits);
        for some in things.chunk_by(|a, b| shard_of(a) == shard_of(b)) {
            let shard = self.shard(region, shard_of(&some[0]))?;
            let may_hold = |key| shard.as_ref().is_none_or(|shard| shard.contains(&cut(key)));
            for (key, thing) in some {
                if may_hold(*key) {
                    visit(*thing);
                }
            }
        }
        Ok(())
    }

    /// None where no filter could be built.
    #[inline]
    fn shard<'a>(&self, region: &'a Region, shard: usize) -> Checked<Option<BinaryFuse8Ref<'a>>> {
        let bytes = region.read(self.starts, shard * 8, 16)?;
        let start = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        let end = u64::from_le_bytes(bytes[8..].try_into().expect("eight bytes"));
        if start == end {
            return Ok(None);
        }
        let odd = || region.damage(self.starts.start + shard * 8, "a filter is out of place");
        let len =
            end.checked_sub(start).and_then(|len| usize::try_from(len).ok()).ok_or_else(odd)?;
        let start = usize::try_from(start).map_err(|_| odd())?;
        let shard = region.read(self.data, start, len)?;
        let (descriptor, fingerprints) = shard.split_at_checked(DESCRIPTOR).ok_or_else(odd)?;
        if !is_sound(descriptor, fingerprints.len()) {
            return Err(odd());
        }
        Ok(Some(BinaryFuse8Ref::from_dma(descriptor, fingerprints)))
    }
}

/// Does every key's place lie inside? It does when segments are a power of two long, the part that
/// keys start in is a whole number of them, and two more follow it.
fn is_sound(descriptor: &[u8], fingerprints: usize) -> bool {
    let field = |at: usize| {
        u64::from(u32::from_le_bytes(descriptor[at..at + 4].try_into().expect("four bytes")))
    };
    let (segment, mask, starts) = (field(8), field(12), field(16));
    segment.is_power_of_two()
        && mask == segment - 1
        && starts > 0
        && starts.is_multiple_of(segment)
        && starts + 2 * segment <= (fingerprints as u64).min(u64::from(u32::MAX))
}
