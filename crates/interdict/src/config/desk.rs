//! `[serve]` and `[casework]`: where the desk listens, and where casework is kept.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use case::db::Place;
use serde::Deserialize;
use serve::access::oidc::OidcSettings;
use serve::access::passkeys::Site;
use serve::policy::Role;

use super::resolve::{path, pick};
use super::{Environment, Origin, Secret, Set};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeFile {
    /// On which address to listen. 127.0.0.1.
    pub host: Option<IpAddr>,
    /// 8520.
    pub port: Option<u16>,
    /// The certificate and those it rests on, PEM. Without it there is no TLS.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Requests a second from one address without a key; 0 is no limit. 100.
    pub address_per_s: Option<u32>,
    /// Requests a second of a key that has no rate of its own; 0 is no limit. 20,000.
    pub key_per_s: Option<u32>,
    /// Requests worked on at once; more are refused with 503. 2,048.
    pub in_flight_max: Option<usize>,
    /// Connections open at once; more are closed. 8,192.
    pub connections_max: Option<usize>,
    /// Streams of events open at once; more are refused with 503. 4,096.
    pub streams_max: Option<usize>,
    /// A session ends when it was not used for so many minutes. 30.
    pub session_idle_min: Option<u64>,
    /// Every request goes to the log, not only what changes something or fails. False.
    pub log_all: Option<bool>,
    /// The address that people type, as `https://cell.example`: passkeys and OIDC need it.
    pub origin: Option<String>,
    /// People may have passkeys. False.
    pub passkeys: Option<bool>,
}

