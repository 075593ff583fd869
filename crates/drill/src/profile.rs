//! What a chain's traffic is like: pace, units, fees.
//!
//! Round figures of 2025. They shape a drill and are not measurements.

use model::{Asset, Chain, Registry};

use crate::names::Names;

pub struct Profile {
    /// Base units of one coin.
    pub coin: u128,
    /// A common payment, in base units.
    pub typical: u128,
    /// Thousandths of a second between blocks.
    pub block_ms: u64,
    /// Are blocks found by chance?
    pub is_mined: bool,
    pub txs_per_block: u64,
    pub first_height: u64,
    /// Thousandths of a base unit for one unit of gas, least and most. On Bitcoin
    /// for one virtual byte.
    pub price_milli: (u64, u64),
}

/// A token beside the native asset.
pub struct Token {
    pub asset: Asset,
    /// A common payment, in base units.
    pub typical: u128,
}

impl Profile {
    pub fn of(chain: Chain) -> Profile {
        let ether = 10u128.pow(18);
        let base = Profile {
            coin: ether,
            typical: ether / 4,
            block_ms: 12_000,
            is_mined: false,
            txs_per_block: 150,
            first_height: 21_525_891,
            price_milli: (4_000_000_000_000, 40_000_000_000_000),
        };
        match chain {
            Chain::ETHEREUM => base,
            Chain::Evm(_) => Profile {
                block_ms: 2_000,
                txs_per_block: 100,
                first_height: 30_000_000,
                price_milli: (20_000_000_000, 400_000_000_000),
                ..base
            },
            Chain::Tron(_) => Profile {
                coin: 1_000_000,
                typical: 400_000_000,
                block_ms: 3_000,
                txs_per_block: 250,
                first_height: 68_300_000,
                price_milli: (10_000, 30_000),
                ..base
            },
            Chain::Solana(_) => Profile {
                coin: 1_000_000_000,
                typical: 2_000_000_000,
                block_ms: 400,
                txs_per_block: 400,
                first_height: 311_000_000,
                price_milli: (240, 2_400),
                ..base
            },
            Chain::Bitcoin(_) => Profile {
                coin: 100_000_000,
                typical: 2_000_000,
                block_ms: 600_000,
                is_mined: true,
                txs_per_block: 2_500,
                first_height: 877_259,
                price_milli: (2_000, 60_000),
            },
        }
    }
}

/// Genuine tokens of this chain that are met most, and invented ones where the
/// registry knows too few. A fixed list: a longer registry changes no stream.
const MET_MOST: &[&str] = &["USDT", "USDC", "DAI", "WBTC", "USDD", "TUSD", "JitoSOL", "mSOL"];
const TOKENS: usize = 4;
/// How many decimals an invented token has.
pub const INVENTED_DECIMALS: u8 = 6;

pub fn tokens(chain: Chain, names: &Names) -> Vec<Token> {
    let genuine = |symbol: &&str| {
        let of_symbol = |meta: &&model::AssetMeta| {
            let is_token = matches!(meta.asset.kind, model::AssetKind::Token(_));
            meta.asset.chain == chain && is_token && meta.symbol.as_deref() == Some(*symbol)
        };
        let meta = Registry::shipped().iter().find(of_symbol)?;
        let decimals = u32::from(meta.decimals?);
        Some(Token { asset: meta.asset.clone(), typical: typical(decimals) })
    };
    let mut tokens: Vec<Token> = MET_MOST.iter().filter_map(genuine).take(TOKENS).collect();
    for number in (tokens.len() as u64)..(TOKENS as u64) {
        let contract = names.address(INVENTED + number);
        let asset = Asset::token(chain, contract);
        tokens.push(Token { asset, typical: typical(u32::from(INVENTED_DECIMALS)) });
    }
    tokens
}

/// Numbers of contracts among those of accounts.
const INVENTED: u64 = 1 << 62;

/// A few hundred units.
fn typical(decimals: u32) -> u128 {
    300 * 10u128.pow(decimals)
}
