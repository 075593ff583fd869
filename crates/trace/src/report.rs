//! The public contract: what a trace says, as data.
//!
//! Version 1 of `interdict-trace`, described by `schema/trace.schema.json` beside this
//! crate. Accounts are CAIP-10, assets CAIP-19, amounts decimal strings in base units,
//! times RFC 3339 in UTC. Fields may be added within a version, never changed.

mod worth;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use model::{Account, Asset, Chain, Coverage, Date, Direction, Freezable, Role, Timestamp, U256};

pub use self::write::{of_route, of_settled};

use crate::Policy;
use crate::crossing::CrossingKind;
use crate::gather::Stop;
use crate::route::End;
use crate::settle::Cut;

pub const FORMAT: &str = "interdict-trace";
pub const VERSION: u32 = 1;

/// Base units; in JSON a decimal string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Base(pub U256);

impl serde::Serialize for Base {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Report {
    pub format: &'static str,
    pub version: u32,
    pub policy: Policy,
    /// Does tainted in equal what is accounted for, under this policy?
    pub conserves: bool,
    pub direction: Direction,
    pub sources: Vec<String>,
    pub settings: Limits,
    pub nodes: Vec<Node>,
    pub edges: Vec<Link>,
    pub route: Vec<Account>,
    pub route_end: Option<End>,
    pub crossings: Vec<Crossed>,
    pub endpoints: Vec<Endpoint>,
    pub findings: Vec<Found>,
    pub assets: Vec<AssetRow>,
    pub totals: TotalsReport,
    pub coverage: CoverageReport,
    pub cut: Vec<CutRow>,
    /// What the sources moved in USD; empty where no price is known at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub worth: Vec<Worth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// The settings that bound the walk.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Limits {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub hops_max: Option<u32>,
    pub budget: usize,
    pub hub_degree: u64,
    pub stop_confidence: u8,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Node {
    pub account: Account,
    /// Fewest tainted transfers from a source.
    pub depth: u32,
    pub received: BTreeMap<Asset, Base>,
    pub sent: BTreeMap<Asset, Base>,
    /// Tainted part of what it received.
    pub tainted: BTreeMap<Asset, Base>,
    /// Tainted value that stayed.
    pub resting: BTreeMap<Asset, Base>,
    pub role: Role,
    pub stop: Option<Stop>,
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
    pub labels: Vec<LabelRow>,
    pub listings: Vec<ListingRow>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct LabelRow {
    pub name: String,
    pub concepts: Vec<String>,
    pub confidence: String,
    pub confidence_level: u8,
    pub source: String,
    pub collection: String,
    pub date: Option<Date>,
    pub file_hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ListingRow {
    pub list: String,
    pub list_date: Date,
    pub party: Option<String>,
    pub programme: Option<String>,
    pub asset_label: Option<String>,
    pub file_hash: String,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Link {
    pub chain: Chain,
    pub tx: String,
    pub position: String,
    pub height: Option<u64>,
    pub time: Option<Timestamp>,
    /// None on Bitcoin: the value comes out of the transaction.
    pub from: Option<Account>,
    /// None on Bitcoin: the value goes into the transaction.
    pub to: Option<Account>,
    pub asset: Asset,
    pub amount: Base,
    pub tainted: Base,
    pub depth: u32,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Crossed {
    pub account: Account,
    pub kind: CrossingKind,
    pub confidence: f64,
    pub why: String,
    pub time: Option<Timestamp>,
    pub paid: Vec<Paid>,
    pub received: Received,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Paid {
    pub venue: Account,
    pub tx: String,
    pub asset: Asset,
    pub amount: Base,
    pub tainted: Base,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Received {
    /// None where the data lacks the leg.
    pub tx: Option<String>,
    pub asset: Asset,
    pub amount: Base,
    pub tainted: Base,
}

/// Where tainted value ended, as far as the walk went.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Endpoint {
    pub account: Option<Account>,
    pub kind: EndpointKind,
    /// The surest label, or the list it is on.
    pub name: Option<String>,
    pub asset: Asset,
    pub amount: Base,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointKind {
    Service,
    Resting,
    Cut,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Found {
    pub kind: model::FindingKind,
    pub severity: model::Severity,
    pub rule: String,
    pub accounts: Vec<Account>,
    pub transfers: Vec<Named>,
    pub why: String,
}

/// A transfer a finding speaks of, whole: one without a position has no shorter name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Named {
    pub chain: Chain,
    pub tx: String,
    pub position: String,
    pub time: Option<Timestamp>,
    pub from: Option<Account>,
    pub to: Option<Account>,
    pub asset: Asset,
    pub amount: Base,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct AssetRow {
    pub asset: Asset,
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
    pub freezable: Freezable,
    /// Is it in the registry of genuine assets?
    pub is_genuine: bool,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct TotalsReport {
    pub by_asset: Vec<AssetTotals>,
    pub by_depth: Vec<DepthTotals>,
    pub accounts: usize,
    pub transfers: usize,
    pub listed: usize,
    pub services: usize,
}

/// `tainted_in + crossed_in = resting + at_services + fees + cut + crossed_out`.
#[derive(Clone, Debug, serde::Serialize)]
pub struct AssetTotals {
    pub asset: Asset,
    pub tainted_in: Base,
    pub crossed_in: Base,
    pub resting: Base,
    pub at_services: Base,
    pub fees: Base,
    pub cut: Base,
    pub crossed_out: Base,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct DepthTotals {
    pub depth: u32,
    pub transfers: usize,
    pub accounts: usize,
    pub listed: usize,
    pub by_asset: Vec<DepthAsset>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct DepthAsset {
    pub asset: Asset,
    pub amount: Base,
    pub tainted: Base,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct CoverageReport {
    pub chains: Vec<Coverage>,
    /// Accounts walked through whose history the data does not vouch for as whole.
    pub accounts_incomplete: usize,
    pub accounts_walked: usize,
    /// Accounts of whose history the budget let in only a part.
    pub accounts_truncated: usize,
    /// Prices a comparison needed and nobody gave.
    pub unpriced: Vec<Unpriced>,
    /// Bitcoin inputs whose previous output is not in the data.
    pub inputs_unresolved: usize,
    /// Followed transfers whose time no source stated.
    pub times_unstated: usize,
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Unpriced {
    pub asset: Asset,
    pub date: Date,
}

/// What tainted transfers of the first hop were worth, by asset and price.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Worth {
    pub asset: Asset,
    pub tainted: Base,
    /// The day of the transfers, in UTC.
    pub date: Date,
    /// None: nobody gave a price.
    pub price: Option<Quote>,
}

/// A price, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Quote {
    /// The value of all of it, in dollars and cents, rounded down.
    pub usd: String,
    /// Of a whole unit.
    pub usd_unit: String,
    /// The moment the price is of; none: of the day.
    pub at: Option<Timestamp>,
    pub source: String,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct CutRow {
    pub reason: Cut,
    pub account: Option<Account>,
    pub asset: Asset,
    pub amount: Base,
}

/// Every policy over the same past.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Comparison {
    pub policies: Vec<Compared>,
    /// What each account received of taint, from the policy that says least to the one
    /// that says most.
    pub ranges: Vec<Range>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Compared {
    pub policy: Policy,
    pub conserves: bool,
    pub accounts: usize,
    pub transfers: usize,
    pub listed: usize,
    pub by_asset: Vec<AssetTotals>,
    #[serde(skip)]
    tainted: BTreeMap<(Account, Asset), U256>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Range {
    pub account: Account,
    pub asset: Asset,
    pub min: Base,
    pub max: Base,
    pub by_policy: BTreeMap<Policy, Base>,
}

impl Compared {
    pub fn of(report: &Report) -> Compared {
        let mut tainted = BTreeMap::new();
        for node in &report.nodes {
            for (asset, base) in &node.tainted {
                tainted.insert((node.account.clone(), asset.clone()), base.0);
            }
        }
        Compared {
            policy: report.policy,
            conserves: report.conserves,
            accounts: report.totals.accounts,
            transfers: report.totals.transfers,
            listed: report.totals.listed,
            by_asset: report.totals.by_asset.clone(),
            tainted,
        }
    }
}

impl Comparison {
    pub fn of(policies: Vec<Compared>) -> Comparison {
        let keys: BTreeSet<&(Account, Asset)> =
            policies.iter().flat_map(|one| one.tainted.keys()).collect();
        let ranges = keys.into_iter().map(|key| range(key, &policies)).collect();
        Comparison { ranges, policies }
    }
}

fn range(key: &(Account, Asset), policies: &[Compared]) -> Range {
    let by_policy: BTreeMap<Policy, Base> = policies
        .iter()
        .map(|one| (one.policy, Base(one.tainted.get(key).copied().unwrap_or_default())))
        .collect();
    let min = by_policy.values().min().copied().unwrap_or_default();
    let max = by_policy.values().max().copied().unwrap_or_default();
    Range { account: key.0.clone(), asset: key.1.clone(), min, max, by_policy }
}
