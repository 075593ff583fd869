//! Solana's own JSON-RPC, as nodes and those who rent them out serve it.
//!
//! A node lists the signatures of transactions that name an account, newest first, and
//! nothing else. So an owner's past is several lists: its own, and that of each of its
//! token accounts, for whoever pays a token account need not name its owner. Which
//! token accounts it has, the node knows of those that are open. Each transaction is
//! then asked for, several in one request, and read like a block's
//! ([`crate::solana::decode`]): its bytes, signatures and balances are checked.
//!
//! Reference: <https://solana.com/docs/rpc/http/getsignaturesforaddress>.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use model::{Account, Address, Chain, Fact, Timestamp, TxHash};
use serde_json::{Value, json};

use super::ask::{Asker, HistoryError, KeyIn, Options};
use super::json::{Fields, Wrong};
use super::rows::{Inside, Lack, Moved, Place, Row};
use super::{Ask, Cursor, History, Horizon, Page};
use crate::solana::decode::{self, Reading, Single};
use crate::solana::{chain_of, instructions, wire};
use crate::source::{Kind, Lie};

pub(super) const UNSEEN: &[&str] =
    &["tokens sent to token accounts that were closed since", "rewards of stake and votes"];

/// Signatures of a page, each of which is a request: more are allowed, and would be asked
/// for before anybody sees that they are too many.
const PAGE: usize = 100;
/// Transactions asked for in one request.
const BATCH: usize = 20;
/// Token accounts of one owner that are asked about.
const TOKEN_ACCOUNTS_MAX: usize = 256;
/// Slots without a block, one after another.
const SKIPPED_MAX: u64 = 32;
/// Transactions kept in memory: a payment is of two accounts, an owner's of its token
/// accounts too.
const KEPT_MAX: usize = 2_000;

pub struct Solana {
    asker: Asker,
    chain: Chain,
    /// Slots before are not there.
    first: AtomicU64,
    /// It answers one question a request.
    is_single: AtomicBool,
    kept: Mutex<Kept>,
}

/// Transactions read, by signature.
#[derive(Default)]
struct Kept {
    by_signature: HashMap<String, std::sync::Arc<Single>>,
    order: VecDeque<String>,
}

/// One line of a list.
struct Listed {
    signature: String,
    slot: u64,
    tx_index: Option<u32>,
    has_failed: bool,
}

/// Where in an owner's past: a list of signatures, and what comes after it.
struct At {
    before: Option<String>,
    /// Token accounts still to be asked about: the first is this list's.
    accounts: Vec<String>,
}

impl Solana {
    /// `url` is the node's: `https://api.mainnet-beta.solana.com`.
    ///
    /// # Errors
    /// When the chain is not Solana or one of its test networks, or the address is none.
    pub fn new(options: &Options) -> Result<Solana, HistoryError> {
        let asker = Asker::new(options, KeyIn::Query("api-key"), judge)?;
        if !matches!(options.chain, Chain::Solana(_)) {
            let what = format!("a Solana node has Solana only, asked for {}", options.chain);
            return Err(asker.error("getGenesisHash", Kind::Refused(what)));
        }
        Ok(Solana {
            asker,
            chain: options.chain,
            first: AtomicU64::new(0),
            is_single: AtomicBool::new(false),
            kept: Mutex::default(),
        })
    }

