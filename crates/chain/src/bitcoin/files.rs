//! The blocks of a node's data folder, in the order of the chain.
//!
//! A node appends blocks to `blk*.dat` as they come: out of order, with those
//! that lost. So all headers are read first, the chain with the most work is
//! found (or the one the caller names), and then its blocks are read by height,
//! by several threads, each holding one block and keeping two ready.
//!
//! The newest blocks of a running node may still be replaced, or be half
//! written: leave as many out as finality asks, and follow the node from there.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bitcoin::block::Header;
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Work};
use model::{BitcoinNetwork, Chain, TxHash};

use super::block::{self, Checked};
use super::frames::{Frames, Key, is_named_blk, read_key};
use crate::import::{ImportError, Place, Problem};
use crate::source::{Block, BlockRef};

/// Where every block of a folder lies, and which make the chain.
pub struct Files {
    shared: Arc<Shared>,
    /// The chain, upwards.
    chain: Vec<u32>,
    /// The height of the chain's first block: 0 unless the node is pruned.
    first: u64,
    oddities: Vec<String>,
}

/// What reading threads need.
struct Shared {
    network: BitcoinNetwork,
    key: Key,
    paths: Vec<PathBuf>,
    blocks: Vec<Found>,
}

/// One block in the files: 128 bytes, so some 120 MB for all of mainnet's.
struct Found {
    hash: BlockHash,
    parent: BlockHash,
    work: Work,
    time: u32,
    file: u32,
    offset: u64,
    length: u32,
}

/// Sub-folders in which networks other than mainnet keep theirs.
const FOLDERS: [&str; 6] =
    ["blocks", "testnet3/blocks", "testnet4/blocks", "signet/blocks", "regtest/blocks", "."];

/// Blocks a thread keeps ready.
const READY: usize = 2;

impl Files {
    /// Reads every header below `folder`: a node's data folder or the folder of
    /// its blocks. The chain with the most work stands; of two with as much, the
    /// one whose tip has the lower hash.
    pub fn open(folder: &Path, chain: Option<Chain>) -> Result<Files, ImportError> {
        let folder = folder_of_blocks(folder, chain)?;
        let key = match folder.join("xor.dat") {
            path if path.is_file() => read_key(&path)?,
            _ => Key::default(),
        };
        let paths = blk_files(&folder)?;
        let mut scan = Scan { network: None, blocks: Vec::new(), oddities: Vec::new() };
        for (number, path) in (0..).zip(&paths) {
            scan.file(number, path, key)?;
        }
        let name = folder.display().to_string();
        let Some(network) = scan.network else {
            return Err(fault(&name, None, "no block in any blk file"));
        };
        if let Some(expected) = chain.filter(|chain| *chain != Chain::Bitcoin(network)) {
            let found = Chain::Bitcoin(network).name();
            let what = format!("its blocks are of {found}, expected {}", expected.name());
            return Err(fault(&name, None, &what));
        }
        let shared = Shared { network, key, paths, blocks: scan.blocks };
        let mut files = Files {
            chain: best(&shared.blocks),
            first: 0,
            shared: Arc::new(shared),
            oddities: scan.oddities,
        };
        files.first = files.find_first()?;
        Ok(files)
    }

    /// The same, with the chain that ends in this block: what a node calls its
    /// newest, or one that finality does not reach yet.
    pub fn ending_in(mut self, tip: TxHash) -> Result<Files, ImportError> {
        let tip = block::library_hash(tip);
        let places = by_hash(&self.shared.blocks);
        let mut at = places.get(&tip).copied();
        if at.is_none() {
            let what = format!("block {tip} is not in the files");
            return Err(fault(&self.name(), None, &what));
        }
        self.chain.clear();
        while let Some(place) = at {
            self.chain.push(place);
            at = self.shared.found(place).and_then(|found| places.get(&found.parent).copied());
        }
        self.chain.reverse();
        self.first = self.find_first()?;
        Ok(self)
    }

    pub fn chain(&self) -> Chain {
        Chain::Bitcoin(self.shared.network)
    }

    /// Heights of the first and the newest block of the chain.
    pub fn heights(&self) -> (u64, u64) {
        (self.first, self.first + (self.chain.len() as u64).saturating_sub(1))
    }

    pub fn at(&self, height: u64) -> Option<BlockRef> {
        let place = usize::try_from(height.checked_sub(self.first)?).ok()?;
        let found = self.shared.found(*self.chain.get(place)?)?;
        Some(BlockRef {
            height,
            hash: block::block_hash(found.hash),
            parent: block::block_hash(found.parent),
            time: block::time(found.time),
        })
    }

    /// Blocks in the files that are not of the chain.
    pub fn stale(&self) -> usize {
        self.shared.blocks.len() - self.chain.len()
    }

    /// What was strange in the files and did not stop the reading.
    pub fn oddities(&self) -> &[String] {
        &self.oddities
    }

