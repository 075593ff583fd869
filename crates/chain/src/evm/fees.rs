//! What a transaction paid to be included, and who got it.
//!
//! The books of a block: what senders paid is what was burnt, what the producer
//! got and what the rollup took. Where they do not balance, an oddity says so
//! and names the transaction.

use alloy_consensus::Header;
use model::U256;

use super::replies::{Receipt, Tx};
use crate::source::Lie;

/// One transaction's fee, or those of a block together, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fee {
    /// What the sender paid: the parts below.
    pub paid: U256,
    /// The base fee, burnt on Ethereum.
    pub base: U256,
    /// For blobs (EIP-4844), burnt.
    pub blobs: U256,
    /// What exceeds the base fee: the producer's.
    pub tip: U256,
    /// What a rollup takes for posting to Ethereum.
    pub l1: U256,
}

/// Deposits on an OP-stack rollup were paid for on Ethereum.
pub const DEPOSIT_TYPE: u64 = 0x7e;

impl Tx {
    pub fn is_deposit(&self) -> bool {
        self.kind.is_some_and(|kind| kind.to::<u64>() == DEPOSIT_TYPE)
    }
}

/// A transaction's fee, with what is odd about it.
pub fn of(header: &Header, tx: &Tx, receipt: &Receipt) -> Result<(Fee, Option<String>), Lie> {
    let lie = |what: &str| Lie::Transaction { tx: tx.hash.to_string(), what: what.into() };
    if tx.is_deposit() {
        return Ok((Fee::default(), None));
    }
    let gas = U256::from(receipt.gas_used.to::<u64>());
    let price = receipt.effective_gas_price.or(tx.gas_price);
    let price = price.ok_or_else(|| lie("neither it nor its receipt says a price of gas"))?;
    let offered = tx.max_fee_per_gas.or(tx.gas_price);
    if tx.is_known() && offered.is_some_and(|offered| price > offered) {
        return Err(lie("paid more for its gas than it offered"));
    }
    let overflow = || lie("a fee over 256 bits");
    let base_price = U256::from(header.base_fee_per_gas.unwrap_or(0));
    let executed = gas.checked_mul(price).ok_or_else(overflow)?;
    let base = gas.checked_mul(base_price.min(price)).ok_or_else(overflow)?;
    let (blobs, blob_odd) = blobs(tx, receipt).ok_or_else(overflow)?;
    let l1 = receipt.l1_fee.unwrap_or_default();
    let paid = executed.checked_add(blobs).and_then(|paid| paid.checked_add(l1));
    let fee = Fee { paid: paid.ok_or_else(overflow)?, base, blobs, tip: executed - base, l1 };
    let odd = (price < base_price).then(|| {
        format!("it paid {price} wei for a unit of gas, less than the base fee {base_price}")
    });
    Ok((fee, odd.or(blob_odd)))
}

/// None where it exceeds 256 bits.
fn blobs(tx: &Tx, receipt: &Receipt) -> Option<(U256, Option<String>)> {
    const BLOB_TYPE: u64 = 3;
    match (receipt.blob_gas_used, receipt.blob_gas_price) {
        (Some(gas), Some(price)) => Some((U256::from(gas.to::<u64>()).checked_mul(price)?, None)),
        _ if tx.kind.is_some_and(|kind| kind.to::<u64>() == BLOB_TYPE) => Some((
            U256::ZERO,
            Some("it carries blobs, but what was paid for them is not said".into()),
        )),
        _ => Some((U256::ZERO, None)),
    }
}

impl Fee {
    /// None where it exceeds 256 bits.
    pub fn checked_add(self, other: Fee) -> Option<Fee> {
        Some(Fee {
            paid: self.paid.checked_add(other.paid)?,
            base: self.base.checked_add(other.base)?,
            blobs: self.blobs.checked_add(other.blobs)?,
            tip: self.tip.checked_add(other.tip)?,
            l1: self.l1.checked_add(other.l1)?,
        })
    }

    pub fn balances(&self) -> bool {
        let parts = [self.blobs, self.tip, self.l1];
        parts.into_iter().try_fold(self.base, U256::checked_add) == Some(self.paid)
    }
}

/// What is odd about the block's books as a whole.
pub fn of_block(header: &Header, total: &Fee, gas: u64, blob_gas: u64) -> Vec<String> {
    let mut odd = Vec::new();
    if !total.balances() {
        odd.push("the fees paid are not those burnt and earned".to_string());
    }
    // From Amsterdam (EIP-7778) a block counts gas before refunds, its receipts after.
    let counts_alike = header.block_access_list_hash.is_none();
    if counts_alike && header.gas_used != gas {
        odd.push(format!("its transactions used {gas} gas, its header says {}", header.gas_used));
    }
    if let Some(stated) = header.blob_gas_used.filter(|stated| *stated != blob_gas) {
        odd.push(format!("its transactions used {blob_gas} blob gas, its header says {stated}"));
    }
    odd
}
