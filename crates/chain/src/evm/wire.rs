//! Questions to a node by JSON-RPC: over HTTP, a WebSocket or a local socket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use model::Chain;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{Mutex, watch};

use super::socket::{Fault, Socket};
use crate::http::{Bounds, Http};
use crate::source::{Kind, Lie, SourceError, shown_url};

pub struct Wire {
    way: Way,
    node: String,
    url: String,
    bounds: Bounds,
    next: AtomicU64,
    /// The chain every new connection must lead to, once it is known.
    chain: OnceLock<Chain>,
}

enum Way {
    Http(Box<Http>),
    /// None before the first question. One that ended is replaced by the next.
    Socket(Mutex<Option<Arc<Socket>>>),
}

/// What a node answers: a result or an error, `null` being a result too.
#[derive(Deserialize)]
pub struct Reply {
    #[serde(default, deserialize_with = "present")]
    pub result: Option<Box<RawValue>>,
    #[serde(default)]
    pub error: Option<SaidError>,
}

#[derive(Deserialize)]
pub struct SaidError {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

pub fn present<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Deserialize::deserialize(d).map(Some)
}

impl Wire {
    /// By the address: `http`, `https`, `ws`, `wss`, else a socket's file. Connects
    /// with the first question, not here.
    pub fn new(url: &str, bounds: Bounds) -> Result<Wire, SourceError> {
        let node = shown_url(url);
        let way = match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("http" | "https") => Way::Http(Box::new(Http::new(url, bounds)?)),
            Some("ws" | "wss" | "file") | None => Way::Socket(Mutex::new(None)),
            Some(scheme) => {
                let what = format!("expected http, https, ws, wss or a file, found {scheme}");
                return Err(SourceError::new(&node, Kind::Refused(what)));
            }
        };
        let next = AtomicU64::new(0);
        Ok(Wire { way, node, url: url.to_string(), bounds, next, chain: OnceLock::new() })
    }

    pub fn node(&self) -> &str {
        &self.node
    }

    /// From here on a connection that leads to another chain is refused.
    pub fn expect(&self, chain: Chain) {
        // Told twice, it is the same.
        let _ = self.chain.set(chain);
    }

    /// The `result` of an answer, as text.
    pub async fn ask(
        &self,
        method: &'static str,
        params: serde_json::Value,
    ) -> Result<Box<RawValue>, SourceError> {
        let reply = match &self.way {
            Way::Http(http) => self.over_http(http, method, params).await,
            Way::Socket(open) => match self.socket(open).await {
                Ok(socket) => self.over_socket(&socket, method, params).await,
                Err(error) => Err(error),
            },
        };
        reply.and_then(|reply| self.result(reply)).map_err(|error| error.asking(method))
    }

    /// News of new blocks; none where the way there has none. Closed when the
    /// connection ends.
    pub async fn subscribe(&self) -> Result<Option<watch::Receiver<u64>>, SourceError> {
        let Way::Socket(open) = &self.way else { return Ok(None) };
        let method = "eth_subscribe";
        let asked = async {
            let socket = self.socket(open).await?;
            let news = socket.news();
            let reply = self.over_socket(&socket, method, serde_json::json!(["newHeads"])).await?;
            self.result(reply).map(|_| Some(news))
        };
        asked.await.map_err(|error| error.asking(method))
    }

    /// The chain the node says it is on.
    pub async fn chain(&self) -> Result<Chain, SourceError> {
        let answer = self.ask(CHAIN_ID, serde_json::json!([])).await?;
        self.read_chain(&answer)
    }

    fn read_chain(&self, answer: &RawValue) -> Result<Chain, SourceError> {
        let id: alloy_primitives::U64 = serde_json::from_str(answer.get())
            .map_err(|e| self.error(Kind::from(not_json(&e))).asking(CHAIN_ID))?;
        Ok(Chain::Evm(id.to()))
    }

    pub fn is_on(&self, found: Chain) -> Result<(), SourceError> {
        match self.chain.get() {
            Some(expected) if *expected != found => {
                let kind = Kind::WrongChain { expected: *expected, found };
                Err(self.error(kind).asking(CHAIN_ID))
            }
            _ => Ok(()),
        }
    }

    /// The connection, opened anew where it ended. Another node may be there now.
    async fn socket(&self, open: &Mutex<Option<Arc<Socket>>>) -> Result<Arc<Socket>, SourceError> {
        let mut open = open.lock().await;
        if let Some(socket) = open.as_ref().filter(|socket| socket.is_open()) {
            return Ok(socket.clone());
        }
        let opened = Socket::open(&self.url, self.bounds).await;
        let socket = Arc::new(opened.map_err(|fault| self.error(kind_of(fault)))?);
        if self.chain.get().is_some() {
            let reply = self.over_socket(&socket, CHAIN_ID, serde_json::json!([])).await?;
            self.is_on(self.read_chain(&self.result(reply)?)?)?;
        }
        *open = Some(socket.clone());
        Ok(socket)
    }

    async fn over_http(
        &self,
        http: &Http,
        method: &str,
        params: serde_json::Value,
    ) -> Result<Reply, SourceError> {
        let (_, text) = self.question(method, params);
        let body = http.post(text).await?;
        serde_json::from_slice(&body).map_err(|e| self.error(Kind::from(not_json(&e))))
    }

    async fn over_socket(
        &self,
        socket: &Socket,
        method: &str,
        params: serde_json::Value,
    ) -> Result<Reply, SourceError> {
        let (id, text) = self.question(method, params);
        let reply = tokio::time::timeout(self.bounds.total, socket.ask(id, text)).await;
        let reply = reply.map_err(|_| {
            // Perhaps nobody is there any more, which no word will tell.
            socket.close();
            self.error(Kind::Transient("no answer in time".into()))
        })?;
        reply.map_err(|fault| self.error(kind_of(fault)))
    }

    fn question(&self, method: &str, params: serde_json::Value) -> (u64, String) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let question = serde_json::json!({
            "jsonrpc": "2.0", "id": id, "method": method, "params": params,
        });
        (id, question.to_string())
    }

    fn result(&self, reply: Reply) -> Result<Box<RawValue>, SourceError> {
        match (reply.result, reply.error) {
            (_, Some(error)) => Err(self.said(&error)),
            (Some(result), None) => Ok(result),
            (None, None) => {
                let lie = Lie::NotJson("neither result nor error".into());
                Err(self.error(Kind::from(lie)))
            }
        }
    }

    /// What an error of JSON-RPC means. The codes are not used alike by nodes,
    /// so some are known by their text.
    fn said(&self, error: &SaidError) -> SourceError {
        let text = error.message.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let said = || shortened(&error.message);
        let kind = if error.code == -32601
            || has(&["method not found", "does not exist/is not available", "not supported"])
            || has(&["unsupported method", "not whitelisted", "method is not available"])
        {
            Kind::NoMethod(said())
        } else if matches!(error.code, 429 | -32005)
            || has(&["rate limit", "too many requests", "request limit", "compute units"])
        {
            Kind::RateLimited { after: None }
        } else if has(&["missing trie node", "historical state", "pruned", "state not available"])
            || has(&["state is not available", "state unavailable"])
        {
            // Its state of that time is gone, and does not come back.
            Kind::Refused(said())
        } else if has(&["not traceable"])
            || has(&["header not found", "block not found", "unknown block", "not found"])
        {
            Kind::NotFound
        } else if matches!(error.code, -32700 | -32600 | -32602) {
            Kind::Refused(said())
        } else {
            Kind::Transient(format!("the node says {:?} (error {})", said(), error.code))
        };
        SourceError::new(&self.node, kind)
    }

    fn error(&self, kind: Kind) -> SourceError {
        SourceError::new(&self.node, kind)
    }
}

const CHAIN_ID: &str = "eth_chainId";

fn kind_of(fault: Fault) -> Kind {
    match fault {
        Fault::Gone(what) => Kind::Transient(what.into()),
        Fault::TooLarge { max } => Kind::from(Lie::TooLarge { max }),
        Fault::NotJson(what) => Kind::from(Lie::NotJson(shortened(&what))),
        Fault::Refused(what) => Kind::Refused(what),
    }
}

pub fn not_json(error: &serde_json::Error) -> Lie {
    Lie::NotJson(shortened(&error.to_string()))
}

/// Text of a stranger, for an error: one line, not long.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
