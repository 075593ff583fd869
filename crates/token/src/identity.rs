//! Is it the token its symbol names?

use model::{Asset, AssetMeta, Registry, registry::look};

/// Names that genuine tokens of the registry's symbols bear on the chain.
const NAMES: &[(&str, &str)] = &[
    ("Tether USD", "USDT"),
    ("USD Coin", "USDC"),
    ("Dai Stablecoin", "DAI"),
    ("Wrapped Ether", "WETH"),
    ("Wrapped BTC", "WBTC"),
    ("Liquid staked Ether 2.0", "stETH"),
    ("PayPal USD", "PYUSD"),
    ("First Digital USD", "FDUSD"),
];

/// What it is, by the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    Genuine(AssetMeta),
    /// Its symbol looks like that of another contract of the chain.
    ImitatesSymbol {
        of: AssetMeta,
    },
    /// Its name does.
    ImitatesName {
        of: AssetMeta,
    },
    /// Neither in the registry nor like anything in it.
    Unregistered,
}

pub fn of(registry: &Registry, asset: &Asset, symbol: &str, name: &str) -> Identity {
    if let Some(meta) = registry.get(asset) {
        return Identity::Genuine(meta.clone());
    }
    if let Some(of) = registry.imitated_by(asset, symbol) {
        return Identity::ImitatesSymbol { of: of.clone() };
    }
    let by_name = NAMES.iter().find(|(known, _)| look(known) == look(name));
    let by_name = by_name.and_then(|(_, symbol)| registry.imitated_by(asset, symbol));
    // `name` may also bear the symbol itself.
    match by_name.or_else(|| registry.imitated_by(asset, name)) {
        Some(of) => Identity::ImitatesName { of: of.clone() },
        None => Identity::Unregistered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(contract: &str, symbol: &str, name: &str, expected: &str) {
        let asset = format!("eip155:1/erc20:{contract}").parse().expect("an asset");
        let found = match of(Registry::shipped(), &asset, symbol, name) {
            Identity::Genuine(_) => "genuine",
            Identity::ImitatesSymbol { .. } => "symbol",
            Identity::ImitatesName { .. } => "name",
            Identity::Unregistered => "unregistered",
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_contract_is_what_it_claims_only_where_it_is_the_one() {
        let other = "0x2f22686d82dded300c975e63b62efbe824c9d236";
        check("0xdac17f958d2ee523a2206206994597c13d831ec7", "USDT", "Tether USD", "genuine");
        check(other, "USDT", "Anything", "symbol");
        check(other, "US\u{0405}T", "x", "unregistered");
        check(other, "U\u{0405}DT", "x", "symbol");
        check(other, "TETH", "Tether  USD", "name");
        check(other, "XYZ", "USDC", "name");
        check(other, "XYZ", "Xyz Token", "unregistered");
    }
}
