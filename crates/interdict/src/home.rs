//! The folder that holds everything, and the key that signs what leaves it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use case::vault::Vault;
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
        Ok(SigningKey::from_bytes(&self.key("ed25519.key", "signing key")?))
    }

    /// What seals secrets in casework, made at first use. Servers that share casework share it too.
    pub fn vault(&self, named: Option<&Path>) -> Result<Vault> {
        match named {
            None => Ok(Vault::of(self.key("secrets.key", "key for secrets")?)),
            Some(file) => Ok(Vault::of(read_key(file, "key for secrets")?)),
        }
    }

    fn key(&self, name: &str, what: &str) -> Result<[u8; 32]> {
        let folder = self.path.join(KEYS);
        let file = folder.join(name);
        if !file.exists() {
            make_key(&folder, &file)?;
        }
        read_key(&file, what)
    }
}

fn default_path() -> PathBuf {
    let set =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    data.map_or_else(|| PathBuf::from(".interdict"), |data| data.join("interdict"))
}

fn read_key(file: &Path, what: &str) -> Result<[u8; 32]> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read the {what} {}", file.display()))?;
    let key: Option<[u8; 32]> = hex::decode(text.trim()).and_then(|bytes| bytes.try_into().ok());
    let Some(key) = key else {
        bail!(
            "{} is no {what}: expected 64 hex digits; move it away to have a new one made",
            file.display()
        );
    };
    Ok(key)
}

/// Written whole under another name, then linked, so that no half key is ever found, and of two who make
/// one at once both use the same.
fn make_key(folder: &Path, file: &Path) -> Result<()> {
    let doing = || format!("cannot make a key in {}", folder.display());
    let mut seed = [0u8; 32];
    getrandom::fill(&mut seed).map_err(|e| anyhow::anyhow!("{e}")).with_context(doing)?;
    fs::create_dir_all(folder).with_context(doing)?;
    private(folder, 0o700).with_context(doing)?;
    let fresh = file.with_extension(format!("new{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&fresh).with_context(doing)?;
    writeln!(written, "{}", hex::encode(&seed)).with_context(doing)?;
    written.sync_all().with_context(doing)?;
    let linked = fs::hard_link(&fresh, file);
    fs::remove_file(&fresh).with_context(doing)?;
    match linked {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.with_context(doing),
    }
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
