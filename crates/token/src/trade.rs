//! Buying, sending on and selling, tried in the sandbox through one pool of the Uniswap V2 or V3 kind.
//!
//! The way is that of a router: a contract takes the tokens with `transferFrom`, so that what traps
//! do to routers and pools shows. The trader is an account nobody knows, without privileges. What
//! passes here can be changed by who holds the powers; what fails here fails for everybody who has no
//! privilege.

use alloy_primitives::{Address, Bytes, U256};

mod v3;

use crate::abi;
use crate::liquidity::Kind;
use crate::sandbox::{Outcome, Refusal, Sandbox};
use crate::state::StateError;

const TRADER: Address = Address::new(*b"interdict's  trader.");
const FRIEND: Address = Address::new(*b"interdict's  friend.");
/// Where no router is known, one stands here.
const ROUTER: Address = Address::new(*b"interdict's  router.");

/// Calls the address in the first word with the rest, and hands the answer through: so that the
/// token sees a contract as its caller and the trader as who began.
///
/// `PUSH1 20 CALLDATASIZE SUB PUSH1 20 PUSH0 CALLDATACOPY PUSH0 PUSH0 PUSH1 20 CALLDATASIZE SUB PUSH0
/// PUSH0 PUSH0 CALLDATALOAD GAS CALL RETURNDATASIZE PUSH0 PUSH0 RETURNDATACOPY PUSH1 1e JUMPI
/// RETURNDATASIZE PUSH0 REVERT JUMPDEST RETURNDATASIZE PUSH0 RETURN`
const RELAY: &[u8] = &[
    0x60, 0x20, 0x36, 0x03, 0x60, 0x20, 0x5f, 0x37, 0x5f, 0x5f, 0x60, 0x20, 0x36, 0x03, 0x5f, 0x5f,
    0x5f, 0x35, 0x5a, 0xf1, 0x3d, 0x5f, 0x5f, 0x3e, 0x60, 0x1e, 0x57, 0x3d, 0x5f, 0xfd, 0x5b, 0x3d,
    0x5f, 0xf3,
];

/// A pool to trade in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Venue {
    pub pool: Address,
    pub kind: Kind,
    /// The other token of the pool.
    pub quote: Address,
    /// The router people use there, where it is known: traps may know it too.
    pub router: Option<Address>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// None: there was no pool, and only sending was tried.
    pub pool: Option<Address>,
    pub steps: Vec<Step>,
    /// What is lost on the way, in hundredths of a percent; none where a step did not happen.
    pub buy_tax_bps: Option<u64>,
    pub transfer_tax_bps: Option<u64>,
    pub sell_tax_bps: Option<u64>,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub what: &'static str,
    /// The base units that were meant to arrive and did.
    pub sent: U256,
    pub arrived: U256,
    /// Why it failed, where it did.
    pub refused: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Bought and sold again; after a wait where it says so.
    Sellable {
        wait_seconds: u64,
    },
    /// Bought, and then not sold however long it waited.
    Honeypot {
        why: String,
    },
    /// It could not be bought.
    NotBought {
        why: String,
    },
    /// There was no pool: sending worked.
    Sendable,
    /// There was no pool: sending failed.
    NotSendable {
        why: String,
    },
    Unknown {
        why: String,
    },
}

/// How long a seller waits: not at all, a block, a day. Many tokens of good will hold back who sells
/// in the block they bought in.
const WAITS: &[(u64, u64)] = &[(0, 0), (1, 12), (7_200, 86_400)];

/// Tries it through a pool.
pub fn through(sandbox: &Sandbox<'_>, token: Address, venue: Venue) -> Result<Trade, StateError> {
    let mut trial = Trial { box_: sandbox.afresh(), token, venue, trade: Trade::new(venue.pool) };
    if let Err(stop) = trial.buy() {
        return trial.end(stop);
    }
    let bought = trial.box_;
    let mut last = Trade::new(venue.pool);
    for (blocks, seconds) in WAITS {
        let mut again =
            Trial { box_: sandbox.afresh(), token, venue, trade: Trade::new(venue.pool) };
        if let Err(stop) = again.buy() {
            return again.end(stop);
        }
        again.box_.pass(*blocks, *seconds);
        match again.sell() {
            Ok(()) => {
                let mut trade = again.trade;
                trade.verdict = Verdict::Sellable { wait_seconds: *seconds };
                trade.send_on(bought, token)?;
                return Ok(trade);
            }
            Err(Stop::State(error)) => return Err(error),
            Err(Stop::Refused(_)) => last = again.trade,
        }
    }
    let why = last.steps.last().and_then(|step| step.refused.clone()).unwrap_or_default();
    last.verdict = Verdict::Honeypot { why };
    last.send_on(bought, token)?;
    Ok(last)
}

