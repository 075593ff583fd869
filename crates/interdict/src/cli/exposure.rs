//! Exposure and risk.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use model::{Chain, Timestamp};
use trace::Policy;

use super::TextFormat;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Without --walk it answers from what `interdict exposure update` worked out, where there is
any: what was dealt with directly, and where what is held came from. With --walk the money is
followed now, in both directions, until the first service or until a cap; what a cap cut is
said. Several addresses are taken for one cluster, and are walked.

Examples:
  interdict exposure 0x098b716b8aaf21512996dc57eb0615e2383e2f96
  interdict exposure 0x… --walk --direction in --hops 6 --format json
  interdict exposure 0x… 0x… --walk
  interdict exposure update"
)]
pub struct ExposureArgs {
    #[command(subcommand)]
    pub command: Option<ExposureCommand>,
    /// Addresses of one cluster
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    #[command(flatten)]
    pub how: HowArgs,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

/// How money is followed.
#[derive(Debug, Args)]
pub struct HowArgs {
    /// The chain, where several know the address
    #[arg(long)]
    pub chain: Option<Chain>,
    /// Only what came in, or only what went out
    #[arg(long, value_enum)]
    pub direction: Option<Side>,
    /// Follow the money now
    #[arg(long)]
    pub walk: bool,
    /// How what is mixed is told apart: haircut, fifo, lifo or tiho [default: haircut]
    #[arg(long, requires = "walk")]
    pub policy: Option<Policy>,
    /// Transfers away at most [default: 10]
    #[arg(long, value_name = "N", requires = "walk")]
    pub hops: Option<u32>,
    /// Days before the first and after the last own transfer; not on Bitcoin [default: all]
    #[arg(long, value_name = "N", requires = "walk")]
    pub days: Option<u32>,
    /// Transfers that cannot carry this share of the flow are not followed, in percent; not on
    /// Bitcoin [default: 0.01]
    #[arg(long, value_name = "PERCENT", requires = "walk")]
    pub share: Option<f64>,
    /// Transfers gathered at most [default: 100000]
    #[arg(long, value_name = "N", requires = "walk")]
    pub budget: Option<usize>,
    /// An unlabelled address with more transfers is taken for a service [default: 20000]
    #[arg(long, value_name = "N", requires = "walk")]
    pub hub: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    In,
    Out,
}

#[derive(Debug, Subcommand)]
pub enum ExposureCommand {
    /// Work out where all balances came from, or take in what is new since
    #[command(after_help = "\
New blocks of a followed chain are taken in one by one. Where labels marked an address with a
past, older transfers changed, or rows have no heights, the chain is read whole; answers say
so meanwhile. Exit code 0 when everything is up to date.

Examples:
  interdict exposure update
  interdict exposure update --chain ethereum --whole
  interdict exposure update --every 2")]
    Update(ExposureUpdateArgs),
}

#[derive(Debug, Args)]
pub struct ExposureUpdateArgs {
    /// Only this chain
    #[arg(long)]
    pub chain: Option<Chain>,
    /// Read it whole, whatever is kept
    #[arg(long)]
    pub whole: bool,
    /// Go on, looking for something new so often; beside `interdict follow`
    #[arg(long, value_name = "SECONDS", conflicts_with = "whole", value_parser = clap::value_parser!(u64).range(1..))]
    pub every: Option<u64>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
A severity is never given without its reasons: the rule and its version, amounts and shares,
counterparties, and the transfers to look up. No reason does not mean that all is well.

Exit code: 0 no rule fired, 10 one did, anything else it could not be said.

Examples:
  interdict risk 0x098b716b8aaf21512996dc57eb0615e2383e2f96
  interdict risk 0x… --walk --rules own.toml --format json
  interdict risk rules
  interdict risk backtest --rules own.toml --against shipped"
)]
pub struct RiskArgs {
    #[command(subcommand)]
    pub command: Option<RiskCommand>,
    /// Addresses of one cluster
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    #[command(flatten)]
    pub how: HowArgs,
    /// A file of rules [default: that of the configuration, else the shipped]
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Subcommand)]
pub enum RiskCommand {
    /// Show the rules that judge
    #[command(after_help = "\
Examples:
  interdict risk rules
  interdict risk rules --toml > own.toml")]
    Rules(RiskRulesArgs),
    /// What each rule would have raised over the stored past
    #[command(after_help = "\
Every address that dealt with a labelled one is judged as of --to; raised is what was not yet
raised as of --from. With --against, two files of rules are compared. With --truth, the thieves
of a drill are labelled, and what is raised is held against where the stolen money really went.

Examples:
  interdict risk backtest
  interdict risk backtest --rules own.toml --against shipped
  interdict risk backtest --from 2025-02-01T00:00:00Z --to 2025-03-01T00:00:00Z
  interdict risk backtest --truth drill/truth.json --format json")]
    Backtest(BacktestArgs),
}

#[derive(Debug, Args)]
pub struct RiskRulesArgs {
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The shipped file as it is, to start an own one from
    #[arg(long, conflicts_with_all = ["rules", "format"])]
    pub toml: bool,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct BacktestArgs {
    /// A file of rules, or `shipped` [default: that of the configuration, else the shipped]
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Another file of rules, or `shipped`, to compare with
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Only this chain
    #[arg(long)]
    pub chain: Option<Chain>,
    /// Leave out what was raised before this time
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// As of this time [default: everything stored]
    #[arg(long, value_name = "TIME")]
    pub to: Option<Timestamp>,
    /// A drill's truth.json
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}
