//! Who comes next, by numbers alone: for walks that need ends and time, and nothing else.
//!
//! Accounts get a number when they are first met. Where one segment holds the chain that is its own
//! number, and a step reads postings only. Where several do, an account that is new is looked up by its
//! bytes in the others, all new ones of a call together, and never again. When a walk is done, all of its
//! transfers are read whole together, in the order of the file.

use std::ops::Range;

use hashbrown::HashMap;
use model::{Account, Chain, Direction, Timestamp, Transfer};

use super::past::Past;
use crate::StoreError;
use crate::segment::{NOBODY, Whole};

/// A chain to be walked. Numbers and ordinals hold for the life of the value.
pub struct Walk<'a> {
    chain: Chain,
    past: Option<&'a Past>,
    numbers: Numbers,
}

/// Somebody on the way, and the transfer by which he was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// Which of the frontier it starts from.
    pub from: u32,
    /// [`Walk::NOBODY`]: a fee, a reward, or Bitcoin's transaction itself.
    pub to: u32,
    /// Names the transfer.
    pub ordinal: u64,
}

/// Where a walk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stand {
    pub account: u32,
    /// Forward only what comes after this transfer, backward what came before; none means all.
    pub after: Option<u64>,
    /// Forward not before this time, backward not after it, as of a [`model::Seek`].
    pub bound: Option<Timestamp>,
}

/// From an account's number to its numbers in the layers, and back.
#[derive(Default)]
struct Numbers {
    /// As many for each account as there are layers.
    locals: Vec<u32>,
    /// By layer.
    known: Vec<HashMap<u32, u32>>,
}

impl<'a> Walk<'a> {
    pub const NOBODY: u32 = NOBODY;

