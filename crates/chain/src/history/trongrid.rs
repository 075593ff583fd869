//! TronGrid's API v1.
//!
//! Two lists, in rising time up to a bound: transactions with internal ones
//! between them, and TRC-20. A page gives a fingerprint that asks for the next.
//! TRC-20 rows name neither block nor event: their time is the block's. Where that
//! leaves an order open, what the whole block caused is asked for.
//!
//! Reference: <https://developers.tron.network/reference/get-transaction-info-by-account-address>.

use model::{
    Address, Asset, AssetKind, AssetMeta, Chain, Evidence, Fact, Freezable, Oddity, Position,
    TimeSource, Timestamp, Transfer, TransferKind, TxId, U256,
};
use serde_json::{Value, json};

use super::ask::{Asker, HistoryError, KeyIn, Options, escaped};
use super::json::{Fields, Wrong, missing, wrong};
use super::rows::{Inside, Lack, Moved, Place, Row};
use super::{Ask, Cursor, History, Horizon, Page};
use crate::source::Kind;
use crate::tron::inside;

const LISTS: [&str; 2] = ["transactions", "transactions/trc20"];

/// Sun there can be, with room: some 10^17 were made.
const SUN_BITS_MAX: usize = 63;

pub(super) const UNSEEN: &[&str] =
    &["stake and rewards", "TRC-721 tokens", "TRC-10 moved by contracts"];

pub struct TronGrid {
    asker: Asker,
    chain: Chain,
}

impl TronGrid {
    /// `url` is what stands before `/v1`: `https://api.trongrid.io`.
    ///
    /// # Errors
    /// When the chain is not one of Tron's or the address is none.
    pub fn new(options: &Options) -> Result<TronGrid, HistoryError> {
        let asker = Asker::new(options, KeyIn::Header("tron-pro-api-key"), judge)?;
        if !matches!(options.chain, Chain::Tron(_)) {
            let what = format!("trongrid has Tron only, asked for {}", options.chain);
            return Err(asker.error("getblockbynum", Kind::Refused(what)));
        }
        Ok(TronGrid { asker, chain: options.chain })
    }

    fn row(&self, list: usize, ask: &Ask, value: &Value) -> Result<Row, Wrong> {
        let fields = Fields::new(self.chain, value);
        if list == 1 {
            return self.token(ask, &fields);
        }
        match fields.find(&["internal_tx_id"]) {
            Some(_) => self.internal(ask, &fields),
            None => self.plain(ask, &fields),
        }
    }

    fn plain(&self, ask: &Ask, fields: &Fields<'_>) -> Result<Row, Wrong> {
        let about = InTx {
            tx: fields.tx(&["txID"])?,
            height: fields.whole(&["blockNumber"])?,
            time: in_time(ask, fields.millis(&["block_timestamp"])?)?,
        };
        let contract = fields.list(&["raw_data.contract"])?;
        let [contract] = contract else {
            return Err(missing(&["raw_data.contract"], "one contract"));
        };
        let contract = Fields::new(self.chain, contract);
        let kind = contract.need(&["type"], "the kind of a contract")?;
        let said = contract.object(&["parameter.value"])?;
        let owner = self.hex(&said, "owner_address")?;
        let other = match self.hex(&said, "to_address")? {
            Some(to) => Some(to),
            None => self.hex(&said, "contract_address")?,
        };
        let mut row = Row { id: Some(format!("plain {}", about.tx)), ..Row::default() };
        let ret = fields.find(&["ret"]).and_then(Value::as_array).and_then(|ret| ret.first());
        let ret = ret.map(|ret| Fields::new(self.chain, ret));
        let fee = ret.map_or(Ok(None), |ret| ret.base(&["fee"]))?.unwrap_or_default();
        if let Some(owner) = owner.clone().filter(|_| !fee.is_zero()) {
            let mut transfer = about.native(Some(owner), None, fee)?;
            transfer.kind = TransferKind::Fee;
            transfer.position = Position::Fee;
            row.moved.push(Moved { transfer, place: Place::Own, evidence: Evidence::Transaction });
        }
        let result = ret.map_or(Ok(None), |ret| ret.text(&["contractRet"]))?;
        if result.is_some_and(|result| result != "SUCCESS") {
            row.facts.push(Fact::Failed { tx: about.tx });
            return Ok(row);
        }
        let amount = |name| said.base(&[name]).map(Option::unwrap_or_default);
        let moved = match kind.as_str() {
            "TransferContract" => Some((Asset::native(self.chain), amount("amount")?)),
            "TriggerSmartContract" => Some((Asset::native(self.chain), amount("call_value")?)),
            "TransferAssetContract" => Some((self.trc10(&said)?, amount("amount")?)),
            _ => None,
        };
        if let Some((asset, amount)) = moved.filter(|(_, amount)| !amount.is_zero()) {
            let (Some(from), Some(to)) = (owner.clone(), other.clone()) else {
                return Err(missing(&["owner_address", "to_address"], "both ends"));
            };
            let mut transfer = about.native(Some(from), Some(to), amount)?;
            transfer.asset = asset;
            row.moved.push(Moved { transfer, place: Place::Own, evidence: Evidence::Transaction });
            // Other kinds name third addresses in their own ways.
            names(ask, &[owner.as_ref(), other.as_ref()])?;
        }
        Ok(row)
    }