    async fn ask(&self, method: &'static str, params: Value) -> Result<Value, HistoryError> {
        let mut answer = self.asker.post(method, "", &question(0, method, &params)).await?;
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(self.asker.lie(method, "neither result nor error")),
        }
    }

    async fn signatures(
        &self,
        of: &str,
        before: Option<&str>,
    ) -> Result<Vec<Listed>, HistoryError> {
        let method = "getSignaturesForAddress";
        let mut how = json!({ "limit": PAGE, "commitment": "finalized" });
        if let Some(before) = before {
            how["before"] = before.into();
        }
        let answer = self.ask(method, json!([of, how])).await?;
        let wrong = |what: Wrong| self.asker.lie(method, what);
        let given = answer.as_array().ok_or_else(|| wrong("no list".into()))?;
        if given.len() > PAGE {
            return Err(wrong("more signatures than were asked for".into()));
        }
        let listed = given.iter().map(|value| listed(self.chain, value));
        let listed = listed.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        if !listed.is_sorted_by(|a, b| a.slot >= b.slot) {
            return Err(wrong("signatures that are not newest first".into()));
        }
        Ok(listed)
    }

    /// Those that are open. None: the node keeps no list of them.
    async fn token_accounts(&self, owner: &Account) -> Result<Option<Vec<String>>, HistoryError> {
        let method = "getTokenAccountsByOwner";
        let owner = owner.address.text(self.chain);
        let mut accounts = Vec::new();
        for program in [instructions::TOKEN, instructions::TOKEN_2022] {
            let how = json!({ "encoding": "jsonParsed", "commitment": "finalized" });
            let params = json!([owner, { "programId": program }, how]);
            let answer = match self.ask(method, params).await {
                Err(HistoryError::Source(error)) if is_not_kept(&error.kind) => return Ok(None),
                answer => answer?,
            };
            let wrong = |what: Wrong| self.asker.lie(method, what);
            let fields = Fields::new(self.chain, &answer);
            for value in fields.list(&["value"]).map_err(wrong)? {
                let fields = Fields::new(self.chain, value);
                let said = fields.need(&["account.data.parsed.info.owner"], "an owner");
                if said.map_err(wrong)? != owner {
                    return Err(wrong(format!("a token account that does not name {owner}")));
                }
                let account = fields.need_address(&["pubkey"]).map_err(wrong)?;
                accounts.push(account.text(self.chain));
            }
        }
        accounts.sort();
        accounts.dedup();
        Ok(Some(accounts))
    }

    /// Each transaction listed, from memory or asked for. None: it is not kept any more.
    async fn transactions(
        &self,
        listed: &[Listed],
    ) -> Result<Vec<Option<std::sync::Arc<Single>>>, HistoryError> {
        let kept = |signature: &str| self.kept().by_signature.get(signature).cloned();
        let mut found: Vec<_> = listed.iter().map(|one| kept(&one.signature)).collect();
        let missing: Vec<usize> = (0..listed.len()).filter(|at| found[*at].is_none()).collect();
        for places in missing.chunks(BATCH) {
            let wanted: Vec<&Listed> = places.iter().map(|at| &listed[*at]).collect();
            let texts = self.batch(&wanted).await?;
            for (at, text) in places.iter().zip(texts) {
                let Some(text) = text else { continue };
                let single = std::sync::Arc::new(self.read(&listed[*at], &text)?);
                self.kept().put(&listed[*at].signature, single.clone());
                found[*at] = Some(single);
            }
        }
        Ok(found)
    }

    /// The answers in the order of the questions. None: not there.
    async fn batch(&self, wanted: &[&Listed]) -> Result<Vec<Option<Value>>, HistoryError> {
        let method = "getTransaction";
        let how = json!({
            "encoding": "base64", "commitment": "finalized", "maxSupportedTransactionVersion": 0,
        });
        let params = |one: &Listed| json!([one.signature, how]);
        if wanted.len() == 1 || self.is_single.load(Ordering::Relaxed) {
            return self.one_by_one(wanted, &how).await;
        }
        let questions: Vec<Value> =
            wanted.iter().enumerate().map(|(id, one)| question(id, method, &params(one))).collect();
        let answer = match self.asker.post(method, "", &questions.into()).await {
            // Some take one question a request only, and say so in one answer.
            Err(HistoryError::Source(error)) if matches!(error.kind, Kind::Refused(_)) => {
                self.is_single.store(true, Ordering::Relaxed);
                return self.one_by_one(wanted, &how).await;
            }
            answer => answer?,
        };
        let wrong = |what: &str| self.asker.lie(method, what);
        let answers = answer.as_array().ok_or_else(|| wrong("one answer to several questions"))?;
        let mut texts: Vec<Option<Option<Value>>> = vec![None; wanted.len()];
        for answer in answers {
            let id =
                answer.get("id").and_then(Value::as_u64).and_then(|id| usize::try_from(id).ok());
            let slot = id.and_then(|id| texts.get_mut(id)).filter(|slot| slot.is_none());
            let slot = slot.ok_or_else(|| wrong("an answer to no question, or a second one"))?;
            let result = answer.get("result").ok_or_else(|| wrong("neither result nor error"))?;
            *slot = Some(Some(result.clone()).filter(|result| !result.is_null()));
        }
        let all = texts.into_iter().collect::<Option<Vec<_>>>();
        all.ok_or_else(|| wrong("fewer answers than questions"))
    }

    async fn one_by_one(
        &self,
        wanted: &[&Listed],
        how: &Value,
    ) -> Result<Vec<Option<Value>>, HistoryError> {
        let mut texts = Vec::new();
        for one in wanted {
            texts.push(match self.ask("getTransaction", json!([one.signature, how])).await {
                Err(HistoryError::Source(error)) if is_newer(&error.kind) => None,
                answer => Some(answer?).filter(|answer| !answer.is_null()),
            });
        }
        Ok(texts)
    }

    fn read(&self, listed: &Listed, answer: &Value) -> Result<Single, HistoryError> {
        let method = "getTransaction";
        let reading = Reading::default();
        let single = decode::single(self.chain, &answer.to_string(), listed.tx_index, reading);
        let single = single.map_err(|lie| self.asker.error(method, Kind::from(lie)))?;
        let said = single.id.hash_text();
        let what = if said != listed.signature {
            format!("asked for transaction {}, given {said}", listed.signature)
        } else if single.slot != listed.slot {
            format!("transaction {said} is of slot {}, listed in {}", single.slot, listed.slot)
        } else if single.has_failed != listed.has_failed {
            format!("transaction {said} failed, or it did not: list and transaction differ")
        } else {
            return Ok(single);
        };
        Err(self.asker.lie(method, what))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("nothing panics while it holds the lock")
    }

    /// The list after this one: the next token account's.
    async fn after(&self, ask: &Ask, cursor: &Cursor, at: At) -> Result<After, HistoryError> {
        let mut cut = None;
        let accounts = match cursor.list {
            0 => match self.token_accounts(&ask.account).await? {
                None => {
                    cut = Some("the node does not say which token accounts it has");
                    Vec::new()
                }
                Some(mut accounts) => {
                    if accounts.len() > TOKEN_ACCOUNTS_MAX {
                        cut = Some("more token accounts than are asked about");
                        accounts.truncate(TOKEN_ACCOUNTS_MAX);
                    }
                    accounts
                }
            },
            _ => at.accounts.into_iter().skip(1).collect(),
        };
        let next =
            (!accounts.is_empty()).then(|| At { before: None, accounts }.cursor(cursor.list + 1));
        Ok(After { next, cut })
    }
}

