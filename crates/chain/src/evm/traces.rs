//! Traces as nodes give them, read into calls with their place in the tree.
//!
//! Two forms. `trace_block` lists the calls of a block with their paths.
//! `debug_traceBlock` nests them; the path is then the count of calls before,
//! without those that the first form leaves out, so that a call has one path
//! whichever node it is read from.

use std::fmt;

use alloy_primitives::{Address, B256, U64, U256};
use model::{TimeSource, Timestamp};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::calls::{Action, Trace};
use super::replies::{Receipt, Tx};
use super::running::{Entered, Kind, Running};
use super::verify::tx_hash;
use super::wire::not_json;
use crate::source::Lie;

/// The EVM's limit.
const DEPTH_MAX: usize = 1024;

/// Each call is an object in a list, and stands in a list of transactions.
const NESTING_MAX: usize = 2 * DEPTH_MAX + 16;

/// What a thread has for calls this deep is safe; deeper ones get their own.
const NESTING_PLAIN: usize = 128;
const DEEP_STACK_BYTES: usize = 256 << 20;

/// The block the traces must be of.
pub struct Of<'a> {
    pub height: u64,
    pub time: Timestamp,
    pub hash: B256,
    pub txs: &'a [Tx],
}

/// What was read, and what is odd about it, by the transaction's place.
#[derive(Default)]
pub struct Read {
    pub traces: Vec<Trace>,
    pub odd: Vec<(u32, String)>,
}

