//! An address that may hold a key: shown without it, everywhere.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};

#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    shown: String,
}

impl Secret {
    /// The address of a node; what of it may be shown is shown.
    pub fn url(text: impl Into<String>) -> Secret {
        let text = text.into();
        Secret { shown: chain::source::shown_url(&text), text }
    }

    /// For whoever needs it to connect, and nobody else.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    pub(crate) fn of_file(path: &Path) -> Result<Secret> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let text = text.trim();
        if text.is_empty() || text.lines().count() > 1 {
            bail!("{}: expected one line, the address alone", path.display());
        }
        Ok(Secret::url(text))
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
