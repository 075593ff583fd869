//! What the issuer can do to holders, by the functions a contract answers to.
//!
//! A name proves little: a function called `pause` may do nothing, and a trap may sit in one called
//! `approve`. So a power is stated as the function that was found, with its place, and where the
//! function takes what we can give it, it is tried in the sandbox: by who may hold the power, and by
//! a stranger.

use alloy_primitives::{Address, Bytes, U256};

use crate::abi;
use crate::proxy::Layer;
use crate::sandbox::Sandbox;
use crate::state::StateError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerKind {
    /// Make more of it.
    Mint,
    /// Stop everybody.
    Pause,
    /// Stop one holder.
    Freeze,
    /// Take or destroy what a holder has.
    Seize,
    /// Change what a transfer costs.
    Fee,
    /// Change how much may be moved or held.
    Limit,
    /// Decide when trading begins or ends.
    Trading,
    /// Replace the code.
    Upgrade,
}

/// Functions that give a power, as widely used contracts name them.
const SIGNATURES: &[(PowerKind, &str)] = &[
    (PowerKind::Mint, "mint(address,uint256)"),
    (PowerKind::Mint, "mint(uint256)"),
    (PowerKind::Mint, "issue(uint256)"),
    (PowerKind::Mint, "increaseSupply(uint256)"),
    (PowerKind::Mint, "mintTo(address,uint256)"),
    (PowerKind::Mint, "ownerMint(uint256)"),
    (PowerKind::Pause, "pause()"),
    (PowerKind::Pause, "setPaused(bool)"),
    (PowerKind::Pause, "pauseTransfers()"),
    (PowerKind::Pause, "freeze()"),
    (PowerKind::Freeze, "blacklist(address)"),
    (PowerKind::Freeze, "addBlackList(address)"),
    (PowerKind::Freeze, "addBlacklist(address)"),
    (PowerKind::Freeze, "addToBlacklist(address)"),
    (PowerKind::Freeze, "setBlackList(address)"),
    (PowerKind::Freeze, "setBlacklist(address,bool)"),
    (PowerKind::Freeze, "blacklistAddress(address,bool)"),
    (PowerKind::Freeze, "blacklistAccount(address,bool)"),
    (PowerKind::Freeze, "blacklistAddresses(address[])"),
    (PowerKind::Freeze, "multiBlacklist(address[])"),
    (PowerKind::Freeze, "addBlockList(address)"),
    (PowerKind::Freeze, "addToBlockList(address)"),
    (PowerKind::Freeze, "blockAddress(address)"),
    (PowerKind::Freeze, "freeze(address)"),
    (PowerKind::Freeze, "freezeAccount(address,bool)"),
    (PowerKind::Freeze, "setBot(address,bool)"),
    (PowerKind::Freeze, "addBot(address)"),
    (PowerKind::Freeze, "addBots(address[])"),
    (PowerKind::Freeze, "setBots(address[])"),
    (PowerKind::Freeze, "blockBots(address[])"),
    (PowerKind::Seize, "destroyBlackFunds(address)"),
    (PowerKind::Seize, "wipeFrozenAddress(address)"),
    (PowerKind::Seize, "wipeBlacklistedAccount(address)"),
    (PowerKind::Seize, "burn(address,uint256)"),
    (PowerKind::Seize, "seize(address)"),
    (PowerKind::Seize, "forceTransfer(address,address,uint256)"),
    (PowerKind::Seize, "forcedTransfer(address,address,uint256)"),
    (PowerKind::Seize, "controllerTransfer(address,address,uint256,bytes,bytes)"),
    (PowerKind::Fee, "setFee(uint256)"),
    (PowerKind::Fee, "setFees(uint256,uint256)"),
    (PowerKind::Fee, "setTax(uint256)"),
    (PowerKind::Fee, "setTaxes(uint256,uint256)"),
    (PowerKind::Fee, "setBuyFee(uint256)"),
    (PowerKind::Fee, "setSellFee(uint256)"),
    (PowerKind::Fee, "setBuyTax(uint256)"),
    (PowerKind::Fee, "setSellTax(uint256)"),
    (PowerKind::Fee, "setTransferFee(uint256)"),
    (PowerKind::Fee, "setParams(uint256,uint256)"),
    (PowerKind::Fee, "updateFees(uint256,uint256)"),
    (PowerKind::Fee, "updateBuyFees(uint256,uint256,uint256)"),
    (PowerKind::Fee, "updateSellFees(uint256,uint256,uint256)"),
    (PowerKind::Fee, "setTaxFeePercent(uint256)"),
    (PowerKind::Fee, "setLiquidityFeePercent(uint256)"),
    (PowerKind::Fee, "excludeFromFee(address)"),
    (PowerKind::Limit, "setMaxTxAmount(uint256)"),
    (PowerKind::Limit, "setMaxTxPercent(uint256)"),
    (PowerKind::Limit, "setMaxWallet(uint256)"),
    (PowerKind::Limit, "setMaxWalletSize(uint256)"),
    (PowerKind::Limit, "setMaxWalletPercent(uint256)"),
    (PowerKind::Limit, "updateMaxTxnAmount(uint256)"),
    (PowerKind::Limit, "updateMaxWalletAmount(uint256)"),
    (PowerKind::Limit, "setCooldownEnabled(bool)"),
    (PowerKind::Trading, "openTrading()"),
    (PowerKind::Trading, "enableTrading()"),
    (PowerKind::Trading, "startTrading()"),
    (PowerKind::Trading, "setTrading(bool)"),
    (PowerKind::Trading, "setTradingEnabled(bool)"),
    (PowerKind::Trading, "tradingStatus(bool)"),
    (PowerKind::Upgrade, "upgradeTo(address)"),
    (PowerKind::Upgrade, "upgradeToAndCall(address,bytes)"),
    (PowerKind::Upgrade, "setImplementation(address)"),
    (PowerKind::Upgrade, "deprecate(address)"),
];

