//! Signing in by a provider: one that is honest, and the same when it lies.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::{Answer, Desk, desk_with, settings};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use serve::access::oidc::{Oidc, OidcSettings};
use serve::policy::Role;
use serve::{Settings, time};
use sha2::{Digest, Sha256};

/// What the provider does otherwise than it should.
type Lie = fn(&mut Token);

struct Token {
    header: Value,
    claims: Value,
    /// Signed by a key that is not published.
    is_forged: bool,
    is_unsigned: bool,
}

struct Provider {
    issuer: String,
    pair: EcdsaKeyPair,
    other: EcdsaKeyPair,
    lie: Mutex<Option<Lie>>,
    groups: Mutex<Value>,
    subject: Mutex<String>,
    /// Of the sign-in that waits for its token.
    asked: Mutex<HashMap<String, String>>,
}

fn pair() -> EcdsaKeyPair {
    let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let key = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Provider {
    async fn start() -> Arc<Provider> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(Provider {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            pair: pair(),
            other: pair(),
            lie: Mutex::default(),
            groups: Mutex::new(json!(["staff", "cell-analysts"])),
            subject: Mutex::new("s-1".into()),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(document))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    fn desk(&self) -> Desk {
        let roles = [
            ("cell-analysts".to_string(), Role::Analyst),
            ("cell-admins".to_string(), Role::Administrator),
        ];
        let oidc = OidcSettings {
            issuer: self.issuer.clone(),
            client: "cell".into(),
            client_secret: Some("s3cret:+".into()),
            origin: "http://localhost:8520".into(),
            scopes: vec!["openid".into(), "profile".into()],
            role_claim: "groups".into(),
            roles: roles.into(),
            name_claim: "preferred_username".into(),
        };
        let reach = share::Reach { allow_private: true };
        let client = share::Client::new(reach, share::client::Bounds::default()).unwrap();
        desk_with(Settings { oidc: Some(Arc::new(Oidc::new(oidc, client))), ..settings() })
    }

    /// The browser is sent here and agrees: what it goes back with.
    fn agree(&self, location: &str) -> HashMap<String, String> {
        let (to, query) = location.split_once('?').unwrap();
        assert_eq!(to, format!("{}/authorize", self.issuer));
        let asked: HashMap<String, String> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["redirect_uri"], "http://localhost:8520/v1/oidc/callback");
        *self.asked.lock().unwrap() = asked.clone();
        asked
    }
}

async fn document(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let at = |path: &str| format!("{}/{path}", provider.issuer);
    Json(json!({
        "issuer": provider.issuer, "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"), "jwks_uri": at("keys"),
    }))
}

async fn keys(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let point = provider.pair.public_key().as_ref();
    Json(json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "alg": "ES256",
        "x": base64(&point[1..33]), "y": base64(&point[33..]),
    }] }))
}

