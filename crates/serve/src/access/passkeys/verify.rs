//! What a browser sends of a passkey, held against what was asked of it (WebAuthn level 2, sections 7.1
//! and 7.2).
//!
//! No statement about the make of the authenticator is asked for, and none is looked at: a passkey is
//! bound to the person by their password when it is added. Signatures are checked by `ring`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::cbor::{self, Cbor};

/// What is expected of every answer.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub challenge: &'a [u8],
    /// `https://cell.example`, as a browser writes it.
    pub origin: &'a str,
    /// `cell.example`.
    pub rp_id: &'a str,
    /// The device has asked for a PIN or a finger.
    pub is_user_verified: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{0} is not base64url")]
    Encoding(&'static str),
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    #[error("{what} is {found:?}; expected {expected:?}")]
    Other { what: &'static str, found: String, expected: String },
    #[error("it answers another challenge")]
    Challenge,
    #[error("nobody touched the device")]
    NotPresent,
    #[error("the device did not ask for a PIN or a finger")]
    NotVerified,
    #[error("its key is of no kind that was asked for")]
    KeyKind,
    #[error("the signature is not by this passkey")]
    Signature,
    #[error("its counter went back: there may be a copy of it")]
    Counter,
}

/// A passkey that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub credential: Vec<u8>,
    /// COSE, as it came.
    pub public_key: Vec<u8>,
    pub counter: u32,
}

#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    is_cross_origin: bool,
}

/// Reads base64url, with or without padding.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// # Errors
/// Whatever is not as it was asked for.
pub fn made(expected: Expected<'_>, client: &[u8], attestation: &[u8]) -> Result<Made, Refused> {
    check_client(expected, client, "webauthn.create")?;
    let unreadable = Refused::Unreadable("the attestation");
    let (object, rest) = cbor::read(attestation).ok_or(unreadable.clone())?;
    let data = object.named("authData").and_then(Cbor::bytes);
    let data = data.filter(|_| rest.is_empty()).ok_or(unreadable)?;
    let authenticator = Authenticator::read(data)?;
    authenticator.check(expected)?;
    let (credential, public_key) =
        authenticator.attested.ok_or(Refused::Unreadable("the new passkey"))?;
    Key::read(public_key)?;
    Ok(Made {
        credential: credential.to_vec(),
        public_key: public_key.to_vec(),
        counter: authenticator.counter,
    })
}

/// The counter of a signature that is right, to be kept.
///
/// # Errors
/// Whatever is not as it was asked for.
pub fn signed(
    expected: Expected<'_>,
    public_key: &[u8],
    counter_before: u32,
    client: &[u8],
    data: &[u8],
    signature: &[u8],
) -> Result<u32, Refused> {
    check_client(expected, client, "webauthn.get")?;
    let authenticator = Authenticator::read(data)?;
    authenticator.check(expected)?;
    let message = [data, &Sha256::digest(client)].concat();
    Key::read(public_key)?.verify(&message, signature)?;
    let counter = authenticator.counter;
    // Many devices do not count: theirs stays at nothing.
    if (counter > 0 || counter_before > 0) && counter <= counter_before {
        return Err(Refused::Counter);
    }
    Ok(counter)
}

fn check_client(expected: Expected<'_>, client: &[u8], kind: &str) -> Result<(), Refused> {
    let data: ClientData =
        serde_json::from_slice(client).map_err(|_| Refused::Unreadable("clientDataJSON"))?;
    is("its type", &data.r#type, kind)?;
    let challenge = unbase64(&data.challenge).ok_or(Refused::Challenge)?;
    if challenge != expected.challenge {
        return Err(Refused::Challenge);
    }
    is("its origin", &data.origin, expected.origin)?;
    if data.is_cross_origin {
        return Err(Refused::Other {
            what: "its page",
            found: "within another".into(),
            expected: "our own".into(),
        });
    }
    Ok(())
}

fn is(what: &'static str, found: &str, expected: &str) -> Result<(), Refused> {
    if found == expected {
        return Ok(());
    }
    let found = found.chars().take(200).collect();
    Err(Refused::Other { what, found, expected: expected.to_string() })
}

/// What the device says itself.
struct Authenticator<'a> {
    rp_hash: &'a [u8],
    flags: u8,
    counter: u32,
    /// Credential and COSE key.
    attested: Option<(&'a [u8], &'a [u8])>,
}

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;
const CREDENTIAL_BYTES_MAX: usize = 1023;

