//! Writing a segment front to back: sections, their directory, checksums, footer.

use xxhash_rust::xxh3::xxh3_64;

use super::Sink;
use super::bytes::{BLOCK, block_sum};
use super::layout::{self, Footer, SectionId, SectionRecord};
use crate::StoreError;

/// How much is handed to the sink at once; a multiple of [`BLOCK`].
const CHUNK: usize = 64 * BLOCK;

pub(super) struct Out<'a> {
    sink: &'a mut dyn Sink,
    buffer: Vec<u8>,
    flushed: u64,
    sums: Vec<u8>,
    sections: Vec<SectionRecord>,
    section_start: u64,
}

impl<'a> Out<'a> {
    pub(super) fn new(sink: &'a mut dyn Sink) -> Result<Out<'a>, StoreError> {
        let buffer = Vec::with_capacity(2 * CHUNK);
        let mut out = Out {
            sink,
            buffer,
            flushed: 0,
            sums: Vec::new(),
            sections: Vec::new(),
            section_start: 0,
        };
        out.put(layout::MAGIC)?;
        out.section_start = out.position();
        Ok(out)
    }

    pub(super) fn position(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    /// Where the next byte goes in the section being written.
    pub(super) fn in_section(&self) -> u64 {
        self.position() - self.section_start
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK { self.flush_blocks() } else { Ok(()) }
    }

    /// What was put since the last section is this one.
    pub(super) fn end_section(&mut self, id: SectionId, items: u64) {
        let len = self.in_section();
        self.sections.push(SectionRecord { id, start: self.section_start, len, items });
        self.section_start = self.position();
    }

    fn flush_blocks(&mut self) -> Result<(), StoreError> {
        let whole = self.buffer.len() - self.buffer.len() % BLOCK;
        for block in self.buffer[..whole].chunks(BLOCK) {
            self.sums.extend_from_slice(&block_sum(block));
        }
        self.sink.write(&self.buffer[..whole])?;
        self.flushed += whole as u64;
        self.buffer.drain(..whole);
        Ok(())
    }

    /// Directory, checksums, footer.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        let directory_start = self.position();
        let directory = layout::encode_directory(&self.sections);
        self.put(&directory)?;
        self.flush_blocks()?;
        if !self.buffer.is_empty() {
            self.sums.extend_from_slice(&block_sum(&self.buffer));
            self.sink.write(&self.buffer)?;
            self.flushed += self.buffer.len() as u64;
        }
        let footer = Footer {
            directory_start,
            covered: self.flushed,
            sums: xxh3_64(&self.sums),
            len: self.flushed + self.sums.len() as u64 + layout::FOOTER_LEN as u64,
        };
        self.sink.write(&self.sums)?;
        self.sink.write(&footer.encode())
    }
}
