//! Whoever is asked about an address learns that somebody looks at it.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Result, bail};
use model::{Timestamp, day_of};
use store::Store;

use super::{PricesConfig, ProviderConfig};
use crate::out::Out;

/// Keeps those that may be asked. One that was never agreed to is agreed to now, by
/// `--yes-ask`, by the configuration, or at the terminal; else the trace ends here.
pub fn agree(
    configs: Vec<ProviderConfig>,
    yes: &[String],
    store: &Store,
    out: &Out,
) -> Result<Vec<ProviderConfig>> {
    if let Some(unknown) = yes.iter().find(|name| !configs.iter().any(|c| c.name == **name)) {
        let known: Vec<&str> = configs.iter().map(|config| config.name.as_str()).collect();
        bail!(
            "--yes-ask {unknown}: no such provider is configured for these sources: expected one of {}",
            if known.is_empty() { "none".to_string() } else { known.join(", ") }
        );
    }
    for config in &configs {
        if store.consent(&config.consent_to())?.is_some() {
            continue;
        }
        out.warn(&warning(config));
        if !(config.consent || yes.contains(&config.name) || is_answered(config)?) {
            bail!(
                "{} was never agreed to, so nothing was asked: say --yes-ask {}, or set `consent = true` in [providers.{}], or --offline to use only what is kept",
                config.who(),
                config.name,
                config.name
            );
        }
        store.put_consent(&config.consent_to(), day_of(Timestamp::now()))?;
    }
    Ok(configs)
}

/// The same for a service of prices, which learns less.
pub fn agree_prices(config: &PricesConfig, yes: bool, store: &Store, out: &Out) -> Result<()> {
    let who = config.who();
    if store.consent(&who)?.is_some() {
        return Ok(());
    }
    out.warn(&format!(
        "{who} will be asked for prices. Whoever runs it, and whoever sees its traffic or logs, learns which \
         asset and which days are of interest, when, and from which network address; no address on a chain."
    ));
    if !(config.consent || yes) {
        bail!(
            "{who} was never agreed to, so nothing was asked: say --yes-ask, or set `consent = true` in [prices.{}]",
            config.name
        );
    }
    Ok(store.put_consent(&who, day_of(Timestamp::now()))?)
}

fn warning(config: &ProviderConfig) -> String {
    format!(
        "{who} will be asked about addresses of {chain}. Whoever runs it, and whoever sees its traffic or logs, \
         learns every address this trace looks at, when, and from which network address. If the suspect may \
         be among them, use a node of your own.",
        who = config.who(),
        chain = config.chain.name(),
    )
}

/// At a terminal only: nobody answers in a pipe.
fn is_answered(config: &ProviderConfig) -> Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    write!(io::stderr(), "Ask {} from now on? [y/N] ", config.who())?;
    io::stderr().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
