//! `interdict who`: who is behind an address, how sure, and why.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Result, bail};
use entity::heuristics::same_key;
use model::{
    Account, Book, Date, Direction, Key, Label, Limits, Listing, Seek, TransferKind, TxId, View,
    identifier,
};
use store::Store;

use super::labels::book;
use crate::cli::{TextFormat, WhoArgs};
use crate::clusters::{self, Shown, services};
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;
use crate::source;

#[derive(serde::Serialize)]
pub struct Answer {
    format: &'static str,
    account: Account,
    /// None: no cluster is known that it could be in.
    cluster: Option<ClusterRow>,
    /// The same key on other chains, where it signed on both.
    same_key: Vec<TwinRow>,
    labels: Vec<LabelRow>,
    /// Names that cannot both be the owner's; shown, not merged.
    conflicts: Vec<String>,
    listings: Vec<ListingRow>,
    remarks: Vec<String>,
}

#[derive(serde::Serialize)]
struct ClusterRow {
    /// Its address that was seen first: what the cluster is called.
    id: Account,
    size: usize,
    evidence: Vec<RuleRow>,
    /// The first seen, as many as were asked for.
    members: Vec<Account>,
}

#[derive(serde::Serialize)]
struct RuleRow {
    rule: String,
    confidence: u8,
    /// That show a merge by it.
    transactions: u64,
    caveat: &'static str,
}

#[derive(serde::Serialize)]
struct TwinRow {
    account: Account,
    cluster: Option<Account>,
    size: Option<usize>,
    /// A transaction that each paid for: here, and there.
    signed: [TxId; 2],
}

#[derive(serde::Serialize)]
struct LabelRow {
    address: Account,
    name: String,
    concepts: Vec<String>,
    actor: Option<String>,
    confidence: String,
    level: u8,
    source: String,
    collection: String,
    date: Option<Date>,
}

#[derive(serde::Serialize)]
struct ListingRow {
    address: Account,
    list: String,
    list_date: Date,
    party: Option<String>,
    written: String,
    listed_on: Option<Date>,
}

