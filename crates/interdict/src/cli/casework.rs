//! `case` and `journal`: what people wrote, saved and checked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{CaseworkArgs, TextFormat};

#[derive(Debug, Args)]
pub struct CaseArgs {
    #[command(subcommand)]
    pub command: CaseCommand,
}

#[derive(Debug, Subcommand)]
pub enum CaseCommand {
    /// Write all of casework into one file, while the server runs
    ///
    /// It holds personal data with their keys, and what access is checked by: keep it as the database
    /// itself, and no longer than people's data may be kept. Sessions and one-time links stay behind.
    Backup {
        /// The file to write; one that is there is not replaced
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Make the secret anew by which an exchange's customers are found, where keys/secrets.key was lost
    ///
    /// Customers are found as before. A transfer or an attempt that is registered again counts as new.
    /// Webhooks' secrets and second factors need making anew each by itself.
    Reseal {
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Read a backup into casework that holds nothing yet
    Restore {
        file: PathBuf,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
}

#[derive(Debug, Args)]
pub struct JournalArgs {
    #[command(subcommand)]
    pub command: JournalCommand,
}

#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Write every entry as a line of JSON, and the head in the last line
    Export {
        /// Instead of to the terminal; one that is there is not replaced
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Check an export offline: is any entry missing, or changed?
    #[command(after_help = "\
Exit code: 0 it is whole, anything else it is not and the entry at fault is named.

Examples:
  interdict journal verify journal.jsonl
  interdict journal verify journal.jsonl --head 3b6a27bc…")]
    Verify {
        file: PathBuf,
        /// The hash of the last entry, which you wrote down elsewhere: a chain that is whole may still
        /// have been written anew, or cut off at its end
        #[arg(long, value_name = "HEX")]
        head: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
    },
}

#[derive(Debug, Args)]
pub struct RetentionArgs {
    #[command(subcommand)]
    pub command: RetentionCommand,
}

#[derive(Debug, Subcommand)]
pub enum RetentionCommand {
    /// People whose time is over and whose data are still there, and what still holds them
    Due {
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Erase those now whom nothing holds, as a server does by its clock with `retention.erase = true`
    ///
    /// Key, salt and data are destroyed; each is an entry in the journal, which stays whole. Copies made
    /// before (backups, a database's own log) still hold them.
    Erase {
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
}
