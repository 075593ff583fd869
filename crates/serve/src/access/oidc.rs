//! Signing in by another's word: an OpenID Connect provider (authorization code, PKCE, state, nonce).
//!
//! ```text
//! browser ─ /v1/oidc/login ─► provider ─ /v1/oidc/callback?code ─► us ─ code, verifier ─► provider
//!                                                                       ◄─ ID token ─────
//! ```
//!
//! Who somebody is, is the issuer and the subject it names, never a name or a mail address: those change
//! hands. The role is what the configuration makes of a claim, anew at each sign-in; without one that is
//! mapped nobody gets in. What began in one browser ends in the same one, within five minutes.

pub mod token;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use share::Client;

use super::sessions::How;
use super::{Access, acts, secret, sessions, users};
use crate::app::App;
use crate::frame::log::{self, Level};
use crate::policy::Role;
use crate::problem::{Fault, Problem};
use crate::time;

use token::{Expected, Keys};

/// The provider, as the configuration names it.
#[derive(Clone)]
pub struct OidcSettings {
    /// `https://login.example/realms/cell`: its document lies below.
    pub issuer: String,
    pub client: String,
    pub client_secret: Option<String>,
    /// Where we are, as people type it: `https://cell.example`.
    pub origin: String,
    pub scopes: Vec<String>,
    /// The claim that says what somebody may: a text or a list of texts.
    pub role_claim: String,
    /// What it makes of them; of several the highest.
    pub roles: BTreeMap<String, Role>,
    /// The claim that names them.
    pub name_claim: String,
}

pub struct Oidc {
    settings: OidcSettings,
    client: Client,
    begun: Mutex<HashMap<String, Begun>>,
    provider: Mutex<Option<(Provider, i64)>>,
}

/// A sign-in under way, found by its `state`.
struct Begun {
    nonce: String,
    verifier: String,
    /// Of the cookie that the same browser has.
    browser: secret::Hash,
    ends: i64,
}

/// What the provider says of itself.
#[derive(Clone, Deserialize)]
struct Provider {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(skip)]
    keys: Keys,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

/// Where the browser goes, and the cookie that it comes back with.
pub struct Away {
    pub location: String,
    pub cookie: String,
}

const VALID_S: i64 = 300;
const HELD_MAX: usize = 20_000;
/// What the provider says of itself is asked anew so often, and at once where a key is missing.
const PROVIDER_S: i64 = 3600;
/// But for a missing key at most so often.
const PROVIDER_AGAIN_S: i64 = 10;

impl Oidc {
    pub fn new(settings: OidcSettings, client: Client) -> Oidc {
        Oidc { settings, client, begun: Mutex::default(), provider: Mutex::default() }
    }

