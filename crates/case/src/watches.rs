//! Watches: which accounts, entities, frontiers and amounts somebody wants to hear of.
//!
//! [`Matcher`] is pure: transfers and what is [`Known`] of them in, what [`Met`] a watch out. [`advance`]
//! raises alerts of it and moves the chain's position in one transaction, so after a crash nothing is
//! missed and nothing is told twice: who comes with a position that was passed already is refused.
//!
//! A transaction meets a watch once, wherever it stands: what was met in blocks that can still be
//! unwound is kept until they cannot, so that a block which is read again raises nothing again, and an
//! alert whose transaction went away with its block says so.

mod matching;

use std::collections::BTreeSet;

use model::{Account, Asset, Chain, Severity, Transfer, TxId, U256};
use serde_json::json;

use crate::act::{By, micros};
use crate::alerts::{self, Raised};
use crate::check;
use crate::db::{Db, Migration, Row, Tx, Value};
use crate::error::CaseError;
use crate::ids::{AlertId, CaseId, WatchId};
use crate::journal;
use crate::page::{Cursor, Page, Part};
use crate::seen::Seen;

pub use matching::{Matcher, Met, match_transfers};

pub(crate) const MIGRATIONS: &[Migration] = &[
    "
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
",
    "
    CREATE TABLE watch_met (
        chain TEXT NOT NULL,
        watch BIGINT NOT NULL,
        tx TEXT NOT NULL,
        height BIGINT NOT NULL,
        alert BIGINT NOT NULL,
        PRIMARY KEY (chain, watch, tx)
    );
    CREATE INDEX watch_met_by_height ON watch_met (chain, height)
",
];

/// Watches that are matched at all.
const WATCHES_MAX: usize = 100_000;

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

/// It is watched no longer. What it raised stays.
pub fn remove(db: &Db, by: &By, id: WatchId) -> Result<(), CaseError> {
    db.write(|tx| {
        if tx.run("DELETE FROM watch WHERE id = $1", &[id.into()])? == 0 {
            return Err(CaseError::missing("watch", id));
        }
        journal::append(tx, by, "watch.removed", &format!("watch:{id}"), &json!({}))?;
        Ok(())
    })
}

pub fn get(db: &Db, id: WatchId) -> Result<Watch, CaseError> {
    let row = db.read(|tx| tx.row(&format!("{SELECT} WHERE id = $1"), &[id.into()]))?;
    watch(&row.ok_or_else(|| CaseError::missing("watch", id))?)
}

/// All of them, for who matches.
pub fn list(db: &Db) -> Result<Vec<Watch>, CaseError> {
    let sql = format!("{SELECT} ORDER BY id LIMIT {WATCHES_MAX}");
    db.read(|tx| tx.rows(&sql, &[]))?.iter().map(watch).collect()
}

/// The newest first, of those that somebody sees.
pub fn page(db: &Db, seen: &Seen, part: &Part) -> Result<Page<Watch>, CaseError> {
    let after = part.after.map_or(i64::MAX, |cursor| cursor.id);
    let mut values: Vec<Value> = vec![after.into(), part.fetch().into()];
    let narrowed = seen.narrow("team", &mut values).map(|of| format!(" AND {of}"));
    let narrowed = narrowed.unwrap_or_default();
    let sql = format!("{SELECT} WHERE id < $1{narrowed} ORDER BY id DESC LIMIT $2");
    let rows = db.read(|tx| tx.rows(&sql, &values))?;
    let found = rows.iter().map(watch).collect::<Result<_, CaseError>>()?;
    Ok(part.page(found, |watch: &Watch| Cursor { key: 0, id: watch.id.0 }))
}

const SELECT: &str = "SELECT id, name, severity, target, team, is_active FROM watch";

fn watch(row: &Row) -> Result<Watch, CaseError> {
    Ok(Watch {
        id: WatchId(row.int(0)?),
        name: row.text(1)?.to_string(),
        severity: alerts::severity_of(row.int(2)?)?,
        target: serde_json::from_str(row.text(3)?)
            .map_err(|error| CaseError::Damaged(format!("a watch's target: {error}")))?,
        team: row.text_if(4)?.map(str::to_string),
        is_active: row.int(5)? == 1,
    })
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

/// What a chain showed between two positions.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Where the caller began; none: at the start.
    pub from: Option<String>,
    /// In the caller's own words.
    pub to: String,
    pub found: Vec<Met>,
    /// Of what was met before: transactions that stand in no block any more.
    pub gone: Vec<Held>,
    /// Up to this height no block can be unwound; none: every one can.
    pub settled: Option<u64>,
}

