//! A whole frontier in one call.
//!
//! It goes in phases, each for all accounts before the next begins: addresses are found in every
//! layer, then their postings, then as many rows as the limits want, then these rows are read whole.
//! So a cold disk is waited for once a phase, and nothing is read that is not answered.

use std::collections::BTreeMap;
use std::ops::Range;

use model::{
    Asset, Chain, Direction, Limits, Position, Reached, Seek, TimeSource, Timestamp, Transfer,
    TransferKind, TxHash, TxId, U256,
};

use super::merge::Merge;
use super::past::{Past, Visible};
use crate::StoreError;
use crate::segment::NOBODY;

/// From so many on, what they will touch is asked of the disk at once.
const MANY: usize = 32;

/// The postings of one account in one layer.
struct Hit {
    seek: usize,
    layer: usize,
    postings: Range<u64>,
}

/// A row to be read whole.
struct Pick {
    seek: usize,
    layer: usize,
    row: u32,
}

/// Where a row is, and where its transfer goes.
struct Place {
    layer: usize,
    row: u32,
    seek: usize,
    n: usize,
}

pub(super) fn expand(
    chains: &BTreeMap<Chain, Past>,
    direction: Direction,
    frontier: &[Seek],
    limits: &Limits,
) -> Result<Vec<Reached>, StoreError> {
    let mut reached: Vec<Reached> = frontier.iter().map(nothing).collect();
    let mut by_chain: BTreeMap<Chain, Vec<usize>> = BTreeMap::new();
    for (at, seek) in frontier.iter().enumerate() {
        by_chain.entry(seek.account.chain).or_default().push(at);
    }
    for (chain, seeks) in by_chain {
        let Some(past) = chains.get(&chain) else { continue };
        let ask = Ask { past, direction, frontier, limits };
        let hits = ask.hits(&seeks)?;
        let picks = ask.picks(&hits, &mut reached)?;
        ask.read(&picks, &mut reached)?;
    }
    Ok(reached)
}

fn nothing(seek: &Seek) -> Reached {
    let account = seek.account.clone();
    Reached { account, transfers: Vec::new(), is_truncated: false, is_complete: false }
}

/// One question to one chain.
struct Ask<'a> {
    past: &'a Past,
    direction: Direction,
    frontier: &'a [Seek],
    limits: &'a Limits,
}

