//! An ID token, held against what is known of its issuer (OpenID Connect Core, section 3.1.3.7).
//!
//! Only signatures with a public key of the issuer's count: `none`, and anything made with a secret that
//! we share, is refused before a key is looked for.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::access::passkeys::unbase64;

/// What is expected of a token.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client: &'a str,
    pub nonce: &'a str,
    pub now_s: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    #[error("it is signed by {0:?}; expected RS256, ES256 or EdDSA")]
    Algorithm(String),
    #[error("the issuer has no key that could have signed it")]
    NoKey,
    #[error("the signature is not the issuer's")]
    Signature,
    #[error("its {what} is {found}; expected {expected:?}")]
    Other { what: &'static str, found: String, expected: String },
    #[error("it has expired")]
    Expired,
    #[error("it is of a time to come")]
    Early,
}

/// The issuer's keys, as published.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Keys {
    keys: Vec<Jwk>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Jwk {
    #[serde(default)]
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood: we understand none.
    crit: Option<Value>,
}

/// Clocks differ.
const LEEWAY_S: i64 = 60;
const TOKEN_BYTES_MAX: usize = 64 << 10;

/// What the issuer says of somebody, once it is certain that it says so, to us, now.
///
/// # Errors
/// Whatever is not as it was asked for.
pub fn claims(
    token: &str,
    keys: &Keys,
    expected: Expected<'_>,
) -> Result<Map<String, Value>, Refused> {
    let unreadable = || Refused::Unreadable("the token");
    if token.len() > TOKEN_BYTES_MAX {
        return Err(unreadable());
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(unreadable)?;
    let (header, payload) = signed.split_once('.').ok_or_else(unreadable)?;
    let header: Header = part(header).ok_or_else(unreadable)?;
    if header.crit.is_some() {
        return Err(Refused::Unreadable("an extension of the token"));
    }
    let signature = unbase64(signature).ok_or_else(unreadable)?;
    keys.verify(&header, signed.as_bytes(), &signature)?;
    let claims: Map<String, Value> = part(payload).ok_or_else(unreadable)?;
    check(&claims, expected)?;
    Ok(claims)
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&unbase64(text)?).ok()
}

fn check(claims: &Map<String, Value>, expected: Expected<'_>) -> Result<(), Refused> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let is = |what: &'static str, expected: &str| match text(what) {
        Some(found) if found == expected => Ok(()),
        found => Err(Refused::Other {
            what,
            found: found.map_or("not there".into(), |found| format!("{found:?}")),
            expected: expected.to_string(),
        }),
    };
    is("iss", expected.issuer)?;
    let audience = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&expected.client) {
        return Err(Refused::Other {
            what: "aud",
            found: format!("{audience:?}"),
            expected: expected.client.to_string(),
        });
    }
    // For several, or where it says so, it must be made out to us.
    if audience.len() > 1 || claims.contains_key("azp") {
        is("azp", expected.client)?;
    }
    is("nonce", expected.nonce)?;
    if text("sub").is_none_or(str::is_empty) {
        return Err(Refused::Unreadable("sub"));
    }
    let seconds = |name: &'static str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(Refused::Unreadable(name)),
    };
    let expires = seconds("exp")?.ok_or(Refused::Unreadable("exp"))?;
    if expires.saturating_add(LEEWAY_S) <= expected.now_s {
        return Err(Refused::Expired);
    }
    let latest = expected.now_s.saturating_add(LEEWAY_S);
    for name in ["iat", "nbf"] {
        if seconds(name)?.is_some_and(|at| at > latest) {
            return Err(Refused::Early);
        }
    }
    Ok(())
}

impl Keys {
    fn verify(&self, header: &Header, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let kind = match header.alg.as_str() {
            "RS256" => "RSA",
            "ES256" => "EC",
            "EdDSA" => "OKP",
            other => return Err(Refused::Algorithm(other.chars().take(40).collect())),
        };
        let fits = |key: &&Jwk| {
            key.kty == kind
                && (header.kid.is_none() || key.kid.is_none() || key.kid == header.kid)
                && key.r#use.as_deref().is_none_or(|purpose| purpose == "sig")
                && key.alg.as_deref().is_none_or(|alg| alg == header.alg)
        };
        let mut tried = self.keys.iter().filter(fits).peekable();
        if tried.peek().is_none() {
            return Err(Refused::NoKey);
        }
        match tried.any(|key| key.has_signed(message, signature)) {
            true => Ok(()),
            false => Err(Refused::Signature),
        }
    }
}

impl Jwk {
    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.try_signed(message, signature).is_some()
    }

    fn try_signed(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let part = |text: &Option<String>| unbase64(text.as_deref()?);
        let verified = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (part(&self.n)?, part(&self.e)?);
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            ("EC", Some("P-256")) => {
                let point = [vec![4], part(&self.x)?, part(&self.y)?].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            ("OKP", Some("Ed25519")) => {
                UnparsedPublicKey::new(&ED25519, part(&self.x)?).verify(message, signature)
            }
            _ => return None,
        };
        verified.ok()
    }
}
