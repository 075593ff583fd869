//! `[providers.<name>]` of `interdict.toml`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use chain::history::{Api, Budget, Key, Options};
use model::Chain;
use serde::Deserialize;

/// The name of the file.
const NAME: &str = "interdict.toml";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderFile {
    /// esplora, etherscan, blockscout or trongrid.
    pub kind: String,
    /// Where it is: `https://blockstream.info/api`. Without a key.
    pub url: String,
    /// CAIP-2, or a name such as `ethereum`.
    pub chain: Chain,
    /// A file that holds the key.
    pub key_file: Option<PathBuf>,
    /// A variable of the environment that holds the key.
    pub key_env: Option<String>,
    /// Requests a second at most. 4.
    pub per_second: Option<u32>,
    /// Requests under way at once. 4.
    pub at_once: Option<usize>,
    /// Blocks that must stand on one before it is taken for final. 6 on Bitcoin, 64 on EVM chains.
    pub confirmations: Option<u64>,
    /// May it learn which addresses are looked at?
    #[serde(default)]
    pub consent: bool,
}

/// One provider as it is set up.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    pub name: String,
    pub api: Api,
    pub url: String,
    pub chain: Chain,
    pub consent: bool,
    file: ProviderFile,
    /// Where the file lies: its paths begin there.
    folder: PathBuf,
}

/// A service that knows prices: `[prices.<name>]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricesConfig {
    #[serde(skip)]
    pub name: String,
    /// coingecko.
    pub kind: String,
    /// Where it is: `https://api.coingecko.com/api/v3`. Without a key.
    pub url: String,
    pub key_file: Option<PathBuf>,
    pub key_env: Option<String>,
    #[serde(default)]
    pub consent: bool,
    #[serde(skip)]
    folder: PathBuf,
}

impl PricesConfig {
    pub fn who(&self) -> String {
        format!("{} at {}", self.kind, chain::source::shown_url(&self.url))
    }

    pub fn key(&self) -> Result<Option<Key>> {
        let key = key(&self.folder, self.key_file.as_deref(), self.key_env.as_deref());
        key.with_context(|| format!("[prices.{}]", self.name))
    }
}

/// The price services of the same file, by name.
pub fn read_prices(home: &Path) -> Result<Vec<PricesConfig>> {
    each(home, "prices", |name, value, folder| {
        let read: PricesConfig = value.try_into()?;
        if read.kind != "coingecko" {
            bail!("kind: {:?}: expected coingecko", read.kind);
        }
        Ok(PricesConfig { name, folder: folder.to_path_buf(), ..read })
    })
}

/// What the tables `[<word>.<name>]` of the file in force say, by name. Each is read by its name, what
/// it holds, and the folder where the file's paths begin.
pub(crate) fn each<T>(
    home: &Path,
    word: &str,
    read: impl Fn(String, toml::Value, &Path) -> Result<T>,
) -> Result<Vec<T>> {
    let Some((mut table, folder, path)) = table(home)? else { return Ok(Vec::new()) };
    let Some(named) = table.remove(word) else { return Ok(Vec::new()) };
    let file = path.display();
    let toml::Value::Table(named) = named else {
        bail!("{file}: {word}: expected tables [{word}.<name>]");
    };
    let one = |(name, value): (String, toml::Value)| {
        let doing = format!("{file}: [{word}.{name}]");
        read(name, value, &folder).context(doing)
    };
    named.into_iter().map(one).collect()
}

/// The providers of the file that `INTERDICT_CONFIG` names, else of `interdict.toml` here,
/// else of that in the home. By name.
pub fn read(home: &Path) -> Result<Vec<ProviderConfig>> {
    let Some((table, folder, path)) = table(home)? else { return Ok(Vec::new()) };
    of_table(table, &folder).with_context(|| path.display().to_string())
}

/// What the file holds, where it lies, and its path.
fn table(home: &Path) -> Result<Option<(toml::Table, PathBuf, PathBuf)>> {
    let named = std::env::var_os("INTERDICT_CONFIG").filter(|value| !value.is_empty());
    let path = match named {
        Some(named) => Some(PathBuf::from(named)),
        None => [PathBuf::from(NAME), home.join(NAME)].into_iter().find(|path| path.is_file()),
    };
    let Some(path) = path else { return Ok(None) };
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let table = toml::from_str(&text).with_context(|| path.display().to_string())?;
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    Ok(Some((table, folder, path)))
}

