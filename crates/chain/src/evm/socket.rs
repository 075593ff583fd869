//! One lasting connection to a node: a WebSocket, or a local socket.
//!
//! Questions go out as they come, answers find their questions by number, and
//! news of subscriptions is only counted: whoever hears of it asks. A connection
//! ends with its first fault, and every open question with it; whoever asks next
//! opens another. No message is read beyond the bound.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::wire::{Reply, SaidError};
use crate::http::Bounds;

#[cfg(unix)]
mod local;
mod web;

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Closed, broken, or not to be had.
    Gone(&'static str),
    TooLarge {
        max: usize,
    },
    NotJson(String),
    /// The node will not be spoken to like this.
    Refused(String),
}

pub struct Socket {
    asks: mpsc::UnboundedSender<Ask>,
    /// Ends the connection.
    end: Arc<Notify>,
    /// How often the node told something unasked.
    news: watch::Receiver<u64>,
    /// Set once it ended.
    fault: Arc<OnceLock<Fault>>,
}

struct Ask {
    id: u64,
    text: String,
    answer: oneshot::Sender<Reply>,
}

/// What goes to the pump that holds the connection, and what comes from it.
struct Pipe {
    /// Unbounded, for a pump that waits to hand over a message must never be
    /// waited for; there are no more of these than questions under way.
    out: mpsc::UnboundedReceiver<String>,
    into: mpsc::Sender<Result<Vec<u8>, Fault>>,
    body_max: usize,
}

impl Socket {
    /// By the address: `ws`, `wss`, else a socket's file.
    pub async fn open(url: &str, bounds: Bounds) -> Result<Socket, Fault> {
        let (out_to, out) = mpsc::unbounded_channel();
        let (into, into_from) = mpsc::channel(1);
        let pipe = Pipe { out, into, body_max: bounds.body_max };
        let opened = async {
            match url.split_once("://") {
                Some(("ws" | "wss", _)) => web::open(url, pipe).await,
                #[cfg(unix)]
                _ => local::open(url.trim_start_matches("file://"), pipe).await,
                #[cfg(not(unix))]
                _ => Err(Fault::Refused("sockets in the file system are for Unix only".into())),
            }
        };
        let opened = tokio::time::timeout(bounds.connect, opened).await;
        opened.map_err(|_| Fault::Gone("no connection in time"))??;
        let (asks, asked) = mpsc::unbounded_channel();
        let (told, news) = watch::channel(0);
        let fault = Arc::new(OnceLock::new());
        let end = Arc::new(Notify::new());
        let router = Router { asked, from: into_from, out: out_to, told, end: end.clone() };
        tokio::spawn(router.run(fault.clone()));
        Ok(Socket { asks, end, news, fault })
    }

    pub async fn ask(&self, id: u64, text: String) -> Result<Reply, Fault> {
        let (answer, answered) = oneshot::channel();
        // Where the connection ended, the answer's sender is dropped.
        let _ = self.asks.send(Ask { id, text, answer });
        answered.await.map_err(|_| self.fault().unwrap_or(Fault::Gone("the connection broke")))
    }

    pub fn close(&self) {
        self.end.notify_one();
    }

    pub fn is_open(&self) -> bool {
        !self.asks.is_closed()
    }

    /// Changes when the node tells something; closed with the connection.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.clone()
    }

    fn fault(&self) -> Option<Fault> {
        self.fault.get().cloned()
    }
}

/// Brings questions and answers together until either side ends.
struct Router {
    asked: mpsc::UnboundedReceiver<Ask>,
    from: mpsc::Receiver<Result<Vec<u8>, Fault>>,
    out: mpsc::UnboundedSender<String>,
    told: watch::Sender<u64>,
    end: Arc<Notify>,
}

impl Router {
    async fn run(mut self, fault: Arc<OnceLock<Fault>>) {
        let mut waiting: BTreeMap<u64, oneshot::Sender<Reply>> = BTreeMap::new();
        let end = loop {
            tokio::select! {
                ask = self.asked.recv() => {
                    let Some(ask) = ask else { return };
                    // Whoever had enough of waiting left its sender behind.
                    waiting.retain(|_, answer| !answer.is_closed());
                    waiting.insert(ask.id, ask.answer);
                    if self.out.send(ask.text).is_err() {
                        break Fault::Gone("the connection broke");
                    }
                }
                message = self.from.recv() => {
                    let message = message.unwrap_or(Err(Fault::Gone("the connection broke")));
                    match message.and_then(|message| read(&message)) {
                        Err(fault) => break fault,
                        Ok(told) => self.hand_on(told, &mut waiting),
                    }
                }
                () = self.end.notified() => break Fault::Gone("no answer in time"),
            }
        };
        // Told before the questions end: dropping their senders ends them.
        let _ = fault.set(end);
    }

    fn hand_on(&self, told: Told, waiting: &mut BTreeMap<u64, oneshot::Sender<Reply>>) {
        match told {
            Told::News => self.told.send_modify(|count| *count += 1),
            Told::Answer(id, reply) => {
                // None: nobody asked, or nobody waits any more.
                if let Some(answer) = waiting.remove(&id) {
                    let _ = answer.send(reply);
                }
            }
        }
    }
}

enum Told {
    News,
    Answer(u64, Reply),
}

fn read(message: &[u8]) -> Result<Told, Fault> {
    #[derive(Deserialize)]
    struct Frame {
        #[serde(default)]
        id: Option<Box<RawValue>>,
        #[serde(default)]
        method: Option<String>,
        #[serde(default, deserialize_with = "super::wire::present")]
        result: Option<Box<RawValue>>,
        #[serde(default)]
        error: Option<SaidError>,
    }
    let not_json = |e: serde_json::Error| Fault::NotJson(e.to_string());
    let frame: Frame = serde_json::from_slice(message).map_err(not_json)?;
    if frame.method.is_some() {
        return Ok(Told::News);
    }
    let id = frame.id.and_then(|id| id.get().trim_matches('"').parse().ok());
    let id = id.ok_or_else(|| Fault::NotJson("an answer to no question".into()))?;
    Ok(Told::Answer(id, Reply { result: frame.result, error: frame.error }))
}