pub fn run(home: &Home, args: &WhoArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let book = book(&store)?;
    let account = account(&store, &book, args)?;
    let answer = answer(&store, &book, account, args.members)?;
    match args.format {
        TextFormat::Json => out.json(&answer)?,
        TextFormat::Table => out.print(&text(&answer))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One that the store knows, else one that labels or lists know, else the only one it can be.
fn account(store: &Store, book: &Book, args: &WhoArgs) -> Result<Account> {
    let unknown = match source::find(store, &args.address, args.chain, &[]) {
        Ok(trace::Source::Account(account)) => return Ok(account),
        Ok(_) => bail!("{} is no address", plain(&args.address)),
        Err(error) => error,
    };
    let mut candidates = identifier::candidates(&args.address);
    candidates.retain(|account| args.chain.is_none_or(|chain| account.chain == chain));
    if let Some(chain) = args.chain.filter(|_| candidates.is_empty()) {
        candidates.extend(Account::parse(args.address.trim(), chain).ok());
    }
    let is_said = |account: &Account| {
        !book.labels(account).is_empty() || book.listings(&Key::of(account)).next().is_some()
    };
    let said = candidates.iter().position(is_said).unwrap_or(0);
    if candidates.is_empty() { Err(unknown) } else { Ok(candidates.swap_remove(said)) }
}

/// Who is behind an account, with so many members of its cluster at most.
pub fn answer(store: &Store, book: &Book, account: Account, members_max: usize) -> Result<Answer> {
    let shown = clusters::read(store, account.chain, services::of(book, account.chain))?;
    let mut remarks = Vec::new();
    let members = match &shown {
        Some(shown) => {
            remarks.extend(shown.remarks.iter().cloned());
            members(shown, &account)
        }
        None => {
            let name = account.chain.name();
            remarks
                .push(format!("{name} has no clusters yet: `interdict clusters build` makes them"));
            None
        }
    };
    let cluster = match (&shown, &members) {
        (Some(shown), Some(members)) => Some(cluster(shown, members, members_max)),
        (Some(_), None) => {
            remarks.push("it moved nothing that is clustered".to_string());
            None
        }
        _ => None,
    };
    let same_key = twins(store, book, &account, &mut remarks)?;
    let mut asked: Vec<Account> = members.map_or_else(Vec::new, |members| members.accounts);
    if !asked.contains(&account) {
        asked.push(account.clone());
    }
    let labels = labels(book, &asked);
    let conflicts = conflicts(&labels);
    let listings = asked.iter().flat_map(|member| listings(book, member)).collect();
    let format = "interdict-who/1";
    Ok(Answer { format, account, cluster, same_key, labels, conflicts, listings, remarks })
}

struct Members {
    first: u32,
    accounts: Vec<Account>,
}

fn members(shown: &Shown, account: &Account) -> Option<Members> {
    let clusterer = &shown.clusterer;
    let number = clusterer.number(&account.address)?;
    let members = clusterer.clusters().members(number);
    let first = *members.first()?;
    let accounts = members.into_iter().map(|member| clusterer.account(member)).collect();
    Some(Members { first, accounts })
}

fn cluster(shown: &Shown, members: &Members, members_max: usize) -> ClusterRow {
    let evidence = shown.clusterer.clusters().evidence(members.first);
    let rule = |(rule, transactions): (entity::heuristics::Rule, u64)| RuleRow {
        rule: format!("{rule}/{}", rule.version()),
        confidence: rule.confidence(),
        transactions,
        caveat: rule.caveat(),
    };
    ClusterRow {
        id: members.accounts[0].clone(),
        size: members.accounts.len(),
        evidence: evidence.into_iter().map(rule).collect(),
        members: members.accounts.iter().take(members_max).cloned().collect(),
    }
}

/// The same key on other EVM chains. A key is known by its signature: it paid for a transaction on both.
fn twins(
    store: &Store,
    book: &Book,
    account: &Account,
    remarks: &mut Vec<String>,
) -> Result<Vec<TwinRow>> {
    let mut twins = Vec::new();
    for chain in clusters::chains(store)? {
        let Some(twin) = same_key::twin(account, chain) else { continue };
        let is_known = store.degree(std::slice::from_ref(&twin))?;
        if is_known.first().is_none_or(|degree| degree.sent + degree.received == 0) {
            continue;
        }
        let (Some(here), Some(there)) = (signed(store, account)?, signed(store, &twin)?) else {
            remarks.push(format!(
                "the same address moved value on {}, but is not known to have signed on both: it may be two contracts",
                chain.name()
            ));
            continue;
        };
        let shown = clusters::read(store, chain, services::of(book, chain))?;
        let members = shown.as_ref().and_then(|shown| members(shown, &twin));
        twins.push(TwinRow {
            account: twin,
            cluster: members.as_ref().map(|members| members.accounts[0].clone()),
            size: members.map(|members| members.accounts.len()),
            signed: [here, there],
        });
    }
    Ok(twins)
}

/// A transaction that this address paid for, among its first.
fn signed(store: &Store, account: &Account) -> Result<Option<TxId>> {
    const LOOKED_AT: usize = 1_000;
    let limits = Limits { per_account: LOOKED_AT, ..Limits::NONE };
    let seek = [Seek::all(account.clone())];
    let found = store.expand(Direction::Forward, &seek, &limits)?;
    let sent = found.reached.into_iter().flat_map(|reached| reached.transfers);
    let mut paid = sent.filter(|transfer| transfer.kind == TransferKind::Fee);
    Ok(paid.next().map(|transfer| transfer.tx))
}

fn labels(book: &Book, asked: &[Account]) -> Vec<LabelRow> {
    let mut rows = Vec::new();
    for address in asked {
        rows.extend(book.labels(address).into_iter().map(|label| label_row(address, label)));
    }
    rows.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.name.cmp(&b.name)));
    rows
}

