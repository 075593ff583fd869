//! What may stand in the file: one field each, with what it means.

use std::path::PathBuf;

use model::Chain;
use serde::Deserialize;

use super::desk::{CaseworkFile, OidcFile, RetentionFile, ServeFile, WebhooksFile};
use crate::follow::finality::FinalityText;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigFile {
    /// How chains are followed.
    pub follow: FollowFile,
    /// The chains that are followed.
    pub chain: Vec<ChainFile>,
    /// How exposure is judged.
    pub risk: RiskFile,
    /// Who may be asked for histories: read by [`crate::providers`].
    pub providers: toml::Table,
    /// Who may be asked for prices: read there too.
    pub prices: toml::Table,
    /// Who may be asked for published sources of contracts: read there too.
    pub sources: toml::Table,
    /// Where lists are fetched from: read by `interdict lists update`.
    pub lists: toml::Table,
    /// Where the desk listens, and how.
    pub serve: ServeFile,
    /// Where casework is kept.
    pub casework: CaseworkFile,
    /// Who else may say who somebody is.
    pub oidc: Option<OidcFile>,
    /// How what happens is told to others.
    pub webhooks: WebhooksFile,
    /// How long personal data are kept, and who ends it.
    pub retention: RetentionFile,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiskFile {
    /// A file of rules, beside this one where it is no whole path. Those that come with Interdict.
    pub rules: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FollowFile {
    /// Blocks asked for at once from the nodes of a chain. 32.
    pub at_once: Option<usize>,
    /// Transfers and other facts held in memory for a chain that catches up, about. 200,000.
    pub facts: Option<usize>,
    /// How often a node is asked for its newest block where it does not tell by itself, in milliseconds.
    /// 400. More where each question costs money.
    pub poll_ms: Option<u64>,
    /// How long an answer may take, in seconds. 120.
    pub answer_s: Option<u64>,
    /// How often clusters, and where value came from, are brought up to date beside following, in seconds.
    /// 30; 0 leaves that to `interdict clusters build` and `interdict exposure update`.
    pub derive_s: Option<u64>,
    /// A file of addresses, one a line, whose unconfirmed transfers are noted as pending. None.
    pub watch: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainFile {
    /// CAIP-2, or a name such as `ethereum`.
    pub id: Chain,
    /// The lowest block wanted; 0 is everything. Without it following goes on from what was wanted before; a
    /// chain that was never followed is from its first block where it is short, else from its last final one.
    pub from: Option<u64>,
    /// When a block is final: `"node"`, when the node says so, or a number of confirmations. By chain.
    pub finality: Option<FinalityText>,
    /// How many of the newest blocks can be undone, also when they are final. By chain.
    pub undo: Option<u64>,
    /// Addresses of nodes that need no password: the short form of `[[chain.node]]`.
    #[serde(default)]
    pub rpc: Vec<String>,
    /// The nodes, in the order they are preferred.
    #[serde(default)]
    pub node: Vec<NodeFile>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeFile {
    /// `http://`, `https://`, `ws://`, `wss://`, or the path of a socket. Without password or key.
    pub url: Option<String>,
    /// A file that holds the address, where a key stands in it.
    pub url_file: Option<PathBuf>,
    /// A variable of the environment that holds the address.
    pub url_env: Option<String>,
    /// A file that holds `user:password`. Bitcoin Core's `.cookie` is one.
    pub login_file: Option<PathBuf>,
    /// A variable of the environment that holds `user:password`.
    pub login_env: Option<String>,
    /// Bitcoin: where the node tells of new blocks and transactions, `tcp://127.0.0.1:28332`.
    pub zmq: Option<String>,
    /// Tron: the address of solidified blocks, where it is another: `http://127.0.0.1:8091`.
    pub solidity: Option<String>,
    /// Tron: a file that holds a TronGrid key.
    pub key_file: Option<PathBuf>,
    /// Tron: a variable of the environment that holds one.
    pub key_env: Option<String>,
}