/// What met a watch in a block that can still be unwound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub watch: WatchId,
    pub tx: TxId,
    pub height: u64,
    pub alert: AlertId,
}

/// What was met in blocks that could be unwound when it was last looked.
pub fn held(db: &Db, chain: Chain) -> Result<Vec<Held>, CaseError> {
    let sql = "SELECT watch, tx, height, alert FROM watch_met WHERE chain = $1 \
               ORDER BY height, tx, watch LIMIT 100000";
    let held = |row: &Row| {
        let wrong =
            || CaseError::Damaged(format!("{chain}: what met a watch names no transaction"));
        Ok(Held {
            watch: WatchId(row.int(0)?),
            tx: TxId::parse(row.text(1)?, chain).ok_or_else(wrong)?,
            height: u64::try_from(row.int(2)?).map_err(|_| wrong())?,
            alert: AlertId(row.int(3)?),
        })
    };
    db.read(|tx| tx.rows(sql, &[chain.to_string().into()]))?.iter().map(held).collect()
}

/// Raises what was found between two positions of a chain and moves on, all or nothing. Gives what was
/// raised; what was met before by the same transaction is not raised again.
pub fn advance(db: &Db, by: &By, chain: Chain, step: &Step) -> Result<Vec<Raised>, CaseError> {
    check::said("position", &step.to, 500)?;
    db.write(|tx| {
        let at = position_in(tx, chain)?;
        if at != step.from {
            let found = at.map_or_else(|| "at its start".to_string(), |at| format!("at {at}"));
            return Err(CaseError::state("position of", chain, found, "where the caller began"));
        }
        for gone in &step.gone {
            unwind(tx, by, chain, gone)?;
        }
        let mut raised = Vec::with_capacity(step.found.len());
        for met in &step.found {
            raised.extend(meet(tx, by, chain, met)?);
        }
        if let Some(settled) = step.settled {
            tx.run(
                "DELETE FROM watch_met WHERE chain = $1 AND height <= $2",
                &[chain.to_string().into(), height(settled).into()],
            )?;
        }
        tx.run(
            "INSERT INTO watch_position (chain, position) VALUES ($1, $2) \
             ON CONFLICT (chain) DO UPDATE SET position = excluded.position",
            &[chain.to_string().into(), step.to.as_str().into()],
        )?;
        Ok(raised)
    })
}

fn meet(tx: &mut Tx<'_>, by: &By, chain: Chain, met: &Met) -> Result<Option<Raised>, CaseError> {
    let (chain, hash) = (chain.to_string(), met.tx.hash_text());
    let at = height(met.height.unwrap_or(0));
    let key = [chain.as_str().into(), met.watch.into(), hash.as_str().into(), at.into()];
    let sql = "UPDATE watch_met SET height = $4 WHERE chain = $1 AND watch = $2 AND tx = $3";
    if tx.run(sql, &key)? > 0 {
        return Ok(None);
    }
    let raised = alerts::raise_in(tx, by, &met.alert)?;
    let [chain, watch, hash, at] = key;
    let sql = "INSERT INTO watch_met (chain, watch, tx, height, alert) VALUES ($1, $2, $3, $4, $5)";
    tx.run(sql, &[chain, watch, hash, at, raised.id.into()])?;
    Ok(Some(raised))
}

fn unwind(tx: &mut Tx<'_>, by: &By, chain: Chain, gone: &Held) -> Result<(), CaseError> {
    let key = [chain.to_string().into(), gone.watch.into(), gone.tx.hash_text().into()];
    let sql = "DELETE FROM watch_met WHERE chain = $1 AND watch = $2 AND tx = $3";
    // Who looked at the same time may have said so already.
    if tx.run(sql, &key)? == 0 {
        return Ok(());
    }
    let what = json!({ "chain": chain, "tx": gone.tx.hash_text(), "height": gone.height });
    alerts::unwind_in(tx, by, gone.alert, &what)
}

fn height(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}
