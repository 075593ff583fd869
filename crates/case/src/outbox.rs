//! What others are told: events, written in the transaction of what caused them.
//!
//! Listeners of the event stream read on from the last event they saw ([`events_after`]). Each active
//! webhook that wants an event's kind, and may see whose it is, gets a delivery of it, which is [`due`]
//! until the receiver took it ([`delivered`]) or it [`failed`] for too long and is dead, where a person
//! sees it. Whoever crashes between sending and saying so sends again: at least once, never less.

mod deliveries;
mod webhooks;

use model::Timestamp;
use serde_json::Value as Json;

pub use deliveries::{
    Delivery, DeliveryState, Due, Failure, Pace, Standing, delivered, deliveries, delivery, due,
    failed, revive, standing, wait_after,
};
pub use webhooks::{
    NewWebhook, Webhook, WebhookChange, add_webhook, change_webhook, remove_webhook, rotate_secret,
    secret_place, test_webhook, webhook, webhooks,
};

use crate::act::{micros, moment};
use crate::check;
use crate::db::{Db, Migration, Row, Tx};
use crate::error::CaseError;
use crate::ids::{EventId, WebhookId};

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
", "
    ALTER TABLE webhook ADD COLUMN description TEXT NOT NULL DEFAULT '';
    ALTER TABLE webhook ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE webhook ADD COLUMN sees TEXT;
    ALTER TABLE webhook ADD COLUMN secret_before BLOB;
    ALTER TABLE webhook ADD COLUMN secret_before_until BIGINT;
    ALTER TABLE webhook ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE webhook ADD COLUMN paused_until BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE webhook ADD COLUMN leased_until BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE delivery ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
    UPDATE delivery SET since = COALESCE((SELECT time FROM event WHERE event.id = delivery.event), due);
    CREATE INDEX delivery_waiting ON delivery (webhook, state, id)
"];

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

/// Tells of something, in the transaction that causes it.
pub fn tell(
    tx: &mut Tx<'_>,
    at: Timestamp,
    kind: &str,
    subject: &str,
    body: &Json,
) -> Result<EventId, CaseError> {
    let event = write_event(tx, at, kind, subject, body)?;
    let sql = "SELECT id, kinds, sees FROM webhook WHERE is_active = 1 ORDER BY id";
    let mut team = None;
    for row in tx.rows(sql, &[])? {
        let webhook = WebhookId(row.int(0)?);
        // Who cannot be reached need not be told so.
        let is_of_itself = kind == DEAD && subject == subject_of(webhook);
        if is_of_itself || !wants(&webhooks::words(row.text(1)?), kind) {
            continue;
        }
        if let Some(sees) = row.text_if(2)? {
            let team = match &team {
                Some(team) => team,
                None => team.insert(team_of(tx, subject)?),
            };
            let is_seen = team.as_ref().is_none_or(|team| webhooks::words(sees).contains(team));
            if !is_seen {
                continue;
            }
        }
        deliveries::add(tx, webhook, event, at)?;
    }
    Ok(event)
}

/// A delivery was given up.
pub const DEAD: &str = "webhook.dead";
/// Sent because somebody wants to see whether it arrives.
pub const TEST: &str = "webhook.test";

fn write_event(
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
    Ok(event)
}

fn subject_of(webhook: WebhookId) -> String {
    format!("webhook:{webhook}")
}

fn wants(kinds: &[String], kind: &str) -> bool {
    let fits = |wanted: &String| match wanted.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => wanted == kind,
    };
    kinds.is_empty() || kinds.iter().any(fits)
}

/// Whose it is: the team of the alert or case that it tells of.
fn team_of(tx: &mut Tx<'_>, subject: &str) -> Result<Option<String>, CaseError> {
    let Some((what, id)) = subject.split_once(':') else { return Ok(None) };
    let Ok(id) = id.parse::<i64>() else { return Ok(None) };
    let sql = match what {
        "alert" => "SELECT team FROM alert WHERE id = $1",
        "case" => "SELECT team FROM case_file WHERE id = $1",
        "freeze" => {
            "SELECT c.team FROM case_file c JOIN freeze_request f ON f.case_id = c.id WHERE f.id = $1"
        }
        // Whose webhooks do not arrive is for administrators.
        "webhook" => return Ok(Some(NOBODYS.into())),
        _ => return Ok(None),
    };
    match tx.row(sql, &[id.into()])? {
        Some(row) => Ok(row.text_if(0)?.map(str::to_string)),
        None => Ok(Some(NOBODYS.into())),
    }
}

/// A team that nobody is in.
const NOBODYS: &str = "";

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

/// Removes events older than a time that no delivery waits for, with deliveries taken or given up.
pub fn forget(db: &Db, before: Timestamp) -> Result<u64, CaseError> {
    db.write(|tx| {
        let old = "SELECT id FROM event WHERE time < $1 AND NOT EXISTS \
                   (SELECT 1 FROM delivery WHERE delivery.event = event.id AND state = 'waiting')";
        let before = [micros(before).into()];
        tx.run(&format!("DELETE FROM delivery WHERE event IN ({old})"), &before)?;
        Ok(tx.run(&format!("DELETE FROM event WHERE id IN ({old})"), &before)?)
    })
}
