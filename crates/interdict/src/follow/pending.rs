//! Transfers of watched addresses that are in no block yet, and what became of them.
//!
//! Kept apart from everything that happened: in a note of the follower, never in a view. A trace does not
//! see them.
//!
//! ```text
//! seen ─► confirmed   its transaction is in a block ─► seen again when the block is taken back
//!      ├► replaced    another transaction spent what it spends
//!      └► dropped     the node forgot it
//! ```

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use model::{Chain, Timestamp, Transfer, TxId};
use serde::{Deserialize, Serialize};
use store::Store;

/// The name of the note.
pub const NOTE: &str = "pending";
/// What became of older ones is forgotten.
const KEPT_MAX: usize = 10_000;

/// One transfer, as `interdict transfers --pending` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    Seen,
    Confirmed { height: u64, at: Timestamp },
    Replaced { by: Option<String>, at: Timestamp },
    Dropped { at: Timestamp },
}

/// What is known of the unconfirmed transfers of one chain, the earliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger {
    transfers: Vec<PendingTransfer>,
}

impl Ledger {
    /// A transaction that is in no block. One that was known is open again.
    pub fn seen(&mut self, tx: TxId, transfers: Vec<PendingTransfer>) {
        let known = tx.hash_text();
        if self.transfers.iter().any(|row| row.tx == known) {
            return self.set(tx, |_| true, &State::Seen);
        }
        self.transfers.extend(transfers);
        let over = self.transfers.len().saturating_sub(KEPT_MAX);
        self.transfers.drain(..over);
    }

    /// Its transaction is in a block: also where the node had forgotten it.
    pub fn confirmed(&mut self, tx: TxId, height: u64, at: Timestamp) {
        self.set(tx, |_| true, &State::Confirmed { height, at });
    }

    /// By which other transaction is not always known.
    pub fn replaced(&mut self, tx: TxId, by: Option<TxId>, at: Timestamp) {
        let by = by.map(|by| by.hash_text());
        self.set(tx, PendingTransfer::is_open, &State::Replaced { by, at });
    }

    pub fn dropped(&mut self, tx: TxId, at: Timestamp) {
        self.set(tx, PendingTransfer::is_open, &State::Dropped { at });
    }

    /// Transactions of which nobody knows yet what becomes of them.
    pub fn open(&self, chain: Chain) -> BTreeSet<TxId> {
        let open = self.transfers.iter().filter(|row| row.is_open());
        open.filter_map(|row| TxId::parse(&row.tx, chain)).collect()
    }

    pub fn transfers(&self) -> &[PendingTransfer] {
        &self.transfers
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and times become JSON")
    }

    fn set(&mut self, tx: TxId, which: impl Fn(&PendingTransfer) -> bool, state: &State) {
        let tx = tx.hash_text();
        for row in self.transfers.iter_mut().filter(|row| row.tx == tx && which(row)) {
            row.state = state.clone();
        }
    }
}

impl PendingTransfer {
    pub fn of(transfer: &Transfer, seen: Timestamp) -> PendingTransfer {
        let chain = transfer.tx.chain;
        let text = |end: &Option<model::Address>| end.as_ref().map(|address| address.text(chain));
        PendingTransfer {
            tx: transfer.tx.hash_text(),
            position: Some(transfer.position.to_string()),
            from: text(&transfer.from),
            to: text(&transfer.to),
            asset: transfer.asset.to_string(),
            amount: transfer.amount.to_string(),
            seen,
            state: State::Seen,
        }
    }

    fn is_open(&self) -> bool {
        self.state == State::Seen
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

/// What the follower of a chain noted.
pub fn noted(store: &Store, chain: Chain) -> Result<Ledger> {
    let followed = store.followed()?.into_iter().find(|followed| followed.chain == chain);
    let Some(text) = followed.as_ref().and_then(|followed| followed.notes.get(NOTE)) else {
        return Ok(Ledger::default());
    };
    serde_json::from_str(text)
        .with_context(|| format!("the pending transfers of {} cannot be read", chain.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Address, Asset, Position, TimeSource, TransferKind, TxHash, U256};

    fn tx(byte: u8) -> TxId {
        TxId { chain: Chain::ETHEREUM, hash: TxHash::new(&[byte; 32]) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn transfer(byte: u8) -> Transfer {
        Transfer {
            tx: tx(byte),
            position: Position::Call(Box::default()),
            height: None,
            tx_index: None,
            time: at(0),
            time_source: TimeSource::Stated,
            from: Some(Address::Evm([1; 20])),
            to: Some(Address::Evm([2; 20])),
            asset: Asset::native(Chain::ETHEREUM),
            amount: U256::from(7),
            kind: TransferKind::Value,
        }
    }

    fn rows(byte: u8) -> Vec<PendingTransfer> {
        vec![PendingTransfer::of(&transfer(byte), at(1))]
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
    fn a_note_is_read_back() {
        let mut ledger = Ledger::default();
        ledger.seen(tx(1), rows(1));
        ledger.seen(tx(2), rows(2));
        ledger.confirmed(tx(1), 5, at(3));
        assert_eq!(serde_json::from_str::<Ledger>(&ledger.text()).expect("JSON"), ledger);
    }
}
