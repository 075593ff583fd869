//! Keys, passwords, and addresses that may hold one.

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use crate::source::shown_url;

/// Something never to be shown: not in a log, not in an error, not in debug output.
/// What is shown instead is known from the start.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: Box<str>,
    shown: Box<str>,
}

impl Secret {
    /// A key or a password: nothing of it is shown.
    pub fn new(text: &str) -> Secret {
        Secret { text: text.trim().into(), shown: "…".into() }
    }

    /// The address of a node: scheme and host are shown.
    pub fn url(text: &str) -> Secret {
        let text = text.trim();
        Secret { text: text.into(), shown: shown_url(text).into() }
    }

    /// A key or a password that stands alone in a file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds anything else than one line.
    pub fn from_file(path: &Path) -> Result<Secret> {
        line_of(path).map(|line| Secret::new(&line))
    }

    /// An address that stands alone in a file.
    ///
    /// # Errors
    /// As of [`Secret::from_file`].
    pub fn url_from_file(path: &Path) -> Result<Secret> {
        line_of(path).map(|line| Secret::url(&line))
    }

    /// For the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

fn line_of(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next()) {
        (Some(line), None) => Ok(line.into()),
        _ => Err(Error::new(ErrorKind::InvalidData, "expected one line, the secret alone")),
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
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
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "… … Some(…)");
        std::fs::write(&path, "https://node.example/v3/hush\n").expect("written");
        let url = Secret::url_from_file(&path).expect("read");
        assert_eq!(url.reveal(), "https://node.example/v3/hush");
        assert_eq!(format!("{url} {url:?}"), "https://node.example https://node.example");
        for text in ["", " \n", "one\ntwo\n"] {
            std::fs::write(&path, text).expect("written");
            let error = Secret::from_file(&path).expect_err("one line is expected");
            assert!(error.to_string().contains("one line") && !error.to_string().contains("two"));
        }
    }
}