    /// The chain's blocks from one height to another, both included, upwards.
    /// So many threads read; together they hold at most three blocks each.
    pub fn blocks(&self, from: u64, to: u64, threads: usize) -> Blocks {
        let start = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let end = usize::try_from((to + 1).saturating_sub(self.first)).unwrap_or(usize::MAX);
        let end = end.min(self.chain.len());
        let wanted: Vec<(u64, u32)> =
            (start..end).map(|place| (self.first + place as u64, self.chain[place])).collect();
        let threads = threads.clamp(1, wanted.len().max(1));
        let ready = (0..threads).map(|lane| {
            let own: Vec<(u64, u32)> = wanted.iter().copied().skip(lane).step_by(threads).collect();
            let (sender, receiver) = sync_channel(READY);
            let shared = self.shared.clone();
            std::thread::spawn(move || read_lane(&shared, &own, &sender));
            receiver
        });
        Blocks { ready: ready.collect(), next: 0, left: wanted.len() }
    }

    /// A chain that does not begin with the network's first block states its
    /// height itself, where it is one that does.
    fn find_first(&self) -> Result<u64, ImportError> {
        let Some(first) = self.chain.first().and_then(|place| self.shared.found(*place)) else {
            return Ok(0);
        };
        if first.parent == BlockHash::all_zeros() {
            return Ok(0);
        }
        let checked = Reader::new(&self.shared).block(first)?;
        checked.stated_height().ok_or_else(|| {
            let what = format!(
                "the blocks before {} are not in the files, and it does not state its height",
                first.hash
            );
            fault(&self.name(), None, &what)
        })
    }

    fn name(&self) -> String {
        let folder = self.shared.paths.first().and_then(|path| path.parent());
        folder.unwrap_or(Path::new("")).display().to_string()
    }
}

/// Blocks as their threads have them ready.
pub struct Blocks {
    ready: Vec<Receiver<Result<Block, ImportError>>>,
    next: usize,
    left: usize,
}

impl Iterator for Blocks {
    type Item = Result<Block, ImportError>;

    /// After an error there is nothing more.
    fn next(&mut self) -> Option<Result<Block, ImportError>> {
        self.left = self.left.checked_sub(1)?;
        let lane = self.next % self.ready.len();
        self.next += 1;
        let block = self.ready[lane].recv().unwrap_or_else(|_| {
            Err(fault("blk files", None, "a thread that read them ended too early"))
        });
        if block.is_err() {
            self.left = 0;
        }
        Some(block)
    }
}

/// Reads every so many blocks of the chain until nobody wants them.
fn read_lane(shared: &Shared, own: &[(u64, u32)], sender: &SyncSender<Result<Block, ImportError>>) {
    let mut reader = Reader::new(shared);
    for (height, place) in own {
        let Some(found) = shared.found(*place) else { return };
        let block =
            reader.block(found).and_then(|checked| placed(shared, &checked, *height, found));
        let has_failed = block.is_err();
        if sender.send(block).is_err() || has_failed {
            return;
        }
    }
}

fn placed(
    shared: &Shared,
    checked: &Checked,
    height: u64,
    found: &Found,
) -> Result<Block, ImportError> {
    if let Some(stated) = checked.stated_height().filter(|stated| *stated != height) {
        let what = format!(
            "block {} says its height is {stated}, it follows {}",
            found.hash,
            height.saturating_sub(1)
        );
        return Err(shared.fault(found, &what));
    }
    Ok(Block {
        at: block::place(&checked.block.header, height),
        facts: checked.facts(Some(height)).collect(),
    })
}

/// Keeps the file it read last open: the chain's next block is often in it.
struct Reader<'a> {
    shared: &'a Shared,
    open: Option<(u32, File)>,
}

impl<'a> Reader<'a> {
    fn new(shared: &'a Shared) -> Reader<'a> {
        Reader { shared, open: None }
    }

    fn block(&mut self, found: &Found) -> Result<Checked, ImportError> {
        let bytes = self.bytes(found).map_err(|e| ImportError {
            source: Some(Box::new(e)),
            ..self.shared.fault(found, "cannot be read")
        })?;
        let checked = block::decode(&bytes)
            .and_then(|block| match block.block_hash() == found.hash {
                true => Checked::new(block, self.shared.network),
                false => Err("it was another when the headers were read".to_string()),
            })
            .map_err(|what| self.shared.fault(found, &format!("block {}: {what}", found.hash)))?;
        Ok(checked)
    }

    fn bytes(&mut self, found: &Found) -> std::io::Result<Vec<u8>> {
        let mut file = match self.open.take() {
            Some((number, file)) if number == found.file => file,
            _ => File::open(self.shared.path(found))?,
        };
        let mut bytes = vec![0; found.length as usize];
        file.seek(SeekFrom::Start(found.offset))?;
        file.read_exact(&mut bytes)?;
        self.shared.key.apply(found.offset, &mut bytes);
        self.open = Some((found.file, file));
        Ok(bytes)
    }
}

impl Shared {
    fn found(&self, place: u32) -> Option<&Found> {
        self.blocks.get(place as usize)
    }

    fn path(&self, found: &Found) -> &Path {
        self.paths.get(found.file as usize).map_or(Path::new(""), PathBuf::as_path)
    }

