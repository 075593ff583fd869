//! Clustering: co-spend pairs in batches, and the whole mapping at the end.
//!
//! As many pairs as the scale says, over as many addresses, both ends of a pair anywhere: memory is waited for as much as
//! it can be. In batches of a hundred thousand. What comes out is each address's cluster, named by its lowest
//! address; the sum of their digests is compared first. Pairs lie in memory when the clock starts.
//!
//! The peer in Python takes lists of lists, which it has to convert, and Arrow arrays, which it need not: both are
//! measured, so that its conversion is known apart.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use entity::cluster::forest::Forest;

use crate::contender::Work;
use crate::limits::median;
use crate::measure::Outcome;
use crate::memory::Memory;
use crate::random::Random;

/// Those who take part, and the largest scale each is given: Python's lists take 200 bytes a pair.
pub const CONTENDERS: &[(&str, u64)] =
    &[(crate::contender::OURS, u64::MAX), ("graphsense-clustering", 20_000_000)];

const BATCH: usize = 100_000;
const PASSES: usize = 5;

/// Writes the pairs of a scale, and the digest of the right answer.
pub fn record(pairs: u64, seed: u64, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let (path, digest) = (folder.join("pairs.bin"), folder.join("pairs.digest"));
    if digest.exists() {
        return Ok(());
    }
    let mut random = Random(seed);
    let mut plain = Plain::new(usize::try_from(pairs)?);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    for _ in 0..pairs {
        let (a, b) = (number(random.below(pairs)), number(random.below(pairs)));
        file.write_all(&a.to_le_bytes())?;
        file.write_all(&b.to_le_bytes())?;
        plain.unite(a, b);
    }
    file.flush()?;
    let right = digest_of((0..number(pairs)).map(|address| plain.find(address)));
    std::fs::write(&digest, right.to_string()).context("cannot write the right answer")
}

pub fn run(folder: &Path) -> Result<Vec<Outcome>> {
    let memory = Memory::watch();
    let pairs = read(&folder.join("pairs.bin"))?;
    let right: u64 = std::fs::read_to_string(folder.join("pairs.digest"))?.trim().parse()?;
    let (mut united, mut mapped) = (Vec::new(), Vec::new());
    for _ in 0..PASSES {
        let since = Instant::now();
        let mut forest = Forest::with_members(pairs.len());
        for batch in pairs.chunks(BATCH) {
            forest.union_batch(batch);
        }
        united.push(since.elapsed().as_secs_f64());
        let since = Instant::now();
        forest.count_members();
        let labels: Vec<u32> = (0..number(pairs.len() as u64)).map(|at| forest.find(at)).collect();
        mapped.push(since.elapsed().as_secs_f64());
        let got = digest_of(labels.into_iter());
        ensure!(got == right, "the clusters are others: {got}, should be {right}");
    }
    let (united, mapped) = (median(united), median(mapped));
    let rate = pairs.len() as f64 / united;
    let numbers = [
        ("pairs_per_second", rate),
        ("pairs_per_second_unconverted", rate),
        ("mapping_seconds", mapped),
        ("peak_anonymous_bytes", memory.peak().anonymous as f64),
    ];
    Ok(vec![Outcome::of(Work::Clusters, &numbers)])
}

fn read(path: &Path) -> Result<Vec<(u32, u32)>> {
    let bytes = std::fs::metadata(path)?.len();
    let mut pairs = Vec::with_capacity(usize::try_from(bytes / 8)?);
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut one = [0; 8];
    for _ in 0..bytes / 8 {
        file.read_exact(&mut one)?;
        pairs.push(pair(&one));
    }
    Ok(pairs)
}

fn pair(bytes: &[u8]) -> (u32, u32) {
    let word =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (word(0), word(4))
}

fn number(count: u64) -> u32 {
    u32::try_from(count).expect("scales are below four billion")
}

/// Of each address in turn, its cluster: no two mappings share it but by chance.
fn digest_of(clusters: impl Iterator<Item = u32>) -> u64 {
    (0u64..).zip(clusters).fold(0, |sum: u64, (address, cluster)| {
        let word = (address << 32 | u64::from(cluster)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        sum.wrapping_add(word ^ (word >> 29))
    })
}

/// Clusters in the plainest form that ends today: what the contenders are held against.
struct Plain {
    parents: Vec<u32>,
}

impl Plain {
    fn new(addresses: usize) -> Plain {
        Plain { parents: (0..number(addresses as u64)).collect() }
    }

    fn find(&mut self, address: u32) -> u32 {
        let mut root = address;
        while self.parents[root as usize] != root {
            root = self.parents[root as usize];
        }
        let mut at = address;
        while self.parents[at as usize] != root {
            at = std::mem::replace(&mut self.parents[at as usize], root);
        }
        root
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }
}
