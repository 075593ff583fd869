//! What people write before an address: its chain, or a payment URI's scheme.

use super::Family;
use crate::{Account, Chain};

/// An account by CAIP-10. The namespace is asked for: behind a mere name, as in
/// `btc:1234`, any hex would be a Bitcoin script.
pub fn caip10(text: &str) -> Option<Account> {
    let (chain, _) = text.rsplit_once(':')?;
    chain.contains(':').then(|| text.parse().ok()).flatten()
}

/// The chain a text names before its address: CAIP-10, a chain's common name,
/// or EIP-681's `@<id>`.
pub fn chain(text: &str) -> Option<Chain> {
    if let Some(account) = caip10(text) {
        return Some(account.chain);
    }
    let (scheme, rest) = text.split_once(':')?;
    let named: Chain = scheme.parse().ok()?;
    match (named, rest.split_once('@')) {
        (Chain::ETHEREUM, Some((_, id))) => {
            let digits = id.find(|c: char| !c.is_ascii_digit()).unwrap_or(id.len());
            format!("eip155:{}", &id[..digits]).parse().ok()
        }
        _ => Some(named),
    }
}

/// The address in a payment URI (BIP 21, EIP-681 and their like) or behind a
/// chain's common name, and the families its scheme stands for.
pub fn uri(text: &str) -> Option<(&str, Vec<Family>)> {
    let (scheme, rest) = text.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let families = families(&scheme)?;
    let address = if families == [Family::Evm] { payee(path, query) } else { path };
    Some((address, families))
}

fn families(scheme: &str) -> Option<Vec<Family>> {
    Some(match scheme {
        // One scheme for the main and the test networks.
        "bitcoin" | "btc" => vec![Family::Bitcoin, Family::BitcoinTestnet],
        "litecoin" => vec![Family::Litecoin],
        "bitcoincash" => vec![Family::BitcoinCash],
        "bitcoinsv" => vec![Family::BitcoinSv],
        "bitcoingold" => vec![Family::BitcoinGold],
        "dash" => vec![Family::Dash],
        "dogecoin" => vec![Family::Dogecoin],
        "zcash" => vec![Family::Zcash],
        "monero" => vec![Family::Monero],
        "xrp" | "xrpl" | "ripple" => vec![Family::Xrp],
        "verge" => vec![Family::Verge],
        name => vec![Family::of(name.parse().ok()?)],
    })
}

/// Who an EIP-681 request pays: of a token transfer the recipient, not the
/// token's contract. Source: <https://eips.ethereum.org/EIPS/eip-681>.
fn payee<'a>(path: &'a str, query: &'a str) -> &'a str {
    let path = path.strip_prefix("pay-").unwrap_or(path);
    let (target, function) = path.split_once('/').unwrap_or((path, ""));
    let recipient = || query.split('&').find_map(|pair| pair.strip_prefix("address="));
    let token_recipient = (function == "transfer").then(recipient).flatten();
    token_recipient.unwrap_or_else(|| target.split('@').next().unwrap_or(target))
}