    fn internal(&self, ask: &Ask, fields: &Fields<'_>) -> Result<Row, Wrong> {
        let about = InTx {
            tx: fields.tx(&["tx_id"])?,
            height: None,
            time: in_time(ask, fields.millis(&["block_timestamp"])?)?,
        };
        let id = fields.need(&["internal_tx_id"], "the id of an internal transaction")?;
        let id = Some(format!("internal {id}"));
        let from = self.hex(fields, "from_address")?;
        let to = self.hex(fields, "to_address")?;
        names(ask, &[from.as_ref(), to.as_ref()])?;
        // By coin, TRX under `_`: without it only a TRC-10 token moved.
        let is_by_coin = fields.find(&["data.call_value"]).is_some_and(Value::is_object);
        let name = if is_by_coin { "data.call_value._" } else { "data.call_value" };
        let value = fields.base(&[name])?.unwrap_or_default();
        let is_good = fields.flag(&["data.rejected"])? != Some(true);
        let (Some(from), Some(to)) = (from, to) else { return Ok(Row { id, ..Row::default() }) };
        // Another's code run in the caller's place keeps what it gives, as a node's reader says.
        if value.is_zero() || !is_good || from == to {
            return Ok(Row { id, ..Row::default() });
        }
        let transfer = about.native(Some(from), Some(to), value)?;
        let moved = Moved { transfer, place: Place::Nowhere, evidence: Evidence::Trace };
        Ok(Row { id, moved: vec![moved], facts: Vec::new() })
    }

    fn token(&self, ask: &Ask, fields: &Fields<'_>) -> Result<Row, Wrong> {
        let about = InTx {
            tx: fields.tx(&["transaction_id"])?,
            height: None,
            time: in_time(ask, fields.millis(&["block_timestamp"])?)?,
        };
        let (from, to) = (fields.need_address(&["from"])?, fields.need_address(&["to"])?);
        names(ask, &[Some(&from), Some(&to)])?;
        // Approvals stand between the transfers.
        if fields.text(&["type"])?.as_deref() != Some("Transfer") {
            return Ok(Row::default());
        }
        // Of tokens it does not know it says nothing, not even which they are.
        let Some(contract) = fields.address(&["token_info.address"])? else {
            let at = format!("{}, transaction {}", self.chain, about.tx.hash_text());
            let what = "a token moved and the provider does not say which".to_string();
            let odd = Fact::Oddity(Oddity { at, what, transfer: None });
            return Ok(Row { facts: vec![odd], ..Row::default() });
        };
        let asset = Asset::token(self.chain, contract);
        let decimals = fields.whole(&["token_info.decimals"])?.and_then(|d| u8::try_from(d).ok());
        let symbol = fields.text(&["token_info.symbol"])?;
        let mut transfer = about.native(Some(from), Some(to), U256::ZERO)?;
        (transfer.from, transfer.to) =
            (transfer.from.and_then(somebody), transfer.to.and_then(somebody));
        transfer.amount = fields.need_base(&["value"])?;
        transfer.asset = asset.clone();
        let meta = AssetMeta { asset, symbol, decimals, freezable: Freezable::Unknown };
        let moved = Moved { transfer, place: Place::Nowhere, evidence: Evidence::Log };
        Ok(Row { id: None, moved: vec![moved], facts: vec![Fact::Asset(meta)] })
    }

