//! Questions to a node by JSON-RPC, and what its errors mean.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::http::{Bounds, Http};
use crate::source::{Kind, Lie, SourceError};

pub struct Wire {
    http: Http,
}

#[derive(serde::Deserialize)]
struct Answer {
    /// `null` is a result too.
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    error: Option<Failure>,
}

/// An error of JSON-RPC.
#[derive(serde::Deserialize)]
pub struct Failure {
    code: i64,
    #[serde(default)]
    message: String,
}

impl Failure {
    pub fn message(&self) -> String {
        shortened(&self.message)
    }
}

fn present<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Box<RawValue>>, D::Error> {
    serde::Deserialize::deserialize(d).map(Some)
}

impl Wire {
    pub fn new(url: &str, bounds: Bounds) -> Result<Wire, SourceError> {
        Ok(Wire { http: Http::new(url, bounds)? })
    }

    pub fn node(&self) -> &str {
        self.http.node()
    }

    pub async fn ask(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<Box<RawValue>, SourceError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.http.post(body.to_string()).await;
        let answer = answer.map_err(|error| error.asking(method))?;
        let error = |kind: Kind| SourceError::new(self.node(), kind).asking(method);
        let answer: Answer =
            serde_json::from_slice(&answer).map_err(|e| error(Kind::from(not_json(&e))))?;
        match (answer.result, answer.error) {
            (_, Some(failure)) => Err(error(said(&failure))),
            (Some(result), None) => Ok(result),
            (None, None) => Err(error(Kind::from(Lie::NotJson("neither result nor error".into())))),
        }
    }
}

/// Codes from <https://github.com/anza-xyz/agave/blob/master/rpc-client-types/src/custom_error.rs>.
pub fn said(failure: &Failure) -> Kind {
    let text = failure.message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let said = shortened(&failure.message);
    match failure.code {
        // Skipped, or lost with a ledger's jump to a snapshot; skipped, or not in the archive.
        -32007 | -32009 => Kind::Skipped,
        // Cleaned up here: an archive has it.
        -32001 => Kind::Refused(format!("{said}: the node keeps no block as old")),
        // Not yet.
        -32004 | -32014 | -32016 => Kind::NotFound,
        -32601 => Kind::NoMethod(said),
        // A history not kept, or a version of transactions not known here.
        -32011 | -32015 | -32700 | -32600 | -32602 => Kind::Refused(said),
        429 => Kind::RateLimited { after: None },
        _ if has(&["rate limit", "too many requests", "request limit"]) => {
            Kind::RateLimited { after: None }
        }
        code => Kind::Transient(format!("the node says {said:?} (error {code})")),
    }
}

pub fn not_json(error: &serde_json::Error) -> Lie {
    Lie::NotJson(shortened(&error.to_string()))
}

/// Text of a stranger, for an error: one line, not long.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
