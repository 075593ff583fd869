//! What to follow, and how far.

use std::collections::BTreeMap;

use model::{Account, Asset, Direction, Outpoint, Prices, Registry, Timestamp, TxId, U256};

use crate::Policy;

#[derive(Clone, Debug)]
pub struct Settings {
    pub sources: Vec<Source>,
    pub direction: Direction,
    pub policy: Policy,
    /// Report every policy side by side.
    pub compare: bool,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Transfers from a source at most.
    pub hops_max: Option<u32>,
    /// Transfers smaller than this are not followed.
    pub min_value: Option<MinValue>,
    /// Transfers gathered at most.
    pub budget: usize,
    /// An unlabelled account with more transfers than this is taken for a
    /// service nobody has labelled yet, and not walked through.
    pub hub_degree: u64,
    /// Labels below this confidence do not stop a walk.
    pub stop_confidence: u8,
    pub prices: Prices,
    pub crossings: Vec<CrossingDecision>,
    pub registry: Registry,
    /// How the past is read. No answer depends on it.
    pub method: Method,
    /// Going backward: does what an account holds in the end share in what it received? Then
    /// haircut says the same backward as forward. A trace asks where a sum came from as if
    /// only it had been there; an exposure asks what share of it came from where.
    pub counts_balances: bool,
}

/// How a trace reads the past; the answer is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The walk, and a sweep once it has asked for much of what there is.
    #[default]
    Auto,
    /// The walk alone: right for views that remember what they are asked.
    Frontier,
    /// A sweep at once.
    Sweep,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a way to read the past: expected one of auto, frontier, sweep")]
pub struct MethodError {
    pub text: String,
}

impl std::str::FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Method, MethodError> {
        match text {
            "auto" => Ok(Method::Auto),
            "frontier" => Ok(Method::Frontier),
            "sweep" => Ok(Method::Sweep),
            _ => Err(MethodError { text: text.to_string() }),
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Method::Auto => "auto",
            Method::Frontier => "frontier",
            Method::Sweep => "sweep",
        })
    }
}

/// Where the value of interest starts (or, going backward, arrived).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Everything the account sends (backward: receives) in the window.
    Account(Account),
    /// What this transaction moved; on Bitcoin, its outputs.
    Transaction(TxId),
    Outpoint(Outpoint),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MinValue {
    /// Base units of one asset; others are not limited.
    Base { asset: Asset, base: U256 },
    /// USD scaled by 10^12 at the day's price; an unpriced transfer is followed.
    UsdE12(U256),
    /// Base units by asset; what a source itself moves is followed however small.
    BeyondSources(BTreeMap<Asset, U256>),
}

/// What an investigator said of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrossingDecision {
    Refused(Refused),
    Declared(Declared),
}

/// No crossing is inferred at this account (or for one pair of assets there).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub account: Account,
    pub from_asset: Option<Asset>,
    pub to_asset: Option<Asset>,
    pub reason: String,
}

/// This much of one asset became that much of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    pub account: Account,
    pub venue: Account,
    pub from_asset: Asset,
    pub from_base: U256,
    pub to_asset: Asset,
    pub to_base: U256,
    pub time: Timestamp,
    pub reason: String,
}

impl Settings {
    pub const BUDGET: usize = 200_000;
    pub const HUB_DEGREE: u64 = 20_000;
    /// Web-crawled name tags count, guesses by heuristics do not.
    pub const STOP_CONFIDENCE: u8 = 20;

    pub fn forward(sources: Vec<Source>, policy: Policy) -> Settings {
        Settings {
            sources,
            direction: Direction::Forward,
            policy,
            compare: false,
            since: None,
            until: None,
            hops_max: None,
            min_value: None,
            budget: Settings::BUDGET,
            hub_degree: Settings::HUB_DEGREE,
            stop_confidence: Settings::STOP_CONFIDENCE,
            prices: Prices::default(),
            crossings: Vec::new(),
            registry: Registry::shipped().clone(),
            method: Method::Auto,
            counts_balances: false,
        }
    }

    pub fn is_in_window(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time <= until)
    }

    /// The chain a source is on.
    pub fn source_chain(source: &Source) -> model::Chain {
        match source {
            Source::Account(account) => account.chain,
            Source::Transaction(tx) => tx.chain,
            Source::Outpoint(outpoint) => outpoint.tx.chain,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Account(account) => write!(f, "{account}"),
            Source::Transaction(tx) => write!(f, "{tx}"),
            Source::Outpoint(outpoint) => write!(f, "{outpoint}"),
        }
    }
}
