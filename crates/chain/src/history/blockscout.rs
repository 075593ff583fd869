//! Blockscout's API v2, which every instance serves under `/api/v2`.
//!
//! Three lists, newest first: transactions, internal value, tokens. What
//! identifies a row is in it, so that rows pushed from one page to the next by
//! new ones are known again. An answer names the page after it.
//!
//! Reference: <https://docs.blockscout.com/devs/apis/rest>.

use model::{Chain, Evidence, Fact, Oddity, U256};
use serde_json::{Value, json};

use super::ask::{Asker, HistoryError, KeyIn, Options, escaped};
use super::evm::{InTx, Token, names, of_traces};
use super::json::{Fields, Wrong, missing};
use super::rows::{Inside, Lack, Moved, Place, Row};
use super::{Ask, Cursor, History, Horizon, Page};
use crate::source::Kind;

const LISTS: [&str; 3] = ["transactions", "internal-transactions", "token-transfers"];

pub(super) const UNSEEN: &[&str] = &["block rewards and validators' withdrawals"];

pub struct Blockscout {
    asker: Asker,
    chain: Chain,
    chain_id: u64,
    confirmations: u64,
}

impl Blockscout {
    /// `url` is the instance: `https://eth.blockscout.com`.
    ///
    /// # Errors
    /// When the chain is none of the EVM's or the address is none.
    pub fn new(options: &Options) -> Result<Blockscout, HistoryError> {
        let asker = Asker::new(options, KeyIn::Query("apikey"), judge)?;
        let Chain::Evm(chain_id) = options.chain else {
            let what = format!("blockscout has EVM chains only, asked for {}", options.chain);
            return Err(asker.error("eth_chainId", Kind::Refused(what)));
        };
        Ok(Blockscout {
            asker,
            chain: options.chain,
            chain_id,
            confirmations: options.confirmations,
        })
    }

    async fn rpc(&self, method: &'static str, params: Value) -> Result<Value, HistoryError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut answer = self.asker.post(method, "api/eth-rpc", &body).await?;
        Ok(answer["result"].take())
    }

    fn row(&self, list: usize, ask: &Ask, fields: &Fields<'_>) -> Result<Placed, Wrong> {
        let about = InTx {
            tx: fields.tx(&["transaction_hash", "tx_hash", "hash"])?,
            height: fields.need_whole(&["block_number", "block"])?,
            tx_index: fields.whole32(&["position", "transaction_index"])?,
            time: fields.stamp(&["timestamp"])?,
        };
        if about.height > ask.until.height || !about.is_asked(ask)? {
            return Ok(Placed { height: about.height, row: None });
        }
        let row = match list {
            0 => plain(ask, &about, fields)?,
            1 => internal(ask, &about, fields)?,
            _ => token(ask, &about, fields)?,
        };
        Ok(Placed { height: about.height, row: Some(row) })
    }
}

struct Placed {
    height: u64,
    row: Option<Row>,
}

impl History for Blockscout {
    fn chain(&self) -> Chain {
        self.chain
    }

    fn name(&self) -> String {
        format!("blockscout at {}", self.asker.host())
    }