impl<'a> Authenticator<'a> {
    fn read(data: &'a [u8]) -> Result<Authenticator<'a>, Refused> {
        Authenticator::parse(data).ok_or(Refused::Unreadable("authenticatorData"))
    }

    fn parse(data: &'a [u8]) -> Option<Authenticator<'a>> {
        let (rp_hash, rest) = data.split_at_checked(32)?;
        let (flags, rest) = rest.split_first()?;
        let (counter, mut rest) = rest.split_first_chunk::<4>()?;
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (_, after) = rest.split_at_checked(16)?;
            let (length, after) = after.split_first_chunk::<2>()?;
            let length = usize::from(u16::from_be_bytes(*length));
            if length == 0 || length > CREDENTIAL_BYTES_MAX {
                return None;
            }
            let (credential, key) = after.split_at_checked(length)?;
            let (_, after) = cbor::read(key)?;
            attested = Some((credential, &key[..key.len() - after.len()]));
            rest = after;
        }
        if flags & EXTENSIONS != 0 {
            rest = cbor::read(rest)?.1;
        }
        let counter = u32::from_be_bytes(*counter);
        rest.is_empty().then_some(Authenticator { rp_hash, flags: *flags, counter, attested })
    }

    fn check(&self, expected: Expected<'_>) -> Result<(), Refused> {
        if self.rp_hash != Sha256::digest(expected.rp_id).as_slice() {
            return Err(Refused::Other {
                what: "the server it is for",
                found: "another".into(),
                expected: expected.rp_id.to_string(),
            });
        }
        if self.flags & PRESENT == 0 {
            return Err(Refused::NotPresent);
        }
        if expected.is_user_verified && self.flags & VERIFIED == 0 {
            return Err(Refused::NotVerified);
        }
        Ok(())
    }
}

/// The kinds that are asked for, by their COSE numbers, the best first.
pub const ALGORITHMS: [i64; 3] = [-8, -7, -257];

enum Key<'a> {
    Ed25519(&'a [u8]),
    /// An uncompressed point.
    P256([u8; 65]),
    Rsa {
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
}

impl<'a> Key<'a> {
    fn read(cose: &'a [u8]) -> Result<Key<'a>, Refused> {
        let (key, rest) = cbor::read(cose).ok_or(Refused::Unreadable("the public key"))?;
        Key::parse(&key).filter(|_| rest.is_empty()).ok_or(Refused::KeyKind)
    }

    fn parse(key: &Cbor<'a>) -> Option<Key<'a>> {
        let int = |at| key.at(at).and_then(Cbor::int);
        let bytes = |at| key.at(at).and_then(Cbor::bytes);
        match (int(1)?, int(3)?) {
            (1, -8) if int(-1)? == 6 => Some(Key::Ed25519(bytes(-2).filter(|x| x.len() == 32)?)),
            (2, -7) if int(-1)? == 1 => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(bytes(-2).filter(|x| x.len() == 32)?);
                point[33..].copy_from_slice(bytes(-3).filter(|y| y.len() == 32)?);
                Some(Key::P256(point))
            }
            (3, -257) => Some(Key::Rsa { modulus: bytes(-1)?, exponent: bytes(-2)? }),
            _ => None,
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let verified = match self {
            Key::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Key::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Key::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
        };
        verified.map_err(|_| Refused::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        challenge: &[7; 32],
        origin: "https://cell.example",
        rp_id: "cell.example",
        is_user_verified: true,
    };

    fn client(kind: &str) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode([7; 32]);
        let origin = "https://cell.example";
        serde_json::json!({ "type": kind, "challenge": challenge, "origin": origin })
            .to_string()
            .into_bytes()
    }

    /// Of a device that says all it can: a new key, and extensions.
    fn attestation() -> Vec<u8> {
        let mut data = Sha256::digest("cell.example").to_vec();
        data.push(PRESENT | VERIFIED | ATTESTED | EXTENSIONS);
        data.extend([0, 0, 0, 9]);
        data.extend([0; 16]);
        data.extend([0, 4, 1, 2, 3, 4]);
        data.extend([0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32]);
        data.extend([5; 32]);
        data.extend(b"\xa1\x63abc\xf5");
        let length = u8::try_from(data.len()).unwrap();
        let head = &b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..];
        [head, &[length], &data].concat()
    }

    #[test]
    fn a_new_passkey_is_read_and_no_cut_of_it_is() {
        let (client, whole) = (client("webauthn.create"), attestation());
        let made = made(EXPECTED, &client, &whole).unwrap();
        assert_eq!((made.credential, made.counter), (vec![1, 2, 3, 4], 9));
        for at in 0..whole.len() {
            assert!(super::made(EXPECTED, &client, &whole[..at]).is_err(), "cut at {at}");
            // Whatever a byte becomes, it is read or refused, and nothing else happens.
            for with in [0x00, 0x1f, 0x5f, 0x7f, 0x9f, 0xbf, 0xff] {
                let mut other = whole.clone();
                other[at] = with;
                let _ = super::made(EXPECTED, &client, &other);
                let _ = signed(EXPECTED, &other, 0, &client, &other, &other);
            }
        }
    }

    #[test]
    fn another_page_within_ours_adds_nothing() {
        let mut within: serde_json::Value =
            serde_json::from_slice(&client("webauthn.create")).unwrap();
        within["crossOrigin"] = true.into();
        let refused = made(EXPECTED, within.to_string().as_bytes(), &attestation());
        assert!(matches!(refused, Err(Refused::Other { what: "its page", .. })));
    }
}
