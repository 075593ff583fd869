//! The transactions of a chain, in its order, on from a place in it.
//!
//! Account chains are read in order of time. A Bitcoin block may state an earlier time than the one before it, so there
//! transactions are put in order of height: each waits until times half a day later are read, since no block's
//! time is further from its neighbours'. What has no height comes in order of time.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::Result;
use entity::clusterer::{Clusterer, Place};
use model::{Chain, Timestamp, Transaction, Transfer, TxId, UtxoTransaction, View, ViewError};
use store::Store;

pub struct Feed<'a> {
    store: &'a Store,
    chain: Chain,
    after: Option<Place>,
    /// Heights from here on can be undone.
    hot: Option<u64>,
    /// Transfers that are held.
    held: u64,
}

/// One transaction, and the height it stands at where that can be undone.
pub struct Taken {
    pub hot: Option<u64>,
    what: What,
}

enum What {
    Utxo(Box<UtxoTransaction>),
    Transfers(Vec<Transfer>),
}

/// What a feed came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed {
    /// Transfers that are final and were read now.
    pub scanned: u64,
    /// Are the transfers read earlier and now all there are? Else the past has changed.
    pub is_whole: bool,
}

const WAIT_SECONDS: i64 = 12 * 3600;
const TOGETHER: usize = 512;

impl Taken {
    pub fn give(&self, clusterer: &mut Clusterer) {
        match &self.what {
            What::Utxo(tx) => clusterer.take_utxo(tx),
            What::Transfers(transfers) => clusterer.take_transfers(transfers),
        }
    }
}

type Visit<'v> = dyn FnMut(Taken) -> Result<()> + 'v;

impl<'a> Feed<'a> {
    pub fn new(store: &'a Store, chain: Chain, after: Option<Place>) -> Result<Feed<'a>> {
        let followed = store.followed()?;
        let hot = followed.into_iter().find(|one| one.chain == chain).and_then(|one| one.hot);
        let coverage = store.coverage()?.into_iter().find(|one| one.chain == chain);
        let held = coverage.map_or(0, |coverage| coverage.transfers);
        Ok(Feed { store, chain, after, hot: hot.map(|hot| *hot.start()), held })
    }

    /// `scanned`: transfers that were read up to where this begins.
    pub fn run(&self, scanned: u64, visit: &mut Visit<'_>) -> Result<Fed> {
        let mut reading =
            Reading { feed: self, waiting: BTreeMap::new(), ready: Vec::new(), visit };
        let mut counts = Counts::default();
        let mut failed: Option<anyhow::Error> = None;
        let mut tx: Vec<Transfer> = Vec::new();
        self.store.scan(self.chain, self.since(), None, &mut |transfer| {
            if tx.first().is_some_and(|first| first.tx != transfer.tx)
                && let Err(error) = reading.next(&mut tx, &mut counts)
            {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            tx.push(transfer.clone());
            ControlFlow::Continue(())
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        reading.next(&mut tx, &mut counts)?;
        reading.release(None)?;
        reading.fetch()?;
        let is_whole = scanned + counts.fresh + counts.hot == self.held;
        Ok(Fed { scanned: counts.fresh, is_whole })
    }

    fn since(&self) -> Option<Timestamp> {
        let last = self.after.as_ref()?.time;
        Some(if self.chain.is_utxo() { earlier(last, 2 * WAIT_SECONDS) } else { last })
    }

    fn is_new(&self, place: &Place) -> bool {
        let Some(after) = &self.after else { return true };
        match (self.chain.is_utxo(), place.height, after.height) {
            (true, Some(height), Some(last)) => {
                (height, place.index, place.hash) > (last, after.index, after.hash)
            }
            _ => place > after,
        }
    }
}

#[derive(Default)]
struct Counts {
    /// Transfers after the place, final, and those that can be undone.
    fresh: u64,
    hot: u64,
}

/// A Bitcoin transaction's place in its chain's order.
type Key = (Option<u64>, Option<u32>, model::TxHash);

struct Reading<'f, 's, 'v, 'w> {
    feed: &'f Feed<'s>,
    waiting: BTreeMap<Key, Timestamp>,
    ready: Vec<(TxId, Option<u64>)>,
    visit: &'v mut Visit<'w>,
}

impl Reading<'_, '_, '_, '_> {
    /// The transfers of the next transaction in order of time.
    fn next(&mut self, tx: &mut Vec<Transfer>, counts: &mut Counts) -> Result<()> {
        let Some(first) = tx.first() else { return Ok(()) };
        let place = Place::of_transfer(first);
        if !self.feed.is_new(&place) {
            tx.clear();
            return Ok(());
        }
        let is_hot = |height: &u64| self.feed.hot.is_some_and(|hot| *height >= hot);
        let hot = place.height.filter(is_hot);
        let count = tx.len() as u64;
        *(if hot.is_some() { &mut counts.hot } else { &mut counts.fresh }) += count;
        if !self.feed.chain.is_utxo() {
            let what = What::Transfers(std::mem::take(tx));
            return (self.visit)(Taken { hot, what });
        }
        tx.clear();
        match place.height {
            None => self.ready(place.hash, None)?,
            Some(_) => {
                self.waiting.insert((place.height, place.index, place.hash), place.time);
            }
        }
        self.release(Some(earlier(place.time, WAIT_SECONDS)))
    }

    /// Those whose time is long enough past, and with none, all.
    fn release(&mut self, until: Option<Timestamp>) -> Result<()> {
        while let Some(first) = self.waiting.first_entry()
            && until.is_none_or(|until| *first.get() <= until)
        {
            let ((height, _, hash), _) = first.remove_entry();
            let hot = height.filter(|height| self.feed.hot.is_some_and(|hot| *height >= hot));
            self.ready(hash, hot)?;
        }
        Ok(())
    }

    fn ready(&mut self, hash: model::TxHash, hot: Option<u64>) -> Result<()> {
        self.ready.push((TxId { chain: self.feed.chain, hash }, hot));
        if self.ready.len() < TOGETHER { Ok(()) } else { self.fetch() }
    }

    /// Hands over whole transactions.
    fn fetch(&mut self) -> Result<()> {
        let ready = std::mem::take(&mut self.ready);
        let ids: Vec<TxId> = ready.iter().map(|(id, _)| *id).collect();
        let found = self.feed.store.transactions(&ids)?;
        for ((id, hot), found) in ready.into_iter().zip(found) {
            let Some(Transaction::Utxo(tx)) = found else {
                return Err(ViewError::new(format!("{id} was scanned and cannot be found")).into());
            };
            (self.visit)(Taken { hot, what: What::Utxo(Box::new(tx)) })?;
        }
        Ok(())
    }
}

/// So many seconds before, or the earliest time there is.
fn earlier(time: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(time.as_second().saturating_sub(seconds)).unwrap_or(Timestamp::MIN)
}
