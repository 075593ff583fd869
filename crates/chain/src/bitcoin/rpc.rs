//! Questions to a Bitcoin node: JSON-RPC over HTTP, with a login.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::decode::not_json;
use crate::http::{Bounds, Http};
use crate::source::{Kind, Lie, SourceError, shown_url};

/// Who asks. Never shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// As the address says it, else none.
    #[default]
    Address,
    /// `user:password` in a file. A node's `.cookie` is one: it changes when the
    /// node starts anew, and is then read again.
    File(PathBuf),
    /// `user:password` in a variable of the environment, by its name.
    Environment(String),
}

pub struct Rpc {
    url: String,
    node: String,
    login: Login,
    bounds: Bounds,
    connection: Mutex<Connection>,
    next: AtomicU64,
}

#[derive(Clone)]
struct Connection {
    http: Http,
    /// What it was made with.
    secret: Option<String>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    id: Option<u64>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<ErrorReply>,
}

#[derive(Debug, Deserialize)]
struct ErrorReply {
    code: i64,
    message: String,
}

/// The `result` of an answer, inside the bytes that came.
pub struct Reply {
    body: String,
    start: usize,
    end: usize,
}

/// Longer messages of a node are cut where they are quoted.
const MESSAGE_CHARS_MAX: usize = 200;

impl Rpc {
    pub fn new(url: &str, login: &Login, bounds: Bounds) -> Result<Rpc, SourceError> {
        let node = shown_url(url);
        let secret = secret_of(login, &node)?;
        let connection = Mutex::new(connect(url, secret, bounds)?);
        let (url, login) = (url.to_string(), login.clone());
        Ok(Rpc { url, node, login, bounds, connection, next: AtomicU64::new(1) })
    }

    /// The node's address as it may be shown.
    pub fn node(&self) -> &str {
        &self.node
    }

    pub async fn ask(&self, method: &'static str, params: Value) -> Result<Reply, SourceError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let question = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let body = self.post(question.to_string()).await.map_err(|e| e.asking(method))?;
        self.result(body, id).map_err(|e| e.asking(method))
    }

