//! The web: what `web/` was built into, embedded. Every name but the page's own carries a hash of the
//! content, so that a browser may keep it for good.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Path;
use crate::problem::Problem;

/// A file as it was built, and smaller where that was worth it.
struct File {
    name: &'static str,
    plain: &'static [u8],
    br: Option<&'static [u8]>,
    gz: Option<&'static [u8]>,
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

const PAGE: &str = "index.html";
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(asset))
}

/// The page, if the web was built.
pub fn page(headers: &HeaderMap) -> Option<Response> {
    find(PAGE).map(|file| send(file, headers, ASK_FIRST))
}

/// A script, style or picture of the page
#[utoipa::path(get, path = "/web/{file}", tag = "page", params(("file" = String, Path)),
    responses((status = 200, body = String, content_type = "*/*"), (status = 404, body = Problem)))]
async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let file = find(&name).filter(|file| file.name != PAGE);
    let file = file.ok_or_else(|| Problem::not_found("the page has no such file"))?;
    Ok(send(file, &headers, FOR_GOOD))
}

fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

fn send(file: &'static File, headers: &HeaderMap, keep: HeaderValue) -> Response {
    let (coding, bytes) = match (file.br, file.gz) {
        (Some(br), _) if takes(headers, "br") => (Some("br"), br),
        (_, Some(gz)) if takes(headers, "gzip") => (Some("gzip"), gz),
        _ => (None, file.plain),
    };
    let fixed: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind(file.name))),
        (header::CACHE_CONTROL, keep),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    let mut response = (fixed, bytes).into_response();
    if let Some(coding) = coding {
        let coding = HeaderValue::from_static(coding);
        response.headers_mut().insert(header::CONTENT_ENCODING, coding);
    }
    response
}

/// Does who asks read this coding? `br;q=0` says no.
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|part| {
        let mut words = part.split(';').map(str::trim);
        let is_it = words.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weight = words.find_map(|word| word.strip_prefix("q=")).map(str::parse::<f32>);
        is_it && !matches!(weight, Some(Ok(weight)) if weight <= 0.0)
    })
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "toml" => "application/toml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(coding: &'static str) -> HeaderMap {
        [(header::ACCEPT_ENCODING, HeaderValue::from_static(coding))].into_iter().collect()
    }

    static FILE: File = File { name: "a-1f.js", plain: b"plain", br: Some(b"br"), gz: Some(b"gz") };

    #[test]
    fn the_smallest_form_that_the_browser_reads_is_sent() {
        let coding = |asks| {
            let sent = send(&FILE, &asked(asks), FOR_GOOD);
            assert_eq!(sent.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
            assert_eq!(sent.headers()[header::VARY], "accept-encoding");
            sent.headers().get(header::CONTENT_ENCODING).cloned()
        };
        assert_eq!(coding("gzip, deflate, br, zstd").unwrap(), "br");
        assert_eq!(coding("gzip, br;q=0").unwrap(), "gzip");
        assert_eq!(coding("identity"), None);
    }

    #[test]
    fn what_was_built_is_named_by_its_hash_and_has_a_page() {
        for file in FILES.iter().filter(|file| file.name != PAGE) {
            let (stem, _) = file.name.rsplit_once('.').unwrap();
            assert!(stem.contains('-'), "{} has no hash in its name", file.name);
        }
        assert_eq!(FILES.is_empty(), find(PAGE).is_none());
    }
}
