//! What others are told: events, written in the transaction of what caused them.
//!
//! Listeners of the event stream read on from the last event they saw ([`events_after`]). Each active
//! webhook that wants an event's kind gets a delivery of it, which is [`due`] until the receiver took it
//! ([`delivered`]) or it [`failed`] too often and is dead, where a person sees it. Whoever crashes
//! between sending and saying so sends again: at least once, never less.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use model::Timestamp;
use serde_json::{Value as Json, json};

use crate::act::{By, micros, moment, moment_if};
use crate::check;
use crate::db::{Db, Migration, Row, Tx, Value};
use crate::error::CaseError;
use crate::ids::{DeliveryId, EventId, WebhookId};
use crate::journal;
use crate::page::{Cursor, Page, Part};

pub(crate) const MIGRATIONS: &[Migration] = &["
    CREATE TABLE event (
        id BIGINT PRIMARY KEY,
        time BIGINT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX event_by_time ON event (time);
    CREATE TABLE webhook (
        id BIGINT PRIMARY KEY,
        url TEXT NOT NULL,
        secret BLOB NOT NULL,
        kinds TEXT NOT NULL,
        is_active BIGINT NOT NULL,
        created BIGINT NOT NULL
    );
    CREATE TABLE delivery (
        id BIGINT PRIMARY KEY,
        webhook BIGINT NOT NULL REFERENCES webhook (id),
        event BIGINT NOT NULL,
        state TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        due BIGINT NOT NULL,
        done BIGINT,
        problem TEXT
    );
    CREATE INDEX delivery_due ON delivery (state, due, id);
    CREATE INDEX delivery_of_webhook ON delivery (webhook, id, state)
"];

/// A delivery that failed so often is dead: with [`wait_after`] that is more than two days.
pub const ATTEMPTS_MAX: i64 = 16;
/// So long nobody else is handed a delivery that [`due`] has handed out.
const LEASE: Duration = Duration::from_secs(60);
const WAIT_FIRST_S: u64 = 5;
const WAIT_MAX_S: u64 = 6 * 3600;

/// Something that happened, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Event {
    pub id: EventId,
    pub time: Timestamp,
    /// `alert.raised`, `case.closed`, …
    pub kind: String,
    pub subject: String,
    /// Whose it was when it was told; none: everybody's who may listen.
    pub team: Option<String>,
    pub body: Json,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    pub url: String,
    /// Signs what is sent. At least 16 bytes.
    pub secret: Vec<u8>,
    /// Which events: `alert.raised`, or `alert.*` for all that begin so. Empty means all.
    pub kinds: Vec<String>,
}

/// The secret is never shown again: see [`Due`] for who sends.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    pub kinds: Vec<String>,
    pub is_active: bool,
    pub created: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Waiting,
    Delivered,
    /// Given up; [`revive`] tries again.
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub event: EventId,
    pub state: DeliveryState,
    pub attempts: i64,
    /// When it is tried next.
    pub due: Timestamp,
    pub done: Option<Timestamp>,
    /// Why the last attempt failed.
    pub problem: Option<String>,
}

/// A delivery that is to be sent now, with all it takes. Holds a secret: never print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Due {
    pub delivery: DeliveryId,
    pub webhook: WebhookId,
    pub attempts: i64,
    pub url: String,
    pub secret: Vec<u8>,
    pub event: Event,
}

/// Tells of something, in the transaction that causes it.
pub fn tell(
    tx: &mut Tx<'_>,
    at: Timestamp,
    kind: &str,
    subject: &str,
    body: &Json,
) -> Result<EventId, CaseError> {
    check::said("kind", kind, 100)?;
    let body = check::json("body", body, 1 << 20)?;
    let event = EventId::next(tx)?;
    let team = team_of(tx, subject)?;
    tx.run(
        "INSERT INTO event (id, time, kind, subject, body, team) VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            event.into(),
            micros(at).into(),
            kind.into(),
            subject.into(),
            body.into(),
            team.as_deref().into(),
        ],
    )?;
    let webhooks = tx.rows("SELECT id, kinds FROM webhook WHERE is_active = 1 ORDER BY id", &[])?;
    for row in webhooks {
        if wants(&kinds_of(row.text(1)?), kind) {
            let id = DeliveryId::next(tx)?;
            tx.run(
                "INSERT INTO delivery (id, webhook, event, state, attempts, due) \
                 VALUES ($1, $2, $3, 'waiting', 0, $4)",
                &[id.into(), row.int(0)?.into(), event.into(), micros(at).into()],
            )?;
        }
    }
    Ok(event)
}

