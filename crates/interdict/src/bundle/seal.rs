//! The last line: what the lines before it hash to, signed.

use anyhow::{Context, Result, anyhow, bail};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use model::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    kind: String,
    algorithm: String,
    public_key: String,
    signature: String,
    /// SHA-256 of each line before, without its line break.
    lines: Vec<String>,
}

const KIND: &str = "seal";
const ALGORITHM: &str = "Ed25519 over the line hashes";

pub fn of(lines: &[String], key: &SigningKey) -> Result<String> {
    let hashes: Vec<String> = lines.iter().map(|line| hash(line)).collect();
    let seal = Seal {
        kind: KIND.into(),
        algorithm: ALGORITHM.into(),
        public_key: hex::encode(key.verifying_key().as_bytes()),
        signature: hex::encode(&key.sign(&message(&hashes)).to_bytes()),
        lines: hashes,
    };
    Ok(serde_json::to_string(&seal)?)
}

/// Checks seal and lines; gives the public key. The error names what was changed.
pub fn check(sealed: &str, lines: &[&str]) -> Result<String> {
    let last = lines.len() + 1;
    let seal: Seal =
        serde_json::from_str(sealed).with_context(|| format!("line {last} is no seal"))?;
    if seal.kind != KIND || seal.algorithm != ALGORITHM || serde_json::to_string(&seal)? != sealed {
        bail!("line {last}: the seal was changed");
    }
    let changed = changed_lines(&seal.lines, lines);
    if let Err(error) = check_signature(&seal) {
        let lines =
            if changed.is_empty() { String::new() } else { format!("; {}", changed.join("; ")) };
        bail!("line {last}: the seal's {error}{lines}");
    }
    if seal.lines.len() != lines.len() {
        bail!("{} lines were signed, {} are there", seal.lines.len(), lines.len());
    }
    if !changed.is_empty() {
        bail!("{}", changed.join("; "));
    }
    Ok(seal.public_key)
}

fn check_signature(seal: &Seal) -> Result<()> {
    let key = hex::decode(&seal.public_key).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let key = key
        .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
        .ok_or_else(|| anyhow!("public key is none"))?;
    let signature = hex::decode(&seal.signature).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let signature = signature.ok_or_else(|| anyhow!("signature is no signature"))?;
    key.verify_strict(&message(&seal.lines), &Signature::from_bytes(&signature))
        .map_err(|_| anyhow!("signature does not match: the seal, or what it lists, was changed"))
}

/// The first few lines whose bytes are not those signed, each named by what it holds.
fn changed_lines(hashes: &[String], lines: &[&str]) -> Vec<String> {
    const NAMED: usize = 3;
    hashes
        .iter()
        .zip(lines)
        .enumerate()
        .filter(|(_, (signed, line))| hash(line) != **signed)
        .take(NAMED)
        .map(|(n, (_, line))| format!("line {} ({}) was changed", n + 1, super::rows::name(line)))
        .collect()
}

fn message(hashes: &[String]) -> Vec<u8> {
    format!("{} {}\n{}\n", super::FORMAT, super::VERSION, hashes.join("\n")).into_bytes()
}

fn hash(line: &str) -> String {
    hex::encode(&Sha256::digest(line.as_bytes()))
}