    async fn height_of(&self, tx: &TxId) -> Result<Option<u64>, HistoryError> {
        let method = "gettransactioninfobyid";
        let path = format!("walletsolidity/{method}");
        let info = self.asker.post(method, &path, &json!({ "value": tx.hash_text() })).await?;
        inside::height(&info.to_string()).map_err(|lie| self.asker.error(method, Kind::from(lie)))
    }

    /// In hex with its 41, as the lists of transactions write it.
    fn hex(&self, fields: &Fields<'_>, name: &str) -> Result<Option<Address>, Wrong> {
        let Some(text) = fields.text(&[name])? else { return Ok(None) };
        let bytes = model::hex::decode(&text).and_then(|bytes| {
            let twenty: Option<[u8; 20]> = bytes.strip_prefix(&[0x41])?.try_into().ok();
            twenty.map(Address::Tron)
        });
        bytes
            .or_else(|| Address::parse(&text, self.chain).ok())
            .map(Some)
            .ok_or_else(|| wrong(&[name], &text, "an address of this chain"))
    }

    fn trc10(&self, said: &Fields<'_>) -> Result<Asset, Wrong> {
        let text = said.need(&["asset_name"], "the number of a TRC-10 token")?;
        let digits = match text.bytes().all(|b| b.is_ascii_digit()) && text.len() == 7 {
            true => text.clone(),
            false => model::hex::decode(&text)
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .unwrap_or_default(),
        };
        let id = digits.parse().map_err(|_| wrong(&["asset_name"], &text, "a number"))?;
        Ok(Asset { chain: self.chain, kind: AssetKind::Trc10(id) })
    }

    fn block(
        &self,
        method: &'static str,
        block: &Value,
    ) -> Result<(Horizon, String), HistoryError> {
        let fields = Fields::new(self.chain, block);
        let read = || -> Result<(Horizon, String), Wrong> {
            let header = fields.object(&["block_header.raw_data"])?;
            // The first block leaves its zeros out.
            let height = header.whole(&["number"])?.unwrap_or(0);
            let time = match header.find(&["timestamp"]) {
                Some(_) => header.millis(&["timestamp"])?,
                None => Timestamp::UNIX_EPOCH,
            };
            Ok((Horizon { height, time }, fields.need(&["blockID"], "the id of a block")?))
        };
        read().map_err(|what| self.asker.lie(method, what))
    }
}

#[derive(Clone, Copy)]
struct InTx {
    tx: TxId,
    height: Option<u64>,
    time: Timestamp,
}

impl InTx {
    fn native(
        &self,
        from: Option<Address>,
        to: Option<Address>,
        amount: U256,
    ) -> Result<Transfer, Wrong> {
        if amount.bit_len() > SUN_BITS_MAX {
            return Err(format!("{amount} sun cannot be"));
        }
        Ok(Transfer {
            tx: self.tx,
            position: Position::Call(Box::new([])),
            height: self.height,
            tx_index: None,
            time: self.time,
            time_source: TimeSource::Stated,
            from,
            to,
            asset: Asset::native(self.tx.chain),
            amount,
            kind: TransferKind::Value,
        })
    }
}

impl History for TronGrid {
    fn chain(&self) -> Chain {
        self.chain
    }

    fn name(&self) -> String {
        format!("trongrid at {}", self.asker.host())
    }

