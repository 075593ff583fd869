//! A pool of the Uniswap V3 kind: it gives first, then has itself paid by whoever called it, and looks
//! whether all came.

use alloy_primitives::{Address, U256};

use super::{Stop, TRADER, Trial, relayed};
use crate::abi;
use crate::sandbox::{Outcome, Refusal};

/// A router: what [`super::RELAY`] is, and besides it pays the pool that calls back.
///
/// A call that begins with four zero bytes is passed on, for it begins with an address. Any other is a pool
/// that asks for payment, `uniswapV3SwapCallback(int256,int256,bytes)` or what a fork calls it: the positive
/// one of its two amounts is moved to it by `transferFrom`. The bytes, which are ours, say which token, whose,
/// and how much instead where that is not 0.
///
/// ```text
/// 00 PUSH0 CALLDATALOAD PUSH1 e0 SHR PUSH1 1f JUMPI        begins with a function?
/// 08 PUSH1 20 CALLDATASIZE SUB PUSH1 20 PUSH0 CALLDATACOPY  no: the rest of the call
///    PUSH0 PUSH0 PUSH1 20 CALLDATASIZE SUB PUSH0 PUSH0
///    PUSH0 CALLDATALOAD GAS CALL PUSH1 59 JUMP              to the address in the first word
/// 1f JUMPDEST PUSH4 transferFrom PUSH1 e0 SHL PUSH0 MSTORE  yes: transferFrom(
///    PUSH1 a4 CALLDATALOAD PUSH1 04 MSTORE                    the payer,
///    CALLER PUSH1 24 MSTORE                                   the pool,
///    PUSH1 24 CALLDATALOAD PUSH1 04 CALLDATALOAD
///    DUP1 PUSH0 SLT PUSH1 41 JUMPI SWAP1                      the first amount if it is over 0,
/// 41 JUMPDEST PUSH1 c4 CALLDATALOAD DUP1 PUSH1 4a JUMPI SWAP1   or what is told instead)
/// 4a JUMPDEST PUSH1 44 MSTORE
///    PUSH0 PUSH0 PUSH1 64 PUSH0 PUSH0
///    PUSH1 84 CALLDATALOAD GAS CALL                         of the token
/// 59 JUMPDEST RETURNDATASIZE PUSH0 PUSH0 RETURNDATACOPY     hand the answer through
///    PUSH1 64 JUMPI RETURNDATASIZE PUSH0 REVERT
/// 64 JUMPDEST RETURNDATASIZE PUSH0 RETURN
/// ```
const ROUTER: &[u8] = &[
    0x5f, 0x35, 0x60, 0xe0, 0x1c, 0x60, 0x1f, 0x57, // is it a function?
    0x60, 0x20, 0x36, 0x03, 0x60, 0x20, 0x5f, 0x37, // the rest of the call
    0x5f, 0x5f, 0x60, 0x20, 0x36, 0x03, 0x5f, 0x5f, //
    0x5f, 0x35, 0x5a, 0xf1, 0x60, 0x59, 0x56, // passed on
    0x5b, 0x63, 0x23, 0xb8, 0x72, 0xdd, 0x60, 0xe0, 0x1b, 0x5f, 0x52, // transferFrom
    0x60, 0xa4, 0x35, 0x60, 0x04, 0x52, // payer
    0x33, 0x60, 0x24, 0x52, // pool
    0x60, 0x24, 0x35, 0x60, 0x04, 0x35, 0x80, 0x5f, 0x12, 0x60, 0x41, 0x57, 0x90, // amount
    0x5b, 0x60, 0xc4, 0x35, 0x80, 0x60, 0x4a, 0x57, 0x90, // or another one
    0x5b, 0x60, 0x44, 0x52, //
    0x5f, 0x5f, 0x60, 0x64, 0x5f, 0x5f, 0x60, 0x84, 0x35, 0x5a, 0xf1, // of the token
    0x5b, 0x3d, 0x5f, 0x5f, 0x3e, 0x60, 0x64, 0x57, 0x3d, 0x5f, 0xfd, // the answer
    0x5b, 0x3d, 0x5f, 0xf3, //
];

/// Prices, as square roots with 96 binary places, beyond which no pool goes.
const PRICE_MIN: U256 = U256::from_limbs([4_295_128_740, 0, 0, 0]);
/// 1461446703485210103287273052203988822378723970341.
const PRICE_MAX: U256 =
    U256::from_limbs([0x5d95_1d52_6398_8d25, 0xefd1_fc6a_5064_8849, 0xfffd_8963, 0]);