/// A power, and what came of trying it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    pub kind: PowerKind,
    pub signature: &'static str,
    /// The contract whose code has the function, and where.
    pub code_of: Address,
    pub at: usize,
    pub tried: Tried,
}

/// What came of trying a power.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// Anybody may: a stranger did it, and it had its effect.
    ByAnybody,
    /// This account did it, and it had its effect; a stranger could not.
    By(Address),
    /// Nobody who was tried could, or it had no effect; the last reason.
    Refused(String),
    /// It takes what we cannot give, or its effect cannot be seen.
    NotTried(&'static str),
}

impl PowerKind {
    pub fn does(self) -> &'static str {
        match self {
            PowerKind::Mint => "make more of it",
            PowerKind::Pause => "stop all transfers",
            PowerKind::Freeze => "stop a single holder",
            PowerKind::Seize => "take or destroy what a holder has",
            PowerKind::Fee => "change what a transfer costs",
            PowerKind::Limit => "limit how much may be moved or held",
            PowerKind::Trading => "decide when trading begins or ends",
            PowerKind::Upgrade => "replace the code",
        }
    }
}

/// The powers in the code of all layers, in the order of the table.
pub fn find(layers: &[Layer]) -> Vec<Power> {
    let mut powers = Vec::new();
    for (kind, signature) in SIGNATURES {
        for layer in layers {
            if let Some(at) = layer.code.answers(signature) {
                powers.push(Power {
                    kind: *kind,
                    signature,
                    code_of: layer.address,
                    at,
                    tried: Tried::NotTried("it was not tried yet"),
                });
                break;
            }
        }
    }
    powers
}

/// Tries each power whose effect can be seen, by a stranger and by those who may hold it.
pub fn exercise(
    powers: &mut [Power],
    sandbox: &Sandbox<'_>,
    token: Address,
    holders_of_power: &[Address],
) -> Result<(), StateError> {
    for power in powers {
        power.tried = attempt(power, sandbox, token, holders_of_power)?;
    }
    Ok(())
}

