//! One file by HTTP, as it comes: lists that somebody publishes.
//!
//! A server is told which copy is known, and may answer that it is the newest. Unlike questions to
//! nodes, redirects are followed, since publishers send to storage elsewhere; never from an
//! encrypted connection to one that is not, and nothing secret is sent along. Who wants it says which
//! hosts they may lead to.

use std::error::Error as _;
use std::io::Write;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{
    ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::redirect::Policy;

use crate::source::{Kind, SourceError, shown_url};

/// The copy that is known, in the server's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub etag: Option<String>,
    pub changed: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The known copy is the newest.
    Same,
    New {
        etag: Option<String>,
        changed: Option<String>,
        bytes: u64,
    },
}

/// More redirects than this lead nowhere.
const REDIRECTS_MAX: usize = 5;

/// Where redirects may lead, beside the host that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    #[default]
    Anywhere,
    /// To these hosts alone.
    Hosts(Vec<String>),
}

/// Fetches a small answer whole.
///
/// # Errors
/// As [`file`], and when it takes longer than `time_max` from end to end.
pub async fn answer(
    url: &str,
    redirects: &Redirects,
    bytes_max: u64,
    time_max: Duration,
) -> Result<Vec<u8>, SourceError> {
    let (known, mut bytes) = (Known::default(), Vec::new());
    let fetched = file(url, &known, redirects, bytes_max, &mut bytes);
    match tokio::time::timeout(time_max, fetched).await {
        Ok(answer) => answer.map(|_| bytes),
        Err(_) => {
            let kind = Kind::Transient(format!("no whole answer in {} s", time_max.as_secs()));
            Err(SourceError::new(&shown_url(url), kind))
        }
    }
}

/// Fetches a file, unless it is the known one.
///
/// # Errors
/// When it cannot be fetched whole: what was written by then is no file.
pub async fn file(
    url: &str,
    known: &Known,
    redirects: &Redirects,
    bytes_max: u64,
    to: &mut impl Write,
) -> Result<Answer, SourceError> {
    let node = shown_url(url);
    let failed = |kind: Kind| SourceError::new(&node, kind);
    let refused = |what: &str| failed(Kind::Refused(what.to_string()));
    let broken = |error: reqwest::Error| {
        failed(Kind::Transient("the connection broke".into())).because(error.without_url())
    };
    let client =
        client(redirects).map_err(|error| refused("no HTTP client can be made").because(error))?;
    let mut request = client.get(url);
    for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.changed)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let mut answer = request.send().await.map_err(|error| match error.is_redirect() {
        true => refused(&said(&error)),
        false => broken(error),
    })?;
    match answer.status() {
        StatusCode::NOT_MODIFIED if *known != Known::default() => return Ok(Answer::Same),
        StatusCode::OK => {}
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Err(failed(Kind::Transient(format!("HTTP status {status}"))));
        }
        status => return Err(refused(&format!("HTTP status {status}"))),
    }
    let too_large = || refused(&format!("the file has more than {bytes_max} bytes"));
    if answer.content_length().is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large());
    }
    let (etag, changed) = (text(answer.headers(), ETAG), text(answer.headers(), LAST_MODIFIED));
    let mut bytes = 0;
    while let Some(piece) = answer.chunk().await.map_err(broken)? {
        bytes += piece.len() as u64;
        if bytes > bytes_max {
            return Err(too_large());
        }
        to.write_all(&piece).map_err(|error| refused("it cannot be written").because(error))?;
    }
    Ok(Answer::New { etag, changed, bytes })
}

/// Why a redirect was not followed. Addresses of storage hold keys, so they are not said.
fn said(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(|cause| cause.source()) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "a redirect that leads nowhere".to_string(), ToString::to_string)
}

fn client(redirects: &Redirects) -> reqwest::Result<reqwest::Client> {
    crate::http::use_ring();
    let allowed = redirects.clone();
    let redirects = Policy::custom(move |attempt| {
        let was_secure = attempt.previous().last().is_some_and(|from| from.scheme() == "https");
        if attempt.previous().len() > REDIRECTS_MAX {
            attempt.error("too many redirects")
        } else if was_secure && attempt.url().scheme() != "https" {
            attempt.error("a redirect to a connection that is not encrypted")
        } else if let Some(host) = forbidden(&allowed, attempt.previous(), attempt.url()) {
            attempt.error(format!("a redirect to {host}, which is not named among the redirects"))
        } else {
            attempt.follow()
        }
    });
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(20))
        // The European Union's list takes over a minute to begin.
        .read_timeout(Duration::from_secs(180))
        .redirect(redirects)
        .referer(false)
        .no_proxy()
        .user_agent("interdict")
        .build()
}

