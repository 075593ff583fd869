//! What rows of EVM chains have in common, whoever writes them.

use model::{
    Account, Address, Asset, AssetKind, AssetMeta, Chain, Equal, Evidence, Fact, Freezable,
    Position, TimeSource, Timestamp, Transfer, TransferKind, TxId, U256,
};
use serde_json::Value;

use super::Ask;
use super::json::{Fields, Wrong, missing, wrong};
use super::rows::{Inside, Moved, Place};
use crate::evm::events::{self, Event, What};

/// More than any native coin has units: no chain's supply comes near 2^120.
const NATIVE_BITS_MAX: usize = 120;

/// Where and when.
#[derive(Clone, Copy, Debug)]
pub struct InTx {
    pub tx: TxId,
    pub height: u64,
    pub tx_index: Option<u32>,
    pub time: Timestamp,
}

/// A token as a row names it.
pub struct Token {
    pub contract: Address,
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
}

impl InTx {
    /// Is it of the part that was asked for? None: it is beyond what is final, or known.
    pub fn is_asked(&self, ask: &Ask) -> Result<bool, Wrong> {
        if self.height <= ask.until.height && self.time > ask.until.time {
            return Err(format!(
                "block {} is of {}, later than block {} of {}",
                self.height, self.time, ask.until.height, ask.until.time
            ));
        }
        let is_known = ask.after.is_some_and(|after| self.height <= after.height);
        Ok(self.height <= ask.until.height && !is_known)
    }

    pub fn native(&self, from: Address, to: Address, amount: U256) -> Result<Transfer, Wrong> {
        if amount.bit_len() > NATIVE_BITS_MAX {
            return Err(format!("{amount} base units of the native coin cannot be"));
        }
        let asset = Asset::native(self.tx.chain);
        Ok(self.transfer(Some(from), Some(to), asset, amount))
    }

    pub fn fee(&self, from: Address, amount: U256) -> Result<Moved, Wrong> {
        let mut transfer = self.native(from.clone(), from, amount)?;
        transfer.to = None;
        transfer.kind = TransferKind::Fee;
        transfer.position = Position::Fee;
        Ok(Moved { transfer, place: Place::Own, evidence: Evidence::Transaction })
    }

    /// A token's events write the zero address for nobody.
    pub fn token(&self, from: Address, to: Address, contract: &Token, amount: U256) -> Transfer {
        let asset = Asset::token(self.tx.chain, contract.contract.clone());
        self.transfer(somebody(from), somebody(to), asset, amount)
    }

    pub fn nft(
        &self,
        from: Address,
        to: Address,
        token: &Token,
        id: U256,
        count: U256,
    ) -> Transfer {
        let contract = token.contract.clone();
        let asset = Asset { chain: self.tx.chain, kind: AssetKind::Nft { contract, id } };
        let mut transfer = self.transfer(somebody(from), somebody(to), asset, count);
        transfer.kind = TransferKind::Nft;
        transfer
    }

    fn transfer(
        &self,
        from: Option<Address>,
        to: Option<Address>,
        asset: Asset,
        amount: U256,
    ) -> Transfer {
        Transfer {
            tx: self.tx,
            position: Position::Call(Box::new([])),
            height: Some(self.height),
            tx_index: self.tx_index,
            time: self.time,
            time_source: TimeSource::Stated,
            from,
            to,
            asset,
            amount,
            kind: TransferKind::Value,
        }
    }
}

impl Token {
    /// What the provider says of it; a symbol is as its contract claims.
    pub fn meta(&self, chain: model::Chain) -> Option<Fact> {
        if self.symbol.is_none() && self.decimals.is_none() {
            return None;
        }
        Some(Fact::Asset(AssetMeta {
            asset: Asset::token(chain, self.contract.clone()),
            symbol: self.symbol.clone(),
            decimals: self.decimals,
            freezable: Freezable::Unknown,
        }))
    }
}

/// Does a row name the address that was asked for?
pub fn names(account: &Account, ends: &[Option<&Address>]) -> Result<(), Wrong> {
    if ends.iter().flatten().any(|end| **end == account.address) {
        return Ok(());
    }
    Err(format!("a row that does not name {}", account.address_text()))
}

pub fn somebody(address: Address) -> Option<Address> {
    (address.bytes() != [0; 20]).then_some(address)
}

/// A node's receipt of a transaction (`eth_getTransactionReceipt`): its place, and its
/// events that move one thing each.
pub fn of_receipt(tx: &TxId, receipt: &Value) -> Result<Inside, Wrong> {
    let fields = Fields::new(tx.chain, receipt);
    let found = fields.tx(&["transactionHash"])?;
    if found != *tx {
        return Err(format!(
            "asked for transaction {}, given {}",
            tx.hash_text(),
            found.hash_text()
        ));
    }
    let logs = fields.list(&["logs"])?.iter().map(|log| event(tx.chain, log));
    Ok(Inside {
        height: Some(fields.quantity("blockNumber")?),
        tx_index: Some(index(&fields, "transactionIndex")?),
        moved: logs.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect(),
    })
}

