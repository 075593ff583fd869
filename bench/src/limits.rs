//! What the host itself can do, measured before anything else.
//!
//! Each result is printed beside the limit that applies to it, so that a fast
//! machine does not look like a fast program.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::random::Random;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limits {
    pub memory: Vec<Memory>,
    pub sequential_bytes_per_second: f64,
    pub disk: Disk,
}

/// Random access in an array of this size.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Memory {
    pub bytes: u64,
    /// Each load waits for the one before.
    pub dependent_ns: f64,
    /// Read and written back, asked for 32 ahead, in huge pages where the host gives them
    /// ([`store::memory`]): what a sweep could reach.
    pub prefetched_per_second: f64,
    /// The same in pages of 4 KiB, as memory comes to whoever does not ask. None where an older run did
    /// not measure it.
    #[serde(default)]
    pub prefetched_4k_per_second: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Disk {
    /// 1 MiB at a time, then fsync.
    pub write_bytes_per_second: f64,
    pub read_bytes_per_second: f64,
    /// 4 KiB, past the page cache where the file system lets us.
    pub random_reads_per_second: f64,
    pub random_reads_per_second_32: f64,
    pub is_direct: bool,
}

const MIB: usize = 1 << 20;

pub fn measure(folder: &Path, is_smoke: bool) -> Result<Limits> {
    let sizes: &[usize] = if is_smoke { &[16] } else { &[16, 128, 1024] };
    let memory = sizes.iter().map(|mib| memory(mib * MIB)).collect();
    let sequential = sequential(if is_smoke { 64 } else { 512 } * MIB);
    let disk = disk(folder, if is_smoke { 32 } else { 1024 } * MIB)?;
    Ok(Limits { memory, sequential_bytes_per_second: sequential, disk })
}

impl Limits {
    /// The measured size nearest to this many bytes.
    pub fn memory_at(&self, bytes: u64) -> &Memory {
        let ratio = |size: u64| (size as f64 / bytes.max(1) as f64).ln().abs();
        self.memory
            .iter()
            .min_by(|a, b| ratio(a.bytes).total_cmp(&ratio(b.bytes)))
            .expect("at least one size is measured")
    }
}

fn memory(bytes: usize) -> Memory {
    Memory {
        bytes: bytes as u64,
        dependent_ns: dependent_ns(bytes),
        prefetched_per_second: median((0..5).map(|_| prefetched(bytes, bytes)).collect()),
        prefetched_4k_per_second: Some(median((0..5).map(|_| prefetched(bytes, SMALL)).collect())),
    }
}

/// One cycle through all cells in random order (Sattolo 1986), followed.
fn dependent_ns(bytes: usize) -> f64 {
    let cells = bytes / 64;
    let mut random = Random(1);
    let mut next: Vec<[u64; 8]> = (0..cells as u64).map(|at| [at; 8]).collect();
    for at in (1..cells).rev() {
        let other = random.index(at);
        let kept = next[at][0];
        next[at][0] = next[other][0];
        next[other][0] = kept;
    }
    let steps = 2_000_000;
    let started = Instant::now();
    let mut at = 0u64;
    for _ in 0..steps {
        at = next[usize::try_from(at).expect("an index")][0];
    }
    black_box(at);
    started.elapsed().as_nanos() as f64 / f64::from(steps)
}

/// Pieces of this size come in pages of 4 KiB: only larger ones are asked for in huge pages.
const SMALL: usize = 2 * MIB;