impl Ask<'_> {
    /// Every account in every layer that may answer; by account, then by layer.
    fn hits(&self, seeks: &[usize]) -> Result<Vec<Hit>, StoreError> {
        let (seeks, names): (Vec<usize>, Vec<&[u8]>) = seeks
            .iter()
            .filter_map(|seek| Some((*seek, self.past.bytes(&self.frontier[*seek].account)?)))
            .unzip();
        let mut hits = Vec::new();
        let mut numbers = Vec::new();
        for (at, layer) in self.past.layers.iter().enumerate() {
            if !layer.is_between(self.limits.since, self.limits.until) {
                continue;
            }
            numbers.clear();
            self.find(layer, &names, &mut numbers)?;
            let found =
                seeks.iter().zip(&numbers).filter_map(|(at, number)| Some((*at, (*number)?)));
            let mut ranges = Vec::new();
            for (seek, number) in found {
                let postings = layer.segment.postings(self.direction, number)?;
                if !postings.is_empty() {
                    ranges.push((seek, postings));
                }
            }
            self.ahead(layer, &ranges);
            for (seek, postings) in ranges {
                let postings = self.narrowed(layer, &self.frontier[seek], postings)?;
                if !postings.is_empty() {
                    hits.push(Hit { seek, layer: at, postings });
                }
            }
        }
        hits.sort_by_key(|hit| (hit.seek, hit.layer));
        Ok(hits)
    }

    fn find(
        &self,
        layer: &Visible,
        names: &[&[u8]],
        numbers: &mut Vec<Option<u32>>,
    ) -> Result<(), StoreError> {
        let is_cold = names.len() >= MANY && layer.segment.ahead_names(names);
        layer.segment.address_numbers(names, numbers)?;
        if is_cold {
            let found: Vec<u32> = numbers.iter().flatten().copied().collect();
            layer.segment.ahead_ends(self.direction, &found);
        }
        Ok(())
    }

    /// Has the postings read ahead.
    fn ahead(&self, layer: &Visible, ranges: &[(usize, Range<u64>)]) {
        if ranges.len() >= MANY {
            let ranges: Vec<Range<u64>> = ranges.iter().map(|(_, range)| range.clone()).collect();
            layer.segment.ahead_postings(self.direction, &ranges);
        }
    }

    /// Bounds in time become bounds of rows: postings are in the order of rows.
    fn narrowed(
        &self,
        layer: &Visible,
        seek: &Seek,
        postings: Range<u64>,
    ) -> Result<Range<u64>, StoreError> {
        let (since, until) = range(self.direction, seek, self.limits);
        if postings.is_empty() || layer.is_within(since, until) {
            return Ok(postings);
        }
        let rows = layer.rows_between(since, until)?;
        let start = layer.first_posting(self.direction, postings.clone(), rows.start)?;
        let end = layer.first_posting(self.direction, start..postings.end, rows.end)?;
        Ok(start..end)
    }

    /// The rows that answer: the earliest forward, the latest backward.
    fn picks(&self, hits: &[Hit], reached: &mut [Reached]) -> Result<Vec<Pick>, StoreError> {
        let filters: Result<Vec<Filter>, StoreError> =
            self.past.layers.iter().map(|layer| Filter::new(layer, self.limits)).collect();
        let filters = filters?;
        let most = self.limits.per_account;
        let mut picks = Vec::new();
        for hits in hits.chunk_by(|a, b| a.seek == b.seek) {
            let seek = hits[0].seek;
            let before = picks.len();
            let postings = hits.iter().map(|hit| (hit.layer, hit.postings.clone()));
            let mut merge = Merge::new(self.past, self.direction, &filters, most, postings);
            while let Some((layer, row)) = merge.next()? {
                if picks.len() - before == most {
                    reached[seek].is_truncated = true;
                    break;
                }
                picks.push(Pick { seek, layer, row });
            }
            if self.direction == Direction::Backward {
                picks[before..].reverse();
            }
        }
        Ok(picks)
    }

    fn read(&self, picks: &[Pick], reached: &mut [Reached]) -> Result<(), StoreError> {
        if picks.len() >= MANY {
            for (at, layer) in self.past.layers.iter().enumerate() {
                let rows = picks.iter().filter(|pick| pick.layer == at).map(|pick| pick.row);
                read_ahead(layer, &rows.collect::<Vec<u32>>())?;
            }
        }
        // Rows are read in the order of the file, and told in that of the picks.
        let mut order: Vec<Place> = Vec::with_capacity(picks.len());
        for picks in picks.chunk_by(|a, b| a.seek == b.seek) {
            reached[picks[0].seek].transfers.resize(picks.len(), unread(self.past.chain));
            let place = |(n, pick): (usize, &Pick)| Place {
                layer: pick.layer,
                row: pick.row,
                seek: pick.seek,
                n,
            };
            order.extend(picks.iter().enumerate().map(place));
        }
        order.sort_unstable_by_key(|place| (place.layer, place.row));
        let mut rows = Vec::new();
        for places in order.chunk_by(|a, b| a.layer == b.layer) {
            let layer = &self.past.layers[places[0].layer];
            rows.clear();
            rows.extend(places.iter().map(|place| place.row));
            layer.segment.each_whole(&rows, |at, whole| {
                let Place { seek, n, .. } = places[at];
                reached[seek].transfers[n] = layer.shown(whole)?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Stands where a transfer will.
fn unread(chain: Chain) -> Transfer {
    Transfer {
        tx: TxId { chain, hash: TxHash::new(&[0; 32]) },
        position: Position::Fee,
        height: None,
        tx_index: None,
        time: Timestamp::UNIX_EPOCH,
        time_source: TimeSource::Unknown,
        from: None,
        to: None,
        asset: Asset::native(chain),
        amount: U256::ZERO,
        kind: TransferKind::Value,
    }
}

/// Has rows read ahead, and then what they name.
fn read_ahead(layer: &Visible, rows: &[u32]) -> Result<(), StoreError> {
    if !layer.segment.ahead_rows(rows) {
        return Ok(());
    }
    let (mut entries, mut addresses) = (Vec::new(), Vec::new());
    for row in rows {
        let row = layer.segment.row(*row)?;
        entries.push(row.entry);
        addresses.extend([row.from, row.to].into_iter().filter(|number| *number != NOBODY));
    }
    layer.segment.ahead_entries(&entries);
    layer.segment.ahead_addresses(&addresses);
    Ok(())
}

/// What a row must have, in the numbers of one layer.
pub(super) struct Filter {
    /// None: any. Empty: this layer has none of them.
    assets: Option<Vec<u32>>,
    least: U256,
}

impl Filter {
    fn new(layer: &Visible, limits: &Limits) -> Result<Filter, StoreError> {
        let number = |asset: &Asset| layer.segment.asset_number(asset).transpose();
        let numbers = |assets: &Vec<Asset>| assets.iter().filter_map(number).collect();
        let assets = limits.assets.as_ref().map(numbers).transpose()?;
        Ok(Filter { assets, least: limits.min_base })
    }

    /// Can no row of this layer pass?
    pub fn is_closed(&self) -> bool {
        self.assets.as_ref().is_some_and(Vec::is_empty)
    }

    pub fn lets_through(&self, layer: &Visible, row: u32) -> Result<bool, StoreError> {
        if self.assets.is_none() && self.least.is_zero() {
            return Ok(true);
        }
        if let Some(assets) = &self.assets
            && !assets.contains(&layer.segment.row(row)?.asset)
        {
            return Ok(false);
        }
        Ok(self.least.is_zero() || layer.segment.row(row)?.amount >= self.least)
    }
}

fn range(
    direction: Direction,
    seek: &Seek,
    limits: &Limits,
) -> (Option<Timestamp>, Option<Timestamp>) {
    match direction {
        Direction::Forward => (limits.since.max(seek.bound), limits.until),
        Direction::Backward => (limits.since, limits.until.into_iter().chain(seek.bound).min()),
    }
}