fn event(chain: Chain, log: &Value) -> Result<Option<(Equal, Position)>, Wrong> {
    let fields = Fields::new(chain, log);
    let contract = fields.need_address(&["address"])?;
    let bytes = |text: &str| model::hex::decode(text.strip_prefix("0x").unwrap_or(text));
    let word = |topic: &Value| -> Option<[u8; 32]> { bytes(topic.as_str()?)?.try_into().ok() };
    let topics: Option<Vec<[u8; 32]>> = fields.list(&["topics"])?.iter().map(word).collect();
    let topics = topics.ok_or_else(|| missing(&["topics"], "words of 32 bytes"))?;
    let data = bytes(&fields.text(&["data"])?.unwrap_or_default());
    let data = data.ok_or_else(|| missing(&["data"], "bytes in hex"))?;
    let twenty: Option<[u8; 20]> = contract.bytes().try_into().ok();
    let Some(twenty) = twenty else { return Ok(None) };
    let Some(Event::Moved(moved)) = events::read(chain, &twenty, &topics, &data) else {
        return Ok(None);
    };
    let (asset, amount) = match moved.what {
        What::Amount(amount) => (Asset::token(chain, contract), amount),
        What::Nft { id, count } => (Asset { chain, kind: AssetKind::Nft { contract, id } }, count),
    };
    let (from, to) = (moved.from.map(Address::Evm), moved.to.map(Address::Evm));
    let at = Position::Log(index(&fields, "logIndex")?);
    Ok(Some((Equal { from, to, asset, amount }, at)))
}

/// A transaction's calls in Parity's form (`trace_transaction`): those that moved value.
/// Empty where they have no place in the tree, as in other forms.
pub fn of_traces(chain: Chain, traces: &[Value]) -> Result<Inside, Wrong> {
    let mut failed: Vec<Vec<u32>> = Vec::new();
    let mut inside = Inside::default();
    for trace in traces {
        let fields = Fields::new(chain, trace);
        let Some(path) = path(trace) else { return Ok(Inside::default()) };
        if fields.find(&["error"]).is_some() {
            failed.push(path);
            continue;
        }
        // Calls come in the order in which they begin: what failed is above what it undid.
        if failed.iter().any(|above| path.starts_with(above)) {
            continue;
        }
        let Some(equal) = call(chain, &fields)?.filter(|equal| !equal.amount.is_zero()) else {
            continue;
        };
        inside.moved.push((equal, Position::Call(path.into())));
    }
    Ok(inside)
}

fn path(trace: &Value) -> Option<Vec<u32>> {
    let steps = trace.get("traceAddress")?.as_array()?.iter();
    steps.map(|step| u32::try_from(step.as_u64()?).ok()).collect()
}

fn call(chain: Chain, fields: &Fields<'_>) -> Result<Option<Equal>, Wrong> {
    let (from, to, value) = match fields.need(&["type"], "the kind of a call")?.as_str() {
        "call" if fields.text(&["action.callType"])?.is_none_or(|kind| kind == "call") => {
            ("action.from", "action.to", "action.value")
        }
        "create" => ("action.from", "result.address", "action.value"),
        "suicide" | "selfdestruct" => ("action.address", "action.refundAddress", "action.balance"),
        _ => return Ok(None),
    };
    let Some(value) = fields.text(&[value])? else { return Ok(None) };
    let digits = value.strip_prefix("0x").filter(|digits| !digits.is_empty());
    let amount = digits.and_then(|digits| U256::from_str_radix(digits, 16).ok());
    let amount = amount.ok_or_else(|| wrong(&["value"], &value, "a quantity in hex"))?;
    let (from, to) = (fields.address(&[from])?, fields.address(&[to])?);
    Ok(Some(Equal { from, to, asset: Asset::native(chain), amount }))
}

fn index(fields: &Fields<'_>, name: &str) -> Result<u32, Wrong> {
    let number = fields.quantity(name)?;
    u32::try_from(number).map_err(|_| wrong(&[name], &number.to_string(), "a number of 32 bits"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn address(byte: u8) -> String {
        format!("0x{}", model::hex::encode(&[byte; 20]))
    }

    /// A payment in the tree of calls, in Parity's form.
    fn call(path: &[u32], from: u8, to: u8, value: u32) -> Value {
        json!({
            "type": "call", "traceAddress": path, "subtraces": 0, "result": { "gasUsed": "0x1", "output": "0x" },
            "action": { "callType": "call", "from": address(from), "to": address(to), "gas": "0x1",
                        "input": "0x", "value": format!("{value:#x}") },
        })
    }

    fn paths(traces: &[Value]) -> Vec<String> {
        let inside = of_traces(Chain::ETHEREUM, traces).expect("calls");
        inside.moved.iter().map(|(equal, at)| format!("{} {at}", equal.amount)).collect()
    }

    #[test]
    fn what_a_failed_call_undid_has_no_place() {
        let mut failed = call(&[0], 1, 2, 5);
        failed["error"] = "Reverted".into();
        let mut borrowed = call(&[2], 1, 2, 5);
        borrowed["action"]["callType"] = "delegatecall".into();
        let traces = [
            call(&[], 9, 1, 3),
            failed,
            call(&[0, 0], 2, 3, 6),
            call(&[1], 1, 3, 7),
            borrowed,
            call(&[2, 0], 1, 4, 0),
        ];
        assert_eq!(paths(&traces), ["3 call", "7 call_1"]);
    }

    #[test]
    fn another_form_of_calls_tells_nothing() {
        assert!(paths(&[json!({ "type": "CALL", "value": "0x1", "calls": [] })]).is_empty());
    }

    #[test]
    fn a_receipt_of_another_transaction_is_refused() {
        let id = |byte: u8| {
            TxId::parse(&format!("0x{}", model::hex::encode(&[byte; 32])), Chain::ETHEREUM)
        };
        let (asked, given) = (id(1).expect("an id"), id(2).expect("an id"));
        let receipt = json!({
            "transactionHash": given.hash_text(), "blockNumber": "0x1",
            "transactionIndex": "0x0", "logs": [],
        });
        assert!(of_receipt(&asked, &receipt).is_err_and(|what| what.contains("asked for")));
        assert_eq!(of_receipt(&given, &receipt).map(|inside| inside.tx_index), Ok(Some(0)));
    }
}
