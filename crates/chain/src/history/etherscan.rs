//! Etherscan's API v2, and what answers like it.
//!
//! Five lists: transactions, internal value, ERC-20, ERC-721, ERC-1155. Each is
//! asked for in rising blocks between two bounds, so that nothing new can push
//! rows from one page to the next. A page is taken as whole but for its last
//! block, from which the next one begins again: so neither a page shorter than
//! asked for, nor the window of 10,000 rows beyond which no page is given,
//! leaves a gap, unless a single block fills it. Rows of tokens do not say which event
//! they are: where that decides, the receipt is asked for.
//!
//! Reference: <https://docs.etherscan.io/api-reference/endpoint/txlist>.

use model::{Address, Chain, Evidence, Fact, U256};
use serde_json::Value;

use super::ask::{Asker, HistoryError, KeyIn, Options};
use super::evm::{InTx, Token, names, of_receipt};
use super::json::{Fields, Wrong, missing};
use super::rows::{Inside, Lack, Moved, Place, Row};
use super::{Ask, Cursor, History, Horizon, Page};
use crate::source::Kind;

const LISTS: [List; 5] = [List::Plain, List::Internal, List::Erc20, List::Erc721, List::Erc1155];

/// Rows of a page: what every plan allows.
const PAGE: usize = 1000;
/// Rows behind one bound of blocks that are ever given.
const WINDOW: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Plain,
    Internal,
    Erc20,
    Erc721,
    Erc1155,
}

pub(super) const UNSEEN: &[&str] = &["block rewards and validators' withdrawals"];

pub struct Etherscan {
    asker: Asker,
    chain: Chain,
    chain_id: u64,
    confirmations: u64,
}

impl Etherscan {
    /// `url` is what stands before the query: `https://api.etherscan.io/v2/api`.
    ///
    /// # Errors
    /// When the chain is none of the EVM's or the address is none.
    pub fn new(options: &Options) -> Result<Etherscan, HistoryError> {
        let asker = Asker::new(options, KeyIn::Query("apikey"), judge)?;
        let Chain::Evm(chain_id) = options.chain else {
            let what = format!("etherscan has EVM chains only, asked for {}", options.chain);
            return Err(asker.error("chainid", Kind::Refused(what)));
        };
        Ok(Etherscan {
            asker,
            chain: options.chain,
            chain_id,
            confirmations: options.confirmations,
        })
    }

    async fn get(&self, method: &'static str, query: &str) -> Result<Value, HistoryError> {
        let path = format!("?chainid={}&{query}", self.chain_id);
        self.asker.get(method, &path).await
    }

    fn row(&self, list: List, ask: &Ask, value: &Value) -> Result<(u64, Option<Row>), Wrong> {
        let fields = Fields::new(self.chain, value);
        let about = InTx {
            tx: fields.tx(&["hash", "transactionHash"])?,
            height: fields.need_whole(&["blockNumber"])?,
            tx_index: fields.whole32(&["transactionIndex"])?,
            time: fields.seconds(&["timeStamp"])?,
        };
        if !about.is_asked(ask)? {
            return Err(format!("a row of block {}, outside the blocks asked for", about.height));
        }
        let row = match list {
            List::Plain => self.plain(ask, &about, &fields)?,
            List::Internal => internal(ask, &about, &fields)?,
            List::Erc20 | List::Erc721 | List::Erc1155 => token(list, ask, &about, &fields)?,
        };
        Ok((about.height, Some(row)))
    }

    fn plain(&self, ask: &Ask, about: &InTx, fields: &Fields<'_>) -> Result<Row, Wrong> {
        let from = fields.need_address(&["from"])?;
        let to = receiver(fields)?;
        names(&ask.account, &[Some(&from), Some(&to)])?;
        let mut row = Row::default();
        if let Some(fee) = self.fee(fields)?.filter(|fee| !fee.is_zero()) {
            row.moved.push(about.fee(from.clone(), fee)?);
        }
        if has_failed(fields)? {
            row.facts.push(Fact::Failed { tx: about.tx });
            return Ok(row);
        }
        let value = fields.need_base(&["value"])?;
        if !value.is_zero() {
            let transfer = about.native(from, to, value)?;
            row.moved.push(Moved { transfer, place: Place::Own, evidence: Evidence::Transaction });
        }
        Ok(row)
    }

