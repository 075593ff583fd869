//! Events as they happen: a stream that a listener takes up again where it broke.
//!
//! Events lie in the outbox of casework, numbered. One task asks it for what is new and wakes the
//! listeners; each reads on from the last number it sent, so that a slow one misses nothing and holds
//! up nobody. A listener that was away sends `Last-Event-ID` and gets what it missed first.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::sse::{self, KeepAlive, Sse};
use case::EventId;
use futures_util::Stream;
use tokio::sync::watch;

use crate::access::Sees;
use crate::app::App;
use crate::frame::log;
use crate::problem::Problem;

/// Something that happened, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Later ones have higher numbers.
    pub id: i64,
    /// `alert.raised`, `case.closed`, …
    pub kind: String,
    /// Seen by this team and administrators; by all who may listen if none.
    pub team: Option<i64>,
    /// JSON.
    pub body: String,
}

/// Where events are kept.
pub trait Feed: Send + Sync {
    /// What came after an event, oldest first.
    fn after(&self, id: i64, limit: usize) -> Result<Vec<Event>, Problem>;

    /// The number of the newest, 0 if there is none.
    fn last(&self) -> Result<i64, Problem>;
}

/// The outbox of casework.
pub struct Outbox {
    app: App,
}

impl Outbox {
    pub fn of(app: &App) -> Outbox {
        Outbox { app: app.clone() }
    }
}

/// A team that has no members: only administrators see what is its.
const NOBODYS: i64 = -1;

impl Feed for Outbox {
    fn after(&self, id: i64, limit: usize) -> Result<Vec<Event>, Problem> {
        let found = case::outbox::events_after(&self.app.db, EventId(id), limit)?;
        let known = self.app.access.known();
        let team = |name: String| {
            let team = known.teams.iter().find(|team| team.name == name);
            team.map_or(NOBODYS, |team| team.id)
        };
        let event = |event: case::outbox::Event| {
            let team = event.team.map(team);
            let told = serde_json::json!({
                "time": event.time, "subject": event.subject, "body": event.body,
            });
            Event { id: event.id.0, kind: event.kind, team, body: told.to_string() }
        };
        Ok(found.into_iter().map(event).collect())
    }

    fn last(&self) -> Result<i64, Problem> {
        Ok(case::outbox::last_event(&self.app.db)?.0)
    }
}

/// How often the feed is asked for what is new.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Read at once for one listener.
const PAGE: usize = 200;
/// Of the newest events, this many are in memory: a thousand listeners do not ask the database.
const RECENT_MAX: usize = 1000;
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// What is new, and who waits for it.
pub struct Events {
    feed: Arc<dyn Feed>,
    recent: Mutex<Recent>,
    newest: watch::Sender<i64>,
}

/// Without a gap: every event after `before`.
#[derive(Default)]
struct Recent {
    before: i64,
    events: Vec<Arc<Event>>,
}

impl Events {
    pub fn new(feed: Arc<dyn Feed>) -> Result<Events, Problem> {
        let last = feed.last()?;
        let recent = Mutex::new(Recent { before: last, events: Vec::new() });
        Ok(Events { feed, recent, newest: watch::Sender::new(last) })
    }

    /// Asks the feed once for what is new.
    pub fn look(&self) -> Result<(), Problem> {
        loop {
            let from = *self.newest.borrow();
            let found = self.feed.after(from, PAGE)?;
            let Some(last) = found.last().map(|event| event.id) else { return Ok(()) };
            let is_all = found.len() < PAGE;
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.events.extend(found.into_iter().map(Arc::new));
            let over = recent.events.len().saturating_sub(RECENT_MAX);
            if let Some(event) = over.checked_sub(1).map(|at| recent.events[at].id) {
                recent.before = event;
                recent.events.drain(..over);
            }
            drop(recent);
            self.newest.send_replace(last);
            if is_all {
                return Ok(());
            }
        }
    }

    /// From memory; nothing: they are older than that.
    fn recent_after(&self, id: i64) -> Option<Vec<Arc<Event>>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if id < recent.before {
            return None;
        }
        let from = recent.events.partition_point(|event| event.id <= id);
        Some(recent.events[from..].iter().take(PAGE).cloned().collect())
    }
}

/// Asks the feed again and again; ends with the server.
pub(crate) async fn watch(app: App) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(events) = app.events.clone() else { return };
        let looked = tokio::task::spawn_blocking(move || events.look()).await;
        if let Ok(Err(problem)) = looked {
            let detail = problem.detail.unwrap_or_default();
            let fields = serde_json::json!({ "detail": detail });
            log::line(log::Level::Error, "events could not be read", fields);
        }
    }
}

/// A listener's stream: what came after `from` (from now on if nothing), as `is_heard` by it.
pub fn stream(
    app: &App,
    sees: Sees,
    from: Option<i64>,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>> + use<>>, Problem> {
    let Some(events) = app.events.clone() else {
        return Err(Problem::not_found("this server tells no events"));
    };
    let newest = events.newest.subscribe();
    let at = from.unwrap_or(*newest.borrow());
    let place = StreamPlace::take(app)?;
    let app = app.clone();
    let listener = Listener {
        stopping: app.stopping(),
        app,
        events,
        newest,
        sees,
        at,
        waiting: Vec::new(),
        _place: place,
    };
    let stream = futures_util::stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)))
}

struct Listener {
    app: App,
    events: Arc<Events>,
    newest: watch::Receiver<i64>,
    stopping: watch::Receiver<bool>,
    sees: Sees,
    /// The last that was sent or passed over.
    at: i64,
    /// Read and not yet sent, newest first.
    waiting: Vec<Arc<Event>>,
    _place: StreamPlace,
}

impl Listener {
    /// Nothing: the server stops, or cannot read on; the listener comes again and loses nothing.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if *self.stopping.borrow() {
                return None;
            }
            while let Some(event) = self.waiting.pop() {
                self.at = event.id;
                if self.sees.is_seen(event.team) {
                    let id = event.id.to_string();
                    return Some(sse::Event::default().id(id).event(&event.kind).data(&event.body));
                }
            }
            self.newest.mark_unchanged();
            self.read_on().await?;
            if self.waiting.is_empty() {
                tokio::select! {
                    changed = self.newest.changed() => changed.ok()?,
                    _ = self.stopping.changed() => return None,
                }
            }
        }
    }

    async fn read_on(&mut self) -> Option<()> {
        let mut found = match self.events.recent_after(self.at) {
            Some(found) => found,
            None => {
                let (events, at) = (self.events.clone(), self.at);
                let read = self.app.blocking(move |_| events.feed.after(at, PAGE)).await.ok()?;
                read.into_iter().map(Arc::new).collect()
            }
        };
        found.reverse();
        self.waiting = found;
        Some(())
    }
}

/// One of the streams that are open; it ends when it is dropped.
pub struct StreamPlace(App);

impl StreamPlace {
    /// A place for one more.
    ///
    /// # Errors
    /// `overloaded`, with when to come again: as many are open as may be.
    pub fn take(app: &App) -> Result<StreamPlace, Problem> {
        let before = app.metrics.streams.fetch_add(1, Ordering::Relaxed);
        let place = StreamPlace(app.clone());
        let max = app.settings.streams_max;
        if usize::try_from(before).is_ok_and(|before| before < max) {
            return Ok(place);
        }
        app.metrics.shed.fetch_add(1, Ordering::Relaxed);
        let detail = format!("{max} streams are open, and this server holds no more");
        Err(Problem::overloaded().detail(detail).retry_after(5))
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.0.metrics.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
