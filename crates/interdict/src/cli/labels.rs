//! `interdict labels`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use model::{Chain, Date};

use super::{StatusArgs, TextFormat};

#[derive(Debug, Args)]
pub struct LabelsArgs {
    #[command(subcommand)]
    pub command: LabelsCommand,
}

#[derive(Debug, Subcommand)]
pub enum LabelsCommand {
    /// Keep the labels of files; a newer file of the same name takes the place of the older
    #[command(after_help = "\
Examples:
  interdict labels import tagpack packs/
  interdict labels import actorpack graphsense.actorpack.yaml
  interdict labels import name-tags etherscan.json --chain ethereum
  interdict labels import mining-pools pools.json
  interdict labels import own-csv ours.csv")]
    Import(LabelImportArgs),
    /// Write own labels for others: a TagPack, or a table that loses nothing
    #[command(after_help = "\
Disputes and corrections are applied to what is written: a disputed label is left out.

Examples:
  interdict labels export tagpack --title 'Cell 7' --creator 'Cell 7' --out ours.yaml
  interdict labels export own-csv")]
    Export(LabelExportArgs),
    /// Show what is kept
    #[command(after_help = "\
Examples:
  interdict labels status
  interdict labels status --format json")]
    Status(StatusArgs),
    /// All that is said of an address or a transaction, by who says it, and where they disagree
    #[command(after_help = "\
Examples:
  interdict labels show 0x3f5ce5fbfe3e9af3971dd833d26ba9b5c936f0be
  interdict labels show bc1q… --on 2024-01-01 --format json")]
    Show(LabelShowArgs),
    /// List labels, or look for them by name
    #[command(after_help = "\
Examples:
  interdict labels list --name binance
  interdict labels list --collection 'mining pools' --limit 20")]
    List(LabelListArgs),
    /// Object to a label: it is shown as disputed, and ends no walk unless set so
    #[command(after_help = "\
The id of a label is what `labels show` and `labels list` print before it.

Examples:
  interdict labels dispute 3f2a… --by 'A. Analyst' --why 'the exchange denies it'
  interdict labels dispute 3f2a… --by 'A. Analyst' --why 'they withdrew their denial' --lift")]
    Dispute(LabelDisputeArgs),
    /// Put a label right: what its source said stays in the history
    #[command(after_help = "\
Examples:
  interdict labels correct 3f2a… --concepts exchange,hot_wallet --by me --why 'see case 12'")]
    Correct(LabelCorrectArgs),
    /// Everything that was decided about labels: when, by whom, why
    #[command(after_help = "\
Examples:
  interdict labels history
  interdict labels history 3f2a…
  interdict labels history 0x3f5ce5fbfe3e9af3971dd833d26ba9b5c936f0be")]
    History(LabelHistoryArgs),
    /// The grades of confidence, and how fast each loses weight
    #[command(after_help = "\
Examples:
  interdict labels scale")]
    Scale(StatusArgs),
    /// Who mined: the reward transactions of a Bitcoin chain, by coinbase tag and payout address
    #[command(after_help = "\
Examples:
  interdict labels miners
  interdict labels miners --from 840000 --to 840100 --format json")]
    Miners(LabelMinersArgs),
}

#[derive(Debug, Args)]
pub struct LabelImportArgs {
    pub format: LabelFormat,
    /// Files, or folders of them
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// The chain of name tags and mining pools [default: ethereum, bitcoin]
    #[arg(long)]
    pub chain: Option<Chain>,
    /// When they were gathered, where the file does not say
    #[arg(long)]
    pub date: Option<Date>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelFormat {
    /// GraphSense TagPack, YAML
    Tagpack,
    /// GraphSense ActorPack, YAML
    Actorpack,
    /// {"0x…": {"name": …, "labels": […]}}
    NameTags,
    /// Payout addresses and coinbase tags: pools.json or pool-list.json
    MiningPools,
    /// Labels of our own, a table
    OwnCsv,
    /// Labels of our own, YAML
    OwnYaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LabelExportFormat {
    Tagpack,
    OwnCsv,
}

#[derive(Debug, Args)]
pub struct LabelExportArgs {
    pub format: LabelExportFormat,
    /// Of this collection, whoever wrote it [default: all that are our own]
    #[arg(long, value_name = "NAME")]
    pub collection: Vec<String>,
    /// The title of a TagPack
    #[arg(long, default_value = "Own labels")]
    pub title: String,
    /// Who made a TagPack
    #[arg(long, default_value = "interdict")]
    pub creator: String,
    /// Write there instead of to the terminal
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct LabelShowArgs {
    /// An address or a transaction; CAIP-10 text says the chain too
    #[arg(value_name = "ADDRESS|TX")]
    pub subject: String,
    /// What it weighs on this day [default: today]
    #[arg(long, value_name = "DATE")]
    pub on: Option<Date>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct LabelListArgs {
    /// Names that hold this text, whatever its case
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub collection: Option<String>,
    /// Of this concept or a narrower one
    #[arg(long, value_name = "ID")]
    pub concept: Option<String>,
    /// Only those that are disputed
    #[arg(long)]
    pub disputed: bool,
    /// At most so many; how many there are is always said
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct LabelDisputeArgs {
    /// The label's id, or enough of its beginning
    pub label: String,
    /// Who objects
    #[arg(long)]
    pub by: String,
    #[arg(long)]
    pub why: String,
    /// It goes on ending walks meanwhile
    #[arg(long, conflicts_with = "lift")]
    pub stops_walks: bool,
    /// The dispute is over, and the label stands
    #[arg(long)]
    pub lift: bool,
}

#[derive(Debug, Args)]
pub struct LabelCorrectArgs {
    /// The label's id, or enough of its beginning
    pub label: String,
    /// Who corrects it
    #[arg(long)]
    pub by: String,
    #[arg(long)]
    pub why: String,
    #[arg(long)]
    pub name: Option<String>,
    /// Separated by commas
    #[arg(long, value_delimiter = ',')]
    pub concepts: Option<Vec<String>>,
    /// An actor's id; empty for none
    #[arg(long)]
    pub actor: Option<String>,
    /// A grade of the scale
    #[arg(long)]
    pub confidence: Option<String>,
}

#[derive(Debug, Args)]
pub struct LabelHistoryArgs {
    /// A label's id, or an address or transaction [default: everything]
    #[arg(value_name = "LABEL|ADDRESS|TX")]
    pub of: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct LabelMinersArgs {
    #[arg(long, default_value = "bitcoin")]
    pub chain: Chain,
    #[arg(long, value_name = "HEIGHT")]
    pub from: Option<u64>,
    /// Included
    #[arg(long, value_name = "HEIGHT")]
    pub to: Option<u64>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}
