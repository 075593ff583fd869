//! Transfers of watched addresses that are in no block yet, and what became of them.
//!
//! Kept apart from everything that happened: in a table of the store, never in a view. A trace does not see
//! them.
//!
//! ```text
//! seen ─► confirmed   its transaction is in a block ─► seen again when the block is taken back
//!      ├► replaced    another transaction spent what it spends
//!      └► dropped     the node forgot it
//! ```

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use anyhow::Result;
use model::{Chain, Timestamp, TxId};
use serde::Serialize;
use store::{Expected, PENDING_MAX, Pending, PendingNews, PendingState, Store};

/// The note that held them before there was a table.
pub const OLD_NOTE: &str = "pending";
/// The note of why a node could not be asked what waits; none where it can.
pub const TROUBLE: &str = "pending-trouble";
/// One transfer, as `interdict transfers --pending` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PendingTransfer {
    pub tx: String,
    /// None where it is known only once it is in a block.
    pub position: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub asset: String,
    /// Base units, as a decimal string.
    pub amount: String,
    pub seen: Timestamp,
    #[serde(flatten)]
    pub state: State,
}

/// What became of it, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    Seen,
    Confirmed { height: u64, at: Timestamp },
    Replaced { by: Option<String>, at: Timestamp },
    Dropped { at: Timestamp },
}

/// What is known of the unconfirmed transfers of one chain, the earliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    transfers: Vec<PendingTransfer>,
}

impl Ledger {
    /// By the rules of the store's table.
    pub fn take(&mut self, tx: TxId, news: &PendingNews, now: Timestamp) {
        match news {
            PendingNews::Seen { moves, .. } => {
                let rows = moves.iter().map(|moved| PendingTransfer::of(tx, moved, now));
                self.seen(tx, rows.collect());
            }
            PendingNews::Confirmed { height } => self.confirmed(tx, *height, now),
            PendingNews::Replaced { by } => self.replaced(tx, *by, now),
            PendingNews::Dropped => self.dropped(tx, now),
            PendingNews::Gone => self.gone(tx, now),
        }
    }

    /// Is it known to be in the block of this height?
    pub fn is_confirmed(&self, tx: TxId, height: u64) -> bool {
        let tx = tx.hash_text();
        let mut rows = self.transfers.iter().filter(|row| row.tx == tx);
        rows.any(|row| row.confirmed_at() == Some(height))
    }

    /// A transaction that is in no block. One that was known is open again.
    pub fn seen(&mut self, tx: TxId, transfers: Vec<PendingTransfer>) {
        let known = tx.hash_text();
        if self.transfers.iter().any(|row| row.tx == known) {
            return self.set(tx, |_| true, &State::Seen);
        }
        self.transfers.extend(transfers);
        let over = self.transfers.len().saturating_sub(PENDING_MAX as usize);
        self.transfers.drain(..over);
    }

    /// Its transaction is in a block: also where the node had forgotten it. The same again changes nothing.
    pub fn confirmed(&mut self, tx: TxId, height: u64, at: Timestamp) {
        let is_news = |row: &PendingTransfer| row.confirmed_at() != Some(height);
        self.set(tx, is_news, &State::Confirmed { height, at });
    }

    /// By which other transaction is not always known.
    pub fn replaced(&mut self, tx: TxId, by: Option<TxId>, at: Timestamp) {
        let by = by.map(|by| by.hash_text());
        self.set(tx, PendingTransfer::is_open, &State::Replaced { by, at });
    }

    pub fn dropped(&mut self, tx: TxId, at: Timestamp) {
        self.set(tx, PendingTransfer::is_open, &State::Dropped { at });
    }

    /// It is neither in a block nor in the pool, whatever was said of it.
    pub fn gone(&mut self, tx: TxId, at: Timestamp) {
        let is_held = |row: &PendingTransfer| row.is_open() || row.confirmed_at().is_some();
        self.set(tx, is_held, &State::Dropped { at });
    }

