//! Sends what casework's outbox has due to webhooks.
//!
//! ```text
//! outbox ── due ──► sender ── POST, signed ──► receiver
//!    ▲                │
//!    └─ delivered, or failed until when ◄──────┘
//! ```
//!
//! Nothing of it is held in memory alone: whoever is killed in the middle has at most sent something twice,
//! under the same `Interdict-Delivery`. Some receivers are served at once, each with one event at a time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use case::CaseError;
use case::check;
use case::db::Db;
use case::outbox::{self, DeliveryState, Due, Failure, Pace};
use case::vault::Vault;
use model::Timestamp;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::{Bounds, Client, ClientError};
use crate::reach::Reach;
use crate::sign;

/// How it is sent.
#[derive(Clone, Copy, Debug)]
pub struct SenderSettings {
    pub reach: Reach,
    /// Receivers served at once.
    pub at_once: usize,
    /// One attempt may take so long.
    pub timeout: Duration,
    /// How often the outbox is asked for what is due.
    pub look_every: Duration,
    /// Events are forgotten when they are so old and nobody waits for them.
    pub keep: Duration,
    pub pace: Pace,
}

impl Default for SenderSettings {
    fn default() -> SenderSettings {
        SenderSettings {
            reach: Reach::default(),
            at_once: 16,
            timeout: Duration::from_secs(10),
            look_every: Duration::from_millis(250),
            keep: Duration::from_secs(90 * 24 * 3600),
            pace: Pace::default(),
        }
    }
}

/// What is worth a line in the log. Without addresses: a key may stand in one.
pub enum Said<'a> {
    /// An attempt failed; dead if it was the last.
    Failed { due: &'a Due, problem: &'a str, is_dead: bool },
    /// Ours: casework could not be asked or told.
    Casework(&'a CaseError),
}

