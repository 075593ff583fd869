//! Deliveries: one event to one webhook, from waiting to taken or given up.
//!
//! Of each webhook one delivery is handed out at a time, the oldest that is due, so that a receiver sees
//! events in their order. One that fails pauses its webhook for as long as it waits itself, so the order
//! holds; once that is longer than [`Pace::pause_max`], the later ones go ahead, and a receiver that
//! refuses one event gets the others.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use model::Timestamp;
use serde_json::json;

use super::{DEAD, Event, event, subject_of, tell, webhooks};
use crate::act::{By, micros, moment, moment_if};
use crate::db::{Db, Row, Tx, Value};
use crate::error::CaseError;
use crate::ids::{DeliveryId, EventId, WebhookId};
use crate::journal;
use crate::page::{Cursor, Page, Part};
use crate::vault::{Vault, VaultError};

/// So many failures one after the other are no longer those of one event that is refused: with
/// [`Pace::default`] the others have gone ahead of it by then.
const AWAY: i64 = 8;

/// How long is waited, and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// So long nobody else is handed what [`due`] has handed out: longer than an attempt may take.
    pub lease: Duration,
    /// After the first failed attempt; after each further one twice as long,
    pub wait_first: Duration,
    /// and never longer.
    pub wait_max: Duration,
    /// The longest that a receiver who fails is left alone.
    pub pause_max: Duration,
    /// What fails when it is so old is dead.
    pub dead_after: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            lease: Duration::from_secs(60),
            wait_first: Duration::from_secs(5),
            wait_max: Duration::from_secs(3600),
            pause_max: Duration::from_secs(300),
            dead_after: Duration::from_secs(3 * 24 * 3600),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Waiting,
    Delivered,
    /// Given up; [`revive`] tries again.
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub event: EventId,
    /// Of the event.
    pub kind: String,
    pub state: DeliveryState,
    pub attempts: i64,
    /// When it is tried next.
    pub due: Timestamp,
    pub done: Option<Timestamp>,
    /// Why the last attempt failed.
    pub problem: Option<String>,
}

/// A delivery that is to be sent now, with all it takes.
#[derive(Clone, PartialEq, Eq)]
pub struct Due {
    pub delivery: DeliveryId,
    pub webhook: WebhookId,
    pub attempts: i64,
    pub url: String,
    pub event: Event,
    /// Sealed; the newest first.
    secrets: Vec<Vec<u8>>,
}

impl Due {
    /// What signs it, the newest first: each of them, so that a receiver knows either.
    pub fn secrets(&self, vault: &Vault) -> Result<Vec<Vec<u8>>, VaultError> {
        let place = webhooks::secret_place(self.webhook);
        self.secrets.iter().map(|sealed| vault.open(&place, sealed)).collect()
    }
}

/// Why an attempt failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failure {
    pub problem: String,
    /// The receiver asked not to be tried before.
    pub at_least: Option<Duration>,
    /// From 0 to 1: waits get longer by up to a quarter, so that not everything is tried at once again.
    pub jitter: f64,
}

/// How deliveries stand, for whoever watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub waiting: i64,
    pub dead: i64,
    /// Since when the oldest waits.
    pub oldest: Option<Timestamp>,
}

pub(super) fn add(
    tx: &mut Tx<'_>,
    webhook: WebhookId,
    event: EventId,
    at: Timestamp,
) -> Result<DeliveryId, CaseError> {
    let id = DeliveryId::next(tx)?;
    tx.run(
        "INSERT INTO delivery (id, webhook, event, state, attempts, due, since) \
         VALUES ($1, $2, $3, 'waiting', 0, $4, $4)",
        &[id.into(), webhook.into(), event.into(), micros(at).into()],
    )?;
    Ok(id)
}

/// Hands out what is to be sent now, one of each webhook, and to nobody else until the lease ends.
/// Webhooks that were not served longest come first.
pub fn due(db: &Db, now: Timestamp, limit: usize, pace: &Pace) -> Result<Vec<Due>, CaseError> {
    let limit = i64::try_from(limit.min(1000)).unwrap_or(0);
    let lease = micros(now.saturating_add(pace.lease).unwrap_or(now));
    let sql = "SELECT d.id, w.id, d.attempts, w.url, w.secret, w.secret_before, w.secret_before_until, \
                      e.id, e.time, e.kind, e.subject, e.team, e.body \
               FROM webhook w \
               JOIN delivery d ON d.id = (SELECT MIN(o.id) FROM delivery o \
                   WHERE o.webhook = w.id AND o.state = 'waiting' AND o.due <= $1) \
               JOIN event e ON e.id = d.event \
               WHERE w.is_active = 1 AND w.paused_until <= $1 AND w.leased_until <= $1 \
               ORDER BY w.leased_until, w.id LIMIT $2";
    // Most of the time nothing is due, and a write is not worth asking.
    if db.read(|tx| tx.row(sql, &[micros(now).into(), 1.into()]))?.is_none() {
        return Ok(Vec::new());
    }
    db.write(|tx| {
        let rows = tx.rows(sql, &[micros(now).into(), limit.into()])?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let values = [row.int(1)?.into(), lease.into()];
            tx.run("UPDATE webhook SET leased_until = $2 WHERE id = $1", &values)?;
            found.push(of_due(row, now)?);
        }
        Ok(found)
    })
}

