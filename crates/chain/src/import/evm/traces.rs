//! Traces: every call of a block, and what it moved.
//!
//! Only the whole tree of a transaction tells what failed: a call that fails
//! undoes all it did. So traces are kept by block until the file goes on to
//! other blocks, within a bound. Files are ordered by block; one whose rows
//! are scattered is read as long as it fits the bound, else refused.

use std::collections::BTreeMap;

use model::{Chain, U256};

use super::{
    FROM, Fields, HEIGHT, ImportError, Names, Run, TO, TX, TX_INDEX, VALUE, required, time,
};
use crate::evm::calls::{Action, Trace, state_block};
use crate::import::error::{Place, Problem};

const PATH: Names<'_> = &["trace_address"];
const TYPE: Names<'_> = &["trace_type", "action_type"];
const CALL_TYPE: Names<'_> = &["call_type", "action_call_type"];
const CREATED: Names<'_> = &["to_address", "result_address"];

/// The EVM's limit.
const DEPTH_MAX: usize = 1024;

/// Memory for traces of blocks that may go on, roughly.
const BUFFER_BYTES_MAX: usize = 64 << 20;

/// More than any block's gas limit has ever let through.
const BLOCK_BYTES_MAX: usize = 1 << 30;

pub fn trace(fields: &Fields<'_>) -> Result<Trace, ImportError> {
    let kind = required(fields.text(TYPE)?, fields, TYPE, "a trace type")?;
    let action = match kind.as_ref() {
        "call" => call(fields)?,
        "create" | "create2" | "suicide" | "selfdestruct" => Action::Move,
        "reward" => Action::Reward,
        "genesis" => Action::Genesis,
        "daofork" => Action::DaoFork,
        _ => return Err(fields.wrong(TYPE, "call, create, suicide, reward, genesis or daofork")),
    };
    let mut trace = read(action, fields)?;
    trace.path = Some(path(fields)?);
    trace.has_failed =
        fields.boolean(&["status"])? == Some(false) || fields.text(&["error"])?.is_some();
    match action {
        // `cryo` names the rewarded in the sender's column.
        Action::Reward => trace.to = trace.to.or(trace.from),
        Action::Move if kind.starts_with("create") => trace.to = fields.address(CREATED)?,
        _ => {}
    }
    check(trace, fields)
}

/// A row of `cryo`'s native_transfers: what failed is already left out.
pub fn native_transfer(fields: &Fields<'_>) -> Result<Trace, ImportError> {
    let action = if fields.hash(TX)?.is_some() { Action::Move } else { Action::Reward };
    check(read(action, fields)?, fields)
}

fn read(action: Action, fields: &Fields<'_>) -> Result<Trace, ImportError> {
    let (time, time_source) = time(fields)?;
    Ok(Trace {
        height: required(fields.whole(HEIGHT)?, fields, HEIGHT, "a block number")?,
        time,
        time_source,
        tx_index: fields.whole32(TX_INDEX)?,
        tx: fields.hash(TX)?,
        path: None,
        action,
        has_failed: false,
        from: fields.address(FROM)?,
        to: fields.address(TO)?,
        value: fields.base(VALUE)?.unwrap_or(U256::ZERO),
    })
}

/// What moves value must say in which transaction, from whom and to whom.
fn check(trace: Trace, fields: &Fields<'_>) -> Result<Trace, ImportError> {
    let in_tx = matches!(trace.action, Action::Move | Action::Borrowed);
    if in_tx && trace.tx.is_none() {
        return Err(fields.missing(TX, "a transaction hash"));
    }
    if trace.value.is_zero() || trace.has_failed || trace.action == Action::Borrowed {
        return Ok(trace);
    }
    if trace.to.is_none() {
        return Err(fields.missing(TO, "an address"));
    }
    if matches!(trace.action, Action::Move | Action::DaoFork) && trace.from.is_none() {
        return Err(fields.missing(FROM, "an address"));
    }
    Ok(trace)
}

fn call(fields: &Fields<'_>) -> Result<Action, ImportError> {
    let Some(kind) = fields.text(CALL_TYPE)? else { return Ok(Action::Move) };
    match kind.to_lowercase().replace('_', "").as_str() {
        "call" | "none" => Ok(Action::Move),
        "callcode" | "delegatecall" | "staticcall" => Ok(Action::Borrowed),
        _ => Err(fields.wrong(CALL_TYPE, "call, callcode, delegatecall or staticcall")),
    }
}

/// `0,1` (ethereum-etl), `0_1` (cryo) or `[0, 1]`.
fn path(fields: &Fields<'_>) -> Result<Box<[u32]>, ImportError> {
    let Some(text) = fields.text(PATH)? else { return Ok(Box::new([])) };
    let inner = text.trim_matches(['[', ']', ' ']);
    let steps = inner.split([',', '_', ' ']).filter(|step| !step.is_empty());
    let steps: Option<Vec<u32>> = steps.take(DEPTH_MAX + 1).map(|step| step.parse().ok()).collect();
    let steps = steps.filter(|steps| steps.len() <= DEPTH_MAX);
    steps
        .map(Vec::into_boxed_slice)
        .ok_or_else(|| fields.wrong(PATH, "a path of at most 1024 numbers"))
}