    fn unseen(&self) -> &'static [&'static str] {
        UNSEEN
    }

    async fn horizon(&self) -> Result<Horizon, HistoryError> {
        let wrong = |method, what: &str| self.asker.lie(method, what);
        let id = quantity(&self.rpc("eth_chainId", json!([])).await?);
        let found = id.ok_or_else(|| wrong("eth_chainId", "no number of a chain"))?;
        if found != self.chain_id {
            let kind = Kind::WrongChain { expected: self.chain, found: Chain::Evm(found) };
            return Err(self.asker.error("eth_chainId", kind));
        }
        let tip = quantity(&self.rpc("eth_blockNumber", json!([])).await?);
        let tip = tip.ok_or_else(|| wrong("eth_blockNumber", "no height of a block"))?;
        let height = tip.saturating_sub(self.confirmations);
        let path = format!("api/v2/blocks/{height}");
        let block = self.asker.get("blocks", &path).await?;
        let fields = Fields::new(self.chain, &block);
        let read = || -> Result<Horizon, Wrong> {
            if fields.need_whole(&["height"])? != height {
                return Err(format!("asked for block {height}, given another"));
            }
            Ok(Horizon { height, time: fields.stamp(&["timestamp"])? })
        };
        read().map_err(|what| wrong("blocks", &what))
    }

    async fn page(&self, ask: &Ask, cursor: &Cursor) -> Result<Page, HistoryError> {
        let Some(&list) = LISTS.get(cursor.list) else {
            return Ok(Page::default());
        };
        let address = ask.account.address.text(self.chain);
        let query = cursor.at.as_deref().map(|at| format!("?{at}")).unwrap_or_default();
        let path = format!("api/v2/addresses/{address}/{list}{query}");
        let answer = self.asker.get(list, &path).await?;
        let next_list =
            Some(Cursor { list: cursor.list + 1, at: None }).filter(|next| next.list < LISTS.len());
        // It knows no such address: nothing ever happened there.
        if answer.get("items").is_none() && is_not_found(&answer) {
            return Ok(Page { next: next_list, ..Page::default() });
        }
        let answer = Fields::new(self.chain, &answer);
        let wrong = |what: Wrong| self.asker.lie(list, what);
        let (mut rows, mut skipped) = (Vec::new(), Vec::new());
        let mut is_at_known = false;
        for value in answer.list(&["items"]).map_err(wrong)? {
            let fields = Fields::new(self.chain, value);
            if !value.is_object() {
                return Err(wrong(missing(&["items"], "an object for each row")));
            }
            // A transaction that waits stands in no block yet, and a reward in none of these
            // fields. Any other row says its block, or is of a server too old to.
            if cursor.list == 0 && fields.find(&["block_number", "block"]).is_none() {
                continue;
            }
            let placed = self.row(cursor.list, ask, &fields).map_err(wrong)?;
            is_at_known |= ask.after.is_some_and(|after| placed.height <= after.height);
            match placed.row {
                Some(row) => rows.push(row),
                None => skipped.push(value.to_string()),
            }
        }
        let next = match answer.find(&["next_page_params"]) {
            Some(params) if !is_at_known => {
                let at = query_of(params).map_err(wrong)?;
                Some(Cursor { list: cursor.list, at: Some(at) })
            }
            _ => next_list,
        };
        Ok(Page { rows, skipped, next, cut: None })
    }

    /// Its own number of a call is that of all calls, which does not say where in the tree.
    async fn inside(&self, lack: &Lack) -> Result<Inside, HistoryError> {
        let path = format!("api/v2/transactions/{}", lack.tx.hash_text());
        let mut inside = Inside::default();
        if lack.calls {
            let method = "raw-trace";
            let answer = self.asker.get(method, &format!("{path}/{method}")).await?;
            let traces = answer.as_array().map(Vec::as_slice).unwrap_or_default();
            let wrong = |what: Wrong| self.asker.lie(method, what);
            inside = of_traces(self.chain, traces).map_err(wrong)?;
        }
        if lack.place {
            let answer = self.asker.get("transactions", &path).await?;
            let fields = Fields::new(self.chain, &answer);
            let mut read = || -> Result<(), Wrong> {
                if fields.tx(&["hash"])? != lack.tx {
                    return Err(format!("asked for {}, given another", lack.tx.hash_text()));
                }
                inside.height = fields.whole(&["block_number", "block"])?;
                inside.tx_index = fields.whole32(&["position"])?;
                Ok(())
            };
            read().map_err(|what| self.asker.lie("transactions", what))?;
        }
        Ok(inside)
    }
}

fn plain(ask: &Ask, about: &InTx, fields: &Fields<'_>) -> Result<Row, Wrong> {
    let id = Some(format!("plain {}", about.tx));
    let from = fields.need_address(&["from.hash"])?;
    let to = fields.address(&["to.hash", "created_contract.hash"])?;
    names(&ask.account, &[Some(&from), to.as_ref()])?;
    let mut row = Row { id, ..Row::default() };
    // With what a rollup takes for posting it to another chain.
    if let Some(fee) = fields.base(&["fee.value"])?.filter(|fee| !fee.is_zero()) {
        row.moved.push(about.fee(from.clone(), fee)?);
    }
    if fields.text(&["status"])?.as_deref() == Some("error") {
        row.facts.push(Fact::Failed { tx: about.tx });
        return Ok(row);
    }
    let value = fields.need_base(&["value"])?;
    if !value.is_zero() {
        let to = to.ok_or_else(|| missing(&["to.hash"], "an address"))?;
        let transfer = about.native(from, to, value)?;
        row.moved.push(Moved { transfer, place: Place::Own, evidence: Evidence::Transaction });
    }
    Ok(row)
}