    /// Gas times its price is the whole fee only where nothing is paid for posting to
    /// another chain.
    fn fee(&self, fields: &Fields<'_>) -> Result<Option<U256>, Wrong> {
        const WHOLE: [u64; 6] = [1, 56, 100, 137, 42_161, 43_114];
        let (Some(used), Some(price)) = (fields.base(&["gasUsed"])?, fields.base(&["gasPrice"])?)
        else {
            return Ok(None);
        };
        if !WHOLE.contains(&self.chain_id) {
            return Ok(None);
        }
        let fee = used.checked_mul(price);
        fee.map(Some).ok_or_else(|| "gas times its price does not fit 256 bits".to_string())
    }

    fn bad(&self, list: List, what: &str) -> HistoryError {
        self.asker.lie(list.action(), what)
    }
}

impl History for Etherscan {
    fn chain(&self) -> Chain {
        self.chain
    }

    fn name(&self) -> String {
        format!("etherscan at {}", self.asker.host())
    }

    fn unseen(&self) -> &'static [&'static str] {
        UNSEEN
    }

    async fn horizon(&self) -> Result<Horizon, HistoryError> {
        let method = "eth_getBlockByNumber";
        let wrong = |what: Wrong| self.asker.lie(method, what);
        let tip = self.get("eth_blockNumber", "module=proxy&action=eth_blockNumber").await?;
        let tip = quantity(&tip["result"]).ok_or_else(|| wrong("no height of a block".into()))?;
        let height = tip.saturating_sub(self.confirmations);
        let query =
            format!("module=proxy&action=eth_getBlockByNumber&tag=0x{height:x}&boolean=true");
        let block = self.get(method, &query).await?;
        let block = &block["result"];
        if quantity(&block["number"]) != Some(height) {
            return Err(wrong(format!("asked for block {height}, given another")));
        }
        let seconds = quantity(&block["timestamp"]).and_then(|s| i64::try_from(s).ok());
        let time = seconds.and_then(|s| model::Timestamp::from_second(s).ok());
        let time = time.ok_or_else(|| wrong("a block without its time".into()))?;
        let txs = block["transactions"].as_array().map(Vec::as_slice).unwrap_or_default();
        // Old transactions do not name their chain.
        if let Some(found) = txs.iter().find_map(|tx| quantity(&tx["chainId"]))
            && found != self.chain_id
        {
            let kind = Kind::WrongChain { expected: self.chain, found: Chain::Evm(found) };
            return Err(self.asker.error(method, kind));
        }
        Ok(Horizon { height, time })
    }

    async fn page(&self, ask: &Ask, cursor: &Cursor) -> Result<Page, HistoryError> {
        let Some(&list) = LISTS.get(cursor.list) else {
            return Ok(Page::default());
        };
        let first = ask.after.map_or(0, |after| after.height.saturating_add(1));
        let at = At::read(cursor.at.as_deref(), first);
        let address = ask.account.address.text(self.chain);
        let query = format!(
            "module=account&action={}&address={address}&startblock={}&endblock={}&page={}&offset={PAGE}&sort=asc",
            list.action(),
            at.block,
            ask.until.height,
            at.page
        );
        let answer = self.get(list.action(), &query).await?;
        let given = answer["result"].as_array().ok_or_else(|| self.bad(list, "no list of rows"))?;
        if given.len() > PAGE {
            return Err(self.bad(list, "more rows than were asked for"));
        }
        let mut rows = Vec::new();
        for value in given {
            let (height, row) = self.row(list, ask, value).map_err(|w| self.bad(list, &w))?;
            if rows.last().is_some_and(|(last, _)| *last > height) || height < at.block {
                return Err(self.bad(list, "rows out of the order of blocks asked for"));
            }
            rows.push((height, row));
        }
        Ok(at.page_of(rows, cursor.list, ask.until.height))
    }

    /// A receipt tells place and events. What tells calls apart, their number in a tree
    /// counted in a way of its own, is no place a node would give.
    async fn inside(&self, lack: &Lack) -> Result<Inside, HistoryError> {
        if !(lack.place || lack.logs) {
            return Ok(Inside::default());
        }
        let method = "eth_getTransactionReceipt";
        let hash = lack.tx.hash_text();
        let query = format!("module=proxy&action={method}&txhash={hash}");
        let answer = self.get(method, &query).await?;
        if answer["result"].is_null() {
            return Ok(Inside::default());
        }
        of_receipt(&lack.tx, &answer["result"]).map_err(|what| self.asker.lie(method, what))
    }
}