async fn token(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, StatusCode> {
    let form: HashMap<String, String> =
        form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let asked = provider.asked.lock().unwrap().clone();
    let basic = format!("Basic {}", STANDARD.encode("cell:s3cret%3A%2B"));
    let verifier = base64(&Sha256::digest(form["code_verifier"].as_bytes()));
    let is_right = headers["authorization"] == basic.as_str()
        && form["code"] == "the-code"
        && verifier == asked["code_challenge"]
        && form["redirect_uri"] == asked["redirect_uri"];
    if !is_right {
        return Err(StatusCode::BAD_REQUEST);
    }
    let now = time::now();
    let mut token = Token {
        header: json!({ "alg": "ES256", "kid": "one" }),
        claims: json!({
            "iss": provider.issuer, "aud": "cell", "sub": *provider.subject.lock().unwrap(),
            "nonce": asked["nonce"], "iat": now, "exp": now + 300,
            "groups": *provider.groups.lock().unwrap(), "preferred_username": "Grace",
        }),
        is_forged: false,
        is_unsigned: false,
    };
    if let Some(lie) = *provider.lie.lock().unwrap() {
        lie(&mut token);
    }
    let text = |value: &Value| base64(value.to_string().as_bytes());
    let signed = format!("{}.{}", text(&token.header), text(&token.claims));
    let key = if token.is_forged { &provider.other } else { &provider.pair };
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let signature = if token.is_unsigned { String::new() } else { base64(signature.as_ref()) };
    Ok(Json(json!({ "id_token": format!("{signed}.{signature}"), "token_type": "Bearer" })))
}

/// From our page to the provider and back, in one browser.
async fn sign_in(desk: &Desk, provider: &Provider) -> Answer {
    let away = desk.get("/v1/oidc/login", &[]).await;
    assert_eq!(away.status, 303, "{}", away.text);
    let asked = provider.agree(away.headers["location"].to_str().unwrap());
    let cookie = format!("interdict-oidc={}", away.cookie());
    let path = format!("/v1/oidc/callback?state={}&code=the-code", asked["state"]);
    desk.get(&path, &[("cookie", &cookie)]).await
}

async fn me(desk: &Desk, answer: &Answer) -> Value {
    let cookie = format!("interdict={}", answer.cookie());
    desk.get("/v1/session", &[("cookie", &cookie)]).await.json()
}

#[tokio::test]
async fn somebody_comes_in_with_the_role_that_their_groups_give_and_it_follows_them() {
    let provider = Provider::start().await;
    let desk = provider.desk();
    desk.administrator().await;
    let answer = sign_in(&desk, &provider).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(answer.headers["location"], "/");
    let who = me(&desk, &answer).await;
    assert_eq!((&who["actor"], &who["role"]), (&"person:grace".into(), &"analyst".into()));
    *provider.groups.lock().unwrap() = json!("cell-admins");
    let answer = sign_in(&desk, &provider).await;
    assert_eq!(me(&desk, &answer).await["role"], "administrator");
    assert_eq!(desk.app.access.known().users.len(), 2, "the same person");
    // Without a group that counts they are let in no more.
    *provider.groups.lock().unwrap() = json!(["staff"]);
    assert_eq!(sign_in(&desk, &provider).await.status, 401);
}

#[tokio::test]
async fn who_is_called_like_somebody_here_is_not_them() {
    let provider = Provider::start().await;
    let desk = provider.desk();
    desk.administrator().await;
    sign_in(&desk, &provider).await;
    *provider.subject.lock().unwrap() = "s-2".into();
    let answer = sign_in(&desk, &provider).await;
    assert!(answer.status == 401 && answer.text.contains("called grace"), "{}", answer.text);
    // Whoever is locked here stays out, whatever the provider says.
    *provider.subject.lock().unwrap() = "s-1".into();
    let id = desk.app.access.known().user_named("grace").unwrap().id;
    let lock = serve::access::users::UserChange { is_locked: Some(true), ..Default::default() };
    desk.app.access.change_user(id, &lock, "test").unwrap();
    assert_eq!(sign_in(&desk, &provider).await.status, 401);
}

#[tokio::test]
async fn a_provider_that_lies_signs_nobody_in() {
    let provider = Provider::start().await;
    let desk = provider.desk();
    desk.administrator().await;
    let lies: [(&str, Lie); 14] = [
        ("nonce", |token| token.claims["nonce"] = "another".into()),
        ("nonce", |token| token.claims["nonce"] = Value::Null),
        ("aud", |token| token.claims["aud"] = "another".into()),
        ("azp", |token| token.claims["aud"] = json!(["cell", "another"])),
        ("azp", |token| token.claims["azp"] = "another".into()),
        ("iss", |token| token.claims["iss"] = "https://evil.example".into()),
        ("expired", |token| token.claims["exp"] = (time::now() - 120).into()),
        ("exp", |token| token.claims["exp"] = Value::Null),
        ("to come", |token| token.claims["iat"] = (time::now() + 3600).into()),
        ("none", |token| {
            token.header["alg"] = "none".into();
            token.is_unsigned = true;
        }),
        ("HS256", |token| token.header["alg"] = "HS256".into()),
        ("signature", |token| token.is_forged = true),
        ("signature", |token| token.is_unsigned = true),
        ("no key", |token| token.header["kid"] = "two".into()),
    ];
    for (said, lie) in lies {
        *provider.lie.lock().unwrap() = Some(lie);
        let answer = sign_in(&desk, &provider).await;
        assert!(answer.status == 401 && answer.text.contains(said), "{said}: {}", answer.text);
        assert!(!answer.headers.contains_key("set-cookie"), "{said}");
    }
    *provider.lie.lock().unwrap() = None;
    assert_eq!(sign_in(&desk, &provider).await.status, 303);
}

#[tokio::test]
async fn what_began_elsewhere_or_was_used_does_not_end_here() {
    let provider = Provider::start().await;
    let desk = provider.desk();
    let away = desk.get("/v1/oidc/login", &[]).await;
    let asked = provider.agree(away.headers["location"].to_str().unwrap());
    let path = format!("/v1/oidc/callback?state={}&code=the-code", asked["state"]);
    // A link with somebody else's sign-in, opened in another browser.
    assert_eq!(desk.get(&path, &[("cookie", "interdict-oidc=x")]).await.status, 401);
    let cookie = format!("interdict-oidc={}", away.cookie());
    assert_eq!(desk.get(&path, &[("cookie", &cookie)]).await.status, 401, "used up by the try");
    assert_eq!(desk.get("/v1/oidc/callback?error=access_denied", &[]).await.status, 401);
    assert_eq!(desk.get("/v1/oidc/callback", &[]).await.status, 422);
    assert_eq!(common::desk().get("/v1/oidc/login", &[]).await.status, 404);
}

/// What the fuzz target begins with must get as far as there is to get.
#[test]
fn the_seeds_of_the_fuzz_target_are_taken() {
    use serve::access::oidc::token::{Expected, Keys, claims};
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/id_token");
    let expected = Expected {
        issuer: "https://login.example",
        client: "interdict",
        nonce: "n-1",
        now_s: 1_772_000_000,
    };
    for name in ["eddsa", "es256", "rs256"] {
        let text = std::fs::read_to_string(seeds.join(name)).unwrap();
        let (keys, token) = text.split_once('\n').unwrap();
        let keys: Keys = serde_json::from_str(keys).unwrap();
        let found = claims(token, &keys, expected);
        assert_eq!(found.unwrap()["sub"], "u1", "{name}");
        assert!(claims(token, &Keys::default(), expected).is_err());
    }
}

#[tokio::test]
async fn a_person_who_is_refused_reads_why_and_a_program_gets_a_problem() {
    let provider = Provider::start().await;
    let desk = provider.desk();
    let path = "/v1/oidc/callback?error=%3Cb%3Eno%3C%2Fb%3E";
    let answer = desk.get(path, &[("accept", "text/html,*/*")]).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["content-type"]),
        (401, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(answer.text.contains("the provider did not sign you in"), "{}", answer.text);
    // What a stranger put into the link is shown as text.
    assert!(answer.text.contains("&lt;b&gt;no&lt;/b&gt;") && !answer.text.contains("<b>no"));
    assert_eq!(desk.get(path, &[]).await.kind(), "sign-in-failed");
    let nowhere = common::desk().get("/v1/oidc/login", &[("accept", "text/html")]).await;
    assert!(nowhere.status == 404 && nowhere.text.contains("no sign-in provider is set up"));
}

#[tokio::test]
async fn whoever_would_sign_in_learns_how_one_can() {
    let provider = Provider::start().await;
    let said = provider.desk().get("/v1/session/ways", &[]).await.json();
    let host = provider.issuer.strip_prefix("http://").unwrap();
    assert_eq!(said, json!({ "has_passkeys": false, "provider": host }));
    let said = common::desk().get("/v1/session/ways", &[]).await.json();
    assert_eq!(said, json!({ "has_passkeys": false, "provider": null }));
}
