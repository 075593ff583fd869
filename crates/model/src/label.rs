//! What somebody says an address is.

use crate::{Account, Date, Identifier, TxId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub subject: Subject,
    /// The name: `Binance 14`.
    pub name: String,
    /// Concept ids of the taxonomy (`exchange`, `mixing_service`), most telling first.
    pub concepts: Vec<String>,
    /// The actor's id, where an ActorPack has one.
    pub actor: Option<String>,
    pub confidence: Confidence,
    /// Where the claim comes from, preferably an address to look it up.
    pub source: String,
    /// Who gathered it: a pack's title, a file's name.
    pub collection: String,
    pub date: Option<Date>,
    /// SHA-256 of the file it came from, in hex.
    pub file_hash: String,
    /// The network as the source wrote it, where the identifier leaves it open.
    pub network: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// This account on this chain only.
    Account(Account),
    /// An identifier wherever it is valid.
    Identifier(Identifier),
    Transaction(TxId),
}

/// How much a label weighs, 0 to 100, with the name of its grade.
/// Source: GraphSense TagPack confidence scale.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Confidence {
    pub id: String,
    pub level: u8,
}

/// What a labelled address means to a walk.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Many people's money mixes here: the walk stops and says so.
    Service,
    /// A service that gives another asset back to whoever sends one.
    Swap,
    Bridge,
    Mixer,
    /// Known, but the money can be followed on.
    Other,
}

impl Confidence {
    /// The named grades, best first.
    pub const SCALE: &'static [(&'static str, u8)] = &[
        ("override", 100),
        ("ownership", 100),
        ("ledger_immanent", 100),
        ("manual_transaction", 90),
        ("service_api", 70),
        ("forensic_investigation", 70),
        ("authority_data", 60),
        ("trusted_provider", 50),
        ("service_data", 50),
        ("forensic", 50),
        ("untrusted_transaction", 40),
        ("web_crawl", 20),
        ("heuristic", 10),
        ("unknown", 5),
    ];

    pub fn named(id: &str) -> Option<Confidence> {
        Confidence::SCALE
            .iter()
            .find(|(name, _)| *name == id)
            .map(|(name, level)| Confidence { id: (*name).to_string(), level: *level })
    }
}

/// Concepts whose addresses hold many people's money. A walk that went through
/// one would follow everybody.
const SERVICES: &[&str] = &[
    "exchange",
    "wallet_service",
    "escrow_wallet",
    "ico_wallet",
    "market",
    "mining_service",
    "gambling",
    "payment_processor",
    "atm",
    "shop",
    "faucet",
    "hosting",
    "service",
    "defi",
    "defi_token",
    "defi_lending",
    "defi_derivative",
    "defi_dao",
    "defi_staking",
    "defi_custody",
    "otc",
    "payment",
    "instant_exchange",
];
const MIXERS: &[&str] = &["mixing_service", "mixing", "coinjoin", "mixer"];
const BRIDGES: &[&str] = &["defi_bridge", "bridge"];
const SWAPS: &[&str] = &["swap", "defi_dex", "dex", "swap_venue", "aggregator"];

impl Label {
    /// The strongest meaning any of its concepts gives it.
    pub fn role(&self) -> Role {
        let has = |names: &[&str]| self.concepts.iter().any(|c| names.contains(&c.as_str()));
        match () {
            () if has(MIXERS) => Role::Mixer,
            () if has(BRIDGES) => Role::Bridge,
            () if has(SWAPS) => Role::Swap,
            () if has(SERVICES) => Role::Service,
            () => Role::Other,
        }
    }
}
