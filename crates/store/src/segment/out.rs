//! Writing a segment front to back: sections, their directory, checksums, footer.

use std::panic;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use xxhash_rust::xxh3::xxh3_64;

use super::Sink;
use super::bytes::{BLOCK, block_sum};
use super::layout::{self, Footer, SectionId, SectionRecord};
use crate::StoreError;

/// How much is handed to the sink at once; a multiple of [`BLOCK`].
const CHUNK: usize = 64 * BLOCK;

/// So many chunks may wait to be taken over: 256 MB.
const AHEAD: usize = 1024;

pub(super) struct Out<'a> {
    to: To<'a>,
    buffer: Vec<u8>,
    flushed: u64,
    sums: Vec<u8>,
    sections: Vec<SectionRecord>,
    section_start: u64,
}

enum To<'a> {
    Sink(&'a mut dyn Sink),
    /// The [`Out`] of another thread, which puts them behind its own.
    Other(SyncSender<Piece>),
}

enum Piece {
    Bytes(Vec<u8>),
    Section(SectionId, u64),
}

/// From so many rows on a thread of its own is worth it.
pub(super) const SIDE_BY_SIDE: u32 = 1 << 15;

/// Two parts of a segment are made at once, where that is worth a thread: the sections of `first`
/// go to the file, those of `second` to memory until they are behind them.
pub(super) fn side_by_side(
    out: &mut Out,
    is_worth_it: bool,
    first: impl FnOnce(&mut Out) -> Result<(), StoreError>,
    second: impl FnOnce(&mut Out) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    if !is_worth_it {
        first(out)?;
        return second(out);
    }
    thread::scope(|scope| {
        let (sender, pieces) = sync_channel(AHEAD);
        let beside = scope.spawn(move || {
            let mut out = Out::of(To::Other(sender));
            second(&mut out)
        });
        // Where this fails the receiver is dropped, and the other ends at its next piece.
        first(out)?;
        out.take_over(pieces)?;
        beside.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    })
}

impl<'a> Out<'a> {
    pub(super) fn new(sink: &'a mut dyn Sink) -> Result<Out<'a>, StoreError> {
        let mut out = Out::of(To::Sink(sink));
        out.put(layout::MAGIC)?;
        out.section_start = out.position();
        Ok(out)
    }

    fn of(to: To<'a>) -> Out<'a> {
        Out {
            to,
            buffer: Vec::with_capacity(2 * CHUNK),
            flushed: 0,
            sums: Vec::new(),
            sections: Vec::new(),
            section_start: 0,
        }
    }

    fn take_over(&mut self, pieces: Receiver<Piece>) -> Result<(), StoreError> {
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => self.put(&bytes)?,
                Piece::Section(id, items) => self.end_section(id, items)?,
            }
        }
        Ok(())
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
    pub(super) fn end_section(&mut self, id: SectionId, items: u64) -> Result<(), StoreError> {
        if let To::Other(_) = &self.to {
            self.flush_blocks()?;
            self.send(Piece::Section(id, items))?;
        }
        let len = self.in_section();
        self.sections.push(SectionRecord { id, start: self.section_start, len, items });
        self.section_start = self.position();
        Ok(())
    }

    fn send(&self, piece: Piece) -> Result<(), StoreError> {
        let To::Other(other) = &self.to else { return Ok(()) };
        let gone = |_| StoreError::value("write a part of a segment", "the rest of it failed");
        other.send(piece).map_err(gone)
    }

    fn flush_blocks(&mut self) -> Result<(), StoreError> {
        let To::Sink(sink) = &mut self.to else {
            self.flushed += self.buffer.len() as u64;
            let bytes = std::mem::replace(&mut self.buffer, Vec::with_capacity(2 * CHUNK));
            return self.send(Piece::Bytes(bytes));
        };
        let whole = self.buffer.len() - self.buffer.len() % BLOCK;
        for block in self.buffer[..whole].chunks(BLOCK) {
            self.sums.extend_from_slice(&block_sum(block));
        }
        sink.write(&self.buffer[..whole])?;
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
        let To::Sink(sink) = self.to else { return Ok(()) };
        if !self.buffer.is_empty() {
            self.sums.extend_from_slice(&block_sum(&self.buffer));
            sink.write(&self.buffer)?;
            self.flushed += self.buffer.len() as u64;
        }
        let footer = Footer {
            directory_start,
            covered: self.flushed,
            sums: xxh3_64(&self.sums),
            len: self.flushed + self.sums.len() as u64 + layout::FOOTER_LEN as u64,
        };
        sink.write(&self.sums)?;
        sink.write(&footer.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(out: &mut Out, id: SectionId, bytes: u32) -> Result<(), StoreError> {
        for n in 0..bytes {
            out.put(&[n.to_le_bytes()[(n % 4) as usize]])?;
        }
        out.end_section(id, u64::from(bytes))
    }

    fn written(is_worth_it: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes).expect("begins");
        let rows = |out: &mut Out| fill(out, SectionId::Rows, 1_000_000);
        let rest = |out: &mut Out| {
            fill(out, SectionId::Out, 3_000_000)?;
            fill(out, SectionId::In, 5)
        };
        side_by_side(&mut out, is_worth_it, rows, rest).expect("writes");
        fill(&mut out, SectionId::Head, 10).expect("writes");
        out.finish().expect("ends");
        bytes
    }

    #[test]
    fn side_by_side_is_one_behind_the_other() {
        assert!(written(true) == written(false));
    }

    #[test]
    fn either_part_may_fail() {
        let fails = |_: &mut Out| Err(StoreError::value("write", "no"));
        let works = |out: &mut Out| fill(out, SectionId::Rows, 1_000_000);
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes).expect("begins");
        for failed in
            [side_by_side(&mut out, true, fails, works), side_by_side(&mut out, true, works, fails)]
        {
            let said = failed.expect_err("it fails").to_string();
            assert!(said.contains("no") && !said.contains("the rest of it"), "{said}");
        }
    }
}
