//! The blocks in a node's `blk*.dat` file: magic, length, block, again and again.
//!
//! The node allocates ahead, so zeros follow the last block; after a crash there
//! may be left-over bytes between blocks, which the node skips by looking for
//! the next magic, and so do we. Source: Bitcoin Core, `LoadExternalBlockFile`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use bitcoin::block::Header;
use model::BitcoinNetwork;

use super::block::{BYTES_MAX, BYTES_MIN};
use super::network::of_magic;
use crate::import::{ImportError, Place, Problem};

/// What a node obfuscates its files with: byte `n` of a file by byte `n % 8`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(pub [u8; 8]);

pub fn is_named_blk(path: &Path) -> bool {
    let name =
        path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.starts_with("blk") && name.ends_with(".dat")
}

pub fn is_named_key(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "xor.dat")
}

pub fn read_key(path: &Path) -> Result<Key, ImportError> {
    let name = path.display().to_string();
    let unreadable = |e| ImportError::unreadable(&name, e);
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(9).read_to_end(&mut bytes).map_err(unreadable)?;
    let key = bytes.try_into().map_err(|_| {
        let problem = Problem::other("expected an obfuscation key of 8 bytes");
        ImportError::new(&name, None, None, problem)
    })?;
    Ok(Key(key))
}

pub struct Frame {
    pub network: BitcoinNetwork,
    /// Where the block itself starts.
    pub offset: u64,
    pub bytes: Vec<u8>,
}

/// Where a block lies, as its frame says.
pub struct Start {
    pub network: BitcoinNetwork,
    /// Where the block itself starts.
    pub offset: u64,
    pub length: u64,
}

pub struct Frames<R> {
    name: String,
    reader: R,
    key: Key,
    offset: u64,
    /// The network of the first block: a file holds one network's.
    network: Option<BitcoinNetwork>,
    /// What is strange and does not stop the reading, and at which byte.
    pub oddities: Vec<(u64, String)>,
}

/// The network whose magic these first bytes of a file are.
pub fn network(head: &[u8], key: Key) -> Option<BitcoinNetwork> {
    let mut head: [u8; 4] = head.try_into().ok()?;
    key.apply(0, &mut head);
    of_magic(head)
}

impl<R: BufRead> Frames<R> {
    /// `name` stands for the file in errors.
    pub fn new(name: &str, reader: R, key: Key) -> Frames<R> {
        let name = name.to_string();
        Frames { name, reader, key, offset: 0, network: None, oddities: Vec::new() }
    }

    /// The next block, or none where the file ends or is not written further.
    pub fn next_block(&mut self) -> Result<Option<Frame>, ImportError> {
        let Some(Start { network, offset, length }) = self.start()? else { return Ok(None) };
        let bytes = self.read(length)?;
        if (bytes.len() as u64) < length {
            self.cut_short(offset - 8);
            return Ok(None);
        }
        Ok(Some(Frame { network, offset, bytes }))
    }

    fn start(&mut self) -> Result<Option<Start>, ImportError> {
        let Some(network) = self.find_magic()? else { return Ok(None) };
        self.network = Some(network);
        let at = self.offset - 4;
        let length = self.read(4)?;
        let Ok(length) = <[u8; 4]>::try_from(length) else {
            self.cut_short(at);
            return Ok(None);
        };
        let length = u64::from(u32::from_le_bytes(length));
        if !(BYTES_MIN..=BYTES_MAX).contains(&length) {
            let expected = format!("a block's length, {BYTES_MIN} to {BYTES_MAX}");
            let problem = Problem::wrong(&length.to_string(), expected);
            let place = Some(Place::Byte(at + 4));
            return Err(ImportError::new(&self.name, place, None, problem));
        }
        Ok(Some(Start { network, offset: self.offset, length }))
    }

    fn cut_short(&mut self, at: u64) {
        let what =
            "the file ends inside this block, which is left out: was the node still writing?";
        self.oddities.push((at, what.to_string()));
    }

