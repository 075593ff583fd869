//! `interdict drill`: a made-up past with planted thefts, as files to import.

mod csv;
mod owners;
mod parquet;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use drill::{Block, Service, Settings, Stream, Truth};
use model::{Asset, Chain, Registry};

use self::csv::CsvFile;
use self::parquet::ParquetFile;
use crate::cli::{DrillArgs, DrillCommand, DrillGenerateArgs};
use crate::out::Out;

/// A new file begins with the block after so many rows.
const ROWS_PER_FILE: u64 = 5_000_000;

const TRUTH: &str = "truth.json";
const LABELS: &str = "labels.yaml";

pub fn run(args: DrillArgs, out: &Out) -> Result<ExitCode> {
    match args.command {
        DrillCommand::Generate(args) => generate(&args, out),
        DrillCommand::Owners(args) => owners::write(&args, out),
        DrillCommand::Measure(args) => owners::measure(&args, out),
    }
}

fn generate(args: &DrillGenerateArgs, out: &Out) -> Result<ExitCode> {
    let mut stream = Stream::new(Settings::new(args.chain, args.seed, args.transfers))?;
    let folder = Folder::take(&args.out)?;
    let bar = out.count_bar(args.transfers, "generating");
    let mut number = 0;
    let mut is_more = true;
    while is_more {
        number += 1;
        let name = folder.name(number, args.columnar);
        let fresh = folder.fresh(&name);
        let doing = || format!("cannot write {}", fresh.display());
        let mut file = Rows::create(&fresh, args).with_context(doing)?;
        is_more = fill(&mut file, &mut stream, &mut |emitted| bar.set_position(emitted))
            .with_context(doing)?;
        file.close().with_context(doing)?;
        folder.publish(&name)?;
    }
    folder.write(LABELS, &labels(&stream.services(), args.chain))?;
    let truth = stream.truth();
    let mut text = serde_json::to_string_pretty(&truth)?;
    text.push('\n');
    folder.write(TRUTH, &text)?;
    bar.finish_and_clear();
    out.print(&said(&truth, number, args))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes whole blocks until the file is full; false at the end of the stream.
fn fill(file: &mut Rows, stream: &mut Stream, progress: &mut dyn FnMut(u64)) -> Result<bool> {
    let mut rows = 0;
    while rows < ROWS_PER_FILE {
        let Some(block) = stream.next_block() else { return Ok(false) };
        rows += block.transfer_count();
        file.block(block)?;
        progress(stream.emitted());
    }
    // A stream that ends here needs no empty file after this one.
    Ok(!stream.is_over())
}

enum Rows {
    Csv(CsvFile),
    Parquet(Box<ParquetFile>),
}

impl Rows {
    fn create(path: &Path, args: &DrillGenerateArgs) -> Result<Rows> {
        Ok(match args.columnar {
            true => Rows::Parquet(Box::new(ParquetFile::create(path, args.chain)?)),
            false => Rows::Csv(CsvFile::create(path, args.chain)?),
        })
    }

    fn block(&mut self, block: &Block) -> Result<()> {
        match self {
            Rows::Csv(file) => file.block(block),
            Rows::Parquet(file) => file.block(block),
        }
    }

    fn close(self) -> Result<()> {
        match self {
            Rows::Csv(file) => file.close(),
            Rows::Parquet(file) => file.close(),
        }
    }
}

/// Where a drill goes: a folder of its own.
struct Folder {
    path: PathBuf,
}

/// What is being written bears this until it is whole.
const FRESH: &str = ".part";

impl Folder {
    /// Makes it; an earlier drill in it is taken away, anything else refused.
    fn take(path: &Path) -> Result<Folder> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("cannot make {shown}"))?;
        let mut old = Vec::new();
        for entry in fs::read_dir(path).with_context(|| format!("cannot read {shown}"))? {
            let entry = entry.with_context(|| format!("cannot read {shown}"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_own(&name) {
                bail!("{shown} holds {name:?}: expected an empty folder or an earlier drill");
            }
            old.push(entry.path());
        }
        for file in old {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        Ok(Folder { path: path.to_path_buf() })
    }

    fn name(&self, number: u32, columnar: bool) -> String {
        format!("transfers-{number:04}.{}", if columnar { "parquet" } else { "csv" })
    }

    fn fresh(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}{FRESH}"))
    }

    fn publish(&self, name: &str) -> Result<()> {
        let whole = self.path.join(name);
        fs::rename(self.fresh(name), &whole)
            .with_context(|| format!("cannot write {}", whole.display()))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let fresh = self.fresh(name);
        fs::write(&fresh, text).with_context(|| format!("cannot write {}", fresh.display()))?;
        self.publish(name)
    }
}

fn is_own(name: &str) -> bool {
    let name = name.strip_suffix(FRESH).unwrap_or(name);
    let numbered = |extension: &str| {
        name.strip_prefix("transfers-")
            .and_then(|rest| rest.strip_suffix(extension))
            .is_some_and(|digits| digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(name, TRUTH | LABELS) || numbered(".csv") || numbered(".parquet")
}

/// The services as a TagPack, so that a trace ends at them.
fn labels(services: &[Service], chain: Chain) -> String {
    let network = network(chain);
    let mut text = String::from(
        "title: Drill services\ncreator: Interdict drill\nlastmod: 2025-01-01\n\
         source: interdict drill generate\nconfidence: service_data\n",
    );
    text.push_str(&format!("currency: {network}\ntags:\n"));
    for service in services {
        text.push_str(&format!(
            "- address: '{}'\n  label: {}\n  category: {}\n",
            service.address, service.name, service.category
        ));
    }
    text
}

/// As packs call a chain; one they have no name for by its CAIP-2 id.
fn network(chain: Chain) -> String {
    let name = match chain {
        Chain::BITCOIN => "BTC",
        Chain::ETHEREUM => "ETH",
        Chain::BNB => "BSC",
        Chain::POLYGON => "POLYGON",
        Chain::ARBITRUM => "ARBITRUM",
        Chain::OPTIMISM => "OPTIMISM",
        Chain::BASE => "BASE",
        Chain::AVALANCHE => "AVAX",
        Chain::TRON => "TRX",
        Chain::SOLANA => "SOL",
        other => return format!("'{other}'"),
    };
    name.to_string()
}

/// Those that the drill's amounts are meant in.
fn decimals(asset: &Asset) -> Option<u8> {
    let known = Registry::shipped().get(asset).and_then(|meta| meta.decimals);
    let invented = || (!asset.is_native()).then_some(drill::INVENTED_DECIMALS);
    known.or_else(|| asset.chain.native_decimals().filter(|_| asset.is_native())).or_else(invented)
}

fn said(truth: &Truth, files: u32, args: &DrillGenerateArgs) -> String {
    let format = if args.columnar { "transfers-parquet" } else { "transfers-csv" };
    let folder = args.out.display();
    let Truth { transfers, transactions, blocks, .. } = truth;
    format!(
        "{transfers} transfers of {transactions} transactions in {blocks} blocks, {} thefts planted\n\
         {folder}: {files} {} for `interdict import {format}`, {LABELS} for `interdict labels import tagpack`, {TRUTH}\n",
        truth.thefts.len(),
        if files == 1 { "file" } else { "files" },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_drill_are_its_own() {
        for name in
            ["truth.json", "labels.yaml", "transfers-0001.csv", "transfers-0012.parquet.part"]
        {
            assert!(is_own(name), "{name}");
        }
        for name in ["notes.txt", "transfers-1.csv", "transfers-0001.json", "truth.json.bak"] {
            assert!(!is_own(name), "{name}");
        }
    }
}