    pub(super) fn new(past: Option<&'a Past>, chain: Chain) -> Walk<'a> {
        let layers = past.map_or(0, |past| past.layers.len());
        let known = vec![HashMap::new(); layers];
        Walk { chain, past, numbers: Numbers { locals: Vec::new(), known } }
    }

    /// None where nothing is held of it.
    pub fn number(&mut self, account: &Account) -> Result<Option<u32>, StoreError> {
        let Some(past) = self.past.filter(|past| past.chain == account.chain) else {
            return Ok(None);
        };
        let Some(bytes) = past.bytes(account) else { return Ok(None) };
        for (at, layer) in past.layers.iter().enumerate() {
            let Some(local) = layer.segment.address_number(bytes)? else { continue };
            if past.layers.len() == 1 {
                return Ok(Some(local));
            }
            self.numbers.meet(past, at, vec![local])?;
            return Ok(Some(self.numbers.known[at][&local]));
        }
        Ok(None)
    }

    /// # Errors
    /// When no such number was given out.
    pub fn account(&self, number: u32) -> Result<Account, StoreError> {
        let chain = self.chain;
        let found = self.past.and_then(|past| Some((past, self.numbers.any(past, number)?)));
        if let Some((past, (at, local))) = found
            && let Some(address) = past.layers[at].address(chain, local)?
        {
            return Ok(Account { chain, address });
        }
        Err(StoreError::value(format!("name account {number} of a walk"), "it was not met"))
    }

    /// The transfer of a step, whole.
    pub fn transfer(&self, ordinal: u64) -> Result<Transfer, StoreError> {
        let (at, row) = split(ordinal);
        match self.past.and_then(|past| past.layers.get(at)) {
            Some(layer) => layer.transfer(row),
            None => Err(StoreError::value(format!("read transfer {ordinal}"), "there is none")),
        }
    }

    /// Calls back with each of these transfers, whole, and its place among them. Ordinals must not
    /// descend; they are those of steps.
    pub fn each_whole(
        &self,
        ordinals: &[u64],
        mut visit: impl FnMut(usize, &Whole<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        let mut before = 0;
        for ordinals in ordinals.chunk_by(|a, b| split(*a).0 == split(*b).0) {
            let (at, _) = split(ordinals[0]);
            let layer = self.past.and_then(|past| past.layers.get(at)).ok_or_else(|| {
                StoreError::value(format!("read transfer {}", ordinals[0]), "there is none")
            })?;
            rows.clear();
            rows.extend(ordinals.iter().map(|ordinal| split(*ordinal).1));
            layer.segment.each_whole(&rows, |n, whole| visit(before + n, whole))?;
            before += ordinals.len();
        }
        Ok(())
    }

    /// When each step was, in their order.
    pub fn times(&self, steps: &[Step], out: &mut Vec<Timestamp>) -> Result<(), StoreError> {
        let Some(past) = self.past else { return Ok(()) };
        out.reserve(steps.len());
        let mut layer = usize::MAX;
        let mut moments = None;
        for step in steps {
            let (at, row) = split(step.ordinal);
            if at != layer {
                moments = past.layers[at].moments()?;
                layer = at;
            }
            out.push(match moments.and_then(|moments| moments.time(row)) {
                Some(time) => time,
                None => past.layers[at].segment.row_time(row)?,
            });
        }
        Ok(())
    }

    /// Everybody one step away from each stand, at most so many steps of each: the earliest forward, the
    /// latest backward. Steps of one stand are together, and in order of time.
    pub fn neighbours(
        &mut self,
        direction: Direction,
        frontier: &[Stand],
        most: usize,
        steps: &mut Vec<Step>,
    ) -> Result<(), StoreError> {
        let Some(past) = self.past else { return Ok(()) };
        let first = steps.len();
        let (rows, neighbours, bounds) = (Vec::new(), Vec::new(), HashMap::new());
        let mut ask = Ask { past, direction, most, rows, neighbours, bounds };
        for (from, stand) in (0u32..).zip(frontier) {
            match past.layers.as_slice() {
                [_] => ask.one(from, stand, stand.account, 0, most, steps)?,
                _ => ask.several(from, stand, &self.numbers, steps)?,
            }
        }
        if past.layers.len() > 1 {
            self.numbers.meet_all(past, &mut steps[first..])?;
        }
        Ok(())
    }
}

/// One call, with room for what it decodes.
struct Ask<'a> {
    past: &'a Past,
    direction: Direction,
    most: usize,
    rows: Vec<u32>,
    neighbours: Vec<u32>,
    /// Many stand at the same time: by layer, the rows it lets through.
    bounds: HashMap<(usize, Timestamp), Range<u32>>,
}

/// Up to so many postings are decoded and thrown away rather than searched.
const SHORT: u64 = 128;

impl Ask<'_> {
    /// Steps in one layer; `to` is that layer's own number.
    fn one(
        &mut self,
        from: u32,
        stand: &Stand,
        local: u32,
        at: usize,
        most: usize,
        steps: &mut Vec<Step>,
    ) -> Result<(), StoreError> {
        let layer = &self.past.layers[at];
        let veil = layer.veil()?;
        let mut postings = layer.segment.postings(self.direction, local)?;
        if postings.is_empty() {
            return Ok(());
        }
        let mut allowed = match stand.after {
            Some(after) => self.rows_beyond(at, after)?,
            None => 0..u32::MAX,
        };
        if let Some(bound) = stand.bound {
            let bounded = self.rows_within(at, bound)?;
            allowed = allowed.start.max(bounded.start)..allowed.end.min(bounded.end);
        }
        if postings.end - postings.start > SHORT {
            let start = layer.first_posting(self.direction, postings.clone(), allowed.start)?;
            let end = layer.first_posting(self.direction, start..postings.end, allowed.end)?;
            postings = start..end;
        }
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let mut room = most;
        let before = steps.len();
        while !postings.is_empty() && room > 0 {
            let count = room.max(SHORT).min(postings.end - postings.start);
            let taken = match self.direction {
                Direction::Forward => postings.start..postings.start + count,
                Direction::Backward => postings.end - count..postings.end,
            };
            match self.direction {
                Direction::Forward => postings.start = taken.end,
                Direction::Backward => postings.end = taken.start,
            }
            self.rows.clear();
            self.neighbours.clear();
            let (rows, neighbours) = (&mut self.rows, &mut self.neighbours);
            layer.segment.postings_into(self.direction, taken, rows, neighbours)?;
            let put = |(row, to): (&u32, &u32)| {
                if room > 0 && allowed.contains(row) && !layer.is_masked_row(veil, *row) {
                    steps.push(Step { from, to: *to, ordinal: join(at, *row) });
                    room -= 1;
                }
            };
            match self.direction {
                Direction::Forward => rows.iter().zip(neighbours.iter()).for_each(put),
                Direction::Backward => rows.iter().zip(neighbours.iter()).rev().for_each(put),
            }
        }
        if self.direction == Direction::Backward {
            steps[before..].reverse();
        }
        Ok(())
    }

    /// Rows of a layer not before (forward) or not after (backward) this time.
    fn rows_within(&mut self, at: usize, bound: Timestamp) -> Result<Range<u32>, StoreError> {
        if let Some(known) = self.bounds.get(&(at, bound)) {
            return Ok(known.clone());
        }
        let layer = &self.past.layers[at];
        let rows = match self.direction {
            Direction::Forward => layer.rows_between(Some(bound), None)?,
            Direction::Backward => layer.rows_between(None, Some(bound))?,
        };
        self.bounds.insert((at, bound), rows.clone());
        Ok(rows)
    }

    /// Rows of a layer after (forward) or before (backward) a transfer of any layer.
    fn rows_beyond(&self, at: usize, after: u64) -> Result<Range<u32>, StoreError> {
        let (other, row) = split(after);
        let layer = &self.past.layers[at];
        let first_later = match other == at {
            true => row,
            false => layer.first_row_after(&self.past.layers[other].key(row)?)?,
        };
        Ok(match self.direction {
            Direction::Forward if other == at => row.saturating_add(1)..u32::MAX,
            Direction::Forward => first_later..u32::MAX,
            Direction::Backward => 0..first_later,
        })
    }

