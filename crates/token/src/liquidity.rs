//! Where it can be sold: pools of known factories, what they hold, and who can take it out.
//!
//! Whoever holds a pool's own token can take its share of what the pool holds. It is out of reach
//! where that token is burnt; where a locker holds it, until the lock ends, which is not read here.

use alloy_primitives::{Address, U256, address};
use model::{Address as ModelAddress, Asset, Chain};

use crate::abi;
use crate::control::is_nobody;
use crate::holders::{Ledger, share_bps};
use crate::sandbox::Sandbox;
use crate::state::StateError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One pool a pair, whose shares are a token.
    V2,
    /// Pools by fee, whose shares are positions of their own.
    V3,
}

/// A factory of pools that is widely used.
#[derive(Clone, Copy, Debug)]
pub struct Factory {
    pub chain: Chain,
    pub name: &'static str,
    pub kind: Kind,
    pub address: Address,
    pub router: Option<Address>,
}

/// Addresses are as their projects document them; their checksums are tested.
pub const FACTORIES: &[Factory] = &[
    Factory {
        chain: Chain::ETHEREUM,
        name: "Uniswap V2",
        kind: Kind::V2,
        address: address!("5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"),
        router: Some(address!("7a250d5630B4cF539739dF2C5dAcb4c659F2488D")),
    },
    Factory {
        chain: Chain::ETHEREUM,
        name: "SushiSwap",
        kind: Kind::V2,
        address: address!("C0AEe478e3658e2610c5F7A4A2E1777cE9e4f2Ac"),
        router: Some(address!("d9e1cE17f2641f24aE83637ab66a2cca9C378B9F")),
    },
    Factory {
        chain: Chain::ETHEREUM,
        name: "Uniswap V3",
        kind: Kind::V3,
        address: address!("1F98431c8aD98523631AE4a59f267346ea31F984"),
        router: Some(address!("E592427A0AEce92De3Edee1F18E0157C05861564")),
    },
    Factory {
        chain: Chain::BNB,
        name: "PancakeSwap V2",
        kind: Kind::V2,
        address: address!("cA143Ce32Fe78f1f7019d7d551a6402fC5350c73"),
        router: Some(address!("10ED43C718714eb63d5aA57B78B54704E256024E")),
    },
    Factory {
        chain: Chain::POLYGON,
        name: "QuickSwap V2",
        kind: Kind::V2,
        address: address!("5757371414417b8C6CAad45bAeF941aBc7d3Ab32"),
        router: Some(address!("a5E0829CaCEd8fFDD4De3c43696c57F7D7A678ff")),
    },
    Factory {
        chain: Chain::POLYGON,
        name: "Uniswap V3",
        kind: Kind::V3,
        address: address!("1F98431c8aD98523631AE4a59f267346ea31F984"),
        router: Some(address!("E592427A0AEce92De3Edee1F18E0157C05861564")),
    },
    Factory {
        chain: Chain::ARBITRUM,
        name: "Uniswap V3",
        kind: Kind::V3,
        address: address!("1F98431c8aD98523631AE4a59f267346ea31F984"),
        router: Some(address!("E592427A0AEce92De3Edee1F18E0157C05861564")),
    },
    Factory {
        chain: Chain::OPTIMISM,
        name: "Uniswap V3",
        kind: Kind::V3,
        address: address!("1F98431c8aD98523631AE4a59f267346ea31F984"),
        router: Some(address!("E592427A0AEce92De3Edee1F18E0157C05861564")),
    },
    Factory {
        chain: Chain::BASE,
        name: "Uniswap V2",
        kind: Kind::V2,
        address: address!("8909Dc15e40173Ff4699343b6eB8132c65e18eC6"),
        router: None,
    },
    Factory {
        chain: Chain::BASE,
        name: "Uniswap V3",
        kind: Kind::V3,
        address: address!("33128a8fC17869897dcE68Ed026d694621f6FDfD"),
        router: Some(address!("2626664c2603336E57B271c5C0b26F421741e481")),
    },
];

/// What tokens are usually traded against.
const QUOTES: &[(Chain, &str)] = &[
    (Chain::ETHEREUM, "WETH"),
    (Chain::ETHEREUM, "USDC"),
    (Chain::ETHEREUM, "USDT"),
    (Chain::ETHEREUM, "DAI"),
    (Chain::BNB, "WBNB"),
    (Chain::BNB, "USDT"),
    (Chain::POLYGON, "WPOL"),
    (Chain::POLYGON, "WETH"),
    (Chain::POLYGON, "USDC"),
    (Chain::ARBITRUM, "WETH"),
    (Chain::ARBITRUM, "USDC"),
    (Chain::OPTIMISM, "WETH"),
    (Chain::OPTIMISM, "USDC"),
    (Chain::BASE, "WETH"),
    (Chain::BASE, "USDC"),
];

