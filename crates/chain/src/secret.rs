//! Keys and passwords for nodes and providers.

use std::fmt;
use std::path::Path;

/// Something never to be shown: not in a log, not in an error, not in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    pub fn new(text: &str) -> Secret {
        Secret(text.trim().into())
    }

    /// The whole file, without white space around it.
    ///
    /// # Errors
    /// When the file cannot be read, or is not text.
    pub fn from_file(path: &Path) -> std::io::Result<Secret> {
        std::fs::read_to_string(path).map(|text| Secret::new(&text))
    }

    /// None where there is no such variable, or an empty one.
    pub fn from_env(name: &str) -> Option<Secret> {
        std::env::var(name).ok().map(|text| Secret::new(&text)).filter(|key| !key.0.is_empty())
    }

    /// For the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_a_file_and_is_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "hush\n").expect("written");
        let secret = Secret::from_file(&path).expect("read");
        assert_eq!(secret.reveal(), "hush");
        assert!(!format!("{secret:?} {:?}", Some(&secret)).contains("hush"));
        assert_eq!(Secret::from_env("NO_SUCH_VARIABLE_OF_OURS"), None);
    }
}