    fn unseen(&self) -> &'static [&'static str] {
        UNSEEN
    }

    async fn horizon(&self) -> Result<Horizon, HistoryError> {
        let zero = json!({ "num": 0 });
        let first = self.asker.post("getblockbynum", "wallet/getblockbynum", &zero).await?;
        let (_, id) = self.block("getblockbynum", &first)?;
        let end = id.get(id.len().saturating_sub(8)..).unwrap_or_default();
        let found: Option<Chain> = format!("tron:0x{end}").parse().ok();
        match found {
            Some(found) if found == self.chain => {}
            Some(found) => {
                let kind = Kind::WrongChain { expected: self.chain, found };
                return Err(self.asker.error("getblockbynum", kind));
            }
            None => {
                let what = format!("its first block is {id}, of no network known");
                return Err(self.asker.error("getblockbynum", Kind::Refused(what)));
            }
        }
        let solid =
            self.asker.post("getnowblock", "walletsolidity/getnowblock", &json!({})).await?;
        Ok(self.block("getnowblock", &solid)?.0)
    }

    async fn page(&self, ask: &Ask, cursor: &Cursor) -> Result<Page, HistoryError> {
        let Some(&list) = LISTS.get(cursor.list) else {
            return Ok(Page::default());
        };
        let wrong = |what: Wrong| self.asker.lie(list, what);
        let address = ask.account.address.text(self.chain);
        let first = ask.after.map_or(0, |after| after.time.as_millisecond().saturating_add(1));
        let last = ask.until.time.as_millisecond();
        let mut path = format!(
            "v1/accounts/{address}/{list}?only_confirmed=true&limit=200&order_by=block_timestamp,asc&min_timestamp={first}&max_timestamp={last}"
        );
        if let Some(at) = &cursor.at {
            path += &format!("&fingerprint={}", escaped(at));
        }
        let answer = self.asker.get(list, &path).await?;
        let answer = Fields::new(self.chain, &answer);
        let given = answer.list(&["data"]).map_err(wrong)?;
        let rows = given.iter().map(|value| self.row(cursor.list, ask, value));
        let rows = rows.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        let at = answer.text(&["meta.fingerprint"]).map_err(wrong)?;
        let next_list = Some(Cursor { list: cursor.list + 1, at: None });
        let next = match at {
            Some(at) => Some(Cursor { list: cursor.list, at: Some(at) }),
            None => next_list.filter(|next| next.list < LISTS.len()),
        };
        Ok(Page { rows, next, ..Page::default() })
    }

    /// Places in a block are told by the whole block only.
    async fn inside(&self, lack: &Lack) -> Result<Inside, HistoryError> {
        let height = match lack.height {
            Some(height) => height,
            None => match self.height_of(&lack.tx).await? {
                Some(height) => height,
                None => return Ok(Inside::default()),
            },
        };
        let method = "gettransactioninfobyblocknum";
        let path = format!("walletsolidity/{method}");
        let infos = self.asker.post(method, &path, &json!({ "num": height })).await?;
        let told = inside::of(&lack.tx, &infos.to_string());
        let told = told.map_err(|lie| self.asker.error(method, Kind::from(lie)))?;
        let told = told.ok_or_else(|| {
            let what = format!("block {height} without transaction {}", lack.tx.hash_text());
            self.asker.lie(method, what)
        })?;
        Ok(Inside { height: Some(height), tx_index: Some(told.tx_index), moved: told.moved })
    }
}

/// Is a row of the part of time asked for?
fn in_time(ask: &Ask, time: Timestamp) -> Result<Timestamp, Wrong> {
    let is_known = ask.after.is_some_and(|after| time <= after.time);
    if is_known || time > ask.until.time {
        return Err(format!("a row of {time}, outside the time asked for"));
    }
    Ok(time)
}

fn names(ask: &Ask, ends: &[Option<&Address>]) -> Result<(), Wrong> {
    super::evm::names(&ask.account, ends)
}

fn somebody(address: Address) -> Option<Address> {
    super::evm::somebody(address)
}

fn judge(answer: &Value) -> Option<Kind> {
    let said = ["error", "Error", "message"].iter().find_map(|name| answer.get(name)?.as_str());
    let is_list = answer.is_array() || answer.as_object().is_some_and(serde_json::Map::is_empty);
    let is_answer =
        is_list || ["data", "blockID", "id"].iter().any(|name| answer.get(name).is_some());
    if is_answer && answer.get("success").and_then(Value::as_bool) != Some(false) {
        return None;
    }
    let what = said.unwrap_or("no answer");
    let lower = what.to_ascii_lowercase();
    if lower.contains("exceeds") || lower.contains("suspended") || lower.contains("too many") {
        return Some(Kind::RateLimited { after: None });
    }
    Some(Kind::Refused(what.to_string()))
}
