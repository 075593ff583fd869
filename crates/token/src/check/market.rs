//! Pools, and what happens to who trades there.

use alloy_primitives::{Address as EvmAddress, U256};
use model::{Account, Address};

use super::Checking;
use super::people::{self, percent};
use crate::holders::Ledger;
use crate::liquidity::{self, Kind, Pool, Shares};
use crate::report::{Evidence, PoolRow, StepRow, Topic, TradeRow, Weight};
use crate::state::StateError;
use crate::trade::{self, Trade, Venue, Verdict};

/// A loss beyond that is no fee of a market.
const TAX_HIGH_BPS: u64 = 1_000;
const TAX_RUINOUS_BPS: u64 = 5_000;
/// A pool that cannot be traded in says nothing of the token, so others are tried.
const POOLS_TRIED_MAX: usize = 3;

impl Checking<'_> {
    pub fn pools(&mut self) -> Result<Vec<Pool>, StateError> {
        let chain = self.inputs.asset.chain;
        liquidity::find(&mut self.sandbox, chain, self.token, &self.inputs.pools)
    }

    /// Tries the pools that hold most of the token, until one can be traded in at all.
    pub fn trade(&mut self, pools: &[Pool]) -> Result<(), StateError> {
        let mut deepest: Vec<&Pool> = pools.iter().filter(|p| !p.of_quote.is_zero()).collect();
        deepest.sort_by_key(|pool| std::cmp::Reverse(pool.of_token));
        let mut done = None;
        for pool in deepest.into_iter().take(POOLS_TRIED_MAX) {
            let Pool { address, kind, quote, router, .. } = *pool;
            let venue = Venue { pool: address, kind, quote, router };
            let tried = trade::through(&self.sandbox, self.token, venue)?;
            let is_told = !matches!(tried.verdict, Verdict::Unknown { .. });
            if is_told || done.is_none() {
                done = Some(tried);
            }
            if is_told {
                break;
            }
        }
        let done = match done {
            Some(done) => done,
            None => trade::sending_only(&self.sandbox, self.token)?,
        };
        self.say_trade(&done);
        let step = |step: &trade::Step| StepRow {
            step: step.what,
            sent: step.sent.to_string(),
            arrived: step.arrived.to_string(),
            refused: step.refused.clone(),
        };
        self.check.trade = Some(TradeRow {
            pool: done.pool.map(|pool| pool.to_string()),
            buy_tax_bps: done.buy_tax_bps,
            transfer_tax_bps: done.transfer_tax_bps,
            sell_tax_bps: done.sell_tax_bps,
            steps: done.steps.iter().map(step).collect(),
            verdict: done.verdict,
        });
        Ok(())
    }

    fn say_trade(&mut self, done: &Trade) {
        let evidence: Vec<Evidence> = done
            .steps
            .iter()
            .map(|step| {
                let outcome = match &step.refused {
                    Some(why) => why.clone(),
                    None => format!("{} of {} base units arrived", step.arrived, step.sent),
                };
                Evidence::Tried { what: step.what.to_string(), outcome }
            })
            .collect();
        let (weight, text) = match &done.verdict {
            Verdict::Sellable { wait_seconds: 0 } => {
                (Weight::Fact, "a stranger could buy it and sell it again".to_string())
            }
            Verdict::Sellable { wait_seconds } => (
                Weight::Caution,
                format!("a stranger could buy it, and sell it again {wait_seconds} seconds later"),
            ),
            Verdict::Honeypot { why } => (
                Weight::Danger,
                format!("a stranger could buy it and not sell it, not after a day either: {why}"),
            ),
            Verdict::NotBought { why } => {
                (Weight::Caution, format!("a stranger could not buy it: {why}"))
            }
            Verdict::Sendable => (
                Weight::Fact,
                "no pool to trade in is known; a holder could send it on".to_string(),
            ),
            Verdict::NotSendable { why } => (
                Weight::Caution,
                format!("no pool to trade in is known, and a holder could not send it on: {why}"),
            ),
            Verdict::Unknown { why } => (Weight::Unknown, format!("trading was not tried: {why}")),
        };
        self.check.say(Topic::Trade, weight, text, evidence.clone());
        let taxes = [
            ("buying", done.buy_tax_bps),
            ("sending it on", done.transfer_tax_bps),
            ("selling", done.sell_tax_bps),
        ];
        for (what, bps) in taxes {
            let Some(bps) = bps.filter(|bps| *bps > 0) else { continue };
            let weight = match bps {
                TAX_RUINOUS_BPS.. => Weight::Danger,
                TAX_HIGH_BPS.. => Weight::Caution,
                _ => Weight::Fact,
            };
            let text = format!("{what} costs {} of the amount", percent(bps));
            self.check.say(Topic::Trade, weight, text, evidence.clone());
        }
    }

    /// What each pool holds, and who could take it out.
    pub fn liquidity(&mut self, pools: Vec<Pool>, ledgers: &[Ledger]) -> Result<(), StateError> {
        if pools.is_empty() {
            let text = "no pool is found at the factories that are known of this chain; --pool names \
                        others";
            self.check.unknown(Topic::Liquidity, text);
        }
        for (n, mut pool) in pools.into_iter().enumerate() {
            if pool.kind == Kind::V2 {
                let (chain, address) = (self.inputs.asset.chain, pool.address);
                let (ledger, in_charge) = (ledgers.get(n + 1), self.control.accounts(&self.layers));
                pool.shares =
                    liquidity::shares(&mut self.sandbox, chain, address, ledger, &in_charge)?;
            }
            self.say_pool(&pool);
            self.check.pools.push(row(&pool, self.inputs.asset.chain));
        }
        Ok(())
    }

    fn say_pool(&mut self, pool: &Pool) {
        let whose = pool.factory.unwrap_or("named by hand");
        let quote = pool.quote_symbol.clone().unwrap_or_else(|| "its other token".into());
        let address = pool.address;
        let balance = |of: EvmAddress, amount: U256| Evidence::Call {
            to: of.to_string(),
            call: format!("balanceOf({address})"),
            answer: amount.to_string(),
        };
        let evidence = vec![balance(self.token, pool.of_token), balance(pool.quote, pool.of_quote)];
        let text = format!(
            "the pool {address} ({whose}) holds {} base units of it and {} of {quote} ({})",
            pool.of_token, pool.of_quote, pool.quote
        );
        self.check.say(Topic::Liquidity, Weight::Fact, text, evidence);
        match (&pool.shares, pool.kind) {
            (Some(shares), _) => self.say_shares(address, shares),
            (None, Kind::V3) => {
                let text = format!(
                    "who can take out of {address} cannot be read from a block's state: its positions \
                     are kept by owner and range, and listed nowhere but in its events"
                );
                self.check.unknown(Topic::Liquidity, text);
            }
            (None, Kind::V2) => {
                let text = format!("{address} does not say the supply of its own token");
                self.check.unknown(Topic::Liquidity, text);
            }
        }
    }

    fn say_shares(&mut self, pool: EvmAddress, shares: &Shares) {
        let evidence = |bps: u64, what: &str| {
            let answer = percent(bps);
            vec![Evidence::Call {
                to: pool.to_string(),
                call: format!("balanceOf({what})"),
                answer,
            }]
        };
        if shares.burnt_bps > 0 {
            let text = format!("{} of the pool's token is burnt", percent(shares.burnt_bps));
            self.check.say(
                Topic::Liquidity,
                Weight::Fact,
                text,
                evidence(shares.burnt_bps, "nobody"),
            );
        }
        if shares.locked_bps > 0 {
            let lockers = shares.lockers.join(", ");
            let text = format!(
                "{} of the pool's token lies with {lockers}; until when was not read",
                percent(shares.locked_bps)
            );
            self.check.say(
                Topic::Liquidity,
                Weight::Fact,
                text,
                evidence(shares.locked_bps, "locker"),
            );
        }
        for (holder, bps) in &shares.holders {
            let Address::Evm(bytes) = holder else { continue };
            let who = EvmAddress::from(*bytes);
            let labels = people::labels(self.inputs, who);
            let weight = if *bps >= 5_000 { Weight::Caution } else { Weight::Fact };
            let text = format!(
                "{} can take out {} of the pool at any time",
                people::named(who, &labels),
                percent(*bps)
            );
            self.check.say(Topic::Liquidity, weight, text, evidence(*bps, &who.to_string()));
        }
        if shares.known_bps < 9_900 {
            let rest = percent(10_000u64.saturating_sub(shares.known_bps));
            let text = format!(
                "who holds the other {rest} of the pool's token, and could take out as much, is not known"
            );
            self.check.unknown(Topic::Liquidity, text);
        }
    }
}

fn row(pool: &Pool, chain: model::Chain) -> PoolRow {
    let shares = pool.shares.as_ref();
    let holder = |(address, bps): &(Address, u64)| {
        (Account { chain, address: address.clone() }.address_text(), *bps)
    };
    PoolRow {
        address: pool.address.to_string(),
        kind: pool.kind,
        factory: pool.factory,
        quote: pool.quote.to_string(),
        quote_symbol: pool.quote_symbol.clone(),
        of_token: pool.of_token.to_string(),
        of_quote: pool.of_quote.to_string(),
        burnt_bps: shares.map(|shares| shares.burnt_bps),
        locked_bps: shares.map(|shares| shares.locked_bps),
        known_bps: shares.map(|shares| shares.known_bps),
        holders: shares.map(|s| s.holders.iter().map(holder).collect()).unwrap_or_default(),
    }
}
