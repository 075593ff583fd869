//! HTTP to nodes and providers: with an end to every wait and every answer.
//!
//! One client for all chains. It follows no redirect (a key would follow it),
//! and reads no more of an answer than it was told to.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};

use crate::source::{Kind, Lie, SourceError, shown_url};

/// Bounds of one conversation.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub read: Duration,
    /// From the question to the last byte of its answer.
    pub total: Duration,
    /// Bytes of an answer, unpacked.
    pub body_max: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(30),
            total: Duration::from_secs(120),
            // The traces of the largest Ethereum blocks are some tens of megabytes.
            body_max: 256 << 20,
        }
    }
}

/// One server, asked by POST with JSON, or by GET.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    url: reqwest::Url,
    /// As it may be shown.
    node: String,
    headers: HeaderMap,
    bounds: Bounds,
}

impl Http {
    /// Connects with the first question, not here. User and password may stand
    /// in the address; they are sent as a header and never shown.
    pub fn new(url: &str, bounds: Bounds) -> Result<Http, SourceError> {
        let node = shown_url(url);
        let refused = |what: &str| SourceError::new(&node, Kind::Refused(what.into()));
        let url =
            reqwest::Url::parse(url).map_err(|e| refused("not an address of a node").because(e))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("expected an address that begins with http:// or https://"));
        }
        use_ring();
        let client = reqwest::Client::builder()
            .connect_timeout(bounds.connect)
            .read_timeout(bounds.read)
            .timeout(bounds.total)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("interdict")
            .build()
            .map_err(|e| refused("no HTTP client can be made").because(e.without_url()))?;
        Ok(Http { client, url, node, headers: HeaderMap::new(), bounds })
    }

    /// The same with a header more, for a key or a login: sent, never shown.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Result<Http, SourceError> {
        let refused = || Kind::Refused(format!("the value of {name} cannot be sent in a header"));
        let mut value =
            HeaderValue::from_str(value).map_err(|_| SourceError::new(&self.node, refused()))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// As it may be shown.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The body of the answer, whatever its status where that is not an error of
    /// the server or of the way to it: some nodes answer errors of JSON-RPC
    /// with 400 or 500.
    pub async fn post(&self, body: String) -> Result<Vec<u8>, SourceError> {
        self.send(self.client.post(self.url.clone()), Some(body)).await
    }

    /// The same at a path below the server's address, such as `wallet/getnowblock`.
    pub async fn post_to(&self, path: &str, body: String) -> Result<Vec<u8>, SourceError> {
        self.send(self.client.post(self.below(path)), Some(body)).await
    }

    /// The same by GET, at a path that may end in a query.
    pub async fn get(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        self.send(self.client.get(self.below(path)), None).await
    }

    /// Keeps the query of the address, for a key may stand there.
    fn below(&self, path: &str) -> reqwest::Url {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut url = self.url.clone();
        // A query alone is asked of the address itself.
        if !path.is_empty() {
            let base = url.path().trim_end_matches('/').to_string();
            url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        }
        let own = url.query().unwrap_or_default().to_string();
        let both = [query, own.as_str()].into_iter().filter(|part| !part.is_empty());
        let both = both.collect::<Vec<_>>().join("&");
        url.set_query((!both.is_empty()).then_some(both.as_str()));
        url
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        body: Option<String>,
    ) -> Result<Vec<u8>, SourceError> {
        let mut request = request.headers(self.headers.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let answer = request.send().await.map_err(|e| self.unreachable(e))?;
        let status = answer.status();
        if let Some(kind) = kind_of(status, answer.headers()) {
            return Err(SourceError::new(&self.node, kind));
        }
        let body = self.read(answer).await?;
        if !status.is_success() && body.trim_ascii_start().first() != Some(&b'{') {
            let kind = match status.is_server_error() {
                true => Kind::Transient(format!("HTTP status {status}")),
                false => Kind::Refused(format!("HTTP status {status}")),
            };
            return Err(SourceError::new(&self.node, kind));
        }
        Ok(body)
    }

    async fn read(&self, mut answer: reqwest::Response) -> Result<Vec<u8>, SourceError> {
        let max = self.bounds.body_max;
        let too_large = || SourceError::new(&self.node, Kind::from(Lie::TooLarge { max }));
        let stated = answer.content_length().unwrap_or(0);
        if stated > max as u64 {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|e| self.unreachable(e))? {
            if body.len() + piece.len() > max {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn unreachable(&self, error: reqwest::Error) -> SourceError {
        let what = if error.is_timeout() {
            "no answer in time"
        } else if error.is_connect() {
            "no connection"
        } else {
            "the connection broke"
        };
        // An error of this library shows the address it was made with.
        SourceError::new(&self.node, Kind::Transient(what.into())).because(error.without_url())
    }
}

/// What a status alone tells.
fn kind_of(status: StatusCode, headers: &HeaderMap) -> Option<Kind> {
    let after = || {
        let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(Kind::RateLimited { after: after() }),
        StatusCode::SERVICE_UNAVAILABLE if headers.contains_key(RETRY_AFTER) => {
            Some(Kind::RateLimited { after: after() })
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Some(Kind::Transient(format!("HTTP status {status}")))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(Kind::Refused(format!(
            "HTTP status {status}: is there a key or password to give?"
        ))),
        StatusCode::PAYLOAD_TOO_LARGE => Some(Kind::Refused(format!("HTTP status {status}"))),
        _ if status.is_redirection() => {
            Some(Kind::Refused(format!("HTTP status {status}: the node's own address is needed")))
        }
        _ => None,
    }
}

/// The one implementation of TLS's ciphers here.
pub fn use_ring() {
    // Fails where one is installed already, which is then this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::source::shown_url;

    /// A server that answers once, and then as long as it is listened to.
    fn server(head: &'static str, endless: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(head.as_bytes());
            while !endless.is_empty() && stream.write_all(endless).is_ok() {}
        });
        format!("http://user:secret@{address}/KEY?apikey=KEY")
    }

    fn told(error: &SourceError) -> String {
        let mut text = format!("{error} {error:?}");
        let mut next = error.source();
        while let Some(cause) = next {
            text += &format!(" {cause} {cause:?}");
            next = cause.source();
        }
        text
    }

    async fn asked(head: &'static str, endless: &'static [u8]) -> SourceError {
        let url = server(head, endless);
        let bounds = Bounds { body_max: 1000, ..Bounds::default() };
        let http = Http::new(&url, bounds).expect("an address");
        let http = http.with_header("x-key", "KEY").expect("a header");
        let error = http.get("block?height=KEY").await.expect_err("no answer is good");
        assert!(!told(&error).contains("KEY") && !told(&error).contains("secret"), "{error:?}");
        assert!(told(&error).contains(&shown_url(&url)), "{error:?}");
        error
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let plain = "HTTP/1.1 200 OK\r\n\r\n";
        for (head, piece) in [(chunked, &b"4\r\n    \r\n"[..]), (plain, &b"    "[..])] {
            let error = asked(head, piece).await;
            assert_eq!(error.lie(), Some(&Lie::TooLarge { max: 1000 }));
        }
        let stated = asked("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n", b"").await;
        assert_eq!(stated.lie(), Some(&Lie::TooLarge { max: 1000 }));
    }

    #[tokio::test]
    async fn a_broken_answer_is_asked_for_again_and_a_redirect_is_not_followed() {
        let cut = asked("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", b"").await;
        assert!(cut.is_transient(), "{cut}");
        let late = asked("HTTP/1.1 429 Slow\r\nretry-after: 7\r\n\r\n", b"").await;
        let after = Some(Duration::from_secs(7));
        assert!(matches!(late.kind, Kind::RateLimited { after: a } if a == after), "{late}");
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\n\r\n";
        assert!(!asked(moved, b"").await.is_transient());
    }

    #[test]
    fn a_path_is_asked_below_the_address_and_keeps_its_key() {
        let http = Http::new("http://node/v1/?apikey=K", Bounds::default()).expect("an address");
        assert_eq!(http.below("wallet/x?a=1").as_str(), "http://node/v1/wallet/x?a=1&apikey=K");
        let bare = Http::new("http://node", Bounds::default()).expect("an address");
        assert_eq!(bare.below("/wallet/x").as_str(), "http://node/wallet/x");
        let file = Http::new("http://node/v2/api", Bounds::default()).expect("an address");
        assert_eq!(file.below("?chainid=1").as_str(), "http://node/v2/api?chainid=1");
    }
}
