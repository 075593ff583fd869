//! What is asked of the desk, and what it should say.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::load;

/// One question, made ready.
#[derive(Clone)]
pub struct Ask {
    method: Method,
    path: &'static str,
    key: Option<String>,
    body: Bytes,
    /// Has it hits? None: whatever comes is right.
    pub is_listed: Option<bool>,
}

/// Addresses that the list of the home names: see fixtures/bybit.
const LISTED: &str = include_str!("../../../fixtures/bybit/fbi_psa250226_51.txt");
/// Of a hundred questions, this many name a listed address.
const LISTED_PERCENT: usize = 2;
const DIFFERENT: usize = 5_000;

pub fn listed() -> impl Iterator<Item = &'static str> {
    LISTED.lines().map(str::trim).filter(|line| line.starts_with("0x"))
}

impl Ask {
    /// Addresses nobody listed, and some that are; the same in every run.
    pub fn all(key: &str) -> Result<Vec<Ask>> {
        let listed: Vec<&str> = listed().collect();
        ensure!(!listed.is_empty(), "the fixture names no address");
        let mut random = crate::random::Random(7);
        let mut asks = Vec::with_capacity(DIFFERENT);
        for n in 0..DIFFERENT {
            let is_listed = n % 100 < LISTED_PERCENT;
            let address = if is_listed {
                listed[n / 100 % listed.len()].to_string()
            } else {
                let part = |random: &mut crate::random::Random| random.next();
                format!(
                    "0x{:016x}{:016x}{:08x}",
                    part(&mut random),
                    part(&mut random),
                    part(&mut random) >> 32
                )
            };
            asks.push(Ask {
                method: Method::POST,
                path: "/v1/screen",
                key: Some(format!("Bearer {key}")),
                body: json!({ "address": address }).to_string().into(),
                is_listed: Some(is_listed),
            });
        }
        Ok(asks)
    }

    /// A hundred at once: more work than a server of two cores does of these in time.
    pub fn batch(key: &str) -> Ask {
        let address = listed().next().unwrap_or_default();
        let asks = vec![json!({ "address": address }); 100];
        Ask {
            method: Method::POST,
            path: "/v1/screen/batch",
            key: Some(format!("Bearer {key}")),
            body: json!({ "asks": asks }).to_string().into(),
            is_listed: None,
        }
    }

    pub fn nothing() -> Ask {
        let body = json!({ "address": "0x0000000000000000000000000000000000000000" }).to_string();
        Ask { method: Method::POST, path: "/", key: None, body: body.into(), is_listed: None }
    }

    pub fn request(&self, address: &str) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(self.method.clone()).uri(self.path);
        request = request.header("host", address).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", key);
        }
        request.body(Full::new(self.body.clone())).context("a request is made")
    }

    /// Quick enough to be done for each answer: an answer without a hit says so in these bytes.
    pub fn is_answered(&self, body: &[u8]) -> bool {
        const NO_HITS: &[u8] = b"\"hits\":[]";
        let has_none = || body.windows(NO_HITS.len()).any(|window| window == NO_HITS);
        self.is_listed.is_none_or(|is_listed| is_listed != has_none())
    }
}

/// Each question once, its answer read as a whole.
pub async fn compare(address: &str, asks: &[Ask]) -> Result<()> {
    let mut sender = load::connect(address).await?;
    let mut found = 0;
    for ask in asks {
        sender.ready().await?;
        let answer = sender.send_request(ask.request(address)?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        ensure!(status == StatusCode::OK, "{:?}: {status}: {text}", ask.body);
        let answer: Value = serde_json::from_slice(&body)?;
        let hits = answer["hits"].as_array().with_context(|| format!("no hits in {text}"))?;
        ensure!(
            Some(!hits.is_empty()) == ask.is_listed && ask.is_answered(&body),
            "{:?}: expected {}, got {text}",
            ask.body,
            if ask.is_listed == Some(true) { "a hit" } else { "none" },
        );
        found += hits.len();
    }
    ensure!(found > 0, "nothing was found");
    Ok(())
}