/// One of `trace_block`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flat {
    action: FlatAction,
    block_hash: Option<B256>,
    #[serde(default)]
    error: Option<IgnoredAny>,
    #[serde(default)]
    result: Option<FlatResult>,
    trace_address: Vec<u32>,
    #[serde(default)]
    transaction_hash: Option<B256>,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlatAction {
    from: Option<Address>,
    to: Option<Address>,
    value: Option<U256>,
    call_type: Option<String>,
    /// Of a self-destruction.
    address: Option<Address>,
    refund_address: Option<Address>,
    balance: Option<U256>,
    /// Of a reward.
    author: Option<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlatResult {
    address: Option<Address>,
    gas_used: Option<U64>,
}

pub fn flat(text: &str, of: &Of<'_>) -> Result<Read, Lie> {
    let flats: Option<Vec<Flat>> = serde_json::from_str(text).map_err(|e| not_json(&e))?;
    let flats = flats.ok_or_else(|| Lie::Traces("none".into()))?;
    let indexes = index(of.txs);
    let (mut read, mut running) = (Read::default(), Running::default());
    let mut steps = Steps::default();
    for mut flat in flats {
        let Some(path) = steps.place(&flat) else { continue };
        flat.trace_address = path;
        let kind = match flat.kind.as_str() {
            "suicide" | "selfdestruct" => Kind::Destroy,
            _ => Kind::Plain,
        };
        read.add(read_flat(flat, of, &indexes)?, kind, &mut running);
    }
    Ok(read)
}

/// Some nodes' lists hold what most leave out. Here it is left out of all, and
/// the calls after it are numbered as if it had not been.
#[derive(Default)]
struct Steps {
    /// How many were left out so far, by depth, among the siblings of the last call.
    left_out: Vec<u32>,
}

impl Steps {
    fn place(&mut self, flat: &Flat) -> Option<Vec<u32>> {
        let depth = flat.trace_address.len();
        self.left_out.resize(depth + 1, 0);
        // Nothing is left out yet below this call.
        self.left_out[depth] = 0;
        if flat.asks().is_left_out() {
            self.left_out[depth - 1] += 1;
            return None;
        }
        let both = flat.trace_address.iter().zip(&self.left_out);
        Some(both.map(|(step, left_out)| step.saturating_sub(*left_out)).collect())
    }
}

impl Flat {
    fn asks(&self) -> Asks {
        let is_call = self.kind == "call";
        let call_type = self.action.call_type.as_deref().unwrap_or("call");
        Asks {
            is_inner: !self.trace_address.is_empty(),
            is_call,
            gives: call_type == "call" && self.action.value.is_some_and(|value| !value.is_zero()),
            to: self.action.to,
            gas_used: self.result.as_ref().and_then(|result| result.gas_used),
            has_failed: self.error.is_some(),
        }
    }
}

impl Read {
    /// Calls come in the order in which they begin.
    fn add(&mut self, trace: Trace, kind: Kind, running: &mut Running) {
        let depth = trace.path.as_ref().map_or(0, |path| path.len());
        let kind = if trace.action == Action::Borrowed { Kind::Borrowed } else { kind };
        let (from, to) = (trace.from.map(Address::from), trace.to.map(Address::from));
        let above = match trace.action {
            Action::Move | Action::Borrowed => running.enter(Entered { depth, kind, from, to }),
            Action::Reward | Action::Genesis | Action::DaoFork => None,
        };
        let moves = trace.action == Action::Move && !trace.value.is_zero() && !trace.has_failed;
        if let (Some(above), Some(from), true) = (above, from, moves) {
            // Nodes that run on revm (Reth, anvil) repeat the last payment where a
            // contract destroys itself in its own favour, which moves nothing.
            if kind == Kind::Destroy && to == Some(above) {
                return;
            }
            let path = trace.path.iter().flatten().map(u32::to_string).collect::<Vec<_>>();
            let (path, value) = (path.join("_"), trace.value);
            let what = format!("its call {path} moves {value} wei from {from}, but {above} ran");
            self.odd.push((trace.tx_index.unwrap_or(u32::MAX), what));
        }
        if matters(&trace) {
            self.traces.push(trace);
        }
    }
}

/// The first call of a transaction is held against it; what failed undoes all
/// below it. Any other call matters by its value.
fn matters(trace: &Trace) -> bool {
    let is_root = trace.path.as_ref().is_some_and(|path| path.is_empty());
    is_root || trace.has_failed || !trace.value.is_zero()
}

type Indexes = std::collections::BTreeMap<B256, u32>;

fn index(txs: &[Tx]) -> Indexes {
    (0u32..).zip(txs).map(|(at, tx)| (tx.hash, at)).collect()
}

fn read_flat(flat: Flat, of: &Of<'_>, indexes: &Indexes) -> Result<Trace, Lie> {
    if let Some(given) = flat.block_hash.filter(|hash| *hash != of.hash) {
        return Err(Lie::WrongBlock { asked: of.hash.to_string(), given: given.to_string() });
    }
    if flat.trace_address.len() > DEPTH_MAX {
        return Err(Lie::Traces(format!("a call deeper than {DEPTH_MAX}")));
    }
    let FlatAction { from, to, value, .. } = flat.action;
    let (action, from, to, value) = match flat.kind.as_str() {
        "call" => (call_action(flat.action.call_type.as_deref())?, from, to, value),
        "create" => (Action::Move, from, flat.result.and_then(|result| result.address), value),
        "suicide" | "selfdestruct" => {
            let FlatAction { address, refund_address, balance, .. } = flat.action;
            (Action::Move, address, refund_address, balance)
        }
        "reward" => (Action::Reward, None, flat.action.author, value),
        other => return Err(Lie::Traces(format!("a trace of type {other:?}"))),
    };
    let tx = flat.transaction_hash.filter(|_| action != Action::Reward);
    let tx_index = tx.map(|tx| indexes.get(&tx).copied().ok_or(tx)).transpose();
    let tx_index = tx_index
        .map_err(|tx| Lie::Traces(format!("of transaction {tx}, which is not in the block")))?;
    checked(Trace {
        height: of.height,
        time: of.time,
        time_source: TimeSource::Stated,
        tx_index,
        tx: tx.map(tx_hash),
        path: Some(flat.trace_address.into()),
        action,
        has_failed: flat.error.is_some(),
        from: from.map(Address::into_array),
        to: to.map(Address::into_array),
        value: value.unwrap_or_default(),
    })
}

fn call_action(kind: Option<&str>) -> Result<Action, Lie> {
    match kind.unwrap_or("call") {
        "call" => Ok(Action::Move),
        "callcode" | "delegatecall" | "staticcall" => Ok(Action::Borrowed),
        other => Err(Lie::Traces(format!("a call of type {other:?}"))),
    }
}

/// What moves value must say in which transaction, from whom and to whom.
fn checked(trace: Trace) -> Result<Trace, Lie> {
    if trace.action != Action::Reward && trace.tx.is_none() {
        return Err(Lie::Traces("a call of no transaction".into()));
    }
    if trace.value.is_zero() || trace.has_failed || trace.action == Action::Borrowed {
        return Ok(trace);
    }
    if trace.to.is_none() || (trace.action == Action::Move && trace.from.is_none()) {
        return Err(Lie::Traces("value moved from or to nobody".into()));
    }
    Ok(trace)
}

/// One transaction of `debug_traceBlock`.
struct Nested {
    tx: Option<B256>,
    calls: Option<Vec<Frame>>,
}

/// A call of the `callTracer`, with its place in the tree.
struct Frame {
    path: Box<[u32]>,
    kind: String,
    from: Option<Address>,
    to: Option<Address>,
    value: Option<U256>,
    gas_used: Option<U64>,
    has_failed: bool,
}

pub fn nested(text: &str, of: &Of<'_>) -> Result<Read, Lie> {
    let nesting = nesting(text);
    if nesting > NESTING_MAX {
        return Err(Lie::Traces(format!("a call deeper than {DEPTH_MAX}")));
    }
    let nested = if nesting <= NESTING_PLAIN { parse(text) } else { parse_deep(text) }?;
    let txs = traced(nested.len(), of.txs)?;
    let (mut read, mut running) = (Read::default(), Running::default());
    for ((tx_index, tx), nested) in txs.into_iter().zip(nested) {
        if let Some(found) = nested.tx.filter(|found| *found != tx.hash) {
            let what = format!("that they are of {found}");
            return Err(lie(tx, &what));
        }
        let Some(calls) = nested.calls else {
            return Err(lie(tx, "nothing"));
        };
        for frame in calls {
            let kind = if frame.kind == "SELFDESTRUCT" { Kind::Destroy } else { Kind::Plain };
            read.add(read_frame(frame, tx, tx_index, of)?, kind, &mut running);
        }
    }
    Ok(read)
}

/// The transactions so many traces are of, with their places: all, or all but the
/// chain's own.
fn traced(count: usize, txs: &[Tx]) -> Result<Vec<(u32, &Tx)>, Lie> {
    let mut all: Vec<(u32, &Tx)> = (0u32..).zip(txs).collect();
    if count != all.len() {
        all.retain(|(_, tx)| !tx.is_system());
    }
    if count != all.len() {
        let what = format!("of {count} transactions, in a block of {}", txs.len());
        return Err(Lie::Traces(what));
    }
    Ok(all)
}

fn read_frame(frame: Frame, tx: &Tx, tx_index: u32, of: &Of<'_>) -> Result<Trace, Lie> {
    let action = match frame.kind.as_str() {
        "CALL" | "CREATE" | "CREATE2" | "SELFDESTRUCT" => Action::Move,
        "CALLCODE" | "DELEGATECALL" | "STATICCALL" => Action::Borrowed,
        other => return Err(lie(tx, &format!("a call of type {other:?}"))),
    };
    checked(Trace {
        height: of.height,
        time: of.time,
        time_source: TimeSource::Stated,
        tx_index: Some(tx_index),
        tx: Some(tx_hash(tx.hash)),
        path: Some(frame.path),
        action,
        has_failed: frame.has_failed,
        from: frame.from.map(Address::into_array),
        to: frame.to.map(Address::into_array),
        value: frame.value.unwrap_or_default(),
    })
}

/// How deep the text nests lists and objects.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whoever would hide a payment under a thousand calls must not stop the reading.
fn parse_deep(text: &str) -> Result<Vec<Nested>, Lie> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(DEEP_STACK_BYTES);
        let parsed = thread.spawn_scoped(scope, || parse(text));
        let parsed = parsed.map_err(|_| Lie::Traces("too deep for this machine".into()))?;
        parsed.join().unwrap_or_else(|_| Err(Lie::Traces("too deep for this machine".into())))
    })
}

