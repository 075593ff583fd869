//! Transfers that an exchange registered: what it said, what was found of it, and what became of that.
//!
//! A transfer is named by who registers it and by (chain, transaction, output address, output): the same
//! one is registered once. It waits until the store holds its transaction, is answered then, and is
//! looked at again until its block can no longer be unwound.

use case::alerts::NewAlert;
use case::db::{Db, Row, Tx};
use case::{By, CaseError, outbox};
use model::{Account, Chain, Timestamp, TxId};
use serde::{Deserialize, Serialize};
use serve::time;
use utoipa::ToSchema;

use super::{Customers, Of};
use crate::cell::judge::{Reason, Verdict};

/// What the exchange said, without whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub tx: TxId,
    /// Whom it was paid to.
    pub account: Account,
    /// Which output of it, where that was said.
    pub output: Option<u32>,
    /// A symbol, or CAIP-19.
    pub asset: String,
    /// In whole units.
    pub amount: String,
    pub way: Way,
    pub time: Option<Timestamp>,
    /// Who sent it, where the exchange knows.
    pub senders: Vec<Account>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TransferDirection)]
pub enum Way {
    /// It came to the exchange: who sent it is what matters.
    Received,
    /// It left the exchange: whom it went to is what matters.
    Sent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TransferState)]
pub enum State {
    /// The store does not hold its transaction yet: what is said is what its addresses tell.
    Waiting,
    /// Its transaction was found, and whoever is behind it was screened.
    Answered,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub state: State,
    /// None: nothing could be judged yet.
    pub verdict: Option<Verdict>,
    pub reasons: Vec<Reason>,
    /// Who was screened.
    pub counterparties: Vec<Account>,
    pub searched: Vec<String>,
    pub seen: Option<Seen>,
    pub remarks: Vec<String>,
}

