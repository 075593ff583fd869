//! `interdict lists issuers`: whom issuers froze, from the events of followed chains, as lists.
//!
//! The same events give the same versions, whoever asks and how often: the hash of a version is that of
//! the events it rests on.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Result, bail};
use model::{Chain, Freeze, View};
use screen::lists::issuer;
use sha2::{Digest, Sha256};
use store::Store;

use super::keeping::{self, Kept, Rules};
use crate::cli::{ListIssuersArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

/// Where a version came from, in place of a file.
const SOURCE: &str = "followed chains";

pub fn run(home: &Home, args: &ListIssuersArgs, out: &Out) -> Result<ExitCode> {
    let mut store = home.open_existing()?;
    let freezes = final_ones(&store, args.chain)?;
    if freezes.is_empty() {
        let of = args.chain.map(|chain| format!(" of {}", chain.name())).unwrap_or_default();
        bail!("no freeze{of} is held: `interdict follow` reads them from blocks of a node");
    }
    warn_of_gaps(&store, &freezes, out)?;
    let kept = keep(&mut store, &freezes, args, out)?;
    match args.report {
        TextFormat::Json => out.json(&kept)?,
        TextFormat::Table => out.print(&kept.text())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A block that can still be undone puts nobody on a list.
fn final_ones(store: &Store, chain: Option<Chain>) -> Result<Vec<Freeze>> {
    let mut freezes = store.freezes_all(chain)?;
    let mut first_hot: BTreeMap<Chain, Option<u64>> = BTreeMap::new();
    freezes.retain(|freeze| {
        let chain = freeze.asset.chain;
        let hot = first_hot
            .entry(chain)
            .or_insert_with(|| store.hot_blocks(chain).first().map(|block| block.height));
        hot.is_none_or(|hot| freeze.height.is_none_or(|height| height < hot))
    });
    Ok(freezes)
}

fn keep(store: &mut Store, freezes: &[Freeze], args: &ListIssuersArgs, out: &Out) -> Result<Kept> {
    let lists = issuer::lists(freezes, args.date, &hash(freezes));
    // A list that says on a later day what the one in force says adds nothing.
    let known = store.list_versions()?;
    let is_known = |list: &screen::ParsedList| {
        known.iter().any(|row| {
            row.version.list == list.version.list
                && row.version.file_hash == list.version.file_hash
                && row.version.date == list.version.date
        })
    };
    let new: Vec<_> = lists.into_iter().filter(|list| !is_known(list)).collect();
    // An issuer may release everybody at once; the chain says so itself.
    let rules = Rules { shrink_max: 100, ..Rules::USUAL };
    let versions = keeping::keep_all(store, &new, SOURCE, &rules, out)?;
    Ok(Kept { file: SOURCE.to_string(), is_known: versions.is_empty(), versions })
}

/// Of what the events say, in their order.
fn hash(freezes: &[Freeze]) -> String {
    let mut hasher = Sha256::new();
    for freeze in freezes {
        let holder = freeze.holder.text(freeze.asset.chain);
        let (tx, log, asset) = (freeze.tx, freeze.log_index, &freeze.asset);
        hasher.update(format!("{tx} {log} {asset} {holder} {:?}\n", freeze.action));
    }
    model::hex::encode(&hasher.finalize())
}

/// Who was frozen before the first block that is held is on no list.
fn warn_of_gaps(store: &Store, freezes: &[Freeze], out: &Out) -> Result<()> {
    let mut chains: Vec<Chain> = freezes.iter().map(|freeze| freeze.asset.chain).collect();
    chains.sort();
    chains.dedup();
    for chain in chains {
        let held = store.coverage()?.into_iter().find(|coverage| coverage.chain == chain);
        let name = chain.name();
        match held.and_then(|held| held.is_complete.then_some(held.height_first?)) {
            Some(0 | 1) => {}
            Some(first) => out.warn(&format!(
                "{name} is held from block {first} on: whoever was frozen before is missing here"
            )),
            None => out.warn(&format!(
                "{name}: not every block is held: whoever was frozen in one that is not is missing here"
            )),
        }
    }
    Ok(())
}