fn internal(ask: &Ask, about: &InTx, fields: &Fields<'_>) -> Result<Row, Wrong> {
    let index = fields.need_whole(&["index"])?;
    let id = Some(format!("internal {} {index}", about.tx));
    let from = fields.need_address(&["from.hash"])?;
    let to = fields.address(&["to.hash", "created_contract.hash"])?;
    names(&ask.account, &[Some(&from), to.as_ref()])?;
    let kind = fields.text(&["type"])?.unwrap_or_default();
    // The first is the transaction itself, which the other list gives with its fee.
    let is_moving = index > 0
        && !matches!(kind.as_str(), "delegatecall" | "callcode" | "staticcall" | "reward");
    let value = fields.base(&["value"])?.unwrap_or_default();
    let is_good = fields.flag(&["success"])?.unwrap_or(true);
    let Some(to) = to.filter(|_| is_moving && is_good && !value.is_zero()) else {
        return Ok(Row { id, ..Row::default() });
    };
    let transfer = about.native(from, to, value)?;
    let moved = Moved { transfer, place: Place::Nowhere, evidence: Evidence::Trace };
    Ok(Row { id, moved: vec![moved], facts: Vec::new() })
}

fn token(ask: &Ask, about: &InTx, fields: &Fields<'_>) -> Result<Row, Wrong> {
    let log = fields.whole32(&["log_index"])?;
    let log = log.ok_or_else(|| missing(&["log_index"], "the index of an event"))?;
    let from = fields.need_address(&["from.hash"])?;
    let to = fields.need_address(&["to.hash"])?;
    names(&ask.account, &[Some(&from), Some(&to)])?;
    let kind = fields.text(&["token_type", "token.type"])?.unwrap_or_default();
    let id = |asset: &str| Some(format!("token {} {log} {asset}", about.tx));
    // Amounts of some are secret, of others nobody read.
    let is_read = matches!(kind.as_str(), "ERC-20" | "ERC-721" | "ERC-1155" | "ERC-404");
    if !is_read || fields.find(&["total"]).is_none() {
        let what = format!("log {log} moved a token of kind {kind:?} whose amount is not told");
        let at = format!(
            "block {} of {}, transaction {}",
            about.height,
            about.tx.chain,
            about.tx.hash_text()
        );
        let odd = Fact::Oddity(Oddity { at, what, transfer: None });
        return Ok(Row { id: id(&kind), moved: Vec::new(), facts: vec![odd] });
    }
    let is_fungible = kind == "ERC-20";
    let decimals = fields.whole(&["token.decimals", "total.decimals"])?;
    let token = Token {
        contract: fields.need_address(&["token.address_hash", "token.address"])?,
        symbol: fields.text(&["token.symbol"])?.filter(|_| is_fungible),
        decimals: decimals.and_then(|d| u8::try_from(d).ok()).filter(|_| is_fungible),
    };
    let transfer = match kind.as_str() {
        "ERC-20" => about.token(from, to, &token, fields.need_base(&["total.value"])?),
        "ERC-721" => {
            about.nft(from, to, &token, fields.need_base(&["total.token_id"])?, U256::from(1))
        }
        _ => {
            let count = fields.base(&["total.value"])?.unwrap_or(U256::from(1));
            match fields.base(&["total.token_id"])? {
                Some(id) => about.nft(from, to, &token, id, count),
                None => about.token(from, to, &token, count),
            }
        }
    };
    let id = id(&transfer.asset.to_string());
    let moved = Moved { transfer, place: Place::Log(log), evidence: Evidence::Log };
    Ok(Row { id, moved: vec![moved], facts: token.meta(about.tx.chain).into_iter().collect() })
}

/// The next page's parameters, in the order of their names.
fn query_of(params: &Value) -> Result<String, Wrong> {
    let params = params.as_object().ok_or_else(|| missing(&["next_page_params"], "an object"))?;
    let mut parts = Vec::new();
    for (name, value) in params {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            other => return Err(format!("next_page_params.{name} is {other}, expected a value")),
        };
        parts.push(format!("{}={}", escaped(name), escaped(&text)));
    }
    parts.sort();
    Ok(parts.join("&"))
}

fn is_not_found(answer: &Value) -> bool {
    answer.get("message").and_then(Value::as_str) == Some("Not found")
}

fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

fn judge(answer: &Value) -> Option<Kind> {
    let error = answer.get("error").filter(|error| !error.is_null());
    if let Some(error) = error {
        let what = error.get("message").and_then(Value::as_str).or(error.as_str());
        return Some(Kind::Refused(what.unwrap_or("an error").to_string()));
    }
    let names = ["items", "result", "height", "hash"];
    let is_answer = answer.is_array() || names.iter().any(|name| answer.get(name).is_some());
    if is_answer || is_not_found(answer) {
        return None;
    }
    let what = answer.get("message").and_then(Value::as_str).unwrap_or("no answer").to_string();
    if what.to_ascii_lowercase().contains("too many requests") {
        return Some(Kind::RateLimited { after: None });
    }
    Some(Kind::Refused(what))
}