/// Which part of a list a page is.
#[derive(Clone, Copy)]
struct At {
    block: u64,
    /// Only within a block that fills whole pages.
    page: usize,
}

impl At {
    fn read(text: Option<&str>, first: u64) -> At {
        let read = || {
            let (block, page) = text?.split_once('/')?;
            Some(At { block: block.parse().ok()?, page: page.parse().ok()? })
        };
        read().unwrap_or(At { block: first, page: 1 })
    }

    fn page_of(self, mut rows: Vec<(u64, Option<Row>)>, list: usize, until: u64) -> Page {
        let next_list =
            Some(Cursor { list: list + 1, at: None }).filter(|_| list + 1 < LISTS.len());
        let cursor = |at: At| Some(Cursor { list, at: Some(format!("{}/{}", at.block, at.page)) });
        let is_full = rows.len() >= PAGE;
        let last = rows.last().map(|(height, _)| *height);
        let mut cut = None;
        let next = match last {
            // The block the page began with, and only that.
            Some(last) if last == self.block && is_full => {
                if (self.page + 1) * PAGE <= WINDOW {
                    cursor(At { page: self.page + 1, ..self })
                } else {
                    cut = Some("more than 10,000 rows of one block");
                    cursor(At { block: last + 1, page: 1 })
                }
            }
            None => next_list,
            Some(last) if last == self.block && last >= until => next_list,
            // Where pages are shorter than asked for, one that ends with its first block
            // need not be the last.
            Some(last) if last == self.block => cursor(At { block: last + 1, page: 1 }),
            Some(last) => {
                if self.page == 1 {
                    rows.retain(|(height, _)| *height < last);
                } else {
                    // The rest of a block that filled pages, and what comes after it.
                    rows.retain(|(height, _)| *height == self.block);
                }
                let block = if self.page == 1 { last } else { self.block + 1 };
                cursor(At { block, page: 1 })
            }
        };
        Page {
            rows: rows.into_iter().filter_map(|(_, row)| row).collect(),
            next,
            cut,
            skipped: Vec::new(),
        }
    }
}

impl List {
    fn action(self) -> &'static str {
        match self {
            List::Plain => "txlist",
            List::Internal => "txlistinternal",
            List::Erc20 => "tokentx",
            List::Erc721 => "tokennfttx",
            List::Erc1155 => "token1155tx",
        }
    }
}

fn internal(ask: &Ask, about: &InTx, fields: &Fields<'_>) -> Result<Row, Wrong> {
    let from = fields.need_address(&["from"])?;
    let Some(to) = fields.address(&["to", "contractAddress"])? else {
        return Ok(Row::default());
    };
    names(&ask.account, &[Some(&from), Some(&to)])?;
    let value = fields.need_base(&["value"])?;
    let is_moving = !matches!(
        fields.text(&["type"])?.as_deref(),
        Some("delegatecall" | "callcode" | "staticcall")
    );
    if value.is_zero() || !is_moving || has_failed(fields)? {
        return Ok(Row::default());
    }
    // Its number in the tree of calls is given, but not counted as nodes do.
    let transfer = about.native(from, to, value)?;
    let moved = Moved { transfer, place: Place::Nowhere, evidence: Evidence::Trace };
    Ok(Row { moved: vec![moved], ..Row::default() })
}

fn token(list: List, ask: &Ask, about: &InTx, fields: &Fields<'_>) -> Result<Row, Wrong> {
    let from = fields.need_address(&["from"])?;
    let to = fields.need_address(&["to"])?;
    names(&ask.account, &[Some(&from), Some(&to)])?;
    let decimals = fields.whole(&["tokenDecimal"])?.and_then(|d| u8::try_from(d).ok());
    let token = Token {
        contract: fields.need_address(&["contractAddress"])?,
        symbol: fields.text(&["tokenSymbol"])?.filter(|_| list == List::Erc20),
        decimals: decimals.filter(|_| list == List::Erc20),
    };
    let transfer = match list {
        List::Erc721 => about.nft(from, to, &token, fields.need_base(&["tokenID"])?, U256::from(1)),
        List::Erc1155 => {
            let count = fields.need_base(&["tokenValue"])?;
            about.nft(from, to, &token, fields.need_base(&["tokenID"])?, count)
        }
        _ => about.token(from, to, &token, fields.need_base(&["value"])?),
    };
    // Blockscout answers these questions too, and gives the event.
    let place = fields.whole32(&["logIndex"])?.map_or(Place::Nowhere, Place::Log);
    let moved = Moved { transfer, place, evidence: Evidence::Log };
    Ok(Row {
        id: None,
        moved: vec![moved],
        facts: token.meta(about.tx.chain).into_iter().collect(),
    })
}