/// Where there is no pool: a balance is written into the books, and sent.
pub fn sending_only(sandbox: &Sandbox<'_>, token: Address) -> Result<Trade, StateError> {
    let mut trade = Trade { pool: None, ..Trade::new(Address::ZERO) };
    let mut books = sandbox.afresh();
    let amount = U256::from(1_000_000u64);
    if !books.deal(token, TRADER, amount)? {
        let why = "no pool is known, and no slot decides a balance by itself".into();
        trade.verdict = Verdict::Unknown { why };
        return Ok(trade);
    }
    trade.send_on(books, token)?;
    trade.verdict = match trade.steps.last().and_then(|step| step.refused.clone()) {
        Some(why) => Verdict::NotSendable { why },
        None => Verdict::Sendable,
    };
    Ok(trade)
}

struct Trial<'a> {
    box_: Sandbox<'a>,
    token: Address,
    venue: Venue,
    trade: Trade,
}

/// Why a trial ends early.
enum Stop {
    State(StateError),
    Refused(String),
}

impl From<StateError> for Stop {
    fn from(error: StateError) -> Stop {
        Stop::State(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal.0)
    }
}

impl Trial<'_> {
    fn end(mut self, stop: Stop) -> Result<Trade, StateError> {
        match stop {
            Stop::State(error) => Err(error),
            Stop::Refused(why) => {
                let is_of_token = !self.trade.steps.is_empty();
                self.trade.verdict = match is_of_token {
                    true => Verdict::NotBought { why },
                    false => Verdict::Unknown { why },
                };
                Ok(self.trade)
            }
        }
    }

    fn buy(&mut self) -> Result<(), Stop> {
        match self.venue.kind {
            Kind::V2 => self.buy_v2(),
            Kind::V3 => self.buy_v3(),
        }
    }

    /// Sells nine tenths: some honest tokens let nobody sell all.
    fn sell(&mut self) -> Result<(), Stop> {
        let all = self.balance(self.token, TRADER)?;
        let amount = all - all / U256::from(10u64);
        match self.venue.kind {
            Kind::V2 => self.sell_v2(amount),
            Kind::V3 => self.sell_v3(amount),
        }
    }

    /// Pays a thousandth of what the pool holds of the other token, and takes what that buys.
    fn buy_v2(&mut self) -> Result<(), Stop> {
        let Venue { pool, quote, .. } = self.venue;
        let (of_token, of_quote) = self.reserves()?;
        let pay = of_quote / U256::from(1_000u64);
        if pay.is_zero() || of_token < U256::from(1_000u64) {
            return Err(Stop::Refused("the pool is all but empty".into()));
        }
        self.deal(pay)?;
        self.transfer(quote, TRADER, pool, pay)?;
        let paid = self.balance(quote, pool)?.saturating_sub(of_quote);
        let had = self.balance(self.token, TRADER)?;
        let (sent, outcome) = self.swap(paid, of_quote, of_token, self.token)?;
        self.bought(had, sent, outcome)
    }

    /// Gives the trader what it pays with.
    fn deal(&mut self, pay: U256) -> Result<(), Stop> {
        let quote = self.venue.quote;
        if !self.box_.deal(quote, TRADER, pay)? {
            let why = format!("no slot of {quote} decides a balance by itself");
            return Err(Stop::Refused(why));
        }
        Ok(())
    }

    /// What arrived of what the pool gave, beside what the trader had.
    fn bought(&mut self, had: U256, sent: U256, outcome: Outcome) -> Result<(), Stop> {
        let arrived = self.balance(self.token, TRADER)?.saturating_sub(had);
        self.note("buy", sent, arrived, outcome)?;
        self.trade.buy_tax_bps = Some(lost_bps(sent, arrived));
        if arrived.is_zero() {
            return Err(Stop::Refused("the pool gave it and nothing arrived".into()));
        }
        Ok(())
    }

    /// Gives it to the pool through a router, and takes what the pool gives for what arrived.
    fn sell_v2(&mut self, amount: U256) -> Result<(), Stop> {
        let quote = self.venue.quote;
        let router = self.router();
        self.box_.set_code(router, RELAY);
        self.approve(router, amount)?;
        let arrived = self.give(router, amount)?;
        let (of_token, of_quote) = self.reserves()?;
        let had = self.balance(quote, TRADER)?;
        let (out, outcome) = self.swap(arrived, of_token, of_quote, quote)?;
        let got = self.balance(quote, TRADER)?.saturating_sub(had);
        self.note("take the other token", out, got, outcome)
    }

    fn router(&self) -> Address {
        self.venue.router.unwrap_or(ROUTER)
    }

    fn approve(&mut self, router: Address, amount: U256) -> Result<(), Stop> {
        let approve = abi::call("approve(address,uint256)", &[abi::word_of(router), U256::MAX]);
        let outcome = self.box_.send(TRADER, self.token, approve)?;
        self.note("approve the router", amount, amount, said_yes(outcome))
    }

    /// To the pool, as a router does. What arrived there.
    fn give(&mut self, router: Address, amount: U256) -> Result<U256, Stop> {
        let pool = self.venue.pool;
        let before = self.balance(self.token, pool)?;
        let words = [abi::word_of(TRADER), abi::word_of(pool), amount];
        let call = abi::call("transferFrom(address,address,uint256)", &words);
        let outcome = self.box_.send(TRADER, router, relayed(self.token, &call))?;
        let arrived = self.balance(self.token, pool)?.saturating_sub(before);
        let outcome = said_yes(outcome).and_then(|answer| match arrived.is_zero() {
            true => Err(Refusal("it said yes, and nothing arrived at the pool".into())),
            false => Ok(answer),
        });
        self.note("give it to the pool", amount, arrived, outcome)?;
        self.trade.sell_tax_bps = Some(lost_bps(amount, arrived));
        Ok(arrived)
    }

    /// Asks the pool for what so much buys, at the fee it turns out to have. The amount, and what
    /// came of it.
    fn swap(
        &mut self,
        paid: U256,
        reserve_in: U256,
        reserve_out: U256,
        wanted: Address,
    ) -> Result<(U256, Outcome), Stop> {
        let mut last = Err(Refusal("nothing was paid".into()));
        let mut out = U256::ZERO;
        // Thousandths that the pool does not keep: 0.3, 1 and 2 percent, as known forks have it.
        for kept in [997u64, 990, 980] {
            let Some(amount) = amount_out(paid, reserve_in, reserve_out, kept) else { continue };
            let is_first = self.first_token()? == wanted;
            let (first, second) =
                if is_first { (amount, U256::ZERO) } else { (U256::ZERO, amount) };
            let mut data =
                abi::call("swap(uint256,uint256,address,bytes)", &[first, second]).to_vec();
            data.extend(abi::word_of(TRADER).to_be_bytes::<32>());
            data.extend(U256::from(128u64).to_be_bytes::<32>());
            data.extend([0u8; 32]);
            out = amount;
            last = self.box_.send(TRADER, self.venue.pool, data.into())?;
            // A pool that wants more says so by its rule's name; anything else is no matter of fees.
            let is_fee = last.as_ref().is_err_and(|refusal| refusal.0.contains('K'));
            if !is_fee {
                break;
            }
        }
        Ok((out, last))
    }

    /// Of the token and of the other one.
    fn reserves(&mut self) -> Result<(U256, U256), Stop> {
        let answer = self.box_.ask(self.venue.pool, "getReserves()", &[])?;
        let answer = answer.map_err(|refusal| Stop::Refused(format!("its pool: {refusal}")))?;
        let (first, second) = match (abi::word(&answer, 0), abi::word(&answer, 1)) {
            (Some(first), Some(second)) => (first, second),
            _ => return Err(Stop::Refused("the pool says no reserves".into())),
        };
        Ok(if self.first_token()? == self.token { (first, second) } else { (second, first) })
    }

    fn first_token(&mut self) -> Result<Address, Stop> {
        let answer = self.box_.ask(self.venue.pool, "token0()", &[])?;
        let first = answer.ok().and_then(|answer| abi::address(&answer));
        first.ok_or_else(|| Stop::Refused("the pool does not say its tokens".into()))
    }

    fn balance(&mut self, token: Address, of: Address) -> Result<U256, Stop> {
        let balance = self.box_.balance(token, of)?;
        balance.ok_or_else(|| Stop::Refused(format!("{token} does not say balances")))
    }

    fn transfer(
        &mut self,
        token: Address,
        from: Address,
        to: Address,
        amount: U256,
    ) -> Result<(), Stop> {
        let words = [abi::word_of(to), amount];
        let outcome =
            self.box_.send(from, token, abi::call("transfer(address,uint256)", &words))?;
        said_yes(outcome)?;
        Ok(())
    }

    fn note(
        &mut self,
        what: &'static str,
        sent: U256,
        arrived: U256,
        outcome: Outcome,
    ) -> Result<(), Stop> {
        let refused = outcome.as_ref().err().map(|refusal| refusal.0.clone());
        let arrived = if refused.is_some() { U256::ZERO } else { arrived };
        self.trade.steps.push(Step { what, sent, arrived, refused });
        outcome?;
        Ok(())
    }
}