/// Contracts that hold pool tokens for others until a date.
/// Source: Etherscan's name tag, as gathered in brianleect/etherscan-labels (MIT).
const LOCKERS: &[(Chain, Address, &str)] =
    &[(Chain::ETHEREUM, address!("663A5C229c09b049E36dCc11a9B0d4a8Eb9db214"), "UNCX LP locker")];

/// Fees of V3 pools, in millionths.
const V3_FEES: &[u64] = &[100, 500, 2_500, 3_000, 10_000];

/// One pool, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    pub address: Address,
    pub kind: Kind,
    /// Whose it is; none for one that was named by hand.
    pub factory: Option<&'static str>,
    pub router: Option<Address>,
    pub quote: Address,
    pub quote_symbol: Option<String>,
    /// Balances the two tokens say the pool has.
    pub of_token: U256,
    pub of_quote: U256,
    pub shares: Option<Shares>,
}

/// Who holds the token of a V2 pool, in hundredths of a percent of its supply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    pub burnt_bps: u64,
    pub locked_bps: u64,
    /// The lockers that hold some.
    pub lockers: Vec<&'static str>,
    /// The largest others that the store knows of.
    pub holders: Vec<(ModelAddress, u64)>,
    pub known_bps: u64,
}

/// The pools a token has at known factories, those named by hand first.
pub fn find(
    sandbox: &mut Sandbox<'_>,
    chain: Chain,
    token: Address,
    named: &[Address],
) -> Result<Vec<Pool>, StateError> {
    let mut pools: Vec<Pool> = Vec::new();
    for address in named {
        pools.extend(by_hand(sandbox, token, *address)?);
    }
    for factory in FACTORIES.iter().filter(|factory| factory.chain == chain) {
        for quote in quotes(chain) {
            for address in of_factory(sandbox, factory, token, quote)? {
                if pools.iter().all(|pool| pool.address != address) {
                    let router = factory.router;
                    let mut pool = read(sandbox, token, quote, address, factory.kind)?;
                    (pool.factory, pool.router) = (Some(factory.name), router);
                    pools.push(pool);
                }
            }
        }
    }
    Ok(pools)
}

fn quotes(chain: Chain) -> impl Iterator<Item = Address> {
    let symbols = QUOTES.iter().filter(move |(of, _)| *of == chain).map(|(_, symbol)| *symbol);
    symbols.flat_map(move |symbol| {
        let is_it = move |meta: &&model::AssetMeta| {
            meta.asset.chain == chain && meta.symbol.as_deref() == Some(symbol)
        };
        let found = model::Registry::shipped().iter().filter(is_it);
        found.filter_map(|meta| evm_of(&meta.asset))
    })
}

/// The contract of an EVM token.
pub fn evm_of(asset: &Asset) -> Option<Address> {
    match asset.contract()? {
        ModelAddress::Evm(bytes) => Some(Address::from(*bytes)),
        _ => None,
    }
}

fn of_factory(
    sandbox: &mut Sandbox<'_>,
    factory: &Factory,
    token: Address,
    quote: Address,
) -> Result<Vec<Address>, StateError> {
    if quote == token {
        return Ok(Vec::new());
    }
    let pair = [abi::word_of(token), abi::word_of(quote)];
    let mut found = Vec::new();
    match factory.kind {
        Kind::V2 => {
            found.extend(sandbox.ask_word(factory.address, "getPair(address,address)", &pair)?)
        }
        Kind::V3 => {
            for fee in V3_FEES {
                let words = [pair[0], pair[1], U256::from(*fee)];
                let signature = "getPool(address,address,uint24)";
                found.extend(sandbox.ask_word(factory.address, signature, &words)?);
            }
        }
    }
    let is_some = |address: &Address| !address.is_zero();
    Ok(found.into_iter().filter_map(abi::address_of).filter(is_some).collect())
}