    /// Goes on to the next magic, over zeros silently, over anything else with an oddity.
    fn find_magic(&mut self) -> Result<Option<BitcoinNetwork>, ImportError> {
        let start = self.offset;
        let mut window = [0; 4];
        let mut filled = 0;
        let mut skipped_any = false;
        while let Some(byte) = self.read_raw_byte()? {
            if filled == 4 {
                skipped_any |= window[0] != 0;
                if skipped_any && self.network.is_none() {
                    return Err(self.no_magic(start));
                }
                window.rotate_left(1);
                filled = 3;
            }
            window[filled] = byte;
            filled += 1;
            let mut magic = window;
            self.key.apply(self.offset.wrapping_sub(4), &mut magic);
            let found = of_magic(magic)
                .filter(|found| filled == 4 && self.network.is_none_or(|known| known == *found));
            if found.is_some() {
                self.say_skipped(skipped_any, start);
                return Ok(found);
            }
        }
        skipped_any |= window[..filled].iter().any(|byte| *byte != 0);
        if skipped_any && self.network.is_none() {
            return Err(self.no_magic(start));
        }
        self.say_skipped(skipped_any, start);
        Ok(None)
    }

    fn say_skipped(&mut self, skipped_any: bool, start: u64) {
        if skipped_any {
            let what = format!("no block starts here; bytes up to {} skipped", self.offset);
            self.oddities.push((start, what));
        }
    }

    fn no_magic(&self, start: u64) -> ImportError {
        let what = "expected a network's magic; where the node obfuscates its files, its xor.dat must lie beside them or be given too";
        ImportError::new(&self.name, Some(Place::Byte(start)), None, Problem::other(what))
    }

    /// Up to so many bytes, in the clear; fewer at the end of the file.
    fn read(&mut self, len: u64) -> Result<Vec<u8>, ImportError> {
        let mut bytes = Vec::new();
        let unreadable = |e| ImportError::unreadable(&self.name, e);
        (&mut self.reader).take(len).read_to_end(&mut bytes).map_err(unreadable)?;
        self.key.apply(self.offset, &mut bytes);
        self.offset += bytes.len() as u64;
        Ok(bytes)
    }

    fn read_raw_byte(&mut self) -> Result<Option<u8>, ImportError> {
        let next = loop {
            match self.reader.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map(|buffered| buffered.first().copied()),
            }
        };
        let byte = next.map_err(|e| ImportError::unreadable(&self.name, e))?;
        if byte.is_some() {
            self.reader.consume(1);
            self.offset += 1;
        }
        Ok(byte)
    }
}

impl Frames<BufReader<File>> {
    /// The next block's header. The rest of the block is passed over unread.
    pub fn next_header(&mut self) -> Result<Option<(Start, Header)>, ImportError> {
        let Some(start) = self.start()? else { return Ok(None) };
        let file_len = match self.reader.get_ref().metadata() {
            Ok(metadata) => metadata.len(),
            Err(e) => return Err(ImportError::unreadable(&self.name, e)),
        };
        if start.offset + start.length > file_len {
            self.cut_short(start.offset - 8);
            return Ok(None);
        }
        let head = self.read(80)?;
        let header = bitcoin::consensus::deserialize(&head).map_err(|e| {
            let problem = Problem::other(format!("not a block's header: {e}"));
            ImportError::new(&self.name, Some(Place::Byte(start.offset)), None, problem)
        })?;
        let rest = start.length - 80;
        self.reader
            .seek_relative(i64::try_from(rest).expect("a block's length fits"))
            .map_err(|e| ImportError::unreadable(&self.name, e))?;
        self.offset += rest;
        Ok(Some((start, header)))
    }
}

impl Key {
    /// Obfuscates bytes that start at this offset of the file, or undoes it.
    pub fn apply(self, offset: u64, bytes: &mut [u8]) {
        let start = usize::try_from(offset % 8).expect("less than 8");
        let key = self.0.iter().cycle().skip(start);
        for (byte, key) in bytes.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
}
