//! One block of a stream.

use model::{BlockFact, Evidence, Fact, Position, Transfer, TransferKind, TxId, UtxoTransaction};

/// Its buffers are used again for the next block: take what is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub header: BlockFact,
    /// Of an account chain, in the order of the chain; those of one transaction
    /// stand together.
    pub transfers: Vec<Transfer>,
    /// Transactions that were reverted: of them only the fee is among the transfers.
    pub failed: Vec<TxId>,
    /// Of Bitcoin: the coinbase first, every input with the output it spends.
    pub transactions: Vec<UtxoTransaction>,
}

impl Block {
    /// Transfers, or on Bitcoin inputs and outputs.
    pub fn transfer_count(&self) -> u64 {
        let legs = self.transactions.iter().map(|tx| tx.inputs.len() + tx.outputs.len());
        (self.transfers.len() + legs.sum::<usize>()) as u64
    }

    /// What an importer of the chain itself would state, the block first. Empties the block.
    pub fn drain_facts(&mut self) -> impl Iterator<Item = Fact> + '_ {
        let transfers = self.transfers.drain(..).map(|transfer| {
            let evidence = evidence(&transfer);
            Fact::Transfer { transfer, evidence }
        });
        std::iter::once(Fact::Block(self.header.clone()))
            .chain(transfers)
            .chain(self.failed.drain(..).map(|tx| Fact::Failed { tx }))
            .chain(self.transactions.drain(..).map(Fact::Utxo))
    }

    pub(crate) fn clear(&mut self, header: BlockFact) {
        self.header = header;
        self.transfers.clear();
        self.failed.clear();
        self.transactions.clear();
    }
}

fn evidence(transfer: &Transfer) -> Evidence {
    match &transfer.position {
        Position::Log(_) => Evidence::Log,
        Position::Call(path) if !path.is_empty() => Evidence::Trace,
        _ if transfer.kind == TransferKind::Reward => Evidence::Trace,
        _ => Evidence::Transaction,
    }
}
