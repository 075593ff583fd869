//! Webhooks: who is told by HTTP, of what, and what signs it.

use std::time::Duration;

use model::Timestamp;
use serde_json::json;

use super::{TEST, deliveries, subject_of, write_event};
use crate::act::{By, micros, moment, moment_if};
use crate::check;
use crate::db::{Db, Row, Tx, Value};
use crate::error::CaseError;
use crate::ids::{DeliveryId, WebhookId};
use crate::journal;
use crate::vault::{Vault, VaultError};

/// Each event is held against all of them, in the transaction that causes it.
const WEBHOOKS_MAX: i64 = 200;
const KINDS_MAX: usize = 50;
/// How long the secret before may still sign, at most.
const OVERLAP_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// What a secret begins with: a leaked one is found by it.
const SECRET_PREFIX: &str = "idw_";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewWebhook {
    pub url: String,
    /// Which events: `alert.raised`, or `alert.*` for all that begin so. Empty means all.
    pub kinds: Vec<String>,
    pub description: String,
    /// What belongs to no team, and what belongs to these, by name. None: everything.
    pub sees: Option<Vec<String>>,
}

/// The secret is shown once, by who makes one: see [`Due`](super::Due) for who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    pub kinds: Vec<String>,
    pub description: String,
    pub made_by: String,
    pub sees: Option<Vec<String>>,
    pub is_active: bool,
    pub created: Timestamp,
    /// Failed attempts since the last that was taken.
    pub failures: i64,
    /// Nothing is sent before; only a time to come means anything.
    pub paused_until: Timestamp,
    /// Until then the secret before signs as well.
    pub secret_before_until: Option<Timestamp>,
}

/// What is to be other than it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    pub url: Option<String>,
    pub kinds: Option<Vec<String>>,
    pub description: Option<String>,
    /// One that is switched off gets no new deliveries, and its waiting ones wait.
    pub is_active: Option<bool>,
}

/// Makes one; its secret is in this answer and nowhere else.
pub fn add_webhook(
    db: &Db,
    by: &By,
    new: &NewWebhook,
    vault: &Vault,
) -> Result<(WebhookId, String), CaseError> {
    check_url(&new.url)?;
    check_kinds(&new.kinds)?;
    check::text_of("description", &new.description, 500)?;
    let secret = make_secret()?;
    db.write(|tx| {
        let count = tx.row("SELECT COUNT(*) FROM webhook", &[])?;
        if count.map_or(Ok(0), |row| row.int(0))? >= WEBHOOKS_MAX {
            let found = format!("one more than {WEBHOOKS_MAX} webhooks");
            return Err(CaseError::field("url", found, "that one of them is removed first"));
        }
        let id = WebhookId::next(tx)?;
        let sealed = vault.seal(&secret_place(id), secret.as_bytes()).map_err(unsealed)?;
        tx.run(
            "INSERT INTO webhook \
             (id, url, secret, kinds, is_active, created, description, made_by, sees) \
             VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8)",
            &[
                id.into(),
                new.url.as_str().into(),
                sealed.into(),
                new.kinds.join(" ").into(),
                micros(by.at).into(),
                new.description.as_str().into(),
                by.actor.as_str().into(),
                new.sees.as_ref().map(|teams| teams.join(" ")).into(),
            ],
        )?;
        let payload = json!({ "url": place(&new.url), "kinds": new.kinds, "sees": new.sees });
        journal::append(tx, by, "webhook.added", &subject_of(id), &payload)?;
        Ok((id, secret.clone()))
    })
}

/// As it stands in the journal, which cannot be erased: without what follows `?`, where tokens stand.
fn place(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// Where the secret of a webhook stands, as the vault is told.
pub fn secret_place(id: WebhookId) -> String {
    subject_of(id)
}

fn make_secret() -> Result<String, CaseError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| unsealed(VaultError::Random(error)))?;
    Ok(format!("{SECRET_PREFIX}{}", check::hex(&bytes)))
}

fn unsealed(error: VaultError) -> CaseError {
    CaseError::Damaged(format!("a webhook's secret cannot be sealed: {error}"))
}

fn check_url(url: &str) -> Result<(), CaseError> {
    check::said("url", url, 2000)?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(CaseError::field("url", format!("{url:?}"), "https:// or http://"));
    }
    Ok(())
}

fn check_kinds(kinds: &[String]) -> Result<(), CaseError> {
    if kinds.len() > KINDS_MAX {
        let found = format!("{} kinds", kinds.len());
        return Err(CaseError::field("events", found, format!("at most {KINDS_MAX}")));
    }
    for kind in kinds {
        check::said("events", kind, 100)?;
        let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
        if !kind.strip_suffix('*').unwrap_or(kind).chars().all(is_fine) {
            let found = format!("{kind:?}");
            return Err(CaseError::field("events", found, "one as alert.raised or alert.*"));
        }
    }
    Ok(())
}

