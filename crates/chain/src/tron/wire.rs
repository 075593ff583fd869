//! Questions to a node's HTTP interface, and what its errors mean.

use serde_json::Value;

use crate::http::{Bounds, Http};
use crate::secret::Secret;
use crate::source::{Kind, Lie, SourceError, shown_url};

/// TronGrid knows its customers by this header.
const KEY: &str = "tron-pro-api-key";

pub struct Wire {
    wallet: Http,
    solid: Http,
}

impl Wire {
    /// `base` is the address before `/wallet`; `solidity` that before
    /// `/walletsolidity`, where the node has another port for it.
    pub fn new(
        base: &str,
        solidity: Option<&str>,
        key: Option<&Secret>,
        bounds: Bounds,
    ) -> Result<Wire, SourceError> {
        let solidity = solidity.unwrap_or(base);
        // The key is the service's at the first address, and nobody else's.
        let solid_key = key.filter(|_| shown_url(base) == shown_url(solidity));
        let open = |base: &str, key: Option<&Secret>| {
            let http = Http::new(base, bounds)?;
            match key {
                Some(key) => http.with_header(KEY, key.reveal()),
                None => Ok(http),
            }
        };
        Ok(Wire { wallet: open(base, key)?, solid: open(solidity, solid_key)? })
    }

    pub fn node(&self) -> &str {
        self.wallet.node()
    }

    /// The text of the answer, which is not an error.
    pub async fn ask(&self, path: &'static str, body: &Value) -> Result<String, SourceError> {
        let http = if path == SOLID_BLOCK { &self.solid } else { &self.wallet };
        let answer = http.post_to(path, body.to_string()).await;
        let answer = answer.map_err(|error| error.asking(path))?;
        let answer = String::from_utf8(answer)
            .map_err(|_| self.error(Kind::from(Lie::NotJson("not UTF-8".into())), path))?;
        match said(&answer) {
            Some(kind) => Err(self.error(kind, path)),
            None => Ok(answer),
        }
    }

    fn error(&self, kind: Kind, path: &'static str) -> SourceError {
        SourceError::new(self.node(), kind).asking(path)
    }
}

pub const BLOCK: &str = "wallet/getblock";
pub const BLOCK_BY_NUM: &str = "wallet/getblockbynum";
pub const NOW_BLOCK: &str = "wallet/getnowblock";
pub const INFOS: &str = "wallet/gettransactioninfobyblocknum";
pub const NODE_INFO: &str = "wallet/getnodeinfo";
pub const SOLID_BLOCK: &str = "walletsolidity/getblock";

#[derive(serde::Deserialize)]
struct Failure {
    /// java-tron's.
    #[serde(rename = "Error")]
    java: Option<String>,
    /// TronGrid's.
    error: Option<String>,
}

/// An answer that is an error has no other sign than being one.
fn said(answer: &str) -> Option<Kind> {
    const ERROR_MAX: usize = 16 << 10;
    if answer.len() > ERROR_MAX || !answer.trim_start().starts_with('{') {
        return None;
    }
    let failure: Failure = serde_json::from_str(answer).ok()?;
    let text = failure.java.or(failure.error)?;
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let text = shortened(&text);
    Some(if has(&["frequency limit", "rate limit", "too many", "lack of computing resources"]) {
        Kind::RateLimited { after: None }
    } else if has(&["api is closed", "not support", "unsupported", "not found", "no such method"]) {
        Kind::NoMethod(text)
    } else if has(&["api key", "apikey", "unauthorized", "forbidden", "not allowed"]) {
        Kind::Refused(text)
    } else {
        Kind::Transient(format!("the node says {text:?}"))
    })
}

pub fn not_json(error: &serde_json::Error) -> Lie {
    Lie::NotJson(shortened(&error.to_string()))
}

/// Text of a stranger, for an error: one line, not long.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
