//! One file a command.

pub mod casework;
pub mod clusters;
pub mod completions;
pub mod config;
pub mod cost;
pub mod decisions;
pub mod drill;
pub mod exposure;
pub mod follow;
pub mod freeze;
pub mod freezes;
pub mod import;
pub mod labels;
pub mod lists;
pub mod prices;
pub mod retention;
pub mod risk;
pub mod screen;
pub mod serve;
pub mod status;
pub mod store;
pub mod token;
pub mod trace;
pub mod transfers;
pub mod user;
pub mod verify;
pub mod who;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// SHA-256 of a file's bytes, in hex.
pub fn file_hash(path: &Path) -> Result<String> {
    let doing = || format!("cannot read {}", path.display());
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).with_context(doing)?);
    let mut hash = Sha256::new();
    loop {
        let bytes = match reader.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).with_context(doing),
        };
        if bytes.is_empty() {
            break;
        }
        hash.update(bytes);
        let read = bytes.len();
        reader.consume(read);
    }
    Ok(model::hex::encode(&hash.finalize()))
}
