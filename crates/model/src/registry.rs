//! Genuine assets: which contract a symbol really belongs to.
//!
//! Anyone may call a token USDT. This registry, shipped in `assets.toml` beside
//! the code, says which contract on which chain bears the name in truth, with how
//! many decimals, and whether its issuer can freeze it. A symbol that looks the
//! same under another contract is an imitation ([`Registry::imitated_by`]).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use unicode_security::confusable_detection::skeleton;

use crate::{Asset, AssetMeta, Freezable, U256};

const SHIPPED: &str = include_str!("../assets.toml");

#[derive(Clone, Debug)]
pub struct Registry {
    assets: BTreeMap<Asset, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    meta: AssetMeta,
    look: String,
    dust: U256,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    asset: Vec<Row>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Asset,
    symbol: String,
    decimals: u8,
    freezable: Freezable,
    #[serde(default)]
    dust: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("asset registry: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("asset registry: {asset} is there twice")]
    Twice { asset: String },
    #[error("asset registry: dust of {asset}: {source}")]
    Dust { asset: String, source: crate::amount::AmountError },
}

impl Registry {
    /// The registry the project ships.
    pub fn shipped() -> &'static Registry {
        static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
            Registry::parse(SHIPPED).expect("the shipped registry is tested to parse")
        });
        &REGISTRY
    }

    pub fn parse(text: &str) -> Result<Registry, RegistryError> {
        let file: File = toml::from_str(text)?;
        let mut entries = Vec::new();
        for row in file.asset {
            let dust = row.dust.as_deref().map_or(Ok(U256::ZERO), crate::amount::parse_base);
            let dust =
                dust.map_err(|source| RegistryError::Dust { asset: row.id.to_string(), source })?;
            let meta = AssetMeta {
                asset: row.id,
                symbol: Some(row.symbol),
                decimals: Some(row.decimals),
                freezable: row.freezable,
            };
            entries.push((meta, dust));
        }
        Registry::from_entries(entries)
    }

    /// A registry of these assets, each with its dust bound.
    pub fn from_entries(
        entries: impl IntoIterator<Item = (AssetMeta, U256)>,
    ) -> Result<Registry, RegistryError> {
        let mut assets = BTreeMap::new();
        for (meta, dust) in entries {
            let asset = meta.asset.clone();
            let look = look(meta.symbol.as_deref().unwrap_or_default());
            if assets.insert(asset.clone(), Entry { meta, look, dust }).is_some() {
                return Err(RegistryError::Twice { asset: asset.to_string() });
            }
        }
        Ok(Registry { assets })
    }

    pub fn get(&self, asset: &Asset) -> Option<&AssetMeta> {
        self.assets.get(asset).map(|entry| &entry.meta)
    }

    /// Below this an amount cannot be meant as a payment. Zero where unknown.
    pub fn dust(&self, asset: &Asset) -> U256 {
        self.assets.get(asset).map_or(U256::ZERO, |entry| entry.dust)
    }

    /// The genuine asset of the same chain whose symbol this one's symbol looks
    /// like, when `asset` is not itself genuine.
    pub fn imitated_by(&self, asset: &Asset, symbol: &str) -> Option<&AssetMeta> {
        if asset.is_native() || self.assets.contains_key(asset) {
            return None;
        }
        let look = look(symbol);
        self.assets
            .values()
            .find(|entry| entry.meta.asset.chain == asset.chain && entry.look == look)
            .map(|entry| &entry.meta)
    }

    pub fn iter(&self) -> impl Iterator<Item = &AssetMeta> {
        self.assets.values().map(|entry| &entry.meta)
    }
}

/// What a symbol looks like to a person: one case, letters and digits only,
/// letters that look alike made one (Unicode TR 39). Upper case comes first:
/// Cyrillic `т` looks like no Latin letter, its capital `Т` like `T`.
pub fn look(symbol: &str) -> String {
    let upper: String = symbol.chars().flat_map(char::to_uppercase).collect();
    skeleton(&upper).flat_map(char::to_uppercase).filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_registry_parses() {
        let registry = Registry::shipped();
        let steth: Asset =
            "eip155:1/erc20:0xae7ab96520de3a18e5e111b5eaab095312d7fe84".parse().expect("valid");
        assert_eq!(registry.get(&steth).and_then(|meta| meta.symbol.as_deref()), Some("stETH"));
        assert_eq!(registry.get(&steth).and_then(|meta| meta.decimals), Some(18));
    }

    #[test]
    fn letters_that_look_alike_are_one() {
        for spoof in ["EТH", "ЕТН...", "ETH", "еtн", "ЕТH"] {
            assert_eq!(look(spoof), look("ETH"), "{spoof}");
        }
        for spoof in ["stEТH", "ѕтetН", "ѕtЕТН"] {
            assert_eq!(look(spoof), look("stETH"), "{spoof}");
        }
        assert_ne!(look("stETH"), look("ETH"));
        assert_ne!(look("METH"), look("ETH"));
    }

    #[test]
    fn an_imitation_is_another_contract_with_the_same_look() {
        let registry = Registry::shipped();
        let other: Asset =
            "eip155:1/erc20:0x2f22686d82dded300c975e63b62efbe824c9d236".parse().expect("valid");
        let genuine: Asset =
            "eip155:1/erc20:0xae7ab96520de3a18e5e111b5eaab095312d7fe84".parse().expect("valid");
        assert!(registry.imitated_by(&other, "ETH").is_some());
        assert!(registry.imitated_by(&other, "stEТH").is_some());
        assert!(registry.imitated_by(&other, "LRC").is_none());
        assert!(registry.imitated_by(&genuine, "stETH").is_none());
    }
}