fn parse(text: &str) -> Result<Vec<Nested>, Lie> {
    let mut json = serde_json::Deserializer::from_str(text);
    // Nesting was measured before.
    json.disable_recursion_limit();
    let nested = Option::<Vec<Nested>>::deserialize(&mut json).map_err(|e| not_json(&e))?;
    json.end().map_err(|e| not_json(&e))?;
    nested.ok_or_else(|| Lie::Traces("none".into()))
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nested, D::Error> {
        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = Nested;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the traces of a transaction")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Nested, A::Error> {
                let mut nested = Nested { tx: None, calls: None };
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "txHash" => nested.tx = map.next_value()?,
                        "result" => {
                            let mut calls = Vec::new();
                            map.next_value_seed(Call { path: &mut Vec::new(), into: &mut calls })?;
                            nested.calls = Some(calls);
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(nested)
            }
        }

        deserializer.deserialize_map(Entry)
    }
}

/// Reads one call and those below it, in the order they begin. Gives back
/// whether it counts among its siblings.
struct Call<'a> {
    path: &'a mut Vec<u32>,
    into: &'a mut Vec<Frame>,
}

impl<'de> DeserializeSeed<'de> for Call<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Call<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a call")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let at = self.into.len();
        self.into.push(Frame {
            path: self.path.as_slice().into(),
            kind: String::new(),
            from: None,
            to: None,
            value: None,
            gas_used: None,
            has_failed: false,
        });
        while let Some(key) = map.next_key::<String>()? {
            let frame = &mut self.into[at];
            match key.as_str() {
                "type" => frame.kind = map.next_value()?,
                "from" => frame.from = map.next_value()?,
                "to" => frame.to = map.next_value()?,
                "value" => frame.value = map.next_value()?,
                "gasUsed" => frame.gas_used = map.next_value()?,
                "error" => {
                    let error = map.next_value::<Option<String>>()?;
                    frame.has_failed = error.is_some_and(|error| !error.is_empty());
                }
                "calls" => {
                    map.next_value_seed(Calls { path: self.path, into: self.into })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let is_leaf = self.into.len() == at + 1;
        let frame = &self.into[at];
        let counts = !(is_leaf && frame.asks().is_left_out());
        // Most calls move nothing; their paths alone could fill the memory.
        if is_leaf && (!counts || frame.is_idle()) {
            self.into.pop();
        }
        Ok(counts)
    }
}

struct Calls<'a> {
    path: &'a mut Vec<u32>,
    into: &'a mut Vec<Frame>,
}