    /// The provider's name for people: of `https://login.example/realms/cell`, `login.example`.
    pub fn host(&self) -> &str {
        let issuer = &self.settings.issuer;
        let rest = issuer.split_once("://").map_or(issuer.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    fn redirect(&self) -> String {
        format!("{}/v1/oidc/callback", self.settings.origin)
    }

    /// Sends somebody to the provider.
    pub async fn begin(&self) -> Result<Away, Problem> {
        let provider = self.provider(PROVIDER_S).await?;
        let (state, cookie) = (secret::make(""), secret::make(""));
        let begun = Begun {
            nonce: secret::make(""),
            verifier: secret::make(""),
            browser: secret::hash(&cookie),
            ends: time::now() + VALID_S,
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(begun.verifier.as_bytes()));
        let redirect = self.redirect();
        let scope = self.settings.scopes.join(" ");
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client)
            .append_pair("redirect_uri", &redirect)
            .append_pair("scope", &scope)
            .append_pair("state", &state)
            .append_pair("nonce", &begun.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let mark = if provider.authorization_endpoint.contains('?') { '&' } else { '?' };
        let location = format!("{}{mark}{query}", provider.authorization_endpoint);
        self.hold(state, begun)?;
        Ok(Away { location, cookie })
    }

    fn hold(&self, state: String, begun: Begun) -> Result<(), Problem> {
        let now = time::now();
        let mut held = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD_MAX {
            held.retain(|_, begun| now < begun.ends);
        }
        if held.len() >= HELD_MAX {
            return Err(Problem::overloaded());
        }
        held.insert(state, begun);
        Ok(())
    }

    /// Once, and only in the browser where it began.
    fn take(&self, state: &str, cookie: &str) -> Result<Begun, Problem> {
        let mut held = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let found = held.remove(state);
        let is_theirs =
            |begun: &Begun| time::now() < begun.ends && begun.browser == secret::hash(cookie);
        let unknown =
            "this sign-in began elsewhere, ended, or is older than five minutes: begin anew";
        found.filter(is_theirs).ok_or_else(|| refused(unknown))
    }

    /// What the provider says of who came back with this code.
    pub async fn finish(
        &self,
        state: &str,
        code: &str,
        cookie: &str,
    ) -> Result<Map<String, Value>, Problem> {
        let begun = self.take(state, cookie)?;
        let provider = self.provider(PROVIDER_S).await?;
        let token = self.exchange(&provider, code, &begun.verifier).await?;
        let expected = |now_s| Expected {
            issuer: &self.settings.issuer,
            client: &self.settings.client,
            nonce: &begun.nonce,
            now_s,
        };
        let mut claims = token::claims(&token, &provider.keys, expected(time::now()));
        if matches!(claims, Err(token::Refused::NoKey | token::Refused::Signature)) {
            // The provider may have changed its keys since.
            let provider = self.provider(PROVIDER_AGAIN_S).await?;
            claims = token::claims(&token, &provider.keys, expected(time::now()));
        }
        claims.map_err(|why| {
            let why = why.to_string();
            log::line(Level::Warn, "a token of the provider was refused", json!({ "why": why }));
            refused("the provider's token was refused").detail(why)
        })
    }

    async fn exchange(
        &self,
        provider: &Provider,
        code: &str,
        verifier: &str,
    ) -> Result<String, Problem> {
        let (body, login) = self.asking(code, verifier);
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
        ];
        headers.extend(login.as_deref().map(|login| ("authorization", login)));
        let answer = self.client.ask(&provider.token_endpoint, &headers, body).await;
        let answer = answer.map_err(|error| unreachable("asking for a token", &error))?;
        if !answer.status.is_success() || answer.is_cut {
            let fields = json!({ "status": answer.status.as_u16() });
            log::line(Level::Warn, "the provider gave no token", fields);
            return Err(refused("the provider did not take the code"));
        }
        let tokens: Tokens = serde_json::from_slice(&answer.body)
            .map_err(|_| refused("the provider's answer has no ID token"))?;
        Ok(tokens.id_token)
    }

    /// The form, and the header of a client that has a secret.
    fn asking(&self, code: &str, verifier: &str) -> (Vec<u8>, Option<String>) {
        let settings = &self.settings;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect())
            .append_pair("code_verifier", verifier);
        let Some(secret) = &settings.client_secret else {
            form.append_pair("client_id", &settings.client);
            return (form.finish().into_bytes(), None);
        };
        let encode =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let pair = format!("{}:{}", encode(&settings.client), encode(secret));
        (form.finish().into_bytes(), Some(format!("Basic {}", STANDARD.encode(pair))))
    }

    /// As it said at most `age_s` ago.
    async fn provider(&self, age_s: i64) -> Result<Provider, Problem> {
        let now = time::now();
        let known = self.provider.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((provider, _)) = known.filter(|(_, at)| now - at < age_s) {
            return Ok(provider);
        }
        let issuer = self.settings.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let mut provider: Provider = self.read(&url).await?;
        // Or another could speak for it.
        if provider.issuer != self.settings.issuer {
            let fields = json!({ "expected": self.settings.issuer, "found": provider.issuer });
            log::line(Level::Error, "the provider calls itself otherwise", fields);
            return Err(Problem::internal());
        }
        provider.keys = self.read(&provider.jwks_uri).await?;
        let mut known = self.provider.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((provider.clone(), now));
        Ok(provider)
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, Problem> {
        let answer = self.client.get(url).await;
        let answer = answer.map_err(|error| unreachable("asking the provider", &error))?;
        let read = serde_json::from_slice(&answer.body).ok();
        let is_whole = answer.status.is_success() && !answer.is_cut;
        read.filter(|_| is_whole).ok_or_else(|| {
            let fields = json!({ "status": answer.status.as_u16(), "is_cut": answer.is_cut });
            log::line(Level::Error, "the provider's document cannot be read", fields);
            away()
        })
    }

    fn role(&self, claims: &Map<String, Value>) -> Option<Role> {
        let said = match claims.get(&self.settings.role_claim) {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        said.into_iter().filter_map(|said| self.settings.roles.get(said)).max().copied()
    }
}

/// Holds a secret: never printed.
impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oidc by {}", self.settings.issuer)
    }
}

