//! What the store knew at one moment, and its answers.
//!
//! In come the layers of one state of the catalog and what is known of assets; out come the answers
//! of a [`View`]. A snapshot never changes: what is committed later, merged away or unwound shows in
//! the next one. It is cheap to clone, and many threads may ask it at once.
//!
//! | file | answers |
//! |---|---|
//! | `past` | what of one chain is visible: layers in order of time, masked rows left out |
//! | `expand` | a frontier, in phases so that a cold disk waits once |
//! | `merge` | rows of several layers in one order of time |
//! | `moments` | when a row was, from a table |
//! | `scan` | everything in order of time |
//! | `transaction` | transactions, and who spent what |
//! | `coverage` | degrees and what is held, from tables and not from rows |
//! | `columns`, `numbering` | a chain as columns, its accounts numbered over all segments |
//! | `walk` | who comes next, by numbers alone; the transfers when all are known |

mod columns;
mod coverage;
mod expand;
mod merge;
mod moments;
mod numbering;
mod past;
mod scan;
mod transaction;
mod walk;

use std::collections::BTreeMap;
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;

use model::{
    Account, Asset, AssetMeta, Chain, Columns, Coverage, Degree, Direction, Expansion, Limits,
    Outpoint, Seek, Spend, Timestamp, Transaction, Transfer, TxId, View, ViewError,
};

use crate::StoreError;
use crate::follow::FollowedRanges;
use crate::layers::Layers;
use past::Past;
pub use walk::{Stand, Step, Walk};

/// What the store knew at one moment; immutable, shared, cheap to clone.
#[derive(Clone)]
pub struct Snapshot {
    state: Arc<State>,
}

struct State {
    chains: BTreeMap<Chain, Past>,
    metas: Arc<BTreeMap<Asset, AssetMeta>>,
    followed: BTreeMap<Chain, FollowedRanges>,
    /// Which chains cannot be read, and what the catalog says of them.
    layers: Layers,
    unreadable: Vec<Coverage>,
}

impl Snapshot {
    /// The layers of one state of the catalog. What an earlier snapshot worked out about layers that
    /// did not change since is taken over.
    pub fn new(
        layers: &Layers,
        metas: Arc<BTreeMap<Asset, AssetMeta>>,
        earlier: Option<&Snapshot>,
    ) -> Snapshot {
        let chains = layers.chains().map(|chain| {
            let known = earlier.and_then(|earlier| earlier.state.chains.get(&chain));
            (chain, Past::new(chain, layers.visible(chain), known))
        });
        let (chains, followed) = (chains.collect(), BTreeMap::new());
        let (layers, unreadable) = (Layers::default(), Vec::new());
        Snapshot { state: Arc::new(State { chains, metas, followed, layers, unreadable }) }
    }

    /// The same, refusing what needs a chain that cannot be read.
    #[must_use]
    pub(crate) fn with_unreadable(self, layers: Layers, held: Vec<Coverage>) -> Snapshot {
        let mut state = self.state;
        if let Some(state) = Arc::get_mut(&mut state) {
            (state.layers, state.unreadable) = (layers, held);
        }
        Snapshot { state }
    }

    fn must_read(&self, chains: impl IntoIterator<Item = Chain>) -> Result<(), ViewError> {
        if self.state.unreadable.is_empty() {
            return Ok(());
        }
        let all = chains.into_iter().try_for_each(|chain| self.state.layers.must_read(chain));
        answer("read what is held", all)
    }

    /// The same, knowing which heights are held whole.
    #[must_use]
    pub fn with_followed(self, followed: BTreeMap<Chain, FollowedRanges>) -> Snapshot {
        let mut state = self.state;
        if let Some(state) = Arc::get_mut(&mut state) {
            state.followed = followed;
        }
        Snapshot { state }
    }

    fn is_whole(&self, coverage: &Coverage) -> bool {
        let Some(ranges) = self.state.followed.get(&coverage.chain) else { return false };
        if self.state.layers.must_read(coverage.chain).is_err() {
            return false;
        }
        let (Some(first), Some(last)) = (coverage.height_first, coverage.height_last) else {
            return false;
        };
        ranges.are_whole(first..=last)
    }

    /// As [`View::scan`], what is at these heights: other pages are not read. What has no height is at none.
    ///
    /// # Errors
    /// When the chain cannot be read.
    pub fn scan_heights(
        &self,
        chain: Chain,
        heights: RangeInclusive<u64>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        self.must_read([chain])?;
        let Some(past) = self.past(chain) else { return Ok(()) };
        past.scan_heights(&heights, visit)
            .map_err(|error| ViewError::because(format!("scan heights of {chain}"), error))
    }

    /// Walks a chain by numbers alone, from any account on.
    pub fn walk(&self, chain: Chain) -> Walk<'_> {
        Walk::new(self.past(chain), chain)
    }

    fn past(&self, chain: Chain) -> Option<&Past> {
        self.state.chains.get(&chain)
    }
}

impl View for Snapshot {
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        self.must_read(frontier.iter().map(|seek| seek.account.chain))?;
        let reached = expand::expand(&self.state.chains, direction, frontier, limits);
        Ok(Expansion { reached: answer("expand a frontier", reached)? })
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        self.must_read(outpoints.iter().map(|outpoint| outpoint.tx.chain))?;
        let spend = |outpoint: &Outpoint| match self.past(outpoint.tx.chain) {
            Some(past) => answer("look up who spent", past.spend(outpoint)),
            None => Ok(None),
        };
        outpoints.iter().map(spend).collect()
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        self.must_read([id.chain])?;
        let Some(past) = self.past(id.chain) else { return Ok(None) };
        past.transaction(id)
            .map_err(|error| ViewError::because(format!("look up the transaction {id}"), error))
    }

    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        self.must_read(accounts.iter().map(|account| account.chain))?;
        answer("count transfers", coverage::degrees(&self.state.chains, accounts))
    }

    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        self.must_read([chain])?;
        let Some(past) = self.past(chain) else { return Ok(()) };
        past.scan(since, until, visit)
            .map_err(|error| ViewError::because(format!("scan {chain}"), error))
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        let metas = &self.state.metas;
        let known = |asset: &Asset| metas.get(asset).cloned();
        Ok(assets
            .iter()
            .map(|asset| known(asset).unwrap_or_else(|| AssetMeta::unknown(asset.clone())))
            .collect())
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        let all = self.state.chains.values().map(Past::coverage);
        let all: Result<Vec<Coverage>, StoreError> = all.collect();
        let mut all = answer("say what is held", all)?;
        all.extend_from_slice(&self.state.unreadable);
        all.sort_by_key(|coverage| coverage.chain);
        all.retain(|coverage| coverage.transfers > 0);
        all.iter_mut().for_each(|coverage| coverage.is_complete = self.is_whole(coverage));
        Ok(all)
    }

    fn columns(&self, chain: Chain) -> Result<Box<dyn Columns + '_>, ViewError> {
        self.must_read([chain])?;
        let columns = columns::SegmentColumns::new(self, self.past(chain));
        Ok(Box::new(answer("number the accounts", columns)?))
    }
}

fn answer<T>(doing: &str, answered: Result<T, StoreError>) -> Result<T, ViewError> {
    answered.map_err(|error| ViewError::because(doing, error))
}
