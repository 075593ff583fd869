//! `serve` and `user`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serve::policy::{Role, Scope};

use super::TextFormat;

#[derive(Debug, Args)]
#[command(after_help = "\
The API is described at /openapi.json, and in a browser at /docs. The first start prints a
one-time link that makes the administrator. It stops on SIGTERM and ctrl-C, and ends what it
had begun to answer.

Examples:
  interdict serve
  interdict serve --host 0.0.0.0 --tls-cert cell.pem --tls-key cell.key
  interdict serve --database postgres://cell@localhost/interdict")]
pub struct ServeArgs {
    /// Where to listen [default: 8520]
    #[arg(long)]
    pub port: Option<u16>,
    /// On which address [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<IpAddr>,
    /// The certificate and those it rests on, PEM; needs --tls-key
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    #[command(flatten)]
    pub casework: CaseworkArgs,
}

/// Where casework is, for every command that needs it.
#[derive(Debug, Args)]
pub struct CaseworkArgs {
    /// Casework: a file, or postgres:// without a password [default: casework.sqlite in the home]
    #[arg(long, value_name = "PLACE")]
    pub database: Option<String>,
    /// Instead of interdict.toml here or in the home
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct UserArgs {
    #[command(subcommand)]
    pub command: UserCommand,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Everybody who may sign in
    List {
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Add somebody; prints the one-time link by which they choose a password
    Add {
        name: String,
        #[arg(long, value_enum, default_value_t = RoleName::Viewer)]
        role: RoleName,
        /// Teams by name, made where there is none
        #[arg(long = "team", value_name = "TEAM")]
        teams: Vec<String>,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Take password and second factor away; prints a new one-time link
    Reset {
        name: String,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Let somebody no longer in; their sessions end
    Lock {
        name: String,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Let them in again
    Unlock {
        name: String,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// API keys, for programs
    Key(KeyArgs),
}

#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    pub command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Every key, revoked ones too
    List {
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Make a key; it is printed once
    Add {
        name: String,
        /// What it is for; several times for several
        #[arg(long = "scope", value_enum, required = true)]
        scopes: Vec<ScopeName>,
        /// It sees the cases of this team
        #[arg(long)]
        team: Option<String>,
        /// Who answers for it: they stand behind what it does, and it is refused while they are locked.
        /// What a key with nobody behind it drafts is not approved before a person has revised it
        #[arg(long, visible_alias = "for", value_name = "USER")]
        owner: Option<String>,
        /// When it ends, as 2027-01-31T00:00:00Z [default: in a year]
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// Requests a second; 0 is no limit
        #[arg(long, value_name = "COUNT")]
        per_s: Option<u32>,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Say who answers for a key from now on
    Give {
        name: String,
        #[arg(long = "to", value_name = "USER")]
        owner: String,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
    /// Refuse a key from now on
    Revoke {
        name: String,
        #[command(flatten)]
        casework: CaseworkArgs,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    Viewer,
    Analyst,
    Approver,
    Administrator,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Role {
        match name {
            RoleName::Viewer => Role::Viewer,
            RoleName::Analyst => Role::Analyst,
            RoleName::Approver => Role::Approver,
            RoleName::Administrator => Role::Administrator,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScopeName {
    Screen,
    Transfers,
    Investigate,
    Alerts,
    Cases,
    Metrics,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Scope {
        match name {
            ScopeName::Screen => Scope::Screen,
            ScopeName::Transfers => Scope::Transfers,
            ScopeName::Investigate => Scope::Investigate,
            ScopeName::Alerts => Scope::Alerts,
            ScopeName::Cases => Scope::Cases,
            ScopeName::Metrics => Scope::Metrics,
        }
    }
}