/// What follows a list, and what it leaves out.
struct After {
    next: Option<Cursor>,
    cut: Option<&'static str>,
}

impl At {
    fn read(cursor: &Cursor) -> At {
        let text = cursor.at.as_deref().unwrap_or_default();
        let (before, accounts) = text.split_once('/').unwrap_or((text, ""));
        let accounts = accounts.split(',').filter(|account| !account.is_empty());
        At {
            before: Some(before.to_string()).filter(|before| !before.is_empty()),
            accounts: accounts.map(str::to_string).collect(),
        }
    }

    fn cursor(&self, list: usize) -> Cursor {
        let before = self.before.as_deref().unwrap_or_default();
        Cursor { list, at: Some(format!("{before}/{}", self.accounts.join(","))) }
    }
}

impl Kept {
    fn put(&mut self, signature: &str, single: std::sync::Arc<Single>) {
        if self.by_signature.insert(signature.to_string(), single).is_none() {
            self.order.push_back(signature.to_string());
        }
        while self.order.len() > KEPT_MAX {
            let oldest = self.order.pop_front();
            oldest.and_then(|oldest| self.by_signature.remove(&oldest));
        }
    }
}

impl History for Solana {
    fn chain(&self) -> Chain {
        self.chain
    }

    fn name(&self) -> String {
        format!("solana at {}", self.asker.host())
    }