/// Whose the alert, case or freeze is that an event tells of.
fn team_of(tx: &mut Tx<'_>, subject: &str) -> Result<Option<String>, CaseError> {
    let Some((kind, id)) = subject.split_once(':') else { return Ok(None) };
    let Ok(id) = id.parse::<i64>() else { return Ok(None) };
    let sql = match kind {
        "alert" => "SELECT team FROM alert WHERE id = $1",
        "case" => "SELECT team FROM case_file WHERE id = $1",
        "freeze" => {
            "SELECT c.team FROM freeze_request f JOIN case_file c ON c.id = f.case_id WHERE f.id = $1"
        }
        _ => return Ok(None),
    };
    let Some(row) = tx.row(sql, &[id.into()])? else { return Ok(None) };
    Ok(row.text_if(0)?.map(str::to_string))
}

fn kinds_of(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_string).collect()
}

fn wants(kinds: &[String], kind: &str) -> bool {
    let fits = |wanted: &String| match wanted.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => wanted == kind,
    };
    kinds.is_empty() || kinds.iter().any(fits)
}

/// What happened after an event, oldest first. From `EventId(0)` on, that is everything kept.
pub fn events_after(db: &Db, after: EventId, limit: usize) -> Result<Vec<Event>, CaseError> {
    let limit = i64::try_from(limit.min(1000)).unwrap_or(0);
    let rows = db.read(|tx| {
        tx.rows(
            "SELECT id, time, kind, subject, team, body FROM event WHERE id > $1 ORDER BY id LIMIT $2",
            &[after.into(), limit.into()],
        )
    })?;
    rows.iter().map(|row| event(row, 0)).collect()
}

/// The newest event: who listens from now on starts here.
pub fn last_event(db: &Db) -> Result<EventId, CaseError> {
    let row = db.read(|tx| tx.row("SELECT COALESCE(MAX(id), 0) FROM event", &[]))?;
    Ok(EventId(row.map_or(Ok(0), |row| row.int(0))?))
}

fn event(row: &Row, at: usize) -> Result<Event, CaseError> {
    Ok(Event {
        id: EventId(row.int(at)?),
        time: moment(row.int(at + 1)?)?,
        kind: row.text(at + 2)?.to_string(),
        subject: row.text(at + 3)?.to_string(),
        team: row.text_if(at + 4)?.map(str::to_string),
        body: check::read_json(row.text(at + 5)?)?,
    })
}

/// Removes events older than a time that no delivery waits for, with their finished deliveries.
pub fn forget(db: &Db, before: Timestamp) -> Result<u64, CaseError> {
    db.write(|tx| {
        let old = "SELECT id FROM event WHERE time < $1 AND NOT EXISTS \
                   (SELECT 1 FROM delivery WHERE delivery.event = event.id AND state <> 'delivered')";
        let before = [micros(before).into()];
        tx.run(
            &format!("DELETE FROM delivery WHERE state = 'delivered' AND event IN ({old})"),
            &before,
        )?;
        Ok(tx.run(&format!("DELETE FROM event WHERE id IN ({old})"), &before)?)
    })
}

pub fn add_webhook(db: &Db, by: &By, new: &NewWebhook) -> Result<WebhookId, CaseError> {
    check::said("url", &new.url, 2000)?;
    if !new.url.starts_with("https://") && !new.url.starts_with("http://") {
        return Err(CaseError::field("url", format!("{:?}", new.url), "https:// or http://"));
    }
    if new.secret.len() < 16 {
        let found = format!("{} bytes", new.secret.len());
        return Err(CaseError::field("secret", found, "at least 16 bytes"));
    }
    for kind in &new.kinds {
        check::said("kinds", kind, 100)?;
        if kind.contains(char::is_whitespace) {
            return Err(CaseError::field(
                "kinds",
                format!("{kind:?}"),
                "as alert.raised or alert.*",
            ));
        }
    }
    db.write(|tx| {
        let id = WebhookId::next(tx)?;
        tx.run(
            "INSERT INTO webhook (id, url, secret, kinds, is_active, created) \
             VALUES ($1, $2, $3, $4, 1, $5)",
            &[
                id.into(),
                new.url.as_str().into(),
                new.secret.as_slice().into(),
                new.kinds.join(" ").into(),
                micros(by.at).into(),
            ],
        )?;
        let payload = json!({ "url": new.url, "kinds": new.kinds });
        journal::append(tx, by, "webhook.added", &format!("webhook:{id}"), &payload)?;
        Ok(id)
    })
}