    /// Many questions of one method at once, answered in their order. An error
    /// code is an answer here: a transaction may be gone by now.
    pub async fn ask_each(
        &self,
        method: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Result<Box<RawValue>, i64>>, SourceError> {
        if params.is_empty() {
            return Ok(Vec::new());
        }
        let count = params.len() as u64;
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        let questions = (first..).zip(params).map(|(id, params)| {
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
        });
        let body = self.post(Value::Array(questions.collect()).to_string()).await;
        let body = body.map_err(|e| e.asking(method))?;
        self.results(&body, first, count).map_err(|e| e.asking(method))
    }

    /// Asks; where the login is not taken, and has changed since, asks anew.
    async fn post(&self, body: String) -> Result<String, SourceError> {
        let connection = self.connection();
        let answer = match connection.http.post(body.clone()).await {
            Err(error) if matches!(error.kind, Kind::Refused(_)) => {
                if !self.has_new_login(&connection)? {
                    return Err(error);
                }
                self.connection().http.post(body).await?
            }
            answer => answer?,
        };
        String::from_utf8(answer)
            .map_err(|_| self.error(Kind::from(Lie::NotJson("it is not UTF-8".into()))))
    }

    fn has_new_login(&self, used: &Connection) -> Result<bool, SourceError> {
        let secret = secret_of(&self.login, &self.node)?;
        if secret == used.secret {
            return Ok(false);
        }
        let fresh = connect(&self.url, secret, self.bounds)?;
        *self.connection.lock().expect("nothing panics while it holds the lock") = fresh;
        Ok(true)
    }

    fn connection(&self) -> Connection {
        self.connection.lock().expect("nothing panics while it holds the lock").clone()
    }

    fn result(&self, body: String, id: u64) -> Result<Reply, SourceError> {
        let answer: Answer<'_> = serde_json::from_str(&body).map_err(|e| self.lie(not_json(&e)))?;
        if let Some(error) = answer.error {
            return Err(self.error(meaning(&error)));
        }
        if answer.id != Some(id) {
            return Err(self.lie(Lie::NotJson("the answer to another question".into())));
        }
        // A result of null is none, as in answers without result and error.
        let text = answer.result.map_or("null", RawValue::get);
        let start = text.as_ptr().addr().wrapping_sub(body.as_ptr().addr());
        let (start, end) = (start, start.wrapping_add(text.len()));
        if body.get(start..end) != Some(text) {
            return Ok(Reply { body: text.to_string(), start: 0, end: text.len() });
        }
        Ok(Reply { start, end, body })
    }

    fn results(
        &self,
        body: &str,
        first: u64,
        count: u64,
    ) -> Result<Vec<Result<Box<RawValue>, i64>>, SourceError> {
        // Some errors are of the batch as a whole.
        if !body.trim_start().starts_with('[') {
            let answer: Answer<'_> =
                serde_json::from_str(body).map_err(|e| self.lie(not_json(&e)))?;
            let kind = match answer.error {
                Some(error) => meaning(&error),
                None => Lie::NotJson("one answer to many questions".into()).into(),
            };
            return Err(self.error(kind));
        }
        let mut answers: Vec<Answer<'_>> =
            serde_json::from_str(body).map_err(|e| self.lie(not_json(&e)))?;
        answers.sort_by_key(|answer| answer.id);
        let are_those = answers.iter().map(|answer| answer.id).eq((first..first + count).map(Some));
        if !are_those {
            return Err(self.lie(Lie::NotJson("the answers to other questions".into())));
        }
        let null = || RawValue::NULL.to_owned();
        let each = answers.into_iter().map(|answer| match answer.error {
            Some(error) if error.code == WARMING_UP => Err(self.error(meaning(&error))),
            Some(error) => Ok(Err(error.code)),
            None => Ok(Ok(answer.result.map_or_else(null, RawValue::to_owned))),
        });
        each.collect()
    }

    fn lie(&self, lie: Lie) -> SourceError {
        self.error(Kind::from(lie))
    }

    fn error(&self, kind: Kind) -> SourceError {
        SourceError::new(&self.node, kind)
    }
}

impl Reply {
    pub fn text(&self) -> &str {
        self.body.get(self.start..self.end).unwrap_or("null")
    }

    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Lie> {
        serde_json::from_str(self.text()).map_err(|e| not_json(&e))
    }
}

/// Source: Bitcoin Core, `rpc/protocol.h`.
const WARMING_UP: i64 = -28;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_ADDRESS_OR_KEY: i64 = -5;
const INVALID_PARAMETER: i64 = -8;
const MISC_ERROR: i64 = -1;
const NOT_CONNECTED: i64 = -9;
const IN_INITIAL_DOWNLOAD: i64 = -10;

/// What the node's error means. A few are told apart by their text only.
fn meaning(error: &ErrorReply) -> Kind {
    let message = shortened(&error.message);
    let has = |part: &str| error.message.contains(part);
    match error.code {
        WARMING_UP => Kind::Transient(format!("the node is starting: {message}")),
        NOT_CONNECTED | IN_INITIAL_DOWNLOAD => Kind::Transient(message),
        METHOD_NOT_FOUND => Kind::NoMethod(message),
        INVALID_PARAMETER if has("out of range") => Kind::NotFound,
        INVALID_ADDRESS_OR_KEY if has("not found") => Kind::NotFound,
        MISC_ERROR if has("pruned") => Kind::Refused(format!(
            "{message}: the node is pruned and no longer has this block; ask one that keeps all \
             blocks, or load them from its files"
        )),
        MISC_ERROR if has("not fully downloaded") || has("not found on disk") => {
            Kind::Transient(format!("{message}: the node has only the block's header so far"))
        }
        _ => Kind::Refused(format!("error {}: {message}", error.code)),
    }
}

fn shortened(message: &str) -> String {
    message.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS_MAX).collect()
}

fn secret_of(login: &Login, node: &str) -> Result<Option<String>, SourceError> {
    let (secret, place) = match login {
        Login::Address => return Ok(None),
        Login::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| {
                let what = format!("cannot read {}: does the node run?", path.display());
                SourceError::new(node, Kind::Transient(what)).because(e)
            })?;
            (text, path.display().to_string())
        }
        Login::Environment(name) => {
            let text = std::env::var(name).map_err(|_| {
                let what = format!("expected user:password in the environment's {name}");
                SourceError::new(node, Kind::Refused(what))
            })?;
            (text, name.clone())
        }
    };
    let secret = secret.trim_end_matches(['\r', '\n']);
    if !secret.contains(':') {
        // Not quoted: it may be a password alone.
        let what = format!("expected user:password in {place}");
        let kind = match login {
            // A node that just starts may not have written all of it yet.
            Login::File(_) => Kind::Transient(what),
            _ => Kind::Refused(what),
        };
        return Err(SourceError::new(node, kind));
    }
    Ok(Some(secret.to_string()))
}

fn connect(url: &str, secret: Option<String>, bounds: Bounds) -> Result<Connection, SourceError> {
    let Some(secret) = secret else {
        return Ok(Connection { http: Http::new(url, bounds)?, secret: None });
    };
    let refused = |what: &str| SourceError::new(&shown_url(url), Kind::Refused(what.into()));
    let mut address = reqwest::Url::parse(url).map_err(|_| refused("not an address of a node"))?;
    let (user, password) = secret.split_once(':').unwrap_or((&secret, ""));
    let is_set = address.set_username(user).is_ok() && address.set_password(Some(password)).is_ok();
    if !is_set {
        return Err(refused("an address that takes no user and password"));
    }
    Ok(Connection { http: Http::new(address.as_str(), bounds)?, secret: Some(secret) })
}

#[cfg(test)]
mod tests;