/// A pool somebody names: it must say its two tokens, and one of them be this one.
fn by_hand(
    sandbox: &mut Sandbox<'_>,
    token: Address,
    address: Address,
) -> Result<Option<Pool>, StateError> {
    let mut side = |name: &str| -> Result<Option<Address>, StateError> {
        Ok(sandbox.ask_word(address, name, &[])?.and_then(abi::address_of))
    };
    let (first, second) = (side("token0()")?, side("token1()")?);
    let quote = match (first, second) {
        (Some(first), Some(second)) if first == token => second,
        (Some(first), Some(second)) if second == token => first,
        _ => return Ok(None),
    };
    let has_reserves = sandbox.ask(address, "getReserves()", &[])?.is_ok();
    let kind = if has_reserves { Kind::V2 } else { Kind::V3 };
    read(sandbox, token, quote, address, kind).map(Some)
}

fn read(
    sandbox: &mut Sandbox<'_>,
    token: Address,
    quote: Address,
    address: Address,
    kind: Kind,
) -> Result<Pool, StateError> {
    let symbol = sandbox.ask(quote, "symbol()", &[])?;
    Ok(Pool {
        address,
        kind,
        factory: None,
        router: None,
        quote,
        quote_symbol: symbol.ok().and_then(|answer| abi::text(&answer)),
        of_token: sandbox.balance(token, address)?.unwrap_or_default(),
        of_quote: sandbox.balance(quote, address)?.unwrap_or_default(),
        shares: None,
    })
}

/// Who holds a V2 pool's token: the burnt, the locked, those the store knows, and those in charge.
pub fn shares(
    sandbox: &mut Sandbox<'_>,
    chain: Chain,
    pool: Address,
    ledger: Option<&Ledger>,
    in_charge: &[Address],
) -> Result<Option<Shares>, StateError> {
    const PROPOSED_MAX: usize = 20;
    const SHOWN_MAX: usize = 5;
    let Some(supply) = sandbox.ask_word(pool, "totalSupply()", &[])?.filter(|all| !all.is_zero())
    else {
        return Ok(None);
    };
    let mut shares = Shares {
        burnt_bps: 0,
        locked_bps: 0,
        lockers: Vec::new(),
        holders: Vec::new(),
        known_bps: 0,
    };
    let mut known = U256::ZERO;
    let mut share = |sandbox: &mut Sandbox<'_>, who: Address| -> Result<U256, StateError> {
        let amount = sandbox.balance(pool, who)?.unwrap_or_default();
        known = known.saturating_add(amount);
        Ok(amount)
    };
    let mut burnt = U256::ZERO;
    for nobody in [Address::ZERO, DEAD] {
        burnt = burnt.saturating_add(share(sandbox, nobody)?);
    }
    let mut locked = U256::ZERO;
    for (_, locker, name) in LOCKERS.iter().filter(|(of, ..)| *of == chain) {
        let amount = share(sandbox, *locker)?;
        if !amount.is_zero() {
            locked = locked.saturating_add(amount);
            shares.lockers.push(name);
        }
    }
    let known_holders = ledger.map(|ledger| ledger.holders.as_slice()).unwrap_or_default();
    let mut proposed: Vec<Address> = in_charge.to_vec();
    for (address, _) in known_holders.iter().take(PROPOSED_MAX) {
        if let ModelAddress::Evm(bytes) = address {
            proposed.push(Address::from(*bytes));
        }
    }
    proposed.sort();
    proposed.dedup();
    let is_counted = |who: &Address| {
        is_nobody(*who) || LOCKERS.iter().any(|(of, locker, _)| *of == chain && locker == who)
    };
    for who in proposed.into_iter().filter(|who| !is_counted(who)) {
        let amount = share(sandbox, who)?;
        shares.holders.push((ModelAddress::Evm(who.0.0), share_bps(amount, supply)));
    }
    shares.holders.retain(|(_, bps)| *bps > 0);
    shares.holders.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    shares.holders.truncate(SHOWN_MAX);
    shares.burnt_bps = share_bps(burnt, supply);
    shares.locked_bps = share_bps(locked, supply);
    shares.known_bps = share_bps(known, supply);
    Ok(Some(shares))
}

const DEAD: Address = address!("000000000000000000000000000000000000dEaD");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_were_copied_whole() {
        // The macro takes any case: the text of this file must be the checksummed one.
        let text = include_str!("liquidity.rs");
        let all = FACTORIES.iter().flat_map(|factory| [Some(factory.address), factory.router]);
        for address in all.flatten().chain(LOCKERS.iter().map(|(_, locker, _)| *locker)) {
            let checked = address.to_checksum(None);
            assert!(text.contains(&checked[2..]), "{checked}");
        }
    }

    #[test]
    fn every_chain_with_a_factory_has_something_to_trade_against() {
        for factory in FACTORIES {
            assert!(quotes(factory.chain).next().is_some(), "{}", factory.chain);
        }
    }
}