impl<'de> DeserializeSeed<'de> for Calls<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Calls<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of calls")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.path.push(0);
        while let Some(counts) =
            list.next_element_seed(Call { path: self.path, into: self.into })?
        {
            if counts && let Some(step) = self.path.last_mut() {
                *step = step.saturating_add(1);
            }
        }
        self.path.pop();
        Ok(())
    }
}

impl Frame {
    fn is_idle(&self) -> bool {
        let moves = self.value.is_some_and(|value| !value.is_zero());
        !self.path.is_empty() && !self.has_failed && !moves
    }

    fn asks(&self) -> Asks {
        Asks {
            is_inner: !self.path.is_empty(),
            is_call: self.kind.ends_with("CALL"),
            gives: self.kind == "CALL" && self.value.is_some_and(|value| !value.is_zero()),
            to: self.to,
            gas_used: self.gas_used,
            has_failed: self.has_failed,
        }
    }
}

/// What of a call tells whether it counts among its siblings.
struct Asks {
    is_inner: bool,
    is_call: bool,
    /// Does it give value?
    gives: bool,
    to: Option<Address>,
    gas_used: Option<U64>,
    has_failed: bool,
}

impl Asks {
    /// `trace_block` leaves out what a contract asks of a built-in one without
    /// giving it value. A call to an address that merely looks like one uses no gas.
    fn is_left_out(&self) -> bool {
        let Some(to) = self.to else { return false };
        let (zeros, number) = to.as_slice().split_at(18);
        let number = u16::from_be_bytes([number[0], number[1]]);
        let looks_built_in =
            zeros.iter().all(|byte| *byte == 0) && matches!(number, 1..=0x11 | 0x100);
        let ran = self.has_failed || self.gas_used.is_none_or(|gas| !gas.is_zero());
        self.is_inner && looks_built_in && self.is_call && !self.gives && ran
    }
}

/// A block's traces tell the same of every transaction as the transaction and
/// its receipt: who called whom with how much, and whether it failed.
pub fn agree(traces: &[Trace], txs: &[Tx], receipts: &[Receipt]) -> Result<(), Lie> {
    let mut roots: Vec<Option<&Trace>> = vec![None; txs.len()];
    for trace in traces {
        let is_root = trace.path.as_ref().is_some_and(|path| path.is_empty());
        let Some(index) = trace.tx_index.filter(|_| is_root) else { continue };
        if let Some(root) = roots.get_mut(index as usize) {
            if root.is_some() {
                return Err(lie(&txs[index as usize], "two beginnings"));
            }
            *root = Some(trace);
        }
    }
    for ((tx, receipt), root) in txs.iter().zip(receipts).zip(roots) {
        // A rollup's own transactions may do more than one call.
        if tx.is_known() && !tx.is_system() {
            agrees(tx, receipt, root.ok_or_else(|| lie(tx, "nothing"))?)?;
        }
    }
    Ok(())
}

fn agrees(tx: &Tx, receipt: &Receipt, root: &Trace) -> Result<(), Lie> {
    if root.from != Some(tx.from.into_array()) {
        return Err(lie(tx, "another sender"));
    }
    if root.value != tx.value {
        return Err(lie(tx, &format!("a value of {}, not {}", root.value, tx.value)));
    }
    if let Some(to) = tx.to
        && root.to != Some(to.into_array())
    {
        return Err(lie(tx, "another receiver"));
    }
    if let Some(status) = receipt.status
        && status.is_zero() != root.has_failed
    {
        return Err(lie(tx, "another outcome than its receipt"));
    }
    Ok(())
}

fn lie(tx: &Tx, what: &str) -> Lie {
    Lie::TracesOf { tx: tx.hash.to_string(), what: what.into() }
}
