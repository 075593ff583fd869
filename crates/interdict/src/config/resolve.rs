//! Which value counts: flag, environment, file, default.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use model::Chain;

use super::desk;
use super::file::{ChainFile, ConfigFile, FollowFile, NodeFile};
use super::{
    ChainConfig, Config, Environment, Flags, Follow, Login, NodeConfig, Origin, Secret, Set,
};
use crate::follow::Finality;
use crate::follow::finality::{FinalityText, NodeWord, undo_usual};

pub(super) fn config(
    file: ConfigFile,
    folder: &Path,
    flags: &Flags,
    environment: Environment<'_>,
) -> Result<Config> {
    let follow = follow(file.follow, folder, environment)?;
    let risk_rules = path("INTERDICT_RISK_RULES", file.risk.rules, folder, environment);
    let serve = desk::serve(file.serve, folder, environment)?;
    let oidc = desk::oidc(file.oidc, folder, serve.origin.value.as_deref())?;
    let webhooks = desk::webhooks(&file.webhooks, environment)?;
    let retention = desk::retention(&file.retention, environment)?;
    let casework = desk::casework(file.casework, folder, environment)?;
    let mut chains = file.chain;
    if let Some(twice) = twice(&chains) {
        bail!("chain {twice} stands there twice: give it all its nodes in one place");
    }
    if let Some(chain) = flags.chain {
        chains.retain(|row| row.id == chain);
        if chains.is_empty() {
            chains.push(only(chain));
        }
    }
    let chains = chains.into_iter().map(|row| {
        let (id, about) = (row.id, format!("chain {}", row.id.name()));
        of_chain(row, id, folder, flags, environment).context(about)
    });
    let chains = chains.collect::<Result<_>>()?;
    let file = None;
    Ok(Config { file, follow, chains, risk_rules, serve, casework, webhooks, retention, oidc })
}

/// A chain that only flags and environment speak of.
fn only(id: Chain) -> ChainFile {
    ChainFile { id, from: None, finality: None, undo: None, rpc: Vec::new(), node: Vec::new() }
}

fn twice(chains: &[ChainFile]) -> Option<String> {
    let is_again =
        |(at, row): &(usize, &ChainFile)| chains[..*at].iter().any(|other| other.id == row.id);
    Some(chains.iter().enumerate().find(is_again)?.1.id.name())
}

fn follow(file: FollowFile, folder: &Path, environment: Environment<'_>) -> Result<Follow> {
    let number = |name: &str, file: Option<usize>, otherwise: usize| {
        pick(None, environment, name, file, otherwise)
    };
    let long = |name: &str, file: Option<u64>, otherwise: u64| {
        pick(None, environment, name, file, otherwise)
    };
    let follow = Follow {
        at_once: number("INTERDICT_FOLLOW_AT_ONCE", file.at_once, 32)?,
        facts: number("INTERDICT_FOLLOW_FACTS", file.facts, 200_000)?,
        poll_ms: long("INTERDICT_FOLLOW_POLL_MS", file.poll_ms, 400)?,
        answer_s: long("INTERDICT_FOLLOW_ANSWER_S", file.answer_s, 120)?,
        derive_s: long("INTERDICT_FOLLOW_DERIVE_S", file.derive_s, 30)?,
        watch: path("INTERDICT_WATCH", file.watch, folder, environment),
    };
    for (name, value) in [("at_once", follow.at_once.value), ("facts", follow.facts.value)] {
        if value == 0 {
            bail!("follow: {name}: expected at least 1");
        }
    }
    Ok(follow)
}

/// A file that may be named; beside the configuration where that names it.
pub(super) fn path(
    name: &str,
    file: Option<PathBuf>,
    folder: &Path,
    environment: Environment<'_>,
) -> Set<Option<PathBuf>> {
    match (environment(name), file) {
        (Some(path), _) => {
            Set { value: Some(path.into()), origin: Origin::Environment(name.into()) }
        }
        (None, Some(path)) => Set { value: Some(folder.join(path)), origin: Origin::File },
        (None, None) => Set { value: None, origin: Origin::Default },
    }
}

fn of_chain(
    row: ChainFile,
    chain: Chain,
    folder: &Path,
    flags: &Flags,
    environment: Environment<'_>,
) -> Result<ChainConfig> {
    let name = |field: &str| variable(chain, field);
    let finality = pick(
        flags.finality.map(|value| Set { value, origin: Origin::Flag("--finality") }),
        environment,
        &name("FINALITY"),
        row.finality,
        FinalityText::Node(NodeWord::Node),
    )?;
    let finality = match finality.origin {
        Origin::Default => Set { value: Finality::usual(chain), origin: Origin::Default },
        origin => Set { value: Finality::of(finality.value, chain), origin },
    };
    let from = flags.from.map(|value| Set { value: Some(value), origin: Origin::Flag("--from") });
    let undo = flags.undo.map(|value| Set { value, origin: Origin::Flag("--undo") });
    Ok(ChainConfig {
        chain,
        from: maybe(from, environment, &name("FROM"), row.from)?,
        finality,
        undo: pick(undo, environment, &name("UNDO"), row.undo, undo_usual(chain))?,
        nodes: nodes(&row, chain, folder, flags, environment)?,
    })
}