type Say = Arc<dyn Fn(Said<'_>) + Send + Sync>;

pub struct Sender {
    db: Arc<Db>,
    vault: Arc<Vault>,
    client: Client,
    settings: SenderSettings,
    counts: Arc<Counts>,
    say: Say,
}

/// What is counted, for Prometheus.
#[derive(Debug, Default)]
pub struct Counts {
    delivered: AtomicU64,
    failed: AtomicU64,
    died: AtomicU64,
    waiting: AtomicI64,
    dead: AtomicI64,
    oldest_s: AtomicI64,
}

/// How deliveries stand is asked anew so often.
const STANDING_EVERY: Duration = Duration::from_secs(5);
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// A receiver cannot ask for a longer wait than that.
const ASKED_WAIT_MAX: Duration = Duration::from_secs(3600);

impl Sender {
    pub fn new(
        db: Arc<Db>,
        vault: Arc<Vault>,
        settings: SenderSettings,
        say: impl Fn(Said<'_>) + Send + Sync + 'static,
    ) -> Result<Sender, ClientError> {
        let timeout = settings.timeout;
        let bounds = Bounds {
            connect: timeout.min(Duration::from_secs(5)),
            total: timeout,
            body_max: 64 << 10,
        };
        let client = Client::new(settings.reach, bounds)?;
        // Whoever was handed something has said how it went before another is handed it.
        let lease = settings.pace.lease.max(timeout * 2);
        let settings = SenderSettings { pace: Pace { lease, ..settings.pace }, ..settings };
        Ok(Sender { db, vault, client, settings, counts: Arc::default(), say: Arc::new(say) })
    }

    pub fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    /// Sends until it is told to stop; what is under way then is ended first.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let sender = Arc::new(self);
        let (mut looked, mut forgot): (Option<Instant>, Option<Instant>) = (None, None);
        let mut under_way = JoinSet::new();
        while !*stop.borrow() {
            if looked.is_none_or(|at| at.elapsed() > STANDING_EVERY) {
                sender.stand().await;
                looked = Some(Instant::now());
            }
            if forgot.is_none_or(|at| at.elapsed() > FORGET_EVERY) {
                sender.forget().await;
                forgot = Some(Instant::now());
            }
            let free = sender.settings.at_once.max(1) - under_way.len();
            let due = sender.due(free).await;
            let is_all = due.len() < free;
            for due in due {
                let sender = sender.clone();
                under_way.spawn(async move { sender.deliver(due).await });
            }
            // A receiver that has taken one may have more due.
            tokio::select! {
                Some(_) = under_way.join_next() => {}
                () = tokio::time::sleep(sender.settings.look_every), if is_all => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn due(&self, free: usize) -> Vec<Due> {
        if free == 0 {
            return Vec::new();
        }
        let pace = self.settings.pace;
        let due = self.casework(move |db| outbox::due(db, Timestamp::now(), free, &pace)).await;
        due.unwrap_or_default()
    }

    /// Nothing: it failed, and that was said.
    async fn casework<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Db) -> Result<T, CaseError> + Send + 'static,
    ) -> Option<T> {
        let db = self.db.clone();
        match tokio::task::spawn_blocking(move || ask(&db)).await {
            Ok(Ok(answer)) => Some(answer),
            // A webhook that was removed meanwhile.
            Ok(Err(CaseError::Missing { .. })) | Err(_) => None,
            Ok(Err(error)) => {
                (self.say)(Said::Casework(&error));
                None
            }
        }
    }

    async fn forget(&self) {
        let before = Timestamp::now().checked_sub(self.settings.keep);
        if let Ok(before) = before {
            self.casework(move |db| outbox::forget(db, before)).await;
        }
    }

    async fn stand(&self) {
        let Some(standing) = self.casework(outbox::standing).await else { return };
        let counts = &self.counts;
        counts.waiting.store(standing.waiting, Ordering::Relaxed);
        counts.dead.store(standing.dead, Ordering::Relaxed);
        let now_s = Timestamp::now().as_second();
        let age_s = standing.oldest.map_or(0, |at| now_s.saturating_sub(at.as_second()));
        counts.oldest_s.store(age_s, Ordering::Relaxed);
    }

    async fn deliver(&self, due: Due) {
        let id = due.delivery;
        match self.attempt(&due).await {
            Ok(()) => {
                self.counts.delivered.fetch_add(1, Ordering::Relaxed);
                self.casework(move |db| outbox::delivered(db, id, Timestamp::now())).await;
            }
            Err(failure) => self.fail(&due, failure).await,
        }
    }

    async fn fail(&self, due: &Due, failure: Failure) {
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        let (id, pace, problem) = (due.delivery, self.settings.pace, failure.problem.clone());
        let failed = move |db: &Db| outbox::failed(db, id, Timestamp::now(), &failure, &pace);
        let is_dead = self.casework(failed).await == Some(DeliveryState::Dead);
        if is_dead {
            self.counts.died.fetch_add(1, Ordering::Relaxed);
        }
        (self.say)(Said::Failed { due, problem: &problem, is_dead });
    }

    async fn attempt(&self, due: &Due) -> Result<(), Failure> {
        let failure = |problem: String, at_least| Failure { problem, at_least, jitter: jitter() };
        let secrets = due.secrets(&self.vault);
        let secrets = secrets.map_err(|error| failure(format!("its secret: {error}"), None))?;
        let body = check::canonical(&body(due)).into_bytes();
        let signature = sign::header(&secrets, Timestamp::now().as_second(), &body);
        let id = due.delivery.to_string();
        let headers = [
            ("content-type", "application/json"),
            ("interdict-signature", signature.as_str()),
            ("interdict-event", due.event.kind.as_str()),
            ("interdict-delivery", id.as_str()),
        ];
        let answer = self.client.tell(&due.url, &headers, body).await;
        let answer = answer.map_err(|error| failure(error.to_string(), None))?;
        if answer.status.is_success() {
            return Ok(());
        }
        let mut problem = format!("HTTP status {}", answer.status);
        if answer.status.is_redirection() {
            problem.push_str(": a redirect is not followed");
        }
        Err(failure(problem, answer.retry_after.map(|wait| wait.min(ASKED_WAIT_MAX))))
    }
}

/// What the receiver reads: `{id, kind, at, data}`. Equal events are equal bytes, however often they are sent.
pub fn body(due: &Due) -> Json {
    let event = &due.event;
    let mut data = match &event.body {
        Json::Object(fields) => fields.clone(),
        other => serde_json::Map::from_iter([("body".to_string(), other.clone())]),
    };
    data.insert("subject".into(), event.subject.clone().into());
    json!({ "id": event.id, "kind": event.kind, "at": event.time, "data": data })
}

fn jitter() -> f64 {
    let mut byte = [0];
    // Without random bytes all wait equally long, which harms nobody.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}

impl Counts {
    /// In the text format of Prometheus.
    pub fn write(&self, text: &mut String) {
        use fmt::Write;
        let counted = |count: &AtomicU64| count.load(Ordering::Relaxed).to_string();
        let stands = |count: &AtomicI64| count.load(Ordering::Relaxed).to_string();
        let rows = [
            ("delivered_total", "counter", "Events taken by receivers.", counted(&self.delivered)),
            ("failed_total", "counter", "Attempts that failed.", counted(&self.failed)),
            ("given_up_total", "counter", "Deliveries given up.", counted(&self.died)),
            ("waiting", "gauge", "Deliveries that wait.", stands(&self.waiting)),
            ("dead", "gauge", "Deliveries given up and not sent again.", stands(&self.dead)),
            (
                "oldest_waiting_seconds",
                "gauge",
                "Age of the oldest that waits.",
                stands(&self.oldest_s),
            ),
        ];
        for (name, kind, help, value) in rows {
            let name = format!("interdict_webhook_{name}");
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
    }
}
