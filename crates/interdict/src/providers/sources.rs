//! `[sources.<name>]` of `interdict.toml`: who keeps published sources of contracts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use chain::history::Key;
use chain::published::{Keeper, Published};
use model::{Chain, Timestamp, day_of};
use serde::Deserialize;
use store::Store;

use super::config::{each, key};
use crate::home::Home;
use crate::out::Out;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcesConfig {
    #[serde(skip)]
    pub name: String,
    /// sourcify, etherscan or blockscout.
    pub kind: String,
    /// Where it is: `https://sourcify.dev/server`. Without a key.
    pub url: String,
    /// Of this chain only. All.
    pub chain: Option<Chain>,
    pub key_file: Option<PathBuf>,
    pub key_env: Option<String>,
    /// May it learn which contracts are looked at?
    #[serde(default)]
    pub consent: bool,
    #[serde(skip)]
    folder: PathBuf,
}

/// Those of the file that is in force, by name.
pub fn read_sources(home: &Path) -> Result<Vec<SourcesConfig>> {
    each(home, "sources", |name, value, folder| {
        let read: SourcesConfig = value.try_into()?;
        read.kind.parse::<Keeper>().map_err(|e| anyhow!("kind: {e}"))?;
        Ok(SourcesConfig { name, folder: folder.to_path_buf(), ..read })
    })
}

impl SourcesConfig {
    pub fn who(&self) -> String {
        format!("{} at {}", self.kind, chain::source::shown_url(&self.url))
    }

    pub fn service(&self) -> Result<Published> {
        let doing = || format!("[sources.{}]", self.name);
        let keeper: Keeper = self.kind.parse().map_err(|e| anyhow!("kind: {e}"))?;
        let key = key(&self.folder, self.key_file.as_deref(), self.key_env.as_deref());
        let key: Option<Key> = key.with_context(doing)?;
        Published::new(keeper, &self.url, key).with_context(doing)
    }
}

/// May it be asked? Agreed to once, by `--yes-ask` or the configuration, and remembered.
pub fn agree_sources(
    config: &SourcesConfig,
    yes: &[String],
    store: Option<&Store>,
    home: &Home,
    out: &Out,
) -> Result<bool> {
    let who = format!("sources: {}", config.who());
    if store.map(|store| store.consent(&who)).transpose()?.flatten().is_some() {
        return Ok(true);
    }
    if !(config.consent || yes.contains(&config.name)) {
        out.note(&format!(
            "{} is set up and was never agreed to, so it is not asked: say --yes-ask {}, or set \
             `consent = true` in [sources.{}]",
            config.who(),
            config.name,
            config.name
        ));
        return Ok(false);
    }
    out.warn(&format!(
        "{} is asked for published sources. Whoever runs it learns which contract is looked at, when, and \
         from which network address.",
        config.who()
    ));
    home.open()?.put_consent(&who, day_of(Timestamp::now()))?;
    Ok(true)
}