/// Of a transaction without receiver: the contract it creates.
fn receiver(fields: &Fields<'_>) -> Result<Address, Wrong> {
    let to = fields.address(&["to"])?;
    let to = if to.is_some() { to } else { fields.address(&["contractAddress"])? };
    to.ok_or_else(|| missing(&["to"], "an address"))
}

fn has_failed(fields: &Fields<'_>) -> Result<bool, Wrong> {
    let is =
        |names: &[&str], value: &str| Ok::<_, Wrong>(fields.text(names)?.as_deref() == Some(value));
    Ok(is(&["isError"], "1")? || is(&["txreceipt_status"], "0")?)
}

fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

/// It says with a good status that it will not answer.
fn judge(answer: &Value) -> Option<Kind> {
    if let Some(error) = answer.get("error") {
        let what = error.get("message").and_then(Value::as_str).unwrap_or("an error");
        return Some(said(what));
    }
    if answer.get("status").and_then(Value::as_str) != Some("0") {
        return None;
    }
    if answer["result"].is_array() && answer["result"].as_array().is_some_and(Vec::is_empty) {
        return None;
    }
    let result = answer["result"].as_str().or(answer["message"].as_str());
    Some(said(result.unwrap_or("no reason")))
}

fn said(what: &str) -> Kind {
    let lower = what.to_ascii_lowercase();
    if lower.contains("daily") || lower.contains("credit") {
        return Kind::Refused(format!("{QUOTA}: {what}"));
    }
    if lower.contains("rate limit") || lower.contains("max calls") {
        return Kind::RateLimited { after: None };
    }
    if lower.contains("timeout") || lower.contains("busy") || lower.contains("try again") {
        return Kind::Transient(what.to_string());
    }
    Kind::Refused(what.to_string())
}

/// What an error says when nothing more is to be had today.
pub const QUOTA: &str = "no more requests are given today";

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(blocks: &[(u64, usize)]) -> Vec<(u64, Option<Row>)> {
        let of = |(block, count): &(u64, usize)| {
            (0..*count).map(|_| (*block, Some(Row::default()))).collect::<Vec<_>>()
        };
        blocks.iter().flat_map(of).collect()
    }

    /// How many rows are kept of a page, and what is asked for next, up to block 100.
    fn kept(at: (u64, usize), blocks: &[(u64, usize)]) -> (usize, Option<String>, bool) {
        let page = At { block: at.0, page: at.1 }.page_of(rows(blocks), 0, 100);
        let next = page.next.map(|next| next.at.unwrap_or_else(|| "next list".into()));
        (page.rows.len(), next, page.cut.is_some())
    }

    #[test]
    fn the_last_block_of_a_page_is_asked_for_again_whole() {
        let next = |text: &str| Some(text.to_string());
        assert_eq!(kept((0, 1), &[]), (0, next("next list"), false));
        assert_eq!(kept((0, 1), &[(3, 2), (7, 1)]), (2, next("7/1"), false));
        assert_eq!(kept((7, 1), &[(7, 4)]), (4, next("8/1"), false));
        assert_eq!(kept((100, 1), &[(100, 4)]), (4, next("next list"), false));
        assert_eq!(kept((7, 1), &[(7, 600), (8, 400)]), (600, next("8/1"), false));
    }

    #[test]
    fn a_block_larger_than_a_page_is_read_in_pages_up_to_the_window() {
        let next = |text: &str| Some(text.to_string());
        assert_eq!(kept((7, 1), &[(7, 1000)]), (1000, next("7/2"), false));
        assert_eq!(kept((7, 2), &[(7, 200), (8, 800)]), (200, next("8/1"), false));
        assert_eq!(kept((7, 2), &[(8, 800)]), (0, next("8/1"), false));
        assert_eq!(kept((7, 2), &[]), (0, next("next list"), false));
        assert_eq!(kept((7, 10), &[(7, 1000)]), (1000, next("8/1"), true));
    }
}
