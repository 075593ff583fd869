//! A server of casework in a folder of its own, and how a test talks to it.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use case::db::{Db, Place};
use http_body_util::BodyExt;
use serde_json::Value;
use serve::access::sessions::csrf_token;
use serve::policy::Role;
use serve::trial::Cast;
use serve::{App, Settings};
use tempfile::TempDir;
use tower::ServiceExt;

pub struct Desk {
    pub app: App,
    pub router: Router,
    pub document: Value,
    pub folder: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_string()
    }

    pub fn cookie(&self) -> String {
        let set = self.headers["set-cookie"].to_str().unwrap();
        set.split(';').next().unwrap().split_once('=').unwrap().1.to_string()
    }
}

pub fn settings() -> Settings {
    Settings { address_per_s: 0, key_per_s: 0, log_nothing: true, ..Settings::default() }
}

pub fn desk() -> Desk {
    desk_with(settings())
}

pub fn desk_with(settings: Settings) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join("casework.sqlite"));
    let app = App::open(Arc::new(Db::open(&place).unwrap()), settings).unwrap();
    let server = serve::frame::build(app, Vec::new()).unwrap();
    let document = serde_json::from_slice(server.document()).unwrap();
    Desk { app: server.app().clone(), router: server.router(), document, folder }
}

impl Desk {
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, Body::empty()).await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send(Method::POST, path, &all, body.to_string()).await
    }

    /// The first administrator, by the link: cookie and CSRF token.
    pub async fn administrator(&self) -> (String, String) {
        let secret = self.app.access.invite(None).unwrap();
        let body = serde_json::json!({ "secret": secret, "name": "ada", "password": PASSWORD });
        let answer = self.post("/v1/welcome", &[], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        (answer.cookie(), answer.json()["csrf"].as_str().unwrap().to_string())
    }
}

pub const PASSWORD: &str = "a sentence of some length";

/// Somebody at their browser.
pub struct Person<'a> {
    pub desk: &'a Desk,
    pub cookie: &'a str,
}

impl Person<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        let cookie = format!("interdict={}", self.cookie);
        self.desk.get(path, &[("cookie", &cookie)]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let cookie = format!("interdict={}", self.cookie);
        let token = csrf_token(self.cookie);
        let headers = [
            ("content-type", "application/json"),
            ("cookie", cookie.as_str()),
            ("x-csrf-token", token.as_str()),
        ];
        self.desk.send(method, path, &headers, body.to_string()).await
    }
}

pub fn person<'a>(desk: &'a Desk, cast: &'a Cast, role: Role) -> Person<'a> {
    Person { desk, cookie: &cast.people[&role] }
}