    fn unseen(&self) -> &'static [&'static str] {
        UNSEEN
    }

    async fn horizon(&self) -> Result<Horizon, HistoryError> {
        let method = "getGenesisHash";
        let hash = self.ask(method, json!([])).await?;
        let hash = hash.as_str().ok_or_else(|| self.asker.lie(method, "no hash"))?;
        let refused = |what| self.asker.error(method, Kind::Refused(what));
        let found = chain_of(hash).map_err(refused)?;
        if found != self.chain {
            let kind = Kind::WrongChain { expected: self.chain, found };
            return Err(self.asker.error(method, kind));
        }
        let method = "getFirstAvailableBlock";
        let first = self.ask(method, json!([])).await?;
        let first = first.as_u64().ok_or_else(|| self.asker.lie(method, "no number of a slot"))?;
        self.first.store(first, Ordering::Relaxed);
        let method = "getSlot";
        let slot = self.ask(method, json!([{ "commitment": "finalized" }])).await?;
        let slot = slot.as_u64().ok_or_else(|| self.asker.lie(method, "no number of a slot"))?;
        // The newest slot may have no block.
        let method = "getBlockTime";
        for height in (slot.saturating_sub(SKIPPED_MAX)..=slot).rev() {
            let seconds = match self.ask(method, json!([height])).await {
                Err(HistoryError::Source(error)) if error.kind.is_absence() => continue,
                answer => answer?,
            };
            let time = seconds.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
            if let Some(time) = time {
                return Ok(Horizon { height, time });
            }
        }
        Err(self.asker.lie(method, format!("no time of slot {slot}, nor of those before")))
    }

    async fn page(&self, ask: &Ask, cursor: &Cursor) -> Result<Page, HistoryError> {
        let at = At::read(cursor);
        let owner = ask.account.address.text(self.chain);
        let of = match cursor.list {
            0 => &owner,
            _ => at.accounts.first().unwrap_or(&owner),
        };
        let given = self.signatures(of, at.before.as_deref()).await?;
        let last = given.last().map(|one| one.signature.clone());
        let is_known = |one: &Listed| ask.after.is_some_and(|after| one.slot <= after.height);
        let is_at_known = given.iter().any(&is_known);
        let (asked, newer): (Vec<Listed>, Vec<Listed>) = given
            .into_iter()
            .filter(|one| !is_known(one))
            .partition(|one| one.slot <= ask.until.height);
        let mut page = Page {
            skipped: newer.into_iter().map(|one| one.signature).collect(),
            ..Page::default()
        };
        // What an earlier list had too is no sign of pages that repeat each other.
        page.skipped.extend(asked.iter().map(|one| format!("{} {}", cursor.list, one.signature)));
        for (one, single) in asked.iter().zip(self.transactions(&asked).await?) {
            match single {
                Some(single) => page.rows.push(self.row(ask, of, one, &single)?),
                None => {
                    page.cut = Some(
                        "the node lists transactions it does not give, or of a version not read here",
                    )
                }
            }
        }
        // Before its first block the node knows of nothing.
        if ask.after.is_none_or(|after| after.height < self.first.load(Ordering::Relaxed))
            && self.first.load(Ordering::Relaxed) > 1
        {
            page.cut = page.cut.or(Some("the node does not keep the oldest blocks"));
        }
        match last.filter(|_| !is_at_known) {
            Some(last) => {
                let accounts = at.accounts;
                page.next = Some(At { before: Some(last), accounts }.cursor(cursor.list));
            }
            None => {
                let After { next, cut } = self.after(ask, cursor, at).await?;
                page.next = next;
                page.cut = page.cut.or(cut);
            }
        }
        Ok(page)
    }

    /// Where several transactions of one slot are an account's, the block tells their order.
    async fn inside(&self, lack: &Lack) -> Result<Inside, HistoryError> {
        let Some(slot) = lack.height.filter(|_| lack.place) else { return Ok(Inside::default()) };
        let method = "getBlock";
        let how = json!({
            "transactionDetails": "signatures", "rewards": false, "commitment": "finalized",
            "maxSupportedTransactionVersion": 0,
        });
        let block = self.ask(method, json!([slot, how])).await?;
        let fields = Fields::new(self.chain, &block);
        let wrong = |what: Wrong| self.asker.lie(method, what);
        let signatures = fields.list(&["signatures"]).map_err(wrong)?;
        let own = lack.tx.hash_text();
        let at = signatures.iter().position(|signature| signature.as_str() == Some(own.as_str()));
        let at = at.and_then(|at| u32::try_from(at).ok());
        let at = at.ok_or_else(|| wrong(format!("slot {slot} without transaction {own}")))?;
        Ok(Inside { height: Some(slot), tx_index: Some(at), moved: Vec::new() })
    }
}