    fn several(
        &mut self,
        from: u32,
        stand: &Stand,
        numbers: &Numbers,
        steps: &mut Vec<Step>,
    ) -> Result<(), StoreError> {
        let locals = numbers.locals_of(self.past, stand.account);
        let held = (0..locals.len()).filter(|at| locals[*at] != NOBODY);
        let mut runs = self.past.runs(held);
        if self.direction == Direction::Backward {
            runs.reverse();
        }
        let before = steps.len();
        for run in runs {
            let start = steps.len();
            let most = self.most - (start - before);
            for at in &run {
                self.one(from, stand, locals[*at], *at, most, steps)?;
            }
            if run.len() > 1 {
                self.sort(start, most, steps)?;
            }
            if self.direction == Direction::Backward {
                // Later runs are earlier in time.
                steps[before..].rotate_left(start - before);
            }
        }
        Ok(())
    }

    /// Steps of layers that share time, in its order, and no more than wanted.
    fn sort(&self, start: usize, most: usize, steps: &mut Vec<Step>) -> Result<(), StoreError> {
        let mut keyed = Vec::with_capacity(steps.len() - start);
        for step in steps.drain(start..) {
            let (at, row) = split(step.ordinal);
            keyed.push((self.past.layers[at].key(row)?, row, step));
        }
        keyed.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let over = keyed.len().saturating_sub(most);
        let kept = match self.direction {
            Direction::Forward => 0..keyed.len() - over,
            Direction::Backward => over..keyed.len(),
        };
        steps.extend(keyed[kept].iter().map(|(_, _, step)| *step));
        Ok(())
    }
}

impl Numbers {
    fn locals_of<'a>(&'a self, past: &Past, number: u32) -> &'a [u32] {
        let width = past.layers.len();
        let start = number as usize * width;
        self.locals.get(start..start + width).unwrap_or(&[])
    }

    /// A layer that holds this account, and its number there.
    fn any(&self, past: &Past, number: u32) -> Option<(usize, u32)> {
        if past.layers.len() == 1 {
            return (number < past.layers[0].segment.head().addresses).then_some((0, number));
        }
        let locals = self.locals_of(past, number);
        let at = locals.iter().position(|local| *local != NOBODY)?;
        Some((at, locals[at]))
    }

    /// Turns the layers' own numbers at the end of steps into ours.
    fn meet_all(&mut self, past: &Past, steps: &mut [Step]) -> Result<(), StoreError> {
        let mut strange: Vec<Vec<u32>> = vec![Vec::new(); past.layers.len()];
        for step in steps.iter().filter(|step| step.to != NOBODY) {
            let (at, _) = split(step.ordinal);
            if !self.known[at].contains_key(&step.to) {
                strange[at].push(step.to);
            }
        }
        for (at, mut locals) in strange.into_iter().enumerate() {
            locals.sort_unstable();
            locals.dedup();
            self.meet(past, at, locals)?;
        }
        for step in steps.iter_mut().filter(|step| step.to != NOBODY) {
            let (at, _) = split(step.ordinal);
            step.to = self.known[at][&step.to];
        }
        Ok(())
    }

    /// Numbers accounts of one layer, by looking them up in all others. Those met before, perhaps
    /// in another layer a moment ago, are left out.
    fn meet(&mut self, past: &Past, at: usize, mut locals: Vec<u32>) -> Result<(), StoreError> {
        locals.retain(|local| !self.known[at].contains_key(local));
        let names: Result<Vec<&[u8]>, StoreError> =
            locals.iter().map(|local| past.layers[at].segment.address(*local)).collect();
        let names = names?;
        let width = past.layers.len();
        let first = self.locals.len() / width;
        self.locals.resize(self.locals.len() + locals.len() * width, NOBODY);
        let mut found = Vec::new();
        for (other, layer) in past.layers.iter().enumerate() {
            found.clear();
            match other == at {
                true => found.extend(locals.iter().map(|local| Some(*local))),
                false => layer.segment.address_numbers(&names, &mut found)?,
            }
            for (nth, local) in found.iter().enumerate() {
                let Some(local) = local else { continue };
                let number = u32::try_from(first + nth).expect("fewer are met than addresses");
                self.locals[(first + nth) * width + other] = *local;
                self.known[other].insert(*local, number);
            }
        }
        Ok(())
    }
}

fn join(layer: usize, row: u32) -> u64 {
    (layer as u64) << 32 | u64::from(row)
}

fn split(ordinal: u64) -> (usize, u32) {
    let [a, b, c, d, row @ ..] = ordinal.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]) as usize, u32::from_be_bytes(row))
}
