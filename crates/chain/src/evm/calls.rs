//! What the traces of a block move.
//!
//! Only the whole tree of a transaction tells what failed: a call that fails
//! undoes all it did. So a block's traces are stated together.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Chain, Evidence, Fact, Position, TimeSource, Timestamp, TransferKind, TxHash, TxId, U256,
};

use super::place::{InTx, block_event};
use crate::nth::Nth;

/// One call of a block's transactions, or a reward of the block.
pub struct Trace {
    pub height: u64,
    pub time: Timestamp,
    pub time_source: TimeSource,
    pub tx_index: Option<u32>,
    pub tx: Option<TxHash>,
    /// None where the file does not tell the place in the call tree.
    pub path: Option<Box<[u32]>>,
    pub action: Action,
    pub has_failed: bool,
    pub from: Option<[u8; 20]>,
    pub to: Option<[u8; 20]>,
    pub value: U256,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Call, creation or self-destruction: `from` gives `value` to `to`.
    Move,
    /// A call that runs another's code in the caller's place: moves nothing.
    Borrowed,
    Reward,
    Genesis,
    /// The transfers Ethereum made by decree at block 1,920,000.
    DaoFork,
}

impl Trace {
    fn in_tx(&self, tx: TxId) -> InTx {
        InTx {
            tx,
            height: Some(self.height),
            tx_index: self.tx_index,
            time: self.time,
            time_source: self.time_source,
        }
    }
}

/// States all that the traces of one block say, and that they cover it.
pub fn state_block<E>(
    chain: Chain,
    height: u64,
    traces: Vec<Trace>,
    state: &mut dyn FnMut(Fact) -> Result<(), E>,
) -> Result<(), E> {
    state(Fact::TracesCover { chain, height })?;
    let failed = Failed::of(&traces);
    for tx in &failed.transactions {
        state(Fact::Failed { tx: TxId { chain, hash: *tx } })?;
    }
    let mut nth = Nth::default();
    for trace in &traces {
        state_move(chain, trace, &failed, &mut nth, state)?;
    }
    state_rewards(chain, height, traces, state)
}

fn state_move<E>(
    chain: Chain,
    trace: &Trace,
    failed: &Failed,
    nth: &mut Nth,
    state: &mut dyn FnMut(Fact) -> Result<(), E>,
) -> Result<(), E> {
    let Some(hash) = trace.tx.filter(|_| trace.action == Action::Move && !trace.value.is_zero())
    else {
        return Ok(());
    };
    let path = trace.path.clone();
    if trace.has_failed || path.as_ref().is_some_and(|path| failed.undoes(&hash, path)) {
        return Ok(());
    }
    let position = Position::Call(path.clone().unwrap_or_default());
    let mut transfer =
        trace.in_tx(TxId { chain, hash }).native(position, trace.from, trace.to, trace.value);
    if path.is_none() {
        transfer.position = nth.next(&transfer);
    }
    state(Fact::Transfer { transfer, evidence: Evidence::Trace })
}

/// What moved outside of transactions, numbered from the largest: an order
/// that every source of the same block gives.
fn state_rewards<E>(
    chain: Chain,
    height: u64,
    traces: Vec<Trace>,
    state: &mut dyn FnMut(Fact) -> Result<(), E>,
) -> Result<(), E> {
    let mut rewards: Vec<Trace> = traces
        .into_iter()
        .filter(|trace| {
            !matches!(trace.action, Action::Move | Action::Borrowed) && !trace.value.is_zero()
        })
        .collect();
    rewards
        .sort_by_key(|trace| (trace.action, std::cmp::Reverse(trace.value), trace.to, trace.from));
    let mut counts: BTreeMap<Action, u32> = BTreeMap::new();
    for trace in rewards {
        let (what, kind, from) = match trace.action {
            Action::Genesis => ("genesis", TransferKind::Reward, None),
            Action::DaoFork => ("daofork", TransferKind::Value, trace.from),
            _ => ("reward", TransferKind::Reward, None),
        };
        let count = counts.entry(trace.action).or_default();
        let about = trace.in_tx(block_event(what, chain, height));
        let mut transfer = about.native(Position::Reward(*count), from, trace.to, trace.value);
        *count += 1;
        transfer.kind = kind;
        state(Fact::Transfer { transfer, evidence: Evidence::Trace })?;
    }
    Ok(())
}

/// The calls of a block that failed.
struct Failed {
    /// Those of them with no failed call above, so that a call's only
    /// candidate is the last one not after it.
    calls: BTreeSet<(TxHash, Box<[u32]>)>,
    /// Failed as a whole.
    transactions: BTreeSet<TxHash>,
}

impl Failed {
    fn of(traces: &[Trace]) -> Failed {
        let all: BTreeSet<(TxHash, Box<[u32]>)> = traces
            .iter()
            .filter(|trace| trace.has_failed)
            .filter_map(|trace| Some((trace.tx?, trace.path.clone()?)))
            .collect();
        let mut failed = Failed { calls: BTreeSet::new(), transactions: BTreeSet::new() };
        for (tx, path) in all {
            if path.is_empty() {
                failed.transactions.insert(tx);
            }
            if !failed.undoes(&tx, &path) {
                failed.calls.insert((tx, path));
            }
        }
        failed
    }

    /// Did this call or one above it fail?
    fn undoes(&self, tx: &TxHash, path: &[u32]) -> bool {
        let last = self.calls.range(..=(*tx, path.into())).next_back();
        last.is_some_and(|(of, failed)| of == tx && path.starts_with(failed))
    }
}
