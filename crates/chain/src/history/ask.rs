//! Questions to a provider: at its pace, within the budget, without showing a key.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use model::Chain;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::http::{Bounds, Http};
use crate::source::{Kind, Lie, Limits, Pace, SourceError};

/// A question to a provider that was not answered well.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// As many requests were made as may be.
    #[error("the budget of requests is used up")]
    Budget,
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// How to reach a provider, and how hard it may be asked.
#[derive(Clone, Debug)]
pub struct Options {
    pub url: String,
    pub chain: Chain,
    pub key: Option<Key>,
    /// Requests a second at most; 0 for no bound.
    pub per_second: u32,
    pub bounds: Bounds,
    pub limits: Limits,
    /// Blocks that must stand on a block before it is taken for final.
    pub confirmations: u64,
    /// Shared by all providers of one trace.
    pub budget: Arc<Budget>,
}

/// A provider's key. It is sent and never shown.
#[derive(Clone)]
pub struct Key(String);

/// So many requests, whoever makes them.
#[derive(Debug)]
pub struct Budget {
    left: AtomicU64,
    made: AtomicU64,
}

/// Where a provider wants its key.
#[derive(Clone, Copy, Debug)]
pub enum KeyIn {
    Query(&'static str),
    Header(&'static str),
}

/// In an address: the key stands here, and nowhere else.
pub const KEY_IN_URL: &str = "{key}";

/// What an answer with a good status may yet say: that it is none.
pub type Judge = fn(&Value) -> Option<Kind>;

/// One provider, asked.
pub struct Asker {
    http: Http,
    pace: Pace,
    turn: Turn,
    budget: Arc<Budget>,
    chain: Chain,
    key: Option<Key>,
    /// To append to a path.
    key_query: Option<String>,
    judge: Judge,
}

impl Options {
    pub fn new(url: impl Into<String>, chain: Chain, budget: Arc<Budget>) -> Options {
        Options {
            url: url.into(),
            chain,
            key: None,
            per_second: 4,
            bounds: Bounds { body_max: 64 << 20, ..Bounds::default() },
            limits: Limits { at_once_max: 4, ..Limits::default() },
            confirmations: confirmations(chain),
            budget,
        }
    }
}

/// Usual depths at which exchanges credit: a deeper reorganisation is an event.
fn confirmations(chain: Chain) -> u64 {
    match chain {
        Chain::Bitcoin(_) => 6,
        Chain::Evm(_) => 64,
        // Both say themselves what is final.
        Chain::Tron(_) | Chain::Solana(_) => 0,
    }
}

impl Key {
    /// None from blanks alone.
    pub fn new(text: &str) -> Option<Key> {
        let text = text.trim();
        (!text.is_empty()).then(|| Key(text.to_string()))
    }

    /// As it stands in a query.
    pub(crate) fn in_query(&self) -> String {
        escaped(&self.0)
    }

    fn hide(&self, text: &str) -> String {
        text.replace(&self.0, "…")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Budget {
    pub fn new(requests: u64) -> Arc<Budget> {
        Arc::new(Budget { left: AtomicU64::new(requests), made: AtomicU64::new(0) })
    }

    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub fn is_used_up(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    fn take(&self, count: u64) -> bool {
        let take = |left: u64| left.checked_sub(count);
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        self.made.fetch_add(if taken { count } else { 0 }, Ordering::Relaxed);
        taken
    }
}

impl Asker {
    pub fn new(options: &Options, key_in: KeyIn, judge: Judge) -> Result<Asker, SourceError> {
        let in_url = options.key.as_ref().filter(|_| options.url.contains(KEY_IN_URL));
        let url = match in_url {
            Some(key) => options.url.replace(KEY_IN_URL, &escaped(&key.0)),
            None => options.url.clone(),
        };
        let mut http = Http::new(&url, options.bounds)?;
        let mut key_query = None;
        if let Some(key) = options.key.as_ref().filter(|_| in_url.is_none()) {
            match key_in {
                KeyIn::Header(name) => http = http.with_header(name, &key.0)?,
                KeyIn::Query(name) => key_query = Some(format!("{name}={}", escaped(&key.0))),
            }
        }
        Ok(Asker {
            http,
            pace: Pace::new(options.limits),
            turn: Turn::new(options.per_second),
            budget: options.budget.clone(),
            chain: options.chain,
            key: options.key.clone(),
            key_query,
            judge,
        })
    }

    /// As it may be shown.
    pub fn host(&self) -> &str {
        self.http.node()
    }

    /// An answer in JSON to a GET. `method` names the question in errors.
    pub async fn get(&self, method: &'static str, path: &str) -> Result<Value, HistoryError> {
        let path = match &self.key_query {
            None => path.to_string(),
            Some(key) => format!("{path}{}{key}", if path.contains('?') { '&' } else { '?' }),
        };
        self.ask(method, 1, || async { json(&self.http, self.http.get(&path).await?) }).await
    }

    /// A line of plain text.
    pub async fn text(&self, method: &'static str, path: &str) -> Result<String, HistoryError> {
        let value = self.ask(method, 1, || async {
            let text = String::from_utf8_lossy(&self.http.get(path).await?).trim().to_string();
            Ok(Value::String(text))
        });
        Ok(value.await?.as_str().unwrap_or_default().to_string())
    }

    /// An answer in JSON to a POST. A list asks as many questions as it has elements.
    pub async fn post(
        &self,
        method: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Value, HistoryError> {
        let count = body.as_array().map_or(1, |list| list.len() as u64);
        let path = match &self.key_query {
            None => path.to_string(),
            Some(key) => format!("{path}?{key}"),
        };
        let ask = || async { json(&self.http, self.http.post_to(&path, body.to_string()).await?) };
        self.ask(method, count, ask).await
    }

    /// The answer is not what it must be.
    pub fn lie(&self, method: &'static str, what: impl Into<String>) -> HistoryError {
        let what = self.shown(&what.into());
        let lie = Kind::from(Lie::Impossible(what));
        SourceError::new(self.host(), lie).on(self.chain).asking(method).into()
    }

    pub fn error(&self, method: &'static str, kind: Kind) -> HistoryError {
        SourceError::new(self.host(), self.clean(kind)).on(self.chain).asking(method).into()
    }

    async fn ask<F>(
        &self,
        method: &'static str,
        count: u64,
        mut question: impl FnMut() -> F,
    ) -> Result<Value, HistoryError>
    where
        F: Future<Output = Result<Value, SourceError>>,
    {
        let ended = AtomicBool::new(false);
        let answer = self.pace.ask(|| {
            let may = self.budget.take(count);
            ended.store(!may, Ordering::Relaxed);
            let question = may.then(&mut question);
            async move {
                let refused = || SourceError::new(self.host(), Kind::Refused("budget".into()));
                let question = question.ok_or_else(refused)?;
                self.turn.wait(count).await;
                let value = question.await?;
                match (self.judge)(&value) {
                    None => Ok(value),
                    Some(kind) => Err(SourceError::new(self.host(), kind)),
                }
            }
        });
        match answer.await {
            Ok(value) => Ok(value),
            Err(_) if ended.load(Ordering::Relaxed) => Err(HistoryError::Budget),
            Err(error) => {
                let kind = self.clean(error.kind);
                Err(SourceError { kind, ..error }.on(self.chain).asking(method).into())
            }
        }
    }

    /// What a provider said may hold the key it was sent, or fill a screen.
    fn clean(&self, kind: Kind) -> Kind {
        match kind {
            Kind::Transient(what) => Kind::Transient(self.shown(&what)),
            // Plain text, from providers that say so of what they do not know.
            Kind::Refused(what) if what.starts_with("HTTP status 404") => Kind::NotFound,
            Kind::Refused(what) => Kind::Refused(self.shown(&what)),
            Kind::NoMethod(what) => Kind::NoMethod(self.shown(&what)),
            other => other,
        }
    }

    fn shown(&self, text: &str) -> String {
        const CHARS_MAX: usize = 200;
        let text = match &self.key {
            Some(key) => key.hide(text),
            None => text.to_string(),
        };
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CHARS_MAX).collect()
    }
}

fn json(http: &Http, body: Vec<u8>) -> Result<Value, SourceError> {
    serde_json::from_slice(&body).map_err(|e| {
        let what = format!("line {}, column {}", e.line(), e.column());
        SourceError::new(http.node(), Kind::from(Lie::NotJson(what)))
    })
}

/// A value within a query (RFC 3986).
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// One request after another, so far apart.
struct Turn {
    gap: Duration,
    next: Mutex<Option<Instant>>,
}

impl Turn {
    fn new(per_second: u32) -> Turn {
        let gap = Duration::from_secs(1).checked_div(per_second).unwrap_or_default();
        Turn { gap, next: Mutex::new(None) }
    }

    /// For one question or several at once, which then make the next ones wait.
    async fn wait(&self, count: u64) {
        if self.gap.is_zero() {
            return;
        }
        let at = {
            let mut next = self.next.lock().await;
            let now = Instant::now();
            let at = next.map_or(now, |next| next.max(now));
            *next = Some(at + self.gap.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX)));
            at
        };
        tokio::time::sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = Key::new(" s3cret\n").expect("a key");
        assert_eq!(format!("{key:?}"), "Key(…)");
        assert_eq!(key.hide("Invalid API Key s3cret"), "Invalid API Key …");
        assert!(Key::new(" \n").is_none());
    }

    #[test]
    fn a_query_is_one_value() {
        assert_eq!(escaped("a b&c=d/é"), "a%20b%26c%3Dd%2F%C3%A9");
    }

    #[test]
    fn a_budget_ends() {
        let budget = Budget::new(2);
        assert!(!budget.take(3), "several at once are all made, or none");
        assert!(budget.take(1) && budget.take(1) && !budget.take(1));
        assert_eq!(budget.made(), 2);
        assert!(budget.is_used_up());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_so_far_apart() {
        let turn = Turn::new(4);
        let start = Instant::now();
        for _ in 0..5 {
            turn.wait(1).await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }
}
