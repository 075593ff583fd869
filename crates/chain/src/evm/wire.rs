//! Questions to a node by JSON-RPC: over HTTP, a WebSocket or a local socket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alloy_json_rpc::{ErrorPayload, Id, Request, RpcError, SerializedRequest};
use alloy_pubsub::{PubSubConnect, PubSubFrontend, RawSubscription};
use alloy_transport::{TransportError, TransportErrorKind};
use alloy_transport_ipc::IpcConnect;
use alloy_transport_ws::{WebSocketConfig, WsConnect};
use serde_json::value::RawValue;

use crate::http::{Bounds, Http, use_ring};
use crate::source::{Kind, Lie, SourceError, shown_url};

/// Alloy's own client numbers its requests, and reads a number only where
/// `serde_json` keeps numbers in 64 bits. Here it keeps them whole (its feature
/// `arbitrary_precision`, which the importers need), so ids are text.
pub struct Wire {
    way: Way,
    node: String,
    next: AtomicU64,
    total: Duration,
}

enum Way {
    Http(Box<Http>),
    Socket(PubSubFrontend),
}

impl Wire {
    /// By the address: `http`, `https`, `ws`, `wss`, else a socket's file.
    pub async fn open(url: &str, bounds: Bounds) -> Result<Wire, SourceError> {
        let node = shown_url(url);
        let way = match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("http" | "https") => Way::Http(Box::new(Http::new(url, bounds)?)),
            Some("ws" | "wss") => {
                use_ring();
                let config = WebSocketConfig::default()
                    .max_message_size(Some(bounds.body_max))
                    .max_frame_size(Some(bounds.body_max));
                Way::Socket(connect(WsConnect::new(url).with_config(config), &node, bounds).await?)
            }
            Some(scheme) if scheme != "file" => {
                let what = format!("expected http, https, ws, wss or a file, found {scheme}");
                return Err(SourceError::new(&node, Kind::Refused(what)));
            }
            _ => {
                let path = url.trim_start_matches("file://").to_string();
                Way::Socket(connect(IpcConnect::new(path), &node, bounds).await?)
            }
        };
        Ok(Wire { way, node, next: AtomicU64::new(0), total: bounds.total })
    }

    /// The `result` of an answer, as text.
    pub async fn ask(
        &self,
        method: &'static str,
        params: serde_json::Value,
    ) -> Result<Box<RawValue>, SourceError> {
        let request = self.request(method, params);
        let result = match &self.way {
            Way::Http(http) => self.over_http(http, request).await,
            Way::Socket(socket) => self.over_socket(socket, request).await,
        };
        result.map_err(|error| error.asking(method))
    }

    /// News of new blocks; none where the way there has none.
    pub async fn subscribe(&self) -> Result<Option<RawSubscription>, SourceError> {
        let Way::Socket(socket) = &self.way else { return Ok(None) };
        let method = "eth_subscribe";
        let mut request = self.request(method, serde_json::json!(["newHeads"]));
        request.set_is_subscription();
        let id = self.over_socket(socket, request).await.map_err(|error| error.asking(method))?;
        let id = serde_json::from_str(id.get()).map_err(|e| self.lie(not_json(&e)))?;
        let subscription = socket.get_subscription(id).await;
        subscription.map(Some).map_err(|e| self.error(e).asking(method))
    }

    pub fn node(&self) -> &str {
        &self.node
    }

    fn request(&self, method: &'static str, params: serde_json::Value) -> SerializedRequest {
        let id = Id::String(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        Request::new(method, id, params).serialize().expect("plain JSON values can be written")
    }

    async fn over_http(
        &self,
        http: &Http,
        request: SerializedRequest,
    ) -> Result<Box<RawValue>, SourceError> {
        let body = http.post(request.serialized().get().to_string()).await?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|e| self.lie(not_json(&e)))?;
        match (answer.result, answer.error) {
            (_, Some(error)) => Err(self.said(&error)),
            (Some(result), None) => Ok(result),
            (None, None) => Err(self.lie(Lie::NotJson("neither result nor error".into()))),
        }
    }

    async fn over_socket(
        &self,
        socket: &PubSubFrontend,
        request: SerializedRequest,
    ) -> Result<Box<RawValue>, SourceError> {
        let answer = tokio::time::timeout(self.total, socket.send(request)).await;
        let answer = answer.map_err(|_| self.transient("no answer in time"))?;
        let answer = answer.map_err(|error| self.error(error))?;
        match answer.payload {
            alloy_json_rpc::ResponsePayload::Success(result) => Ok(result),
            alloy_json_rpc::ResponsePayload::Failure(error) => Err(self.said(&error)),
        }
    }

    fn error(&self, error: TransportError) -> SourceError {
        match error {
            RpcError::ErrorResp(error) => self.said(&error),
            RpcError::DeserError { err, .. } => self.lie(not_json(&err)),
            RpcError::NullResp => self.lie(Lie::NotJson("no result".into())),
            RpcError::Transport(TransportErrorKind::BackendGone) => {
                self.transient("the connection is gone")
            }
            _ => self.transient("the connection broke"),
        }
    }

    /// What an error of JSON-RPC means. The codes are not used alike by nodes,
    /// so some are known by their text.
    fn said(&self, error: &ErrorPayload) -> SourceError {
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
        } else if has(&["header not found", "block not found", "unknown block", "not found"]) {
            Kind::NotFound
        } else if matches!(error.code, -32700 | -32600 | -32602) {
            Kind::Refused(said())
        } else {
            Kind::Transient(format!("the node says {:?} (error {})", said(), error.code))
        };
        SourceError::new(&self.node, kind)
    }

    fn lie(&self, lie: Lie) -> SourceError {
        SourceError::new(&self.node, Kind::from(lie))
    }

    fn transient(&self, what: &str) -> SourceError {
        SourceError::new(&self.node, Kind::Transient(what.into()))
    }
}

#[derive(serde::Deserialize)]
struct Answer {
    /// `null` is a result too.
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    error: Option<ErrorPayload>,
}

fn present<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Box<RawValue>>, D::Error> {
    serde::Deserialize::deserialize(d).map(Some)
}

async fn connect(
    way: impl PubSubConnect,
    node: &str,
    bounds: Bounds,
) -> Result<PubSubFrontend, SourceError> {
    let transient = |what: &str| SourceError::new(node, Kind::Transient(what.into()));
    let connected = tokio::time::timeout(bounds.connect, way.into_service()).await;
    let connected = connected.map_err(|_| transient("no connection in time"))?;
    // The error may show the address, and with it a key: it is not kept.
    connected.map_err(|_| transient("no connection"))
}

pub fn not_json(error: &serde_json::Error) -> Lie {
    Lie::NotJson(shortened(&error.to_string()))
}

/// Text of a stranger, for an error: one line, not long.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
