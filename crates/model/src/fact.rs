//! What importers hand over and stores keep.

use crate::{
    AssetMeta, Chain, Freeze, Timestamp, Transfer, TransferId, TxHash, TxId, UtxoTransaction,
};

/// One thing a source says. A store takes all facts of a file or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Transfer {
        transfer: Transfer,
        evidence: Evidence,
    },
    Utxo(UtxoTransaction),
    Block(BlockFact),
    /// Every value-moving call of this block is given by traces: they replace
    /// what the transactions themselves said of native value.
    TracesCover {
        chain: Chain,
        height: u64,
    },
    /// The transaction was reverted: only its fee moved.
    Failed {
        tx: TxId,
    },
    /// The event at this log index moves a non-fungible token: whatever another
    /// source took for its amount is the token's id.
    NftLog {
        tx: TxId,
        log_index: u32,
    },
    Asset(AssetMeta),
    /// What the miner of a block wrote into its reward transaction, which its id commits to: true of
    /// that transaction whichever chain it stands on.
    Coinbase {
        tx: TxId,
        script: Box<[u8]>,
    },
    Freeze(Freeze),
    Oddity(Oddity),
}

/// What kind of record a transfer was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// A plain row: somebody's table.
    Row,
    /// The transaction itself: native value and fee.
    Transaction,
    Trace,
    Log,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockFact {
    pub chain: Chain,
    pub hash: Option<TxHash>,
    pub parent: Option<TxHash>,
    /// Unknown for a Bitcoin block before BIP 34: its header chain tells.
    pub height: Option<u64>,
    pub time: Timestamp,
    /// Expected hashes to find it, on Bitcoin: the sum decides between forks.
    pub work: Option<[u8; 32]>,
}

/// Something strange that did not stop the import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// File and line, or block and transaction.
    pub at: String,
    pub what: String,
    pub transfer: Option<TransferId>,
}
