//! Blocks, transactions, receipts and tokens.

use model::{
    Address, Asset, AssetMeta, BlockFact, Chain, Evidence, Fact, Freezable, Position, TransferKind,
    TxId, U256,
};

use super::{
    Evm, FROM, Fields, HEIGHT, ImportError, Names, Run, TIME, TO, TX, VALUE, block_event, in_tx,
    required, within,
};
use crate::import::transfers::shown_symbol;

const STATUS: Names<'_> = &["receipt_status", "success", "status"];
const GAS_USED: Names<'_> = &["receipt_gas_used", "gas_used"];
const GAS_PRICE: Names<'_> = &["receipt_effective_gas_price", "effective_gas_price", "gas_price"];
/// What a rollup takes for posting the transaction to Ethereum.
const L1_FEE: Names<'_> = &["receipt_l1_fee", "l1_fee"];
const CREATED: Names<'_> = &["receipt_contract_address", "contract_address"];
const WITHDRAWALS: Names<'_> = &["withdrawals"];

/// Withdrawals are in Gwei (EIP-4895).
const WEI_PER_GWEI: u64 = 1_000_000_000;

impl Evm {
    pub(super) fn block(
        &mut self,
        chain: Chain,
        fields: &Fields<'_>,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        let height = required(fields.whole(HEIGHT)?, fields, HEIGHT, "a block number")?;
        let time = required(fields.time(TIME)?, fields, TIME, "a time")?;
        let hash = fields.hash(&["hash", "block_hash"])?;
        let parent = fields.hash(&["parent_hash"])?;
        run.state(Fact::Block(BlockFact {
            chain,
            hash,
            parent,
            height: Some(height),
            time,
            work: None,
        }))?;
        self.withdrawals(chain, height, fields, run)
    }

    /// Paid out by the consensus layer: new to the accounts that receive them.
    fn withdrawals(
        &mut self,
        chain: Chain,
        height: u64,
        fields: &Fields<'_>,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        let Some(text) = fields.text(WITHDRAWALS)? else { return Ok(()) };
        let Ok(rows) =
            serde_json::from_str::<Vec<serde_json::Map<String, serde_json::Value>>>(&text)
        else {
            let what = "the withdrawals of blocks are not JSON and are left out";
            return self.once("withdrawals", Some(fields.place), what, run);
        };
        let about = within(block_event("withdrawals", chain, height), fields)?;
        for (n, row) in (0u32..).zip(rows) {
            let row = crate::import::json_lines::JsonRow(row);
            let fields = Fields { row: &row, ..*fields };
            let to = required(fields.address(&["address"])?, &fields, &["address"], "an address")?;
            let gwei =
                required(fields.base(&["amount"])?, &fields, &["amount"], "an amount in Gwei")?;
            let wei = gwei.checked_mul(U256::from(WEI_PER_GWEI));
            let wei = wei.ok_or_else(|| fields.wrong(&["amount"], "an amount of 256 bits"))?;
            if wei.is_zero() {
                continue;
            }
            let mut transfer = about.native(Position::Reward(n), None, Some(to), wei);
            transfer.kind = TransferKind::Reward;
            // Not of a transaction: traces, which do not list it, must not replace it.
            run.transfer(transfer, Evidence::Trace)?;
        }
        Ok(())
    }

    pub(super) fn transaction(
        &mut self,
        chain: Chain,
        fields: &Fields<'_>,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        run.summary.transactions += 1;
        let about = in_tx(chain, fields)?;
        let from = required(fields.address(FROM)?, fields, FROM, "an address")?;
        let value = required(fields.base(VALUE)?, fields, VALUE, "an amount")?;
        if let Some(fee) = fee(fields)? {
            let mut transfer = about.native(Position::Fee, Some(from), None, fee);
            transfer.kind = TransferKind::Fee;
            run.transfer(transfer, Evidence::Transaction)?;
        }
        let succeeded = fields.boolean(STATUS)?;
        if succeeded == Some(false) {
            return run.state(Fact::Failed { tx: about.tx });
        }
        if !fields.has(STATUS) {
            let what = "the transactions do not say which failed: the value of those that did counts as moved, until receipts or traces say otherwise";
            self.once("status", None, what, run)?;
        }
        if value.is_zero() {
            return Ok(());
        }
        let to = match fields.address(TO)? {
            Some(to) => to,
            None => created(from, fields)?,
        };
        run.transfer(
            about.native(Position::Call(Box::new([])), Some(from), Some(to), value),
            Evidence::Transaction,
        )
    }
}

/// Gas times its price, plus what the rollup takes; none without a receipt.
fn fee(fields: &Fields<'_>) -> Result<Option<U256>, ImportError> {
    let (Some(used), Some(price)) = (fields.whole(GAS_USED)?, fields.base(GAS_PRICE)?) else {
        return Ok(None);
    };
    let l1_fee = fields.base(L1_FEE)?.unwrap_or(U256::ZERO);
    let fee = U256::from(used).checked_mul(price).and_then(|fee| fee.checked_add(l1_fee));
    fee.map(Some).ok_or_else(|| fields.wrong(GAS_PRICE, "a gas price that makes a fee of 256 bits"))
}

/// The contract a transaction without receiver creates: from the receipt, else
/// computed from sender and nonce, as the yellow paper (section 7) defines it.
fn created(from: [u8; 20], fields: &Fields<'_>) -> Result<[u8; 20], ImportError> {
    if let Some(address) = fields.address(CREATED)? {
        return Ok(address);
    }
    let nonce = fields.whole(&["nonce"])?;
    let nonce =
        required(nonce, fields, TO, "an address, or for a created contract its address or nonce")?;
    Ok(alloy_primitives::Address::from(from).create(nonce).into_array())
}

/// A receipt alone does not say who paid: only failures are taken from it.
pub fn receipt(chain: Chain, fields: &Fields<'_>, run: &mut Run<'_>) -> Result<(), ImportError> {
    let hash = required(fields.hash(TX)?, fields, TX, "a transaction hash")?;
    match fields.boolean(STATUS)? {
        Some(false) => run.state(Fact::Failed { tx: TxId { chain, hash } }),
        _ => Ok(()),
    }
}

pub fn token(chain: Chain, fields: &Fields<'_>, run: &mut Run<'_>) -> Result<(), ImportError> {
    let names = &["address", "erc20", "token_address"];
    let address = required(fields.address(names)?, fields, names, "an address")?;
    let symbol = fields.text(&["symbol"])?.and_then(|text| shown_symbol(&text));
    // A contract may answer anything; what no amount can have is left out.
    let decimals =
        fields.base(&["decimals"])?.and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= 77);
    let asset = Asset::token(chain, Address::Evm(address));
    run.state(Fact::Asset(AssetMeta { asset, symbol, decimals, freezable: Freezable::Unknown }))
}
