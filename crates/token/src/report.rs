//! What is said of a token: statements with their evidence, and the figures behind them.

use serde::Serialize;

/// The public form of an answer. A changed meaning gets a new number.
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub version: u32,
    /// CAIP-19.
    pub asset: String,
    pub symbol: Option<String>,
    pub name: Option<String>,
    pub decimals: Option<u8>,
    /// Base units, in decimal.
    pub supply: Option<String>,
    /// The block everything was read at; none without a node.
    pub block: Option<BlockRow>,
    pub statements: Vec<Statement>,
    pub layers: Vec<LayerRow>,
    pub controllers: Vec<ControllerRow>,
    pub powers: Vec<PowerRow>,
    pub holders: Vec<HolderRow>,
    pub pools: Vec<PoolRow>,
    pub trade: Option<TradeRow>,
}

/// One thing that is said, or that is said to be unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    pub topic: Topic,
    pub weight: Weight,
    pub text: String,
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Identity,
    Code,
    Control,
    Powers,
    Trade,
    Liquidity,
    Holders,
    Age,
    Source,
    Declared,
}

/// How much a reader should make of it. `Danger` is kept for what traps or deceives: a power that
/// somebody holds is `Caution`, and so is what a stranger may not do, for many an honest token is
/// open to some only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    Fact,
    Caution,
    Danger,
    /// It could not be found out.
    Unknown,
}

/// What a statement rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Evidence {
    /// Read in state at the block of the check.
    Slot {
        account: String,
        slot: String,
        value: String,
    },
    /// The code compares the caller's selector with this one, there.
    Function {
        code_of: String,
        signature: String,
        selector: String,
        offset: usize,
    },
    /// Asked of a contract, run over the state of the block.
    Call {
        to: String,
        call: String,
        answer: String,
    },
    /// The code of an account, by its hash.
    Code {
        account: String,
        hash: String,
        bytes: usize,
    },
    /// Tried in a sandbox over the state of the block.
    Tried {
        what: String,
        outcome: String,
    },
    /// What the store holds.
    Store {
        what: String,
    },
    Block {
        height: u64,
        hash: Option<String>,
    },
    Transaction {
        tx: String,
    },
    Registry {
        asset: String,
    },
    Label {
        name: String,
        source: String,
        collection: String,
    },
    /// Somebody's word.
    Declared {
        by: String,
        on: String,
        source: String,
    },
    Provider {
        name: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockRow {
    pub height: u64,
    pub hash: String,
    /// Seconds since 1970.
    pub time: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerRow {
    pub address: String,
    pub code_hash: String,
    pub code_bytes: usize,
    pub functions: usize,
    pub proxy: Option<crate::proxy::Kind>,
    pub hands_on_to: Option<String>,
    pub admin: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControllerRow {
    pub asked: String,
    pub address: String,
    pub is_contract: bool,
    pub is_nobody: bool,
    pub labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PowerRow {
    pub power: crate::powers::PowerKind,
    pub function: String,
    pub code_of: String,
    pub offset: usize,
    /// `by_anybody`, `by`, `refused` or `not_tried`.
    pub tried: &'static str,
    /// Who did it, or why it was refused or not tried.
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HolderRow {
    pub address: String,
    pub amount: String,
    /// Hundredths of a percent of the supply; none where the supply is not known.
    pub share_bps: Option<u64>,
    pub is_contract: Option<bool>,
    pub labels: Vec<String>,
    /// The contract says so; else it is what the store's transfers leave.
    pub is_asked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolRow {
    pub address: String,
    pub kind: crate::liquidity::Kind,
    pub factory: Option<&'static str>,
    pub quote: String,
    pub quote_symbol: Option<String>,
    pub of_token: String,
    pub of_quote: String,
    pub burnt_bps: Option<u64>,
    pub locked_bps: Option<u64>,
    pub known_bps: Option<u64>,
    pub holders: Vec<(String, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TradeRow {
    pub pool: Option<String>,
    pub verdict: crate::trade::Verdict,
    pub buy_tax_bps: Option<u64>,
    pub transfer_tax_bps: Option<u64>,
    pub sell_tax_bps: Option<u64>,
    pub steps: Vec<StepRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepRow {
    pub step: &'static str,
    pub sent: String,
    pub arrived: String,
    pub refused: Option<String>,
}

impl Check {
    pub fn say(
        &mut self,
        topic: Topic,
        weight: Weight,
        text: impl Into<String>,
        evidence: Vec<Evidence>,
    ) {
        self.statements.push(Statement { topic, weight, text: text.into(), evidence });
    }

    pub fn unknown(&mut self, topic: Topic, text: impl Into<String>) {
        self.say(topic, Weight::Unknown, text, Vec::new());
    }

    /// The weightiest that is said, unknowns aside.
    pub fn worst(&self) -> Weight {
        let known = self.statements.iter().map(|statement| statement.weight);
        known.filter(|weight| *weight != Weight::Unknown).max().unwrap_or(Weight::Fact)
    }
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Evidence::Slot { account, slot, value } => {
                write!(f, "slot {slot} of {account} holds {value}")
            }
            Evidence::Function { code_of, signature, selector, offset } => {
                write!(f, "{signature} ({selector}) at byte {offset} of {code_of}")
            }
            Evidence::Call { to, call, answer } => write!(f, "{call} of {to} answers {answer}"),
            Evidence::Code { account, hash, bytes } => {
                write!(f, "code of {account}: {bytes} bytes, hash {hash}")
            }
            Evidence::Tried { what, outcome } => write!(f, "tried: {what}: {outcome}"),
            Evidence::Store { what } => write!(f, "store: {what}"),
            Evidence::Block { height, hash: Some(hash) } => write!(f, "block {height} ({hash})"),
            Evidence::Block { height, hash: None } => write!(f, "block {height}"),
            Evidence::Transaction { tx } => write!(f, "transaction {tx}"),
            Evidence::Registry { asset } => write!(f, "registry: {asset}"),
            Evidence::Label { name, source, collection } => {
                write!(f, "label {name:?} of {collection}: {source}")
            }
            Evidence::Declared { by, on, source } => {
                write!(f, "declared by {by} on {on}: {source}")
            }
            Evidence::Provider { name } => write!(f, "says {name}"),
        }
    }
}

impl Topic {
    pub fn name(self) -> &'static str {
        match self {
            Topic::Identity => "identity",
            Topic::Code => "code",
            Topic::Control => "control",
            Topic::Powers => "powers",
            Topic::Trade => "trade",
            Topic::Liquidity => "liquidity",
            Topic::Holders => "holders",
            Topic::Age => "age",
            Topic::Source => "source",
            Topic::Declared => "declared",
        }
    }
}