    /// Transactions that were said to be in one of these blocks.
    pub fn confirmed_at(&self, chain: Chain, heights: RangeInclusive<u64>) -> BTreeSet<TxId> {
        let is_there = |row: &&PendingTransfer| {
            row.confirmed_at().is_some_and(|height| heights.contains(&height))
        };
        let there = self.transfers.iter().filter(is_there);
        there.filter_map(|row| TxId::parse(&row.tx, chain)).collect()
    }

    /// Transactions of which nobody knows yet what becomes of them.
    pub fn open(&self, chain: Chain) -> BTreeSet<TxId> {
        let open = self.transfers.iter().filter(|row| row.is_open());
        open.filter_map(|row| TxId::parse(&row.tx, chain)).collect()
    }

    pub fn transfers(&self) -> &[PendingTransfer] {
        &self.transfers
    }

    fn set(&mut self, tx: TxId, which: impl Fn(&PendingTransfer) -> bool, state: &State) {
        let tx = tx.hash_text();
        for row in self.transfers.iter_mut().filter(|row| row.tx == tx && which(row)) {
            row.state = state.clone();
        }
    }
}

impl PendingTransfer {
    pub fn of(tx: TxId, moved: &Expected, seen: Timestamp) -> PendingTransfer {
        let text =
            |end: &Option<model::Address>| end.as_ref().map(|address| address.text(tx.chain));
        PendingTransfer {
            tx: tx.hash_text(),
            position: moved.position.as_ref().map(ToString::to_string),
            from: text(&moved.from),
            to: text(&moved.to),
            asset: moved.asset.to_string(),
            amount: moved.amount.to_string(),
            seen,
            state: State::Seen,
        }
    }

    fn kept(row: &Pending) -> PendingTransfer {
        let state = match row.state {
            PendingState::Waiting => State::Seen,
            PendingState::Confirmed { height, at } => State::Confirmed { height, at },
            PendingState::Replaced { by, at } => {
                State::Replaced { by: by.map(|by| by.hash_text()), at }
            }
            PendingState::Dropped { at } => State::Dropped { at },
        };
        PendingTransfer { state, ..PendingTransfer::of(row.tx, &row.transfer, row.first_seen) }
    }

    fn is_open(&self) -> bool {
        self.state == State::Seen
    }

    fn confirmed_at(&self) -> Option<u64> {
        match self.state {
            State::Confirmed { height, .. } => Some(height),
            _ => None,
        }
    }
}

impl State {
    pub fn text(&self) -> String {
        match self {
            State::Seen => "seen".into(),
            State::Confirmed { height, at } => format!("confirmed in block {height} at {at}"),
            State::Replaced { by: Some(by), at } => format!("replaced by {by} at {at}"),
            State::Replaced { by: None, at } => format!("replaced at {at}"),
            State::Dropped { at } => format!("dropped at {at}"),
        }
    }
}

