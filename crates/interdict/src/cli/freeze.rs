//! `freeze`: the packets of freeze requests.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{CaseworkArgs, TextFormat};

#[derive(Debug, Args)]
pub struct FreezeArgs {
    #[command(subcommand)]
    pub command: FreezeCommand,
}

#[derive(Debug, Subcommand)]
pub enum FreezeCommand {
    /// Who can stop what a trace found: issuers, exchanges, bridges, validators
    Holders {
        /// A bundle, as `interdict trace --bundle` or the API wrote it
        bundle: PathBuf,
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
    },
    /// Freeze requests, the newest first
    List {
        /// Only those of this case
        #[arg(long)]
        case: Option<i64>,
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Make the packet of a draft from a bundle, or take the one that is there
    #[command(after_help = "\
With --bundle the packet is made, and the draft is a new revision by it: who approves that
revision approves the packet. Without, the packet is taken: signed once a second person has
approved the request, a draft before.

--requester is a TOML file:
  name = \"Ada Example\"
  organisation = \"Example Cyber Crime Unit\"
  authority = \"Investigating officer\"
  jurisdiction = \"US\"
  contact = [\"desk@example.org\"]

Examples:
  interdict freeze packet 12 --bundle theft.bundle --requester desk.toml --by ada \\
      --summary 'Stolen on 21 February 2025; a part rests at the accounts below.'
  interdict freeze packet 12 --out packets/")]
    Packet(Box<PacketArgs>),
    /// Check a packet offline: signature, and that nothing was changed
    #[command(after_help = "\
Exit code: 0 it holds, anything else it is refused and why is said.

Examples:
  interdict freeze verify freeze-12.json
  interdict freeze verify freeze-12.json --key 3b6a27bc…")]
    Verify {
        file: PathBuf,
        /// The public key it must be signed with, which you got another way: 64 hex digits
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
    },
}

#[derive(Debug, Args)]
pub struct PacketArgs {
    /// The request's number
    pub freeze: i64,
    /// The trace that found where the value rests
    #[arg(long, value_name = "FILE", requires_all = ["requester", "summary", "by"])]
    pub bundle: Option<PathBuf>,
    /// Who asks, as TOML
    #[arg(long, value_name = "FILE", requires = "bundle")]
    pub requester: Option<PathBuf>,
    /// What happened, for somebody who never heard of it
    #[arg(long, value_name = "TEXT", requires = "bundle")]
    pub summary: Option<String>,
    /// A user of the desk: whoever makes a packet cannot approve it
    #[arg(long, value_name = "USER", requires = "bundle")]
    pub by: Option<String>,
    /// The folder that the JSON and the PDF are written to [default: this one]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub casework: CaseworkArgs,
}