fn nodes(
    row: &ChainFile,
    chain: Chain,
    folder: &Path,
    flags: &Flags,
    environment: Environment<'_>,
) -> Result<Vec<Set<NodeConfig>>> {
    let plain = |url: &str, origin: Origin| Set { value: NodeConfig::at(Secret::url(url)), origin };
    if !flags.rpc.is_empty() {
        return Ok(flags.rpc.iter().map(|url| plain(url, Origin::Flag("--rpc"))).collect());
    }
    let name = variable(chain, "NODES");
    if let Some(urls) = environment(&name) {
        let origin = || Origin::Environment(name.clone());
        return Ok(urls.split_whitespace().map(|url| plain(url, origin())).collect());
    }
    let short = row.rpc.iter().map(|url| {
        holds_no_secret(url)?;
        Ok(plain(url, Origin::File))
    });
    let long = row
        .node
        .iter()
        .map(|node| Ok(Set { value: of_node(node, folder, environment)?, origin: Origin::File }));
    short.chain(long).collect()
}

fn of_node(file: &NodeFile, folder: &Path, environment: Environment<'_>) -> Result<NodeConfig> {
    let url = match (&file.url, &file.url_file, &file.url_env) {
        (Some(url), None, None) => {
            holds_no_secret(url)?;
            Secret::url(url)
        }
        (None, Some(path), None) => read(Secret::url_from_file, &folder.join(path))?,
        (None, None, Some(name)) => Secret::url(&variable_of(name, environment)?),
        _ => bail!("a node needs exactly one of url, url_file and url_env"),
    };
    let login = match (&file.login_file, &file.login_env) {
        (Some(path), None) => Some(Login::File(folder.join(path))),
        (None, Some(name)) => {
            variable_of(name, environment)?;
            Some(Login::Environment(name.clone()))
        }
        (None, None) => None,
        _ => bail!("node {url}: expected login_file or login_env, not both"),
    };
    if let Some(Login::File(path)) = &login
        && !path.is_file()
    {
        bail!("node {url}: there is no {}", path.display());
    }
    let key = match (&file.key_file, &file.key_env) {
        (Some(path), None) => Some(read(Secret::from_file, &folder.join(path))?),
        (None, Some(name)) => Some(Secret::new(&variable_of(name, environment)?)),
        (None, None) => None,
        _ => bail!("node {url}: expected key_file or key_env, not both"),
    };
    if let Some(solidity) = &file.solidity {
        holds_no_secret(solidity)?;
    }
    let (zmq, solidity) = (file.zmq.clone(), file.solidity.clone());
    Ok(NodeConfig { url, login, zmq, solidity, key })
}

fn read(from: impl Fn(&Path) -> std::io::Result<Secret>, path: &Path) -> Result<Secret> {
    from(path).with_context(|| format!("cannot read {}", path.display()))
}

impl NodeConfig {
    pub fn at(url: Secret) -> NodeConfig {
        NodeConfig { url, login: None, zmq: None, solidity: None, key: None }
    }
}

/// A password or a key does not belong into the file. Keys in a path cannot be told from paths.
fn holds_no_secret(url: &str) -> Result<()> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') || rest.contains('?') {
        bail!(
            "the address of {} holds a password or a key: put it into a file and name that with \
             url_file or login_file, or into the environment",
            chain::source::shown_url(url)
        );
    }
    Ok(())
}

fn variable_of(name: &str, environment: Environment<'_>) -> Result<String> {
    environment(name).ok_or_else(|| anyhow!("{name} is not set in the environment"))
}

/// `INTERDICT_ETHEREUM_FROM`, `INTERDICT_EIP155_100_NODES`.
pub(super) fn variable(chain: Chain, field: &str) -> String {
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name: String = chain.name().chars().map(upper).collect();
    format!("INTERDICT_{name}_{field}")
}

/// As [`pick`], of what may be left open.
fn maybe<T>(
    flag: Option<Set<Option<T>>>,
    environment: Environment<'_>,
    name: &str,
    file: Option<T>,
) -> Result<Set<Option<T>>>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    if let Some(flag) = flag {
        return Ok(flag);
    }
    let origin = match file {
        Some(_) => Origin::File,
        None => Origin::Default,
    };
    match environment(name) {
        Some(text) => {
            let value = text.parse().map_err(|error| anyhow!("{name}: {text:?}: {error}"))?;
            Ok(Set { value: Some(value), origin: Origin::Environment(name.to_string()) })
        }
        None => Ok(Set { value: file, origin }),
    }
}

pub(super) fn pick<T>(
    flag: Option<Set<T>>,
    environment: Environment<'_>,
    name: &str,
    file: Option<T>,
    otherwise: T,
) -> Result<Set<T>>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    if let Some(flag) = flag {
        return Ok(flag);
    }
    if let Some(text) = environment(name) {
        let value = text.parse().map_err(|error| anyhow!("{name}: {text:?}: {error}"))?;
        return Ok(Set { value, origin: Origin::Environment(name.to_string()) });
    }
    Ok(match file {
        Some(value) => Set { value, origin: Origin::File },
        None => Set { value: otherwise, origin: Origin::Default },
    })
}
