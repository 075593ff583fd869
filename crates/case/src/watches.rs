//! Watches: which accounts, entities, frontiers and amounts somebody wants to hear of.
//!
//! [`match_transfers`] is pure: transfers and what is [`Known`] of them in, alerts out. [`advance`]
//! raises them and moves the chain's position in one transaction, so after a crash nothing is missed
//! and nothing is told twice: who comes with a position that was passed already is refused.

use std::collections::BTreeSet;

use model::{Account, Asset, Chain, Severity, Transfer, U256};
use serde_json::json;

use crate::act::{By, micros};
use crate::alerts::{self, AlertKind, AlertSubject, NewAlert, Raised};
use crate::check;
use crate::db::{Db, Migration, Row, Tx};
use crate::error::CaseError;
use crate::ids::{CaseId, WatchId};
use crate::journal;

pub(crate) const MIGRATIONS: &[Migration] = &["
    CREATE TABLE watch (
        id BIGINT PRIMARY KEY,
        name TEXT NOT NULL,
        severity BIGINT NOT NULL,
        target TEXT NOT NULL,
        team TEXT,
        is_active BIGINT NOT NULL,
        created BIGINT NOT NULL
    );
    CREATE TABLE watch_position (chain TEXT PRIMARY KEY, position TEXT NOT NULL)
"];

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// CAIP-10.
    Account { account: Account },
    /// An entity or a cluster, by its name.
    Entity { name: String },
    /// Where a case's money rests.
    Frontier { case: CaseId, accounts: BTreeSet<Account> },
    /// At least so many base units of an asset move at once.
    Amount { asset: Asset, amount: String },
    /// At least so many whole USD move at once, where a price is known.
    Usd { usd: u64 },
    /// An end of the transfer owes at least this share of its value to a category.
    Exposure { category: String, basis_points: u32 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWatch {
    pub name: String,
    pub severity: Severity,
    pub target: Target,
    pub team: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Watch {
    pub id: WatchId,
    pub name: String,
    pub severity: Severity,
    pub target: Target,
    pub team: Option<String>,
    pub is_active: bool,
}

/// What the caller knows of accounts and prices. What it does not know meets no watch.
pub trait Known {
    fn entities(&self, account: &Account) -> Vec<String>;
    /// In USD scaled by 10^12.
    fn usd_e12(&self, transfer: &Transfer) -> Option<U256>;
    /// The share of an account's value that comes from a category, in hundredths of a percent.
    fn exposure(&self, account: &Account, category: &str) -> Option<u32>;
}

/// Nothing is known: accounts, frontiers and amounts are still watched.
pub struct Nothing;

impl Known for Nothing {
    fn entities(&self, _: &Account) -> Vec<String> {
        Vec::new()
    }

    fn usd_e12(&self, _: &Transfer) -> Option<U256> {
        None
    }

    fn exposure(&self, _: &Account, _: &str) -> Option<u32> {
        None
    }
}

/// The alerts that transfers give, in their order and for each in the order of watches.
pub fn match_transfers(
    watches: &[Watch],
    transfers: &[Transfer],
    known: &dyn Known,
) -> Vec<NewAlert> {
    let active: Vec<&Watch> = watches.iter().filter(|watch| watch.is_active).collect();
    let mut found = Vec::new();
    for transfer in transfers {
        for watch in &active {
            found.extend(
                meets(watch, transfer, known).map(|subject| alert(watch, transfer, subject)),
            );
        }
    }
    found
}

/// What the alert is about, where the watch is met.
fn meets(watch: &Watch, transfer: &Transfer, known: &dyn Known) -> Option<AlertSubject> {
    let mut ends = [transfer.from_account(), transfer.to_account()].into_iter().flatten();
    let of_transfer = || AlertSubject::Transfer(name_of(transfer));
    match &watch.target {
        Target::Account { account } => ends.find(|end| end == account).map(AlertSubject::Account),
        Target::Entity { name } => ends
            .any(|end| known.entities(&end).contains(name))
            .then(|| AlertSubject::Entity(name.clone())),
        // What leaves is what matters: whatever arrives at a frontier was sent there by anybody.
        Target::Frontier { accounts, .. } => transfer
            .from_account()
            .filter(|from| accounts.contains(from))
            .map(AlertSubject::Account),
        Target::Amount { asset, amount } => {
            let at_least = model::amount::parse_base(amount).ok()?;
            (transfer.asset == *asset && transfer.amount >= at_least).then(of_transfer)
        }
        Target::Usd { usd } => {
            let at_least = U256::from(*usd).saturating_mul(U256::from(1_000_000_000_000_u64));
            (known.usd_e12(transfer)? >= at_least).then(of_transfer)
        }
        Target::Exposure { category, basis_points } => ends
            .find(|end| known.exposure(end, category).is_some_and(|share| share >= *basis_points))
            .map(AlertSubject::Account),
    }
}

fn alert(watch: &Watch, transfer: &Transfer, subject: AlertSubject) -> NewAlert {
    let (kind, case) = match &watch.target {
        Target::Account { .. } | Target::Entity { .. } => (AlertKind::Watch, None),
        Target::Frontier { case, .. } => (AlertKind::Frontier, Some(*case)),
        _ => (AlertKind::Rule, None),
    };
    let end = |account: Option<Account>| account.map(|account| account.to_string());
    NewAlert {
        kind,
        severity: watch.severity,
        subject,
        group: format!("watch:{}", watch.id),
        title: format!("{}: {} moved in {}", watch.name, transfer.asset, transfer.tx),
        evidence: json!({
            "watch": watch.id,
            "transfer": name_of(transfer),
            "time": transfer.time,
            "from": end(transfer.from_account()),
            "to": end(transfer.to_account()),
            "asset": transfer.asset.to_string(),
            "amount": transfer.amount.to_string(),
        }),
        team: watch.team.clone(),
        case,
    }
}

fn name_of(transfer: &Transfer) -> String {
    transfer.id().to_string()
}

pub fn add(db: &Db, by: &By, new: &NewWatch) -> Result<WatchId, CaseError> {
    check::said("name", &new.name, 200)?;
    check::text_if("team", new.team.as_deref(), 100)?;
    if let Target::Amount { amount, .. } = &new.target {
        model::amount::parse_base(amount)
            .map_err(|error| CaseError::field("amount", error.to_string(), "whole base units"))?;
    }
    let target = json!(new.target);
    let text = check::json("target", &target, 1 << 20)?;
    db.write(|tx| {
        if let Target::Frontier { case, .. } = &new.target {
            crate::cases::must_take(tx, *case)?;
        }
        let id = WatchId::next(tx)?;
        tx.run(
            "INSERT INTO watch (id, name, severity, target, team, is_active, created) \
             VALUES ($1, $2, $3, $4, $5, 1, $6)",
            &[
                id.into(),
                new.name.as_str().into(),
                alerts::severity_number(new.severity).into(),
                text.as_str().into(),
                new.team.as_deref().into(),
                micros(by.at).into(),
            ],
        )?;
        let payload = json!({ "name": new.name, "target": target });
        journal::append(tx, by, "watch.added", &format!("watch:{id}"), &payload)?;
        Ok(id)
    })
}

pub fn switch(db: &Db, by: &By, id: WatchId, is_active: bool) -> Result<(), CaseError> {
    db.write(|tx| {
        let met = tx.run(
            "UPDATE watch SET is_active = $2 WHERE id = $1",
            &[id.into(), i64::from(is_active).into()],
        )?;
        if met == 0 {
            return Err(CaseError::missing("watch", id));
        }
        let act = if is_active { "watch.switched_on" } else { "watch.switched_off" };
        journal::append(tx, by, act, &format!("watch:{id}"), &json!({}))?;
        Ok(())
    })
}

pub fn list(db: &Db) -> Result<Vec<Watch>, CaseError> {
    let sql =
        "SELECT id, name, severity, target, team, is_active FROM watch ORDER BY id LIMIT 100000";
    let watch = |row: &Row| {
        Ok(Watch {
            id: WatchId(row.int(0)?),
            name: row.text(1)?.to_string(),
            severity: alerts::severity_of(row.int(2)?)?,
            target: serde_json::from_str(row.text(3)?)
                .map_err(|error| CaseError::Damaged(format!("a watch's target: {error}")))?,
            team: row.text_if(4)?.map(str::to_string),
            is_active: row.int(5)? == 1,
        })
    };
    db.read(|tx| tx.rows(sql, &[]))?.iter().map(watch).collect()
}

/// Up to where a chain's transfers were looked at, in the caller's own words.
pub fn position(db: &Db, chain: Chain) -> Result<Option<String>, CaseError> {
    db.read(|tx| position_in(tx, chain))
}

fn position_in(tx: &mut Tx<'_>, chain: Chain) -> Result<Option<String>, CaseError> {
    let row = tx
        .row("SELECT position FROM watch_position WHERE chain = $1", &[chain.to_string().into()])?;
    row.map(|row| Ok(row.text(0)?.to_string())).transpose()
}

/// Raises what was found between two positions of a chain and moves on, all or nothing.
pub fn advance(
    db: &Db,
    by: &By,
    chain: Chain,
    from: Option<&str>,
    to: &str,
    found: &[NewAlert],
) -> Result<Vec<Raised>, CaseError> {
    check::said("position", to, 500)?;
    db.write(|tx| {
        let held = position_in(tx, chain)?;
        if held.as_deref() != from {
            let found =
                held.map_or_else(|| "at its start".to_string(), |held| format!("at {held}"));
            return Err(CaseError::state("position of", chain, found, "where the caller began"));
        }
        let mut raised = Vec::with_capacity(found.len());
        for new in found {
            raised.push(alerts::raise_in(tx, by, new)?);
        }
        tx.run(
            "INSERT INTO watch_position (chain, position) VALUES ($1, $2) \
             ON CONFLICT (chain) DO UPDATE SET position = excluded.position",
            &[chain.to_string().into(), to.into()],
        )?;
        Ok(raised)
    })
}
