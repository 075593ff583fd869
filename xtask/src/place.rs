//! Where things lie: the repository, its build folder, the tools kept there.

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in the repository").to_path_buf()
}

/// Cargo's build folder, wherever the caller keeps it.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Root for tools installed here, so that nobody's own `~/.cargo/bin` changes.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// A path as a person in the repository would type it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
