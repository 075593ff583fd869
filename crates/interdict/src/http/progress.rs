//! How long work goes, as it goes: server-sent events until it ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Serialize;
use serve::events::StreamPlace;
use serve::{App, Principal, Problem};
use utoipa::ToSchema;

use crate::cell::traces::{Outcome, Trace, Traces};

const EVERY: Duration = Duration::from_millis(250);
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProgressShown {
    pub id: u64,
    /// `running`, `done`, `cancelled` or `failed`.
    pub state: &'static str,
    pub begun: String,
    /// Questions to the past so far.
    pub questions: u64,
    /// Accounts that were asked for.
    pub accounts: u64,
    pub transfers: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ProgressShown {
    pub fn of(work: &Trace) -> ProgressShown {
        let count = |number: &std::sync::atomic::AtomicU64| number.load(Ordering::Relaxed);
        let (state, error) = match work.outcome() {
            Outcome::Running => ("running", None),
            Outcome::Done(_) => ("done", None),
            Outcome::Cancelled => ("cancelled", None),
            Outcome::Failed(why) => ("failed", Some(why)),
        };
        ProgressShown {
            id: work.id,
            state,
            begun: work.begun.to_string(),
            questions: count(&work.progress.questions),
            accounts: count(&work.progress.accounts),
            transfers: count(&work.progress.transfers),
            error,
        }
    }
}

/// One event of the stream, as it is read from it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands in the document only")]
pub struct ProgressEvent {
    /// `progress`, then `done`, `cancelled` or `failed`.
    event: String,
    /// [`ProgressShown`] as JSON.
    data: String,
}

/// Work that is remembered. A key sees its own; people see all.
pub fn find(
    works: &Traces,
    principal: &Principal,
    id: u64,
    what: &str,
) -> Result<Arc<Trace>, Problem> {
    let seen = |work: &Arc<Trace>| principal.role().is_some() || work.actor == principal.actor();
    let found = works.get(id).filter(seen);
    found.ok_or_else(|| Problem::not_found(format!("no such {what} is remembered")))
}

/// `progress` at once and whenever it got further; then `done`, `cancelled` or `failed`, and the end.
pub fn stream(
    app: &App,
    work: Arc<Trace>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Problem> {
    let place = StreamPlace::take(app)?;
    let stopping = app.stopping();
    let listener = Listener { work, stopping, said: None, is_over: false, _place: place };
    let stream = futures_util::stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)))
}

struct Listener {
    work: Arc<Trace>,
    stopping: tokio::sync::watch::Receiver<bool>,
    said: Option<ProgressShown>,
    is_over: bool,
    _place: StreamPlace,
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.is_over || *self.stopping.borrow() {
                return None;
            }
            let now = ProgressShown::of(&self.work);
            if self.said.as_ref() != Some(&now) {
                self.is_over = now.state != "running";
                let name = if self.is_over { now.state } else { "progress" };
                let data = serde_json::to_string(&now).unwrap_or_default();
                self.said = Some(now);
                return Some(Event::default().event(name).data(data));
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = self.stopping.changed() => return None,
            }
        }
    }
}