/// The host that a redirect may not lead to.
fn forbidden(allowed: &Redirects, previous: &[reqwest::Url], to: &reqwest::Url) -> Option<String> {
    let Redirects::Hosts(hosts) = allowed else { return None };
    let place = |url: &reqwest::Url| {
        (url.host_str().unwrap_or_default().to_string(), url.port_or_known_default())
    };
    let (host, port) = place(to);
    let is_same = previous.first().is_some_and(|first| place(first) == (host.clone(), port));
    let is_named = hosts.contains(&host);
    (!is_same && !is_named).then_some(host)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_string)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Serves one connection with each of these answers, and says what was asked.
    async fn serve(answers: Vec<&'static str>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/list.xml", listener.local_addr().expect("an address"));
        let served = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                let mut request = vec![0; 4096];
                let read = socket.read(&mut request).await.expect("a question");
                asked.push(String::from_utf8_lossy(&request[..read]).to_lowercase());
                socket.write_all(answer.as_bytes()).await.expect("an answer");
            }
            asked
        });
        (url, served)
    }

    #[tokio::test]
    async fn a_known_copy_is_not_fetched_again() {
        let (url, served) = serve(vec![
            "HTTP/1.1 200 OK\r\nETag: \"a1\"\r\nLast-Modified: Wed, 19 Nov 2025 00:00:00 GMT\r\n\
             Content-Length: 4\r\nConnection: close\r\n\r\nlist",
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n",
        ])
        .await;
        let mut bytes = Vec::new();
        let first = file(&url, &Known::default(), &Redirects::Anywhere, 100, &mut bytes)
            .await
            .expect("a file");
        let Answer::New { etag, changed, bytes: 4 } = first else { panic!("{first:?}") };
        assert_eq!(bytes, b"list");
        let known = Known { etag, changed };
        let second =
            file(&url, &known, &Redirects::Anywhere, 100, &mut bytes).await.expect("an answer");
        assert_eq!(second, Answer::Same);
        let asked = served.await.expect("served");
        assert!(!asked[0].contains("if-none-match"), "{}", asked[0]);
        assert!(asked[1].contains("if-none-match: \"a1\""), "{}", asked[1]);
        assert!(asked[1].contains("if-modified-since: wed, 19 nov 2025"), "{}", asked[1]);
    }

    #[tokio::test]
    async fn what_is_cut_too_large_or_not_there_is_no_file() {
        for (answer, said) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nlist", "broke"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\nlist",
                "more than",
            ),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "404"),
            ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "500"),
            ("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", "304"),
        ] {
            let (url, _served) = serve(vec![answer]).await;
            let error =
                file(&url, &Known::default(), &Redirects::Anywhere, 100, &mut Vec::new()).await;
            let error = error.expect_err("no file").to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[tokio::test]
    async fn a_redirect_leads_to_named_hosts_only() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlist";
        let cases = [
            (Redirects::Anywhere, None),
            (Redirects::Hosts(vec!["localhost".to_string()]), None),
            (Redirects::Hosts(Vec::new()), Some("a redirect to localhost")),
            (Redirects::Hosts(vec!["host".to_string()]), Some("a redirect to localhost")),
        ];
        for (redirects, said) in cases {
            let (url, _there) = serve(vec![whole]).await;
            let there = url.replace("127.0.0.1", "localhost");
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {there}?Signature=sesame\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let (url, _here) = serve(vec![answer.leak()]).await;
            let got = super::answer(&url, &redirects, 100, Duration::from_secs(60)).await;
            match said {
                None => assert_eq!(got.expect("it is followed"), b"list", "{redirects:?}"),
                Some(said) => {
                    let error = got.expect_err("it is not followed").to_string();
                    assert!(error.contains(said) && !error.contains("sesame"), "{error}");
                }
            }
        }
    }

    #[tokio::test]
    async fn an_answer_that_drips_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/x", listener.local_addr().expect("an address"));
        let dripping = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let read = socket.read(&mut [0; 4096]).await.expect("a question");
            assert!(read > 0, "it was asked");
            let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
            socket.write_all(head).await.expect("a head");
            while socket.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let answer = super::answer(&url, &Redirects::Anywhere, 1 << 20, Duration::from_secs(1));
        let error = answer.await.expect_err("no end");
        assert!(error.to_string().contains("no whole answer in 1 s"), "{error}");
        dripping.abort();
    }
}