fn label_row(address: &Account, label: &Label) -> LabelRow {
    LabelRow {
        address: address.clone(),
        name: label.name.clone(),
        concepts: label.concepts.clone(),
        actor: label.actor.clone(),
        confidence: label.confidence.id.clone(),
        level: label.confidence.level,
        source: label.source.clone(),
        collection: label.collection.clone(),
        date: label.date,
    }
}

/// Actors that differ; where no label names an actor, names that differ.
fn conflicts(labels: &[LabelRow]) -> Vec<String> {
    let actors: BTreeSet<&str> = labels.iter().filter_map(|label| label.actor.as_deref()).collect();
    let names: BTreeSet<&str> = labels.iter().map(|label| label.name.as_str()).collect();
    let said = if actors.is_empty() { names } else { actors };
    if said.len() < 2 { Vec::new() } else { said.into_iter().map(str::to_string).collect() }
}

fn listings<'a>(book: &'a Book, account: &Account) -> Vec<ListingRow> {
    let row = |listing: &'a Listing| ListingRow {
        address: account.clone(),
        list: listing.version.list.clone(),
        list_date: listing.version.date,
        party: listing.party.clone(),
        written: listing.written.clone(),
        listed_on: listing.listed_on,
    };
    book.listings(&Key::of(account)).map(row).collect()
}

fn text(answer: &Answer) -> String {
    const LABELS_MAX: usize = 20;
    let mut text =
        format!("{} on {}\n", answer.account.address_text(), answer.account.chain.name());
    match &answer.cluster {
        Some(cluster) => text += &cluster_text(cluster),
        None => text += "cluster    none\n",
    }
    for twin in &answer.same_key {
        let size = twin.size.map_or_else(String::new, |size| format!(", in a cluster of {size}"));
        text += &format!("same key   {}{size}\n", twin.account);
    }
    for label in answer.labels.iter().take(LABELS_MAX) {
        text += &format!(
            "label      {} ({}, {}), {} of {}, said of {}\n",
            plain(&label.name),
            label.confidence,
            label.level,
            plain(&label.source),
            label.date.map_or_else(|| "unknown date".into(), |date| date.to_string()),
            label.address.short(),
        );
    }
    if answer.labels.len() > LABELS_MAX {
        text += &format!("           and {} more labels\n", answer.labels.len() - LABELS_MAX);
    }
    if answer.labels.is_empty() {
        text += "label      none\n";
    }
    if !answer.conflicts.is_empty() {
        let said: Vec<String> = answer.conflicts.iter().map(|name| plain(name)).collect();
        text += &format!("CONFLICT   labels name several owners: {}\n", said.join("; "));
    }
    for listing in &answer.listings {
        text += &format!(
            "LISTED     {} of {}: {}, as {}\n",
            listing.list,
            listing.list_date,
            listing.party.as_deref().map_or_else(|| "party not said".into(), plain),
            plain(&listing.written),
        );
    }
    answer.remarks.iter().for_each(|remark| text += &format!("note       {remark}\n"));
    text + "\nA cluster is evidence of one owner, not proof. Not found is not clean.\n"
}

fn cluster_text(cluster: &ClusterRow) -> String {
    let mut text =
        format!("cluster    {} addresses, named by {}\n", cluster.size, cluster.id.address_text());
    for rule in &cluster.evidence {
        text += &format!(
            "           {} ({}) in {} transactions: {}\n",
            rule.rule, rule.confidence, rule.transactions, rule.caveat
        );
    }
    if cluster.size > 1 {
        for member in &cluster.members {
            text += &format!("           {}\n", member.address_text());
        }
    }
    let left = cluster.size.saturating_sub(cluster.members.len());
    if left > 0 {
        text += &format!("           and {left} more: `interdict clusters members`\n");
    }
    text
}