/// The transfer as the chain has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TransferSeen)]
pub struct Seen {
    pub height: Option<u64>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub time: Option<Timestamp>,
    /// Its block can no longer be unwound.
    pub is_final: bool,
    /// CAIP-19; none where the transaction does not pay the address.
    #[schema(value_type = Option<String>)]
    pub asset: Option<model::Asset>,
    /// Base units.
    pub amount: Option<String>,
    /// In whole units, where the decimals are known.
    pub asset_amount: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Kept {
    pub id: String,
    pub actor: String,
    pub customer: i64,
    pub asked: Asked,
    pub judged: Judged,
    /// Exposure by counterparty, as JSON.
    pub exposures: String,
    /// Alerts that were raised, so that looking again raises none twice.
    pub raised: Vec<String>,
    /// Nothing of it will change.
    pub is_settled: bool,
    pub version: i64,
    /// Seconds since 1970.
    pub registered_at: i64,
    pub changed_at: i64,
}

/// A look at a transfer, ready to be kept.
pub struct Look {
    pub judged: Judged,
    pub exposures: String,
    pub alerts: Vec<NewAlert>,
    /// The lists that name each counterparty.
    pub lists: Vec<(Account, Vec<String>)>,
    pub is_settled: bool,
}

/// The same for the same transfer of the same actor.
pub fn id(key: &Customers, actor: &str, asked: &Asked) -> String {
    let (tx, account) = (asked.tx.to_string(), asked.account.to_string());
    let output = asked.output.map(|output| output.to_string()).unwrap_or_default();
    key.name("tr", &[actor, &tx, &account, &output])
}

/// Keeps a new one with what was found at once; gives the one that was kept first.
pub fn keep(
    db: &Db,
    by: &By,
    key: &Customers,
    (id, user): (&str, &str),
    asked: &Asked,
    look: &Look,
) -> Result<Kept, CaseError> {
    db.write(|tx| {
        if let Some(kept) = find(tx, id)? {
            return Ok(kept);
        }
        let customer = key.keep(tx, by, user)?;
        let now = time::now();
        let mut kept = Kept {
            id: id.to_string(),
            actor: by.actor.clone(),
            customer,
            asked: asked.clone(),
            judged: look.judged.clone(),
            exposures: look.exposures.clone(),
            raised: Vec::new(),
            is_settled: look.is_settled,
            version: 1,
            registered_at: now,
            changed_at: now,
        };
        let raised = raise(tx, by, &kept, look)?;
        kept.raised = raised;
        insert(tx, &kept)?;
        tell(tx, by, &kept)?;
        Ok(kept)
    })
}

/// Keeps what a later look found, unless somebody else was faster. False: they were.
pub fn change(
    db: &Db,
    by: &By,
    kept: &Kept,
    look: &Look,
    event: Option<&str>,
) -> Result<bool, CaseError> {
    db.write(|tx| {
        let mut next = kept.clone();
        (next.judged, next.exposures) = (look.judged.clone(), look.exposures.clone());
        (next.is_settled, next.changed_at) = (look.is_settled, time::now());
        next.version += 1;
        let sql = "UPDATE exchange_transfer SET version = version + 1 WHERE id = $1 AND version = $2";
        if tx.run(sql, &[kept.id.as_str().into(), kept.version.into()])? == 0 {
            return Ok(false);
        }
        let raised = raise(tx, by, kept, look)?;
        next.raised.extend(raised);
        tx.run(
            "UPDATE exchange_transfer SET judged = $2, exposures = $3, raised = $4, is_settled = $5, \
             changed_at = $6 WHERE id = $1",
            &[
                next.id.as_str().into(),
                json(&next.judged)?.into(),
                next.exposures.as_str().into(),
                json(&next.raised)?.into(),
                i64::from(next.is_settled).into(),
                next.changed_at.into(),
            ],
        )?;
        if let Some(event) = event {
            tell_as(tx, by, &next, event)?;
        }
        Ok(true)
    })
}

/// Raises what was not raised before; what those are called.
fn raise(tx: &mut Tx<'_>, by: &By, kept: &Kept, look: &Look) -> Result<Vec<String>, CaseError> {
    let of = Of { subject: &kept.id, actor: &kept.actor, customer: kept.customer };
    let mut raised = Vec::new();
    for alert in &look.alerts {
        let name = format!("{} {}", alert.subject, alert.group);
        if kept.raised.contains(&name) || raised.contains(&name) {
            continue;
        }
        let mut alert = alert.clone();
        alert.evidence["transfer"] = kept.id.as_str().into();
        super::raise_in(tx, by, of, &alert)?;
        raised.push(name);
    }
    for (account, lists) in &look.lists {
        super::put_party_in(tx, &kept.id, account, lists)?;
    }
    Ok(raised)
}

fn tell(tx: &mut Tx<'_>, by: &By, kept: &Kept) -> Result<(), CaseError> {
    match kept.judged.state {
        State::Waiting => Ok(()),
        State::Answered => tell_as(tx, by, kept, "transfer.answered"),
    }
}

/// What listeners and webhooks hear. Not whose it is: who registered it knows that.
fn tell_as(tx: &mut Tx<'_>, by: &By, kept: &Kept, event: &str) -> Result<(), CaseError> {
    let body = serde_json::json!({
        "id": kept.id, "state": kept.judged.state, "verdict": kept.judged.verdict,
        "network": kept.asked.tx.chain, "tx": kept.asked.tx.hash_text(),
        "outputAddress": kept.asked.account.address_text(),
    });
    outbox::tell(tx, by.at, event, &format!("transfer:{}", kept.id), &body)?;
    Ok(())
}

fn insert(tx: &mut Tx<'_>, kept: &Kept) -> Result<(), CaseError> {
    tx.run(
        "INSERT INTO exchange_transfer (id, actor, customer, chain, asked, judged, exposures, raised, \
         is_settled, version, registered_at, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            kept.id.as_str().into(),
            kept.actor.as_str().into(),
            kept.customer.into(),
            kept.asked.tx.chain.to_string().into(),
            json(&kept.asked)?.into(),
            json(&kept.judged)?.into(),
            kept.exposures.as_str().into(),
            json(&kept.raised)?.into(),
            i64::from(kept.is_settled).into(),
            kept.version.into(),
            kept.registered_at.into(),
            kept.changed_at.into(),
        ],
    )?;
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, CaseError> {
    serde_json::to_string(value).map_err(|error| CaseError::Damaged(error.to_string()))
}

const SELECT: &str = "SELECT id, actor, customer, asked, judged, exposures, raised, is_settled, version, \
                      registered_at, changed_at FROM exchange_transfer";

pub fn get(db: &Db, id: &str) -> Result<Option<Kept>, CaseError> {
    db.read(|tx| find(tx, id))
}

fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<Kept>, CaseError> {
    tx.row(&format!("{SELECT} WHERE id = $1"), &[id.into()])?.map(|row| read(&row)).transpose()
}

/// Those of a chain that may still change, the newest first, before one (its time and id).
pub fn unsettled(
    db: &Db,
    chain: Chain,
    before: Option<(i64, String)>,
    limit: usize,
) -> Result<Vec<Kept>, CaseError> {
    let sql = format!(
        "{SELECT} WHERE chain = $1 AND is_settled = 0 AND (registered_at, id) < ($2, $3) \
         ORDER BY registered_at DESC, id DESC LIMIT $4"
    );
    let (at, id) = before.unwrap_or((i64::MAX, String::new()));
    let limit = i64::try_from(limit).unwrap_or(0);
    let values = [chain.to_string().into(), at.into(), id.into(), limit.into()];
    db.read(|tx| tx.rows(&sql, &values))?.iter().map(read).collect()
}

/// Chains that any unsettled transfer is on.
pub fn chains(db: &Db) -> Result<Vec<Chain>, CaseError> {
    let sql = "SELECT DISTINCT chain FROM exchange_transfer WHERE is_settled = 0 ORDER BY chain LIMIT 1000";
    let rows = db.read(|tx| tx.rows(sql, &[]))?;
    let chain = |row: &Row| {
        let text = row.text(0)?;
        text.parse().map_err(|_| CaseError::Damaged(format!("{text:?} is no chain")))
    };
    rows.iter().map(chain).collect()
}

/// Those of a customer before one (its time and id), the newest first; of one actor, or of all.
pub fn of_customer(
    db: &Db,
    customer: i64,
    actor: Option<&str>,
    before: Option<(i64, String)>,
    limit: usize,
) -> Result<Vec<Kept>, CaseError> {
    let rows = super::of_customer(db, SELECT, "registered_at", customer, actor, before, limit)?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Kept, CaseError> {
    fn json<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> Result<T, CaseError> {
        serde_json::from_str(row.text(column)?)
            .map_err(|error| CaseError::Damaged(format!("a registered transfer: {error}")))
    }
    Ok(Kept {
        id: row.text(0)?.to_string(),
        actor: row.text(1)?.to_string(),
        customer: row.int(2)?,
        asked: json(row, 3)?,
        judged: json(row, 4)?,
        exposures: row.text(5)?.to_string(),
        raised: json(row, 6)?,
        is_settled: row.int(7)? == 1,
        version: row.int(8)?,
        registered_at: row.int(9)?,
        changed_at: row.int(10)?,
    })
}
