//! What can be typed.

mod casework;
mod clusters;
mod cost;
mod desk;
pub mod exposure;
mod freeze;
mod labels;
mod lists;
mod token;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::{Asset, Chain, Date, Timestamp};
use trace::{Method, Policy};

use crate::follow::finality::FinalityText;
pub use casework::*;
pub use clusters::*;
pub use desk::*;
pub use freeze::*;

pub use exposure::{
    BacktestArgs, ExposureArgs, ExposureCommand, ExposureUpdateArgs, RiskArgs, RiskCommand,
    RiskRulesArgs, Side,
};

pub use self::cost::CostArgs;
pub use self::labels::*;
pub use self::lists::*;
pub use self::token::TokenArgs;

/// Follow stolen crypto, say who is behind an address, and prove it.
#[derive(Debug, Parser)]
#[command(name = "interdict", version, about, long_about = None, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Where everything is kept [default: the user's data folder]
    #[arg(long, global = true, env = "INTERDICT_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// No progress and no remarks, only answers and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Colour in the terminal; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  interdict import transfers-csv theft.csv --chain ethereum
  interdict follow --chain ethereum --rpc http://127.0.0.1:8545 --from 19000000
  interdict lists import ofac sdn_advanced.xml.bz2
  interdict labels import tagpack packs/
  interdict trace 0x47666fab8bd0ac7003bce3f5c3585383f09486e2 --policy fifo
  interdict trace --case cases/bybit-2025.toml --compare
  interdict trace 0x… 0x… --apart --format json
  interdict trace --case cases/bybit-2025.toml --format html --out theft.html --bundle theft.bundle
  interdict screen 0x098b716b8aaf21512996dc57eb0615e2383e2f96 --as-of 2025-03-05
  interdict screen 'Mohammed al-Ghamari' --birth 1979
  interdict verify theft.bundle";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take in transfers and blocks from files
    Import(ImportArgs),
    /// Keep the store at the tip of chains, from nodes
    Follow(FollowArgs),
    /// List the transfers that are stored, one a line
    Transfers(TransfersArgs),
    /// List what issuers of tokens did to holders: freeze, release, destroy
    Freezes(FreezesArgs),
    /// The freeze desk: who can stop what a trace found, and the packets that ask them to
    Freeze(FreezeArgs),
    /// The configuration: what counts, and where it came from
    #[command(after_help = "\
Examples:
  interdict config check
  interdict config check --config interdict.toml --format json")]
    Config(ConfigArgs),
    /// Sanctions and other lists: import, show
    #[command(after_help = "\
Examples:
  interdict lists import ofac sdn_advanced.xml.bz2
  interdict lists status")]
    Lists(ListsArgs),
    /// Labels: who addresses belong to, who says so, and what was decided about it
    #[command(after_help = "\
Examples:
  interdict labels import tagpack packs/
  interdict labels show 0x…
  interdict labels dispute 3f2a… --by 'A. Analyst' --why 'the exchange denies it'")]
    Labels(LabelsArgs),
    /// Prices: what assets were worth, when, and who says so
    #[command(after_help = "\
Examples:
  interdict prices import eth.csv --asset eip155:1/slip44:60 --source 'CoinGecko, export of 2025-03-05'
  interdict prices list")]
    Prices(PricesArgs),
    /// Follow money forward or backward
    Trace(Box<TraceArgs>),
    /// Who is behind an address: cluster, labels, listings, and why
    Who(WhoArgs),
    /// Clusters: which addresses are one owner's. Build, explain, take back
    #[command(after_help = "\
Examples:
  interdict clusters build
  interdict clusters explain 1Boat… bc1q…")]
    Clusters(ClustersArgs),
    /// What an address is exposed to: which services, directly and through others
    Exposure(ExposureArgs),
    /// What that means, by rules. Exit code 10 when a rule fires
    Risk(RiskArgs),
    /// Is a token what it claims? Issuer, holders, pools, and what happens to who buys it
    Token(Box<TokenArgs>),
    /// Is an address, a name, a transaction on a list? Exit code 10 when one is
    Screen(Box<ScreenArgs>),
    /// What was decided about hits of names: cleared, confirmed, withdrawn
    #[command(after_help = "\