impl Solana {
    /// What of a transaction is the owner's.
    fn row(
        &self,
        ask: &Ask,
        of: &str,
        listed: &Listed,
        single: &Single,
    ) -> Result<Row, HistoryError> {
        let names = |key: &[u8; 32]| Address::Solana(*key).text(self.chain) == of;
        if !single.keys.iter().any(names) {
            let what = format!("transaction {} does not name {of}", listed.signature);
            return Err(self.asker.lie("getTransaction", what));
        }
        let own = Some(&ask.account.address);
        let mut row = Row { id: Some(listed.signature.clone()), ..Row::default() };
        for fact in &single.facts {
            match fact {
                Fact::Transfer { transfer, evidence } => {
                    if transfer.from.as_ref() == own || transfer.to.as_ref() == own {
                        let (mut transfer, evidence) = (transfer.clone(), *evidence);
                        transfer.tx_index = transfer.tx_index.or(listed.tx_index);
                        row.moved.push(Moved { transfer, place: Place::Own, evidence });
                    }
                }
                Fact::Freeze(freeze) if Some(&freeze.holder) != own => {}
                other => row.facts.push(other.clone()),
            }
        }
        Ok(row)
    }
}

fn question(id: usize, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn listed(chain: Chain, value: &Value) -> Result<Listed, Wrong> {
    let fields = Fields::new(chain, value);
    let signature = fields.need(&["signature"], "the signature of a transaction")?;
    if TxHash::parse(&signature, chain).is_none() {
        return Err(super::json::wrong(&["signature"], &signature, "64 bytes in base58"));
    }
    Ok(Listed {
        signature,
        slot: fields.need_whole(&["slot"])?,
        // Nodes of version 4 and above say it.
        tx_index: fields.whole32(&["transactionIndex"])?,
        has_failed: fields.find(&["err"]).is_some(),
    })
}

/// An owner whose accounts the node does not look up by owner.
fn is_not_kept(kind: &Kind) -> bool {
    match kind {
        Kind::NoMethod(_) => true,
        Kind::Refused(what) => what.contains("secondary index"),
        _ => false,
    }
}

/// A version of transactions that is not read here (-32015).
fn is_newer(kind: &Kind) -> bool {
    matches!(kind, Kind::Refused(what) if what.to_ascii_lowercase().contains("transaction version"))
}

/// Of one answer, or of several: the first error that is to be asked again, else the first.
fn judge(answer: &Value) -> Option<Kind> {
    let answers = answer.as_array().map_or(std::slice::from_ref(answer), Vec::as_slice);
    let errors = answers.iter().filter_map(|one| one.get("error")).map(error);
    let mut errors: Vec<Kind> = errors.collect();
    let passes = |kind: &Kind| matches!(kind, Kind::Transient(_) | Kind::RateLimited { .. });
    match errors.iter().position(passes) {
        Some(at) => Some(errors.swap_remove(at)),
        None => errors.into_iter().next(),
    }
}

fn error(error: &Value) -> Kind {
    match serde_json::from_value::<wire::Failure>(error.clone()) {
        // -32010: https://github.com/anza-xyz/agave/blob/master/rpc-client-types/src/custom_error.rs
        Ok(failure) if error["code"] == -32010 => {
            Kind::Refused(format!("not in the node's secondary indexes: {}", failure.message()))
        }
        Ok(failure) => wire::said(&failure),
        Err(_) => Kind::from(Lie::NotJson("an error that is none".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_its_own_text() {
        let at = At { before: Some("sig".into()), accounts: vec!["a".into(), "b".into()] };
        let read = At::read(&at.cursor(3));
        assert_eq!((read.before, read.accounts), (at.before, at.accounts));
        let first = At::read(&Cursor::default());
        assert!(first.before.is_none() && first.accounts.is_empty());
    }

    #[test]
    fn an_answer_to_several_questions_is_asked_again_where_one_may_be() {
        let refused = json!({ "error": { "code": -32602, "message": "no" } });
        let busy = json!({ "error": { "code": 429, "message": "slow" } });
        let good = json!({ "result": null });
        let judged = |all: &[&Value]| {
            judge(&Value::from(all.iter().map(|v| (*v).clone()).collect::<Vec<_>>()))
        };
        assert!(judged(&[&good, &good]).is_none());
        assert!(matches!(judged(&[&good, &refused, &busy]), Some(Kind::RateLimited { .. })));
        assert!(matches!(judged(&[&good, &refused]), Some(Kind::Refused(_))));
        assert!(matches!(judge(&busy), Some(Kind::RateLimited { .. })));
    }
}