/// Traces of blocks that may go on.
pub struct TraceBuffer {
    bytes_max: usize,
    open: BTreeMap<(Chain, u64), Vec<Trace>>,
    bytes: usize,
    /// Blocks already handed over, as ranges of heights.
    done: BTreeMap<(Chain, u64), u64>,
}

impl TraceBuffer {
    pub fn add(
        &mut self,
        chain: Chain,
        trace: Trace,
        place: Place,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        let height = trace.height;
        if self.is_done(chain, height) {
            let what =
                format!("block {height} goes on after too many others: sort the file by block");
            return Err(run.error(Some(place), None, Problem::other(what)));
        }
        let size = size_of_trace(&trace);
        if self.bytes + size > self.bytes_max {
            let current = self.open.remove(&(chain, height));
            self.flush(run)?;
            self.bytes = current.iter().flatten().map(size_of_trace).sum();
            self.open.extend(current.map(|traces| ((chain, height), traces)));
        }
        if self.bytes + size > BLOCK_BYTES_MAX {
            let what = format!("block {height} has more traces than a block can");
            return Err(run.error(Some(place), None, Problem::other(what)));
        }
        self.bytes += size;
        self.open.entry((chain, height)).or_default().push(trace);
        Ok(())
    }

    /// States what all blocks held so far moved.
    pub fn flush(&mut self, run: &mut Run<'_>) -> Result<(), ImportError> {
        self.bytes = 0;
        for ((chain, height), traces) in std::mem::take(&mut self.open) {
            self.mark_done(chain, height);
            run.summary.chains.insert(chain);
            state_block(chain, height, traces, &mut |fact| run.state(fact))?;
        }
        Ok(())
    }

    fn is_done(&self, chain: Chain, height: u64) -> bool {
        let range = self.done.range(..=(chain, height)).next_back();
        range.is_some_and(|((of, _), last)| *of == chain && height <= *last)
    }

    fn mark_done(&mut self, chain: Chain, height: u64) {
        let before = self.done.range_mut(..=(chain, height)).next_back();
        match before {
            Some(((of, _), last)) if *of == chain && height.checked_sub(1) == Some(*last) => {
                *last = height
            }
            _ => {
                self.done.insert((chain, height), height);
            }
        }
    }
}

impl Default for TraceBuffer {
    fn default() -> TraceBuffer {
        TraceBuffer {
            bytes_max: BUFFER_BYTES_MAX,
            open: BTreeMap::new(),
            bytes: 0,
            done: BTreeMap::new(),
        }
    }
}

/// Bytes a trace holds in memory.
fn size_of_trace(trace: &Trace) -> usize {
    size_of::<Trace>() + trace.path.as_ref().map_or(0, |path| size_of_val(&**path))
}

#[cfg(test)]
mod tests {
    use model::{Fact, TimeSource, Timestamp, TxHash};

    use super::*;
    use crate::import::Options;

    fn trace(height: u64) -> Trace {
        Trace {
            height,
            time: Timestamp::UNIX_EPOCH,
            time_source: TimeSource::Unknown,
            tx_index: None,
            tx: Some(TxHash::new(&[7; 32])),
            path: Some(Box::new([])),
            action: Action::Move,
            has_failed: false,
            from: Some([1; 20]),
            to: Some([2; 20]),
            value: U256::from(height),
        }
    }

    /// The blocks stated, in order, by a buffer that holds about three traces.
    fn blocks(heights: &[u64]) -> Result<Vec<u64>, ImportError> {
        let mut covered = Vec::new();
        let mut sink = |fact| {
            if let Fact::TracesCover { height, .. } = fact {
                covered.push(height);
            }
            Ok(())
        };
        let (options, mut progress) = (Options::default(), |_| {});
        let mut run = Run::new("traces.csv", &options, &mut progress, &mut sink);
        let mut buffer =
            TraceBuffer { bytes_max: 3 * size_of_trace(&trace(0)), ..TraceBuffer::default() };
        for (line, height) in (1..).zip(heights) {
            buffer.add(Chain::ETHEREUM, trace(*height), Place::Line(line), &mut run)?;
        }
        buffer.flush(&mut run)?;
        Ok(covered)
    }

    #[test]
    fn a_sorted_file_passes_through_a_small_buffer() {
        assert_eq!(blocks(&[1, 1, 2, 3, 3, 3, 3, 3, 4, 9]).expect("sorted"), [1, 2, 3, 4, 9]);
    }

    #[test]
    fn scattered_rows_are_read_while_they_fit_and_refused_beyond() {
        assert_eq!(blocks(&[2, 1, 2]).expect("fits"), [1, 2]);
        let error = blocks(&[1, 2, 3, 4, 5, 6, 2]).expect_err("too far apart");
        assert_eq!(
            error.to_string(),
            "traces.csv: line 7: block 2 goes on after too many others: sort the file by block"
        );
    }
}