fn of_due(row: &Row, now: Timestamp) -> Result<Due, CaseError> {
    let mut secrets = vec![row.bytes(4)?.to_vec()];
    let is_valid = row.int_if(6)?.is_some_and(|until| until > micros(now));
    if let Some(before) = row.bytes_if(5)?.filter(|_| is_valid) {
        secrets.push(before.to_vec());
    }
    Ok(Due {
        delivery: DeliveryId(row.int(0)?),
        webhook: WebhookId(row.int(1)?),
        attempts: row.int(2)?,
        url: row.text(3)?.to_string(),
        event: event(row, 7)?,
        secrets,
    })
}

/// The receiver took it.
pub fn delivered(db: &Db, id: DeliveryId, now: Timestamp) -> Result<(), CaseError> {
    db.write(|tx| {
        let held = held(tx, id)?;
        // Told twice by two senders is as good as once.
        if held.state != DeliveryState::Delivered {
            tx.run(
                "UPDATE delivery SET state = 'delivered', attempts = attempts + 1, done = $2, \
                 problem = NULL WHERE id = $1",
                &[id.into(), micros(now).into()],
            )?;
        }
        if held.failures >= AWAY {
            // It was away for everything: what waits for it is tried at once.
            tx.run(
                "UPDATE delivery SET due = $2 WHERE webhook = $1 AND state = 'waiting' AND due > $2",
                &[held.webhook.into(), micros(now).into()],
            )?;
        }
        tx.run(
            "UPDATE webhook SET failures = 0, paused_until = 0, leased_until = $2 WHERE id = $1",
            &[held.webhook.into(), micros(now).into()],
        )?;
        Ok(())
    })
}

/// The receiver did not take it: it waits longer each time, and is dead when it is too old. That is
/// told, and stands in the journal.
pub fn failed(
    db: &Db,
    id: DeliveryId,
    now: Timestamp,
    failure: &Failure,
    pace: &Pace,
) -> Result<DeliveryState, CaseError> {
    let problem: String = failure.problem.chars().filter(|c| *c != '\0').take(500).collect();
    db.write(|tx| {
        let held = held(tx, id)?;
        if held.state != DeliveryState::Waiting {
            return Ok(held.state);
        }
        let attempts = held.attempts + 1;
        let age = u64::try_from(micros(now).saturating_sub(held.since)).unwrap_or(0);
        let is_dead = Duration::from_micros(age) >= pace.dead_after;
        let state = if is_dead { DeliveryState::Dead } else { DeliveryState::Waiting };
        tx.run(
            "UPDATE delivery SET state = $2, attempts = $3, due = $4, problem = $5 WHERE id = $1",
            &[
                id.into(),
                state.text().into(),
                attempts.into(),
                after(now, failure, wait_after(pace, attempts)).into(),
                problem.as_str().into(),
            ],
        )?;
        let pause = wait_after(pace, held.failures + 1).min(pace.pause_max);
        tx.run(
            "UPDATE webhook SET failures = failures + 1, paused_until = $2, leased_until = $3 \
             WHERE id = $1",
            &[held.webhook.into(), after(now, failure, pause).into(), micros(now).into()],
        )?;
        if is_dead {
            say_dead(tx, id, &held, attempts, now, &problem)?;
        }
        Ok(state)
    })
}

fn after(now: Timestamp, failure: &Failure, wait: Duration) -> i64 {
    let wait = wait.mul_f64(1.0 + failure.jitter.clamp(0.0, 1.0) / 4.0);
    let wait = wait.max(failure.at_least.unwrap_or_default());
    micros(now.saturating_add(wait).unwrap_or(now))
}

/// Twice as long after each attempt.
pub fn wait_after(pace: &Pace, attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(40);
    let factor = 2_u32.checked_pow(doublings);
    let wait = factor.and_then(|factor| pace.wait_first.checked_mul(factor));
    wait.unwrap_or(pace.wait_max).min(pace.wait_max)
}

fn say_dead(
    tx: &mut Tx<'_>,
    id: DeliveryId,
    held: &Held,
    attempts: i64,
    now: Timestamp,
    problem: &str,
) -> Result<(), CaseError> {
    let body = json!({
        "webhook": held.webhook, "delivery": id, "event": held.event, "kind": held.kind,
        "attempts": attempts, "problem": problem,
    });
    let subject = subject_of(held.webhook);
    journal::append(tx, &By::new("system", now), "delivery.dead", &subject, &body)?;
    // That such news itself did not arrive is not news: it would go round for ever.
    if !held.kind.starts_with("webhook.") {
        tell(tx, now, DEAD, &subject, &body)?;
    }
    Ok(())
}

