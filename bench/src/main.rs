//! Interdict beside its peers, on the same input and the same machine.
//!
//! `cargo xtask bench` builds and runs this. [`run`] makes the input, finds the true
//! answers, and starts one process per contender and phase ([`measure`]), so that
//! neither memory nor caches mix. See README.md for what is measured and how.

mod clusters;
mod contender;
mod desk;
mod digest;
mod generate;
mod limits;
mod listings;
mod measure;
mod memory;
mod parse;
mod peers;
mod random;
mod report;
mod results;
mod run;
mod setup;
mod stream;
mod sweep;
mod truth;
mod walk;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::contender::Work;
use crate::measure::Phase;

/// As the product has it; peers written in Rust have it too, and the limits of the host are
/// measured with it.
#[global_allocator]
static MEMORY: store::memory::HugePages = store::memory::HugePages;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures everything asked for.
    Run(run::Plan),
    /// Writes the documents anew from results.json.
    Report { folder: PathBuf },
    /// The input of a scale. Started by `run`.
    #[command(hide = true)]
    Record { transfers: u64, seed: u64, input: PathBuf },
    /// The true answers. Started by `run`.
    #[command(hide = true)]
    Truth { input: PathBuf },
    /// One phase of one contender. Started by `run`.
    #[command(hide = true)]
    Measure {
        contender: String,
        phase: Phase,
        input: PathBuf,
        store: PathBuf,
        #[arg(value_parser = Work::parse)]
        works: Vec<Work>,
    },
    /// Pairs to cluster, or our clustering of them. Started by `run`.
    #[command(hide = true)]
    RecordPairs { pairs: u64, seed: u64, input: PathBuf },
    #[command(hide = true)]
    Clusters { input: PathBuf },
    /// Parsing of blocks. Started by `run`.
    #[command(hide = true)]
    Parse {
        contender: String,
        #[arg(long)]
        smoke: bool,
    },
    /// The desk under load. Started by `run`.
    #[command(hide = true)]
    Desk(desk::Settings),
    /// Listings of a large desk. Started by `run`.
    #[command(hide = true)]
    Listings {
        folder: PathBuf,
        #[arg(long)]
        smoke: bool,
    },
    /// The server that does nothing. Started by `desk`.
    #[command(hide = true)]
    ServeNothing,
}

fn main() -> ExitCode {
    match dispatch(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    let outcomes = match command {
        Command::Run(plan) => return run::run(&plan),
        Command::Report { folder } => {
            report::write_documents(&folder)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Record { transfers, seed, input } => {
            stream::record(transfers, seed, &input)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Truth { input } => {
            truth::establish(&input)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Measure { contender, phase, input, store, works } => {
            measure::run(&contender, phase, &input, &store, &works)?
        }
        Command::RecordPairs { pairs, seed, input } => {
            clusters::record(pairs, seed, &input)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Clusters { input } => clusters::run(&input)?,
        Command::Parse { contender, smoke } => parse::run(&contender, smoke)?,
        Command::Desk(settings) => {
            let outcomes = desk::run(&settings)?;
            println!("{}{}", run::MARK, serde_json::to_string(&outcomes)?);
            return Ok(ExitCode::SUCCESS);
        }
        Command::Listings { folder, smoke } => {
            let outcomes = listings::run(&folder, smoke)?;
            println!("{}{}", run::MARK, serde_json::to_string(&outcomes)?);
            return Ok(ExitCode::SUCCESS);
        }
        Command::ServeNothing => {
            desk::serve_nothing()?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    println!("{}{}", run::MARK, serde_json::to_string(&outcomes)?);
    Ok(ExitCode::SUCCESS)
}