fn of_table(mut table: toml::Table, folder: &Path) -> Result<Vec<ProviderConfig>> {
    let Some(providers) = table.remove("providers") else { return Ok(Vec::new()) };
    let toml::Value::Table(providers) = providers else {
        bail!("providers: expected tables [providers.<name>]");
    };
    let one = |(name, value): (String, toml::Value)| {
        let file: ProviderFile = value.try_into().with_context(|| format!("[providers.{name}]"))?;
        of_file(&name, file, folder).with_context(|| format!("[providers.{name}]"))
    };
    providers.into_iter().map(one).collect()
}

fn of_file(name: &str, file: ProviderFile, folder: &Path) -> Result<ProviderConfig> {
    let api = file.kind.parse::<Api>().map_err(|e| anyhow!("kind: {e}"))?;
    if file.key_file.is_some() && file.key_env.is_some() {
        bail!("expected key_file or key_env, not both");
    }
    if file.at_once == Some(0) {
        bail!("at_once: expected at least 1");
    }
    Ok(ProviderConfig {
        name: name.to_string(),
        api,
        url: file.url.clone(),
        chain: file.chain,
        consent: file.consent,
        file,
        folder: folder.to_path_buf(),
    })
}

impl ProviderConfig {
    /// Who learns what is asked, as it may be shown.
    pub fn who(&self) -> String {
        format!("{} at {}", self.api, chain::source::shown_url(&self.url))
    }

    /// What consent is given to: another host is another provider.
    pub fn consent_to(&self) -> String {
        format!("{} {}", self.who(), self.chain)
    }

    pub fn options(&self, budget: &Arc<Budget>) -> Result<Options> {
        let mut options = Options::new(&self.url, self.chain, budget.clone());
        options.key = self.key().with_context(|| format!("[providers.{}]", self.name))?;
        if let Some(per_second) = self.file.per_second {
            options.per_second = per_second;
        }
        if let Some(at_once) = self.file.at_once {
            options.limits.at_once_max = at_once;
        }
        if let Some(confirmations) = self.file.confirmations {
            options.confirmations = confirmations;
        }
        Ok(options)
    }

    fn key(&self) -> Result<Option<Key>> {
        key(&self.folder, self.file.key_file.as_deref(), self.file.key_env.as_deref())
    }
}

pub(super) fn key(
    folder: &Path,
    file: Option<&Path>,
    variable: Option<&str>,
) -> Result<Option<Key>> {
    if let Some(file) = file {
        let path = folder.join(file);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read the key in {}", path.display()))?;
        let key = Key::new(&text);
        return key.map(Some).ok_or_else(|| anyhow!("{} holds no key", path.display()));
    }
    let Some(name) = variable else { return Ok(None) };
    let text = std::env::var(name).unwrap_or_default();
    Key::new(&text).map(Some).ok_or_else(|| anyhow!("the variable {name} holds no key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, folder: &Path) -> Result<Vec<ProviderConfig>> {
        of_table(toml::from_str(text)?, folder)
    }

    const GOOD: &str = "[follow]\nat_once = 3\n[providers.x]\nkind = \"esplora\"\n\
        url = \"https://user:pw@host/api\"\nchain = \"bitcoin\"\n";

    #[test]
    fn a_provider_is_shown_without_what_may_be_a_key() {
        let configs = parse(GOOD, Path::new("")).expect("it parses");
        assert_eq!(configs.len(), 1);
        assert_eq!(configs[0].who(), "esplora at https://host");
        assert!(!configs[0].consent);
    }

    #[test]
    fn a_slip_is_named() {
        let slip = |more: &str| {
            let error = parse(&format!("{GOOD}{more}\n"), Path::new("")).expect_err("a slip");
            format!("{error:#}")
        };
        assert!(slip("keyfile = \"k\"").contains("keyfile"));
        assert!(slip("key_env = \"A\"\nkey_file = \"b\"").contains("not both"));
        let kind = GOOD.replace("esplora", "explora");
        let error = parse(&kind, Path::new("")).expect_err("a slip");
        assert!(format!("{error:#}").contains("expected esplora, etherscan"), "{error:#}");
    }
}