/// A webhook that was switched off gets no new deliveries, and its waiting ones wait.
pub fn switch_webhook(db: &Db, by: &By, id: WebhookId, is_active: bool) -> Result<(), CaseError> {
    db.write(|tx| {
        let met = tx.run(
            "UPDATE webhook SET is_active = $2 WHERE id = $1",
            &[id.into(), i64::from(is_active).into()],
        )?;
        if met == 0 {
            return Err(CaseError::missing("webhook", id));
        }
        let act = if is_active { "webhook.switched_on" } else { "webhook.switched_off" };
        journal::append(tx, by, act, &format!("webhook:{id}"), &json!({}))?;
        Ok(())
    })
}

pub fn webhooks(db: &Db) -> Result<Vec<Webhook>, CaseError> {
    let sql = "SELECT id, url, kinds, is_active, created FROM webhook ORDER BY id LIMIT 1000";
    let webhook = |row: &Row| {
        Ok(Webhook {
            id: WebhookId(row.int(0)?),
            url: row.text(1)?.to_string(),
            kinds: kinds_of(row.text(2)?),
            is_active: row.int(3)? == 1,
            created: moment(row.int(4)?)?,
        })
    };
    db.read(|tx| tx.rows(sql, &[]))?.iter().map(webhook).collect()
}

/// Hands out what is to be sent now, earliest first, and to nobody else for a minute.
pub fn due(db: &Db, now: Timestamp, limit: usize) -> Result<Vec<Due>, CaseError> {
    let limit = i64::try_from(limit.min(1000)).unwrap_or(0);
    let lease = micros(now.saturating_add(LEASE).unwrap_or(now));
    let sql = "SELECT d.id, d.webhook, d.attempts, w.url, w.secret, \
                      e.id, e.time, e.kind, e.subject, e.team, e.body \
               FROM delivery d JOIN webhook w ON w.id = d.webhook JOIN event e ON e.id = d.event \
               WHERE d.state = 'waiting' AND d.due <= $1 AND w.is_active = 1 \
               ORDER BY d.due, d.id LIMIT $2";
    // Most of the time nothing is due, and a write is not worth asking.
    let is_any = db.read(|tx| tx.row(sql, &[micros(now).into(), 1.into()]))?;
    if is_any.is_none() {
        return Ok(Vec::new());
    }
    db.write(|tx| {
        let rows = tx.rows(sql, &[micros(now).into(), limit.into()])?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            tx.run(
                "UPDATE delivery SET due = $2 WHERE id = $1",
                &[row.int(0)?.into(), lease.into()],
            )?;
            found.push(Due {
                delivery: DeliveryId(row.int(0)?),
                webhook: WebhookId(row.int(1)?),
                attempts: row.int(2)?,
                url: row.text(3)?.to_string(),
                secret: row.bytes(4)?.to_vec(),
                event: event(row, 5)?,
            });
        }
        Ok(found)
    })
}

/// The receiver took it.
pub fn delivered(db: &Db, id: DeliveryId, now: Timestamp) -> Result<(), CaseError> {
    db.write(|tx| {
        let met = tx.run(
            "UPDATE delivery SET state = 'delivered', attempts = attempts + 1, done = $2, problem = NULL \
             WHERE id = $1 AND state <> 'delivered'",
            &[id.into(), micros(now).into()],
        )?;
        // Told twice by two senders is as good as once.
        if met == 0 { state_of(tx, id).map(|_| ()) } else { Ok(()) }
    })
}

