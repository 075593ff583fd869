//! Blocks of Bitcoin, parsed: our importer beside the bare library under it.
//!
//! The importer also checks each block and states its facts, so it does more; that is
//! what there is to compare with, and the answers (every transaction's id) are the same.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bitcoin::hashes::Hash;
use model::{Chain, Fact};

use crate::contender::Work;
use crate::limits::median;
use crate::measure::Outcome;

/// Real blocks, recorded with their sources.
pub fn files() -> Result<Vec<PathBuf>> {
    let folder = crate::setup::repository().join("fixtures/bitcoin");
    let mut files = Vec::new();
    for entry in
        std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        // Those of mainnet: one of the importer's options for all.
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("electrs_") && name.ends_with(".raw") {
            files.push(path);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "there is no block in {}", folder.display());
    Ok(files)
}

const PASSES: usize = 7;

pub fn run(name: &str, is_smoke: bool) -> Result<Vec<Outcome>> {
    let blocks: std::io::Result<Vec<Vec<u8>>> = files()?.iter().map(std::fs::read).collect();
    let blocks = blocks?;
    let bytes: usize = blocks.iter().map(Vec::len).sum();
    // Some 50 MB a pass.
    let repeats = if is_smoke { 1 } else { 1 + 50_000_000 / bytes };
    let parse = if name == "rust-bitcoin" { parse_bare } else { parse_ours };
    ensure!(parse_ours(&blocks)? == parse_bare(&blocks)?, "the importers read other transactions");
    let mut seconds = Vec::new();
    for _ in 0..PASSES {
        let since = Instant::now();
        for _ in 0..repeats {
            std::hint::black_box(parse(&blocks)?);
        }
        seconds.push(since.elapsed().as_secs_f64());
    }
    let rate = (bytes * repeats) as f64 / median(seconds);
    Ok(vec![Outcome::of(Work::Parse, &[("bytes_per_second", rate)])])
}

/// Sums of the transactions' ids, and how many there are.
type Ids = (u64, u64);

fn add(ids: &mut Ids, id: &[u8]) {
    ids.0 += 1;
    ids.1 = ids.1.wrapping_add(u64::from_le_bytes(crate::stream::part(id, 0)));
}

fn parse_ours(blocks: &[Vec<u8>]) -> Result<Ids> {
    let options = chain::import::Options { chain: Some(Chain::BITCOIN) };
    let mut ids = Ids::default();
    for block in blocks {
        let mut bytes = &block[..];
        chain::import::import_reader(
            chain::import::Format::BitcoinBlocks,
            "block",
            &mut bytes,
            &options,
            &mut |_| {},
            &mut |fact| {
                if let Fact::Utxo(tx) = &fact {
                    add(&mut ids, tx.id.hash.bytes());
                }
                Ok(())
            },
        )?;
    }
    Ok(ids)
}

/// Deserialised, and each transaction's id computed: without ids it is of no use.
fn parse_bare(blocks: &[Vec<u8>]) -> Result<Ids> {
    let mut ids = Ids::default();
    for block in blocks {
        let block: bitcoin::Block = bitcoin::consensus::deserialize(block)?;
        for tx in &block.txdata {
            let mut id = tx.compute_txid().to_byte_array();
            // As it is printed, like the model's.
            id.reverse();
            add(&mut ids, &id);
        }
    }
    Ok(ids)
}
