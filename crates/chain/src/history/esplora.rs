//! Esplora's HTTP API, as Blockstream and mempool.space serve it: Bitcoin.
//!
//! Transactions come whole, with what their inputs spend. An address's are given
//! newest first, each page after the last transaction of the one before; a list
//! ends where a page is empty, however long the pages are. A walk along outputs
//! needs no addresses at all: who spent an output, and that transaction.
//!
//! Reference: <https://github.com/Blockstream/esplora/blob/master/API.md>.

use model::{
    Address, BitcoinNetwork, Chain, Fact, Input, Outpoint, Output, TxHash, TxId, U256,
    UtxoTransaction,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::ask::{Asker, HistoryError, KeyIn, Options};
use super::json::{Fields, Wrong, missing};
use super::rows::Row;
use super::{Ask, Cursor, History, Horizon, Page};
use crate::source::Kind;

/// Satoshi there can ever be: <https://en.bitcoin.it/wiki/Controlled_supply>.
const SUPPLY: u64 = 21_000_000 * 100_000_000;

pub(super) const UNSEEN: &[&str] = &[];

pub struct Esplora {
    asker: Asker,
    chain: Chain,
    confirmations: u64,
}

/// Who spent the outputs of a transaction, in their order; none while unspent
/// at the horizon.
pub type Spenders = Vec<Option<TxId>>;

impl Esplora {
    /// `url` is what stands before `/tx`: `https://blockstream.info/api`.
    ///
    /// # Errors
    /// When the chain is not one of Bitcoin's or the address is none.
    pub fn new(options: &Options) -> Result<Esplora, HistoryError> {
        let asker = Asker::new(options, KeyIn::Header("authorization"), judge)?;
        if !matches!(options.chain, Chain::Bitcoin(_)) {
            let what = format!("esplora has Bitcoin only, asked for {}", options.chain);
            return Err(asker.error("block-height/0", Kind::Refused(what)));
        }
        Ok(Esplora { asker, chain: options.chain, confirmations: options.confirmations })
    }

    /// One transaction; none where it is not known, or in no block up to the horizon.
    ///
    /// # Errors
    /// When it is another, or cannot be.
    pub async fn transaction(
        &self,
        id: &TxId,
        until: &Horizon,
    ) -> Result<Option<UtxoTransaction>, HistoryError> {
        let answer = match self.asker.get("tx", &format!("tx/{}", id.hash_text())).await {
            Err(HistoryError::Source(error)) if matches!(error.kind, Kind::NotFound) => {
                return Ok(None);
            }
            answer => answer?,
        };
        let tx = self.read(&answer, until).map_err(|what| self.asker.lie("tx", what))?;
        if let Some(tx) = tx.as_ref().filter(|tx| tx.id != *id) {
            let what =
                format!("asked for transaction {}, given {}", id.hash_text(), tx.id.hash_text());
            return Err(self.asker.lie("tx", what));
        }
        Ok(tx)
    }

    /// # Errors
    /// When the answer is not one line an output, or names what cannot be.
    pub async fn spenders(&self, id: &TxId, until: &Horizon) -> Result<Spenders, HistoryError> {
        let method = "outspends";
        let answer = self.asker.get(method, &format!("tx/{}/outspends", id.hash_text())).await?;
        let lines = answer.as_array().ok_or_else(|| self.asker.lie(method, "no list"))?;
        let spender = |line: &Value| -> Result<Option<TxId>, Wrong> {
            let fields = Fields::new(self.chain, line);
            if fields.flag(&["spent"])? != Some(true) {
                return Ok(None);
            }
            let height = fields.whole(&["status.block_height"])?;
            let is_final = height.is_some_and(|height| height <= until.height);
            is_final.then(|| fields.tx(&["txid"])).transpose()
        };
        lines.iter().map(spender).collect::<Result<_, _>>().map_err(|w| self.asker.lie(method, w))
    }

    /// A transaction of a block up to the horizon.
    fn read(&self, value: &Value, until: &Horizon) -> Result<Option<UtxoTransaction>, Wrong> {
        let fields = Fields::new(self.chain, value);
        let status = fields.object(&["status"])?;
        if status.flag(&["confirmed"])? != Some(true) {
            return Ok(None);
        }
        let height = status.need_whole(&["block_height"])?;
        if height > until.height {
            return Ok(None);
        }
        let inputs = fields.list(&["vin"])?;
        let is_coinbase = match inputs {
            [one] => Fields::new(self.chain, one).flag(&["is_coinbase"])? == Some(true),
            _ => false,
        };
        let inputs = if is_coinbase { &[] } else { inputs };
        let tx = UtxoTransaction {
            id: fields.tx(&["txid"])?,
            height: Some(height),
            index: None,
            time: status.seconds(&["block_time"])?,
            block: status.hash(&["block_hash"])?,
            inputs: inputs.iter().map(|input| self.input(input)).collect::<Result<_, _>>()?,
            outputs: fields
                .list(&["vout"])?
                .iter()
                .map(|output| self.output(output))
                .collect::<Result<_, _>>()?,
            is_coinbase,
        };
        let tx = checked(tx)?;
        // It adds up itself, from all inputs and outputs.
        let fee = fields.whole(&["fee"])?.filter(|_| !is_coinbase);
        if fee.is_some_and(|fee| tx.fee() != Some(U256::from(fee))) {
            let name = tx.id.hash_text();
            return Err(format!("transaction {name} whose fee is not what its inputs hold more"));
        }
        Ok(Some(tx))
    }

    fn input(&self, value: &Value) -> Result<Input, Wrong> {
        let fields = Fields::new(self.chain, value);
        let index = fields.whole32(&["vout"])?.ok_or_else(|| missing(&["vout"], "a number"))?;
        let outpoint = Outpoint { tx: fields.tx(&["txid"])?, index };
        let previous = match fields.find(&["prevout"]) {
            Some(previous) => self.output(previous)?,
            None => return Err(missing(&["prevout"], "the output that is spent")),
        };
        Ok(Input { outpoint, previous: Some(previous) })
    }

    fn output(&self, value: &Value) -> Result<Output, Wrong> {
        let fields = Fields::new(self.chain, value);
        let script = fields.find(&["scriptpubkey"]).and_then(Value::as_str);
        let script = script.ok_or_else(|| missing(&["scriptpubkey"], "a script in hex"))?;
        let bytes = model::hex::decode(script);
        let bytes = bytes.ok_or_else(|| "scriptpubkey is not hex".to_string())?;
        let value = fields.need_whole(&["value"])?;
        if value > SUPPLY {
            return Err(format!("an output of {value} satoshi, more than there are"));
        }
        Ok(Output { address: Address::Bitcoin(bytes.into()), value })
    }
}

/// What a transaction pays it must have.
fn checked(tx: UtxoTransaction) -> Result<UtxoTransaction, Wrong> {
    let name = tx.id.hash_text();
    if tx.outputs.is_empty() || (tx.inputs.is_empty() && !tx.is_coinbase) {
        return Err(format!("transaction {name} without inputs or outputs"));
    }
    if tx.block.is_none() {
        return Err(format!("transaction {name} is said to be in a block without a hash"));
    }
    if !tx.is_coinbase && tx.fee().is_none() {
        return Err(format!("transaction {name} pays more than its inputs hold"));
    }
    Ok(tx)
}

impl History for Esplora {
    fn chain(&self) -> Chain {
        self.chain
    }

    fn name(&self) -> String {
        format!("esplora at {}", self.asker.host())
    }

    fn unseen(&self) -> &'static [&'static str] {
        UNSEEN
    }

    async fn horizon(&self) -> Result<Horizon, HistoryError> {
        let first = self.asker.text("block-height/0", "block-height/0").await?;
        let found = network_of(&first).ok_or_else(|| {
            let what = format!("its first block is {first:?}, of no network known");
            self.asker.error("block-height/0", Kind::Refused(what))
        })?;
        if Chain::Bitcoin(found) != self.chain {
            let kind = Kind::WrongChain { expected: self.chain, found: Chain::Bitcoin(found) };
            return Err(self.asker.error("block-height/0", kind));
        }
        let tip = self.asker.text("blocks/tip/height", "blocks/tip/height").await?;
        let tip: u64 = tip
            .parse()
            .map_err(|_| self.asker.lie("blocks/tip/height", format!("{tip:?} is no height")))?;
        let height = tip.saturating_sub(self.confirmations);
        let hash = self.asker.text("block-height", &format!("block-height/{height}")).await?;
        if TxHash::parse(&hash, self.chain).is_none() {
            return Err(self.asker.lie("block-height", format!("{hash:?} is no hash of a block")));
        }
        let block = self.asker.get("block", &format!("block/{hash}")).await?;
        let fields = Fields::new(self.chain, &block);
        let read = || -> Result<Horizon, Wrong> {
            if fields.need_whole(&["height"])? != height {
                return Err(format!("asked for block {height}, given another"));
            }
            Ok(Horizon { height, time: fields.seconds(&["timestamp"])? })
        };
        read().map_err(|what| self.asker.lie("block", what))
    }

    async fn page(&self, ask: &Ask, cursor: &Cursor) -> Result<Page, HistoryError> {
        let method = "address/txs/chain";
        let wrong = |what: Wrong| self.asker.lie(method, what);
        let script = ask.account.address.text(self.chain);
        let whose = whose(&ask.account.address, &script);
        let after = cursor.at.as_deref().map(|at| format!("/{at}")).unwrap_or_default();
        let path = format!("{whose}/txs/chain{after}");
        let answer = self.asker.get(method, &path).await?;
        let given = answer.as_array().ok_or_else(|| wrong("no list".into()))?;
        let (mut rows, mut skipped) = (Vec::new(), Vec::new());
        let mut next = None;
        for value in given {
            let fields = Fields::new(self.chain, value);
            let id = fields.tx(&["txid"]).map_err(wrong)?;
            next = Some(Cursor { list: 0, at: Some(id.hash_text()) });
            let Some(tx) = self.read(value, &ask.until).map_err(wrong)? else {
                skipped.push(id.hash_text());
                continue;
            };
            if ask.after.is_some_and(|after| tx.height.is_some_and(|h| h <= after.height)) {
                next = None;
                break;
            }
            let is_own = |output: &Output| output.address == ask.account.address;
            let inputs = tx.inputs.iter().filter_map(|input| input.previous.as_ref());
            if !inputs.chain(&tx.outputs).any(is_own) {
                let what = format!("transaction {} does not name {script}", id.hash_text());
                return Err(wrong(what));
            }
            let id = Some(id.hash_text());
            rows.push(Row { id, moved: Vec::new(), facts: vec![Fact::Utxo(tx)] });
        }
        Ok(Page { rows, skipped, next, cut: None })
    }
}

/// A script without an address is asked for by its hash.
fn whose(address: &Address, text: &str) -> String {
    if model::hex::encode(address.bytes()) != text {
        return format!("address/{text}");
    }
    format!("scripthash/{}", model::hex::encode(&Sha256::digest(address.bytes())))
}

/// By the first block, whose hash everybody knows.
fn network_of(first: &str) -> Option<BitcoinNetwork> {
    use bitcoin::network::Network;
    let networks = [
        (Network::Bitcoin, BitcoinNetwork::Mainnet),
        (Network::Testnet, BitcoinNetwork::Testnet3),
        (Network::Testnet4, BitcoinNetwork::Testnet4),
        (Network::Signet, BitcoinNetwork::Signet),
        (Network::Regtest, BitcoinNetwork::Regtest),
    ];
    let hash = |network| bitcoin::constants::genesis_block(network).block_hash().to_string();
    networks.into_iter().find(|(network, _)| hash(*network) == first).map(|(_, ours)| ours)
}

/// It answers with data or not at all; what it says in text is in the status.
fn judge(_: &Value) -> Option<Kind> {
    None
}