impl Trial<'_> {
    /// Pays a thousandth of what the pool holds of the other token, and takes what that buys.
    pub(super) fn buy_v3(&mut self) -> Result<(), Stop> {
        let (pool, quote) = (self.venue.pool, self.venue.quote);
        match self.box_.ask_word(pool, "liquidity()", &[])? {
            None => return Err(Stop::Refused("it does not answer as a V3 pool does".into())),
            Some(active) if active.is_zero() => {
                return Err(Stop::Refused("no position covers the price of the pool".into()));
            }
            Some(_) => {}
        }
        let pay = self.balance(quote, pool)? / U256::from(1_000u64);
        if pay.is_zero() {
            return Err(Stop::Refused("the pool is all but empty".into()));
        }
        self.deal(pay)?;
        let router = self.router();
        self.box_.set_code(router, ROUTER);
        let approve = abi::call("approve(address,uint256)", &[abi::word_of(router), U256::MAX]);
        super::said_yes(self.box_.send(TRADER, quote, approve)?)?;
        let had = self.balance(self.token, TRADER)?;
        let (sent, outcome) = self.swap_v3(quote, pay, U256::ZERO)?;
        if outcome.is_ok() && sent.is_zero() {
            return Err(Stop::Refused("no position covers the price of the pool".into()));
        }
        self.bought(had, sent, outcome)
    }

    /// Gives half to the pool, which shows what arrives there, and sells the rest. The pool asks for what it
    /// is to get whole: where something is lost on the way, so much more is sent.
    pub(super) fn sell_v3(&mut self, amount: U256) -> Result<(), Stop> {
        let quote = self.venue.quote;
        let router = self.router();
        self.box_.set_code(router, ROUTER);
        self.approve(router, amount)?;
        let half = amount / U256::from(2u64);
        let arrived = self.give(router, half)?;
        let rest = amount - half;
        let (asked, instead) = match arrived < half {
            // A unit less, for shares of a fee are rounded.
            true => (rest.saturating_mul(arrived) / half, rest),
            false => (rest, U256::ZERO),
        };
        let asked = if instead.is_zero() { asked } else { asked.saturating_sub(U256::ONE) };
        let had = self.balance(quote, TRADER)?;
        let (out, outcome) = self.swap_v3(self.token, asked, instead)?;
        let got = self.balance(quote, TRADER)?.saturating_sub(had);
        self.note("take the other token", out, got, outcome)
    }

    /// Sells so much of a token to the pool. What the pool says it gave, and what came of it.
    fn swap_v3(
        &mut self,
        sold: Address,
        amount: U256,
        instead: U256,
    ) -> Result<(U256, Outcome), Stop> {
        let is_first = self.first_token()? == sold;
        let words = [
            abi::word_of(TRADER),
            U256::from(is_first),
            amount,
            if is_first { PRICE_MIN } else { PRICE_MAX },
            U256::from(160u64),
            U256::from(96u64),
            abi::word_of(sold),
            abi::word_of(TRADER),
            instead,
        ];
        let call = abi::call("swap(address,bool,int256,uint160,bytes)", &words);
        let outcome = self.box_.send(TRADER, self.router(), relayed(self.venue.pool, &call))?;
        let Ok(answer) = &outcome else { return Ok((U256::ZERO, outcome)) };
        // Of the two amounts, what the pool gave is below 0.
        let given = abi::word(answer, usize::from(is_first));
        match given {
            Some(given) if given.is_zero() || given.bit(255) => {
                Ok((U256::ZERO.wrapping_sub(given), outcome))
            }
            _ => Ok((U256::ZERO, Err(Refusal("the pool does not say what it gave".into())))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jumps_of_the_router_lead_to_their_places() {
        for at in [0x1f, 0x41, 0x4a, 0x59, 0x64] {
            assert_eq!(ROUTER[at], 0x5b, "{at:#x}");
        }
        assert_eq!(ROUTER.len(), 0x68);
        assert_eq!(ROUTER[0x21..0x25], abi::selector("transferFrom(address,address,uint256)"));
    }

    #[test]
    fn prices_are_just_inside_of_what_pools_allow() {
        assert_eq!(PRICE_MIN.to_string(), "4295128740");
        assert_eq!(PRICE_MAX.to_string(), "1461446703485210103287273052203988822378723970341");
    }
}