pub fn change_webhook(
    db: &Db,
    by: &By,
    id: WebhookId,
    change: &WebhookChange,
) -> Result<Webhook, CaseError> {
    change.url.as_deref().map_or(Ok(()), check_url)?;
    change.kinds.as_deref().map_or(Ok(()), check_kinds)?;
    let description = change.description.as_deref();
    description.map_or(Ok(()), |text| check::text_of("description", text, 500))?;
    db.write(|tx| {
        let before = one(tx, id)?;
        let mut after = before.clone();
        after.url = change.url.clone().unwrap_or(after.url);
        after.kinds = change.kinds.clone().unwrap_or(after.kinds);
        after.description = change.description.clone().unwrap_or(after.description);
        after.is_active = change.is_active.unwrap_or(after.is_active);
        if after == before {
            return Ok(after);
        }
        // Who was moved or switched on again is tried at once.
        let is_fresh = after.url != before.url || (after.is_active && !before.is_active);
        tx.run(
            "UPDATE webhook SET url = $2, kinds = $3, description = $4, is_active = $5 WHERE id = $1",
            &[
                id.into(),
                after.url.as_str().into(),
                after.kinds.join(" ").into(),
                after.description.as_str().into(),
                i64::from(after.is_active).into(),
            ],
        )?;
        if is_fresh {
            try_at_once(tx, id, by.at)?;
        }
        let payload = json!({
            "url": place(&after.url), "kinds": after.kinds, "description": after.description,
            "is_active": after.is_active,
        });
        journal::append(tx, by, "webhook.changed", &subject_of(id), &payload)?;
        one(tx, id)
    })
}

fn try_at_once(tx: &mut Tx<'_>, id: WebhookId, at: Timestamp) -> Result<(), CaseError> {
    tx.run("UPDATE webhook SET failures = 0, paused_until = 0 WHERE id = $1", &[id.into()])?;
    tx.run(
        "UPDATE delivery SET due = $2 WHERE webhook = $1 AND state = 'waiting' AND due > $2",
        &[id.into(), micros(at).into()],
    )?;
    Ok(())
}

/// It is gone, with its deliveries; the journal keeps how many had not arrived.
pub fn remove_webhook(db: &Db, by: &By, id: WebhookId) -> Result<(), CaseError> {
    db.write(|tx| {
        let webhook = one(tx, id)?;
        let count = "SELECT COUNT(*) FROM delivery WHERE webhook = $1 AND state <> 'delivered'";
        let lost = tx.row(count, &[id.into()])?.map_or(Ok(0), |row| row.int(0))?;
        tx.run("DELETE FROM delivery WHERE webhook = $1", &[id.into()])?;
        tx.run("DELETE FROM webhook WHERE id = $1", &[id.into()])?;
        let payload = json!({ "url": place(&webhook.url), "not_delivered": lost });
        journal::append(tx, by, "webhook.removed", &subject_of(id), &payload)?;
        Ok(())
    })
}

/// A new secret, in this answer and nowhere else; for a while the one before signs as well, so that the
/// receiver can change over.
pub fn rotate_secret(
    db: &Db,
    by: &By,
    id: WebhookId,
    overlap: Duration,
    vault: &Vault,
) -> Result<String, CaseError> {
    if overlap > OVERLAP_MAX {
        let found = format!("{} s", overlap.as_secs());
        let expected = format!("at most {} s", OVERLAP_MAX.as_secs());
        return Err(CaseError::field("overlap_s", found, expected));
    }
    let secret = make_secret()?;
    let until = by.at.saturating_add(overlap).unwrap_or(by.at);
    db.write(|tx| {
        let sealed = vault.seal(&secret_place(id), secret.as_bytes()).map_err(unsealed)?;
        let met = tx.run(
            "UPDATE webhook SET secret_before = secret, secret_before_until = $3, secret = $2 \
             WHERE id = $1",
            &[id.into(), sealed.into(), micros(until).into()],
        )?;
        if met == 0 {
            return Err(CaseError::missing("webhook", id));
        }
        let payload = json!({ "before_valid_until": until });
        journal::append(tx, by, "webhook.secret_changed", &subject_of(id), &payload)?;
        Ok(secret.clone())
    })
}

/// Sends something by the way that everything goes.
pub fn test_webhook(db: &Db, by: &By, id: WebhookId) -> Result<DeliveryId, CaseError> {
    db.write(|tx| {
        let webhook = one(tx, id)?;
        if !webhook.is_active {
            return Err(CaseError::state("webhook", id, "switched off", "switched on"));
        }
        let body = json!({ "webhook": id, "asked_by": by.actor });
        let event = write_event(tx, by.at, TEST, &subject_of(id), &body)?;
        let delivery = deliveries::add(tx, id, event, by.at)?;
        journal::append(tx, by, "webhook.tested", &subject_of(id), &json!({ "event": event }))?;
        Ok(delivery)
    })
}

pub fn webhook(db: &Db, id: WebhookId) -> Result<Webhook, CaseError> {
    db.read(|tx| one(tx, id))
}

/// All of them, oldest first.
pub fn webhooks(db: &Db) -> Result<Vec<Webhook>, CaseError> {
    let sql = format!("{COLUMNS} ORDER BY id LIMIT $1");
    let rows = db.read(|tx| tx.rows(&sql, &[Value::Int(WEBHOOKS_MAX)]))?;
    rows.iter().map(of).collect()
}

pub(super) fn one(tx: &mut Tx<'_>, id: WebhookId) -> Result<Webhook, CaseError> {
    let row = tx.row(&format!("{COLUMNS} WHERE id = $1"), &[id.into()])?;
    of(&row.ok_or_else(|| CaseError::missing("webhook", id))?)
}

const COLUMNS: &str = "SELECT id, url, kinds, description, made_by, sees, is_active, created, failures, \
                       paused_until, secret_before_until FROM webhook";

fn of(row: &Row) -> Result<Webhook, CaseError> {
    Ok(Webhook {
        id: WebhookId(row.int(0)?),
        url: row.text(1)?.to_string(),
        kinds: words(row.text(2)?),
        description: row.text(3)?.to_string(),
        made_by: row.text(4)?.to_string(),
        sees: row.text_if(5)?.map(words),
        is_active: row.int(6)? == 1,
        created: moment(row.int(7)?)?,
        failures: row.int(8)?,
        paused_until: moment(row.int(9)?)?,
        secret_before_until: moment_if(row.int_if(10)?)?,
    })
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_string).collect()
}