Examples:
  interdict decisions clear 'Ali Hassan' --customer 4711 --party un:QDi.001 \\
      --reason 'born 1994, the party 1961' --by 'A. Clerk' --expires 2026-12-31
  interdict decisions list --format json")]
    Decisions(DecisionsArgs),
    /// What compliance costs in a year, with and without Interdict, and what is missing
    Cost(Box<CostArgs>),
    /// Open the desk: the API, casework, and the page in a browser
    Serve(ServeArgs),
    /// Who may use the desk: people and API keys
    #[command(after_help = "\
What is changed holds at once, also in a server that runs.

Examples:
  interdict user add ada --role analyst --team north
  interdict user lock ada
  interdict user key add exchange --scope screen --scope transfers")]
    User(UserArgs),
    /// All casework in one file, and back
    #[command(after_help = "\
Examples:
  interdict case backup --out casework-2026-03-05.jsonl
  interdict case restore casework-2026-03-05.jsonl --database postgres://cell@localhost/interdict")]
    Case(CaseArgs),
    /// The journal of every act: take it away, check it offline
    #[command(after_help = "\
Examples:
  interdict journal export --out journal.jsonl
  interdict journal verify journal.jsonl")]
    Journal(JournalArgs),
    /// Personal data whose time is over: who it is, and their end
    #[command(after_help = "\
Examples:
  interdict retention due
  interdict retention erase")]
    Retention(RetentionArgs),
    /// Check an evidence bundle offline: signature and every step of the route
    #[command(after_help = "\
Exit code: 0 it holds, anything else it is refused and the line at fault named.

Examples:
  interdict verify theft.bundle
  interdict verify theft.bundle --key 3b6a27bc…")]
    Verify(VerifyArgs),
    /// What the home holds
    #[command(after_help = "\
Examples:
  interdict status
  interdict status --format json")]
    Status(StatusArgs),
    /// The home itself: check, measure, compact, export, back up, restore
    #[command(after_help = "\
Examples:
  interdict store check
  interdict store backup --out /mnt/backup/interdict-2025-03-05")]
    Store(StoreArgs),
    /// Make up a past with planted thefts, for tests, benchmarks and training
    #[command(after_help = "\
Examples:
  interdict drill generate --transfers 100k --seed 7 --chain ethereum --out drill")]
    Drill(DrillArgs),
    /// Write shell completions
    #[command(after_help = "\
