//! `interdict cost`.

use std::path::PathBuf;

use clap::Args;

use super::TextFormat;

#[derive(Debug, Args)]
#[command(after_help = "\
Every figure it reckons with has a source and can be replaced: --show-assumptions prints the file,
--assumptions reads one of yours, --set replaces one figure. Nothing leaves this machine.

Examples:
  interdict cost --staff 20 --analysts 4 --transfers-month 30000 --jurisdiction SG
  interdict cost --in-place analytics --in-place multisig --set licence_usd=60000
  interdict cost --show-assumptions > mine.toml
  interdict cost --assumptions mine.toml --format json")]
pub struct CostArgs {
    /// Everybody who touches customers or keys
    #[arg(long, value_name = "N")]
    pub staff: Option<u32>,
    /// Those of them who work on compliance
    #[arg(long, value_name = "N")]
    pub analysts: Option<u32>,
    /// Deposits and withdrawals in a month
    #[arg(long, value_name = "N")]
    pub transfers_month: Option<u64>,
    /// What customers move in a month, USD
    #[arg(long, value_name = "USD")]
    pub volume_month: Option<f64>,
    /// What is held for customers, USD
    #[arg(long, value_name = "USD")]
    pub custody: Option<f64>,
    /// Customers under enhanced due diligence in a year
    #[arg(long, value_name = "N")]
    pub diligence: Option<u32>,
    /// Where it is regulated: ISO 3166-1, two letters
    #[arg(long, value_name = "COUNTRY")]
    pub jurisdiction: Vec<String>,
    /// Analytics licences that are paid for now
    #[arg(long, value_name = "N")]
    pub licences: Option<u32>,
    /// A check that is met: red_flags, analytics, multisig, training, briefings, freeze_contacts
    #[arg(long, value_name = "CHECK")]
    pub in_place: Vec<String>,
    /// Reckon with the figures of this file
    #[arg(long, value_name = "FILE")]
    pub assumptions: Option<PathBuf>,
    /// Replace one figure
    #[arg(long, value_name = "ID=VALUE")]
    pub set: Vec<String>,
    /// Print the figures, to be edited
    #[arg(long)]
    pub show_assumptions: bool,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}
