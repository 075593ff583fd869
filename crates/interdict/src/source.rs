//! What a person typed as a source, found in the store.
//!
//! A bare address or hash may be of several chains. The store decides where only one
//! of them knows it; else the ambiguity is said aloud and `--chain` asked for.

use anyhow::{Result, anyhow, bail};
use model::{Account, Chain, Outpoint, TxHash, TxId, View, identifier};
use trace::Source;

/// `askable`: chains of which a provider may be asked about what is not known.
pub fn find(
    view: &dyn View,
    text: &str,
    chain: Option<Chain>,
    askable: &[Chain],
) -> Result<Source> {
    let candidates: Vec<Source> = read(text, view, chain, askable)?;
    let mut known = Vec::new();
    for candidate in &candidates {
        if is_known(view, candidate)? {
            known.push(candidate.clone());
        }
    }
    match known.as_slice() {
        [one] => Ok(one.clone()),
        [] => match ask_for(&candidates, askable).as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(unknown(view, &shown(text), chain, &candidates)?),
            several => bail!(
                "{text} could be of {}, of each of which a provider is set up: say which with --chain",
                chains(several)
            ),
        },
        several => bail!("{text} is known on {}: say which with --chain", chains(several)),
    }
}

/// Those a provider may know: an address, and on Bitcoin a transaction.
fn ask_for(candidates: &[Source], askable: &[Chain]) -> Vec<Source> {
    let may_ask = |source: &&Source| {
        let chain = trace::Settings::source_chain(source);
        askable.contains(&chain) && (matches!(source, Source::Account(_)) || chain.is_utxo())
    };
    candidates.iter().filter(may_ask).cloned().collect()
}

/// Why nothing is known of it, and what would help.
fn unknown(
    view: &dyn View,
    text: &str,
    chain: Option<Chain>,
    candidates: &[Source],
) -> Result<anyhow::Error> {
    if let (Some(named), Some(chain)) = (named_chain(text), chain)
        && named != chain
    {
        return Ok(anyhow!(
            "{text} names {}, but the chain asked for is {}",
            named.name(),
            chain.name()
        ));
    }
    if chain.is_none() && view.coverage()?.is_empty() {
        return Ok(anyhow!("no transfers are kept yet: `interdict import` takes them in"));
    }
    let why = if candidates.is_empty() {
        "it reads as no address, transaction or outpoint".to_string()
    } else {
        format!("looked on {}", chains(candidates))
    };
    Ok(anyhow!("{text} is not in the store; `interdict import` takes in what it moved ({why})"))
}

/// As an error quotes it: no hash or address is longer.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// The chain that the text itself names.
fn named_chain(text: &str) -> Option<Chain> {
    let text = text.trim();
    let tx = || text.parse::<TxId>().ok().map(|tx| tx.chain);
    text.parse::<Account>().ok().map(|account| account.chain).or_else(tx)
}

/// Every way to read the text, on the chains it may belong to.
fn read(
    text: &str,
    view: &dyn View,
    chain: Option<Chain>,
    askable: &[Chain],
) -> Result<Vec<Source>> {
    let text = text.trim();
    let mut held: Vec<Chain> = match chain {
        Some(chain) => vec![chain],
        None => view.coverage()?.into_iter().map(|coverage| coverage.chain).collect(),
    };
    if chain.is_none() {
        held.extend(askable);
        held.sort_unstable();
        held.dedup();
    }
    let mut found: Vec<Source> = Vec::new();
    for account in identifier::candidates(text) {
        for chain in &held {
            if let Ok(moved) = Account::parse(&account.address.text(account.chain), *chain)
                && (account.chain == *chain || !text.contains(&account.chain.to_string()))
            {
                found.push(Source::Account(moved));
            }
        }
    }
    if let Ok(account) = text.parse::<Account>() {
        found.push(Source::Account(account));
    }
    if let Ok(tx) = text.parse::<TxId>() {
        found.push(Source::Transaction(tx));
    }
    for chain in &held {
        found.extend(
            TxHash::parse(text, *chain)
                .map(|hash| Source::Transaction(TxId { chain: *chain, hash })),
        );
        found.extend(outpoint(text, *chain).map(Source::Outpoint));
    }
    found.sort();
    found.dedup();
    if let Some(chain) = chain {
        found.retain(|source| trace::Settings::source_chain(source) == chain);
    }
    Ok(found)
}

/// `<txid>:<n>`, with or without the chain before it.
fn outpoint(text: &str, chain: Chain) -> Option<Outpoint> {
    let (tx, index) = text.rsplit_once(':')?;
    let index = index.parse().ok()?;
    let tx = tx.parse::<TxId>().ok().or_else(|| TxId::parse(tx, chain))?;
    (tx.chain == chain && chain.is_utxo()).then_some(Outpoint { tx, index })
}

fn is_known(view: &dyn View, source: &Source) -> Result<bool> {
    Ok(match source {
        Source::Account(account) => {
            let degree = view.degree(std::slice::from_ref(account))?;
            degree.first().is_some_and(|degree| degree.sent + degree.received > 0)
        }
        Source::Transaction(tx) => view.transaction(tx)?.is_some(),
        Source::Outpoint(outpoint) => view.transaction(&outpoint.tx)?.is_some(),
    })
}

fn chains(sources: &[Source]) -> String {
    let mut names: Vec<String> =
        sources.iter().map(|source| trace::Settings::source_chain(source).name()).collect();
    names.dedup();
    names.join(", ")
}