impl Trade {
    fn new(pool: Address) -> Trade {
        Trade {
            pool: Some(pool),
            steps: Vec::new(),
            buy_tax_bps: None,
            transfer_tax_bps: None,
            sell_tax_bps: None,
            verdict: Verdict::Unknown { why: "it was not tried".into() },
        }
    }

    /// Half of what the trader has, to a friend.
    fn send_on(&mut self, mut books: Sandbox<'_>, token: Address) -> Result<(), StateError> {
        books.pass(1, 12);
        let had = books.balance(token, TRADER)?.unwrap_or_default();
        let amount = had / U256::from(2u64);
        if amount.is_zero() {
            return Ok(());
        }
        let words = [abi::word_of(FRIEND), amount];
        let outcome = books.send(TRADER, token, abi::call("transfer(address,uint256)", &words))?;
        let arrived = books.balance(token, FRIEND)?.unwrap_or_default();
        let refused = said_yes(outcome)
            .err()
            .map(|refusal| refusal.0)
            .or_else(|| arrived.is_zero().then(|| "it said yes, and nothing arrived".to_string()));
        self.transfer_tax_bps = refused.is_none().then(|| lost_bps(amount, arrived));
        self.steps.push(Step { what: "send it on", sent: amount, arrived, refused });
        Ok(())
    }
}

