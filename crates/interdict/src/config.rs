//! `interdict.toml`: what is followed, from which nodes, and how.
//!
//! What counts, in this order: a flag, the environment, the file, the default. Every value knows where it
//! came from, which `interdict config check` prints. A key that is not known is an error. Secrets are not
//! written into the file: it names a file or a variable that holds them.

pub mod desk;
mod file;
mod resolve;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use model::Chain;

pub use chain::secret::Secret;
pub use file::{ChainFile, ConfigFile, FollowFile, NodeFile, RiskFile};

use crate::follow::Finality;

/// The name of the file.
pub const NAME: &str = "interdict.toml";

/// Everything that was set, with where.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    pub follow: Follow,
    pub chains: Vec<ChainConfig>,
    /// A file of risk rules; none: those that come with Interdict.
    pub risk_rules: Set<Option<PathBuf>>,
    /// Where the desk listens.
    pub serve: desk::Serve,
    /// Where casework is kept.
    pub casework: desk::Casework,
    /// Who else may say who somebody is.
    pub oidc: Option<desk::OidcConfig>,
    /// How what happens is told to others.
    pub webhooks: desk::Webhooks,
    /// How long personal data are kept, and who ends it.
    pub retention: desk::Retention,
}

/// What holds for all chains that are followed.
#[derive(Clone, Debug)]
pub struct Follow {
    pub at_once: Set<usize>,
    pub facts: Set<usize>,
    pub poll_ms: Set<u64>,
    /// 0: not at all.
    pub derive_s: Set<u64>,
    pub answer_s: Set<u64>,
    pub watch: Set<Option<PathBuf>>,
}

#[derive(Clone, Debug)]
pub struct ChainConfig {
    pub chain: Chain,
    /// None: the follower chooses once it sees the chain.
    pub from: Set<Option<u64>>,
    pub finality: Set<Finality>,
    pub undo: Set<u64>,
    pub nodes: Vec<Set<NodeConfig>>,
}

/// How to reach a node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    pub url: Secret,
    pub login: Option<Login>,
    pub zmq: Option<String>,
    /// Tron: where solidified blocks are, and the service's key.
    pub solidity: Option<String>,
    pub key: Option<Secret>,
}

/// Where `user:password` stands. It is read when it is needed: a cookie changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    File(PathBuf),
    Environment(String),
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<T> {
    pub value: T,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Flag(&'static str),
    Environment(String),
    File,
    Default,
}

/// What was typed: it comes before everything else.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub chain: Option<Chain>,
    pub rpc: Vec<String>,
    pub from: Option<u64>,
    pub finality: Option<crate::follow::finality::FinalityText>,
    pub undo: Option<u64>,
}

/// Looks up a variable of the environment. A function, so that tests bring their own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// That of this process; an empty variable is none.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Config {
    /// Reads the file that is named, else `interdict.toml` here, else the one in the home; none is none.
    pub fn read(home: &Path, flags: &Flags, environment: Environment<'_>) -> Result<Config> {
        let path = find(home, flags, environment)?;
        let file = match &path {
            Some(path) => read_file(path)?,
            None => ConfigFile::default(),
        };
        let folder = path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let config = resolve::config(file, folder, flags, environment);
        let mut config = config.with_context(|| match &path {
            Some(path) => path.display().to_string(),
            None => "no configuration file".to_string(),
        })?;
        config.file = path;
        Ok(config)
    }
}

fn find(home: &Path, flags: &Flags, environment: Environment<'_>) -> Result<Option<PathBuf>> {
    let named = flags.config.clone().or_else(|| environment("INTERDICT_CONFIG").map(PathBuf::from));
    if let Some(named) = named {
        if !named.is_file() {
            bail!("{}: there is no such file", named.display());
        }
        return Ok(Some(named));
    }
    Ok([PathBuf::from(NAME), home.join(NAME)].into_iter().find(|path| path.is_file()))
}

fn read_file(path: &Path) -> Result<ConfigFile> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

impl<T: fmt::Display> fmt::Display for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.value, self.origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "{flag}"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::File => write!(f, "file"),
            Origin::Default => write!(f, "default"),
        }
    }
}

#[cfg(test)]
mod tests;