/// Who else may say who somebody is: an OpenID Connect provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcFile {
    /// `https://login.example/realms/cell`: its document lies below.
    pub issuer: String,
    pub client_id: String,
    /// A file that holds the client's secret, where it has one.
    pub client_secret_file: Option<PathBuf>,
    /// `openid profile` if nothing is said.
    pub scopes: Option<Vec<String>>,
    /// The claim that says what somebody may. `groups`.
    pub role_claim: Option<String>,
    /// The claim that names them. `preferred_username`.
    pub name_claim: Option<String>,
    /// What a value of the claim makes of them: `"cell-admins" = "administrator"`.
    pub roles: BTreeMap<String, Role>,
    /// Private addresses, and HTTP to those: for a provider in one's own house. False.
    pub allow_private: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhooksFile {
    /// Private, loopback and link-local addresses too, and HTTP to those. False.
    pub allow_private: Option<bool>,
    /// Receivers served at once. 16.
    pub at_once: Option<usize>,
    /// How long one attempt may take, in seconds. 10.
    pub timeout_s: Option<u64>,
    /// What fails when it is so many days old is given up. 3.
    pub dead_after_days: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaseworkFile {
    /// A file, or `postgres://…` without a password. `casework.sqlite` in the home.
    pub database: Option<String>,
    /// A file that holds the `postgres://…`, where a password stands in it.
    pub database_file: Option<PathBuf>,
    /// The key that seals secrets, where several servers share casework. `keys/secrets.key` in the home.
    pub secrets_key: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionFile {
    /// For how many days personal data are kept where nobody says until when, and a customer after their
    /// last act. 1,830: five years, as FATF's recommendation 11 wants at least.
    pub days: Option<u64>,
    /// The server erases those whose time is over and whom nothing that is open holds. False.
    pub erase: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct Serve {
    pub host: Set<IpAddr>,
    pub port: Set<u16>,
    pub tls_cert: Set<Option<PathBuf>>,
    pub tls_key: Set<Option<PathBuf>>,
    pub address_per_s: Set<u32>,
    pub key_per_s: Set<u32>,
    pub in_flight_max: Set<usize>,
    pub connections_max: Set<usize>,
    pub streams_max: Set<usize>,
    pub session_idle_min: Set<u64>,
    pub log_all: Set<bool>,
    pub origin: Set<Option<String>>,
    pub passkeys: Set<bool>,
}

#[derive(Clone)]
pub struct OidcConfig {
    pub settings: OidcSettings,
    pub allow_private: bool,
}

impl fmt::Debug for OidcConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oidc by {}", self.settings.issuer)
    }
}

pub(super) fn oidc(
    file: Option<OidcFile>,
    folder: &Path,
    origin: Option<&str>,
) -> Result<Option<OidcConfig>> {
    let Some(file) = file else { return Ok(None) };
    let Some(origin) = origin else { bail!("oidc: expected `origin` in [serve] beside it") };
    if file.roles.is_empty() {
        bail!("oidc: expected [oidc.roles], or nobody gets in");
    }
    let client_secret = match file.client_secret_file {
        None => None,
        Some(path) => {
            let path = folder.join(path);
            let secret = Secret::from_file(&path);
            let secret = secret.with_context(|| format!("cannot read {}", path.display()))?;
            Some(secret.reveal().to_string())
        }
    };
    let named = |claim: Option<String>, otherwise: &str| claim.unwrap_or_else(|| otherwise.into());
    let scopes = file.scopes.unwrap_or_else(|| vec!["openid".into(), "profile".into()]);
    if !scopes.iter().any(|scope| scope == "openid") {
        bail!("oidc: expected `openid` among the scopes");
    }
    let settings = OidcSettings {
        issuer: file.issuer,
        client: file.client_id,
        client_secret,
        origin: origin.to_string(),
        scopes,
        role_claim: named(file.role_claim, "groups"),
        roles: file.roles,
        name_claim: named(file.name_claim, "preferred_username"),
    };
    Ok(Some(OidcConfig { settings, allow_private: file.allow_private.unwrap_or(false) }))
}

/// Where casework is kept; none: in the home. The text may hold a password.
#[derive(Clone, Debug)]
pub struct Casework {
    pub database: Set<Option<Secret>>,
    /// None: the home's own.
    pub secrets_key: Set<Option<PathBuf>>,
}

/// How what happens is told to others.
#[derive(Clone, Debug)]
pub struct Webhooks {
    pub allow_private: Set<bool>,
    pub at_once: Set<usize>,
    pub timeout_s: Set<u64>,
    pub dead_after_days: Set<u64>,
}

/// How long personal data are kept, and who ends it.
#[derive(Clone, Debug)]
pub struct Retention {
    pub days: Set<u64>,
    pub erase: Set<bool>,
}

/// Longer than anybody is asked to keep anything.
const RETENTION_DAYS_MAX: u64 = 100 * 366;

pub(super) fn retention(file: &RetentionFile, environment: Environment<'_>) -> Result<Retention> {
    let days = serve::Retention::DAYS;
    let retention = Retention {
        days: pick(None, environment, "INTERDICT_RETENTION_DAYS", file.days, days)?,
        erase: pick(None, environment, "INTERDICT_RETENTION_ERASE", file.erase, false)?,
    };
    if !(1..=RETENTION_DAYS_MAX).contains(&retention.days.value) {
        bail!("retention: expected days from 1 to {RETENTION_DAYS_MAX}");
    }
    Ok(retention)
}

impl Retention {
    pub fn setting(&self) -> serve::Retention {
        let kept = Duration::from_secs(self.days.value.saturating_mul(24 * 3600));
        serve::Retention { kept, erases: self.erase.value }
    }
}

pub(super) fn webhooks(file: &WebhooksFile, environment: Environment<'_>) -> Result<Webhooks> {
    let of = |name: &str| format!("INTERDICT_WEBHOOKS_{name}");
    let webhooks = Webhooks {
        allow_private: pick(None, environment, &of("ALLOW_PRIVATE"), file.allow_private, false)?,
        at_once: pick(None, environment, &of("AT_ONCE"), file.at_once, 16)?,
        timeout_s: pick(None, environment, &of("TIMEOUT_S"), file.timeout_s, 10)?,
        dead_after_days: pick(None, environment, &of("DEAD_AFTER_DAYS"), file.dead_after_days, 3)?,
    };
    if webhooks.at_once.value == 0 || webhooks.timeout_s.value == 0 {
        bail!("webhooks: expected at_once and timeout_s above 0");
    }
    Ok(webhooks)
}

pub(super) fn serve(file: ServeFile, folder: &Path, environment: Environment<'_>) -> Result<Serve> {
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let most = serve::Settings::default();
    let count = |name: &str, said, otherwise| pick(None, environment, name, said, otherwise);
    let serve = Serve {
        host: pick(None, environment, "INTERDICT_HOST", file.host, local)?,
        port: pick(None, environment, "INTERDICT_PORT", file.port, 8520)?,
        tls_cert: path("INTERDICT_TLS_CERT", file.tls_cert, folder, environment),
        tls_key: path("INTERDICT_TLS_KEY", file.tls_key, folder, environment),
        address_per_s: pick(None, environment, "INTERDICT_ADDRESS_PER_S", file.address_per_s, 100)?,
        key_per_s: pick(None, environment, "INTERDICT_KEY_PER_S", file.key_per_s, 20_000)?,
        in_flight_max: count("INTERDICT_IN_FLIGHT_MAX", file.in_flight_max, most.in_flight_max)?,
        connections_max: count(
            "INTERDICT_CONNECTIONS_MAX",
            file.connections_max,
            most.connections_max,
        )?,
        streams_max: count("INTERDICT_STREAMS_MAX", file.streams_max, most.streams_max)?,
        session_idle_min: pick(
            None,
            environment,
            "INTERDICT_SESSION_IDLE_MIN",
            file.session_idle_min,
            30,
        )?,
        log_all: pick(None, environment, "INTERDICT_LOG_ALL", file.log_all, false)?,
        origin: match (environment("INTERDICT_ORIGIN"), file.origin) {
            (Some(text), _) => {
                Set { value: Some(text), origin: Origin::Environment("INTERDICT_ORIGIN".into()) }
            }
            (None, Some(text)) => Set { value: Some(text), origin: Origin::File },
            (None, None) => Set { value: None, origin: Origin::Default },
        },
        passkeys: pick(None, environment, "INTERDICT_PASSKEYS", file.passkeys, false)?,
    };
    if serve.in_flight_max.value == 0 || serve.connections_max.value == 0 {
        bail!("serve: expected in_flight_max and connections_max above 0");
    }
    let origin = serve.origin.value.as_deref();
    if origin.is_some_and(|origin| Site::of(origin).is_none()) {
        bail!("serve: origin: expected one as https://cell.example, without a path");
    }
    if serve.passkeys.value && origin.is_none() {
        bail!("serve: passkeys: expected `origin`, the address that people type, beside it");
    }
    if serve.tls_cert.value.is_some() != serve.tls_key.value.is_some() {
        bail!("serve: expected tls_cert and tls_key, or neither");
    }
    Ok(serve)
}

pub(super) fn casework(
    file: CaseworkFile,
    folder: &Path,
    environment: Environment<'_>,
) -> Result<Casework> {
    let set = |secret: Secret, origin| Set { value: Some(secret), origin };
    let database = match (environment("INTERDICT_DATABASE"), file.database, file.database_file) {
        (Some(text), _, _) => {
            set(Secret::new(&text), Origin::Environment("INTERDICT_DATABASE".into()))
        }
        (None, Some(_), Some(_)) => bail!("casework: expected database or database_file, not both"),
        (None, Some(text), None) => {
            holds_no_password(&text)?;
            let is_file = !text.contains("://");
            let text = if is_file { folder.join(&text).display().to_string() } else { text };
            set(Secret::new(&text), Origin::File)
        }
        (None, None, Some(path)) => {
            let path = folder.join(path);
            let secret = Secret::from_file(&path);
            set(secret.with_context(|| format!("cannot read {}", path.display()))?, Origin::File)
        }
        (None, None, None) => Set { value: None, origin: Origin::Default },
    };
    let secrets_key = path("INTERDICT_SECRETS_KEY", file.secrets_key, folder, environment);
    Ok(Casework { database, secrets_key })
}

/// A password does not belong into the file, nor on a command line that others see.
pub fn holds_no_password(text: &str) -> Result<()> {
    let rest = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    let user = rest.split('/').next().and_then(|host| host.rsplit_once('@'));
    if user.is_some_and(|(user, _)| user.contains(':')) || rest.contains("password=") {
        bail!(
            "the address of the casework database holds a password: put the address into a file and \
             name that with database_file, or into INTERDICT_DATABASE"
        );
    }
    Ok(())
}

impl Casework {
    pub fn place(&self, home: &Path) -> Result<Place> {
        match &self.database.value {
            None => Ok(Place::Sqlite(home.join("casework.sqlite"))),
            Some(secret) => Ok(secret.reveal().parse()?),
        }
    }
}
