//! `interdict lists`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use model::{Chain, Date};

use super::{StatusArgs, TextFormat};

#[derive(Debug, Args)]
pub struct ListsArgs {
    #[command(subcommand)]
    pub command: ListsCommand,
}

#[derive(Debug, Subcommand)]
pub enum ListsCommand {
    /// Keep a version of a list. Earlier versions stay, so that any date can be asked
    #[command(after_help = "\
Files may be packed with bzip2, gzip or zip. A list that lost more than --max-shrink percent of its
entries is refused, and the last good version stays in force. What stored transfers did with newly
listed addresses is looked up at once, and kept as findings.

Examples:
  interdict lists import ofac sdn_advanced.xml.bz2
  interdict lists import ofac sdn.csv --date 2025-03-04
  interdict lists import un UN_consolidated.xml
  interdict lists import il wallets.csv --date 2026-03-01
  interdict lists import addresses fbi.txt --name fbi-psa250226 --date 2025-02-26")]
    Import(ListImportArgs),
    /// Fetch the lists that the configuration names, and keep what is new
    #[command(after_help = "\
Nothing is fetched until interdict.toml names where from, by url, url_file, url_env or path:

  [lists.ofac]
  format = \"ofac\"
  url = \"https://sanctionslistservice.ofac.treas.gov/api/download/SDN_ADVANCED.ZIP\"

OFAC is asked first what it published since: nothing new, nothing fetched.

Exit code: 0 all are up to date; anything else one is not, and its last version stays in force.

Examples:
  interdict lists update
  interdict lists update ofac --report json")]
    Update(ListUpdateArgs),
    /// Keep whom issuers of tokens have frozen, as followed chains say: a list for each token
    #[command(after_help = "\
The events are those of blocks that `interdict follow` read (`interdict freezes` shows them), so a
list is as whole as what is held of the chain; that is said. A list is of the day of --date, or of
the last event.

Examples:
  interdict lists issuers
  interdict lists issuers --chain eip155:1 --date 2025-02-25")]
    Issuers(ListIssuersArgs),
    /// Show the versions that are kept
    #[command(after_help = "\
Examples:
  interdict lists status
  interdict lists status --format json")]
    Status(StatusArgs),
    /// What changed on a list between two days: parties and identifiers
    #[command(after_help = "\
Examples:
  interdict lists diff ofac-sdn 2025-03-05 2025-11-20
  interdict lists diff ofac-sdn 2025-03-05 2025-11-20 --format json")]
    Diff(ListDiffArgs),
    /// Which version of each list was in force on a day
    #[command(after_help = "\
Examples:
  interdict lists as-of 2025-03-05
  interdict lists as-of 2025-03-05 --format json")]
    AsOf(ListAsOfArgs),
    /// What listed addresses and tokens did before, as far as it is stored
    #[command(after_help = "\
Every stored transfer that touches an address of a latest version is found, or with --since of those
that came onto it after a day. What was not found before is kept as a finding. An import does the
same with what is newly listed.

Examples:
  interdict lists look-back
  interdict lists look-back --list ofac-sdn --since 2025-03-05 --format json")]
    LookBack(LookBackArgs),
}

#[derive(Debug, Args)]
pub struct ListIssuersArgs {
    /// Only tokens of this chain: CAIP-2, or a name such as `ethereum`
    #[arg(long, value_name = "CHAIN")]
    pub chain: Option<Chain>,
    /// Who was frozen at the end of this day [default: after the last event]
    #[arg(long, value_name = "DATE")]
    pub date: Option<Date>,
    #[arg(long, value_enum, default_value_t)]
    pub report: TextFormat,
}

#[derive(Debug, Args)]
pub struct ListImportArgs {
    pub format: ListFormat,
    /// A file, or the folder of a list that comes in several
    pub path: PathBuf,
    /// What a list is called whose format does not say [default: the file's name]
    #[arg(long)]
    pub name: Option<String>,
    /// The day it was issued, where the file does not say [default: today]
    #[arg(long)]
    pub date: Option<Date>,
    /// The most a list may lose, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub max_shrink: u8,
    /// It may lose more: why. The reason is kept with the version
    #[arg(long, value_name = "REASON")]
    pub accept_shrink: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub report: TextFormat,
}

#[derive(Debug, Args)]
pub struct ListUpdateArgs {
    /// Only these, as the configuration calls them
    #[arg(value_name = "NAME")]
    pub only: Vec<String>,
    /// They may lose more than is set: why. The reason is kept with the version
    #[arg(long, value_name = "REASON")]
    pub accept_shrink: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub report: TextFormat,
}

#[derive(Debug, Args)]
pub struct ListDiffArgs {
    /// As `interdict lists status` calls it
    pub list: String,
    /// The version in force on this day
    pub from: Date,
    /// And on this one
    pub to: Date,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct ListAsOfArgs {
    pub date: Date,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Debug, Args)]
pub struct LookBackArgs {
    /// Only this list, as `interdict lists status` calls it
    #[arg(long)]
    pub list: Option<String>,
    /// Only what was not on the version in force on this day
    #[arg(long, value_name = "DATE")]
    pub since: Option<Date>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListFormat {
    /// OFAC: sdn_advanced.xml, sdn_enhanced.xml, sdn.xml, sdn.csv with its other tables; the consolidated list's files
    Ofac,
    /// The UN's consolidated XML
    Un,
    /// The EU's consolidated financial sanctions, XML 1.1
    Eu,
    /// The UK Sanctions List, XML; OFSI's frozen ConList.csv
    Uk,
    /// Israel's NBCTF: the table of wallets, with releases.csv beside it
    Il,
    /// A notice: text with addresses in it
    Fbi,
    /// What issuers of tokens froze and released: a table of events
    Issuer,
    /// OpenSanctions' entities, one JSON object a line
    Ftm,
    /// A table of one's own
    Csv,
    /// One address a line
    Addresses,
}