fn attempt(
    power: &Power,
    sandbox: &Sandbox<'_>,
    token: Address,
    holders_of_power: &[Address],
) -> Result<Tried, StateError> {
    if !matches!(power.kind, PowerKind::Mint | PowerKind::Pause | PowerKind::Freeze) {
        return Ok(Tried::NotTried("its effect is not looked for"));
    }
    let Some(data) = arguments(power.signature) else {
        return Ok(Tried::NotTried("its arguments are of a kind that is not made up here"));
    };
    let mut before = sandbox.afresh();
    if power.kind != PowerKind::Mint && !can_move(&mut before, token)? {
        return Ok(Tried::NotTried("nobody's balance could be set to see its effect"));
    }
    let mut last = "nobody is known who may".to_string();
    for caller in std::iter::once(&STRANGER).chain(holders_of_power) {
        let mut trial = sandbox.afresh();
        let supply = trial.ask_word(token, "totalSupply()", &[])?;
        match trial.send(*caller, token, data.clone())? {
            Err(refusal) => last = refusal.to_string(),
            Ok(_) => {
                let has_effect = match power.kind {
                    PowerKind::Mint => trial.ask_word(token, "totalSupply()", &[])? > supply,
                    _ => !can_move(&mut trial, token)?,
                };
                match has_effect {
                    true if *caller == STRANGER => return Ok(Tried::ByAnybody),
                    true => return Ok(Tried::By(*caller)),
                    false => last = "it ran and changed nothing that shows".into(),
                }
            }
        }
    }
    Ok(Tried::Refused(last))
}

/// An account nobody has, and whom nothing was given.
const STRANGER: Address = Address::new(*b"interdict's stranger");
/// Whose transfers are tried.
const HOLDER: Address = Address::new(*b"interdict's a holder");

/// Can a holder who was given some send it on?
fn can_move(sandbox: &mut Sandbox<'_>, token: Address) -> Result<bool, StateError> {
    let amount = U256::from(1_000_000u64);
    if !sandbox.deal(token, HOLDER, amount)? {
        return Ok(false);
    }
    let half = amount / U256::from(2);
    let words = [abi::word_of(STRANGER), half];
    let sent = sandbox.send(HOLDER, token, abi::call("transfer(address,uint256)", &words))?;
    Ok(sent.is_ok_and(|answer| abi::is_yes(&answer))
        && sandbox.balance(token, HOLDER)? == Some(amount - half))
}

/// The call with the holder, a small amount, or yes for each argument.
fn arguments(signature: &str) -> Option<Bytes> {
    let (_, kinds) = signature.strip_suffix(')')?.split_once('(')?;
    let mut words = Vec::new();
    for kind in kinds.split(',').filter(|kind| !kind.is_empty()) {
        words.push(match kind {
            "address" => abi::word_of(HOLDER),
            "uint256" => U256::from(1_000u64),
            "bool" => U256::ONE,
            _ => return None,
        });
    }
    Some(abi::call(signature, &words))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_function_is_written_as_it_is_hashed_and_stands_once() {
        let mut seen = BTreeSet::new();
        for (_, signature) in SIGNATURES {
            assert!(!signature.contains(' ') && signature.ends_with(')'), "{signature}");
            assert!(seen.insert(abi::selector(signature)), "{signature}");
        }
        // Known from the chain: USDT's and USDC's.
        assert_eq!(abi::selector("issue(uint256)"), [0xcc, 0x87, 0x2b, 0x66]);
        assert_eq!(abi::selector("addBlackList(address)"), [0x0e, 0xcb, 0x93, 0xc0]);
        assert_eq!(abi::selector("blacklist(address)"), [0xf9, 0xf9, 0x2b, 0xe4]);
    }
}
