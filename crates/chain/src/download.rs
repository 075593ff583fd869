//! One file by HTTP, as it comes: lists that somebody publishes.
//!
//! A server is told which copy is known, and may answer that it is the newest. Unlike questions to
//! nodes, redirects are followed, since publishers send to storage elsewhere; never from an
//! encrypted connection to one that is not, and nothing secret is sent along.

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

/// Fetches a file, unless it is the known one.
///
/// # Errors
/// When it cannot be fetched whole: what was written by then is no file.
pub async fn file(
    url: &str,
    known: &Known,
    bytes_max: u64,
    to: &mut impl Write,
) -> Result<Answer, SourceError> {
    let node = shown_url(url);
    let failed = |kind: Kind| SourceError::new(&node, kind);
    let refused = |what: &str| failed(Kind::Refused(what.to_string()));
    let broken = |error: reqwest::Error| {
        failed(Kind::Transient("the connection broke".into())).because(error.without_url())
    };
    let client = client().map_err(|error| refused("no HTTP client can be made").because(error))?;
    let mut request = client.get(url);
    for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.changed)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let mut answer = request.send().await.map_err(broken)?;
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

fn client() -> reqwest::Result<reqwest::Client> {
    crate::http::use_ring();
    let redirects = Policy::custom(|attempt| {
        let was_secure = attempt.previous().last().is_some_and(|from| from.scheme() == "https");
        if attempt.previous().len() > REDIRECTS_MAX {
            attempt.error("too many redirects")
        } else if was_secure && attempt.url().scheme() != "https" {
            attempt.error("a redirect to a connection that is not encrypted")
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
        let first = file(&url, &Known::default(), 100, &mut bytes).await.expect("a file");
        let Answer::New { etag, changed, bytes: 4 } = first else { panic!("{first:?}") };
        assert_eq!(bytes, b"list");
        let known = Known { etag, changed };
        let second = file(&url, &known, 100, &mut bytes).await.expect("an answer");
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
            let error = file(&url, &Known::default(), 100, &mut Vec::new()).await;
            let error = error.expect_err("no file").to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