    fn fault(&self, found: &Found, what: &str) -> ImportError {
        fault(&self.path(found).display().to_string(), Some(found.offset), what)
    }
}

/// All headers, file by file.
struct Scan {
    network: Option<BitcoinNetwork>,
    blocks: Vec<Found>,
    oddities: Vec<String>,
}

impl Scan {
    fn file(&mut self, number: u32, path: &Path, key: Key) -> Result<(), ImportError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| ImportError::unreadable(&name, e))?;
        // A header and its frame: what lies between them is not read.
        let mut frames = Frames::new(&name, BufReader::with_capacity(4096, file), key);
        while let Some((start, header)) = frames.next_header()? {
            let network = *self.network.get_or_insert(start.network);
            if network != start.network {
                let what = format!(
                    "a block of {} among those of {}",
                    Chain::Bitcoin(start.network).name(),
                    Chain::Bitcoin(network).name()
                );
                return Err(fault(&name, Some(start.offset), &what));
            }
            // What no work went into is left over from a crash, or made up.
            if let Err(what) = block::check_header(&header, network) {
                let what = format!("{name}: byte {}: block left out: {what}", start.offset);
                self.oddities.push(what);
                continue;
            }
            self.blocks.push(found(&header, number, start.offset, start.length));
        }
        self.oddities
            .extend(frames.oddities.iter().map(|(at, what)| format!("{name}: byte {at}: {what}")));
        Ok(())
    }
}

fn found(header: &Header, file: u32, offset: u64, length: u64) -> Found {
    Found {
        hash: header.block_hash(),
        parent: header.prev_blockhash,
        work: header.work(),
        time: header.time,
        file,
        offset,
        length: u32::try_from(length).expect("a block's length was checked"),
    }
}

/// The chain of most work, upwards, as places in the list.
fn best(blocks: &[Found]) -> Vec<u32> {
    let places = by_hash(blocks);
    let parents: Vec<Option<u32>> =
        blocks.iter().map(|found| places.get(&found.parent).copied()).collect();
    let totals = total_work(blocks, &parents);
    let tip = totals
        .iter()
        .zip(blocks)
        .enumerate()
        // Of a block that is there twice, only the place by its hash counts.
        .filter(|(at, (_, found))| places.get(&found.hash) == u32::try_from(*at).ok().as_ref())
        .max_by_key(|(_, (total, found))| (**total, std::cmp::Reverse(printed(found.hash))));
    let mut chain = Vec::new();
    let mut at = tip.and_then(|(at, _)| u32::try_from(at).ok());
    while let Some(place) = at {
        chain.push(place);
        at = parents[place as usize];
    }
    chain.reverse();
    chain
}

/// The work of each block and all before it. Hashes cannot form a circle.
fn total_work(blocks: &[Found], parents: &[Option<u32>]) -> Vec<Work> {
    let mut totals: Vec<Option<Work>> = vec![None; blocks.len()];
    let mut open = Vec::new();
    for start in 0..blocks.len() {
        let mut at = Some(start);
        while let Some(place) = at.filter(|place| totals[*place].is_none()) {
            open.push(place);
            at = parents[place].map(|parent| parent as usize);
        }
        let mut total = at.and_then(|place| totals[place]);
        while let Some(place) = open.pop() {
            let work = blocks[place].work;
            let sum = total.map_or(work, |total| total + work);
            totals[place] = Some(sum);
            total = Some(sum);
        }
    }
    totals.into_iter().flatten().collect()
}

fn by_hash(blocks: &[Found]) -> HashMap<BlockHash, u32> {
    (0..).zip(blocks).map(|(at, found)| (found.hash, at)).collect()
}

fn printed(hash: BlockHash) -> [u8; 32] {
    let mut bytes = hash.to_byte_array();
    bytes.reverse();
    bytes
}

fn folder_of_blocks(folder: &Path, chain: Option<Chain>) -> Result<PathBuf, ImportError> {
    let own = match chain {
        Some(Chain::Bitcoin(network)) => match network {
            BitcoinNetwork::Mainnet => Some(FOLDERS[0]),
            BitcoinNetwork::Testnet3 => Some(FOLDERS[1]),
            BitcoinNetwork::Testnet4 => Some(FOLDERS[2]),
            BitcoinNetwork::Signet => Some(FOLDERS[3]),
            BitcoinNetwork::Regtest => Some(FOLDERS[4]),
        },
        _ => None,
    };
    // The folder itself first: it may be that of the blocks.
    let candidates = [Some("."), own].into_iter().flatten().chain(FOLDERS);
    for candidate in candidates {
        let path = folder.join(candidate);
        if path.join("blk00000.dat").is_file() || path.is_dir() && !blk_files(&path)?.is_empty() {
            return Ok(path);
        }
    }
    let what = "no blk*.dat there, nor in blocks/ below: expected a node's data folder";
    Err(fault(&folder.display().to_string(), None, what))
}

fn blk_files(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let unreadable = |e| ImportError::unreadable(&folder.display().to_string(), e);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_named_blk(&path) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn fault(name: &str, at: Option<u64>, what: &str) -> ImportError {
    ImportError::new(name, at.map(Place::Byte), None, Problem::other(what))
}

#[cfg(test)]
mod tests;
