//! Who holds it: from the transfers the store knows, and what the contract itself says of them.
//!
//! The store proposes, the contract decides: where a state is at hand every balance shown is the
//! contract's own answer. What the store does not know of is the rest of the supply, and is said.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use alloy_primitives::{Address as EvmAddress, U256};
use model::{Account, Address, Asset, Timestamp, TransferKind, View, ViewError};

use crate::sandbox::Sandbox;
use crate::state::StateError;

/// What the store knows of one token's transfers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub transfers: u64,
    pub first: Option<Seen>,
    /// What went in less what went out, where that is above zero: the largest first.
    pub holders: Vec<(Address, U256)>,
    /// Accounts that gave more than they are known to have got: what came in to them is not known.
    pub below_zero: u64,
    /// The store holds every block of the chain between its first and last.
    pub is_complete: bool,
    pub height_first: Option<u64>,
    pub height_last: Option<u64>,
}

/// The first transfer that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub height: Option<u64>,
    pub time: Timestamp,
    pub tx: model::TxId,
}

/// Reads a whole chain for the transfers of some tokens, once for all of them.
pub fn ledgers(view: &dyn View, assets: &[Asset]) -> Result<Vec<Ledger>, ViewError> {
    let Some(chain) = assets.first().map(|asset| asset.chain) else { return Ok(Vec::new()) };
    let mut books: Vec<Book> = assets.iter().map(|_| Book::default()).collect();
    view.scan(chain, None, None, &mut |transfer| {
        let at = assets.iter().position(|asset| *asset == transfer.asset);
        if let Some(book) = at.and_then(|at| books.get_mut(at))
            && transfer.kind == TransferKind::Value
        {
            book.take(transfer);
        }
        ControlFlow::Continue(())
    })?;
    let coverage = view.coverage()?.into_iter().find(|coverage| coverage.chain == chain);
    Ok(books
        .into_iter()
        .map(|book| {
            let mut ledger = book.close();
            if let Some(coverage) = &coverage {
                ledger.is_complete = coverage.is_complete;
                ledger.height_first = coverage.height_first;
                ledger.height_last = coverage.height_last;
            }
            ledger
        })
        .collect())
}

#[derive(Default)]
struct Book {
    transfers: u64,
    first: Option<Seen>,
    /// In and out: both only grow, so that no order can make one negative.
    moved: BTreeMap<Address, (U256, U256)>,
}

impl Book {
    fn take(&mut self, transfer: &model::Transfer) {
        self.transfers += 1;
        let seen = Seen { height: transfer.height, time: transfer.time, tx: transfer.tx };
        self.first.get_or_insert(seen);
        let amount = transfer.amount;
        if let Some(to) = &transfer.to {
            let of = self.moved.entry(to.clone()).or_default();
            of.0 = of.0.saturating_add(amount);
        }
        if let Some(from) = &transfer.from {
            let of = self.moved.entry(from.clone()).or_default();
            of.1 = of.1.saturating_add(amount);
        }
    }

    fn close(self) -> Ledger {
        let is_zero = |address: &Address| address.bytes().iter().all(|byte| *byte == 0);
        let below_zero =
            self.moved.iter().filter(|(who, (got, gave))| gave > got && !is_zero(who)).count();
        let mut holders: Vec<(Address, U256)> = self
            .moved
            .into_iter()
            .filter_map(|(who, (got, gave))| {
                let left = got.checked_sub(gave).filter(|left| !left.is_zero())?;
                Some((who, left))
            })
            .collect();
        holders.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ledger {
            transfers: self.transfers,
            first: self.first,
            holders,
            below_zero: below_zero as u64,
            ..Ledger::default()
        }
    }
}

/// One holder, with a share of the supply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub account: Account,
    pub amount: U256,
    pub share_bps: u64,
    pub is_contract: Option<bool>,
}

/// Supply and holders as the contract says them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    pub supply: Option<U256>,
    /// The largest of those asked about, first; none of them empty.
    pub holders: Vec<Holder>,
    /// The share of all that were asked about, in hundredths of a percent.
    pub known_bps: u64,
    pub asked: usize,
}

/// Asks a token for its supply and for the balances of the accounts a ledger proposes.
pub fn ask(
    sandbox: &mut Sandbox<'_>,
    asset: &Asset,
    token: EvmAddress,
    proposed: &[Address],
) -> Result<Holdings, StateError> {
    let supply = sandbox.ask_word(token, "totalSupply()", &[])?;
    let mut holdings = Holdings { supply, asked: proposed.len(), ..Holdings::default() };
    let (supply, mut known) = (supply.unwrap_or_default(), U256::ZERO);
    for address in proposed {
        let Address::Evm(bytes) = address else { continue };
        let who = EvmAddress::from(*bytes);
        let amount = sandbox.balance(token, who)?.unwrap_or_default();
        if amount.is_zero() {
            continue;
        }
        known = known.saturating_add(amount);
        holdings.holders.push(Holder {
            account: Account { chain: asset.chain, address: address.clone() },
            amount,
            share_bps: share_bps(amount, supply),
            is_contract: Some(sandbox.has_code(who)?),
        });
    }
    holdings
        .holders
        .sort_by(|a, b| b.amount.cmp(&a.amount).then_with(|| a.account.cmp(&b.account)));
    holdings.known_bps = share_bps(known, supply);
    Ok(holdings)
}

/// In hundredths of a percent, rounded down; above the whole where balances exceed the supply.
pub fn share_bps(part: U256, whole: U256) -> u64 {
    if whole.is_zero() {
        return 0;
    }
    // Divided first where the product would not fit.
    match part.checked_mul(U256::from(10_000u64)) {
        Some(scaled) => (scaled / whole).saturating_to(),
        None => (part / (whole / U256::from(10_000u64)).max(U256::ONE)).saturating_to(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_with_each_is_what_came_less_what_went() {
        let sketch = model::sketch::parse(
            "chain ethereum
             token COIN decimals 0
             mint  -> alice  100 COIN  day 0
             alice -> bob     40 COIN  day 1
             carol -> bob      5 COIN  day 2
             alice -> bob      1 ETH   day 2",
        )
        .expect("a sketch");
        let asset = sketch.asset("COIN").expect("it is declared");
        let ledger = &ledgers(&sketch.memory(), &[asset]).expect("a view in memory")[0];
        assert_eq!(ledger.transfers, 3);
        let amounts: Vec<u64> = ledger.holders.iter().map(|(_, left)| left.to()).collect();
        assert_eq!(amounts, [60, 45]);
        // The mint and carol gave what they are not known to have got.
        assert_eq!(ledger.below_zero, 2);
        assert!(!ledger.is_complete);
    }

    #[test]
    fn shares_are_of_the_whole_and_never_overflow() {
        let word = U256::from::<u64>;
        assert_eq!(share_bps(word(1), word(4)), 2_500);
        assert_eq!(share_bps(word(1), word(0)), 0);
        assert_eq!(share_bps(U256::MAX, U256::MAX), 10_000);
        assert_eq!(share_bps(U256::MAX, word(1)), u64::MAX);
    }
}
