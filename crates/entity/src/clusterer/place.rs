//! Where in a chain a transaction stands: what orders transactions in time.

use model::{Timestamp, Transfer, TxHash, UtxoTransaction};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub time: Timestamp,
    pub height: Option<u64>,
    pub index: Option<u32>,
    pub hash: TxHash,
}

impl Place {
    pub fn of_utxo(tx: &UtxoTransaction) -> Place {
        Place { time: tx.time, height: tx.height, index: tx.index, hash: tx.id.hash }
    }

    pub fn of_transfer(transfer: &Transfer) -> Place {
        let Transfer { tx, height, tx_index, time, .. } = transfer;
        Place { time: *time, height: *height, index: *tx_index, hash: tx.hash }
    }
}
