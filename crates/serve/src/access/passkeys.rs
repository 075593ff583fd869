//! Passkeys: a device signs a challenge of ours, for our address only, after a touch.
//!
//! Alone they sign somebody in, where the device has asked for a PIN or a finger; beside a password they
//! are a second factor, like a code. Challenges are in memory, each used once within five minutes: what
//! began at one server ends there.

mod cbor;
mod verify;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use case::db::{Row, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::sessions::How;
use super::{Access, acts, secret, sessions, tables, users};
use crate::frame::log::{self, Level};
use crate::problem::{Fault, Problem};
use crate::time;

pub(crate) use verify::unbase64;
pub use verify::{ALGORITHMS, Expected, Made, Refused};

/// Where passkeys hold: the address that people type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `https://cell.example`.
    pub origin: String,
    /// `cell.example`.
    pub rp_id: String,
}

impl Site {
    /// Of an origin as browsers write it: HTTPS, or a machine's own `localhost`.
    pub fn of(origin: &str) -> Option<Site> {
        let (scheme, rest) = origin.split_once("://")?;
        let host = rest.split(':').next()?;
        let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        let is_local = host == "localhost";
        let is_name = !host.is_empty()
            && host.chars().all(is_fine)
            && host.parse::<std::net::IpAddr>().is_err();
        let has_port = rest == host || rest[host.len() + 1..].parse::<u16>().is_ok();
        let is_secure = scheme == "https" || (scheme == "http" && is_local);
        (is_secure && is_name && has_port)
            .then(|| Site { origin: origin.to_string(), rp_id: host.to_string() })
    }
}

const VALID_S: i64 = 300;
const HELD_MAX: usize = 100_000;
/// Of one person.
const PASSKEYS_MAX: usize = 20;

/// Challenges that wait for their answer.
#[derive(Default)]
pub struct Ceremonies(Mutex<HashMap<String, Ceremony>>);

struct Ceremony {
    challenge: [u8; 32],
    /// Who adds one; nobody: somebody signs in.
    user: Option<i64>,
    ends: i64,
}

impl Ceremonies {
    /// Its name, and the challenge.
    pub fn begin(&self, user: Option<i64>, now: i64) -> Result<(String, String), Problem> {
        let mut challenge = [0; 32];
        getrandom::fill(&mut challenge).map_err(|_| Problem::internal())?;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD_MAX {
            held.retain(|_, ceremony| now < ceremony.ends);
        }
        if held.len() >= HELD_MAX {
            return Err(Problem::overloaded());
        }
        let name = secret::make("");
        held.insert(name.clone(), Ceremony { challenge, user, ends: now + VALID_S });
        Ok((name, URL_SAFE_NO_PAD.encode(challenge)))
    }

    /// The challenge, once.
    fn take(&self, name: &str, user: Option<i64>, now: i64) -> Result<[u8; 32], Problem> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = held.remove(name).filter(|held| now < held.ends && held.user == user);
        let unknown = "it was answered, is older than five minutes, or never was: begin anew";
        found.map(|held| held.challenge).ok_or_else(|| Problem::invalid("/ceremony", unknown))
    }
}

/// What a browser's `credential.toJSON()` gives after making a passkey.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewCredential {
    pub response: NewResponse,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewResponse {
    /// Base64url, as all that follows.
    #[serde(rename = "clientDataJSON")]
    pub client_data: String,
    #[serde(rename = "attestationObject")]
    pub attestation: String,
}

/// What a browser's `credential.toJSON()` gives after signing with a passkey.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SignedCredential {
    /// Which passkey.
    pub id: String,
    pub response: SignedResponse,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SignedResponse {
    #[serde(rename = "clientDataJSON")]
    pub client_data: String,
    #[serde(rename = "authenticatorData")]
    pub authenticator_data: String,
    pub signature: String,
}

/// Longest part of what a browser sends, in bytes.
const PART_BYTES_MAX: usize = 64 << 10;

impl NewCredential {
    /// The passkey that a browser says it made, held against what it was asked. Pure.
    ///
    /// # Errors
    /// Whatever is not as it was asked for.
    pub fn check(&self, expected: Expected<'_>) -> Result<Made, Refused> {
        let client = part("clientDataJSON", &self.response.client_data)?;
        let attestation = part("attestationObject", &self.response.attestation)?;
        verify::made(expected, &client, &attestation)
    }
}

impl SignedCredential {
    /// The counter of a right signature by a passkey that is known: its key in COSE, as it was kept, and
    /// its counter so far. Pure.
    ///
    /// # Errors
    /// Whatever is not as it was asked for.
    pub fn check(
        &self,
        expected: Expected<'_>,
        public_key: &[u8],
        counter_before: u32,
    ) -> Result<u32, Refused> {
        let client = part("clientDataJSON", &self.response.client_data)?;
        let data = part("authenticatorData", &self.response.authenticator_data)?;
        let signature = part("signature", &self.response.signature)?;
        verify::signed(expected, public_key, counter_before, &client, &data, &signature)
    }
}