/// What the store holds of a chain.
pub fn noted(store: &Store, chain: Chain) -> Result<Ledger> {
    let rows = store.pending(chain)?;
    Ok(Ledger { transfers: rows.iter().map(PendingTransfer::kept).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Address, Asset, TxHash, U256};

    fn tx(byte: u8) -> TxId {
        TxId { chain: Chain::ETHEREUM, hash: TxHash::new(&[byte; 32]) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn rows(byte: u8) -> Vec<PendingTransfer> {
        let moved = Expected {
            position: None,
            from: Some(Address::Evm([1; 20])),
            to: Some(Address::Evm([2; 20])),
            asset: Asset::native(Chain::ETHEREUM),
            amount: U256::from(7),
        };
        vec![PendingTransfer::of(tx(byte), &moved, at(1))]
    }

    fn states(ledger: &Ledger) -> Vec<String> {
        ledger.transfers().iter().map(|row| row.state.text()).collect()
    }

    #[test]
    fn what_is_seen_is_confirmed_replaced_or_dropped_once() {
        let mut ledger = Ledger::default();
        for byte in 1..=3 {
            ledger.seen(tx(byte), rows(byte));
            ledger.seen(tx(byte), rows(byte));
        }
        assert_eq!(states(&ledger), ["seen", "seen", "seen"]);
        ledger.confirmed(tx(1), 12, at(20));
        ledger.replaced(tx(2), Some(tx(1)), at(20));
        ledger.dropped(tx(3), at(21));
        // What became of it already stays.
        ledger.dropped(tx(1), at(30));
        ledger.replaced(tx(3), None, at(30));
        let by = tx(1).hash_text();
        let expected = [
            "confirmed in block 12 at 1970-01-01T00:00:20Z".to_string(),
            format!("replaced by {by} at 1970-01-01T00:00:20Z"),
            "dropped at 1970-01-01T00:00:21Z".into(),
        ];
        assert_eq!(states(&ledger), expected);
        assert!(ledger.open(Chain::ETHEREUM).is_empty());
    }

    #[test]
    fn what_was_dropped_or_taken_back_may_come_again() {
        let mut ledger = Ledger::default();
        ledger.seen(tx(1), rows(1));
        ledger.dropped(tx(1), at(2));
        ledger.confirmed(tx(1), 5, at(3));
        assert_eq!(states(&ledger), ["confirmed in block 5 at 1970-01-01T00:00:03Z"]);
        ledger.seen(tx(1), rows(1));
        assert_eq!(states(&ledger), ["seen"]);
        assert_eq!(ledger.open(Chain::ETHEREUM), BTreeSet::from([tx(1)]));
    }

    #[test]
    fn what_a_block_that_is_gone_had_is_gone_or_in_another() {
        let mut ledger = Ledger::default();
        for byte in 1..=3 {
            ledger.seen(tx(byte), rows(byte));
        }
        ledger.confirmed(tx(1), 5, at(3));
        ledger.confirmed(tx(2), 9, at(3));
        ledger.dropped(tx(3), at(3));
        assert_eq!(ledger.confirmed_at(Chain::ETHEREUM, 6..=9), BTreeSet::from([tx(2)]));
        ledger.gone(tx(2), at(4));
        ledger.gone(tx(3), at(5));
        ledger.confirmed(tx(1), 5, at(6));
        let expected = [
            "confirmed in block 5 at 1970-01-01T00:00:03Z",
            "dropped at 1970-01-01T00:00:04Z",
            "dropped at 1970-01-01T00:00:03Z",
        ];
        assert_eq!(states(&ledger), expected);
        ledger.confirmed(tx(1), 6, at(7));
        assert_eq!(states(&ledger)[0], "confirmed in block 6 at 1970-01-01T00:00:07Z");
    }

    /// The ledger and the store's table go by the same rules.
    #[test]
    fn what_the_store_keeps_is_what_was_told() {
        let seen = |byte: u8| {
            let moved = Expected {
                position: None,
                from: Some(Address::Evm([byte; 20])),
                to: Some(Address::Evm([2; 20])),
                asset: Asset::native(Chain::ETHEREUM),
                amount: U256::from(7),
            };
            (tx(byte), PendingNews::Seen { moves: vec![moved], is_whole: true })
        };
        let news = [
            seen(1),
            seen(2),
            seen(3),
            (tx(1), PendingNews::Confirmed { height: 5 }),
            (tx(2), PendingNews::Replaced { by: Some(tx(1)) }),
            (tx(2), PendingNews::Dropped),
            (tx(1), PendingNews::Confirmed { height: 5 }),
            (tx(3), PendingNews::Dropped),
            (tx(3), PendingNews::Confirmed { height: 6 }),
            (tx(3), PendingNews::Gone),
            (tx(2), PendingNews::Gone),
            seen(2),
            seen(4),
        ];
        let store = Store::open_in_memory().expect("opens");
        let mut ledger = Ledger::default();
        for (n, (tx, news)) in (0i64..).zip(news) {
            ledger.take(tx, &news, at(n));
            store.tell_pending(&[(tx, news)], at(n)).expect("keeps");
            assert_eq!(noted(&store, Chain::ETHEREUM).expect("reads"), ledger, "after {n}");
        }
    }
}
