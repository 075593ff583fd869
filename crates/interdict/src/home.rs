//! The folder that holds everything, and the key that signs what leaves it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ed25519_dalek::SigningKey;
use model::hex;
use store::Store;

/// The folder of the keys within a home.
pub const KEYS: &str = "keys";

pub struct Home {
    path: PathBuf,
}

impl Home {
    pub fn choose(given: Option<PathBuf>) -> Home {
        Home { path: given.unwrap_or_else(default_path) }
    }

    /// For writing; made when there is none.
    pub fn open(&self) -> Result<Store> {
        Ok(Store::open(&self.path)?)
    }

    /// For reading what an earlier command took in.
    pub fn open_existing(&self) -> Result<Store> {
        Ok(Store::open_existing(&self.path)?)
    }

    /// Was anything ever kept here?
    pub fn has_store(&self) -> bool {
        self.path.join("interdict.sqlite").exists()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The process that writes now, if any does.
    pub fn writing_process(&self) -> Option<u32> {
        let lock = fs::File::open(self.path.join("writer.lock")).ok()?;
        // Given back at once: a writer that wants it meanwhile tries again.
        if !matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock)) {
            return None;
        }
        let note = fs::read_to_string(self.path.join("writer")).ok()?;
        note.strip_prefix("process ")?.split(' ').next()?.parse().ok()
    }

    /// The key of this home, made at first use and readable by its owner only.
    pub fn signing_key(&self) -> Result<SigningKey> {
        let folder = self.path.join(KEYS);
        let file = folder.join("ed25519.key");
        if !file.exists() {
            make_key(&folder, &file)?;
        }
        let text = fs::read_to_string(&file)
            .with_context(|| format!("cannot read the signing key {}", file.display()))?;
        let seed: Option<[u8; 32]> =
            hex::decode(text.trim()).and_then(|bytes| bytes.try_into().ok());
        let Some(seed) = seed else {
            bail!(
                "{} is no signing key: expected 64 hex digits; move it away to have a new one made",
                file.display()
            );
        };
        Ok(SigningKey::from_bytes(&seed))
    }
}

fn default_path() -> PathBuf {
    let set =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    data.map_or_else(|| PathBuf::from(".interdict"), |data| data.join("interdict"))
}

/// Written whole under another name, then renamed, so that no half key is ever found.
fn make_key(folder: &Path, file: &Path) -> Result<()> {
    let doing = || format!("cannot make a signing key in {}", folder.display());
    let mut seed = [0u8; 32];
    getrandom::fill(&mut seed).map_err(|e| anyhow::anyhow!("{e}")).with_context(doing)?;
    fs::create_dir_all(folder).with_context(doing)?;
    private(folder, 0o700).with_context(doing)?;
    let fresh = file.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&fresh).with_context(doing)?;
    writeln!(written, "{}", hex::encode(&seed)).with_context(doing)?;
    written.sync_all().with_context(doing)?;
    fs::rename(&fresh, file).with_context(doing)
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