/// The receiver did not take it: it waits longer each time, and is dead after [`ATTEMPTS_MAX`].
pub fn failed(
    db: &Db,
    id: DeliveryId,
    now: Timestamp,
    problem: &str,
) -> Result<DeliveryState, CaseError> {
    let problem: String = problem.chars().filter(|c| *c != '\0').take(500).collect();
    db.write(|tx| {
        let (state, attempts) = state_of(tx, id)?;
        if state != DeliveryState::Waiting {
            return Ok(state);
        }
        let attempts = attempts + 1;
        let is_dead = attempts >= ATTEMPTS_MAX;
        let due = now.saturating_add(wait_after(attempts)).unwrap_or(now);
        let state = if is_dead { DeliveryState::Dead } else { DeliveryState::Waiting };
        tx.run(
            "UPDATE delivery SET state = $2, attempts = $3, due = $4, problem = $5 WHERE id = $1",
            &[
                id.into(),
                state.text().into(),
                attempts.into(),
                micros(due).into(),
                problem.as_str().into(),
            ],
        )?;
        Ok(state)
    })
}

/// 5 s, 10 s, 20 s, … up to 6 hours.
pub fn wait_after(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts - 1).ok().and_then(|by| WAIT_FIRST_S.checked_shl(by));
    let is_exact = attempts < 40;
    Duration::from_secs(doubled.filter(|_| is_exact).unwrap_or(WAIT_MAX_S).min(WAIT_MAX_S))
}

/// Tries a dead delivery again, from the first attempt.
pub fn revive(db: &Db, by: &By, id: DeliveryId) -> Result<(), CaseError> {
    db.write(|tx| {
        let (state, _) = state_of(tx, id)?;
        if state != DeliveryState::Dead {
            return Err(CaseError::state("delivery", id, state.text(), "dead"));
        }
        tx.run(
            "UPDATE delivery SET state = 'waiting', attempts = 0, due = $2 WHERE id = $1",
            &[id.into(), micros(by.at).into()],
        )?;
        journal::append(tx, by, "delivery.revived", &format!("delivery:{id}"), &json!({}))?;
        Ok(())
    })
}

fn state_of(tx: &mut Tx<'_>, id: DeliveryId) -> Result<(DeliveryState, i64), CaseError> {
    let row = tx.row("SELECT state, attempts FROM delivery WHERE id = $1", &[id.into()])?;
    let row = row.ok_or_else(|| CaseError::missing("delivery", id))?;
    Ok((row.text(0)?.parse()?, row.int(1)?))
}

/// The deliveries of a webhook, newest first.
pub fn deliveries(
    db: &Db,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    part: &Part,
) -> Result<Page<Delivery>, CaseError> {
    let after = part.after.map_or(i64::MAX, |cursor| cursor.id);
    let mut values: Vec<Value> = vec![webhook.into(), after.into(), part.fetch().into()];
    let mut of_state = "";
    if let Some(state) = state {
        of_state = "AND state = $4";
        values.push(state.text().into());
    }
    let sql = format!(
        "SELECT id, webhook, event, state, attempts, due, done, problem FROM delivery \
         WHERE webhook = $1 AND id < $2 {of_state} ORDER BY id DESC LIMIT $3"
    );
    let delivery = |row: &Row| {
        Ok(Delivery {
            id: DeliveryId(row.int(0)?),
            webhook: WebhookId(row.int(1)?),
            event: EventId(row.int(2)?),
            state: row.text(3)?.parse()?,
            attempts: row.int(4)?,
            due: moment(row.int(5)?)?,
            done: moment_if(row.int_if(6)?)?,
            problem: row.text_if(7)?.map(str::to_string),
        })
    };
    let rows = db.read(|tx| tx.rows(&sql, &values))?;
    let found = rows.iter().map(delivery).collect::<Result<_, CaseError>>()?;
    Ok(part.page(found, |delivery: &Delivery| Cursor { key: 0, id: delivery.id.0 }))
}

impl DeliveryState {
    pub fn text(self) -> &'static str {
        match self {
            DeliveryState::Waiting => "waiting",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Dead => "dead",
        }
    }
}

impl FromStr for DeliveryState {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<DeliveryState, CaseError> {
        [DeliveryState::Waiting, DeliveryState::Delivered, DeliveryState::Dead]
            .into_iter()
            .find(|state| state.text() == text)
            .ok_or_else(|| {
                CaseError::field("state", format!("{text:?}"), "waiting, delivered or dead")
            })
    }
}

impl fmt::Debug for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delivery {} of event {} to {}", self.delivery, self.event.id, self.url)
    }
}
