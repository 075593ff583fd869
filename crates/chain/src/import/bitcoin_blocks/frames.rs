//! The blocks in a node's `blk*.dat` file: magic, length, block, again and again.
//!
//! The node allocates ahead, so zeros follow the last block; after a crash there
//! may be left-over bytes between blocks, which the node skips by looking for
//! the next magic, and so do we. Source: Bitcoin Core, `LoadExternalBlockFile`.

use std::io::{self, BufRead, Read};

use model::BitcoinNetwork;

use super::{BLOCK_BYTES_MAX, Key};
use crate::import::error::{ImportError, Place, Problem};
use crate::import::run::Run;

/// Source: Bitcoin Core, `chainparams.cpp`; signet's is that of the default one.
const MAGIC: [([u8; 4], BitcoinNetwork); 5] = [
    ([0xf9, 0xbe, 0xb4, 0xd9], BitcoinNetwork::Mainnet),
    ([0x0b, 0x11, 0x09, 0x07], BitcoinNetwork::Testnet3),
    ([0x1c, 0x16, 0x3f, 0x28], BitcoinNetwork::Testnet4),
    ([0x0a, 0x03, 0xcf, 0x40], BitcoinNetwork::Signet),
    ([0xfa, 0xbf, 0xb5, 0xda], BitcoinNetwork::Regtest),
];

/// A header and the number of transactions.
const BLOCK_BYTES_MIN: u64 = 81;

pub struct Frame {
    pub network: BitcoinNetwork,
    /// Where the block itself starts.
    pub offset: u64,
    pub bytes: Vec<u8>,
}

pub struct Frames<'a> {
    reader: &'a mut dyn BufRead,
    key: Key,
    offset: u64,
    /// The network of the first block: a file holds one network's.
    network: Option<BitcoinNetwork>,
}

/// The network whose magic these first bytes of a file are.
pub fn network(head: &[u8], key: Key) -> Option<BitcoinNetwork> {
    let mut head: [u8; 4] = head.try_into().ok()?;
    key.apply(0, &mut head);
    network_of(head)
}

fn network_of(magic: [u8; 4]) -> Option<BitcoinNetwork> {
    MAGIC.iter().find(|(known, _)| *known == magic).map(|(_, network)| *network)
}

impl<'a> Frames<'a> {
    pub fn new(reader: &'a mut dyn BufRead, key: Key) -> Frames<'a> {
        Frames { reader, key, offset: 0, network: None }
    }

    /// The next block, or none where the file ends or is not written further.
    pub fn next(&mut self, run: &mut Run<'_>) -> Result<Option<Frame>, ImportError> {
        let Some(network) = self.find_magic(run)? else { return Ok(None) };
        self.network = Some(network);
        let start = self.offset - 4;
        let length = self.read(4, run)?;
        let Ok(length) = <[u8; 4]>::try_from(length) else { return self.cut_short(start, run) };
        let length = u64::from(u32::from_le_bytes(length));
        if !(BLOCK_BYTES_MIN..=BLOCK_BYTES_MAX).contains(&length) {
            let problem = Problem::wrong(
                &length.to_string(),
                format!("a block's length, {BLOCK_BYTES_MIN} to {BLOCK_BYTES_MAX}"),
            );
            return Err(run.error(Some(Place::Byte(start + 4)), None, problem));
        }
        let offset = self.offset;
        let bytes = self.read(length, run)?;
        if (bytes.len() as u64) < length {
            return self.cut_short(start, run);
        }
        Ok(Some(Frame { network, offset, bytes }))
    }

    fn cut_short(&self, start: u64, run: &mut Run<'_>) -> Result<Option<Frame>, ImportError> {
        let what =
            "the file ends inside this block, which is left out: was the node still writing?";
        run.oddity(Some(Place::Byte(start)), what)?;
        Ok(None)
    }

    /// Goes on to the next magic, over zeros silently, over anything else with an oddity.
    fn find_magic(&mut self, run: &mut Run<'_>) -> Result<Option<BitcoinNetwork>, ImportError> {
        let start = self.offset;
        let mut window = [0; 4];
        let mut filled = 0;
        let mut skipped_any = false;
        while let Some(byte) = self.read_raw_byte(run)? {
            if filled == 4 {
                skipped_any |= window[0] != 0;
                if skipped_any && self.network.is_none() {
                    return Err(self.no_magic(start, run));
                }
                window.rotate_left(1);
                filled = 3;
            }
            window[filled] = byte;
            filled += 1;
            let mut magic = window;
            self.key.apply(self.offset.wrapping_sub(4), &mut magic);
            let found = network_of(magic)
                .filter(|found| filled == 4 && self.network.is_none_or(|known| known == *found));
            if found.is_some() {
                self.say_skipped(skipped_any, start, run)?;
                return Ok(found);
            }
        }
        skipped_any |= window[..filled].iter().any(|byte| *byte != 0);
        if skipped_any && self.network.is_none() {
            return Err(self.no_magic(start, run));
        }
        self.say_skipped(skipped_any, start, run)?;
        Ok(None)
    }

    fn say_skipped(
        &self,
        skipped_any: bool,
        start: u64,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        if !skipped_any {
            return Ok(());
        }
        run.oddity(
            Some(Place::Byte(start)),
            format!("no block starts here; bytes up to {} skipped", self.offset),
        )
    }

    fn no_magic(&self, start: u64, run: &Run<'_>) -> ImportError {
        let what = "expected a network's magic; where the node obfuscates its files, its xor.dat must lie beside them or be given too";
        run.error(Some(Place::Byte(start)), None, Problem::other(what))
    }

    /// Up to so many bytes, in the clear; fewer at the end of the file.
    fn read(&mut self, len: u64, run: &Run<'_>) -> Result<Vec<u8>, ImportError> {
        let mut bytes = Vec::new();
        self.reader
            .take(len)
            .read_to_end(&mut bytes)
            .map_err(|e| ImportError::unreadable(&run.name, e))?;
        self.key.apply(self.offset, &mut bytes);
        self.offset += bytes.len() as u64;
        Ok(bytes)
    }

    fn read_raw_byte(&mut self, run: &Run<'_>) -> Result<Option<u8>, ImportError> {
        let next = loop {
            match self.reader.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map(|buffered| buffered.first().copied()),
            }
        };
        let byte = next.map_err(|e| ImportError::unreadable(&run.name, e))?;
        if byte.is_some() {
            self.reader.consume(1);
            self.offset += 1;
        }
        Ok(byte)
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