Examples:
  interdict completions bash > ~/.local/share/bash-completion/completions/interdict
  interdict completions zsh > ~/.zfunc/_interdict
  interdict completions fish > ~/.config/fish/completions/interdict.fish")]
    Completions(CompletionsArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// The form of an answer that is a handful of facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    #[default]
    Table,
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interdict import transfers-csv hop1.csv hop2.csv --chain eip155:1
  interdict import ethereum-etl export/ --chain ethereum
  interdict import transfers-parquet transfers.parquet
  interdict import cryo ethereum__erc20_transfers__*.parquet
  interdict import bitcoin-blocks ~/.bitcoin/blocks

The same file twice changes nothing. A malformed row names file, line and field, and
nothing of that file is kept.")]
pub struct ImportArgs {
    /// transfers-csv, transfers-parquet, ethereum-etl, cryo or bitcoin-blocks
    pub format: chain::import::Format,
    /// Files, or folders of them
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// The chain of rows that do not name theirs: a CAIP-2 id or a name such as `ethereum`
    #[arg(long)]
    pub chain: Option<Chain>,
    #[arg(long, value_enum, default_value_t)]
    pub report: TextFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Without --chain every chain of the configuration is followed: --config, else interdict.toml
here, else the one in the home. It stops on SIGTERM and ctrl-C, and may be killed at any
moment: what was stored stays, and it goes on from there. Other commands run beside it.

Exit code: 0 it was told to stop, or with --once every chain is stored up to its tip;
anything else a chain could not be followed, and why is said. Others go on meanwhile.

Examples:
  interdict follow
  interdict follow --chain ethereum --rpc http://127.0.0.1:8545 --from 19000000
  interdict follow --chain eip155:31337 --rpc http://127.0.0.1:8545 --once
  interdict follow --chain bitcoin --rpc http://127.0.0.1:8332 --finality 3")]
pub struct FollowArgs {
    /// Only this chain: a CAIP-2 id or a name such as `ethereum`
    #[arg(long)]
    pub chain: Option<Chain>,
    /// A node of it: http, https, ws, wss, or the path of a socket. Several may be given; a
    /// password in it shows in the list of processes, a file named in the configuration does not
    #[arg(long, value_name = "URL", requires = "chain")]
    pub rpc: Vec<String>,
    /// The lowest block wanted; 0 is everything [default: as before; of a chain that was never followed, its
    /// first block where it has at most 20,000, else its last final one]
    #[arg(long, value_name = "HEIGHT", requires = "chain")]
    pub from: Option<u64>,
    /// Stop at the tip
    #[arg(long)]
    pub once: bool,
    /// When a block is final: `node`, when the node says so, or a number of confirmations
    /// [default: by chain]
    #[arg(long, value_name = "node|N", requires = "chain")]
    pub finality: Option<FinalityText>,
    /// How many of the newest blocks can be undone, also final ones [default: by chain]
    #[arg(long, value_name = "BLOCKS", requires = "chain")]
    pub undo: Option<u64>,
    /// The configuration to read
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
In the order of time, then height, place in the block, transaction and position: the same
store gives the same lines. On Bitcoin each line is an input (to is null) or an output
(from is null) of the transaction. Amounts are base units. docs/operating/following.md says
what each field is.

Examples:
  interdict transfers --chain ethereum --from 19000000 --to 19000100 --format json
  interdict transfers --chain bitcoin-regtest --format csv
  interdict transfers --chain ethereum --pending")]
pub struct TransfersArgs {
    /// A CAIP-2 id or a name such as `ethereum`
    #[arg(long)]
    pub chain: Chain,
    /// From this block
    #[arg(long, value_name = "HEIGHT")]
    pub from: Option<u64>,
    /// To this block, which is included
    #[arg(long, value_name = "HEIGHT")]
    pub to: Option<u64>,
    /// Those of watched addresses that are in no block yet, and what became of them
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub pending: bool,
    #[arg(long, value_enum, default_value_t)]
    pub format: TransfersFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Each is an event of the asset's own contract, in the order of time. It is known of blocks that
were followed from nodes; that none is listed does not say that nothing was frozen.

Examples:
  interdict freezes --chain ethereum
  interdict freezes --address 0x098b716b8aaf21512996dc57eb0615e2383e2f96 --format json")]
pub struct FreezesArgs {
    /// Only on this chain: a CAIP-2 id or a name such as `ethereum`
    #[arg(long)]
    pub chain: Option<Chain>,
    /// Only what was done to this holder: an address, or CAIP-10
    #[arg(long)]
    pub address: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TransfersFormat {
    /// For people
    #[default]
    Table,
    /// One JSON object a line
    Json,
    Csv,
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say every value and where it came from: flag, environment, file, default
    #[command(after_help = "\
Examples:
  interdict config check
  interdict config check --config interdict.toml --format json")]
    Check(ConfigCheckArgs),
}

#[derive(Debug, Args)]
pub struct ConfigCheckArgs {
    /// The configuration to read
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct PricesArgs {
    #[command(subcommand)]
    pub command: PricesCommand,
}

#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// Keep the prices of a CSV: a column `date` or `time`, a column `usd`, `price` or `close`
    #[command(after_help = "\
A row of a day, or of midnight UTC, is the price of that day; any other is of its moment, and
holds for ten minutes. The same file twice changes nothing.

Examples:
  interdict prices import eth.csv --asset eip155:1/slip44:60 --source 'CoinGecko, export of 2025-03-05'")]
    Import(PriceImportArgs),
    /// Ask a service that `interdict.toml` sets up for the prices of some days
    #[command(after_help = "\
The service learns which asset and which days are of interest, and no address. It is asked
only once it was agreed to: --yes-ask, or `consent = true` in [prices.<name>].

Examples:
  interdict prices fetch --asset eip155:1/slip44:60 --id ethereum --from 2025-02-20 --to 2025-03-05")]
    Fetch(PriceFetchArgs),
    /// Show what is kept
    #[command(after_help = "\
Examples:
  interdict prices list
  interdict prices list --asset eip155:1/slip44:60 --format json")]
    List(PriceListArgs),
}

#[derive(Debug, Args)]
pub struct PriceImportArgs {
    pub path: PathBuf,
    /// What it is the price of: CAIP-19, such as eip155:1/slip44:60
    #[arg(long)]
    pub asset: Asset,
    /// Who says so: every figure in USD names it
    #[arg(long, value_name = "TEXT")]
    pub source: String,
}

#[derive(Debug, Args)]
pub struct PriceFetchArgs {
    /// What it is the price of: CAIP-19, such as eip155:1/slip44:60
    #[arg(long)]
    pub asset: Asset,
    /// What the service calls it, such as `ethereum`
    #[arg(long)]
    pub id: String,
    #[arg(long, value_name = "DATE")]
    pub from: Date,
    /// Included
    #[arg(long, value_name = "DATE")]
    pub to: Date,
    /// Which of those set up [default: the first by name]
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// The service may learn what is asked, from now on
    #[arg(long)]
    pub yes_ask: bool,
}

#[derive(Debug, Args)]
pub struct PriceListArgs {
    /// Only of this asset
    #[arg(long)]
    pub asset: Option<Asset>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A source is an address, a transaction hash, or an outpoint <txid>:<n>; CAIP-10 text says
the chain too. From an address everything it sends in the window is followed; from a
transaction or an outpoint, those outputs.

Policies: poison, haircut, fifo, lifo, tiho, highest-value. None is the truth: --compare
sets all side by side.

Examples:
  interdict trace 0x47666fab8bd0ac7003bce3f5c3585383f09486e2
  interdict trace eip155:1:0x4766… --policy highest-value --hops 4
  interdict trace <txid>:1 --backward --format json
  interdict trace 0x… --since 2025-02-21 --min-value '0.5 ETH' --compare
  interdict trace 0x… 0x… --apart --format json
  interdict trace 0x… --chain ethereum --hops 3 --requests 200
  interdict trace --case cases/bybit-2025.toml --format html --out theft.html")]
pub struct TraceArgs {
    /// Where the money starts (with --backward: where it arrived)
    #[arg(required_unless_present = "case", value_name = "ADDRESS|TX|OUTPOINT")]
    pub sources: Vec<String>,
    /// A case file: sources, files, prices, labels, crossings, settings. Flags override it
    #[arg(long, value_name = "FILE")]
    pub case: Option<PathBuf>,
    /// Keep the case file's own labels and prices too, for every other command and the desk
    #[arg(long, requires = "case")]
    pub keep: bool,
    /// The chain of a source that could be on several
    #[arg(long)]
    pub chain: Option<Chain>,
    /// Where did it go? [the default]
    #[arg(long, conflicts_with = "backward")]
    pub forward: bool,
    /// Where did it come from?
    #[arg(long)]
    pub backward: bool,
    /// poison, haircut, fifo, lifo, tiho or highest-value [default: haircut]
    #[arg(long)]
    pub policy: Option<Policy>,
    /// From this moment: 2025-02-21, or 2025-02-21T14:00:00Z
    #[arg(long, value_parser = parse_since)]
    pub since: Option<Timestamp>,
    /// To this moment; a day counts whole
    #[arg(long, value_parser = parse_until)]
    pub until: Option<Timestamp>,
    /// Transfers from a source at most
    #[arg(long, value_name = "N")]
    pub hops: Option<u32>,
    /// Smaller transfers are not followed: `0.5 ETH`, or `100usd` where a case file gives prices
    #[arg(long, value_name = "AMOUNT")]
    pub min_value: Option<String>,
    /// Transfers looked at, at most [default: 200000]
    #[arg(long, value_name = "N")]
    pub budget: Option<usize>,
    /// An unlabelled account with more transfers is taken for a service nobody labelled
    /// [default: 20000; 2000 where providers are asked]
    #[arg(long, value_name = "N")]
    pub hub: Option<u64>,
    /// Requests to providers at most, of those that `interdict.toml` sets up
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub requests: u64,
    /// Ask providers also what came since they were last asked
    #[arg(long, conflicts_with = "offline")]
    pub refresh: bool,
    /// Ask no provider: only what is kept
    #[arg(long)]
    pub offline: bool,
    /// This provider may learn which addresses are looked at, from now on
    #[arg(long, value_name = "PROVIDER")]
    pub yes_ask: Vec<String>,
    /// How the past is read; the answer is the same: `frontier` asks hop by hop, `sweep` reads
    /// everything once [default: auto]
    #[arg(long, value_name = "auto|frontier|sweep")]
    pub method: Option<Method>,
    /// Each source is a theft of its own: one report each, the past read once for all
    #[arg(long, conflicts_with = "bundle")]
    pub apart: bool,
    /// Every policy side by side, with the range of their answers
    #[arg(long)]
    pub compare: bool,
    #[arg(long, value_enum, default_value_t)]
    pub format: TraceFormat,
    /// Write there instead of to the terminal
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Also write signed evidence that anyone can re-check offline
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// A tree for the terminal
    #[default]
    Table,
    /// The public contract, with a schema
    Json,
    /// One line a transfer
    Csv,
    /// Graphviz
    Dot,
    /// A picture for any browser, offline
    Html,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit code: 0 no hit, 10 a hit, anything else an error. Not found is not clean: the answer
says what was searched and as of when. A pair cleared by `interdict decisions` is no hit.

A table (`--file x.csv`, or `--csv`) has one of the columns query, name and address, and any of
kind, birth, country, document and customer.

Examples:
  interdict screen 0x098b716b8aaf21512996dc57eb0615e2383e2f96
  interdict screen 'Mohammed al-Ghamari' --birth 1979 --country YE
  interdict screen --kind name --file customers.csv --format json
  interdict screen --file deposits.txt --format json
  interdict screen 0x… --as-of 2025-03-05")]
pub struct ScreenArgs {
    #[arg(required_unless_present_any = ["file", "documents"], value_name = "QUERY")]
    pub queries: Vec<String>,
    /// One query a line, or a table with a row each; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "queries")]
    pub file: Option<PathBuf>,
    /// The file is a table with a heading, whatever it is called
    #[arg(long, requires = "file")]
    pub csv: bool,
    /// The file is text of any kind, a notice or a mail: screen every address found in it
    #[arg(long, requires = "file", conflicts_with_all = ["csv", "kind", "queries"])]
    pub extract: bool,
    /// What the queries are
    #[arg(long, value_enum, default_value_t)]
    pub kind: ScreenKind,
    /// Only these lists, by the names of `interdict lists status`
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub lists: Vec<String>,
    /// What a name must score, from 0.5 to 1; LIST=SCORE for one list [default: 0.8]
    #[arg(long = "threshold", value_name = "SCORE")]
    pub thresholds: Vec<String>,
    /// When the person was born: a year, a month or a day
    #[arg(long = "birth", value_name = "DATE")]
    pub births: Vec<String>,
    /// The country of the person, company or vessel, in two letters
    #[arg(long = "country", value_name = "COUNTRY")]
    pub countries: Vec<String>,
    /// A passport, registration or IMO number
    #[arg(long = "document", value_name = "NUMBER")]
    pub documents: Vec<String>,
    /// Whose name it is: decisions are looked up under this id
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,
    /// As the lists stood on this day [default: today]
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ScreenKind {
    /// As each one reads; the answer says what it was taken for
    #[default]
    Auto,
    Address,
    /// Of a person, a company, a vessel
    Name,
    /// A transaction of the store: everybody who paid or was paid in it
    Tx,
    /// The contract of a token: listed, or labelled
    Token,
}

#[derive(Debug, Args)]
pub struct DecisionsArgs {
    #[command(subcommand)]
    pub command: DecisionsCommand,
}

#[derive(Debug, Subcommand)]
pub enum DecisionsCommand {
    /// This is somebody else: no hit, until it runs out or either side changes
    Clear(DecideArgs),
    /// This is the very party: the hit says so
    Confirm(DecideArgs),
    /// What was decided before no longer holds
    Withdraw(DecideArgs),
    /// Every decision, in the order they were made
    List(StatusArgs),
}

#[derive(Debug, Args)]
pub struct DecideArgs {
    /// The name, as it is screened
    pub query: String,
    /// Of whom: the list, and its own id of the party, as a hit gives them
    #[arg(long, value_name = "LIST:ID")]
    pub party: String,
    #[arg(long)]
    pub reason: String,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// The last day it holds [default: until something changes]
    #[arg(long, value_name = "DATE")]
    pub expires: Option<Date>,
    /// Keep it under the customer's id, not under the text of the name
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,
    /// As it is screened
    #[arg(long = "birth", value_name = "DATE")]
    pub births: Vec<String>,
    /// As it is screened
    #[arg(long = "country", value_name = "COUNTRY")]
    pub countries: Vec<String>,
    /// As it is screened
    #[arg(long = "document", value_name = "NUMBER")]
    pub documents: Vec<String>,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    pub file: PathBuf,
    /// The public key you expect, in hex
    #[arg(long, value_name = "HEX")]
    pub key: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct DrillArgs {
    #[command(subcommand)]
    pub command: DrillCommand,
}

#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// Write a made-up past as files to import, and the truth about its thefts
    #[command(after_help = "\
The folder then holds transfers-0001.csv and so on (with --columnar: .parquet), labels.yaml,
which names the services, and truth.json, which says every hop of every theft. The same
seed gives the same bytes. An earlier drill in the folder is replaced, nothing else.

Examples:
  interdict drill generate --transfers 100k --seed 7 --chain ethereum --out drill
  interdict drill generate --transfers 10M --seed 7 --chain bitcoin --out drill --columnar
  interdict import transfers-csv drill/
  interdict labels import tagpack drill/labels.yaml")]
    Generate(DrillGenerateArgs),
    /// Write a made-up town whose every address has a known owner, as files to import
    #[command(after_help = "\
truth.json names every owner's addresses, every payment's change and every CoinJoin round.

Examples:
  interdict drill owners --chain bitcoin --seed 7 --transactions 20k --out town")]
    Owners(DrillOwnersArgs),
    /// How often each clustering rule is right, on a made-up town whose owners are known
    #[command(after_help = "\
Pairwise: of two addresses in one cluster, are they one owner's (precision); of two of one
owner, are they in one cluster (recall). It is no promise about a real chain.

Examples:
  interdict drill measure --chain bitcoin --seed 7
  interdict drill measure --chain ethereum --seed 7 --format json")]
    Measure(DrillMeasureArgs),
}

#[derive(Debug, Args)]
pub struct DrillGenerateArgs {
    /// How many, at least: 10M, 100k, 250_000. On Bitcoin inputs and outputs count
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub transfers: u64,
    /// The same number, the same past
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// A CAIP-2 id or a name such as `ethereum`, `bitcoin`, `tron`, `solana`
    #[arg(long)]
    pub chain: Chain,
    /// The folder to write: empty, new, or an earlier drill
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Parquet for `import transfers-parquet` instead of CSV
    #[arg(long)]
    pub columnar: bool,
}

#[derive(Debug, Args)]
pub struct StoreArgs {
    #[command(subcommand)]
    pub command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Read everything and compare it with its checksums
    #[command(after_help = "\
Exit code: 0 everything is as it was written, anything else something is damaged and named.

--repair drops the damaged segments and imports the files they came from again. It does
nothing unless every one of those files is still there with the same bytes.

Examples:
  interdict store check
  interdict store check --repair")]
    Check(StoreCheckArgs),
    /// How much is held, and where the bytes are
    #[command(after_help = "\
Examples:
  interdict store stats
  interdict store stats --format json")]
    Stats(StatusArgs),
    /// Merge all that can be merged, and give back what is not used
    #[command(after_help = "\
Examples:
  interdict store compact")]
    Compact,
    /// Write transfers as tables for other programs, a file for each chain
    #[command(after_help = "\
The columns are those that `import transfers-parquet` reads.

Examples:
  interdict store export --format parquet --out tables
  interdict store export --format arrow --out tables --chain ethereum --since 2025-02-21")]
    Export(StoreExportArgs),
    /// Copy the whole home, keys included, also while it is in use
    #[command(after_help = "\
A backup is a home: any command reads it with --home. It holds the signing key, so keep it
as you keep the home.

Examples:
  interdict store backup --out /mnt/backup/interdict-2025-03-05")]
    Backup(StoreBackupArgs),
    /// Put a backup in the place of a home that is empty or not there
    #[command(after_help = "\
The backup is copied and checked first; a damaged one is refused and nothing is changed.

Examples:
  interdict store restore --from /mnt/backup/interdict-2025-03-05 --home ~/interdict")]
    Restore(StoreRestoreArgs),
}

#[derive(Debug, Args)]
pub struct StoreCheckArgs {
    /// Drop what is damaged and import its files again
    #[arg(long)]
    pub repair: bool,
}

#[derive(Debug, Args)]
pub struct StoreExportArgs {
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// The folder to write to; made when there is none
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Only this chain
    #[arg(long)]
    pub chain: Option<Chain>,
    /// From this moment: 2025-02-21, or 2025-02-21T14:00:00Z
    #[arg(long, value_parser = parse_since)]
    pub since: Option<Timestamp>,
    /// To this moment; a day counts whole
    #[arg(long, value_parser = parse_until)]
    pub until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Apache Parquet
    Parquet,
    /// Arrow IPC, also known as Feather 2
    Arrow,
}

#[derive(Debug, Args)]
pub struct StoreBackupArgs {
    /// The folder to write; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct StoreRestoreArgs {
    /// The folder that `store backup` wrote
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

fn parse_since(text: &str) -> Result<Timestamp, String> {
    parse_time(text, "T00:00:00Z")
}

fn parse_until(text: &str) -> Result<Timestamp, String> {
    parse_time(text, "T23:59:59.999999999Z")
}

/// A number as people write large ones: `10M`, `1k`, `250_000`.
pub fn parse_count(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no count: expected 250000, 250_000, 100k, 10M or 1G");
    let (digits, times) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1_000),
        Some((at, 'm' | 'M')) => (&text[..at], 1_000_000),
        Some((at, 'g' | 'G')) => (&text[..at], 1_000_000_000),
        _ => (text, 1),
    };
    let is_plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let number: Option<u64> = is_plain.then(|| digits.replace('_', "").parse().ok()).flatten();
    number.and_then(|number| number.checked_mul(times)).ok_or_else(wrong)
}

/// A moment, or a day whose start or end is meant.
pub fn parse_time(text: &str, of_day: &str) -> Result<Timestamp, String> {
    let whole = if text.parse::<Date>().is_ok() && text.len() == 10 {
        format!("{text}{of_day}")
    } else {
        text.to_string()
    };
    whole
        .parse()
        .map_err(|_| format!("{text:?} is no time: expected 2025-02-21 or 2025-02-21T14:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counts_read_as_people_write_them() {
        for (text, count) in [
            ("10M", 10_000_000),
            ("1k", 1_000),
            ("250_000", 250_000),
            ("7", 7),
            ("2G", 2_000_000_000),
        ] {
            assert_eq!(parse_count(text), Ok(count), "{text}");
        }
        for text in ["", "M", "_1", "-1", "1.5M", "10 M", "99999999999G"] {
            assert!(parse_count(text).is_err(), "{text:?}");
        }
    }
}
