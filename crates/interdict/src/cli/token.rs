//! `interdict token`.

use std::path::PathBuf;

use clap::Args;
use model::Chain;

use super::TextFormat;

#[derive(Debug, Args)]
#[command(after_help = "\
What is said is said of one block, with the evidence: a slot, a function's place in the code, an
answer, what was tried. Buying, sending on and selling are tried in a sandbox over the node's state;
nothing is sent to anybody. What could not be found out is said to be unknown. Without --rpc only the
store is asked.

Exit code: 0, or 10 where something traps or deceives: it cannot be sold, it imitates another token.

Examples:
  interdict token 0xdac17f958d2ee523a2206206994597c13d831ec7 --rpc http://127.0.0.1:8545
  interdict token 0x… --chain base --rpc http://127.0.0.1:8545 --pool 0x… --format json
  interdict token 0x… --declared token.toml")]
pub struct TokenArgs {
    /// The contract: an address, CAIP-10 or CAIP-19
    pub contract: String,
    /// A CAIP-2 id or a name such as `ethereum`
    #[arg(long)]
    pub chain: Option<Chain>,
    /// A node of it: http, https, ws, wss, or the path of a socket
    #[arg(long, value_name = "URL")]
    pub rpc: Option<String>,
    /// As of this block, where the node still has its state [default: the newest]
    #[arg(long, value_name = "HEIGHT", requires = "rpc")]
    pub at: Option<u64>,
    /// A pool to look at, beside those of known factories
    #[arg(long, value_name = "ADDRESS")]
    pub pool: Vec<String>,
    /// What people declare of team, audit and locks: a token.toml
    #[arg(long, value_name = "FILE")]
    pub declared: Option<PathBuf>,
    /// Questions to the node at most
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub requests: u64,
    /// This service of published sources, as `interdict.toml` sets it up, may learn which contract is
    /// looked at, from now on
    #[arg(long, value_name = "NAME")]
    pub yes_ask: Vec<String>,
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}