fn part(name: &'static str, text: &str) -> Result<Vec<u8>, Refused> {
    let read = unbase64(text).filter(|bytes| bytes.len() <= PART_BYTES_MAX);
    read.ok_or(Refused::Encoding(name))
}

/// A challenge that was answered.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Answered {
    /// As the beginning named it.
    pub ceremony: String,
    pub credential: SignedCredential,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Passkey {
    pub id: i64,
    pub name: String,
    pub made_at: String,
    pub used_at: Option<String>,
}

/// A passkey whose signature was right, not yet used up.
struct Proven {
    passkey: i64,
    user: i64,
    counter: u32,
    counter_before: u32,
}

impl Access {
    fn site(&self) -> Result<&Site, Problem> {
        self.site.as_ref().ok_or_else(|| Problem::not_found("passkeys are not set up here"))
    }

    /// What a browser needs to make one: `PublicKeyCredentialCreationOptions`, in JSON.
    pub fn offer_passkey(&self, user: &super::User) -> Result<serde_json::Value, Problem> {
        let site = self.site()?;
        let (ceremony, challenge) = self.ceremonies.begin(Some(user.id), time::now())?;
        let known = self.credentials_of(user.id)?;
        if known.len() >= PASSKEYS_MAX {
            let detail = format!("there are {PASSKEYS_MAX} already: remove one first");
            return Err(Problem::conflict(detail));
        }
        let known: Vec<_> = known
            .iter()
            .map(|id| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) }))
            .collect();
        let handle = URL_SAFE_NO_PAD.encode(user.id.to_be_bytes());
        let kinds = ALGORITHMS.map(|alg| json!({ "type": "public-key", "alg": alg }));
        Ok(json!({
            "ceremony": ceremony,
            "publicKey": {
                "challenge": challenge,
                "rp": { "id": site.rp_id, "name": "Interdict" },
                "user": { "id": handle, "name": user.name, "displayName": user.name },
                "pubKeyCredParams": kinds,
                "excludeCredentials": known,
                "authenticatorSelection": { "residentKey": "preferred", "userVerification": "preferred" },
                "attestation": "none",
                "timeout": VALID_S * 1000,
            },
        }))
    }

    /// What a browser needs to sign with one: `PublicKeyCredentialRequestOptions`, in JSON. It names no
    /// passkeys, so nobody learns who has any.
    pub fn ask_passkey(&self) -> Result<serde_json::Value, Problem> {
        let site = self.site()?;
        let (ceremony, challenge) = self.ceremonies.begin(None, time::now())?;
        Ok(json!({
            "ceremony": ceremony,
            "publicKey": {
                "challenge": challenge,
                "rpId": site.rp_id,
                "allowCredentials": [],
                "userVerification": "preferred",
                "timeout": VALID_S * 1000,
            },
        }))
    }

    pub fn add_passkey(
        &self,
        user: i64,
        ceremony: &str,
        name: &str,
        credential: &NewCredential,
    ) -> Result<i64, Problem> {
        let site = self.site()?;
        if name.trim().is_empty() || name.chars().count() > 64 || name.contains('\0') {
            return Err(Problem::invalid("/name", "expected 1 to 64 characters"));
        }
        let challenge = self.ceremonies.take(ceremony, Some(user), time::now())?;
        let expected = Expected {
            challenge: &challenge,
            origin: &site.origin,
            rp_id: &site.rp_id,
            is_user_verified: false,
        };
        let made = credential.check(expected).map_err(|why| match why {
            Refused::Encoding(name) => no_base64(name),
            why => Problem::invalid("/credential", why.to_string()),
        })?;
        let id = self.change(|tx| -> Result<i64, Fault> {
            let id = tables::next_id(tx, "passkeys")?;
            let added = tx.run(
                "INSERT INTO passkeys \
                 (id, user_id, credential, public_key, counter, name, made_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (credential) DO NOTHING",
                &[
                    id.into(),
                    user.into(),
                    made.credential.as_slice().into(),
                    made.public_key.as_slice().into(),
                    i64::from(made.counter).into(),
                    name.into(),
                    time::now().into(),
                ],
            )?;
            if added == 0 {
                return Err(Problem::conflict("this passkey is there already").into());
            }
            let by = acts::person(&users::name_of(tx, user)?);
            let payload = json!({ "passkey": id, "name": name });
            acts::write(tx, &by, "user.passkey_added", &format!("user:{user}"), &payload)?;
            Ok(id)
        })?;
        Ok(id)
    }

    pub fn passkeys(&self, user: i64) -> Result<Vec<Passkey>, Problem> {
        let rows = self.db.read(|tx| {
            tx.rows(
                "SELECT id, name, made_at, used_at FROM passkeys WHERE user_id = $1 \
                 AND is_removed = 0 ORDER BY id LIMIT 100",
                &[user.into()],
            )
        })?;
        let of = |row: &Row| -> Result<Passkey, Problem> {
            Ok(Passkey {
                id: row.int(0)?,
                name: row.text(1)?.to_string(),
                made_at: time::rfc3339(row.int(2)?),
                used_at: row.int_if(3)?.map(time::rfc3339),
            })
        };
        rows.iter().map(of).collect()
    }

    fn credentials_of(&self, user: i64) -> Result<Vec<Vec<u8>>, Problem> {
        let sql = "SELECT credential FROM passkeys WHERE user_id = $1 AND is_removed = 0 LIMIT 100";
        let rows = self.db.read(|tx| tx.rows(sql, &[user.into()]))?;
        rows.iter().map(|row| Ok(row.bytes(0)?.to_vec())).collect()
    }

    pub fn remove_passkey(&self, user: i64, id: i64) -> Result<(), Problem> {
        self.change(|tx| -> Result<(), Fault> {
            let met = tx.run(
                "UPDATE passkeys SET is_removed = 1, credential = NULL \
                 WHERE id = $1 AND user_id = $2 AND is_removed = 0",
                &[id.into(), user.into()],
            )?;
            if met == 0 {
                return Err(Problem::not_found(format!("passkey {id}")).into());
            }
            let by = acts::person(&users::name_of(tx, user)?);
            let subject = format!("user:{user}");
            acts::write(tx, &by, "user.passkey_removed", &subject, &json!({ "passkey": id }))
        })?;
        Ok(())
    }

    /// By the passkey alone: it says who it is, and the device knows them.
    pub(crate) fn sign_in_by_passkey(&self, answered: &Answered) -> Result<String, Problem> {
        let proven = self.prove_passkey(answered, true)?;
        let (cookie, now) = (secret::make(""), time::now());
        self.change(|tx| -> Result<(), Fault> {
            use_up(tx, &proven, now)?;
            sessions::begin(tx, &cookie, proven.user, now, How::Passkey)
        })?;
        Ok(cookie)
    }

    /// Beside a right password: one of theirs, touched.
    pub(super) fn second_passkey(&self, user: i64, answered: &Answered) -> Result<(), Problem> {
        let proven = self.prove_passkey(answered, false)?;
        if proven.user != user {
            return Err(wrong());
        }
        self.db.write(|tx| use_up(tx, &proven, time::now()))?;
        Ok(())
    }

    fn prove_passkey(&self, answered: &Answered, is_alone: bool) -> Result<Proven, Problem> {
        let site = self.site()?;
        let challenge = self.ceremonies.take(&answered.ceremony, None, time::now())?;
        let credential = part("id", &answered.credential.id).map_err(|_| no_base64("id"))?;
        let row = self.db.read(|tx| {
            tx.row(
                "SELECT p.id, p.user_id, p.public_key, p.counter FROM passkeys p \
                 JOIN users u ON u.id = p.user_id \
                 WHERE p.credential = $1 AND p.is_removed = 0 AND u.is_locked = 0",
                &[credential.as_slice().into()],
            )
        })?;
        let row = row.ok_or_else(wrong)?;
        let counter_before = u32::try_from(row.int(3)?).unwrap_or(u32::MAX);
        let expected = Expected {
            challenge: &challenge,
            origin: &site.origin,
            rp_id: &site.rp_id,
            is_user_verified: is_alone,
        };
        let verified = answered.credential.check(expected, row.bytes(2)?, counter_before);
        let user = row.int(1)?;
        let counter = match verified {
            Ok(counter) => counter,
            Err(Refused::Encoding(name)) => return Err(no_base64(name)),
            Err(why) => return Err(self.refuse_passkey(user, &why)),
        };
        Ok(Proven { passkey: row.int(0)?, user, counter, counter_before })
    }

    /// Of a passkey that is known: the journal has that it was refused, the log why.
    fn refuse_passkey(&self, user: i64, why: &Refused) -> Problem {
        let detail = why.to_string();
        log::line(Level::Warn, "a passkey was refused", json!({ "user": user, "why": detail }));
        let written = self.db.write(|tx| -> Result<(), Fault> {
            let payload = json!({ "name": users::name_of(tx, user)?, "by": "passkey" });
            acts::write(tx, acts::SYSTEM, "session.refused", &format!("user:{user}"), &payload)
        });
        match written {
            Ok(()) => wrong().detail(detail),
            Err(fault) => fault.into(),
        }
    }
}

/// Two who send the same at once: one of them.
fn use_up(tx: &mut Tx<'_>, proven: &Proven, now: i64) -> Result<(), Fault> {
    let met = tx.run(
        "UPDATE passkeys SET counter = $2, used_at = $3 WHERE id = $1 AND counter = $4 AND is_removed = 0",
        &[
            proven.passkey.into(),
            i64::from(proven.counter).into(),
            now.into(),
            i64::from(proven.counter_before).into(),
        ],
    )?;
    if met == 0 { Err(wrong().into()) } else { Ok(()) }
}

fn no_base64(name: &'static str) -> Problem {
    Problem::invalid(name, "expected base64url")
}

fn wrong() -> Problem {
    let title = "this passkey does not sign anybody in here";
    Problem::new(axum::http::StatusCode::UNAUTHORIZED, "sign-in-failed", title)
}
