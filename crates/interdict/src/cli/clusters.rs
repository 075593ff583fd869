//! What can be typed about clusters and owners.

use clap::{Args, Subcommand};
use entity::heuristics::Rule;
use model::Chain;

use super::{StatusArgs, TextFormat, parse_count};

#[derive(Debug, Args)]
pub struct ClustersArgs {
    #[command(subcommand)]
    pub command: ClustersCommand,
}

#[derive(Debug, Subcommand)]
pub enum ClustersCommand {
    /// Bring clusters up to date with what is stored
    #[command(after_help = "\
CoinJoin rounds (Wasabi 1 and 2, Whirlpool, JoinMarket) are recognised first and merge nothing.

Rules: co-spend, same-key and deposit-reuse are on. change-one-time, change-type, change-round,
change-optimal, change-agreed, peel-chain and shared-funding are guesses and off; the rules of
the last build are kept. `interdict drill measure` says how often each errs on made-up owners.

Examples:
  interdict clusters build
  interdict clusters build --chain bitcoin --rules co-spend,same-key,change-agreed
  interdict clusters build --anew")]
    Build(ClustersBuildArgs),
    /// What there is: clusters, rounds, merges that were flagged, what was taken back
    #[command(after_help = "\
Examples:
  interdict clusters status
  interdict clusters status --format json")]
    Status(StatusArgs),
    /// Why two addresses are one owner's: the fewest merges from one to the other
    #[command(after_help = "\
Exit code: 0 they are of one cluster, 1 they are not, or an error.

Examples:
  interdict clusters explain 1BoatSLRHtKNngkdXEeobR76b53LETtpyT bc1q…")]
    Explain(ClustersExplainArgs),
    /// Take back what a transaction or a rule merged; --include lets it count again
    #[command(after_help = "\
Only the clusters it touches change. It stays through every later build.

Examples:
  interdict clusters exclude <txid> --chain bitcoin --reason 'a PayJoin, says the merchant'
  interdict clusters exclude change-round --reason 'too many errors here'
  interdict clusters exclude change-round --include")]
    Exclude(ClustersExcludeArgs),
    /// Every address of an address's cluster
    #[command(after_help = "\
Examples:
  interdict clusters members 1BoatSLRHtKNngkdXEeobR76b53LETtpyT
  interdict clusters members 0x… --chain ethereum --format json")]
    Members(ClustersMembersArgs),
}

#[derive(Debug, Args)]
pub struct ClustersBuildArgs {
    /// Only this chain: a CAIP-2 id or a name such as `bitcoin`
    #[arg(long)]
    pub chain: Option<Chain>,
    /// The rules that merge, separated by commas [default: those of the last build]
    #[arg(long, value_delimiter = ',', value_name = "RULE")]
    pub rules: Vec<Rule>,
    /// Take everything in again
    #[arg(long)]
    pub anew: bool,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct ClustersExplainArgs {
    #[arg(value_name = "ADDRESS")]
    pub a: String,
    #[arg(value_name = "ADDRESS")]
    pub b: String,
    /// The chain of addresses that could be on several
    #[arg(long)]
    pub chain: Option<Chain>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct ClustersExcludeArgs {
    /// A transaction, or a rule
    #[arg(value_name = "TX|RULE")]
    pub what: String,
    /// The chain of the transaction
    #[arg(long)]
    pub chain: Option<Chain>,
    /// Why: whoever asks later is told
    #[arg(long, value_name = "TEXT", required_unless_present = "include")]
    pub reason: Option<String>,
    /// Let it count again
    #[arg(long)]
    pub include: bool,
}

#[derive(Debug, Args)]
pub struct ClustersMembersArgs {
    pub address: String,
    /// The chain of an address that could be on several
    #[arg(long)]
    pub chain: Option<Chain>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The cluster, its labels with source and confidence, listings that name any of it, and by which
rules it was merged. Labels that contradict each other are shown and not merged. An address
without a cluster answers for itself. A cluster is evidence of one owner, not proof.

Examples:
  interdict who 1BoatSLRHtKNngkdXEeobR76b53LETtpyT
  interdict who 0x… --chain ethereum --format json")]
pub struct WhoArgs {
    pub address: String,
    /// The chain of an address that could be on several
    #[arg(long)]
    pub chain: Option<Chain>,
    /// Members that are named, at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub members: usize,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct DrillOwnersArgs {
    #[command(flatten)]
    pub town: TownArgs,
    /// The folder to write: empty, new, or an earlier drill
    #[arg(long, value_name = "DIR")]
    pub out: std::path::PathBuf,
}

#[derive(Debug, Args)]
pub struct DrillMeasureArgs {
    #[command(flatten)]
    pub town: TownArgs,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Clone, Debug, Args)]
pub struct TownArgs {
    /// A CAIP-2 id or a name: Bitcoin or an EVM chain
    #[arg(long)]
    pub chain: Chain,
    /// The same number, the same town
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "20k")]
    pub transactions: u64,
    #[arg(long, value_name = "N", value_parser = parse_count, default_value = "300")]
    pub people: u64,
}
