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
    /// What it takes beside (OP stack).
    pub operator: U256,
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
    if tx.is_deposit() || tx.is_system() {
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
    let operator = operator(header, receipt).ok_or_else(overflow)?;
    let parts = [blobs, l1, operator];
    let paid = parts.into_iter().try_fold(executed, U256::checked_add).ok_or_else(overflow)?;
    let fee = Fee { paid, base, blobs, tip: executed - base, l1, operator };
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

/// From Isthmus on, by the parameters the receipt names; Jovian changed the unit
/// of the first. <https://specs.optimism.io/protocol/jovian/exec-engine.html>
/// None where it exceeds 256 bits.
fn operator(header: &Header, receipt: &Receipt) -> Option<U256> {
    let gas = U256::from(receipt.gas_used.to::<u64>());
    let by_gas = gas.checked_mul(receipt.operator_fee_scalar.unwrap_or_default())?;
    let by_gas = if is_jovian(header) {
        by_gas.checked_mul(U256::from(100))?
    } else {
        by_gas / U256::from(1_000_000)
    };
    by_gas.checked_add(receipt.operator_fee_constant.unwrap_or_default())
}

/// Jovian's headers say a version and two parameters more than Ethereum's.
fn is_jovian(header: &Header) -> bool {
    header.extra_data.len() == 17 && header.extra_data[0] == 1
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
            operator: self.operator.checked_add(other.operator)?,
        })
    }

    pub fn balances(&self) -> bool {
        let parts = [self.blobs, self.tip, self.l1, self.operator];
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Of a transaction that offered 7 wei for its gas and used 200,000.
    fn paid(extra_data: &'static [u8], more: serde_json::Value) -> Fee {
        let hash = alloy_primitives::B256::repeat_byte(7);
        let account = alloy_primitives::Address::repeat_byte(1);
        let tx = json!({
            "hash": hash, "from": account, "to": account, "value": "0x0", "nonce": "0x0",
            "gasPrice": "0x7", "type": "0x0",
        });
        let mut receipt = json!({
            "transactionHash": hash, "transactionIndex": "0x0", "blockHash": hash, "status": "0x1",
            "gasUsed": "0x30d40", "cumulativeGasUsed": "0x30d40", "effectiveGasPrice": "0x7",
            "logs": [],
        });
        for (name, value) in more.as_object().expect("an object") {
            receipt[name] = value.clone();
        }
        let header = Header {
            base_fee_per_gas: Some(5),
            extra_data: extra_data.into(),
            ..Header::default()
        };
        let tx: Tx = serde_json::from_value(tx).expect("a transaction");
        let receipt: Receipt = serde_json::from_value(receipt).expect("a receipt");
        let (fee, odd) = of(&header, &tx, &receipt).expect("true");
        assert_eq!(odd, None);
        assert!(fee.balances());
        fee
    }

    #[test]
    fn a_rollup_takes_for_posting_and_beside() {
        let plain = paid(&[], json!({}));
        assert_eq!((plain.base, plain.tip), (U256::from(1_000_000), U256::from(400_000)));
        let more = json!({
            "l1Fee": "0x3", "operatorFeeScalar": "0xa", "operatorFeeConstant": "0x9",
        });
        // Ten millionths for a unit of gas, and nine.
        let isthmus = paid(&[0; 9], more.clone());
        assert_eq!(isthmus.operator, U256::from(2 + 9));
        assert_eq!(isthmus.paid, plain.paid + U256::from(3 + 11));
        let mut jovian = [0; 17];
        jovian[0] = 1;
        let jovian = paid(Box::leak(Box::new(jovian)), more);
        assert_eq!(jovian.operator, U256::from(200_000_000 + 9));
    }
}
