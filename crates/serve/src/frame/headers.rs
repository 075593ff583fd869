//! Headers that every answer carries.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Pages run only their own scripts and styles, from files, and are in no frame.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

static ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
];

/// Two years, as browsers' lists ask for.
const STAY_WITH_TLS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

pub fn add(headers: &mut HeaderMap, is_tls: bool) {
    headers.reserve(ALWAYS.len() + 3);
    for (name, value) in &ALWAYS {
        headers.insert(name.clone(), value.clone());
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if is_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STAY_WITH_TLS);
    }
}