/// Whoever came back is signed in, where the configuration has a role for them. Answers with the cookie.
pub async fn sign_in(
    app: &App,
    oidc: &Oidc,
    state: &str,
    code: &str,
    cookie: &str,
) -> Result<String, Problem> {
    let claims = oidc.finish(state, code, cookie).await?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(role) = oidc.role(&claims) else {
        let claim = &oidc.settings.role_claim;
        return Err(refused(format!("nothing in {claim:?} gives you a role here")));
    };
    let identity = Identity {
        issuer: oidc.settings.issuer.clone(),
        subject: text("sub").to_string(),
        name: text(&oidc.settings.name_claim).trim().to_lowercase(),
        role,
    };
    app.blocking(move |app| app.access.begin_as(&identity)).await
}

struct Identity {
    issuer: String,
    subject: String,
    name: String,
    role: Role,
}

impl Access {
    fn begin_as(&self, identity: &Identity) -> Result<String, Problem> {
        let (cookie, now) = (secret::make(""), time::now());
        self.change(|tx| -> Result<(), Fault> {
            let row = tx.row(
                "SELECT u.id, u.role, u.is_locked, u.name FROM identities i \
                 JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2",
                &[identity.issuer.as_str().into(), identity.subject.as_str().into()],
            )?;
            let user = match row {
                None => add(tx, identity)?,
                Some(row) if row.int(2)? != 0 => return Err(refused("you are locked").into()),
                Some(row) => {
                    let user = row.int(0)?;
                    if row.text(1)? != identity.role.name() {
                        move_to(tx, user, row.text(3)?, identity.role)?;
                    }
                    user
                }
            };
            sessions::begin(tx, &cookie, user, now, How::Oidc)
        })?;
        Ok(cookie)
    }
}

/// A name that somebody here has is not taken over by who is called so elsewhere.
fn add(tx: &mut case::db::Tx<'_>, identity: &Identity) -> Result<i64, Fault> {
    users::check_name(&identity.name)?;
    let taken = tx.row("SELECT 1 FROM users WHERE name = $1", &[identity.name.as_str().into()])?;
    if taken.is_some() {
        let detail =
            format!("somebody else is called {} here: ask an administrator", identity.name);
        return Err(refused(detail).into());
    }
    let user = users::add(tx, &identity.name, identity.role, None, acts::SYSTEM)?;
    tx.run(
        "INSERT INTO identities (issuer, subject, user_id) VALUES ($1, $2, $3)",
        &[identity.issuer.as_str().into(), identity.subject.as_str().into(), user.into()],
    )?;
    Ok(user)
}

fn move_to(tx: &mut case::db::Tx<'_>, user: i64, name: &str, role: Role) -> Result<(), Fault> {
    tx.run("UPDATE users SET role = $2 WHERE id = $1", &[user.into(), role.name().into()])?;
    users::end_sessions(tx, user)?;
    let payload = json!({ "name": name, "role": role, "by": "oidc" });
    acts::write(tx, acts::SYSTEM, "user.changed", &format!("user:{user}"), &payload)
}

fn refused(detail: impl Into<String>) -> Problem {
    let title = "the provider's word does not sign you in here";
    Problem::new(axum::http::StatusCode::UNAUTHORIZED, "sign-in-failed", title).detail(detail)
}

fn away() -> Problem {
    let title = "the sign-in provider does not answer";
    Problem::new(axum::http::StatusCode::BAD_GATEWAY, "provider-away", title)
}

fn unreachable(doing: &str, error: &share::ClientError) -> Problem {
    log::failure(doing, error);
    away()
}
