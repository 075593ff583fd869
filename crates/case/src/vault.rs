//! Secrets that must be read again, sealed: what signs a webhook, what a second factor is checked by.
//!
//! The key lies outside the database, in a file of the home, so that whoever gets the database or a
//! backup of it does not get the secrets. What is sealed names its key and is bound to where it stands:
//! moved to another row it does not open.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use sha2::{Digest, Sha256};

use crate::check;

/// Begins everything that is sealed; what does not begin so was kept before there was a vault.
const MARK: &[u8; 4] = b"idv1";
const NAME_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;

pub struct Vault {
    cipher: XChaCha20Poly1305,
    name: [u8; NAME_BYTES],
}

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(
        "it was sealed with key {found}, and this server has key {here}: give it the key file of the \
         server that sealed it"
    )]
    OtherKey { found: String, here: String },
    #[error("what was sealed was changed or moved")]
    Damaged,
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

impl Vault {
    pub fn of(key: [u8; 32]) -> Vault {
        let digest =
            Sha256::new().chain_update(b"interdict vault 1\n").chain_update(key).finalize();
        let mut name = [0; NAME_BYTES];
        name.copy_from_slice(&digest[..NAME_BYTES]);
        Vault { cipher: XChaCha20Poly1305::new(&key.into()), name }
    }

    /// With a key that nobody keeps: for tests.
    pub fn passing() -> Result<Vault, VaultError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(VaultError::Random)?;
        Ok(Vault::of(key))
    }

    /// Tells keys apart; nothing of the key can be learnt from it.
    pub fn name(&self) -> String {
        check::hex(&self.name)
    }

    /// `place` says where it will stand, as `webhook:7`.
    pub fn seal(&self, place: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(VaultError::Random)?;
        let payload = Payload { msg: secret, aad: place.as_bytes() };
        let closed =
            self.cipher.encrypt(&nonce.into(), payload).map_err(|_| VaultError::Damaged)?;
        Ok([&MARK[..], &self.name, &nonce, &closed].concat())
    }

    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let rest = sealed.strip_prefix(MARK).ok_or(VaultError::Damaged)?;
        let (name, rest) = rest.split_at_checked(NAME_BYTES).ok_or(VaultError::Damaged)?;
        if name != self.name {
            return Err(VaultError::OtherKey { found: check::hex(name), here: self.name() });
        }
        let (nonce, closed) = rest.split_first_chunk().ok_or(VaultError::Damaged)?;
        let nonce: [u8; NONCE_BYTES] = *nonce;
        let payload = Payload { msg: closed, aad: place.as_bytes() };
        self.cipher.decrypt(&nonce.into(), payload).map_err(|_| VaultError::Damaged)
    }
}

/// Was it sealed by any vault?
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MARK) && bytes.len() > MARK.len() + NAME_BYTES + NONCE_BYTES
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "vault with key {}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_with_its_key_only() {
        let vault = Vault::of([7; 32]);
        let sealed = vault.seal("webhook:1", b"secret").unwrap();
        assert!(is_sealed(&sealed));
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(vault.open("webhook:1", &sealed).unwrap(), b"secret");
        assert!(matches!(vault.open("webhook:2", &sealed), Err(VaultError::Damaged)));
        let other = Vault::of([8; 32]).open("webhook:1", &sealed).unwrap_err();
        assert!(other.to_string().contains(&vault.name()), "{other}");
    }

    #[test]
    fn no_byte_can_be_changed_or_cut() {
        let vault = Vault::of([7; 32]);
        let sealed = vault.seal("x", b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open("x", &changed).is_err(), "byte {at}");
            assert!(vault.open("x", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_same_twice_is_not_the_same_sealed() {
        let vault = Vault::of([7; 32]);
        assert_ne!(vault.seal("x", b"secret").unwrap(), vault.seal("x", b"secret").unwrap());
    }
}