/// In pieces of `piece` bytes, a power of two.
fn prefetched(bytes: usize, piece: usize) -> f64 {
    const AHEAD: u64 = 32;
    let in_piece = piece / 16;
    let bits = in_piece.trailing_zeros();
    let mut pieces = vec![vec![[1u64; 2]; in_piece]; bytes / piece];
    let mask = (bytes / 16 - 1) as u64;
    assert!(bytes.is_power_of_two() && piece.is_power_of_two(), "sizes are powers of two");
    // A multiplicative hash: cheap enough to compute twice.
    let place = |n: u64| {
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let at = usize::try_from((mixed ^ (mixed >> 29)) & mask).expect("an index");
        (at >> bits, at & (in_piece - 1))
    };
    let count: u64 = 20_000_000;
    let started = Instant::now();
    for n in 0..count {
        let (piece, at) = place(n + AHEAD);
        prefetch_index::prefetch_index(&pieces[piece], at);
        let (piece, at) = place(n);
        let cell = &mut pieces[piece][at];
        cell[0] = cell[0].wrapping_add(n);
    }
    black_box(&pieces);
    count as f64 / started.elapsed().as_secs_f64()
}

fn sequential(bytes: usize) -> f64 {
    let cells = vec![1u64; bytes / 8];
    let once = || {
        let started = Instant::now();
        black_box(black_box(&cells).iter().fold(0u64, |sum, cell| sum.wrapping_add(*cell)));
        bytes as f64 / started.elapsed().as_secs_f64()
    };
    median((0..5).map(|_| once()).collect())
}

fn disk(folder: &Path, bytes: usize) -> Result<Disk> {
    let path = folder.join("disk.tmp");
    let written =
        write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    drop_cached(&path)?;
    let direct = rustix::fs::OFlags::DIRECT.bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(direct).open(&path);
    let is_direct = opened.is_ok();
    let file = opened.or_else(|_| File::open(&path))?;
    let single = random_reads(&file, bytes, 1);
    let many = random_reads(&file, bytes, 32);
    drop_cached(&path)?;
    let read = read(&path, bytes)?;
    std::fs::remove_file(&path)?;
    Ok(Disk {
        write_bytes_per_second: written,
        read_bytes_per_second: read,
        random_reads_per_second: single,
        random_reads_per_second_32: many,
        is_direct,
    })
}

fn write(path: &Path, bytes: usize) -> Result<f64> {
    let mut random = Random(2);
    let part: Vec<u8> = (0..MIB / 8).flat_map(|_| random.next().to_le_bytes()).collect();
    let mut file = File::create(path)?;
    let started = Instant::now();
    for _ in 0..bytes / MIB {
        file.write_all(&part)?;
    }
    file.sync_all()?;
    Ok(bytes as f64 / started.elapsed().as_secs_f64())
}

fn read(path: &Path, bytes: usize) -> Result<f64> {
    let mut file = File::open(path)?;
    let mut part = vec![0; MIB];
    let started = Instant::now();
    for _ in 0..bytes / MIB {
        file.read_exact(&mut part)?;
    }
    Ok(bytes as f64 / started.elapsed().as_secs_f64())
}

fn random_reads(file: &File, bytes: usize, threads: u64) -> f64 {
    const PAGE: usize = 4096;
    let pages = bytes / PAGE;
    let lasts = Duration::from_millis(1000);
    let started = Instant::now();
    let one = |seed: u64| {
        let mut random = Random(seed);
        // Direct reads want memory that starts at a page.
        let mut memory = vec![0u8; 2 * PAGE];
        let start = memory.as_ptr().align_offset(PAGE);
        let page = &mut memory[start..start + PAGE];
        let mut reads = 0u64;
        while started.elapsed() < lasts {
            let offset = (random.index(pages) * PAGE) as u64;
            if file.read_exact_at(page, offset).is_err() {
                break;
            }
            reads += 1;
        }
        reads
    };
    let reads: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|seed| scope.spawn(move || one(seed))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or(0)).sum()
    });
    reads as f64 / started.elapsed().as_secs_f64()
}

/// Takes a file, or all files of a folder, out of the page cache.
pub fn drop_cached(path: &Path) -> Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            drop_cached(&entry?.path())?;
        }
        return Ok(());
    }
    if path.is_file() {
        let file = File::open(path)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
