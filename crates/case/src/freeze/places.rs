//! Where a trace's money rests, and who can stop it there: the page from which requests are drafted.
//!
//! A trace's report goes in (`interdict trace --format json`), places come out, each with its holders,
//! their contact and the law by which they are asked as far as it is known. [`drafts`] turns places
//! into requests, one for each holder. Pure: nothing is read but the report and the shipped rows.

use std::collections::BTreeMap;

use model::{Account, Asset, Marking, U256};
use serde::{Deserialize, Serialize};

use super::packet::PacketError;
use super::{FreezeDraft, as_text};
use crate::CaseError;
use crate::holders::jurisdictions::{self, Jurisdiction};
use crate::holders::{self, Holder, HolderKind, Known};
use crate::ids::CaseId;

/// Tainted value of one asset that rests at one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    pub account: Account,
    pub asset: Asset,
    /// As sources told it: anyone can write any symbol.
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
    /// Base units that are tainted and rest there, by the trace.
    #[serde(serialize_with = "as_text")]
    pub amount: U256,
    /// Transfers from the theft, at least.
    pub depth: u32,
    /// What labels say of the account.
    pub labels: Vec<String>,
    /// Lists that name it.
    pub lists: Vec<String>,
    /// Who can stop it, in the order in which they are asked. Empty: nobody that is known here.
    pub holders: Vec<Stopper>,
    pub remarks: Vec<String>,
}

/// A holder with the law they are reached by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopper {
    #[serde(flatten)]
    pub holder: Holder,
    /// Where the holder stands, as far as its row says; nothing is guessed.
    pub law: Option<Jurisdiction>,
}

/// How drafts are made of places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub case: Option<CaseId>,
    pub title: String,
    pub marking: Marking,
    /// ISO 3166-1: under whose law it is asked, which `legal_basis` is of.
    pub jurisdiction: String,
    pub reference: Option<String>,
    pub legal_basis: Vec<String>,
    /// Only of these, by name or id; empty: of each place's first holder, its issuer before its host.
    pub holders: Vec<String>,
}

#[derive(Deserialize)]
struct Report {
    format: String,
    version: u32,
    direction: String,
    nodes: Vec<Node>,
    assets: Vec<Meta>,
}

#[derive(Deserialize)]
struct Node {
    account: Account,
    depth: u32,
    resting: BTreeMap<Asset, String>,
    labels: Vec<LabelRow>,
    listings: Vec<ListingRow>,
}

#[derive(Deserialize)]
struct LabelRow {
    name: String,
    concepts: Vec<String>,
}

#[derive(Deserialize)]
struct ListingRow {
    list: String,
    list_date: String,
}

#[derive(Deserialize)]
struct Meta {
    asset: Asset,
    symbol: Option<String>,
    decimals: Option<u8>,
}

/// Where value rests by a report: what an issuer can stop first, then hosts, the largest amounts of an
/// asset first; last what nobody can stop.
pub fn places(report: &str) -> Result<Vec<Place>, PacketError> {
    let report: Report = serde_json::from_str(report).map_err(PacketError::Report)?;
    if report.format != "interdict-trace" || report.version != 1 || report.direction != "forward" {
        let found = format!("{} {}, {}", report.format, report.version, report.direction);
        return Err(PacketError::Kind { found, expected: "interdict-trace 1, forward" });
    }
    let metas: BTreeMap<&Asset, &Meta> =
        report.assets.iter().map(|meta| (&meta.asset, meta)).collect();
    let mut all = Vec::new();
    for node in &report.nodes {
        for (asset, amount) in &node.resting {
            let amount = model::amount::parse_base(amount).unwrap_or_default();
            if !amount.is_zero() {
                all.push(place(node, asset, amount, metas.get(asset).copied()));
            }
        }
    }
    all.sort_by(|a, b| order(a).cmp(&order(b)));
    Ok(all)
}

/// By the kind of who is asked first, an issuer before a host; last what nobody can stop.
fn order(place: &Place) -> (bool, Option<HolderKind>, &Asset, std::cmp::Reverse<U256>, &Account) {
    let first = place.holders.first().map(|stopper| stopper.holder.kind);
    (first.is_none(), first, &place.asset, std::cmp::Reverse(place.amount), &place.account)
}

fn place(node: &Node, asset: &Asset, amount: U256, meta: Option<&Meta>) -> Place {
    let known: Vec<Known> = node
        .labels
        .iter()
        .map(|label| Known {
            name: label.name.clone(),
            actor: None,
            concepts: label.concepts.clone(),
        })
        .collect();
    let answer = holders::of(asset, &known);
    let stopper = |holder: Holder| Stopper {
        law: holder.jurisdiction.as_deref().and_then(jurisdictions::of),
        holder,
    };
    Place {
        account: node.account.clone(),
        asset: asset.clone(),
        symbol: meta.and_then(|meta| meta.symbol.clone()),
        decimals: meta.and_then(|meta| meta.decimals),
        amount,
        depth: node.depth,
        labels: node.labels.iter().map(|label| label.name.clone()).collect(),
        lists: node
            .listings
            .iter()
            .map(|row| format!("{} of {}", row.list, row.list_date))
            .collect(),
        holders: answer.holders.into_iter().map(stopper).collect(),
        remarks: answer.remarks,
    }
}

/// One request for each holder, in the order of their kind and name. A place that nobody can stop is
/// asked of nobody.
pub fn drafts(places: &[Place], plan: &Plan) -> Result<Vec<FreezeDraft>, CaseError> {
    let mut asked: BTreeMap<(HolderKind, &str), (&Holder, Vec<&Place>)> = BTreeMap::new();
    for place in places {
        for stopper in chosen(place, plan) {
            let holder = &stopper.holder;
            let entry =
                asked.entry((holder.kind, holder.name.as_str())).or_insert((holder, Vec::new()));
            entry.1.push(place);
        }
    }
    for wanted in &plan.holders {
        if !asked.values().any(|(holder, _)| is_named(holder, wanted)) {
            let found = format!("{wanted:?}");
            return Err(CaseError::field(
                "holders",
                found,
                "somebody who can stop one of the places",
            ));
        }
    }
    if asked.is_empty() {
        let expected = "a place whose value somebody can stop";
        return Err(CaseError::field("places", format!("{} of nobody", places.len()), expected));
    }
    Ok(asked.into_values().map(|(holder, places)| draft(holder, &places, plan)).collect())
}

fn chosen<'a>(place: &'a Place, plan: &'a Plan) -> impl Iterator<Item = &'a Stopper> {
    let first = usize::from(plan.holders.is_empty());
    let is_wanted = move |stopper: &&Stopper| {
        plan.holders.iter().any(|wanted| is_named(&stopper.holder, wanted))
    };
    place.holders.iter().take(first).chain(place.holders.iter().filter(is_wanted))
}

fn is_named(holder: &Holder, wanted: &str) -> bool {
    holder.name == wanted || holder.id.as_deref() == Some(wanted)
}

fn draft(holder: &Holder, places: &[&Place], plan: &Plan) -> FreezeDraft {
    let title = format!("{}: {}", plan.title, holder.name);
    FreezeDraft {
        case: plan.case,
        title: title.chars().take(500).collect(),
        marking: plan.marking,
        holder: holder.name.clone(),
        jurisdiction: plan.jurisdiction.clone(),
        reference: plan.reference.clone(),
        legal_basis: plan.legal_basis.clone(),
        clocks: None,
        asks: places
            .iter()
            .map(|place| (place.account.clone(), place.asset.clone(), place.amount))
            .collect(),
    }
}