/// Sends a delivery again, whatever became of it, from the first attempt.
pub fn revive(db: &Db, by: &By, webhook: WebhookId, id: DeliveryId) -> Result<Delivery, CaseError> {
    db.write(|tx| {
        let of = webhooks::one(tx, webhook)?;
        let before = one(tx, webhook, id)?;
        if !of.is_active {
            return Err(CaseError::state("webhook", webhook, "switched off", "switched on"));
        }
        tx.run(
            "UPDATE delivery SET state = 'waiting', attempts = 0, due = $2, since = $2, done = NULL \
             WHERE id = $1",
            &[id.into(), micros(by.at).into()],
        )?;
        tx.run("UPDATE webhook SET paused_until = 0 WHERE id = $1", &[webhook.into()])?;
        let payload = json!({ "delivery": id, "was": before.state });
        journal::append(tx, by, "delivery.revived", &subject_of(webhook), &payload)?;
        one(tx, webhook, id)
    })
}

/// What is known of a delivery while it is marked.
struct Held {
    webhook: WebhookId,
    event: EventId,
    kind: String,
    state: DeliveryState,
    attempts: i64,
    since: i64,
    failures: i64,
}

fn held(tx: &mut Tx<'_>, id: DeliveryId) -> Result<Held, CaseError> {
    let row = tx.row(
        "SELECT d.webhook, d.event, e.kind, d.state, d.attempts, d.since, w.failures FROM delivery d \
         JOIN webhook w ON w.id = d.webhook JOIN event e ON e.id = d.event WHERE d.id = $1",
        &[id.into()],
    )?;
    let row = row.ok_or_else(|| CaseError::missing("delivery", id))?;
    Ok(Held {
        webhook: WebhookId(row.int(0)?),
        event: EventId(row.int(1)?),
        kind: row.text(2)?.to_string(),
        state: row.text(3)?.parse()?,
        attempts: row.int(4)?,
        since: row.int(5)?,
        failures: row.int(6)?,
    })
}

const COLUMNS: &str = "SELECT d.id, d.webhook, d.event, e.kind, d.state, d.attempts, d.due, d.done, \
                       d.problem FROM delivery d JOIN event e ON e.id = d.event";

fn of(row: &Row) -> Result<Delivery, CaseError> {
    Ok(Delivery {
        id: DeliveryId(row.int(0)?),
        webhook: WebhookId(row.int(1)?),
        event: EventId(row.int(2)?),
        kind: row.text(3)?.to_string(),
        state: row.text(4)?.parse()?,
        attempts: row.int(5)?,
        due: moment(row.int(6)?)?,
        done: moment_if(row.int_if(7)?)?,
        problem: row.text_if(8)?.map(str::to_string),
    })
}

fn one(tx: &mut Tx<'_>, webhook: WebhookId, id: DeliveryId) -> Result<Delivery, CaseError> {
    let sql = format!("{COLUMNS} WHERE d.webhook = $1 AND d.id = $2");
    let row = tx.row(&sql, &[webhook.into(), id.into()])?;
    of(&row.ok_or_else(|| CaseError::missing("delivery", id))?)
}

pub fn delivery(db: &Db, webhook: WebhookId, id: DeliveryId) -> Result<Delivery, CaseError> {
    db.read(|tx| one(tx, webhook, id))
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
        of_state = "AND d.state = $4";
        values.push(state.text().into());
    }
    let sql = format!(
        "{COLUMNS} WHERE d.webhook = $1 AND d.id < $2 {of_state} ORDER BY d.id DESC LIMIT $3"
    );
    let rows = db.read(|tx| tx.rows(&sql, &values))?;
    let found = rows.iter().map(of).collect::<Result<_, CaseError>>()?;
    Ok(part.page(found, |delivery: &Delivery| Cursor { key: 0, id: delivery.id.0 }))
}

/// How many wait and how many are dead, of all webhooks.
pub fn standing(db: &Db) -> Result<Standing, CaseError> {
    let sql = "SELECT state, COUNT(*), MIN(since) FROM delivery WHERE state <> 'delivered' \
               GROUP BY state LIMIT 10";
    let mut standing = Standing::default();
    for row in db.read(|tx| tx.rows(sql, &[]))? {
        match row.text(0)?.parse()? {
            DeliveryState::Waiting => {
                standing.waiting = row.int(1)?;
                standing.oldest = moment_if(row.int_if(2)?)?;
            }
            DeliveryState::Dead => standing.dead = row.int(1)?,
            DeliveryState::Delivered => {}
        }
    }
    Ok(standing)
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
