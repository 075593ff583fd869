//! HTTP to strangers: bounded in time and size, no redirect, no proxy, nowhere we may not go.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};

use crate::reach::{Gate, Reach, Unreachable};

/// Bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub connect: Duration,
    /// From the first step to the head of the answer.
    pub total: Duration,
    /// Bytes of an answer; what is longer is broken off.
    pub body_max: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(15),
            body_max: 1 << 20,
        }
    }
}

/// One for everything: connections are kept for who comes again.
#[derive(Clone)]
pub struct Client {
    /// By HTTPS.
    secure: reqwest::Client,
    /// By HTTP, in one's own house.
    plain: reqwest::Client,
    reach: Reach,
    bounds: Bounds,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// The receiver asked to be left alone so long.
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
    /// The body was longer, or did not end in time.
    pub is_cut: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
    #[error("{0} cannot stand in a header")]
    Header(&'static str),
    #[error("no connection: {0}")]
    Connect(String),
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// A body that nobody needs is read for so long at most, so that the connection can be used again.
const DRAIN: Duration = Duration::from_millis(500);

impl Client {
    pub fn new(reach: Reach, bounds: Bounds) -> Result<Client, ClientError> {
        // Fails where one is installed already, which is then this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let made = |is_plain| {
            reqwest::Client::builder()
                .connect_timeout(bounds.connect)
                .redirect(Policy::none())
                .referer(false)
                .no_proxy()
                .dns_resolver(Gate { reach, is_plain })
                .pool_max_idle_per_host(2)
                .pool_idle_timeout(Duration::from_secs(30))
                .user_agent(concat!("interdict/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(ClientError::Client)
        };
        Ok(Client { secure: made(false)?, plain: made(true)?, reach, bounds })
    }

    /// Asks for JSON. A redirect is an answer like another: it is not followed.
    pub async fn get(&self, url: &str) -> Result<Answer, ClientError> {
        let headers = [("accept", "application/json")];
        self.send(Method::GET, url, &headers, Vec::new(), self.bounds.total).await
    }

    /// Asks by sending something.
    pub async fn ask(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, ClientError> {
        self.send(Method::POST, url, headers, body, self.bounds.total).await
    }

    /// Tells something: of the answer only the head counts.
    pub async fn tell(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, ClientError> {
        self.send(Method::POST, url, headers, body, DRAIN).await
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
        read_for: Duration,
    ) -> Result<Answer, ClientError> {
        let url = self.reach.check(url)?;
        let mut named = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|_| ClientError::Header(name))?;
            named.insert(HeaderName::from_static(name), value);
        }
        let client = if url.scheme() == "http" { &self.plain } else { &self.secure };
        let request = client.request(method, url).headers(named).body(body);
        let sent = tokio::time::timeout(self.bounds.total, request.send()).await;
        let answer = match sent {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.failed(&error)),
            Err(_) => return Err(ClientError::Timeout(self.bounds.total)),
        };
        let status = answer.status();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(seconds);
        let (body, is_cut) = read(answer, self.bounds.body_max, read_for).await;
        Ok(Answer { status, retry_after, body, is_cut })
    }

    fn failed(&self, error: &reqwest::Error) -> ClientError {
        if error.is_timeout() {
            return ClientError::Timeout(self.bounds.total);
        }
        let why = innermost(error);
        if error.is_connect() { ClientError::Connect(why) } else { ClientError::Broken(why) }
    }
}

/// The cause that says most; the address stays out of it, for a key may stand there.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

async fn read(mut answer: reqwest::Response, max: usize, wait: Duration) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    let whole = tokio::time::timeout(wait, async {
        loop {
            let Ok(piece) = answer.chunk().await else { return false };
            let Some(piece) = piece else { return true };
            let room = max - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.len() > room {
                return false;
            }
        }
    });
    let is_whole = whole.await.unwrap_or(false);
    (body, !is_whole)
}

/// Seconds; a date is rare, and what we would wait anyway is as good.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    let seconds: u64 = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Seconds since 1970.
pub fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