fn said_yes(outcome: Outcome) -> Outcome {
    match outcome? {
        answer if abi::is_yes(&answer) => Ok(answer),
        _ => Err(Refusal("it answered no".into())),
    }
}

fn relayed(to: Address, call: &Bytes) -> Bytes {
    let mut data = abi::word_of(to).to_be_bytes::<32>().to_vec();
    data.extend_from_slice(call);
    data.into()
}

/// What a pool gives whose product of reserves must not fall, after its fee.
fn amount_out(paid: U256, reserve_in: U256, reserve_out: U256, kept: u64) -> Option<U256> {
    let paid = paid.checked_mul(U256::from(kept))?;
    let below = reserve_in.checked_mul(U256::from(1_000u64))?.checked_add(paid)?;
    let out = paid.checked_mul(reserve_out)?.checked_div(below)?;
    (!out.is_zero()).then_some(out)
}

/// What got lost, in hundredths of a percent, rounded up: less than a hundredth is not nothing.
fn lost_bps(sent: U256, arrived: U256) -> u64 {
    let lost = sent.saturating_sub(arrived);
    if sent.is_zero() {
        return 0;
    }
    let bps = lost.saturating_mul(U256::from(10_000u64)).div_ceil(sent);
    bps.saturating_to()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pool_never_loses_by_what_is_asked_of_it(
            paid in 1u64.., reserve_in in 1u64.., reserve_out in 1u64..,
        ) {
            let word = U256::from::<u64>;
            if let Some(out) = amount_out(word(paid), word(reserve_in), word(reserve_out), 997) {
                let before = word(reserve_in) * word(reserve_out);
                prop_assert!(out < word(reserve_out));
                prop_assert!((word(reserve_in) + word(paid)) * (word(reserve_out) - out) >= before);
            }
        }

        #[test]
        fn a_loss_is_between_nothing_and_all(sent in any::<u64>(), arrived in any::<u64>()) {
            let lost = lost_bps(U256::from(sent), U256::from(arrived));
            prop_assert!(lost <= 10_000);
            prop_assert_eq!(lost == 0, sent == 0 || arrived >= sent);
        }
    }
}
